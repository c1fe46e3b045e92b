import pytest
import yaml

from conformance.cluster.toolbox import MissingTool
from conformance.offline import products, setup
from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.graph import Substitute
from conformance.offline.image import Built, substitute, trim
from conformance.offline.machine import Machine
from conformance.offline.workshop import NotMade, Workshop
from conformance.world.progress import Silent

_VERSIONS = {"github.com/coredns/coredns": "v1.13.1"}


def _machine(**facts):
    known = {
        "is_root": True,
        "has_apt": True,
        "may_raise_limits": True,
        "lists_modules": True,
        "has_unified_cgroups": True,
        "architecture": "x86_64",
        "cores": 2,
        "memory": 8.0,
    }
    return Machine(**{**known, **facts})


@pytest.fixture
def workshop(tmp_path):
    return Workshop(Cache(tmp_path), Commands(tmp_path / "logs", tmp_path / "running"), _machine(), Silent())


@pytest.mark.parametrize(
    ("facts", "kubelet"),
    [
        pytest.param({}, None, id="an ordinary machine needs none"),
        pytest.param({"may_raise_limits": False}, {"oomScoreAdj": 0}, id="no right to raise limits"),
        pytest.param({"has_unified_cgroups": False}, {"cgroupDriver": "cgroupfs", "failCgroupV1": False}, id="the older control groups"),
    ],
)
def test_kubelets_are_told_what_this_machine_cannot_do(facts, kubelet):
    (document,) = products.kind_patches(_machine(**facts), _VERSIONS)
    patches = [yaml.safe_load(text) for text in document["kubeadmConfigPatches"]]
    found = next(
        ({key: value for key, value in patch.items() if key != "kind"} for patch in patches if patch["kind"] == "KubeletConfiguration"),
        None,
    )
    assert found == kubelet


def test_kubeadm_is_told_the_coredns_that_was_built():
    (document,) = products.kind_patches(_machine(), _VERSIONS)
    assert {"kind": "ClusterConfiguration", "dns": {"imageTag": "v1.13.1"}} == yaml.safe_load(document["kubeadmConfigPatches"][0])


def test_helm_values_name_the_image_that_was_built(workshop, tmp_path):
    template = tmp_path / "offline.yaml"
    template.write_text('image: {repository: "{{ repository }}", tag: "{{ tag }}", override: "{{ image }}"}')
    file = products.values(workshop, template, Built("registry.example:5000/cni/cilium:v1", tmp_path / "image.tar"))
    assert {
        "image": {"repository": "registry.example:5000/cni/cilium", "tag": "v1", "override": "registry.example:5000/cni/cilium:v1"}
    } == yaml.safe_load(file.read_text())


def test_a_workshop_that_only_looks_makes_nothing_and_names_the_phase(tmp_path):
    workshop = Workshop(Cache(tmp_path), Commands(tmp_path / "logs", tmp_path / "running"), _machine(), Silent(), only_looks=True)
    with pytest.raises(NotMade) as caught:
        workshop.provide("compile it", "thing", {"a": 1}, lambda target: pytest.fail("made"))
    assert ("compile it", False) == (caught.value.what, (tmp_path / "thing").exists())


def test_trim_removes_what_the_patterns_name(tmp_path):
    for name in ("usr/lib/one/big/file", "usr/lib/two/big/file", "usr/lib/two/small"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "usr/lib/link").symlink_to("two")
    trim(tmp_path, ("usr/lib/*/big", "usr/lib/link", "usr/share/nothing"))
    assert ["usr/lib/two/small"] == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir())


_EDIT = Substitute(file="/bin/agent", path="/proc/modules", instead="/run/.modules", modules=("ip_tables", "xt_socket"))


def test_the_edit_moves_nothing_in_the_binary_and_writes_the_list(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/agent").write_bytes(b"\0before/proc/modules\0after")
    substitute(tmp_path, _EDIT)
    assert b"\0before/run/.modules\0after" == (tmp_path / "bin/agent").read_bytes()
    assert ["ip_tables", "xt_socket"] == [line.split()[0] for line in (tmp_path / "run/.modules").read_text().splitlines()]


@pytest.mark.parametrize("content", [pytest.param(b"nothing", id="not there"), pytest.param(b"/proc/modules /proc/modules", id="twice")])
def test_an_edit_that_does_not_fit_is_refused(tmp_path, content):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/agent").write_bytes(content)
    with pytest.raises(BrokenSetup, match="fits another version"):
        substitute(tmp_path, _EDIT)
    assert (tmp_path / "bin/agent").read_bytes() == content


class _Plugin:
    name = "ptp"
    offline = None
    folder = None


def test_in_an_empty_cache_everything_is_missing_by_name_and_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
    monkeypatch.setattr("conformance.offline.machine.os.geteuid", lambda: 0)
    monkeypatch.setattr("conformance.offline.apt.needed", dict)  # what apt has to install differs from machine to machine
    names = {tool.name for tool in setup.missing(_Plugin())}
    built = [
        path
        for kind in tmp_path.iterdir()
        for path in kind.iterdir()
        if kind.name.startswith(("binaries", "image", "node", "store", "files"))
    ]
    assert (
        True,
        True,
        [],
    ) == (names >= {"files of probe", "files of kube-proxy"}, bool(names & {"compile kubernetes", "Go toolchain"}), built)


def test_without_root_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
    monkeypatch.setattr("conformance.offline.machine.os.geteuid", lambda: 1000)
    assert setup.missing(_Plugin()) == (
        MissingTool("root", "the private engine and its images need it", "sudo cni-conformance run --setup"),
    )
    with pytest.raises(BrokenSetup, match="need root: run it as root"):
        setup.provide(_Plugin(), Silent())


def test_a_disk_that_is_too_small_is_said_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
    monkeypatch.setattr("conformance.offline.machine.os.geteuid", lambda: 0)
    monkeypatch.setattr("conformance.offline.setup._gaps", lambda plugin: ["compile kubernetes"])
    monkeypatch.setattr("conformance.offline.setup._SPACE", 10**9)
    with pytest.raises(BrokenSetup, match="GiB free and building takes"):
        setup.provide(_Plugin(), Silent())


def test_dropping_what_was_only_needed_to_build_keeps_what_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
    for name in (
        "go/mod",
        "files/a",
        "image-cilium/b",
        "node-base/c",
        "store/d",
        "binaries-kubernetes/e",
        "engine/data",
        "clusters/x",
        "tools/f",
    ):
        (tmp_path / name).mkdir(parents=True)
    setup.drop_intermediates()
    assert ["binaries-kubernetes", "clusters", "engine", "tools"] == sorted(path.name for path in tmp_path.iterdir())

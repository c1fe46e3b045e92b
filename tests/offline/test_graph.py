import pytest

from conformance import data
from conformance.offline import graph
from conformance.offline.golang import output_name
from conformance.offline.graph import Binary, InvalidGraph


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "go.mod").write_text("module example.invalid/x\n\ngo 1.24.0\n\nrequire example.com/tool/v2 v2.3.4\n")
    return tmp_path


def _load(folder, text):
    (folder / "build.yaml").write_text(text)
    return graph.load(folder)


def test_versions_come_from_single_and_grouped_requirements():
    versions = graph.required_versions(data.folder("fixtures") / "offline" / "kubernetes" / "go.mod")
    pinned = {name: versions[name] for name in ("k8s.io/kubernetes", "sigs.k8s.io/kind", "helm.sh/helm/v3", "go.etcd.io/etcd/server/v3")}
    assert {
        "k8s.io/kubernetes": "v1.34.4",
        "sigs.k8s.io/kind": "v0.30.0",
        "helm.sh/helm/v3": "v3.19.0",
        "go.etcd.io/etcd/server/v3": "v3.6.5",
    } == pinned


def test_every_staging_module_of_kubernetes_has_the_version_of_kubernetes():
    folder = data.folder("fixtures") / "offline" / "kubernetes"
    replaced = [line.split() for line in (folder / "go.mod").read_text().splitlines() if " => k8s.io/" in line]
    expected = "v0" + graph.required_versions(folder / "go.mod")["k8s.io/kubernetes"].removeprefix("v1")
    assert {words[3] for words in replaced} == {expected}
    assert len(replaced) > 25


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (data.folder("fixtures") / "offline").glob("*/build.yaml")))
def test_every_graph_of_the_fixtures_can_be_read(name):
    known = graph.load(data.folder("fixtures") / "offline" / name)
    assert known.images
    assert all(image.packages or image.binaries for image in known.images)


def test_versions_fill_the_template(folder):
    known = _load(
        folder,
        "binaries: {tool: {package: example.com/tool/v2}}\n"
        'images: [{name: tool, reference: "x/tool:{{ versions["example.com/tool/v2"] }}", binaries: {tool: /tool}}]\n',
    )
    assert ("x/tool:v2.3.4", (1, 24)) == (known.images[0].reference, graph.needed_go(folder))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("images: [{name: a, reference: b, pakages: [x]}]", "a: unknown pakages; known are", id="unknown key of an image"),
        pytest.param("binaries: {a: {package: b, flags: [c]}}", "a: unknown flags; known are package, tags", id="unknown key of a binary"),
        pytest.param("binaries: {a: {}}", "package", id="missing key"),
        pytest.param(
            "images: [{name: a, reference: b, binaries: {c: /c}}]", "image a wants binaries that are not built: c", id="not built"
        ),
        pytest.param("images: [", "expected the node content", id="no YAML"),
        pytest.param('a: "{{ versions.nothing }}"', "has no attribute 'nothing'", id="a version that go.mod does not pin"),
    ],
)
def test_a_fault_is_named_with_the_file(folder, text, sentence):
    with pytest.raises(InvalidGraph) as caught:
        _load(folder, text)
    assert str(folder / "build.yaml") in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("package", "name"),
    [
        pytest.param("k8s.io/kubernetes/cmd/kubelet", "kubelet", id="last part"),
        pytest.param("go.etcd.io/etcd/server/v3", "server", id="before a major version"),
        pytest.param("./coredns", "coredns", id="a folder of the graph"),
    ],
)
def test_a_program_is_called_as_go_calls_it(package, name):
    assert output_name(Binary("any", package)) == name

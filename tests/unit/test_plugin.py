"""Reading a plugin's descriptor: what a good one becomes, and what each fault of a bad one is told."""

from pathlib import Path

import pytest

from conformance.cluster.descriptor_file import InvalidPlugin
from conformance.cluster.plugin import (
    Helm,
    ImageOf,
    InPod,
    Manifest,
    NodeCommand,
    NodeFile,
    OnNode,
    Routes,
    Workload,
    load,
    names,
    with_manifest,
)

GOOD = """\
name: sample
title: Sample
version: "1.2"
about: A sample.
homepage: https://sample.example/
enforces: true
families: [ipv4, dual]
kind: kind.yaml
install:
  - helm: {release: sample, namespace: ns, chart: sample, repository: "https://sample.example/c", version: "1.2", values: values.yaml}
  - manifest: {url: "https://sample.example/sample.yaml"}
  - node-command: {run: [modprobe, sample], because: the kernel needs it}
  - node-file: {path: /etc/cni/net.d/10-sample.conflist, template: conflist.json}
  - routes: static
ready:
  - daemonset: kube-system/sample
version-probe: {image-of: kube-system/sample}
capabilities: [ipv4]
known-deviations:
  - {scenario: a-scenario, because: it is so, source: "https://sample.example/1"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sample"
    path.mkdir()
    for name, text in {"kind.yaml": "kind: Cluster\nfamily: {{ family }}\n", "values.yaml": "a: 1\n", "conflist.json": "{}\n"}.items():
        (path / name).write_text(text)
    (path / "plugin.yaml").write_text(GOOD)
    return path


def test_a_good_descriptor_becomes_a_value(folder: Path) -> None:
    plugin = load(str(folder))
    assert ("sample", "1.2", True, "dual") == (plugin.name, plugin.version, plugin.enforces, plugin.default_family)
    assert plugin.install == (
        Helm("sample", "ns", "sample", "https://sample.example/c", "1.2", "values.yaml"),
        Manifest(url="https://sample.example/sample.yaml"),
        NodeCommand(("modprobe", "sample"), "the kernel needs it"),
        NodeFile("/etc/cni/net.d/10-sample.conflist", "conflist.json"),
        Routes("static"),
    )
    assert plugin.ready == (Workload("daemonset", "kube-system", "sample"),)
    assert plugin.version_probe == ImageOf("kube-system", "sample")
    assert "https://sample.example/1" == plugin.known_deviations[0].source


FAULTS = {
    "a key that nobody knows": ("title: Sample", "title: Sample\ntitel: x", [":3: unknown key 'titel'", "    titel: x\n    ^"]),
    "a key that is missing": ("title: Sample\n", "", [":1: missing: title"]),
    "a key that stands twice": ("title: Sample", "title: Sample\ntitle: Other", [":3: the key 'title' stands here twice"]),
    "a family that does not exist": ("[ipv4, dual]", "[ipv4, ipv5]", [":7: 'ipv5' is none of ipv4, ipv6, dual", " " * 20 + "^"]),
    "a word in place of true or false": ("enforces: true", "enforces: sometimes", [':6: this is "sometimes", not of type boolean']),
    "an install step that nobody knows": (
        "routes: static",
        "routers: static",
        [":14: unknown key 'routers' (known: helm, manifest, node-command"],
    ),
    "two steps in one": ("  - routes: static", "    routes: static", [":13: exactly one of these keys: helm, manifest"]),
    "a file that is not there": ("template: conflist.json", "template: other.json", [":13: there is no file other.json"]),
    "a path where a file name is wanted": (
        "kind: kind.yaml",
        "kind: ../kind.yaml",
        [":8: '../kind.yaml' does not look right here: the name of a file beside plugin.yaml"],
    ),
    "a URL that is none": ("https://sample.example/1", "sample.example", [":20: 'sample.example' does not look right"]),
    "a name that is not the folder's": ("name: sample", "name: simple", [":1: the folder is called 'sample', the plugin 'simple'"]),
    "a version probe of no known form": ("{image-of: kube-system/sample}", "{pattern: x}", [":17: one of these forms", "{image-of}"]),
    "a pattern without a group": (
        "{image-of: kube-system/sample}",
        "{node-command: [a], pattern: x}",
        [":17: the pattern needs exactly one group"],
    ),
    "a pattern that is no regular expression": (
        "{image-of: kube-system/sample}",
        "{node-command: [a], pattern: '('}",
        [":17: not a regular expression"],
    ),
    "text that is not YAML": ("title: Sample", "title: [Sample", [":3: not YAML"]),
    "two faults at once": (
        "about: A sample.\nhomepage: https",
        "abuot: A sample.\nhomepage: htps",
        [":4: unknown key 'abuot'", ":5: 'htps://"],
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line(folder: Path, old: str, new: str, told: list[str]) -> None:
    assert old in GOOD
    (folder / "plugin.yaml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InvalidPlugin) as caught:
        load(str(folder))
    assert [] == [each for each in told if each not in str(caught.value)], str(caught.value)


def test_an_empty_file_is_told(folder: Path) -> None:
    (folder / "plugin.yaml").write_text("# nothing\n")
    with pytest.raises(InvalidPlugin, match="the file is empty"):
        load(str(folder))


def test_a_template_with_a_syntax_fault_is_told_with_its_line(folder: Path) -> None:
    (folder / "kind.yaml").write_text("kind: Cluster\n{% for %}\n")
    with pytest.raises(InvalidPlugin, match=r":8: kind\.yaml, line 2: "):
        load(str(folder))


def test_a_template_gets_its_values_and_misses_none(folder: Path) -> None:
    plugin = load(str(folder))
    assert "kind: Cluster\nfamily: dual\n" == plugin.render("kind.yaml", family="dual")
    with pytest.raises(InvalidPlugin, match="'family' is undefined"):
        plugin.render("kind.yaml")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidPlugin, match=r"there is no plugin 'celium'\. There are: .*cilium, .*ptp"):
        load("celium")


def test_a_folder_without_a_descriptor_is_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(InvalidPlugin, match="there is no plugin"):
        load(str(tmp_path))


def test_the_plugins_of_the_suite_are_those_of_its_folder() -> None:
    calicos = ["calico", "calico-ebpf"]
    ciliums = ["cilium", "cilium-conformant", "cilium-default", "cilium-native"]
    flannels = ["flannel", "flannel-netpol"]
    assert ["antrea", "bridge", *calicos, *ciliums, *flannels, "kindnet", "kube-network-policies", "kube-router", "ptp", "weave"] == names()


def test_forms_of_version_probes() -> None:
    assert isinstance(load("cilium").version_probe, InPod)
    assert isinstance(load("ptp").version_probe, OnNode)
    assert load("calico").version_probe == ImageOf("kube-system", "calico-node")


def test_the_first_mode_of_kube_proxy_is_its_default(folder: Path) -> None:
    assert ("nftables", "iptables") == load(str(folder)).kube_proxy
    (folder / "plugin.yaml").write_text(GOOD + "kube-proxy: [iptables]\n")
    assert ("iptables",) == load(str(folder)).kube_proxy


def test_another_manifest_takes_the_place_of_the_published_one(tmp_path: Path) -> None:
    file = tmp_path / "weave.yaml"
    file.write_text("{}")
    assert with_manifest(load("weave"), str(file)).install == (Manifest(file=str(file)),)
    assert with_manifest(load("weave"), "https://mirror.example/w.yaml").install == (Manifest(url="https://mirror.example/w.yaml"),)


def test_another_manifest_needs_a_manifest_to_replace_and_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidPlugin, match="plugin ptp is installed from 0 manifests"):
        with_manifest(load("ptp"), "https://mirror.example/p.yaml")
    with pytest.raises(InvalidPlugin, match="there is no manifest"):
        with_manifest(load("weave"), str(tmp_path / "none.yaml"))


def test_a_cell_of_a_known_deviation_that_cannot_be_read_is_told_when_the_plugin_is_loaded(folder: Path) -> None:
    (folder / "plugin.yaml").write_text(GOOD.replace("because: it is so,", "because: it is so, cells: [a to b],"))
    with pytest.raises(InvalidPlugin, match="the cell 'a to b' is not written as"):
        load(str(folder))


def test_a_plugin_of_the_same_code_shares_the_known_deviations_of_the_other(folder: Path) -> None:
    (folder / "plugin.yaml").write_text(GOOD + "same-deviations-as: cilium\n")
    assert [*(each.source for each in load("cilium").known_deviations), "https://sample.example/1"] == [
        each.source for each in load(str(folder)).known_deviations
    ]
    (folder / "plugin.yaml").write_text(GOOD + "same-deviations-as: calcium\n")
    with pytest.raises(InvalidPlugin, match="there is no plugin 'calcium'"):
        load(str(folder))

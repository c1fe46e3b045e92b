"""The descriptors that the suite brings along: each renders, for every family that it says it carries."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from conformance import data
from conformance.cluster.plugin import Helm, NodeFile, load, names
from conformance.cluster.ranges import configuration
from conformance.cluster.toolbox import Toolbox

TOOLBOX = Toolbox(docker=Path("docker"), kind=Path("kind"))
RANGES = {"ipv4": ["10.244.1.0/24"], "ipv6": ["fd00:10:244:1::/64"], "dual": ["10.244.1.0/24", "fd00:10:244:1::/64"]}
PAIRS = [(name, family) for name in names() for family in load(name).families]


@pytest.mark.parametrize(("name", "family"), PAIRS)
def test_the_kind_configuration_has_the_family_and_the_nodes(name: str, family: str) -> None:
    values = {"name": "x", "family": family, "workers": 3, "kube_proxy": "iptables"}
    content = yaml.safe_load(configuration(load(name), TOOLBOX, values))
    assert content["networking"]["ipFamily"] == family
    assert "iptables" == content["networking"]["kubeProxyMode"]
    assert content["networking"]["disableDefaultCNI"] == (name != "kindnet")
    assert ["control-plane", "worker", "worker", "worker"] == [node["role"] for node in content["nodes"]]


@pytest.mark.parametrize(("name", "family"), PAIRS)
def test_every_template_of_the_install_steps_renders(name: str, family: str) -> None:
    plugin = load(name)
    values = {"name": "x", "family": family, "workers": 2, "kube_proxy": "nftables"}
    for step in plugin.install:
        if isinstance(step, Helm) and step.values:
            assert isinstance(yaml.safe_load(plugin.render(step.values, **values)), dict)
        if isinstance(step, NodeFile):
            content = json.loads(plugin.render(step.template, **values, node="n", pod_ranges=RANGES[family]))
            ipam = content["plugins"][0]["ipam"]
            assert [each[0]["subnet"] for each in ipam["ranges"]] == RANGES[family]


@pytest.mark.parametrize(("name", "family"), [pair for pair in PAIRS if pair[0].startswith("cilium")])
def test_cilium_carries_exactly_the_families_of_the_cluster(name: str, family: str) -> None:
    content = yaml.safe_load(load(name).render("values.yaml", family=family))
    assert (content["ipv4"]["enabled"], content["ipv6"]["enabled"]) == (family != "ipv6", family != "ipv4")


@pytest.mark.parametrize("name", names())
def test_capabilities_are_those_of_the_catalogue(name: str) -> None:
    known = yaml.safe_load((data.folder("scenarios") / "capabilities.yaml").read_text())
    plugin = load(name)
    assert [] == sorted(plugin.capabilities - set(known))
    assert {"ipv4", "ipv6"} & plugin.capabilities == {family for family in ("ipv4", "ipv6") if {family, "dual"} & set(plugin.families)}


def test_patches_of_the_toolbox_are_merged_into_the_configuration() -> None:
    patches = ({"networking": {"apiServerPort": 1}, "kubeadmConfigPatches": ["a"]}, {"kubeadmConfigPatches": ["b"]})
    box = replace(TOOLBOX, kind_patches=patches)
    content = yaml.safe_load(configuration(load("ptp"), box, {"name": "x", "family": "dual", "workers": 1, "kube_proxy": "nftables"}))
    assert 1 == content["networking"]["apiServerPort"]
    assert "dual" == content["networking"]["ipFamily"]
    assert ["a", "b"] == content["kubeadmConfigPatches"][1:]


@pytest.mark.parametrize(("family", "patched"), [("dual", True), ("ipv4", True), ("ipv6", False)])
def test_nodes_of_our_own_clusters_have_few_ipv4_addresses_for_pods(family: str, *, patched: bool) -> None:
    content = yaml.safe_load(configuration(load("ptp"), TOOLBOX, {"name": "x", "family": family, "workers": 1, "kube_proxy": "nftables"}))
    patches = content.get("kubeadmConfigPatches", ())
    assert patched == any("node-cidr-mask-size-ipv4: '26'" in patch for patch in patches)

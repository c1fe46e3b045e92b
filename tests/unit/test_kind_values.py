"""The kind provider's pure parts: networks, hosts, what is kept on disk."""

import json
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest

from conformance.cluster import kind, network, outside, state
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.install import ways
from conformance.cluster.kind_cluster import KindCluster, cluster_of, document, kind_name, toolbox_of
from conformance.cluster.network import Network
from conformance.cluster.plugin import load
from conformance.cluster.ready import NodeFacts
from conformance.cluster.toolbox import Toolbox

NETWORK = Network("cni-conformance", IPv4Network("198.18.16.0/20"), IPv6Network("fd00:1:0:2::/64"))


def toolbox() -> Toolbox:
    """A toolbox with every field filled."""
    return Toolbox(
        docker=Path("/usr/bin/docker"),
        kind=Path("/usr/bin/kind"),
        helm=Path("/usr/bin/helm"),
        environment={"DOCKER_HOST": "unix:///run/x.sock"},
        node_image="node:1",
        images=("probe:1",),
        probe_image="probe:1",
        charts={"cilium": Path("/charts/cilium")},
        values={"cilium": (Path("/values/cilium.yaml"),)},
        subnets=("198.18.0.0/15", "fd00:1::/48"),
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
    return tmp_path


def test_each_host_has_sixteen_slots_in_a_range_of_its_own() -> None:
    alpha, beta = outside.hosts(NETWORK, "dual", Path("docker"), {})
    assert ("alpha", "beta") == (alpha.name, beta.name)
    assert ["198.18.24.11", "fd00:1:0:2:8::b"] == [str(each) for each in alpha.slots[0]]
    assert ["198.18.28.26", "fd00:1:0:2:c::1a"] == [str(each) for each in beta.slots[15]]
    assert [16, 16] == [len(host.slots) for host in (alpha, beta)]
    every = [address for host in (alpha, beta) for slot in host.slots for address in slot]
    assert 64 == len(set(every))


def test_one_range_holds_both_hosts_and_no_node() -> None:
    both4, both6 = IPv4Network("198.18.24.0/21"), IPv6Network("fd00:1:0:2:8::/77")
    every = [address for host in outside.hosts(NETWORK, "dual", Path("docker"), {}) for slot in host.slots for address in slot]
    assert all(address in (both4 if address.version == 4 else both6) for address in every)
    nodes6 = NETWORK.piece6(0)
    assert not both4.overlaps(NETWORK.piece4(0))
    assert nodes6 is not None
    assert not both6.overlaps(nodes6)


@pytest.mark.parametrize(("family", "versions"), [("ipv4", [4]), ("ipv6", [6]), ("dual", [4, 6])])
def test_a_slot_has_the_families_of_the_pods(family: str, versions: list[int]) -> None:
    alpha = outside.hosts(NETWORK, family, Path("docker"), {})[0]
    assert [address.version for address in alpha.slots[0]] == versions


def test_networks_start_at_a_place_that_the_name_decides_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_routes", list)
    pools = ("198.18.0.0/15", "fd00:1::/48")
    one = list(network._candidates("one", pools, has_ipv6=True))  # noqa: SLF001
    assert next(iter(network._candidates("one", pools, has_ipv6=True))) == one[0]  # noqa: SLF001
    assert 32 == len({each.range4 for each in one})
    assert all(each.range4.subnet_of(IPv4Network("198.18.0.0/15")) for each in one)
    assert all(each.range6 is not None and each.range6.subnet_of(IPv6Network("fd00:1::/48")) for each in one)


def test_a_range_with_a_route_on_this_machine_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_routes", lambda: [IPv4Network("198.18.0.0/16"), IPv6Network("fd00:1::/63")])
    found = list(network._candidates("one", ("198.18.0.0/15", "fd00:1::/48"), has_ipv6=True))  # noqa: SLF001
    assert found
    assert all(each.range4.subnet_of(IPv4Network("198.19.0.0/16")) for each in found)
    assert all(each.range6 is not None and not each.range6.overlaps(IPv6Network("fd00:1::/63")) for each in found)


def test_the_routes_of_this_machine_are_read_as_the_kernel_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "/proc/net/route": [
            "Iface\tDestination\tGateway",
            "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
            "br0\t001012C6\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0",
        ],
        "/proc/net/ipv6_route": [
            "fd000001000000020000000000000000 40 00000000000000000000000000000000 00 0 0 0 0 0 br0",
            "00000000000000000000000000000000 00 00000000000000000000000000000000 00 0 0 0 0 0 lo",
        ],
    }
    monkeypatch.setattr(network, "_lines", tables.__getitem__)
    assert ["198.18.16.0/20", "fd00:1:0:2::/64"] == [str(each) for each in network._routes()]  # noqa: SLF001


def test_a_pool_that_is_too_small_is_told() -> None:
    with pytest.raises(BrokenCluster, match=r"the pool 198\.18\.0\.0/24 is too small"):
        list(network._candidates("one", ("198.18.0.0/24",), has_ipv6=False))  # noqa: SLF001


def _cluster() -> KindCluster:
    hosts = outside.hosts(NETWORK, "dual", Path("/usr/bin/docker"), {"DOCKER_HOST": "unix:///run/x.sock"})
    return KindCluster("x", "cilium", "dual", 2, "nftables", Path("/c/kubeconfig"), toolbox(), NETWORK, hosts)


def test_a_cluster_is_the_same_after_it_was_kept_as_json() -> None:
    content = json.loads(json.dumps(document(toolbox(), _cluster())))
    assert cluster_of("x", content) == _cluster()


def test_a_half_made_cluster_is_kept_with_what_its_removal_needs() -> None:
    state.write("x", document(toolbox()))
    content = state.read("x")
    assert content is not None
    assert toolbox_of(content) == toolbox()
    assert kind.known("x") is None
    assert [("x", None, False)] == [(each.name, each.cluster, each.is_answering) for each in kind.status()]


def test_what_is_not_there_is_not_known_and_needs_no_removal() -> None:
    assert kind.known("x") is None
    assert [] == kind.status()
    kind.down("x")
    assert [] == state.names()


def test_a_damaged_state_says_what_to_do(cache: Path) -> None:
    state.write("x", {})
    (cache / "clusters" / "x" / "state.json").write_text("{")
    with pytest.raises(BrokenCluster, match=r"is damaged .* remove the containers"):
        state.read("x")


def test_two_of_us_do_not_make_the_same_cluster() -> None:
    with state.lock("x"), pytest.raises(BrokenCluster, match="another run is making or removing cluster x"), state.lock("x"):
        raise AssertionError("the second lock was had")
    with state.lock("x"):
        pass


WRONG = {
    "a name with capitals": ({"name": "Mine"}, "--name Mine: small letters"),
    "a name that is too long": ({"name": "a" * 31}, "at most 30"),
    "a family that the plugin does not carry": ({"family": "ipv6", "plugin": load("calico")}, "plugin calico carries ipv4, not ipv6"),
    "no workers": ({"workers": 0}, "0 workers: at least one"),
    "a mode of kube-proxy that does not exist": (
        {"kube_proxy": "magic"},
        "plugin ptp runs beside kube-proxy of mode nftables, iptables, not magic",
    ),
    "a mode of kube-proxy beside which the plugin does not run": (
        {"kube_proxy": "nftables", "plugin": load("calico-ebpf")},
        "plugin calico-ebpf runs beside kube-proxy of mode iptables, not nftables",
    ),
}


@pytest.mark.parametrize(("change", "told"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_told_before_anything_is_made(change: dict[str, object], told: str, cache: Path) -> None:
    wanted = {"name": "x", "plugin": load("ptp"), "toolbox": toolbox(), **change}
    with pytest.raises(kind.InvalidCluster, match=told):
        kind.up(**wanted)  # type: ignore[arg-type]
    assert [] == list(cache.iterdir())


def test_the_name_for_kind_can_be_told_from_the_users_own() -> None:
    assert [
        "cni-conformance",
        "cni-conformance-b",
        "cni-conformance-b",
    ] == [kind_name(each) for each in ("cni-conformance", "cni-conformance-b", "b")]


def test_the_way_to_pods_is_by_the_node_of_the_same_family() -> None:
    node = NodeFacts(
        "n", (ip_address("198.18.16.3"), ip_address("fd00::3")), (ip_network("10.244.1.0/24"), ip_network("fd00:10:244:1::/64"))
    )
    assert [("10.244.1.0/24", "198.18.16.3"), ("fd00:10:244:1::/64", "fd00::3")] == [(str(one), str(other)) for one, other in ways([node])]

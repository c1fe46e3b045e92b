"""Live worlds: who shares one, who has to go for a new one, and what is left of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import in_host_network, pod, world
from standing import TARGET, TIMES, Noted, Standing

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin
from conformance.live import check_addresses
from conformance.scenario.layout import HostPlan, Layout, NamespacePlan, PodPlan, ServicePlan
from conformance.world.door import DoorPort
from conformance.world.place import Port
from conformance.world.verdict import Family, Protocol
from conformance.worlds import PORTS, Worlds


def layout(name: str = "api", *pods: PodPlan, hosts: tuple[str, ...] = (), services: dict[str, ServicePlan] | None = None) -> Layout:
    plans = {name: PodPlan(node="a"), **{f"more{number}": plan for number, plan in enumerate(pods)}}
    return Layout(None, {"shop": NamespacePlan({}, plans, services or {})}, dict.fromkeys(hosts, HostPlan((Port(80),))))


ONE, TWO = layout("one"), layout("two")
ALONE, ALONE_TOO = (layout(name, PodPlan(serves=(Port(19080),), node="a", is_host_network=True)) for name in ("alone", "too"))
GUEST = layout("guest", PodPlan(serves=(), node="a", is_host_network=True))


@pytest.fixture
def cluster() -> Noted:
    return Noted()


@pytest.fixture
def worlds(cluster: Noted) -> Worlds:
    return Worlds(cluster, TARGET, TIMES, "run", 0)


def standing(cluster: Noted) -> set[str]:
    """The namespaces of worlds, and the pods in them."""
    pods = {pod.name for pod in cluster.plane.endpoints.values() if pod.namespace.startswith("cc-")}
    return pods | {name for name in cluster.plane.namespaces if name.startswith("cc-")}


def test_one_layout_has_one_world(worlds: Worlds, cluster: Noted) -> None:
    assert worlds.take(ONE) is worlds.take(layout("one"))
    assert {"cc-run-00-shop", "one"} == standing(cluster)


@pytest.mark.parametrize(
    ("was_relabelled", "is_calm", "is_same"),
    [
        pytest.param(False, True, True, id="nothing has changed its labels"),
        pytest.param(True, False, True, id="nothing is watched"),
        pytest.param(True, True, False, id="what is watched might have a gap from before"),
    ],
)
def test_a_world_whose_labels_were_changed_is_not_watched(worlds: Worlds, was_relabelled: bool, is_calm: bool, is_same: bool) -> None:  # noqa: FBT001 - a row
    one = worlds.take(ONE)
    one.was_relabelled = was_relabelled

    assert is_same is (worlds.take(ONE, is_calm=is_calm) is one)


def test_a_process_has_one_world_at_a_time(worlds: Worlds, cluster: Noted) -> None:
    one = worlds.take(ONE)

    two = worlds.take(TWO)

    assert {"cc-run-01-shop", "two"} == standing(cluster)
    assert (False, False) == (one is two, one is worlds.take(ONE))


def test_ports_of_the_nodes_are_free_before_the_next_world_wants_them(worlds: Worlds, cluster: Noted) -> None:
    worlds.take(ALONE)
    cluster.notes.clear()

    worlds.take(ALONE_TOO)

    assert ["end world 00", "gone alone more0", "create too more0", "ready too more0"] == cluster.notes


def test_other_pods_are_not_waited_for(worlds: Worlds, cluster: Noted) -> None:
    worlds.take(GUEST)
    cluster.notes.clear()

    worlds.take(ONE)

    assert ["end world 00", "create one", "ready one"] == cluster.notes


def test_who_may_hurt_all_has_a_new_world(worlds: Worlds, cluster: Noted) -> None:
    one = worlds.take(ONE)

    new = worlds.take(ONE, is_new=True)

    assert (False, True) == (new is one, new is worlds.take(ONE))
    assert {"cc-run-01-shop", "one"} == standing(cluster)


def test_closing_takes_the_world_away_and_its_streams(worlds: Worlds, cluster: Noted) -> None:
    live = worlds.take(ONE)

    worlds.close()
    worlds.close()

    assert (set(), {}) == (standing(cluster), live.probes.probes)


@pytest.mark.parametrize("note", ["end world 00", "gone alone more0"], ids=["it does not hear", "it does not do it"])
def test_a_world_that_cannot_be_removed_is_not_given_to_anybody(worlds: Worlds, cluster: Noted, note: str) -> None:
    before = worlds.take(ALONE)
    cluster.troubles[note] = BrokenCluster("no answer")

    worlds.drop(before)

    assert (False, {}) == (before is worlds.take(ALONE), cluster.troubles)


@pytest.mark.parametrize(
    "trouble", [BrokenCluster("no answer"), BrokenPlugin("no network"), KeyboardInterrupt()], ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize("is_removed", [True, False], ids=["and goes", "and stays"])
def test_a_world_that_does_not_come_to_be_leaves_nothing_and_keeps_its_cause(
    worlds: Worlds,
    cluster: Noted,
    trouble: BaseException,
    is_removed: bool,  # noqa: FBT001 - a row
) -> None:
    cluster.troubles["ready one"] = trouble
    if not is_removed:
        cluster.troubles["end world 00"] = BrokenCluster("no answer either")

    with pytest.raises(type(trouble)) as caught:
        worlds.take(ONE)

    assert (trouble, set() if is_removed else {"cc-run-00-shop"}) == (caught.value, standing(cluster))
    assert "cc-run-01-shop" == worlds.take(ONE).everybody.namespaces["shop"].name


def test_a_world_is_asked_in_the_families_of_its_target(worlds: Worlds) -> None:
    assert tuple(Family) == worlds.families


def test_hosts_that_the_target_does_not_have_are_left_out(cluster: Noted) -> None:
    target = replace(TARGET, hosts=tuple(access for access in TARGET.hosts if access.name == "alpha"))

    live = Worlds(cluster, target, TIMES, "run", 0).take(layout(hosts=("alpha", "beta")))

    assert ({"outside/alpha"}, {"shop/api", "outside/alpha"}) == (set(live.everybody.hosts), set(live.probes.probes))


def test_each_process_has_addresses_of_its_own_at_the_hosts(cluster: Noted) -> None:
    (alpha,) = (access for access in TARGET.hosts if access.name == "alpha")
    processes = [Worlds(cluster, TARGET, TIMES, "run", number) for number in range(3)]

    found = [each.take(layout(hosts=("alpha",))).everybody.hosts["outside/alpha"].addresses for each in processes]

    assert list(alpha.slots[:3]) == found


def test_a_process_for_whom_a_host_has_no_addresses_says_so(cluster: Noted) -> None:
    target = replace(TARGET, hosts=tuple(replace(access, slots=access.slots[:1]) for access in TARGET.hosts))

    with pytest.raises(BrokenCluster, match=r"outside host alpha has addresses for 1 worlds at a time, .* fewer workers"):
        Worlds(cluster, target, TIMES, "run", 1).take(layout(hosts=("alpha",)))
    assert set() == standing(cluster)


@pytest.mark.parametrize(("is_asked", "names"), [(True, ["coredns-0", "coredns-1"]), (False, [])], ids=["by name", "by address"])
def test_name_servers_are_known_where_names_are_asked(worlds: Worlds, is_asked: bool, names: list[str]) -> None:  # noqa: FBT001 - a row
    web = ServicePlan({}, (DoorPort(80, Protocol.TCP, 80),), is_asked_by_name=is_asked)

    assert names == [each.name for each in worlds.take(layout(services={"web": web})).everybody.name_servers]


def test_ports_of_the_nodes_come_again_when_the_world_that_had_them_is_long_gone(cluster: Noted) -> None:
    plan = layout("api", PodPlan(serves=(Port(8080),), node="a", host_ports=(Port(8080),)))
    first, second = (Worlds(cluster, TARGET, TIMES, "run", number) for number in range(2))

    def ports(worlds: Worlds) -> set[int]:
        return set(worlds.take(plan, is_new=True).manifests.host_ports.values())

    found = [ports(first) for _ in range(21)]

    assert found[0] == found[20]
    assert [{20000 + PORTS * number} for number in range(20)] == found[:20]
    assert [{20000 + PORTS * 20}] == [ports(second)]


def test_two_pods_with_one_address_are_the_plugin_s_fault() -> None:
    with pytest.raises(BrokenPlugin, match=r"shop/api and next/twin have the same address 10\.244\.0\.1"):
        check_addresses(world(pod("shop/api", 1), pod("shop/front", 2), pod("next/twin", 1)))


def test_pods_in_the_network_of_their_node_share_its_address() -> None:
    found = world(pod("shop/api", 1), in_host_network(pod("shop/one", 9)), in_host_network(pod("shop/two", 9)))

    assert check_addresses(found) is None


def test_the_probes_image_is_that_of_the_target(tmp_path) -> None:
    assert TARGET.probe_image == Standing(tmp_path, "wait: 0").live.image

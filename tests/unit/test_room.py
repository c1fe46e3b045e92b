"""Room for the worlds of a run: on a node, in a cluster that it makes, in one that stands, and after another world."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from scenario_file import crowded
from standing import TARGET, TIMES, Noted

from conformance import provision
from conformance.cli import main
from conformance.cluster import kind
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.large import scenarios_of
from conformance.large.room import NoRoom, make_sure_of_room
from conformance.portion import largest, portions
from conformance.record.store import read as read_record
from conformance.scenario.crowd import most_on_a_node
from conformance.scenario.scenario import NODES, Action, Add, Layout, NamespacePlan, PodPlan, Recreate, Remove, Scenario, Step
from conformance.settings import Settings
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.plane import Plane
from conformance.size import OTHERS, WorldSize, per_node
from conformance.world.progress import Silent
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds


def layout(count: int, name: str = "shop", **plan: Any) -> Layout:
    return Layout(None, {name: NamespacePlan({}, {f"p{number}": PodPlan(**plan) for number in range(count)})})


def scenario(pods: int | Layout, *actions: Action, name: str = "many") -> Scenario:
    there = layout(pods, name) if isinstance(pods, int) else pods
    return Scenario(name, "", "", there, {}, tuple(Step(each, ()) for each in actions), Path(f"{name}.yaml"), "own")


FEW = Layout(
    None, {"shop": NamespacePlan({}, {"one": PodPlan(node="a"), "two": PodPlan(node="b"), "late": PodPlan(node="a", comes_later=True)})}
)
LATE = ("shop/late",)


@pytest.mark.parametrize(
    ("there", "workers", "most"),
    [
        pytest.param(scenario(130), ["a", "b"], 65, id="in turn"),
        pytest.param(scenario(5), ["a", "b"], 3, id="one more on one of them"),
        pytest.param(scenario(5), ["a"], 5, id="one worker"),
        pytest.param(scenario(layout(5, node="b")), ["a", "b", "c"], 5, id="all want the same node"),
        pytest.param(scenario(layout(5, is_pending=True)), ["a", "b"], 0, id="wait for a node that there is not"),
        pytest.param(scenario(FEW), ["a", "b"], 1, id="one never comes"),
        pytest.param(scenario(FEW, Add(LATE), Remove(LATE)), ["a", "b"], 2, id="one comes and goes"),
        pytest.param(scenario(FEW, Remove(("shop/one",)), Add(LATE)), ["a", "b"], 1, id="one comes for another"),
        pytest.param(scenario(FEW, Recreate(("shop/one",))), ["a", "b"], 1, id="one comes again"),
    ],
)
def test_so_many_pods_are_on_a_node_at_a_time(there: Scenario, workers: list[str], most: int) -> None:
    assert most == most_on_a_node(there, workers)


MIXED = [scenario(pods, name=f"s{pods}") for pods in (4, 60, 9, 130)]


@pytest.mark.parametrize(
    ("scenarios", "processes", "names"),
    [
        pytest.param(MIXED, 1, ["s130"], id="one process"),
        pytest.param(MIXED, 2, ["s130", "s60"], id="two of them"),
        pytest.param(MIXED, 9, ["s130", "s60", "s9", "s4"], id="more than there are worlds"),
        pytest.param([MIXED[3], replace(MIXED[3], name="same world")], 2, ["s130"], id="one portion has one worker"),
        pytest.param([], 2, [], id="none"),
    ],
)
def test_the_largest_worlds_that_may_stand_at_a_time_are_of_as_many_portions(
    scenarios: list[Scenario], processes: int, names: list[str]
) -> None:
    assert names == [each.name for each in largest(scenarios, portions(scenarios), processes)]


def made(monkeypatch: pytest.MonkeyPatch, settings: Settings, together: Sequence[Scenario]) -> list[int]:
    """For how many pods on each node kind is told to make a cluster."""
    found: list[int] = []
    monkeypatch.setattr(provision, "tools", lambda *_: None)
    monkeypatch.setattr(provision.offline, "release", lambda _: None)
    monkeypatch.setattr(kind, "up", lambda *words: found.append(words[-1]))
    provision.up(settings, provision.plugin_of(settings), Silent(), together)
    return found


USUAL = 0


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(
    ("world", "together", "pods"),
    [
        pytest.param("", [scenario(130)], 75, id="a world of 130"),
        pytest.param("", [scenario(60), scenario(60)], 70, id="two of sixty at a time"),
        pytest.param("", [scenario(9)] * 8, USUAL, id="the catalogue in eight processes"),
        pytest.param("", [], USUAL, id="nobody knows what for"),
        pytest.param("pods=300", [], 160, id="a size, for a cluster that stands"),
        pytest.param("pods=60", [], USUAL, id="a small one"),
    ],
)
def test_a_kind_cluster_is_made_with_room_for_the_worlds_at_a_time(
    monkeypatch: pytest.MonkeyPatch, world: str, together: list[Scenario], pods: int
) -> None:
    assert [pods] == made(monkeypatch, Settings(name="none-yet", world=world), together)


@pytest.mark.usefixtures("_own_cache")
def test_more_pods_than_a_kind_cluster_can_have_are_refused_by_the_scenarios_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(kind.InvalidCluster) as refused:
        made(monkeypatch, Settings(name="none-yet"), [scenario(26_181)])

    assert str(refused.value).startswith("many: the nodes of a kind cluster have addresses for 26180 probe pods: ask for fewer")


NODES_OF_40 = SimulatedCluster(Plane, TIMES).nodes().values()
"""Two nodes with room for 40 probes each."""

ADD = "add nodes, or raise their kubelets' maxPods"
ROOM = "and this cluster has room for 80 probe pods on its 2 nodes, 40 on a node"


@pytest.mark.parametrize(
    ("provider", "together", "sentence"),
    [
        pytest.param(
            "kind",
            [scenario(130)],
            f"many has 65 pods on a node, {ROOM}: leave it out (-k 'not many'), or remove it and let this run make one",
            id="one world",
        ),
        pytest.param(
            "kubeconfig",
            [scenario(layout(41, node="a"))],
            f"many has 41 pods on a node, {ROOM}: leave it out (-k 'not many'), or {ADD}",
            id="one node",
        ),
        pytest.param(
            "kubeconfig",
            [scenario(30), scenario(30), scenario(30)],
            f"3 processes may have 45 pods on a node at a time, {ROOM}: make them fewer (-n 2), or {ADD}",
            id="several worlds",
        ),
    ],
)
def test_a_cluster_without_room_is_told_with_what_to_do(provider: str, together: list[Scenario], sentence: str) -> None:
    with pytest.raises(NoRoom) as refused:
        make_sure_of_room(NODES_OF_40, Settings(cluster=provider), together)

    assert sentence == str(refused.value)


@pytest.mark.parametrize("together", [[], [scenario(80)], [scenario(40)] * 2], ids=["no world", "one", "two"])
def test_worlds_that_fit_are_let_in(together: list[Scenario]) -> None:
    make_sure_of_room(NODES_OF_40, Settings(), together)


MANY = layout(51, serves=())


@pytest.mark.parametrize(
    ("before", "waited"), [(MANY, [" ".join(f"p{number}" for number in range(51))]), (layout(50, serves=()), [])], ids=["many", "fewer"]
)
def test_the_next_world_waits_for_the_end_of_many_pods(before: Layout, waited: list[str]) -> None:
    cluster = Noted()
    worlds = Worlds(cluster, TARGET, TIMES, "run", 0)
    worlds.take(before)
    cluster.notes.clear()

    worlds.take(layout(1))

    assert ["end world 00", *(f"gone {refs}" for refs in waited), "create p0", "ready p0"] == cluster.notes


def test_many_pods_that_do_not_end_break_the_next_world_and_are_nobodys_failure() -> None:
    cluster = Noted()
    worlds = Worlds(cluster, TARGET, TIMES, "run", 0)
    worlds.take(MANY)
    cluster.troubles["gone " + " ".join(f"p{number}" for number in range(51))] = BrokenCluster("still there")

    with pytest.raises(BrokenCluster, match="still there"):
        worlds.take(layout(1))


KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{name: it, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: it, user: {}}]
contexts: [{name: it, context: {cluster: it, user: it}}]
current-context: it
"""


def file_of(pods: int) -> str:
    """A scenario with so many pods in two namespaces, of which the first ones serve."""
    counts = {"n0": pods // 2, "n1": pods - pods // 2}
    return crowded(
        "many", {space: {"pods": {f"p{number}": {"serves": []} if number else {} for number in range(n)}} for space, n in counts.items()}
    )


@pytest.mark.usefixtures("_own_cache")
def test_the_test_bench_has_room_for_the_largest_world_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(file_of(130))
    ended = CliRunner().invoke(main, ["run", "--cluster", "simulated", "-n", "0", "--report=out", "many.yaml"])

    assert (0, [Outcome.PASSED]) == (ended.exit_code, [each.outcome for each in read_record(tmp_path / "out" / "record.json").scenarios]), (
        ended.output
    )


@pytest.mark.usefixtures("_own_cache")
def test_a_run_without_room_ends_when_the_doctor_has_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated: Callable[..., Any] = provision.Target.simulated
    monkeypatch.setattr(provision.Target, "simulated", lambda settings, *_: simulated(settings))
    (tmp_path / "many.yaml").write_text(file_of(130))
    ended = CliRunner().invoke(main, ["run", "--cluster", "simulated", "-n", "0", "many.yaml"])

    assert (2, True) == (ended.exit_code, f"many has 65 pods on a node, {ROOM}: leave it out" in " ".join(ended.output.split())), (
        ended.output
    )


@pytest.mark.usefixtures("_own_cache")
def test_an_api_server_that_is_away_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path | None] = []

    def away(kubeconfig: Path | None, *_: Any) -> Cluster:
        asked.append(kubeconfig)
        raise BrokenCluster("nobody answers")

    monkeypatch.setattr(Cluster, "connect", away)
    (tmp_path / "many.yaml").write_text(file_of(4))
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    for each in ("kubernetes.config", "kubernetes.config.kube_config"):
        monkeypatch.setattr(f"{each}.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    ended = CliRunner().invoke(main, ["run", "--cluster", "kubeconfig", "-n", "0", "many.yaml"])

    assert (3, 1, True) == (ended.exit_code, len(asked), "nobody answers" in ended.output), ended.output


def test_a_size_asks_for_as_much_room_as_its_scenarios() -> None:
    size = "pods=301,namespaces=30"
    (first, *_) = scenarios_of(WorldSize.of(size))

    assert per_node(301, provision.WORKERS) == OTHERS + most_on_a_node(first, NODES)

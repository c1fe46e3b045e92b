"""Large worlds: kinds of pods, the choice of questions, the scenarios made in code, and a plugin that is wrong somewhere in them."""

import json
import re
import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from random_worlds import described, read, world_of
from scenario_file import crowded
from small_world import pod, policy, world

from conformance.cli import main
from conformance.cluster import wait
from conformance.cluster.contract import NodeFacts
from conformance.cluster.ranges import most_pods, room_for
from conformance.large import scenarios_of, told
from conformance.large.layout import layout_of
from conformance.large.room import allow_files, pods_held
from conformance.model.choice import Choice, choose
from conformance.model.decide import expected
from conformance.model.kinds import kinds_of
from conformance.plan import PutBack, plan
from conformance.record import Run, ScenarioRecord
from conformance.record.store import read as read_record
from conformance.scenario.fictive import fictive_world, placement
from conformance.scenario.scenario import Apply, Delete, Relabel, Scenario
from conformance.settings import Settings
from conformance.simulated.nouns import Endpoint, Side
from conformance.simulated.plane import Plane
from conformance.size import InvalidSize, WorldSize
from conformance.target import Target
from conformance.template.names import Names
from conformance.template.render import render_world
from conformance.world.labels import Labels
from conformance.world.place import Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question, questions_of
from conformance.world.times import Times
from conformance.world.verdict import Direction, Family, FindingKind, Outcome, Verdict

FAMILIES = tuple(Family)


# --- kinds -----------------------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(described())
def test_pairs_of_the_same_two_kinds_are_decided_alike(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    plain, documents = drawn
    there, policies = world_of(plain), tuple(read(documents))
    kinds = kinds_of([(there, policies)])
    table = expected(there, policies, [each for each in questions_of(there, FAMILIES) if each.destination in there.pods])
    found: dict[tuple[Any, ...], set[Verdict]] = {}
    for question, expectation in table.items():
        if question.source in there.pods:
            one, other = there.pods[question.source], there.pods[question.destination]
            ends = kinds[one.ref], kinds[other.ref], one.namespace == other.namespace, one.node == other.node
            found.setdefault((*ends, question.port, question.protocol, question.family), set()).add(expectation.verdict)

    assert [] == [ends for ends, verdicts in found.items() if len(verdicts) > 1]


TWINS = [pod(f"{space}/{app}{number}", 1, app=app, instance=f"{number}") for space in "xyz" for app in ("web", "db") for number in range(4)]


def twins(**labels: dict[str, str]) -> World:
    """Twelve web and twelve db pods in three namespaces, on two nodes in turn."""
    places = [Pod(**{**_fields(each), "node": "ab"[number % 2]}) for number, each in enumerate(TWINS)]
    return world(*places, **{space: labels.get(space, {}) for space in "xyz"})


def _fields(each: Pod) -> dict[str, Any]:
    return {name: getattr(each, name) for name in Pod.__slots__}


def deny(namespace: str, **spec: Any) -> NetworkPolicy:
    return policy(f"{namespace}/deny-{namespace}", podSelector={}, **spec)


def test_copies_in_other_namespaces_are_one_kind() -> None:
    denied = tuple(deny(space) for space in "xyz")

    assert 1 == len(set(kinds_of([(twins(), denied)]).values()))


@pytest.mark.parametrize(
    ("policies", "count"),
    [
        ((deny("x"),), 2),
        ((deny("x"), deny("y", ingress=[{}])), 3),
        ((policy("x/web", podSelector={"matchLabels": {"app": "web"}}),), 3),
        (
            tuple(
                policy(f"{space}/db", podSelector={"matchLabels": {"app": "db"}}, ingress=[{"from": [{"podSelector": {}}]}])
                for space in "xyz"
            ),
            2,
        ),
        (tuple(deny(space, ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "blue"}}}]}]) for space in "xyz"), 2),
    ],
    ids=["one namespace is denied", "two policies", "one tier of one namespace", "one tier of all", "a namespace that is named"],
)
def test_kinds_are_what_policies_tell_apart(policies: tuple[NetworkPolicy, ...], count: int) -> None:
    assert count == len(set(kinds_of([(twins(y={"team": "blue"}), policies)]).values()))


def test_kinds_of_several_states_are_told_apart_by_each_of_them() -> None:
    there = twins()
    assert 3 == len(set(kinds_of([(there, ()), (there, (deny("x"),)), (there, (deny("y"),))]).values()))


# --- the choice ------------------------------------------------------------------------------------------------------------------

TIERS = tuple(
    policy(
        f"{space}/db", podSelector={"matchLabels": {"app": "db"}}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]
    )
    for space in "xyz"
)


def chosen(most: int, seed: int = 1, states: Iterable[tuple[NetworkPolicy, ...]] = ((), TIERS)) -> Choice:
    there = twins()
    return choose([(there, each) for each in states], FAMILIES, most, seed)


def test_each_two_kinds_meet_in_every_way_in_which_they_can() -> None:
    there, kinds = twins(), kinds_of([(twins(), TIERS)])
    found = chosen(100)
    ways = {
        (
            kinds[each.source],
            kinds[each.destination],
            there.pods[each.source].namespace == there.pods[each.destination].namespace,
            there.pods[each.source].node == there.pods[each.destination].node,
        )
        for each in found.questions
    }

    assert {(one, other, near, beside) for one in (0, 1) for other in (0, 1) for near in (True, False) for beside in (True, False)} == ways
    assert (2, 4, 4) == (found.kinds, found.pairs, found.covered)


@pytest.mark.parametrize(("namespaces", "count"), [(1, 1), (2, 2), (3, 3), (10, 8), (15, 10)])
def test_stage_is_there_however_small_the_world_and_each_of_five_teams_has_both_environments_in_the_end(
    namespaces: int, count: int
) -> None:
    layout = layout_of(WorldSize(100, namespaces, 1, 500))
    dealt = {(each.labels["team"], each.labels["env"]) for each in layout.namespaces.values()}
    assert (True, count) == ("stage" in {env for _, env in dealt}, len(dealt))


def test_every_pod_asks_and_is_asked_blocked_and_allowed() -> None:
    found = chosen(150)
    verdicts = expected(twins(), TIERS, found.questions)
    blocked = [question for question, each in verdicts.items() if each.verdict is Verdict.BLOCKED]
    allowed = [question for question, each in verdicts.items() if each.verdict is Verdict.ALLOWED]
    everybody, databases = {each.ref for each in TWINS}, {each.ref for each in TWINS if each.labels["app"] == "db"}

    assert everybody == {each.source for each in blocked} == {each.source for each in allowed} == {each.destination for each in allowed}
    assert databases == {each.destination for each in blocked}


@pytest.mark.parametrize("most", [1, 7, 16, 60, 200, 552, 553, 1000, 1103])
def test_as_many_are_asked_as_may_be(most: int) -> None:
    found = chosen(most)
    assert most == len(found.questions) == len(set(found.questions))


def test_the_same_seed_chooses_the_same_and_another_one_others() -> None:
    assert chosen(200, 1) == chosen(200, 1)
    assert chosen(200, 1).questions != chosen(200, 2).questions


def test_the_questions_stand_in_the_order_of_the_world() -> None:
    place = {ref: number for number, ref in enumerate(twins().pods)}
    pairs = [(place[each.source], place[each.destination]) for each in chosen(200).questions]
    assert sorted(pairs) == pairs


def test_where_all_may_be_asked_all_are() -> None:
    found = chosen(100_000)
    assert list(questions_of(twins(), FAMILIES)) == sorted(found.questions, key=questions_of(twins(), FAMILIES).index)
    assert f"asked all {len(found.questions):,} possible questions" == str(found)


@settings(max_examples=100)
@given(described())
def test_what_could_be_asked_is_counted_without_being_made(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    there = world_of(drawn[0])
    only_pods = World(there.namespaces, there.pods)
    questions = {(each.pair, each.port, each.protocol, each.family) for each in questions_of(only_pods, FAMILIES)}

    assert len(questions) == choose([(there, ())], FAMILIES, 10_000, 1).possible


@settings(max_examples=150)
@given(described())
def test_whatever_the_world_only_possible_questions_are_chosen(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    there, policies = world_of(drawn[0]), tuple(read(drawn[1]))
    found = choose([(there, ()), (there, policies)], FAMILIES, 12, 1)

    assert set(found.questions) <= set(questions_of(World(there.namespaces, there.pods), FAMILIES))
    assert min(12, found.possible) == len(found.questions)
    assert found.covered <= found.pairs


def test_more_pairs_of_kinds_than_may_be_asked_are_sampled_and_said() -> None:
    own = tuple(policy(f"x/{each.name}", podSelector={"matchLabels": {"instance": each.labels["instance"]}}) for each in TWINS[:4])
    found = chosen(20, states=((), own))

    assert (5, 25, 20) == (found.kinds, found.pairs, len(found.questions))
    assert f"{found.covered:,} of the 25 ordered pairs of the 5 kinds of pods" in str(found)


def test_what_was_asked_of_what_is_one_sentence() -> None:
    found = chosen(100)
    sentence = (
        "asked 100 of 1,104 possible questions, chosen with seed 1: all 4 ordered pairs of the 2 kinds of pods that the policies tell "
        "apart, each of the 24 pods in both roles, and others at random across nodes; what the plugin does to one pair of pods only is "
        "seen where that pair was asked"
    )
    assert sentence == str(found)
    assert "chosen with seed 1: pods that no policy tells apart, each of the 24 pods in both roles" in str(chosen(100, states=((),)))


def test_a_world_on_one_node_is_asked_on_that_node() -> None:
    there = world(*TWINS, x={}, y={}, z={})
    found = choose([(there, ()), (there, TIERS)], FAMILIES, 300, 1)
    assert 300 == len(found.questions)
    assert "each of the 24 pods in both roles, and others at random; what" in str(found)


def test_where_those_across_nodes_run_out_others_fill_the_sample_up() -> None:
    found = chosen(1103)
    assert "each of the 24 pods in both roles, and others at random, first across nodes; what" in str(found)
    assert (found.questions == chosen(1103).questions, found.questions == chosen(1103, 2).questions) == (True, False)


def test_one_server_among_many_pods_on_its_node_is_asked_by_as_many_as_may_ask() -> None:
    server, *others = TWINS
    there = world(server, *(Pod(**{**_fields(each), "serves": ()}) for each in others), x={}, y={}, z={})
    assert [45, 46] == [len(choose([(there, ())], FAMILIES, most, 1).questions) for most in (45, 46)]


def test_nothing_is_said_to_be_asked_at_random_where_nothing_was() -> None:
    assert "random" not in str(chosen(4))


def test_the_square_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("all questions of a large world were made")

    monkeypatch.setattr("conformance.model.choice._Choosing.others", refused)
    monkeypatch.setattr("conformance.plan.questions_of", refused)
    size = WorldSize.of("pods=2000,namespaces=100,questions=4000")
    for scenario in scenarios_of(size):
        planned = plan(scenario, fictive_world(scenario.layout), FAMILIES)
        assert [4000] * len(planned.steps) == [len(step.expected) for step in planned.steps]
        assert {ref for ref, _ in scenario.layout.pods()} == {each.source for each in planned.steps[0].expected}


# --- the world -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("pods=500,namespaces=50,seed=7,questions=900", WorldSize(500, 50, 7, 900)),
        ("pods=300", WorldSize(300, 30, 1, 1500)),
        (" pods = 2 , namespaces = 2 ", WorldSize(2, 2, 1, 1000)),
        ("pods=5000,seed=0", WorldSize(5000, 500, 0, 25_000)),
    ],
)
def test_a_size_is_read(text: str, size: WorldSize) -> None:
    assert size == WorldSize.of(text)
    assert size == WorldSize.of(str(size))


BAD = {
    "not a number": ("pods=many", "pods=many: it is a whole number from 2 to 100000"),
    "zero": ("pods=0,namespaces=1", "pods=0: it is a whole number from 2 to 100000"),
    "no namespace": ("pods=10,namespaces=0", "namespaces=0: it is a whole number from 1 to 100000"),
    "negative": ("pods=-5", "pods=-5: it is a whole number from 2 to 100000"),
    "a fraction": ("pods=1e3", "pods=1e3: it is a whole number from 2 to 100000"),
    "too many": ("pods=100001", "pods=100001: it is a whole number from 2 to 100000"),
    "more namespaces than pods": ("pods=5,namespaces=6", "6 namespaces for 5 pods: each namespace has one pod at least"),
    "unknown key": ("pods=5,nodes=2", "'nodes=2' is not one of pods=NUMBER, namespaces=NUMBER, seed=NUMBER, questions=NUMBER"),
    "no key": ("300", "'300' is not one of pods=NUMBER, namespaces=NUMBER, seed=NUMBER, questions=NUMBER"),
    "a comma too many": ("pods=5,", "'' is not one of pods=NUMBER, namespaces=NUMBER, seed=NUMBER, questions=NUMBER"),
    "twice": ("pods=5,pods=6", "pods stands twice"),
    "no pods": ("namespaces=5", "it lacks the number of pods: pods=500,namespaces=50"),
    "no question": ("pods=5,questions=0", "questions=0: it is a whole number from 1 to 10000000"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.values(), ids=BAD)
def test_what_is_no_size_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidSize) as fault:
        WorldSize.of(text)
    assert sentence == str(fault.value)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["run", "--cluster", "simulated", *words])
    return result.exit_code, result.output


SMALL = "--world=pods=24,namespaces=4"
REFUSED = {
    "an empty size": (["--world="], "--world: its value is empty; it is pods=N[,namespaces=N][,seed=N][,questions=N]"),
    "an empty shard": (["--shard="], "--shard: its value is empty; it is I/N"),
    "no size": (["--world=pods=many"], "--world pods=many: pods=many: it is a whole number from 2 to 100000"),
    "with scenarios": ([SMALL, "here"], "--world makes scenarios of its own: leave out here"),
    "with a shard": ([SMALL, "--shard=1/2"], "--world with --shard 1/2: it is one world, of which no part can be measured elsewhere"),
    "with the last failed": ([SMALL, "--lf"], "--world with --lf: choose scenarios with -k; there are few, and they share the world"),
    "with workers": ([SMALL, "-n", "2"], "--world with -n 2: it is one world, measured by this process (-n 0)"),
    "with one worker": ([SMALL, "-n", "1"], "--world with -n 1: it is one world, measured by this process (-n 0)"),
    "nothing is called so": ([SMALL, "-k", "no-such"], "no scenario was selected"),
    "a wrong expression": ([SMALL, "-k", "("], "-k ("),
    "an unknown fault": ([SMALL, "--fault=no-such"], "--fault no-such"),
    "a folder that cannot be written": ([SMALL, "--report=here/below"], "--report here/below cannot be written"),
    "no such baseline": ([SMALL, "--baseline=none.json"], "--baseline none.json"),
}


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(("words", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_usage_is_one_sentence_and_exit_code_2(words: list[str], sentence: str) -> None:
    Path("here").write_text("")
    code, text = run(*words)
    assert 2 == code
    assert sentence in " ".join(text.split())
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "words", [(SMALL,), ("-k", "deny-all-traffic-to-an-application", "-n", "0")], ids=["a large world", "the catalogue"]
)
def test_a_cache_that_cannot_be_written_is_one_sentence(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "file" / "cache"))
    code, text = run(*words, "--report", str(tmp_path / "out"))
    assert (2, False) == (code, "Traceback" in text)
    assert "cannot be written: Not a directory; set CNI_CONFORMANCE_CACHE to another folder" in " ".join(text.split())


def node(name: str, room: int, spare: int) -> NodeFacts:
    return NodeFacts(name, (), is_ready=True, takes_pods=True, room=room, spare=spare)


@pytest.mark.parametrize(
    ("nodes", "most"),
    [
        ([node("a", 110, 256), node("b", 110, 256)], 200),
        ([node("a", 110, 64), node("b", 250, 256)], 108),
        ([node("a", 110, 0)], 100),
        ([node("a", 17, 0), node("b", 17, 0)], 26),
        ([node("a", 0, 0)], None),
        ([], None),
    ],
    ids=["kubelets", "the smallest counts", "addresses not known", "small nodes", "nothing known", "nodes not told"],
)
def test_a_cluster_holds_so_many_probe_pods(nodes: list[NodeFacts], most: int | None) -> None:
    assert most == pods_held(nodes)


@pytest.mark.usefixtures("_own_cache")
def test_more_pods_than_there_is_room_for_are_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "simulated", classmethod(lambda cls, *_: cls("simulated", "it", None, None, None, FAMILIES, (), "none")))
    code, text = run("--world=pods=300,namespaces=30")
    sentence = (
        "--world pods=300,namespaces=30,seed=1,questions=1500: this cluster has room for 80 probe pods on its 2 nodes: ask for fewer, "
        "or add nodes, or raise their kubelets' maxPods"
    )
    assert (2, True) == (code, sentence in text)


def test_a_kind_cluster_is_made_with_room() -> None:
    assert "maxPods: 160" in json.dumps(room_for("dual", 160))
    assert "node-cidr-mask-size-ipv4: '24'" in json.dumps(room_for("dual", 160)) or "ipv4: 24" in json.dumps(room_for("dual", 160))
    assert ["ClusterConfiguration"] == [
        each for each in ("ClusterConfiguration", "KubeletConfiguration") if each in str(room_for("ipv4", 0))
    ]


@pytest.mark.parametrize(("family", "nodes", "most"), [("dual", 3, 13_100), ("ipv4", 2, 26_207), ("ipv4", 5, 6_547), ("ipv6", 3, None)])
def test_nodes_have_addresses_for_so_many_pods(family: str, nodes: int, most: int | None) -> None:
    def masks(pods: int) -> list[int]:
        return [int(mask) for mask in re.findall("ipv4: '([0-9]+)'", str(room_for(family, pods)).replace("\\", ""))]

    assert most == most_pods(family, nodes)
    assert most is None or [[True], [False]] == [
        [nodes << 16 - (mask - 16) <= 1 << 16 for mask in masks(each)] for each in (most, most + 1)
    ]


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("command", [["run", "--report=out"], ["cluster", "up", "--name=none-yet"]], ids=["run", "cluster up"])
def test_more_pods_than_a_new_kind_cluster_can_have_are_refused_before_it_is_made(command: list[str]) -> None:
    refused = CliRunner().invoke(main, [*command, "--cni=cilium", "--world=pods=26181"])
    sentence = (
        "--world pods=26181,namespaces=2618,seed=1,questions=130905: the nodes of a kind cluster have addresses for 26180 probe pods: "
        "ask for fewer, or measure a larger cluster of yours (--cluster kubeconfig)"
    )
    assert (2, True, False) == (refused.exit_code, sentence in " ".join(refused.output.split()), Path("cache/clusters").exists())


def test_a_large_world_is_spread_but_leaves_pairs_on_one_node() -> None:
    (layout,) = {each.layout.key: each.layout for each in scenarios_of(WorldSize.of("pods=400,namespaces=10"))}.values()
    found = placement(layout, [f"node-{number}" for number in range(1000)])
    assert 100 == len(set(found.values()))


def test_times_grow_with_the_world() -> None:
    usual, grown = Times(), Settings(world="pods=300", times=("hold=3",)).waiting_times()
    assert (usual.question, usual.settle + 90, usual.pods + 300, 3.0) == (grown.question, grown.settle, grown.pods, grown.hold)


def test_the_report_says_what_the_sample_cannot_see() -> None:
    size = WorldSize.of("pods=300,namespaces=30")
    sentence = (
        "300 pods in 30 namespaces, 1,500 of 269,100 possible questions asked at most (seed 1): each scenario says which; what the plugin "
        "does to one pair of pods only is seen where that pair was asked"
    )
    assert sentence == told(size, FAMILIES)
    assert told(WorldSize.of("pods=4"), FAMILIES).endswith("all 36 questions asked")


def tiers_of(size: WorldSize) -> Scenario:
    return next(each for each in scenarios_of(size) if each.name == "tiers-within-each-namespace")


def turned_in(size: WorldSize) -> set[str]:
    """The pods that change their tier."""
    return {ref for step in tiers_of(size).steps if isinstance(step.action, Relabel) for ref in step.action.changes}


@pytest.mark.parametrize("text", ["pods=24,namespaces=4", "pods=120,namespaces=12,questions=1500", "pods=300,namespaces=30"])
def test_each_pod_that_changes_its_tier_loses_and_gains_and_in_either_role_some_do(text: str) -> None:
    scenario, turned = tiers_of(WorldSize.of(text)), turned_in(WorldSize.of(text))
    _, before, after, _ = plan(scenario, fictive_world(scenario.layout), FAMILIES).steps
    found: dict[str, set[Verdict]] = {}
    for question, then in after.expected.items():
        if then.verdict is not before.expected[question].verdict:
            found.setdefault("asks" if question.source in turned else "is asked", set()).add(then.verdict)
            for ref in turned & set(question.pair):
                found.setdefault(ref, set()).add(then.verdict)

    assert {key: {Verdict.ALLOWED, Verdict.BLOCKED} for key in ("asks", "is asked", *turned)} == found


# --- measured --------------------------------------------------------------------------------------------------------------------


LARGE = "pods=120,namespaces=12,questions=1500"
ONE = next(ref for scenario in scenarios_of(WorldSize.of(LARGE)) for ref, _ in scenario.layout.pods() if ref.startswith("n11/api"))


class OneClassNotIsolated(Plane):
    """The databases of one namespace are isolated by nothing."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return () if self.is_meant(subject) else super().isolating(subject, direction)

    def is_meant(self, pod: Endpoint) -> bool:
        return pod.namespace.endswith("-n07") and pod.labels.get("tier") == "db"


class OnePodNotIsolated(OneClassNotIsolated):
    """One of 120 pods is."""

    def is_meant(self, pod: Endpoint) -> bool:
        return pod.identity.endswith(ONE)


class AcrossNodesNotEnforced(Plane):
    """Policies have no effect between nodes."""

    def passes(self, side: Side) -> bool:
        return side.flow.source.node != side.flow.destination.node or super().passes(side)


def measured(folder: Path) -> Run:
    return read_record(folder / "out")


def leaks(of: ScenarioRecord) -> list[Question]:
    findings = of.judgement.findings
    return [each.question for each in findings if each.kind is FindingKind.WRONGLY_ALLOWED and each.question is not None]


@pytest.mark.usefixtures("_own_cache")
def test_a_faultless_plugin_passes_the_whole_family(tmp_path: Path) -> None:
    code, text = run("--world=pods=120,namespaces=12,questions=1500", "--report=out")
    found = measured(tmp_path)

    assert (0, [Outcome.PASSED] * 4) == (code, [each.outcome for each in found.scenarios]), text
    assert [1500] * 4 == [len(each.measurement.steps[0].expected) for each in found.scenarios]
    assert all(each.sample.startswith("asked 1,500 of ") for each in found.scenarios)
    assert found.facts.cluster["world"].startswith("120 pods in 12 namespaces, 1,500 of ")
    assert found == Run.from_json(found.to_json())
    assert {"--world=pods=120,namespaces=12,questions=1500"} < set(found.facts.options["words"].split())


Where = Callable[[Pod, Pod], bool]


def is_of_class(one: Pod, other: Pod) -> bool:
    return any(each.ref.startswith("n07/db") for each in (one, other))


def is_of_pod(one: Pod, other: Pod) -> bool:
    return ONE in (one.ref, other.ref)


def is_across_nodes(one: Pod, other: Pod) -> bool:
    return one.node != other.node


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(
    ("plane", "is_meant"),
    [(OneClassNotIsolated, is_of_class), (OnePodNotIsolated, is_of_pod), (AcrossNodesNotEnforced, is_across_nodes)],
    ids=["one class of pods", "one pod", "across nodes only"],
)
def test_a_fault_that_touches_little_of_a_large_world_is_found_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plane: type[Plane], is_meant: Where
) -> None:
    monkeypatch.setattr("conformance.target.Plane", plane)
    code, text = run(f"--world={LARGE}", "-k", "tiers", "--report=out", "--times=settle=3")
    (scenario,) = measured(tmp_path).scenarios
    found = leaks(scenario)
    pods = scenario.world.pods if scenario.world else {}

    assert (1, True) == (code, len(found) > 0), text
    assert [] == [each for each in found if not is_meant(*(pods[ref] for ref in each.pair))]
    assert "deny-in-n00 and 11 more with the same text in other namespaces" in text
    assert ("Wrong across nodes " in text, max(map(len, text.splitlines())) < 400) == (True, True)


class OldSubjects(Plane):
    """A pod whose labels change stays under the policies that selected it at first."""

    def __init__(self, *arguments: object) -> None:
        self.first: dict[int, Labels] = {}
        super().__init__(*arguments)

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        self.first.setdefault(uid, self.endpoints[uid].labels)
        super().pod_labelled(uid, labels)

    def subject_labels(self, pod: Endpoint) -> Labels:
        return self.first.get(pod.uid, pod.labels)


class OldPeers(OldSubjects):
    """A pod whose labels change stays the peer that it was at first."""

    def subject_labels(self, pod: Endpoint) -> Labels:
        return pod.labels

    def peer_labels(self, pod: Endpoint) -> Labels:
        return self.first.get(pod.uid, pod.labels)


class _Changes(OldSubjects):
    """Knows what would be with the labels that a pod had at first."""

    def passed_at_first(self, side: Side) -> bool:
        now = {uid: self.endpoints[uid].labels for uid in self.first if uid in self.endpoints}
        for uid in now:
            self.endpoints[uid].labels = self.first[uid]
        self.isolated = {}
        try:
            return super().passes(side)
        finally:
            for uid, labels in now.items():
                self.endpoints[uid].labels = labels
            self.isolated = {}

    def subject_labels(self, pod: Endpoint) -> Labels:
        return pod.labels


class GainsIgnored(_Changes):
    """Nobody is let in, and nobody lets in, for a label that it has got."""

    def passes(self, side: Side) -> bool:
        return super().passes(side) and self.passed_at_first(side)


class LossesIgnored(_Changes):
    """Nobody is kept out, and nobody keeps out, for a label that it has lost."""

    def passes(self, side: Side) -> bool:
        return super().passes(side) or self.passed_at_first(side)


LEAK, OUTAGE = FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED
BOTH_ROLES = {"asks", "is asked"}


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(
    ("plane", "seen"),
    [
        (OldSubjects, {(LEAK, "is asked"), (OUTAGE, "is asked")}),
        (OldPeers, {(LEAK, "asks"), (OUTAGE, "asks")}),
        (GainsIgnored, {(OUTAGE, role) for role in BOTH_ROLES}),
        (LossesIgnored, {(LEAK, role) for role in BOTH_ROLES}),
    ],
    ids=["old subjects", "old peers", "gains ignored", "losses ignored"],
)
def test_a_plugin_that_keeps_who_a_pod_was_is_seen_where_that_lets_in_and_where_it_keeps_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plane: type[Plane], seen: set[tuple[FindingKind, str]]
) -> None:
    monkeypatch.setattr("conformance.target.Plane", plane)
    code, text = run(f"--world={LARGE}", "-k", "tiers", "--report=out", "--times=settle=3")
    (scenario,) = measured(tmp_path).scenarios
    turned = turned_in(WorldSize.of(LARGE))
    found = [(each.kind, each.question) for each in scenario.judgement.findings if each.step == 2 and each.question is not None]

    of_one = [(kind, question) for kind, question in found if len(turned & set(question.pair)) == 1]

    assert (1, seen) == (code, {(kind, "asks" if question.source in turned else "is asked") for kind, question in of_one}), text


@pytest.mark.usefixtures("_own_cache")
def test_only_some_of_the_family_may_be_chosen() -> None:
    code, text = run(SMALL, "-k", "egress", "--report=out")
    assert (0, True) == (code, "3 of 4 scenarios left out" in text)


@pytest.mark.parametrize(
    ("limits", "taken"),
    [((100, 5000), [(600, 5000)]), ((100, 200), [(200, 200)]), ((100, -1), [(600, -1)]), ((1024, 5000), []), ((-1, -1), [])],
    ids=["as many as are needed", "no more than it may", "no limit above", "enough already", "no limit at all"],
)
def test_a_process_takes_the_open_files_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], taken: list[tuple[int, int]]
) -> None:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: found.append(wanted))
    allow_files(scenarios_of(WorldSize.of("pods=300")))
    assert taken == found


@pytest.mark.parametrize(("pods", "cpu", "beat"), [(50, "25m", None), (51, "5m", 0.2)])
def test_probes_of_a_large_world_ask_for_less_and_look_less_often_how_late_they_run(pods: int, cpu: str, beat: float | None) -> None:
    (scenario, *_) = scenarios_of(WorldSize.of(f"pods={pods},namespaces=5"))
    manifests = render_world(scenario.layout, Names("run", "00"), "image", ["one", "two"], "source")
    container = next(iter(manifests.pods.values()))["spec"]["containers"][0]

    assert (cpu, beat) == (container["resources"]["requests"]["cpu"], json.loads(container["command"][-1]).get("beat"))


def test_every_pod_of_a_large_world_has_addresses_of_its_own_without_a_cluster_too() -> None:
    (scenario, *_) = scenarios_of(WorldSize.of("pods=1000,namespaces=100"))
    there = fictive_world(scenario.layout)
    others = [address for node in there.nodes.values() for address in node.addresses] + list(there.name_servers[0].addresses)

    assert 2 * 1000 + len(others) == len({address for each in there.pods.values() for address in each.addresses} | set(others))


def test_very_many_names_are_told_by_the_first_and_a_count() -> None:
    names = tuple(f"p{number}" for number in range(13))

    assert "apply p0, p1, p2 and 10 more" == str(Apply(names))
    assert "delete p0, p1, p2 and 10 more" == str(Delete(names))
    assert "put back: delete p0, delete p1, delete p2 and 10 more" == str(PutBack(names, {}, {}))
    assert f"apply {', '.join(names[:12])}" == str(Apply(names[:12]))


class Answers:
    """An API server whose pods in namespace `b` run from the third look on, those in `a` at once."""

    times, core = Times(), SimpleNamespace(list_namespaced_pod=None, read_node=None)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def call(self, _doing: str, _method: None, namespace: str, **_: object) -> dict[str, Any]:
        self.asked.append(namespace)
        is_up = namespace == "a" or self.asked.count("b") > 2
        status = {
            "phase": "Running" if is_up else "Pending",
            "containerStatuses": [{"ready": is_up, "state": {}}],
            "podIPs": [{"ip": "10.0.0.1"}],
        }
        return {
            "items": [{"metadata": {"namespace": namespace, "name": name}, "spec": {"nodeName": "n"}, "status": status} for name in "xy"]
        }


def test_a_namespace_whose_pods_all_run_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server, waited = Answers(), list[float]()
    monkeypatch.setattr("conformance.cluster.wait.time.sleep", waited.append)
    pods = {f"{space}/{name}": {"metadata": {"namespace": space, "name": name}} for space in "ba" for name in "xy"}
    found = wait.pods_ready(server, pods)  # type: ignore[arg-type] # all that it needs of a connection

    assert ["a", "b", "b", "b"] == server.asked
    assert (list(pods), [0.1, 0.1]) == (list(found), waited)


@pytest.mark.usefixtures("_own_cache")
def test_a_layout_of_ones_own_with_many_pods_is_asked_every_question(tmp_path: Path) -> None:
    layout: dict[str, Any] = {f"n{space}": {"pods": {f"p{number}": {} for number in range(10)}} for space in range(6)}
    (tmp_path / "sixty.yaml").write_text(crowded("sixty", layout))
    code, text = run("-n", "0", "--report=out", "sixty.yaml")

    assert (0, [Outcome.PASSED]) == (code, [each.outcome for each in measured(tmp_path).scenarios]), text
    assert [2 * 60 * 59] * 3 == [len(step.expected) for step in measured(tmp_path).scenarios[0].measurement.steps]

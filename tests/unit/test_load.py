"""The suite's own load on a cluster: bounded, counted, and taken back whatever happens; addresses that are wanted again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from standing import LAYOUT, Noted, Standing

from conformance.changes.load import Load
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin, Document, NodeFacts, NotPossible, Pods
from conformance.simulated.faults import FAULTS
from conformance.simulated.knowledge import SPARE, NoNetwork
from conformance.simulated.nouns import Endpoint
from conformance.simulated.plane import Plane
from conformance.template.load import SPACE
from conformance.world.place import Observed
from conformance.world.verdict import Outcome

NODE = "simulated-worker"


class Roomy(Noted):
    """Nodes take more pods than they have addresses."""

    room, spare = 110, SPARE

    def nodes(self) -> dict[str, NodeFacts]:
        return {name: replace(facts, room=self.room, spare=self.spare) for name, facts in super().nodes().items()}


class Counting(Roomy):
    """Counts what stands of a load, and what of it was ever there. Applying a policy takes `slowness` seconds."""

    def __init__(self, plane: type[Plane] = Plane, slowness: float = 0.0) -> None:
        self.slowness, self.most = slowness, {"pods": 0, "policies": 0}
        super().__init__(plane)

    def apply_policy(self, policy: Document) -> None:
        self.clock.wait(self.slowness)
        super().apply_policy(policy)
        self._count()

    def pods_ready(self, pods: Pods) -> dict[str, Observed]:
        found = super().pods_ready(pods)
        self._count()
        return found

    def _count(self) -> None:
        pods = [pod for pod in self.plane.endpoints.values() if pod.addresses]
        standing = {"pods": pods, "policies": self.plane.policies.values()}
        now = {kind: sum(SPACE in each.namespace for each in every) for kind, every in standing.items()}
        self.most = {kind: max(now[kind], most) for kind, most in self.most.items()}

    def ever(self, words: str) -> int:
        """How many objects the notes name that begin so."""
        verb, name = words.split()
        return sum(each.startswith(name) for note in self.notes if note.startswith(f"{verb} ") for each in note.split()[1:])


def test_policies_come_and_go_at_their_rate_for_their_time(tmp_path: Path) -> None:
    cluster = Counting()
    stage = Standing(tmp_path, "churn: {policies: 120, seconds: 30}", cluster=cluster)
    began = cluster.clock.now()

    stage.do(1)

    assert (60, 60) == (cluster.ever("apply p"), cluster.ever("delete p"))
    assert {"pods": 5, "policies": 21} == cluster.most
    assert 29.5 <= cluster.clock.now() - began <= 40
    assert [] == stage.left_in(SPACE)


def test_labels_of_the_load_change_at_their_rate_and_those_of_the_world_do_not(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "churn: {relabels: 60, seconds: 10}")

    stage.do(1)

    labels = [note.split(" ", 2)[1:] for note in stage.cluster.notes if note.startswith("label ")]
    assert ["l0", "suite"] * 5 == [where if where == "suite" else "l0" for where, _ in labels]
    assert ["{'turn': 't1'}", "{'turn': 't0'}", "{'turn': 't2'}"] == [what for where, what in labels if where == "suite"][:3]


def test_a_churn_ends_after_its_time_where_the_api_server_is_slower(tmp_path: Path) -> None:
    cluster = Counting(slowness=4.0)
    stage = Standing(tmp_path, "churn: {policies: 600, seconds: 10}", cluster=cluster)

    stage.do(1)

    assert 3 == cluster.ever("apply p") == cluster.ever("delete p")


@pytest.mark.parametrize(
    ("room", "at_once"), [(50, 20), (20, 9), (5, 1), (0, 20)], ids=["room for many", "room for some", "no room", "nobody says"]
)
def test_short_lived_pods_are_counted_and_leave_room_for_others(tmp_path: Path, room: int, at_once: int) -> None:
    cluster = Counting()
    stage = Standing(tmp_path, "churn: {pods: 45}", cluster=cluster)
    cluster.room = room

    stage.do(1)

    assert (45, 45, at_once) == (cluster.ever(f"create {SPACE}"), cluster.ever(f"gone {SPACE}"), cluster.most["pods"])
    assert [] == stage.left_in(SPACE)


ENDS = {
    "Ctrl-C while policies come": ("apply p7", KeyboardInterrupt()),
    "Ctrl-C while policies go": ("delete p3", KeyboardInterrupt()),
    "Ctrl-C while pods come": (f"ready {' '.join(f'{SPACE}/l{number}' for number in range(5, 25))}", KeyboardInterrupt()),
    "Ctrl-C while pods go": (f"gone {' '.join(f'{SPACE}/l{number}' for number in range(5, 25))}", KeyboardInterrupt()),
    "a broken cluster": ("apply p7", BrokenCluster("no answer")),
    "a broken plugin": (f"ready {' '.join(f'{SPACE}/l{number}' for number in range(5, 25))}", BrokenPlugin("no network")),
}


@pytest.mark.parametrize(("note", "trouble"), ENDS.values(), ids=ENDS)
def test_a_churn_that_ends_in_the_middle_leaves_nothing(tmp_path: Path, note: str, trouble: BaseException) -> None:
    stage = Standing(tmp_path, "churn: {policies: 120, seconds: 30, pods: 25}")
    stage.cluster.troubles[note] = trouble

    with pytest.raises(type(trouble)):
        stage.do(1)

    assert ({}, []) == (stage.cluster.troubles, stage.left_in(SPACE))


def test_a_load_that_cannot_be_taken_back_goes_with_the_run(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "churn: {pods: 3}")
    pods = " ".join(f"{SPACE}/l{number}" for number in range(3))
    stage.cluster.troubles |= {f"ready {pods}": BrokenPlugin("the first trouble"), f"end {pods}": BrokenCluster("no answer")}
    stage.cluster.troubles["end world 00x0"] = BrokenCluster("no answer")

    with pytest.raises(BrokenPlugin, match="the first trouble"):
        stage.do(1)
    assert ({}, [f"cc-run-00x0-{SPACE}"]) == (stage.cluster.troubles, stage.left_in(SPACE))

    stage.cluster.remove_run("run")
    assert [] == stage.left_in(SPACE)


class LongFarewell(Roomy):
    """Namespaces that are removed are there for a while, as in any real cluster."""

    def __init__(self, plane: type[Plane] = Plane) -> None:
        super().__init__(plane)
        remove = self.remove_world
        self.remove_world = lambda names: self.clock.later(30.0, lambda: remove(names))


@pytest.mark.parametrize(
    "changes",
    [
        ["churn: {pods: 3}", "churn: {pods: 3}"],
        ["remove: [shop/job, shop/api]", "reuse: {shop/late: shop/job, shop/next: shop/api}"],
    ],
    ids=["two churns", "two addresses"],
)
def test_a_load_does_not_wait_for_the_namespace_of_another(tmp_path: Path, changes: list[str]) -> None:
    layout = LAYOUT.replace("      stuck:", "      next: {node: a, later: true}\n      stuck:")

    stage = Standing(tmp_path, *changes, layout=layout, cluster=LongFarewell(InTurn))

    assert Outcome.PASSED is stage.play().outcome


@pytest.mark.parametrize("twin", ["shop/api", f"{SPACE}/l0"], ids=["a probe's", "another light pod's"])
def test_an_address_that_two_have_is_the_plugin_s_fault(tmp_path: Path, twin: str) -> None:
    stage = Standing(tmp_path, "wait: 0")
    load = Load(stage.live)
    taken = {
        "shop/api": stage.live.everybody.pods["shop/api"].addresses,
        **{ref: seen.addresses for ref, seen in load.start(NODE, 1).items()},
    }
    stage.cluster.pods_ready = lambda pods: {ref: Observed(taken[twin], NODE) for ref in pods}

    with pytest.raises(BrokenPlugin, match=f"{twin} and {SPACE}/l1 have the same address {taken[twin][0]}"):
        load.start(NODE, 1)


def test_what_nobody_started_need_not_be_ended(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "wait: 0")
    stage.cluster.notes.clear()

    Load(stage.live).end()

    assert [] == stage.cluster.notes


# --- an address that is wanted again ---------------------------------------------------------------------------------


class InTurn(Plane):
    """Gives the next free address after the last one that it gave: an old one comes again when all others were given."""

    def __init__(self, *arguments: object) -> None:
        self.last: dict[str, int] = {}
        super().__init__(*arguments)

    def give(self, pod: Endpoint) -> tuple[str, ...]:
        ranges, last = self.nodes[pod.node].ranges, self.last.get(pod.node, 1)
        turns = [number for number in (*range(last + 1, 62), *range(2, last + 1)) if str(ranges[0][number]) not in self.given]
        if not turns:
            raise NoNetwork(f"node {pod.node} has no free address")
        self.last[pod.node] = turns[0]
        found = tuple(str(network[turns[0]]) for network in ranges)
        self.given.update(found)
        return found


class Withheld(Plane):
    """The addresses of pods called job are never given again."""

    def take_back(self, pod: Endpoint) -> None:
        if pod.name != "job":
            super().take_back(pod)


REUSE = ("complete: [shop/job]", "reuse: {shop/late: shop/job}")


@pytest.mark.parametrize(("plane", "has_load"), [(Plane, False), (InTurn, True)], ids=["the lowest first", "in turn"])
def test_a_pod_gets_the_address_that_another_one_had(tmp_path: Path, plane: type[Plane], has_load: bool) -> None:  # noqa: FBT001 - a row
    cluster = Counting(plane)
    stage = Standing(tmp_path, *REUSE, cluster=cluster)
    before = stage.addresses("shop/job")

    stage.do_all()

    assert (before, has_load) == (stage.addresses("shop/late"), cluster.most["pods"] > 0)
    assert {"shop/api", "shop/front", "shop/desk", "shop/late"} == stage.live.presence.pods
    assert [] == stage.left_in(SPACE)


def test_an_address_that_was_wanted_and_is_taken_by_the_load_is_let_go(tmp_path: Path) -> None:
    class Eager(InTurn):
        """The load gets the job's address as soon as it is free, and nobody else does but after it."""

        def give(self, pod: Endpoint) -> tuple[str, ...]:
            self.last[pod.node] = 1 if SPACE in pod.namespace else self.last.get(pod.node, 1)
            return super().give(pod)

    stage = Standing(tmp_path, *REUSE, cluster=Roomy(Eager))
    before = stage.addresses("shop/job")

    stage.do_all()

    assert before == stage.addresses("shop/late")


NEVER = {
    "it takes none back": (
        FAULTS["addresses-leak"].plane,
        SPARE,
        "with nearly all addresses of its node taken the pod got none: .*no free address",
    ),
    "it withholds it": (Withheld, SPARE, r"the plugin gave none of the addresses of shop/job again in 24 tries"),
    "a node has more of them than pods": (InTurn, 254, "the node has 254 of them and takes 110 pods"),
    "nobody says how many there are": (InTurn, 0, "the node has an unknown number of them"),
}


@pytest.mark.parametrize(("plane", "spare", "because"), NEVER.values(), ids=NEVER)
def test_an_address_that_is_not_given_again_is_no_fault(tmp_path: Path, plane: type[Plane], spare: int, because: str) -> None:
    cluster = Roomy(plane)
    stage = Standing(tmp_path, *REUSE, cluster=cluster)
    cluster.spare = spare

    with pytest.raises(NotPossible, match=because):
        stage.play()

    assert [] == stage.left_in("run-")


class Doubling(Roomy):
    """Once a load is there, a new pod `who` gets the address of shop/api, too."""

    def __init__(self, who: str) -> None:
        self.who, self.has_load = who, False
        super().__init__(InTurn)

    def pods_ready(self, pods: Pods) -> dict[str, Observed]:
        found = super().pods_ready(pods)
        self.has_load = self.has_load or any(ref.startswith(SPACE) for ref in pods)
        twin = {"metadata": {"namespace": "cc-run-01-shop", "name": "api"}}
        twins = {ref: super(Doubling, self).pods_ready({ref: twin})[ref] for ref in found if ref == self.who and self.has_load}
        return found | twins


@pytest.mark.parametrize("who", [f"{SPACE}/l0", "shop/late"], ids=["a light pod", "the new pod"])
def test_an_address_that_is_given_twice_while_another_is_wanted_is_a_fault(tmp_path: Path, who: str) -> None:
    record = Standing(tmp_path, *REUSE, cluster=Doubling(who)).play()

    assert (Outcome.FAILED, True) == (record.outcome, f"shop/api and {who} have the same address" in record.sentence)


OTHERS = "layout:\n  next:\n    pods:\n" + "".join(f"      p{number}: {{node: a}}\n" for number in range(12))


def test_an_address_is_given_again_beside_the_pods_of_another_process(tmp_path: Path) -> None:
    cluster = Counting(InTurn)
    stage = Standing(tmp_path, *REUSE, cluster=cluster)
    other = Standing(
        tmp_path, "wait: 0", cluster=cluster, worker=1, layout=OTHERS, policies="", steps="steps: [{wait: 0, expect: all allowed}]"
    )

    records = [stage.play(), other.play()]

    assert [Outcome.PASSED] * 2 == [record.outcome for record in records]
    assert 44 <= cluster.most["pods"] <= SPARE - 12

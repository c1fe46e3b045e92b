"""What a step does to a world: what is asked of the cluster, in which order, and who is there after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scenario_file import HEAD, policy
from standing import LAYOUT, Noted, Standing

from conformance.changes import starts_of
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin, NotPossible
from conformance.simulated.faults import FAULTS
from conformance.world.question import Question
from conformance.world.verdict import Family, Outcome

ROWS = {
    "policies": (["together: [{apply: [deny]}, {delete: [deny]}]"], ["apply deny", "delete deny"]),
    "labels": (
        ["relabel: {shop: {team: red}, shop/api: {app: null}}"],
        ["label shop {'team': 'red'}", "label api {'app': None}"],
    ),
    "annotations": (["annotate: {shop: {a: b}}"], ["annotate shop {'a': 'b'}"]),
    "a pod and a Service come": (["add: [svc/shop/more, shop/late]"], ["create svc/more", "create late", "ready late"]),
    "a Service comes alone": (["add: [svc/shop/more]"], ["create svc/more"]),
    "a pod that never runs is not waited for": (["add: [shop/stuck, shop/late]"], ["create stuck late", "ready late"]),
    "a pod and a Service go": (["remove: [shop/api, svc/shop/web]"], ["end svc/web", "end api", "gone api"]),
    "a pod is gone before it is created again": (["recreate: [shop/api]"], ["end api", "gone api", "create api", "ready api"]),
    "a pod ends": (["complete: [shop/job]"], ["completed job"]),
    "nothing changes": (["wait: 60"], []),
    "nothing is waited for in between": (
        ["together: [{add: [shop/late]}, {apply: [deny]}, {remove: [shop/api]}, {delete: [deny]}]"],
        ["create late", "apply deny", "end api", "delete deny", "gone api", "ready late"],
    ),
    "a name is free before it is taken again": (
        ["together: [{remove: [shop/api]}, {apply: [deny]}, {add: [shop/api]}]"],
        ["end api", "apply deny", "gone api", "create api", "ready api"],
    ),
    "who is to end has run before": (
        ["together: [{add: [shop/late]}, {remove: [shop/late]}]"],
        ["create late", "ready late", "end late", "gone late"],
    ),
    "all of it so often": (
        ["together: [{remove: [shop/api]}, {add: [shop/api]}]\n    times: 2"],
        ["end api", "gone api", "create api", "ready api", "end api", "gone api", "create api", "ready api"],
    ),
    "a Service that came goes": (
        ["together: [{add: [svc/shop/more]}, {remove: [svc/shop/more]}]"],
        ["create svc/more", "end svc/more"],
    ),
    "who ends is created again": (
        ["together: [{complete: [shop/job]}, {recreate: [shop/job]}]"],
        ["end job", "gone job", "create job", "ready job"],
    ),
    "who ends is removed": (["together: [{complete: [shop/job]}, {remove: [shop/job]}]"], ["end job", "gone job"]),
    "who comes runs before it is told to end": (
        ["together: [{add: [shop/late]}, {complete: [shop/late]}]"],
        ["create late", "ready late", "completed late"],
    ),
    "what was begun is done before a restart": (
        ["together: [{add: [shop/late]}, {restart: plugin}, {apply: [deny]}]"],
        ["create late", "ready late", "restart plugin", "apply deny"],
    ),
    "a pod gets the address of another": (["complete: [shop/job]", "reuse: {shop/late: shop/job}"], ["create late", "ready late"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "asked"), ROWS.values(), ids=ROWS)
def test_what_is_asked_of_the_cluster_in_its_order(tmp_path: Path, changes: list[str], asked: list[str]) -> None:
    stage = Standing(tmp_path, *changes)

    stage.do_all()

    assert asked == stage.cluster.notes


THERE = {
    "who came": (
        "add: [shop/late, svc/shop/more]",
        {"api", "desk", "front", "job", "late"},
        set(),
        {"web", "more"},
        {"shop/late", "svc/shop/more"},
    ),
    "who went": ("remove: [shop/api, svc/shop/web]", {"desk", "front", "job"}, set(), set(), {"shop/api", "svc/shop/web"}),
    "who ended": ("complete: [shop/job]", {"api", "desk", "front"}, {"job"}, {"web"}, {"shop/job"}),
    "who came again": ("recreate: [shop/job]", {"api", "desk", "front", "job"}, set(), {"web"}, {"shop/job"}),
    "who came and went": (
        "together: [{add: [shop/late, svc/shop/more]}, {remove: [shop/late, svc/shop/more]}]",
        {"api", "desk", "front", "job"},
        set(),
        {"web"},
        {"shop/late", "svc/shop/more"},
    ),
    "a Service that came and went": (
        "together: [{add: [svc/shop/more]}, {remove: [svc/shop/more]}]",
        {"api", "desk", "front", "job"},
        set(),
        {"web"},
        {"svc/shop/more"},
    ),
    "who ended and went": (
        "together: [{complete: [shop/job]}, {remove: [shop/job]}]",
        {"api", "desk", "front"},
        set(),
        {"web"},
        {"shop/job"},
    ),
    "who never runs": ("add: [shop/stuck]", {"api", "desk", "front", "job", "stuck"}, set(), {"web"}, {"shop/stuck"}),
}


@pytest.mark.parametrize(("change", "pods", "completed", "services", "renewed"), THERE.values(), ids=THERE)
def test_who_is_there_after_a_change(
    tmp_path: Path, change: str, pods: set[str], completed: set[str], services: set[str], renewed: set[str]
) -> None:
    stage = Standing(tmp_path, change)

    done = stage.do(1)

    presence = stage.live.presence
    assert ({f"shop/{name}" for name in pods}, {f"shop/{name}" for name in completed}) == (presence.pods, presence.completed)
    assert ({f"svc/shop/{name}" for name in services}, renewed) == (presence.services, done.renewed)


@pytest.mark.parametrize(
    ("change", "is_old"),
    [
        ("add: [shop/late]", True),
        ("restart: plugin", True),
        ("apply: [deny]", False),
        ("together: [{add: [shop/late]}, {recreate: [shop/api]}]", True),
        ("together: [{add: [shop/late]}, {apply: [deny]}]", False),
        ("together: [{add: [shop/late]}, {relabel: {shop: {a: b}}}]", False),
    ],
    ids=["a pod", "a restart", "a policy", "pods together", "a policy among others", "a label among others"],
)
def test_policies_are_old_where_no_policy_and_no_label_changed(tmp_path: Path, change: str, is_old: bool) -> None:  # noqa: FBT001 - a row
    assert is_old is Standing(tmp_path, change).do(1).are_policies_old


def test_a_pod_that_is_created_again_is_known_by_its_new_address(tmp_path: Path) -> None:
    # The fault: an address never comes again.
    stage = Standing(tmp_path, "recreate: [shop/api]", cluster=Noted(FAULTS["addresses-leak"].plane))
    before = stage.addresses("shop/api")

    stage.do(1)

    at_once = Question("shop/front", "shop/api", 80, family=Family.IPV6)
    assert set(before).isdisjoint(stage.addresses("shop/api"))
    assert {"connected"} == {answer.kind for answer in stage.live.probes.ask([at_once], 0.5).answers.values()}


def test_a_policy_has_the_new_address_of_a_pod_that_was_created_again(tmp_path: Path) -> None:
    rules = "spec:\n  podSelector: {}\n  ingress: [{from: [{ipBlock: {cidr: \"{{ cidr('shop/api', 'ipv4') }}\"}}]}]\n"
    cluster = Noted(FAULTS["addresses-leak"].plane)
    stage = Standing(tmp_path, "recreate: [shop/api]", "apply: [deny]", cluster=cluster, policies=policy(HEAD + rules))
    before = stage.addresses("shop/api")

    stage.do_all()

    (standing,) = cluster.plane.policies.values()
    (peer,) = standing.ingress[0].peers
    assert before != stage.addresses("shop/api")
    assert f"{stage.addresses('shop/api')[0]}/32" == str(peer.block)


def test_putting_back_takes_away_what_was_added_and_brings_what_was_removed(tmp_path: Path) -> None:
    stage = Standing(
        tmp_path,
        "apply: [deny]",
        "add: [shop/late, svc/shop/more]",
        "remove: [shop/api, svc/shop/web]",
        "complete: [shop/job]",
        "relabel: {shop: {team: red}, shop/front: {app: front}}",
        "annotate: {shop: {a: b}}",
    )
    before = stage.live.presence
    stage.do_all()

    done = stage.do(7)

    assert before == stage.live.presence
    assert [
        "delete deny",
        "end svc/more",
        "end job late",
        "create svc/web",
        "gone job",
        "create api job",
        "label shop {'team': None}",
        "label front {'app': None}",
        "annotate shop {'a': None}",
        "gone late",
        "ready api job",
    ] == stage.cluster.notes
    assert {"shop/api", "shop/job", "shop/late", "svc/shop/web", "svc/shop/more"} == done.renewed


@pytest.mark.parametrize(
    ("node", "name", "gone", "stays"),
    [("a", "simulated-worker", ["api", "job"], "front"), ("b", "simulated-worker2", ["front", "desk"], "api")],
    ids=["the first node", "the second node"],
)
def test_a_restarted_node_has_new_pods_and_the_other_keeps_its_own(
    tmp_path: Path, node: str, name: str, gone: list[str], stays: str
) -> None:
    stage = Standing(tmp_path, f"restart: node/{node}")
    stream = stage.live.probes.probes[f"shop/{stays}"].stream

    done = stage.do(1)

    every = " ".join(gone)
    assert [f"restart {name}", f"end {every}", f"gone {every}", f"create {every}", f"ready {every}"] == stage.cluster.notes
    assert {f"shop/{each}" for each in gone} == done.renewed
    assert stream is stage.live.probes.probes[f"shop/{stays}"].stream
    assert Outcome.PASSED is stage.play().outcome


def test_what_the_pods_of_a_node_saw_before_its_restart_is_kept(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "restart: node/a")
    watched, clock = Question("shop/api", "shop/front", 80), stage.cluster.clock
    stage.live.probes.watch([watched])
    clock.wait(1.0)
    began = clock.now()

    stage.do(1)

    first = stage.live.probes.watched(began)[watched].attempts[0]
    assert (-1.0, 11) == (first.since, first.count)


def test_a_node_with_other_addresses_after_its_restart_is_asked_there(tmp_path: Path) -> None:
    layout = LAYOUT.replace("ports: {81/TCP: 80}", "ports: {81/TCP: 80}, kind: node-port")
    stage = Standing(tmp_path, "restart: node/b", layout=layout)
    moved = {name: replace(facts, addresses=tuple(each + 100 for each in facts.addresses)) for name, facts in stage.cluster.nodes().items()}
    stage.cluster.nodes = lambda: moved

    stage.do(1)

    assert moved["simulated-worker2"].addresses == stage.live.everybody.doors["nodeport-b/shop/web"].addresses


ASKED = [
    Question("shop/eager", ref, port, family=family)
    for ref, port in (("shop/api", 80), ("shop/front", 80), ("shop/desk", 80), ("shop/job", 80), ("svc/shop/web", 81))
    for family in Family
]


def test_a_new_pod_says_what_it_reached_from_its_first_instant_on(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "apply: [deny]", "add: [shop/eager]")

    done = stage.do_all()

    starts = starts_of(done, stage.live)
    blocked = {question for question, found in starts.items() if not any(start.connected for start in found)}
    assert set(ASKED) == set(starts)
    assert {question for question in ASKED if question.destination in ("shop/api", "svc/shop/web")} == blocked
    assert [(True, False)] * len(ASKED) == [tuple(start.is_init for start in found) for found in starts.values()]


@pytest.mark.parametrize(
    ("change", "unasked"),
    [
        ("add: [shop/eager]", ""),
        ("add: [shop/late, shop/eager]", "shop/late"),
        ("together: [{add: [shop/eager]}, {add: [shop/late]}]", "shop/late"),
        ("together: [{recreate: [shop/job]}, {add: [shop/eager]}]", "shop/job"),
    ],
    ids=["those who are there", "not who comes with it", "not who comes after it", "not who comes before it in one step"],
)
def test_a_new_pod_asks_at_its_start_who_was_there_before_the_step(tmp_path: Path, change: str, unasked: str) -> None:
    expected = {question for question in ASKED if question.destination != unasked}
    assert {"shop/eager": expected} == {ref: set(asked) for ref, asked in Standing(tmp_path, change).do(1).asking.items()}


def test_a_new_pod_asks_for_no_sizes_at_its_start(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "add: [shop/eager]", needs="sizes: {TCP: [1000]}\n")

    assert set(ASKED) == set(stage.do(1).asking["shop/eager"])


def test_a_pod_that_finds_nobody_of_before_asks_nobody_at_its_start(tmp_path: Path) -> None:
    pair = "layout:\n  shop:\n    pods:\n      front: {}\n      desk: {asks-at-start: true}\n"
    stage = Standing(tmp_path, "together: [{recreate: [shop/desk]}, {recreate: [shop/front]}]\n    times: 2", layout=pair)

    done = stage.do(1)

    assert ({}, {}) == (done.asking, starts_of(done, stage.live))


def test_a_new_pod_that_does_not_say_what_it_reached_is_trouble(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "add: [shop/eager]")
    done = stage.do(1)
    stage.live.probes.leave(["shop/eager"])

    with pytest.raises(BrokenCluster, match="shop/eager did not say what it had reached"):
        starts_of(done, stage.live)


TROUBLES = {
    "at a policy": ("together: [{apply: [deny]}, {delete: [deny]}]", "apply deny"),
    "at a label": ("relabel: {shop/front: {app: api}}", "label front {'app': 'api'}"),
    "at a new pod": ("add: [shop/late]", "create late"),
    "while a pod comes": ("add: [shop/late]", "ready late"),
    "while a pod goes": ("remove: [shop/job]", "gone job"),
    "while a pod ends": ("complete: [shop/job]", "completed job"),
    "at a Service": ("add: [svc/shop/more]", "create svc/more"),
    "at a restart": ("restart: node/a", "restart simulated-worker"),
    "while an address is wanted again": ("together: [{complete: [shop/job]}, {reuse: {shop/late: shop/job}}]", "ready late"),
    "while all is put back": ("add: [shop/late]", "end late"),
}


@pytest.mark.parametrize(("kind", "outcome"), [(BrokenCluster, Outcome.ERROR), (BrokenPlugin, Outcome.FAILED)], ids=["cluster", "plugin"])
@pytest.mark.parametrize(("change", "note"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_in_the_middle_of_a_step_is_told_and_nobody_else_gets_that_world(
    tmp_path: Path, change: str, note: str, kind: type[Exception], outcome: Outcome
) -> None:
    stage = Standing(tmp_path, change)
    stage.cluster.troubles[note] = kind("the API server is tired")

    record = stage.play()

    assert (outcome, True) == (record.outcome, "the API server is tired" in record.sentence)
    assert stage.live is not stage.worlds.take(stage.scenario.layout)


def test_what_a_cluster_cannot_do_is_told_and_nobody_else_gets_that_world(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "restart: plugin")
    stage.cluster.troubles["restart plugin"] = NotPossible("it has no agents")

    with pytest.raises(NotPossible, match="it has no agents"):
        stage.play()

    assert stage.live is not stage.worlds.take(stage.scenario.layout)


def test_a_world_that_was_put_back_is_the_next_one_s(tmp_path: Path) -> None:
    stage = Standing(tmp_path, "add: [shop/late]")

    assert Outcome.PASSED is stage.play().outcome
    assert stage.live is stage.worlds.take(stage.scenario.layout)


@pytest.mark.parametrize("change", ["restart: plugin", "restart: node/a", "churn: {pods: 1}", "reuse: {shop/late: shop/job}"])
def test_what_may_hurt_all_is_done_in_a_new_world(tmp_path: Path, change: str) -> None:
    stage = Standing(tmp_path, "remove: [shop/job]", change)

    assert Outcome.PASSED is stage.play().outcome
    assert ["cc-run-01-shop"] == stage.left_in("cc-run")[-1:]


@pytest.mark.parametrize(
    ("change", "expected"), [("relabel: {shop/api: {app: null}}", True), ("remove: [shop/api]", False)], ids=["labels", "a pod"]
)
def test_a_world_knows_whether_its_labels_were_changed(tmp_path: Path, change: str, expected: bool) -> None:  # noqa: FBT001 - a row
    standing = Standing(tmp_path, change)
    standing.do(1)

    assert expected is standing.live.was_relabelled

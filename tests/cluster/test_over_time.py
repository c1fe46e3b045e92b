"""What happens over time on a real cluster: pods, Services and labels that change, restarts, addresses that come again.

Scenarios of the catalogue show it, a few in each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import call, words
from test_run import worlds

from conformance.cluster.kind_cluster import KindCluster
from conformance.record import ScenarioRecord, read
from conformance.world.measurement import StepMeasurement
from conformance.world.verdict import FindingKind, Outcome, Verdict

Records = Mapping[str, ScenarioRecord]

CALM = {
    "pods that ask from their first instant come": ("nothing-leaves-in-the-first-instant", "add shop/one, shop/two, shop/free"),
    "a pod goes": ("pod-of-the-same-name-next-door-goes", "remove next/front"),
    "a pod is created again": ("server-comes-back-under-its-name", "recreate shop/api"),
    "namespaces change their labels": ("two-namespaces-swap-their-labels", "relabel shop team=blue, next team=red"),
    "Services are asked by address and name": ("allowed-pod-is-allowed-through-its-service", "apply to-lone"),
    "a pod in its node's network asks": ("own-node-passes-a-deny-all", "apply deny-all"),
    "a Service comes late": ("service-created-after-the-policy", "add svc/shop/web"),
}
ROUGH = {
    "the plugin starts again": ("plugin-starts-again", "restart plugin"),
    "a node starts again": ("first-node-starts-again", "restart node/a"),
    "a pod has the address of one that ended": ("address-of-a-free-job", "add shop/stray with the address of shop/job"),
}


def played(cluster: KindCluster, folder: Path, *more: str) -> Records:
    """By name, the records of a run; what it said where it wrote none."""
    ended = call("run", "--name", cluster.name, "--cni", cluster.plugin, "--report", "out", *more, folder=folder)
    assert (folder / "out" / "record.json").exists(), ended.text
    return {scenario.name: scenario for scenario in read(folder / "out" / "record.json").scenarios}


def chosen(rows: Mapping[str, tuple[str, str]]) -> str:
    return words([name for name, _ in rows.values()])


def step(record: ScenarioRecord, action: str) -> StepMeasurement:
    (found,) = (each for each in record.measurement.steps if each.action == action)
    return found


@pytest.fixture(scope="module")
def enforced(cilium: KindCluster, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Scenarios that hurt nobody, side by side; then disruptive ones, one after the other: each finds what the one before has left of
    the cluster."""
    return played(cilium, tmp_path_factory.mktemp("enforced"), "-n", "2", "-k", f"{chosen(CALM)} or {chosen(ROUGH)}")


@pytest.fixture(scope="module")
def unenforced(ptp: KindCluster, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The network alone, where nothing enforces policies, and what needs enforcement, which waits for it in vain: for 4 s only."""
    named = words([*NETWORK.values(), *ENFORCING])
    return played(ptp, tmp_path_factory.mktemp("unenforced"), "--force", "-n", "2", "-k", named, "--times", "settle=4")


@pytest.mark.parametrize(("name", "action"), CALM.values(), ids=CALM)
def test_a_change_is_made_and_its_table_holds(enforced: Records, name: str, action: str) -> None:
    record = enforced[name]
    assert (Outcome.PASSED, True) == (record.outcome, step(record, action).timeline.settled_at is not None), record.sentence


@pytest.mark.parametrize(("name", "action"), ROUGH.values(), ids=ROUGH)
def test_a_restart_is_outlived_and_the_next_world_works(enforced: Records, name: str, action: str) -> None:
    record = enforced[name]
    assert (Outcome.PASSED, True) == (record.outcome, step(record, action).timeline.settled_at is not None), record.sentence


def test_nothing_is_left_of_restarts_and_loads(enforced: Records, cilium: KindCluster) -> None:
    assert [] == worlds(cilium)


def test_a_pod_behind_a_policy_never_got_out_from_its_first_instant_on(enforced: Records) -> None:
    added = step(enforced["nothing-leaves-in-the-first-instant"], CALM["pods that ask from their first instant come"][1])
    reached = {question: sum(each.connected for each in starts) for question, starts in added.starts.items()}
    blocked = {question for question in added.starts if added.expected[question].verdict is Verdict.BLOCKED}

    assert {"shop/one", "shop/two"} == {question.source for question in blocked}
    assert {0} == {reached[question] for question in blocked}
    assert 0 < min(reached[question] for question in reached.keys() - blocked)
    assert 1 <= min(each.attempts for starts in added.starts.values() for each in starts)


@pytest.mark.parametrize(
    ("row", "was_kept"), [("a pod goes", True), ("a pod is created again", False)], ids=["another pod went", "its server went"]
)
def test_of_a_watched_connection_it_is_told_whether_it_was_kept(enforced: Records, row: str, was_kept: bool) -> None:  # noqa: FBT001 - a row
    name, action = CALM[row]
    number = step(enforced[name], action).number
    found = [each for each in enforced[name].judgement.established if (each.step, each.question.destination) == (number, "shop/api")]

    assert {was_kept} == {each.was_kept for each in found}


def test_all_pods_of_a_restarted_node_are_new_and_no_others(enforced: Records) -> None:
    record = enforced["first-node-starts-again"]
    first = min(pod.node for pod in record.world.pods.values())

    assert {pod.ref for pod in record.world.pods.values() if pod.node == first} == step(record, "restart node/a").renewed


ENFORCING = (
    "limit-traffic",
    "nothing-leaves-in",
    "own-node-passes-a-deny-all",
    "service-created-after",
    "large-datagrams-obey",
)
NETWORK = {
    "pods and hostNetwork pods see each other's addresses": "pods-see-each-others-addresses",
    "a headless Service's name follows its pods": "service-name-follows-its-pods",
    "a host port leads to the new pod": "host-port-leads-to-the-new-pod",
    "large messages arrive whole": "large-messages-arrive-whole",
    "large messages arrive through a Service": "large-messages-arrive-through-doors",
    "large messages arrive through a host port": "large-messages-arrive-through-a-host-port",
}


@pytest.mark.parametrize("name", NETWORK.values(), ids=NETWORK)
def test_a_plugin_that_enforces_nothing_passes_what_is_about_the_network_alone(unenforced: Records, name: str) -> None:
    assert Outcome.PASSED is unenforced[name].outcome, unenforced[name].sentence


def test_whoever_needs_enforcement_fails_where_there_is_none(unenforced: Records) -> None:
    enforcing = {name: record for name, record in unenforced.items() if record.policies}

    assert 5 == len(enforcing)
    assert {Outcome.FAILED} == {record.outcome for record in enforcing.values()}
    assert {True} == {FindingKind.WRONGLY_ALLOWED in {each.kind for each in record.judgement.findings} for record in enforcing.values()}

"""The test bench: without a fault it agrees with the model, with one it shows exactly that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cluster.contract import BrokenPlugin, ClusterUnderTest
from conformance.settings import OPTIONS, InvalidSettings, Settings
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.faults import FAULTS, UnknownFault, named
from conformance.simulated.nouns import Packet
from conformance.simulated.plane import Plane
from conformance.target import Target
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Protocol

ROWS = {
    *(1, 2, 3, 5, 6, 8), *range(10, 18), *(19, 20, 21, 23, 24, 25), *(27, 28, 29, 30, 32, 33, 34), *(35, 36, 37, 38, 40, 42),
    *(43, 44, 45, 47, 49), *(50, 51, 52, 53, 55), *(56, 57, 60, 61), *(62, 63, 65, 67), *(68, 69, 70), *(73, 74, 76), *(78, 79, 81),
    *(82, 84), *(86, 88, 89), *(90, 92), *(93,), *(95, 96),
}  # fmt: skip
"""The numbers of the collected reports of real faults."""


def pod(name: str, namespace: str = "x", **labels: str) -> dict[str, object]:
    config = {"identity": f"{namespace}/{name}", "serves": [[80, "TCP"]]}
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"containers": [{"command": ["python3", json.dumps(config)], "ports": [{"containerPort": 80}]}]},
    }


def deny(name: str = "deny") -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "x", "name": name},
        "spec": {"podSelector": {}},
    }


def standing(plane: type[Plane] = Plane) -> SimulatedCluster:
    cluster = SimulatedCluster(plane, Times())
    pods = {name: pod(name) for name in "ab"}
    cluster.create_world(({"metadata": {"name": "x"}},), pods)
    cluster.pods_ready(pods)
    return cluster


def asked(cluster: SimulatedCluster, source: str = "a", destination: str = "b") -> str:
    stream = cluster.attach("x", source)
    address = str(cluster.pods_ready({destination: pod(destination)})[destination].addresses[0])
    stream.send(json.dumps({"id": 1, "timeout": 0.5, "ask": [[address, 80, "TCP"]]}))
    reply = json.loads(stream.receive(1.0) or "{}")
    return str(reply["answers"][0][0])


def test_actions_run_at_their_times_while_somebody_waits() -> None:
    clock, seen = SimulatedClock(), list[float]()
    clock.later(2.0, lambda: seen.append(clock.now()))
    end = clock.every(1.0, lambda: seen.append(clock.now()))
    clock.wait(2.5)
    end()
    clock.wait(5.0)
    assert [0.0, 1.0, 2.0, 2.0] == sorted(seen)
    assert clock.now() == 7.5


def test_it_is_a_cluster_under_test() -> None:
    cluster: ClusterUnderTest = standing()
    assert ["simulated-control-plane", "simulated-worker", "simulated-worker2"] == list(cluster.nodes())
    assert [] == cluster.missing_rights()


def test_a_deny_all_blocks_and_is_gone_with_its_policy() -> None:
    cluster = standing()
    before = asked(cluster)
    cluster.apply_policy(deny())
    under = asked(cluster)
    cluster.delete_policy("x", "deny")
    assert ("connected", "timed-out", "connected") == (before, under, asked(cluster))


def test_a_silent_question_takes_its_whole_time() -> None:
    cluster = standing()
    cluster.apply_policy(deny())
    began = cluster.clock.now()
    asked(cluster)
    assert cluster.clock.now() - began == pytest.approx(0.5, abs=0.01)


def come_and_go(cluster: SimulatedCluster, times: int) -> None:
    late = {"late": pod("late")}
    for _ in range(times):
        cluster.create_pods(late)
        cluster.pods_ready(late)
        cluster.delete_pods(late)
        cluster.pods_gone(late)


def test_a_pod_without_an_address_is_the_plugins_fault() -> None:
    come_and_go(standing(), 130)
    with pytest.raises(BrokenPlugin, match="no free address"):
        come_and_go(standing(FAULTS["addresses-leak"].plane), 130)


def test_an_address_that_was_given_back_comes_again() -> None:
    cluster = standing()
    first = cluster.pods_ready({"b": pod("b")})
    cluster.delete_pods({"b": pod("b")})
    cluster.pods_gone({"b": pod("b")})
    cluster.create_pods({"c": pod("c")})
    assert first["b"].addresses == cluster.pods_ready({"c": pod("c")})["c"].addresses


def test_nobody_answers_at_an_address_that_nobody_has() -> None:
    plane = standing().plane
    packet = Packet(max(plane.endpoints), "203.0.113.1", 80, Protocol.TCP)
    assert plane.send(packet).kind is AnswerKind.TIMED_OUT


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_with_a_name_of_its_own(name: str) -> None:
    about = FAULTS[name].about
    assert about.endswith(".")
    assert ". " not in about.replace("0. ", "")
    assert set(FAULTS[name].rows) <= ROWS


def test_every_report_of_a_real_fault_has_a_fault_that_stands_for_it() -> None:
    assert ROWS == {row for fault in FAULTS.values() for row in fault.rows}


def test_a_fault_that_there_is_not_is_told_with_its_neighbours() -> None:
    with pytest.raises(UnknownFault, match="except-compiled-as-deny"):
        named("except-compiled-as-den")


@pytest.mark.parametrize(
    ("values", "because"), [({"cluster": "kind", "fault": "late-leak"}, "only the plugin"), ({"fault": "nonsense"}, "there is no fault")]
)
def test_a_fault_needs_its_cluster_and_a_name(values: dict[str, str], because: str) -> None:
    every = {option.key: option.unset for option in OPTIONS}
    with pytest.raises(InvalidSettings, match=because):
        Settings.of({**every, "cluster": "simulated", **values})


def test_the_target_travels_with_its_fault(tmp_path: Path) -> None:
    target = Target.simulated(Settings(cluster="simulated", fault="late-leak"))
    target.write(tmp_path)
    assert target == Target.read(tmp_path)

"""A cluster whose nodes we may not list: the scheduler places the pods, and what needs a node by name is skipped with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance import data
from conformance.cluster.contract import NodeFacts, NotPossible
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.load import load
from conformance.settings import Settings
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.plane import Plane
from conformance.target import Target
from conformance.world.times import Times
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds

SCENARIOS = data.folder("scenarios")


class WithoutNodes(SimulatedCluster):
    def nodes(self) -> Mapping[str, NodeFacts]:
        return {}


def played(path: Path) -> ScenarioRecord:
    target, times, scenario = Target.simulated(Settings(cluster="simulated")), Times(settle=3.0), load(path)
    worlds = Worlds(WithoutNodes(Plane, times), target, times, "r", 0)
    return play(scenario, worlds, times, Notes(scenario, target, "w"))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("recipes/02-limit-traffic-to-an-application.yaml", id="pods that are there at first"),
        pytest.param("startup/pod-of-an-admitted-namespace-while-it-starts.yaml", id="pods that come later"),
        pytest.param("services/only-the-allowed-backend-answers.yaml", id="services"),
    ],
)
def test_the_scheduler_places_the_pods(path: str) -> None:
    record = played(SCENARIOS / path)
    assert (Outcome.PASSED, record.sentence) == (record.outcome, record.sentence)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("node/node-port-of-an-open-pod.yaml", id="ports of nodes"),
        pytest.param("restarts/first-node-starts-again.yaml", id="a node that is restarted"),
        pytest.param("network/addresses-are-given-back.yaml", id="pods by the dozen on one node"),
    ],
)
def test_what_needs_a_node_by_name_is_not_possible(path: str) -> None:
    with pytest.raises(NotPossible, match="may not list nodes"):
        played(SCENARIOS / path)

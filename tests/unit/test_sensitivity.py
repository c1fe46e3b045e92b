"""Which scenarios see which faults: what is foreseen is what the suite comes to, and the command says what lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import data
from conformance.cli import main
from conformance.scenario.load import load
from conformance.sensitivity import Seen, Sensitivity, fails, look, recorded
from conformance.simulated.faults import FAULTS
from conformance.simulated.replay import Sight, sight
from conformance.simulated.twins import Bench, is_twin

SCENARIOS = data.folder("scenarios")
LIMIT = SCENARIOS / "recipes" / "02-limit-traffic-to-an-application.yaml"
WATCHED = SCENARIOS / "connections" / "policy-that-comes-leaves-what-it-admits.yaml"
DOORS = SCENARIOS / "services" / "only-the-allowed-backend-answers.yaml"


@pytest.mark.parametrize("path", [LIMIT, WATCHED, DOORS], ids=lambda path: path.stem)
def test_what_is_foreseen_is_what_the_suite_comes_to(path: Path) -> None:
    scenario, faults = load(path), list(FAULTS.values())[::8]
    _, course = recorded(scenario)
    foreseen = {fault.name: sight(course, fault.plane) for fault in faults}
    sure = {name: seen is Sight.FAILURE for name, seen in foreseen.items() if seen is not Sight.SOMETHING}
    assert {name: fails(scenario, FAULTS[name].plane) for name in sure} == sure
    assert {True, False} == set(sure.values())


@pytest.mark.parametrize("path", [LIMIT, WATCHED, DOORS], ids=lambda path: path.stem)
def test_twins_see_what_each_fault_alone_would_show(path: Path) -> None:
    _, course = recorded(load(path))
    twins = {fault.name: fault.plane for fault in FAULTS.values() if fault.is_static and is_twin(fault.plane)}
    assert {name: sight(course, plane) for name, plane in twins.items()} == Bench(course, twins).sights()


def test_a_scenario_sees_a_fault_that_it_is_about_and_no_other() -> None:
    faults = [FAULTS[name] for name in ("ingress-never-enforced", "late-leak", "sctp-rules-dropped", "gap-at-restart")]
    assert Seen("limit-traffic-to-an-application", ("ingress-never-enforced", "late-leak")) == look(load(LIMIT), faults)


def test_the_table_names_what_nobody_sees_and_who_sees_nothing() -> None:
    table = Sensitivity((FAULTS["late-leak"], FAULTS["gap-at-restart"]), (Seen("one", ("late-leak",)), Seen("two", ())))
    assert (("gap-at-restart",), ("two",)) == (table.unseen, table.blind)
    assert ["one"] == json.loads(table.to_json())["faults"]["late-leak"]["seen_by"]


def test_the_command_says_which_scenarios_see_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    words = ["sensitivity", "-n", "1", "--fault", "late-leak", "--json", str(file), str(LIMIT)]
    result = CliRunner().invoke(main, words)
    assert (0, ["limit-traffic-to-an-application"]) == (result.exit_code, json.loads(file.read_text())["faults"]["late-leak"]["seen_by"])
    assert CliRunner().invoke(main, [*words[:3], "--fault", "gap-at-restart", str(LIMIT)]).exit_code == 1
    assert CliRunner().invoke(main, ["sensitivity", "--fault", "nonsense"]).exit_code == 2
    assert "except-compiled-as-deny [35, 36, 37]" in CliRunner().invoke(main, ["sensitivity", "--list"]).output


LACKS = "selectors/no-host-lacks-a-label"
OTHER = "selectors/no-host-has-another-name"
BOTH = "selectors/exclusions-of-both-kinds-name-pods"
OWN = "selectors/no-host-is-a-pod-without-a-label"
NODE = "node/another-node-lacks-no-label"


@pytest.mark.parametrize(
    ("fault", "seen_by"),
    [
        pytest.param("namespace-exclusions-admit-hosts", {LACKS, OTHER, BOTH, NODE}, id="every selector of namespaces that only excludes"),
        pytest.param("namespace-exclusions-admit-nodes", {NODE}, id="nodes alone"),
        pytest.param("exclusions-of-both-kinds-admit-hosts", {BOTH}, id="both selectors at once"),
        pytest.param("pod-exclusions-admit-hosts", {OWN}, id="pods of the own namespace"),
    ],
)
def test_an_exclusion_that_admits_what_is_no_pod_is_seen_by_the_scenarios_about_it(fault: str, seen_by: set[str]) -> None:
    about_it = {LACKS, OTHER, BOTH, OWN, NODE}
    assert seen_by == {name for name in about_it if look(load(SCENARIOS / f"{name}.yaml"), [FAULTS[fault]]).faults}

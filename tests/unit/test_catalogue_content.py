"""The scenarios that the suite brings along."""

import re
from pathlib import Path

import pytest

from conformance import data
from conformance.expect import contradictions, explain
from conformance.plan import PlannedStep, plan
from conformance.scenario.catalogue import find, load_all
from conformance.scenario.check import check
from conformance.scenario.claims import claimed
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import capabilities, load, schema
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import ACTIONS
from conformance.world.place import Pod
from conformance.world.verdict import Family, Verdict

FILES = find([data.folder("scenarios")])
every_file = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
RECIPES = {"01", "02", "02a", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14"}


def steps(scenario: Scenario) -> tuple[PlannedStep, ...]:
    return plan(scenario, fictive_world(scenario.layout), tuple(Family)).steps[1 : len(scenario.steps) + 1]


def test_all_files_are_sound_and_keep_the_rules_of_the_catalogue() -> None:
    scenarios, faults = load_all([data.folder("scenarios")])

    assert ((), ()) == (faults, check(scenarios))


def test_all_recipes_are_there() -> None:
    assert RECIPES == {scenario.recipe for scenario in map(load, FILES) if scenario.group == "recipes"}


def test_every_layout_is_used_and_small() -> None:
    layouts = {scenario.layout.name: scenario.layout for scenario in map(load, FILES)}

    assert {path.stem for path in (data.folder("scenarios") / "layouts").iterdir()} == set(layouts)
    assert [] == [name for name, layout in layouts.items() if len(list(layout.pods())) > 9]


def test_capabilities_are_sentences() -> None:
    assert [] == [name for name, sentence in capabilities().items() if not sentence.endswith(".")]


@every_file
def test_what_a_person_wrote_is_what_the_model_says(path: Path) -> None:
    assert () == contradictions([load(path)])


@every_file
def test_the_first_step_blocks_pairs_on_one_node_and_across_nodes(path: Path) -> None:
    scenario = load(path)
    pods = fictive_world(scenario.layout).pods
    blocked = {
        pods[question.source].node == pods[question.destination].node
        for question, expectation in steps(scenario)[0].expected.items()
        if expectation.verdict is Verdict.BLOCKED and all(isinstance(pods.get(ref), Pod) for ref in question.pair)
    }
    # What is about hosts outside the cluster may block nobody else.
    assert {True, False} == blocked or ("outside-host" in scenario.needs and not blocked)


@every_file
def test_every_step_changes_the_table(path: Path) -> None:
    scenario = load(path)
    before = dict.fromkeys(steps(scenario)[0].expected, Verdict.ALLOWED)
    for step in steps(scenario):
        after = {question: expectation.verdict for question, expectation in step.expected.items()}
        assert before != after
        before = after


@every_file
def test_somebody_wrote_a_verdict_for_every_cell_that_a_first_step_blocks(path: Path) -> None:
    scenario = load(path)
    table = steps(scenario)[0].expected
    written = claimed(scenario.steps[0], table)

    assert [] == [question for question, each in table.items() if each.verdict is Verdict.BLOCKED and question not in written]


@every_file
def test_the_page_of_every_scenario_names_its_policies(path: Path) -> None:
    scenario = load(path)

    assert [] == [step for step in range(1, len(scenario.steps) + 1) if f"Step {step}: " not in explain(scenario)]


def test_the_example_of_the_documentation_is_sound(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "scenario-file.md"
    example = re.findall(r"```yaml\n(name: .*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    path = tmp_path / "02-limit-traffic-to-an-application.yaml"
    path.write_text(example, encoding="utf-8")

    scenario = load(path)

    assert ((), ()) == (check([scenario]), contradictions([scenario]))


def test_every_key_of_a_file_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenario-file.md").read_text(encoding="utf-8")
    keys = {*schema()["properties"], *ACTIONS}

    assert set() == {key for key in keys if f"`{key}" not in page}

"""The scenarios that the suite brings along."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from conformance import data
from conformance.expect import contradictions, explain
from conformance.plan import PlannedStep, plan
from conformance.scenario.catalogue import load_all
from conformance.scenario.check import check
from conformance.scenario.claims import claimed
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import capabilities, classes, load, schema
from conformance.scenario.steps import ACTIONS
from conformance.world.question import Question
from conformance.world.verdict import Family, Verdict

RECIPES = {"01", "02", "02a", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14"}
SCENARIOS, FAULTS = load_all([data.folder("scenarios")])
ARTICLES = tuple(scenario for scenario in SCENARIOS if scenario.group in ("recipes", "articles"))


@cache
def planned(name: str) -> tuple[PlannedStep, ...]:
    (scenario,) = (each for each in SCENARIOS if each.name == name)
    return plan(scenario, fictive_world(scenario.layout), tuple(Family)).steps[1 : len(scenario.steps) + 1]


def blocked(step: PlannedStep) -> Iterator[Question]:
    return (question for question, each in step.expected.items() if each.verdict is Verdict.BLOCKED)


def test_all_files_are_sound_and_keep_the_rules_of_the_catalogue() -> None:
    assert ((), ()) == (FAULTS, check(SCENARIOS))


def test_all_recipes_are_there() -> None:
    assert RECIPES == {scenario.recipe for scenario in SCENARIOS if scenario.group == "recipes"}


def test_every_class_of_faults_has_scenarios() -> None:
    assert set(classes()) == {scenario.fault_class for scenario in SCENARIOS}


@pytest.mark.parametrize("words", [pytest.param(capabilities, id="capabilities"), pytest.param(classes, id="classes")])
def test_words_are_explained_by_sentences(words) -> None:
    assert [] == [name for name, sentence in words().items() if not sentence.endswith(".")]


def test_every_layout_is_used() -> None:
    used = {scenario.layout.name for scenario in SCENARIOS} - {None}

    assert {path.stem for path in (data.folder("scenarios") / "layouts").iterdir()} == used | {"fuzz"}


def test_what_a_person_wrote_is_what_the_model_says() -> None:
    assert () == contradictions(SCENARIOS)


BLOCKS_NOBODY = {
    "gone-as-soon-as-it-came",  # is about policies that are gone
    "an-exception-beside-pods",  # is about a peer that must not be lost
    "host-network-pod-as-subject",  # is about a pod of which the specification says nothing
}


def test_every_scenario_with_policies_expects_both_a_way_that_is_open_and_one_that_is_not() -> None:
    wanted = {Verdict.ALLOWED, Verdict.BLOCKED}

    lacking = [
        scenario.name
        for scenario in SCENARIOS
        if scenario.policies and wanted - {each.verdict for step in planned(scenario.name) for each in step.expected.values()}
    ]

    assert BLOCKS_NOBODY == set(lacking)


def test_recipes_block_pairs_on_one_node_and_across_nodes() -> None:
    for scenario in ARTICLES:
        pods = fictive_world(scenario.layout).pods
        pairs = [question.pair for question in blocked(planned(scenario.name)[0]) if all(ref in pods for ref in question.pair)]
        nodes = {pods[source].node == pods[destination].node for source, destination in pairs}
        # What is about hosts outside the cluster may block nobody else.
        assert {True, False} == nodes or ("outside-host" in scenario.needs and not nodes), scenario.name


def test_every_step_of_a_recipe_changes_the_table() -> None:
    for scenario in ARTICLES:
        before = dict.fromkeys(planned(scenario.name)[0].expected, Verdict.ALLOWED)
        for step in planned(scenario.name):
            after = {question: expectation.verdict for question, expectation in step.expected.items()}
            assert before != after, scenario.name
            before = after


def test_somebody_wrote_a_verdict_for_every_cell_that_the_first_step_of_a_recipe_blocks() -> None:
    for scenario in ARTICLES:
        first = planned(scenario.name)[0]
        written = claimed(scenario.steps[0], first.expected)
        assert [] == [question for question in blocked(first) if question not in written], scenario.name


def test_the_page_of_every_recipe_has_all_its_steps() -> None:
    for scenario in ARTICLES:
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
    parts = schema()["$defs"]
    keys = {*schema()["properties"], *ACTIONS, "times", *parts["pod"]["properties"], *parts["service"]["properties"], "services"}

    assert set() == {key for key in keys if f"`{key}" not in page}

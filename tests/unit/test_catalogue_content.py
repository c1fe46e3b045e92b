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
from conformance.scenario.scenario import Claim, Scenario
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


BLOCKED_ON_ONE_SIDE = {
    "rules-that-come-and-go-twenty-times",  # the rule for a port admits all pods: what is blocked is the one without that port
    "far-node-is-no-pod-of-the-namespace",  # a pod's own node is always let in
    "another-node-lacks-no-label",  # the same
    "node-port-of-an-open-pod",  # is about doors
    "fifty-values-in-one-expression",  # one value is beyond
    "does-not-exist",  # two pods have the label, both on the server's other node
    "namespaces-that-have-a-label",  # one namespace, of one pod, has no label
    "pod-of-an-admitted-namespace-while-it-starts",  # is about one pod that comes
    "server-is-shut-before-it-serves",  # is about one server that comes
}
"""Scenarios that block pairs on one node only, or across nodes only."""


def test_pairs_are_blocked_on_one_node_and_across_nodes() -> None:
    one_sided = set()
    for scenario in SCENARIOS:
        pods = fictive_world(scenario.layout).pods
        pairs = {question.pair for step in planned(scenario.name) for question in blocked(step)}
        nodes = {pods[source].node == pods[other].node for source, other in pairs if source in pods and other in pods}
        # What is about hosts outside the cluster may block nobody else.
        if pairs and nodes != {True, False} and not ("outside-host" in scenario.needs and not nodes):
            one_sided.add(scenario.name)

    assert BLOCKED_ON_ONE_SIDE == one_sided


def test_every_step_of_a_recipe_changes_the_table() -> None:
    for scenario in ARTICLES:
        before = dict.fromkeys(planned(scenario.name)[0].expected, Verdict.ALLOWED)
        for step in planned(scenario.name):
            after = {question: expectation.verdict for question, expectation in step.expected.items()}
            assert before != after, scenario.name
            before = after


WITH_DOORS = ("services", "node")
"""Groups whose tables have more columns than pods (Services, nodes, host ports): somebody wrote the cells that a scenario is about."""


def written(scenario: Scenario) -> Iterator[tuple[PlannedStep, dict[Question, Claim]]]:
    return ((each, claimed(step, each.expected)) for step, each in zip(scenario.steps, planned(scenario.name), strict=True))


def test_somebody_wrote_a_verdict_for_every_cell_that_is_blocked() -> None:
    lacking = {
        scenario.name: [str(question) for step, claims in written(scenario) for question in blocked(step) if question not in claims]
        for scenario in SCENARIOS
        if scenario.group not in WITH_DOORS
    }

    assert {} == {name: cells for name, cells in lacking.items() if cells}


def test_somebody_wrote_of_every_scenario_that_blocks_what_it_blocks_and_what_it_allows() -> None:
    wanted = {Verdict.ALLOWED, Verdict.BLOCKED}

    lacking = [
        scenario.name
        for scenario in SCENARIOS
        if any(any(blocked(step)) for step in planned(scenario.name))
        and wanted - {claim.verdict for _, claims in written(scenario) for claim in claims.values()}
    ]

    assert [] == lacking


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

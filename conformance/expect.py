"""What a scenario expects and which rules decide it, without any cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.plan import PlannedStep, plan
from conformance.scenario.claims import contradictions as contradicted
from conformance.scenario.claims import sentences
from conformance.scenario.fault import Fault
from conformance.scenario.fictive import fictive_world
from conformance.scenario.scenario import Scenario
from conformance.scenario.source import read
from conformance.world.expectation import ExpectedTable, Reason
from conformance.world.question import Question
from conformance.world.table import SYMBOL_OF, draw
from conformance.world.verdict import Direction, Family, Verdict


def explain(scenario: Scenario) -> str:
    """The expected table after each step, with the rules that decide it. Lines as wide as the tables are."""
    parts = ["\n".join(_head(scenario))]
    for step in _steps(scenario):
        parts.append(f"Step {step.number}: {step.action}")
        parts.append(draw({question: SYMBOL_OF[expectation.verdict] for question, expectation in step.expected.items()}))
        parts.append("\n".join(_decisions(step.expected)))
        parts += [f"The file and the model disagree: {sentence}" for sentence in step.contradictions]
    return "\n\n".join(filter(None, parts))


def _head(scenario: Scenario) -> Iterator[str]:
    yield f"{scenario.name} ({scenario.group}/{scenario.path.name})"
    yield scenario.about
    yield f"Because: {scenario.because}"
    if scenario.fault_class:
        yield f"Class: {scenario.fault_class}"
    if scenario.origin:
        yield f"From: {', '.join(scenario.origin)}"
    if scenario.watch:
        yield f"Asked all the time: {', '.join(map(str, scenario.watch))}"
    for protocol, sizes in scenario.sizes.items():
        yield f"Asked in {protocol} with these many bytes, too: {', '.join(map(str, sizes))}"
    if scenario.judges_source:
        yield "Every pod must see the asker's own address."
    if scenario.is_disruptive:
        yield "Disruptive: it runs alone and last."


def contradictions(scenarios: Iterable[Scenario]) -> tuple[Fault, ...]:
    """Where hand-written expectations differ from the model, a fault for each claim that does."""
    found: dict[tuple[object, int, int], Fault] = {}
    for scenario in scenarios:
        for step, planned in zip(scenario.steps, _steps(scenario), strict=True):
            for question, claim in contradicted(step, planned.expected).items():
                (sentence,) = sentences({question: claim}, planned.expected)
                source, _ = read(scenario.path)
                line = source.lines[claim.line - 1] if source is not None else ""
                found.setdefault((scenario.path, claim.line, claim.column), Fault(scenario.path, claim.line, claim.column, sentence, line))
    return tuple(found.values())


def _steps(scenario: Scenario) -> tuple[PlannedStep, ...]:
    """The file's own steps in a fictive world."""
    return plan(scenario, fictive_world(scenario.layout), tuple(Family)).steps[1 : len(scenario.steps) + 1]


def _decisions(expected: ExpectedTable) -> Iterator[str]:
    """Each reason with the cells that it decides; cells that no policy touches are left out."""
    cells: dict[tuple[Verdict, str], dict[Question, None]] = {}
    for question, expectation in expected.items():
        for reason in expectation.reasons:
            if reason.policy is not None or expectation.verdict is not Verdict.ALLOWED:
                cells.setdefault((expectation.verdict, _general(reason, question)), {})[question] = None
    for (verdict, text), questions in sorted(cells.items(), key=lambda item: item[0][1]):
        yield f"{SYMBOL_OF[verdict]} {text}"
        yield from (f"    {line}" for line in _pairs(questions))


def _general(reason: Reason, question: Question) -> str:
    """The reason without the name of the other end, so that equal ones come together."""
    other = question.source if reason.direction is Direction.INGRESS else question.destination
    text, name = str(reason), rf"(?<![\w./-]){re.escape(other)}(?![\w./-])"
    for said, plural in ((rf"(?<=: ){name} is\b", "they are"), (rf"the address of {name}", "their address"), (name, "them")):
        text = re.sub(said, plural, text)
    return text


def _pairs(questions: Iterable[Question]) -> Iterator[str]:
    """`a, b -> c 80/TCP`: sources by destination and ports; both families are one."""
    lanes: dict[tuple[str, str], dict[str, None]] = {}
    for question in questions:
        lanes.setdefault(question.pair, {})[question.lane] = None
    sources: dict[tuple[str, str], list[str]] = {}
    for (source, destination), each in lanes.items():
        sources.setdefault((destination, ", ".join(each)), []).append(source)
    for (destination, ports), names in sources.items():
        yield f"{', '.join(names)} -> {destination} {ports}"

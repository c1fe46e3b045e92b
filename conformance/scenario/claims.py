"""What a scenario's author says of each question, and where the model says something else."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.scenario.expects import is_watchable
from conformance.scenario.scenario import Claim, Scenario, Step
from conformance.world.expectation import ExpectedTable
from conformance.world.question import Question
from conformance.world.table import Cell
from conformance.world.verdict import Verdict


def claimed(step: Step, questions: Iterable[Question]) -> dict[Question, Claim]:
    """The claim that counts for each question of which the step speaks: the last one."""
    general: Claim | None = None
    of_pair: dict[tuple[str, str], list[tuple[Cell, Claim]]] = {}
    for claim in step.expect:
        if claim.cell is None:
            general = claim
            of_pair.clear()
        else:
            of_pair.setdefault((claim.cell.source, claim.cell.destination), []).insert(0, (claim.cell, claim))
    found = {}
    for question in questions:
        counts = next((claim for cell, claim in of_pair.get(question.pair, ()) if cell.lane.holds(question)), general)
        if counts is not None:
            found[question] = counts
    return found


def asked(step: Step, questions: Iterable[Question]) -> tuple[Question, ...]:
    """The questions without those that the author marked as not asked (`-`)."""
    wanted = tuple(questions)
    claims = claimed(step, wanted)
    return tuple(question for question in wanted if question not in claims or claims[question].verdict is not None)


def contradictions(step: Step, expected: ExpectedTable) -> dict[Question, Claim]:
    """The claims with which the model does not agree."""
    return {
        question: claim
        for question, claim in claimed(step, expected).items()
        if claim.verdict is not None and claim.verdict is not expected[question].verdict
    }


def watched(scenario: Scenario, questions: Iterable[Question]) -> tuple[Question, ...]:
    """The questions that the scenario's watched cells mean."""
    plain = [question for question in questions if is_watchable(question)] if scenario.watch else ()
    return tuple(question for question in plain if any(cell.holds(question) for cell in scenario.watch))


def sentences(found: dict[Question, Claim], expected: ExpectedTable) -> tuple[str, ...]:
    """A sentence for each contradiction, with the model's reasons."""
    return tuple(
        f"{question}: the file (line {claim.line}) says {_word(claim.verdict)}, the model says {expected[question].verdict}"
        f" ({'; '.join(map(str, expected[question].reasons)) or expected[question].open_because})"
        for question, claim in found.items()
    )


def _word(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else str(verdict)

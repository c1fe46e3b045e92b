"""What a scenario's author says of each question, and where the model says something else."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.scenario.scenario import Claim, Step
from conformance.world.expectation import ExpectedTable
from conformance.world.question import Question
from conformance.world.verdict import Verdict


def claimed(step: Step, questions: Iterable[Question]) -> dict[Question, Claim]:
    """The claim that counts for each question of which the step speaks: the last one."""
    found = {}
    for question in questions:
        for claim in step.expect:
            if claim.cell is None or claim.cell.holds(question):
                found[question] = claim
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


def sentences(found: dict[Question, Claim], expected: ExpectedTable) -> tuple[str, ...]:
    """A sentence for each contradiction, with the model's reasons."""
    return tuple(
        f"{question}: the file (line {claim.line}) says {_word(claim.verdict)}, the model says {expected[question].verdict}"
        f" ({'; '.join(map(str, expected[question].reasons)) or expected[question].open_because})"
        for question, claim in found.items()
    )


def _word(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else str(verdict)

"""Which cell of a step is wrong, and worth a closer look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from conformance.world.expectation import Expectation, agrees
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.verdict import AnswerKind, Verdict


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A question whose last answer is not what is expected."""

    question: Question
    expectation: Expectation
    answer: Answer

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Small for what is looked at first: what was measured, then leaks, then questions from pod to pod."""
        is_leak = self.expectation.verdict is Verdict.BLOCKED and self.answer.kind is AnswerKind.CONNECTED
        are_pods = all(ref.count("/") == 1 and not ref.startswith("outside/") for ref in (self.question.source, self.question.destination))
        return self.answer.kind is AnswerKind.BROKEN, not is_leak, not are_pods


def wrong_cells(step: StepMeasurement, known: Collection[Question]) -> list[WrongCell]:
    """The cells that are wrong at the end of a step, the most telling first; without those that are known to be wrong."""
    found = []
    for question, expectation in step.expected.items():
        track = step.timeline.tracks.get(question)
        if track and question not in known and not agrees(expectation, track[-1].answer, step.identities.get(question.destination, "")):
            found.append(WrongCell(question, expectation, track[-1].answer))
    return sorted(found, key=lambda each: each.rank)

"""What a judge says: findings, transients, times to enforce, and the outcome that follows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.world.expectation import Reason
from conformance.world.question import Answer, Question
from conformance.world.verdict import FindingKind, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, as one sentence for a person.

    `step` and `question` are None where it is about the whole scenario or step. `reasons` are the model's for the cell,
    `answer` the last that speaks for the finding, `since` the time (seconds after the change) from which it was so.
    `is_beside`: it was not found in the rounds of the table, but on a watched cell or at the start of a pod.
    """

    kind: FindingKind
    sentence: str
    step: int | None = None
    question: Question | None = None
    reasons: tuple[Reason, ...] = ()
    answer: Answer | None = None
    since: float | None = None
    is_beside: bool = False


@dataclass(frozen=True, slots=True)
class Established:
    """What became of a watched connection that stood when a step began. Reported; where it must be kept, CUT is the finding.

    `cut_at` is from when on it did not answer any more, in seconds after the change (None: it was kept to the end of the step).
    """

    step: int
    question: Question
    cut_at: float | None = None

    @property
    def was_kept(self) -> bool:
        """Whether it answered to the end of the step."""
        return self.cut_at is None


@dataclass(frozen=True, slots=True)
class Transient:
    """A cell that was wrong for a while, while a change was under way, and is right in the end. Reported, no failure.

    `since` and `until`: the first and last round that saw it (seconds after the change), `count` how many saw it.
    """

    step: int
    question: Question
    answer: Answer
    since: float
    until: float
    count: int


@dataclass(frozen=True, slots=True)
class Enforcement:
    """How long one cell took to do what a change asked of it, in seconds after the API server accepted the change.

    `now` is the new verdict: BLOCKED is "newly blocked", ALLOWED "newly allowed". `seconds` is when the cell first
    agreed (None: never), `after` the last time before at which it did not yet (None: it agreed from the first round on).
    What really happened lies between the two: the resolution of the measurement.
    """

    step: int
    question: Question
    now: Verdict
    seconds: float | None
    after: float | None = None

    @property
    def direction(self) -> str:
        """`newly-blocked` or `newly-allowed`."""
        return f"newly-{self.now}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a scenario, one sentence that says why, and everything that speaks for it."""

    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...] = ()
    transients: tuple[Transient, ...] = ()
    enforcements: tuple[Enforcement, ...] = ()
    established: tuple[Established, ...] = ()

    def count(self, kind: FindingKind) -> int:
        """How many findings there are of a kind. Leaks and outages are two numbers, never one."""
        return sum(finding.kind is kind for finding in self.findings)

    def times(self, now: Verdict) -> tuple[float, ...]:
        """The times to enforce in one direction, sorted, in seconds, of the cells that got there."""
        return tuple(sorted(each.seconds for each in self.enforcements if each.now is now and each.seconds is not None))


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least `percent` of all do not exceed. None for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] if ordered else None


def counted(number: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""What a judge says: findings, transients, times to enforce, and the outcome that follows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from conformance.world.expectation import Reason
from conformance.world.question import Answer, Question
from conformance.world.verdict import Outcome, Verdict


class FindingKind(StrEnum):
    """What is wrong. The first six are the plugin's; the others say that the world or the scenario is broken."""

    WRONGLY_ALLOWED = "wrongly-allowed"
    WRONGLY_BLOCKED = "wrongly-blocked"
    WRONG_RESPONDER = "wrong-responder"
    UNSTABLE = "unstable"
    ILLEGAL = "illegal"
    STALE_DEVIATION = "stale-deviation"
    BASELINE = "baseline"
    CONTRADICTION = "contradiction"
    BROKEN = "broken"
    RESIDUE = "residue"

    @property
    def is_failure(self) -> bool:
        """Whether the scenario has failed by it, rather than being in error."""
        return self not in (FindingKind.BASELINE, FindingKind.CONTRADICTION, FindingKind.BROKEN, FindingKind.RESIDUE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, as one sentence for a person.

    `step` and `question` are None where it is about the whole scenario or step. `reasons` are the model's for the cell,
    `answer` the last that speaks for the finding, `since` the time (seconds after the change) from which it was so.
    """

    kind: FindingKind
    sentence: str
    step: int | None = None
    question: Question | None = None
    reasons: tuple[Reason, ...] = ()
    answer: Answer | None = None
    since: float | None = None


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

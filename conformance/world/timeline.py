"""What the probes saw over time after a change.

Times are seconds on a clock that starts when the API server has accepted the change (before it, times are negative:
a round that was under way).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.world.question import Answer, Question


@dataclass(frozen=True, slots=True)
class Round:
    """Every question asked once. `at` is when the round began, `took` how long it lasted.

    `is_disturbed`: streams had broken before it and were opened again. The API server may have been away, and a plugin
    that hears of changes through it as well.
    """

    at: float
    took: float
    answers: Mapping[Question, Answer]
    is_disturbed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Equal answers in a row: the first and the last time at which a round with this answer began, and how many."""

    since: float
    until: float
    answer: Answer
    count: int = 1


Track = tuple[Span, ...]
"""The life of one cell after a change."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The tracks of all cells. `rounds` are the times at which rounds began; `ended` when the sampling stopped.

    `settled_at` is when the whole table first agreed with the expectation (None: never), `held` how long it had agreed
    without a break when the sampling stopped.
    """

    tracks: Mapping[Question, Track] = field(default_factory=dict)
    rounds: tuple[float, ...] = ()
    ended: float = 0.0
    settled_at: float | None = None
    held: float = 0.0

    @classmethod
    def of(cls, rounds: Iterable[Round], *, ended: float, settled_at: float | None = None, held: float = 0.0) -> Timeline:
        """A timeline from its rounds: equal answers in a row become one span."""
        tracks: dict[Question, list[Span]] = {}
        times = []
        for each in rounds:
            times.append(each.at)
            for question, answer in each.answers.items():
                track = tracks.setdefault(question, [])
                if track and track[-1].answer.is_same_as(answer):
                    track[-1] = Span(track[-1].since, each.at, track[-1].answer, track[-1].count + 1)
                else:
                    track.append(Span(each.at, each.at, answer))
        return cls({question: tuple(track) for question, track in tracks.items()}, tuple(times), ended, settled_at, held)

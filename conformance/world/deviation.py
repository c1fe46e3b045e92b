"""What a plugin is known to get wrong, and where that is written down."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.world.expectation import ExpectedTable
from conformance.world.question import Question
from conformance.world.table import InvalidTable, Lane
from conformance.world.verdict import FindingKind, Verdict

ANY = "*"
"""In a cell of a known deviation: whoever it is."""


class InvalidDeviation(ValueError):
    """A cell of a known deviation that cannot be read. The text says which and how it is written."""


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """A scenario, or some cells of it, that a plugin fails as its `source` (a URL) says. It must go on failing, but for one that
    fails only `sometimes` (a race).

    `cells` are written as in a scenario's `expect` (`shop/other -> shop/api 80/TCP`), with `*` for whoever it is; none: whatever
    fails in it, what is no cell included (a step that the plugin cannot do). `kinds` are the kinds of findings that are meant (`cut`:
    the watched connection of that cell); none: any kind.
    """

    scenario: str
    because: str
    source: str
    cells: tuple[str, ...] = ()
    kinds: tuple[FindingKind, ...] = ()
    sometimes: bool = False

    def lanes(self) -> tuple[tuple[tuple[str, str], Lane], ...]:
        """Its cells as pairs (source, destination) with their lane. Raises InvalidDeviation."""
        return tuple(_lane(cell) for cell in self.cells)


def holds(cell: tuple[tuple[str, str], Lane], question: Question) -> bool:
    """Whether the question is one of those that the cell means."""
    pair, lane = cell
    return all(mine in (ANY, theirs) for mine, theirs in zip(pair, question.pair, strict=True)) and lane.holds(question)


def explained(deviations: Iterable[KnownDeviation], expected: ExpectedTable) -> frozenset[Question]:
    """The questions that are known to be answered wrongly, whatever the answer is. Raises InvalidDeviation."""
    return frozenset(
        question
        for entry in deviations
        for question, expectation in expected.items()
        if (not entry.kinds or _WRONG[expectation.verdict] in entry.kinds)
        and (not entry.cells or any(holds(lane, question) for lane in entry.lanes()))
    )


_WRONG = {
    Verdict.ALLOWED: FindingKind.WRONGLY_BLOCKED,
    Verdict.BLOCKED: FindingKind.WRONGLY_ALLOWED,
    Verdict.OPEN: FindingKind.ILLEGAL,
}
"""What most wrong answers are, by what is expected."""


def _lane(cell: str) -> tuple[tuple[str, str], Lane]:
    found = re.fullmatch(r"\s*(\S+)\s+->\s+(\S+)(?:\s+(\S+(?:\s+\S+)?))?\s*", cell)
    try:
        if found is None:
            raise InvalidTable("there is no arrow between two places")
        source, destination, lane = found.groups()
        return (source, destination), Lane.parse("/".join(lane.split())) if lane else Lane()
    except InvalidTable as fault:
        raise InvalidDeviation(f"known deviation: the cell {cell!r} is not written as 'shop/other -> shop/api 80/TCP': {fault}") from None

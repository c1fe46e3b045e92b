"""What a comparison says: the records side by side, and in which ways their scenarios differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.record import Facts
from conformance.world.verdict import AnswerKind, FindingKind, Outcome, Verdict


class InvalidComparison(ValueError):
    """Records that cannot be compared. The text says which, and why."""


class Difference(StrEnum):
    """A way in which a scenario differs, worst first.

    The first nine are findings that some of the records that judged the scenario have and others have not. ERROR, NOT_SUPPORTED and
    SKIPPED: not all have judged it. KNOWN: all fail alike, and only of some it is a known deviation. OTHER_CELLS: all fail in the same
    ways, but not in the same cells. OPEN: they decide an open cell differently.
    """

    LEAK = "leak"
    OUTAGE = "outage"
    WRONG_POD = "wrong-pod"
    WRONG_SOURCE = "wrong-source"
    NETWORK = "network"
    ILLEGAL = "illegal"
    CUT = "cut"
    UNSTABLE = "unstable"
    STALE = "stale-deviation"
    ERROR = "error"
    NOT_SUPPORTED = "not-supported"
    SKIPPED = "skipped"
    KNOWN = "known"
    OTHER_CELLS = "other-cells"
    OPEN = "open"


OF_FINDING: Mapping[FindingKind, Difference] = {
    FindingKind.WRONGLY_ALLOWED: Difference.LEAK,
    FindingKind.WRONGLY_BLOCKED: Difference.OUTAGE,
    FindingKind.WRONG_RESPONDER: Difference.WRONG_POD,
    FindingKind.WRONG_SOURCE: Difference.WRONG_SOURCE,
    FindingKind.NETWORK: Difference.NETWORK,
    FindingKind.ILLEGAL: Difference.ILLEGAL,
    FindingKind.CUT: Difference.CUT,
    FindingKind.UNSTABLE: Difference.UNSTABLE,
    FindingKind.STALE_DEVIATION: Difference.STALE,
}
"""The difference that a finding makes where not all have it. What is not here says nothing about a plugin."""

OF_OUTCOME: Mapping[Outcome, Difference] = {
    Outcome.ERROR: Difference.ERROR,
    Outcome.NOT_SUPPORTED: Difference.NOT_SUPPORTED,
    Outcome.SKIPPED: Difference.SKIPPED,
}
"""The same for the outcomes by which a scenario was not judged."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the records. `label` is unique in the comparison, `path` the file as it was given.

    `outcomes` counts all its scenarios. `own` are the names of those that no other record has, `lacks` of those that others have and this
    one has not; both sorted. `resolution`: the median time between two looks at a table, in seconds.
    """

    label: str
    path: str
    facts: Facts
    outcomes: Mapping[Outcome, int]
    was_cut_short: bool
    resolution: float | None
    own: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a scenario in one record. `troubles`: how many findings of each kind it has, worst first."""

    outcome: Outcome
    sentence: str
    troubles: Mapping[Difference, int]


@dataclass(frozen=True, slots=True)
class Where:
    """A cell (its question as text, "" for what is about no cell) that is wrong in some records. `action` is the step's.

    `seen`: for each record the kind of finding that it has there, None: none.
    """

    step: int | None
    action: str
    question: str
    seen: tuple[Difference | None, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario that two records or more have. `became`: for each record, None where it does not have it.

    `differences` are worst first, none where all agree. `where` are the first cells that differ, `cells` counts all of them. `opened` are
    the open cells (step, question) that are decided differently.
    """

    name: str
    group: str
    about: str
    needs: tuple[str, ...]
    became: tuple[Became | None, ...]
    differences: tuple[Difference, ...] = ()
    where: tuple[Where, ...] = ()
    cells: int = 0
    opened: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Open cells of one scenario that the records decide in the same different ways.

    `verdicts` and `answers` for each record; None: it was not asked, or not measured. `cells` are `step, question`, in their order.
    """

    scenario: str
    about: str
    verdicts: tuple[Verdict | None, ...]
    answers: tuple[AnswerKind | None, ...]
    cells: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Scenarios of a group, or that need a capability: how many there are, how many differ, and the outcomes in each record.

    `has`: for each record, whether its cluster had the capability (() for a group).
    """

    name: str
    scenarios: int
    differing: int
    outcomes: tuple[Mapping[Outcome, int], ...]
    has: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Distribution:
    """Times to enforce of one record, in seconds, of the cells that got there; `never` counts the others (`cells`: all).

    `bins` counts the times by the bounds `times.BOUNDS`.
    """

    cells: int
    never: int
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Times to enforce in one direction (`now`: the new verdict) after one kind of change ("": any), for each record."""

    now: Verdict
    change: str
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several records side by side; everything that is "for each record" has their order.

    `rows` have the order of the catalogue's files. `open_alike` counts open cells that are decided in one way by all that measured them.
    `times` are of the scenarios (`timed` of them) that all records have judged.
    """

    records: tuple[Compared, ...]
    rows: tuple[Row, ...]
    groups: tuple[Share, ...]
    capabilities: tuple[Share, ...]
    open_points: tuple[OpenPoint, ...]
    open_alike: int
    times: tuple[Times, ...]
    timed: int

    @property
    def differing(self) -> tuple[Row, ...]:
        """The rows in which the records differ."""
        return tuple(row for row in self.rows if row.differences)

    @property
    def labels(self) -> tuple[str, ...]:
        """What to call each record."""
        return tuple(record.label for record in self.records)

    def by_difference(self) -> dict[Difference, tuple[Row, ...]]:
        """The rows that differ, each once: by its worst difference, those with most cells first."""
        found: dict[Difference, list[Row]] = {kind: [] for kind in Difference}
        for row in self.differing:
            found[row.differences[0]].append(row)
        return {kind: tuple(sorted(rows, key=lambda row: -row.cells)) for kind, rows in found.items() if rows}

    def alike(self) -> dict[Outcome | None, int]:
        """How many rows agree, by the outcome that all have (None: failed in some, known to fail in others; that is a difference)."""
        found: dict[Outcome | None, int] = {}
        for row in self.rows:
            if not row.differences:
                outcomes = {each.outcome for each in row.became if each}
                key = outcomes.pop() if len(outcomes) == 1 else None
                found[key] = found.get(key, 0) + 1
        return found

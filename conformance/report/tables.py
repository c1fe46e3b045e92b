"""The three tables of a step (expected, observed, difference) side by side, in the symbols of `world.table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.judge import Finding, FindingKind
from conformance.judge.finding import counted
from conformance.report.page import Page, Part, printable
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Question
from conformance.world.table import BROKEN, CORNER, NOT_ASKED, SYMBOL_OF, UNSTABLE, Grid, grids

SAME = "="
DIFFERENCE = {
    FindingKind.WRONGLY_ALLOWED: "L",
    FindingKind.WRONGLY_BLOCKED: "O",
    FindingKind.WRONG_RESPONDER: "W",
    FindingKind.WRONG_SOURCE: "S",
    FindingKind.ILLEGAL: "I",
    FindingKind.UNSTABLE: UNSTABLE,
    FindingKind.BROKEN: BROKEN,
    FindingKind.BASELINE: BROKEN,
    FindingKind.NETWORK: "N",
}
"""The symbol of a wrong cell in the table of differences."""

MEANING = {
    ".": "allowed",
    "X": "blocked",
    "?": "open",
    NOT_ASKED: "not asked",
    SAME: "as expected",
    "L": "leak: wrongly allowed",
    "O": "outage: wrongly blocked",
    "W": "wrong pod answered",
    "S": "seen to come from another address",
    "N": "fault of the network",
    "I": "illegal for an open cell",
    UNSTABLE: "unstable",
    BROKEN: "not measured",
}
STYLE = {".": "green", "X": "blue", "?": "yellow", "-": "dim", "=": "dim", "L": "bold red", "O": "bold magenta", "W": "bold red"}
STYLE |= {"I": "bold red", "S": "bold red", "N": "bold red", UNSTABLE: "bold yellow", BROKEN: "bold yellow"}

TITLES = ("expected", "observed", "difference")
_GAP = "   "
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks in each of the three tables."""

    expected: str
    observed: str
    difference: str


def looks(step: StepMeasurement, findings: Sequence[Finding]) -> dict[Question, Look]:
    """Every cell of a step. `findings` are those of the step; what was found beside its rounds is not in its tables."""
    kinds = {finding.question: finding.kind for finding in findings if not finding.is_beside}
    found = {}
    for question, expectation in step.expected.items():
        track = step.timeline.tracks.get(question, ())
        seen = track[-1].answer.kind.verdict if track else None
        kind = kinds.get(question)
        observed = UNSTABLE if kind is FindingKind.UNSTABLE else BROKEN if seen is None else SYMBOL_OF[seen]
        found[question] = Look(SYMBOL_OF[expectation.verdict], observed, DIFFERENCE[kind] if kind is not None else SAME)
    return found


def put_tables(page: Page, cells: Mapping[Question, Look], *, indent: int = 0, shown: Sequence[int] = range(3)) -> None:
    """The tables of a step, then what their symbols mean. `shown` are the positions in `TITLES`.

    Where ports or families differ there are tables for each of them; those in which everything is as expected are one line.
    """
    places = tuple(dict.fromkeys(place for question in cells for place in question.pair))
    all_tables, fine, used = [], list[Grid](), set[str]()
    for grid in grids({question: look.expected + look.observed + look.difference for question, look in cells.items()}):
        if grid.corner != CORNER and len(shown) == len(TITLES) and not _wrong(grid):
            fine.append(grid)
            continue
        all_tables.append(_Tables(grid, places, (page.width or 120) - indent, tuple(shown)))
        used |= {symbols[position] for symbols in grid.cells.values() for position in shown}
    are_full = all(tables.fit_with_names for tables in all_tables)
    for tables in all_tables:
        page.blank()
        tables.put(page, indent, are_full=are_full)
    page.blank()
    for grid in fine:
        page.line((f"{grid.corner}: all {counted(len(grid.cells), 'cell')} as expected", "dim"), indent=indent)
    if used:
        meanings = ", ".join(f"{symbol} {meaning}" for symbol, meaning in MEANING.items() if symbol in used)
        page.paragraph((f"Rows ask columns ({meanings}).", "dim"), indent=indent)


@dataclass(frozen=True, slots=True)
class _Tables:
    """Up to three tables that differ in their symbols only. `places` are numbered in this order, in `width` columns."""

    grid: Grid
    places: tuple[str, ...]
    width: int
    shown: tuple[int, ...]

    @property
    def fit_with_names(self) -> bool:
        """Whether there is room for all of them side by side with the names of rows and columns."""
        are_plain = all(printable(place) == place for place in self.places)
        return are_plain and len(self.shown) * (self._full_width + len(_GAP)) <= self.width

    @property
    def fit_with_numbers(self) -> bool:
        """Whether there is room for one of them with numbers for columns."""
        return self._label_width + len(_GAP) + self._table_width <= self.width

    def put(self, page: Page, indent: int, *, are_full: bool) -> None:
        """Draws them side by side, one below the other, or only the part that differs: the first that there is room for."""
        size = f"{len(self.grid.sources)} rows and {len(self.grid.destinations)} columns"
        part = self._part_that_differs()
        if are_full:
            self._put_full(page, indent)
        elif self.fit_with_numbers:
            self._put_all_numbered(page, indent)
        elif part.places and part.fit_with_numbers:
            page.paragraph(f"Of {size} only those with a difference:", indent=indent)
            part._put_all_numbered(page, indent)  # noqa: SLF001 # it is one of us
        else:
            page.paragraph(f"{self.grid.corner}: a table of {size} is too large to be drawn; the wrong cells stand below.", indent=indent)

    def _part_that_differs(self) -> _Tables:
        grid, wrong = self.grid, _wrong(self.grid)
        sources, destinations = {source for source, _ in wrong}, {destination for _, destination in wrong}
        rows = tuple(place for place in grid.sources if place in sources)
        columns = tuple(place for place in grid.destinations if place in destinations)
        places = tuple(place for place in self.places if place in sources | destinations)
        return replace(self, grid=Grid(grid.corner, rows, columns, grid.cells), places=places)

    def _put_all_numbered(self, page: Page, indent: int) -> None:
        if self._label_width + len(self.shown) * (len(_GAP) + self._table_width) <= self.width:
            self._put_numbered(page, self.shown, indent)
            return
        for position in self.shown:
            page.blank()
            self._put_numbered(page, (position,), indent)

    @property
    def _full_width(self) -> int:
        return max(map(len, [self.grid.corner, *self.grid.sources])) + sum(2 + len(place) for place in self.grid.destinations)

    def _put_full(self, page: Page, indent: int) -> None:
        """All names, each table as a person would write it into a scenario."""
        grid, width = self.grid, self._full_width
        name = max(map(len, [grid.corner, *grid.sources]))
        blocks = []
        for position in self.shown:
            table = Grid(grid.corner, grid.sources, grid.destinations, {pair: symbols[position] for pair, symbols in grid.cells.items()})
            blocks.append([line.ljust(width) + _GAP for line in str(table).splitlines()])
        page.line(*[(TITLES[position].ljust(width) + _GAP, "bold") for position in self.shown], indent=indent)
        page.line(*[(block[0], "dim") for block in blocks], indent=indent)
        for rows in zip(*[block[1:] for block in blocks], strict=True):
            page.line(*[part for row in rows for part in (row[:name], *_styled(row[name:]))], indent=indent)

    @property
    def _digits(self) -> int:
        return len(str(len(self.places)))

    @property
    def _label_width(self) -> int:
        return max(len(self.grid.corner), *(self._digits + 1 + len(_short(place)) for place in self.places))

    @property
    def _table_width(self) -> int:
        return max(len(self.grid.destinations) * (self._digits + 1) - 1, len(TITLES[2]))

    def _put_numbered(self, page: Page, positions: Sequence[int], indent: int) -> None:
        """Numbers for the names of the columns."""
        grid, digits, label, width = self.grid, self._digits, self._label_width, self._table_width
        numbers = {place: str(number).rjust(digits) for number, place in enumerate(self.places, 1)}
        page.line(" " * label, *[(_GAP + TITLES[position].ljust(width), "bold") for position in positions], indent=indent)
        columns = " ".join(numbers[place] for place in grid.destinations).ljust(width)
        page.line(grid.corner.ljust(label), *[(_GAP + columns, "dim")] * len(positions), indent=indent)
        for place, number in numbers.items():
            if place not in grid.sources and place not in grid.destinations:
                continue
            parts: list[Part] = [f"{number} {_short(place)}".ljust(label)]
            for position in positions:
                pairs = [grid.symbol(place, destination) for destination in grid.destinations]
                symbols = " ".join((pair if pair == NOT_ASKED else pair[position]).rjust(digits) for pair in pairs)
                parts += [_GAP, *_styled(symbols.ljust(width))]
            page.line(*parts, indent=indent)


def _wrong(grid: Grid) -> set[tuple[str, str]]:
    return {pair for pair, symbols in grid.cells.items() if symbols[2] != SAME}


def _styled(symbols: str) -> list[Part]:
    return [(each, STYLE.get(each, "")) for each in symbols]


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"

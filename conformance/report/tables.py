"""The three tables of a step (expected, observed, difference) side by side, in the symbols of `world.table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.judge import Finding, FindingKind
from conformance.report.page import Page, Part, printable
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Question
from conformance.world.table import BROKEN, CORNER, NOT_ASKED, SYMBOL_OF, UNSTABLE, Grid, grids

SAME = "="
DIFFERENCE = {
    FindingKind.WRONGLY_ALLOWED: "L",
    FindingKind.WRONGLY_BLOCKED: "O",
    FindingKind.WRONG_RESPONDER: "W",
    FindingKind.ILLEGAL: "I",
    FindingKind.UNSTABLE: UNSTABLE,
    FindingKind.BROKEN: BROKEN,
    FindingKind.BASELINE: BROKEN,
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
    "I": "illegal for an open cell",
    UNSTABLE: "unstable",
    BROKEN: "not measured",
}
STYLE = {".": "green", "X": "blue", "?": "yellow", "-": "dim", "=": "dim", "L": "bold red", "O": "bold magenta", "W": "bold red"}
STYLE |= {"I": "bold red", UNSTABLE: "bold yellow", BROKEN: "bold yellow"}

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
    """Every cell of a step. `findings` are those of the step."""
    kinds = {finding.question: finding.kind for finding in findings}
    found = {}
    for question, expectation in step.expected.items():
        track = step.timeline.tracks.get(question, ())
        seen = track[-1].answer.kind.verdict if track else None
        kind = kinds.get(question)
        observed = UNSTABLE if kind is FindingKind.UNSTABLE else BROKEN if seen is None else SYMBOL_OF[seen]
        found[question] = Look(SYMBOL_OF[expectation.verdict], observed, DIFFERENCE[kind] if kind is not None else SAME)
    return found


def put_tables(page: Page, cells: Mapping[Question, Look], *, indent: int = 0) -> None:
    """The tables of a step, then what their symbols mean.

    Where ports or families differ there are tables for each of them; those in which everything is as expected are one line.
    """
    used: dict[str, None] = {}
    for grid in grids({question: look.expected + look.observed + look.difference for question, look in cells.items()}):
        wrong = {pair: symbols for pair, symbols in grid.cells.items() if symbols[2] != SAME}
        if grid.corner != CORNER and not wrong:
            page.line((f"{grid.corner}: all {len(grid.cells)} cells as expected", "dim"), indent=indent)
            continue
        _put_grid(page, grid, wrong, indent)
        used |= dict.fromkeys("".join(grid.cells.values()))
    if used:
        page.paragraph((", ".join(f"{symbol} {MEANING[symbol]}" for symbol in MEANING if symbol in used), "dim"), indent=indent)


def _put_grid(page: Page, grid: Grid, wrong: Mapping[tuple[str, str], str], indent: int) -> None:
    width = (page.width or 120) - indent
    if not _fits(grid, width):
        sources, destinations = {source for source, _ in wrong}, {destination for _, destination in wrong}
        full = grid
        grid = Grid(
            grid.corner,
            tuple(place for place in grid.sources if place in sources),
            tuple(place for place in grid.destinations if place in destinations),
            grid.cells,
        )
        size = f"{len(full.sources)} rows and {len(full.destinations)} columns"
        if not wrong or not _fits(grid, width):
            page.paragraph(f"{full.corner}: a table of {size} is too large to be drawn here; the cells stand below", indent=indent)
            return
        page.paragraph(f"Of {size} only those with a difference:", indent=indent)
    are_plain = all(printable(place) == place for place in _numbers(grid))
    if are_plain and 3 * (_full_width(grid) + len(_GAP)) <= width:
        _put_full(page, grid, indent)
    else:
        _put_numbered(page, grid, width, indent)


def _full_width(grid: Grid) -> int:
    return max(map(len, [grid.corner, *grid.sources])) + sum(2 + len(place) for place in grid.destinations)


def _put_full(page: Page, grid: Grid, indent: int) -> None:
    """Three tables with all names, each as a person would write it into a scenario."""
    blocks = []
    for position in range(len(TITLES)):
        table = Grid(grid.corner, grid.sources, grid.destinations, {pair: symbols[position] for pair, symbols in grid.cells.items()})
        blocks.append(str(table).splitlines())
    width = _full_width(grid)
    page.line(*[(title.ljust(width) + _GAP, "bold") for title in TITLES], indent=indent)
    page.line(*[(block[0].ljust(width) + _GAP, "dim") for block in blocks], indent=indent)
    name = max(map(len, [grid.corner, *grid.sources]))
    for rows in zip(*[block[1:] for block in blocks], strict=True):
        page.line(*[part for row in rows for part in (row[:name], *_styled(row[name:].ljust(width - name) + _GAP))], indent=indent)


def _styled(symbols: str) -> list[Part]:
    return [(each, STYLE.get(each, "")) for each in symbols]


def _numbers(grid: Grid) -> dict[str, str]:
    return {place: str(number) for number, place in enumerate(dict.fromkeys([*grid.sources, *grid.destinations]), 1)}


def _table_width(grid: Grid) -> int:
    return len(grid.destinations) * (len(str(len(_numbers(grid)))) + 1)


def _label_width(grid: Grid) -> int:
    digits = len(str(len(_numbers(grid))))
    return max(len(grid.corner), *(digits + 1 + len(_short(place)) for place in _numbers(grid)))


def _fits(grid: Grid, width: int) -> bool:
    return _label_width(grid) + len(_GAP) + _table_width(grid) <= width


def _put_numbered(page: Page, grid: Grid, width: int, indent: int) -> None:
    """Numbers for the columns' names, side by side, or one below the other where even that is too wide."""
    label, table = _label_width(grid), max(_table_width(grid), len(TITLES[2]))
    if label + 3 * (len(_GAP) + table) <= width:
        _put_columns(page, grid, range(3), indent)
        return
    for position in range(3):
        _put_columns(page, grid, (position,), indent)
        page.blank()


def _put_columns(page: Page, grid: Grid, positions: Sequence[int], indent: int) -> None:
    numbers = _numbers(grid)
    digits, label = len(str(len(numbers))), _label_width(grid)
    table = max(_table_width(grid), len(TITLES[2]))
    page.line(" " * label, *[(_GAP + TITLES[position].ljust(table), "bold") for position in positions], indent=indent)
    columns = "".join(numbers[place].rjust(digits) + " " for place in grid.destinations).ljust(table)
    page.line(grid.corner.ljust(label), *[(_GAP + columns, "dim")] * len(positions), indent=indent)
    for place, number in numbers.items():
        parts: list[Part] = [f"{number.rjust(digits)} {_short(place)}".ljust(label)]
        if place not in grid.sources:
            page.line(*parts, (_GAP + "asks nobody", "dim"), indent=indent)
            continue
        for position in positions:
            parts.append(_GAP)
            for destination in grid.destinations:
                symbol = grid.symbol(place, destination)
                symbol = symbol if symbol == NOT_ASKED else symbol[position]
                parts.append((symbol.rjust(digits) + " ", STYLE.get(symbol, "")))
            parts.append(" " * (table - _table_width(grid)))
        page.line(*parts, indent=indent)


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"

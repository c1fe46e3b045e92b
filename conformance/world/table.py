"""The truth table's ASCII form: drawing one from any cells, and reading the one that a person wrote.

    from\\to     shop/api  shop/front        `.` allowed  `X` blocked  `?` open  `-` not asked
    shop/api        -         .              observed tables add `!` broken and `~` unstable
    shop/front      X         -

The corner word says which questions a table speaks of: `from\\to` all of them, or any of port, protocol and family in
this order, joined by a slash: `80/TCP`, `UDP`, `ipv6`, `80/TCP/ipv4`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.world.question import Question
from conformance.world.verdict import Family, Protocol, Verdict

CORNER = "from\\to"
SYMBOL_OF = {Verdict.ALLOWED: ".", Verdict.BLOCKED: "X", Verdict.OPEN: "?"}
NOT_ASKED, BROKEN, UNSTABLE = "-", "!", "~"
_VERDICT_OF = {symbol: verdict for verdict, symbol in SYMBOL_OF.items()}


class InvalidTable(ValueError):
    """A table that cannot be read. `line` and `column` count from 0, within the table's text."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Lane:
    """Which questions of a pair are meant; None means any."""

    port: int | None = None
    protocol: Protocol | None = None
    family: Family | None = None
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Lane:
        """From `80/TCP/ipv4/1400B` or any part of it in this order. Raises InvalidTable."""
        found = re.fullmatch(r"(?:(\d{1,5}))?/?(TCP|UDP|SCTP|ICMP)?/?(ipv4|ipv6)?/?(\d{1,8}B)?", text)
        if not text or found is None or text != "/".join(part for part in found.groups() if part):
            raise InvalidTable(f"{text!r} is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4")
        port, protocol, family, size = found.groups()
        return cls(
            int(port) if port else None,
            Protocol(protocol) if protocol else None,
            Family(family) if family else None,
            int(size[:-1]) if size else None,
        )

    def holds(self, question: Question) -> bool:
        """Whether the question is one of those meant."""
        asked = (question.port, question.protocol, question.family, question.size)
        return all(mine in (None, theirs) for mine, theirs in zip((self.port, self.protocol, self.family, self.size), asked, strict=True))

    def __str__(self) -> str:
        size = None if self.size is None else f"{self.size}B"
        return "/".join(str(part) for part in (self.port, self.protocol, self.family, size) if part is not None) or CORNER


@dataclass(frozen=True, slots=True)
class Cell:
    """What a person wrote of one pair. `verdict` None: not asked (`-`). `line` and `column` as in InvalidTable."""

    source: str
    destination: str
    lane: Lane
    verdict: Verdict | None
    line: int = 0
    column: int = 0

    def holds(self, question: Question) -> bool:
        """Whether the cell speaks of this question."""
        return question.pair == (self.source, self.destination) and self.lane.holds(question)

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination}" + (f" {self.lane}" if self.lane != Lane() else "")


def read(text: str) -> tuple[Cell, ...]:
    """The cells of a table that a person wrote.

    Raises InvalidTable: no corner word, a row with too few or too many cells, an unknown symbol, a row or column twice.
    """
    rows = [(number, list(re.finditer(r"\S+", line))) for number, line in enumerate(text.splitlines()) if line.strip()]
    if not rows:
        raise InvalidTable("the table is empty")
    number, header = rows[0]
    corner = header[0].group()
    try:
        lane = Lane() if corner == CORNER else Lane.parse(corner)
    except InvalidTable as fault:
        raise InvalidTable(f"the corner word is {CORNER} or: {fault}", number, header[0].start()) from None
    columns = [word.group() for word in header[1:]]
    _no_repeats([(word.group(), number, word.start()) for word in header[1:]], "column")
    _no_repeats([(words[0].group(), number, words[0].start()) for number, words in rows[1:]], "row")
    return tuple(cell for number, words in rows[1:] for cell in _row(number, words, columns, lane))


def _row(number: int, words: list[re.Match[str]], columns: list[str], lane: Lane) -> Iterable[Cell]:
    source, symbols = words[0].group(), words[1:]
    if len(symbols) != len(columns):
        where = symbols[min(len(symbols), len(columns)) - 1] if symbols and columns else words[0]
        raise InvalidTable(f"row {source} has {len(symbols)} cells for {len(columns)} columns", number, where.start())
    for word, destination in zip(symbols, columns, strict=True):
        symbol = word.group()
        if symbol != NOT_ASKED and symbol not in _VERDICT_OF:
            raise InvalidTable(f"{symbol!r} is none of . X ? -", number, word.start())
        yield Cell(source, destination, lane, _VERDICT_OF.get(symbol), number, word.start())


def _no_repeats(words: list[tuple[str, int, int]], kind: str) -> None:
    seen: set[str] = set()
    for word, line, column in words:
        if word in seen:
            raise InvalidTable(f"{kind} {word} stands twice", line, column)
        seen.add(word)


@dataclass(frozen=True, slots=True)
class Grid:
    """One table ready to be drawn: `cells` has a symbol for each pair (source, destination) that was asked.

    `corner` is the corner word; rows and columns are in the order in which the questions name the places.
    """

    corner: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    cells: Mapping[tuple[str, str], str]

    def symbol(self, source: str, destination: str) -> str:
        """The symbol of a pair, `-` where it was not asked."""
        return self.cells.get((source, destination), NOT_ASKED)

    def __str__(self) -> str:
        first = max(len(word) for word in [self.corner, *self.sources])
        lines = ["  ".join([self.corner.ljust(first), *self.destinations])]
        for source in self.sources:
            row = [self.symbol(source, place).center(len(place)) for place in self.destinations]
            lines.append("  ".join([source.ljust(first), *row]).rstrip())
        return "\n".join(lines)


def draw(symbols: Mapping[Question, str]) -> str:
    """Tables of these cells, an empty line between them. Returns "" for no cells."""
    return "\n\n".join(map(str, grids(symbols)))


def grids(symbols: Mapping[Question, str]) -> tuple[Grid, ...]:
    """The tables of these cells, for those who draw them in another way.

    One where all questions of each pair have the same symbol, else one for each group of ports and families that look
    alike, with the group in the corner.
    """
    places = list(dict.fromkeys(place for question in symbols for place in question.pair))
    return tuple(_grid(corner, places, cells) for corner, cells in _groups(symbols))


def _groups(symbols: Mapping[Question, str]) -> list[tuple[str, dict[tuple[str, str], str]]]:
    merged = _merge(symbols.items())
    if merged is not None:
        return [(CORNER, merged)] if merged else []
    found = []
    for protocol, port, size in sorted({(question.protocol, question.port, question.size) for question in symbols}):
        lane = (protocol, port, size)
        mine = {each: symbol for each, symbol in symbols.items() if (each.protocol, each.port, each.size) == lane}
        whole = _merge(mine.items())
        if whole is not None:
            found.append((str(Lane(port, protocol, size=size or None)), whole))
            continue
        for family in Family:
            part = _merge((question, symbol) for question, symbol in mine.items() if question.family is family)
            found.append((str(Lane(port, protocol, family, size or None)), part or {}))
    return found


def _merge(cells: Iterable[tuple[Question, str]]) -> dict[tuple[str, str], str] | None:
    pairs: dict[tuple[str, str], str] = {}
    for question, symbol in cells:
        if pairs.setdefault(question.pair, symbol) != symbol:
            return None
    return pairs


def _grid(corner: str, places: list[str], cells: Mapping[tuple[str, str], str]) -> Grid:
    sources, destinations = {source for source, _ in cells}, {destination for _, destination in cells}
    return Grid(
        corner, tuple(place for place in places if place in sources), tuple(place for place in places if place in destinations), cells
    )

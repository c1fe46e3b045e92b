"""What a step's `expect` claims, and cells elsewhere in a file; each word checked against who is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.scenario.fault import Fault
from conformance.scenario.layout import Layout
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Claim
from conformance.scenario.source import Keys, Source
from conformance.world.door import DoorKind
from conformance.world.place import OUTSIDE, World
from conformance.world.question import Question, Sizes, questions_of
from conformance.world.table import NOT_ASKED, Cell, InvalidTable, Lane, read
from conformance.world.verdict import Family, Protocol, Verdict

WORDS = {"all allowed": Verdict.ALLOWED, "all blocked": Verdict.BLOCKED}


class Known:
    """What a claim can speak of: all that is asked at one step. Without a layout everything is taken for known."""

    def __init__(
        self, layout: Layout | None = None, everybody: World | None = None, at: Presence | None = None, sizes: Sizes | None = None
    ):
        """`everybody` is the layout's fictive world, of which `at` says who is there."""
        self.serves = {} if layout is None else layout.serves()
        self.sizes = sizes or {}
        self.there: set[str] = set()
        self.unreachable: set[str] = set()
        self.doors: Mapping[str, DoorKind] = {}
        self.questions: dict[tuple[str, str], list[Question]] = {}
        if everybody is None or at is None:
            return
        world = at.of(everybody)
        self.there = {*(place.ref for place in world.places()), *world.doors}
        self.unreachable = {pod.ref for pod in world.pods.values() if not pod.addresses}
        self.doors = {ref: door.kind for ref, door in everybody.doors.items()}
        for question in questions_of(world, Family, self.sizes):
            self.questions.setdefault(question.pair, []).append(question)

    def asked(self, cell: Cell) -> Sequence[Question]:
        """The questions of a cell."""
        return [question for question in self.questions.get((cell.source, cell.destination), ()) if cell.lane.holds(question)]

    def stranger(self, ref: str) -> str:
        """Why the reference names nobody who is there, or nothing."""
        if not self.serves or ref in self.there:
            return ""
        return f"{ref} is not there at this step" if ref in self.serves else f"there is no {ref!r}; there are: {', '.join(self.serves)}"

    def fault(self, cell: Cell) -> str:
        """Why nothing is asked in this cell, whose ends are there, or nothing."""
        if not self.serves or self.asked(cell):
            return ""
        if cell.source == cell.destination:
            return f"nobody asks itself: write {NOT_ASKED} for {cell.source}"
        if cell.source in self.doors:
            return f"{cell.source} asks nobody: it is no pod"
        if cell.source.startswith(f"{OUTSIDE}/"):
            if cell.destination.startswith(f"{OUTSIDE}/"):
                return f"outside hosts do not ask each other: write {NOT_ASKED} for {cell.source} -> {cell.destination}"
            if self.doors.get(cell.destination) in (DoorKind.SERVICE, DoorKind.NAME):
                return f"outside hosts do not ask {cell.destination}, which means nothing outside: write {NOT_ASKED}"
        if self.unreachable & {cell.source, cell.destination}:
            return f"{cell} speaks of nothing: a pending pod has no address"
        served = ", ".join(map(str, self.serves[cell.destination])) or "nothing"
        sized = f", and sizes are {', '.join(f'{size}B' for each in self.sizes.values() for size in each) or 'none'}"
        return f"{cell} speaks of nothing: {cell.destination} serves {served}{sized if cell.lane.size else ''}"


def claims_of(source: Source, keys: Keys, value: Any, known: Known, faults: list[Fault]) -> tuple[Claim, ...]:
    """The claims of a step's `expect`; what is wrong with them is added to the faults."""
    parts = list(enumerate(value)) if isinstance(value, list) else None
    if parts is None:
        return tuple(_claims(source, keys, value, known, faults))
    return tuple(claim for index, part in parts for claim in _claims(source, (*keys, index), part, known, faults))


def cell_of(text: str) -> Cell:
    """The cell that is written `shop/front -> shop/api 80/TCP`. Raises InvalidTable."""
    found = re.fullmatch(r"(\S+)\s*->\s*(\S+)(?:\s+(\S+))?", text)
    if found is None:
        raise InvalidTable(f"{text!r} is no cell such as shop/front -> shop/api 80/TCP")
    return Cell(found[1], found[2], Lane.parse(found[3]) if found[3] else Lane(), None)


def watch_of(source: Source, watch: Sequence[str], ever: Sequence[Known], faults: list[Fault]) -> tuple[Cell, ...]:
    """The cells that are watched; `ever` is what is asked before the first step and after each. Faults are added."""
    cells: list[Cell] = []
    for index, text in enumerate(watch):
        keys: Keys = ("watch", index)
        try:
            cell = cell_of(text)
        except InvalidTable as wrong:
            faults.append(source.fault(str(wrong), keys))
            continue
        if what := _unwatchable(cell, ever):
            faults.append(source.fault(what, keys))
        if cell in cells:
            faults.append(source.fault(f"{cell} stands twice", keys))
        cells.append(cell)
    return tuple(cells)


def is_watchable(question: Question) -> bool:
    """Whether a cell that is watched means this question: there are connections and datagrams, of no special size."""
    return question.size == 0 and question.protocol in (Protocol.TCP, Protocol.UDP)


def _unwatchable(cell: Cell, ever: Sequence[Known]) -> str:
    """Why nothing can be watched in this cell at any step, or nothing. Without a layout (`ever` is empty) nobody knows."""
    if not ever or any(is_watchable(question) for known in ever for question in known.asked(cell)):
        return ""
    for ref in (cell.source, cell.destination):
        if all(known.stranger(ref) for known in ever):
            return ever[0].stranger(ref)
    faults = (known.fault(cell) for known in ever)
    return next(filter(None, faults), f"{cell} cannot be watched: that is for TCP and UDP")


def _claims(source: Source, keys: Keys, value: Any, known: Known, faults: list[Fault]) -> Iterator[Claim]:
    if isinstance(value, Mapping):
        yield from _named(source, keys, value, known, faults)
    elif value in WORDS:
        yield Claim(WORDS[value], None, *_place(source.fault("", keys)))
    elif "\n" not in value.strip():
        faults.append(source.fault(f"{value!r} is neither {' nor '.join(WORDS)} nor a table", keys))
    else:
        yield from _table(source, keys, value, known, faults)


def _named(source: Source, keys: Keys, value: Mapping[str, str], known: Known, faults: list[Fault]) -> Iterator[Claim]:
    seen: set[Cell] = set()
    for key, word in value.items():
        where = (*keys, key)
        try:
            cell = cell_of(key)
        except InvalidTable as wrong:
            faults.append(source.fault(str(wrong), where, at_key=True))
            continue
        strangers = list(filter(None, map(known.stranger, (cell.source, cell.destination))))
        what = strangers[0] if strangers else known.fault(cell)
        if cell in seen:
            what = f"{cell} stands twice"
        seen.add(cell)
        mark = source.fault(what, where, at_key=True)
        if what:
            faults.append(mark)
        verdict = Verdict(word)
        yield Claim(verdict, Cell(cell.source, cell.destination, cell.lane, verdict), *_place(mark))


def _table(source: Source, keys: Keys, text: str, known: Known, faults: list[Fault]) -> Iterator[Claim]:
    try:
        cells = read(text)
    except InvalidTable as wrong:
        faults.append(source.fault(str(wrong), keys, line=wrong.line, column=wrong.column))
        return
    faults.extend(_strangers(source, keys, text, known))
    if not any(cell.verdict for cell in cells):
        faults.append(source.fault("the table speaks of nothing", keys))
    for cell in cells:
        is_known = not known.stranger(cell.source) and not known.stranger(cell.destination)
        mark = source.fault("", keys, line=cell.line, column=cell.column)
        if is_known and cell.verdict is not None and (what := known.fault(cell)):
            faults.append(Fault(mark.path, mark.line, mark.column, what, mark.source_line))
        yield Claim(cell.verdict, cell, *_place(mark))


def _strangers(source: Source, keys: Keys, text: str, known: Known) -> Iterator[Fault]:
    """The words of a sound table's head and first column that name nobody."""
    rows = [(number, list(re.finditer(r"\S+", line))) for number, line in enumerate(text.splitlines()) if line.strip()]
    words = [(rows[0][0], word) for word in rows[0][1][1:]] + [(number, row[0]) for number, row in rows[1:]]
    for number, word in words:
        if what := known.stranger(word.group()):
            yield source.fault(what, keys, line=number, column=word.start())


def _place(mark: Fault) -> tuple[int, int]:
    return mark.line, mark.column

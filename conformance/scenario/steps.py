"""Steps: the change, and what is claimed after it; each word checked against the layout and the policies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.scenario.fault import Fault
from conformance.scenario.fictive import fictive_world
from conformance.scenario.scenario import Action, Annotate, Apply, Claim, Delete, Layout, Relabel
from conformance.scenario.source import Keys, Source
from conformance.world.place import OUTSIDE
from conformance.world.question import Question, questions_of
from conformance.world.table import NOT_ASKED, Cell, InvalidTable, Lane, read
from conformance.world.verdict import Family, Verdict

ACTIONS = ("apply", "delete", "relabel", "annotate")
WORDS = {"all allowed": Verdict.ALLOWED, "all blocked": Verdict.BLOCKED}


def action_of(value: Mapping[str, Any]) -> Action:
    """The change of a step that has exactly one."""
    if "apply" in value:
        return Apply(tuple(value["apply"]))
    if "delete" in value:
        return Delete(tuple(value["delete"]))
    if "relabel" in value:
        return Relabel(value["relabel"])
    return Annotate(value["annotate"])


def action_faults(
    source: Source, keys: Keys, value: Mapping[str, Any], sound: set[str], layout: Layout | None, policies: set[str], applied: set[str]
) -> Iterator[Fault]:
    """What is wrong with a step's change, as far as the shape of its parts is `sound`.

    `applied` are the policies that exist before it; it is brought up to date.
    """
    found = [key for key in ACTIONS if key in value]
    if len(found) != 1:
        yield source.fault(f"a step has exactly one of {', '.join(ACTIONS)}, this one has {' and '.join(found) or 'none'}", keys)
    for key in found:
        if key not in sound:
            continue
        if key in ("apply", "delete"):
            yield from _name_faults(source, (*keys, key), value[key], policies, applied)
        elif layout is not None:
            yield from _ref_faults(source, (*keys, key), value[key], layout)


def _name_faults(source: Source, keys: Keys, names: Sequence[str], policies: set[str], applied: set[str]) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name not in policies:
            yield source.fault(f"there is no policy {name!r}; there are: {', '.join(sorted(policies)) or 'none'}", (*keys, index))
        elif keys[-1] == "delete" and name not in applied:
            yield source.fault(f"policy {name!r} is not there at this step: no step before it applies it", (*keys, index))
    if keys[-1] == "apply":
        applied.update(names)
    else:
        applied.difference_update(names)


def _ref_faults(source: Source, keys: Keys, changes: Mapping[str, Any], layout: Layout) -> Iterator[Fault]:
    pods = {ref for ref, _ in layout.pods()} if keys[-1] == "relabel" else set()
    kind = "pod or namespace" if pods else "namespace"
    for ref in changes:
        if ref not in layout.namespaces and ref not in pods:
            known = ", ".join([*layout.namespaces, *sorted(pods)])
            yield source.fault(f"there is no {kind} {ref!r}; there are: {known}", (*keys, ref), at_key=True)


def claims_of(source: Source, keys: Keys, value: Any, layout: Layout | None, faults: list[Fault]) -> tuple[Claim, ...]:
    """The claims of a step's `expect`; what is wrong with them is added to the faults."""
    known = _Known(layout)
    parts = list(enumerate(value)) if isinstance(value, list) else None
    if parts is None:
        return tuple(_claims(source, keys, value, known, faults))
    return tuple(claim for index, part in parts for claim in _claims(source, (*keys, index), part, known, faults))


class _Known:
    """What a claim can speak of."""

    def __init__(self, layout: Layout | None) -> None:
        """Without a layout, which has faults of its own, everything is taken for known."""
        self.serves = {} if layout is None else layout.serves()
        self.questions: dict[tuple[str, str], list[Question]] = {}
        if layout is None:
            return
        for question in questions_of(fictive_world(layout), Family):
            self.questions.setdefault(question.pair, []).append(question)

    def is_stranger(self, ref: str) -> bool:
        """Whether the layout has nobody of this name."""
        return bool(self.serves) and ref not in self.serves

    def fault(self, cell: Cell) -> str:
        """Why nothing is asked in this cell, or nothing."""
        if not self.serves or any(cell.holds(question) for question in self.questions.get((cell.source, cell.destination), ())):
            return ""
        if cell.source == cell.destination:
            return f"nobody asks itself: write {NOT_ASKED} for {cell.source}"
        if cell.source.startswith(f"{OUTSIDE}/") and cell.destination.startswith(f"{OUTSIDE}/"):
            return f"outside hosts do not ask each other: write {NOT_ASKED} for {cell.source} -> {cell.destination}"
        served = ", ".join(map(str, self.serves[cell.destination])) or "nothing"
        return f"{cell} speaks of nothing: {cell.destination} serves {served}"


def _claims(source: Source, keys: Keys, value: Any, known: _Known, faults: list[Fault]) -> Iterator[Claim]:
    if isinstance(value, Mapping):
        yield from _named(source, keys, value, known, faults)
    elif value in WORDS:
        yield Claim(WORDS[value], None, *_place(source.fault("", keys)))
    elif "\n" not in value.strip():
        faults.append(source.fault(f"{value!r} is neither {' nor '.join(WORDS)} nor a table", keys))
    else:
        yield from _table(source, keys, value, known, faults)


def _named(source: Source, keys: Keys, value: Mapping[str, str], known: _Known, faults: list[Fault]) -> Iterator[Claim]:
    seen: set[tuple[str, str, Lane]] = set()
    for key, word in value.items():
        where = (*keys, key)
        found = re.fullmatch(r"(\S+)\s*->\s*(\S+)(?:\s+(\S+))?", key)
        if found is None:
            faults.append(source.fault(f"{key!r} is no cell such as shop/front -> shop/api 80/TCP", where, at_key=True))
            continue
        try:
            lane = Lane.parse(found[3]) if found[3] else Lane()
        except InvalidTable as wrong:
            faults.append(source.fault(str(wrong), where, at_key=True))
            continue
        cell = Cell(found[1], found[2], lane, Verdict(word))
        strangers = [ref for ref in (cell.source, cell.destination) if known.is_stranger(ref)]
        what = _stranger(strangers[0], known) if strangers else known.fault(cell)
        if (cell.source, cell.destination, lane) in seen:
            what = f"{cell} stands twice"
        seen.add((cell.source, cell.destination, lane))
        if what:
            faults.append(source.fault(what, where, at_key=True))
        yield Claim(cell.verdict, cell, *_place(source.fault("", where, at_key=True)))


def _table(source: Source, keys: Keys, text: str, known: _Known, faults: list[Fault]) -> Iterator[Claim]:
    try:
        cells = read(text)
    except InvalidTable as wrong:
        faults.append(source.fault(str(wrong), keys, line=wrong.line, column=wrong.column))
        return
    strangers = list(_strangers(source, keys, text, known))
    faults.extend(strangers)
    if not any(cell.verdict for cell in cells):
        faults.append(source.fault("the table speaks of nothing", keys))
    for cell in cells:
        is_known = not known.is_stranger(cell.source) and not known.is_stranger(cell.destination)
        if is_known and cell.verdict is not None and (what := known.fault(cell)):
            faults.append(source.fault(what, keys, line=cell.line, column=cell.column))
        yield Claim(cell.verdict, cell, *_place(source.fault("", keys, line=cell.line, column=cell.column)))


def _strangers(source: Source, keys: Keys, text: str, known: _Known) -> Iterator[Fault]:
    """The words of a sound table's head and first column that name nobody."""
    rows = [(number, list(re.finditer(r"\S+", line))) for number, line in enumerate(text.splitlines()) if line.strip()]
    words = [(rows[0][0], word) for word in rows[0][1][1:]] + [(number, row[0]) for number, row in rows[1:]]
    for number, word in words:
        if known.is_stranger(word.group()):
            yield source.fault(_stranger(word.group(), known), keys, line=number, column=word.start())


def _place(mark: Fault) -> tuple[int, int]:
    return mark.line, mark.column


def _stranger(ref: str, known: _Known) -> str:
    return f"there is no {ref!r}; there are: {', '.join(known.serves)}"

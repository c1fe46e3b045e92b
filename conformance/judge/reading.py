"""Pods in their node's network: the plugin may read them in one of two ways, but in the same way everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.judge.cell import JudgedCell
from conformance.judge.finding import Finding, counted
from conformance.world.expectation import Reading
from conformance.world.verdict import FindingKind, Verdict


def mixed_readings(cells: Iterable[JudgedCell]) -> list[Finding]:
    """One finding where no single reading fits all cells of a scenario that depend on it, else none.

    "undefined, but it should be limited to 2 possibilities": one of two, the same for all cells. A reading that leaves a cell
    open fits it whatever happens.
    """
    against: dict[Reading, list[tuple[JudgedCell, Verdict]]] = {}
    for cell in cells:
        seen = cell.track[-1].answer.kind.verdict if cell.track else None
        if seen is None:
            continue
        for reading, verdict in cell.expectation.readings:
            misfits = against.setdefault(reading, [])
            if verdict not in (Verdict.OPEN, seen):
                misfits.append((cell, seen))
    if not against or not all(against.values()):
        return []
    parts = [_against(reading, *misfits[0], len(misfits)) for reading, misfits in against.items()]
    first = min(against.values(), key=len)[0][0]
    sentence = f"the plugin has no single way with pods in their node's network: {'; '.join(parts)}"
    last = first.track[-1]
    return [
        Finding(FindingKind.ILLEGAL, sentence, first.step, first.question, first.expectation.reasons, last.answer, max(last.since, 0.0))
    ]


def _against(reading: Reading, cell: JudgedCell, seen: Verdict, number: int) -> str:
    return f"{counted(number, 'cell')} not as by one that {reading} (step {cell.step}: {cell.question} is {seen})"

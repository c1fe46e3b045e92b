"""The first instants of a pod: what its own first processes reached before it was ready."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.judge.cell import JudgedCell
from conformance.judge.finding import Finding, counted
from conformance.world.measurement import Start, StepMeasurement
from conformance.world.question import Question
from conformance.world.verdict import FindingKind, Verdict


def start_findings(step: StepMeasurement, cells: Mapping[Question, JudgedCell], *, were_handled: bool) -> list[Finding]:
    """What is wrong with the starts of a step. `were_handled`: the plugin had handled all that was in force before it.

    "must ensure that filtering is effective throughout the Pod lifecycle, even from the very first instant": what is blocked is
    not reached once. Allow rules may come later ("eventually"), but before the pod has done its waiting.
    """
    found = []
    for question, starts in step.starts.items():
        if question not in cells:
            continue
        for start in starts:
            verdict = cells[question].expectation.verdict
            if verdict is Verdict.BLOCKED and were_handled and step.are_policies_old and start.connected:
                found.append(_finding(FindingKind.WRONGLY_ALLOWED, start, _early(start), cells[question]))
            elif verdict is Verdict.ALLOWED and not start.connected:
                found.append(_finding(FindingKind.WRONGLY_BLOCKED, start, _late(start), cells[question]))
    return found


def _early(start: Start) -> str:
    first = "" if start.first is None else f", first {start.first:.2f} s after its first attempt"
    return (
        f"was reached {counted(start.connected, 'time')} in {counted(start.attempts, 'attempt')} before the pod was ready{first}, "
        "although the policies that block it were in force long before"
    )


def _late(start: Start) -> str:
    return f"was not reached once in {counted(start.attempts, 'attempt')} during {start.lasted:.1f} s, although it is allowed"


def _finding(kind: FindingKind, start: Start, what: str, cell: JudgedCell) -> Finding:
    who = "init container" if start.is_init else "main process"
    sentence = f"{cell.question}, asked by the {who} of {cell.question.source} from its first instant on, {what}"
    return Finding(kind, sentence, cell.step, cell.question, cell.expectation.reasons, None, start.first, is_beside=True)

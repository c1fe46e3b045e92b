"""One scenario of a page: the row that everybody reads, and the data from which its tables and pictures are drawn when it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from conformance.judge import Finding, FindingKind
from conformance.judge.finding import counted
from conformance.record import ScenarioRecord
from conformance.report.explain import NAME, course, has_own_sentence
from conformance.report.html.cells import Cells
from conformance.report.html.shared import Shared, script_json
from conformance.report.page import printable
from conformance.world.measurement import StepMeasurement
from conformance.world.verdict import Outcome

MOST_SENTENCES = 40
"""Findings of one step that have a sentence of their own and that a page lists; a count says how many more there are."""


_BELOW = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)
"""A path that a link may have: it leads nowhere but below the folder of the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the list shows of a scenario. Names, by which links find it, are printable.

    `problem` is its place in `PROBLEMS`, `diagnostics` a path below the record's folder or "", `data` its JSON ("" where
    nothing was measured).
    """

    name: str
    group: str
    outcome: Outcome
    sentence: str
    about: str
    because: str
    file: str
    needs: tuple[str, ...]
    problem: str
    leaks: int
    outages: int
    others: int
    diagnostics: str
    data: str


PROBLEMS = {
    "leaks": "Leaks: what must be blocked was reached",
    "outages": "Outages: what must be allowed was blocked",
    "unstable": "Unstable: not for good, or cut",
    "faults": "Other failures: wrong pod, wrong source, illegal, network",
    "errors": "Errors: could not be measured, no word on the plugin",
    "stale": "Known deviations that stopped failing: remove their entries",
    "known": "Known deviations",
    "not-supported": "Not supported",
    "skipped": "Skipped",
    "passed": "Passed",
}
"""The sections of the list, in the order in which they are shown."""

_BY_OUTCOME = {
    Outcome.ERROR: "errors",
    Outcome.KNOWN_DEVIATION: "known",
    Outcome.NOT_SUPPORTED: "not-supported",
    Outcome.SKIPPED: "skipped",
    Outcome.PASSED: "passed",
}


def row_of(record: ScenarioRecord, shared: Shared) -> Row:
    """What a page needs of a scenario; nothing of the record stays in memory by it."""
    judgement = record.judgement
    leaks, outages = (judgement.count(kind) for kind in (FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED))
    return Row(
        name=printable(record.name),
        group=printable(record.group),
        outcome=record.outcome,
        sentence=record.sentence,
        about=f"{record.about} A sample: {record.sample}." if record.sample else record.about,
        because=record.because,
        file=record.file,
        needs=tuple(map(printable, record.needs)),
        problem=problem_of(record),
        leaks=leaks,
        outages=outages,
        others=len(judgement.findings) - leaks - outages,
        diagnostics=record.diagnostics if _BELOW.fullmatch(record.diagnostics) else "",
        data=script_json(_document(record, shared)) if record.measurement.steps or record.policies else "",
    )


def problem_of(record: ScenarioRecord) -> str:
    """The key of the first section of `PROBLEMS` in which the scenario belongs: its biggest problem."""
    if record.outcome is not Outcome.FAILED:
        return _BY_OUTCOME[record.outcome]
    kinds = {finding.kind for finding in record.judgement.findings if finding.kind.is_failure}
    for problem, of in (
        ("leaks", {FindingKind.WRONGLY_ALLOWED}),
        ("outages", {FindingKind.WRONGLY_BLOCKED}),
        ("unstable", {FindingKind.UNSTABLE, FindingKind.CUT}),
    ):
        if kinds & of:
            return problem
    return "stale" if kinds == {FindingKind.STALE_DEVIATION} else "faults"


def _document(record: ScenarioRecord, shared: Shared) -> dict[str, Any]:
    cells = Cells(record, shared)
    steps = [_step(record, step, cells) for step in record.measurement.steps]
    for step in steps:
        cells.packed_expectations(step)
    return {
        "facts": _facts(record),
        "findings": [[NAME[each.kind], printable(each.sentence)] for each in record.judgement.findings if each.step is None],
        "deviations": [[printable(each.because), printable(each.source)] for each in record.deviations],
        "policies": [[shared.text(key), shared.lines(text)] for key, text in record.policies.items()],
        "world": -1 if record.world is None else shared.world(record.world),
        "steps": steps,
        **cells.document(),
    }


def _facts(record: ScenarioRecord) -> list[list[str]]:
    rows = [
        ("class of faults", record.fault_class),
        ("comes from", ", ".join(record.origin) or (record.recipe or "")),
        ("needs", ", ".join(record.needs)),
        ("families", ", ".join(record.families)),
        ("began", record.started),
        ("took", f"{record.seconds:.1f} s" + (f" ({phases})" if (phases := _phases(record)) else "")),
        ("worker", record.worker),
        ("disruptive", "yes: it ran alone" if record.is_disruptive else ""),
    ]
    return [[label, printable(text)] for label, text in rows if text]


def _phases(record: ScenarioRecord) -> str:
    return ", ".join(f"{each.name} {each.seconds:.1f} s" for each in record.phases)


def _step(record: ScenarioRecord, step: StepMeasurement, cells: Cells) -> dict[str, Any]:
    findings = [finding for finding in record.judgement.findings if finding.step == step.number]
    spoken = [finding for finding in findings if has_own_sentence(finding) or finding.answer is None]
    timeline, shared = step.timeline, cells.shared
    setting = record.settings[step.number] if step.number < len(record.settings) else None
    return {
        **cells.step(step),  # first: the places in the order of the questions
        "number": step.number,
        "action": printable(step.action),
        "course": printable(course(record, step, findings)),
        "trouble": [printable(each) for each in (*step.contradictions[:MOST_SENTENCES], step.broken, step.failed) if each],
        "rounds": [len(timeline.rounds), *(round(each, 3) for each in (*timeline.rounds[:1], timeline.ended))],
        "settled": None if timeline.settled_at is None else round(timeline.settled_at, 3),
        "policies": [] if setting is None else [shared.text(key) for key in setting.policies],
        "relabelled": [] if setting is None else _relabelled(setting.relabelled),
        "found": len(findings),
        "spoken": [_finding(finding, cells) for finding in spoken[:MOST_SENTENCES]],
        "more_spoken": max(0, len(spoken) - MOST_SENTENCES),
        "beside": _beside(record, step),
        "watched": _watched(step, cells),
    }


def _finding(finding: Finding, cells: Cells) -> list[Any]:
    question = finding.question
    where = None if question is None else cells.where(question)
    return [NAME[finding.kind], printable(finding.sentence), where, [cells.shared.reason(each) for each in finding.reasons]]


def _relabelled(changes: Any) -> list[str]:
    return [
        printable(f"{ref}: " + ", ".join(f"{label} is gone" if value is None else f"{label}={value}" for label, value in labels.items()))
        for ref, labels in list(changes.items())[:MOST_SENTENCES]
    ]


def _beside(record: ScenarioRecord, step: StepMeasurement) -> list[str]:
    """What was measured beside the rounds: established connections, and what starting pods reached."""
    lines = [
        f"established connection {each.question}: " + ("kept" if each.cut_at is None else f"cut at {each.cut_at:.2f} s")
        for each in record.judgement.established
        if each.step == step.number
    ]
    for question, starts in step.starts.items():
        for start in starts:
            who = "init container" if start.is_init else "main process"
            when = "never" if start.first is None else f"first after {start.first:.2f} s"
            lines.append(f"start, {who}: {question} reached {start.connected} of {counted(start.attempts, 'time')} ({when})")
    more = [f"… and {len(lines) - MOST_SENTENCES} more"] if len(lines) > MOST_SENTENCES else []
    return [printable(line) for line in lines[:MOST_SENTENCES]] + more


def _watched(step: StepMeasurement, cells: Cells) -> list[list[Any]]:
    """Rows [source, destination, lane, what, spans] of watched cells."""
    rows = []
    for question, watched in list(step.watched.items())[:MOST_SENTENCES]:
        identity = step.identities.get(question.destination, "")
        for what, track in (("new connections", watched.attempts), ("one connection", watched.connection)):
            if track:
                rows.append([*cells.where(question), what, cells.spans(question, track, identity)])
    return rows

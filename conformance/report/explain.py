"""What became of one scenario, explained so that it need not be explained again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from conformance.judge import Finding, FindingKind, Transient
from conformance.judge.finding import counted
from conformance.record import ScenarioRecord
from conformance.report.page import Page, Part
from conformance.report.tables import looks, put_tables
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.verdict import AnswerKind, Outcome

STYLE = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERROR: "bold magenta",
    Outcome.KNOWN_DEVIATION: "cyan",
    Outcome.NOT_SUPPORTED: "yellow",
    Outcome.SKIPPED: "yellow",
}
"""The style of each outcome."""

NAME = {
    FindingKind.WRONGLY_ALLOWED: "leak",
    FindingKind.WRONGLY_BLOCKED: "outage",
    FindingKind.WRONG_RESPONDER: "wrong pod",
    FindingKind.WRONG_SOURCE: "wrong source",
    FindingKind.NETWORK: "network",
    FindingKind.CUT: "cut",
    FindingKind.UNSTABLE: "unstable",
    FindingKind.ILLEGAL: "illegal",
    FindingKind.STALE_DEVIATION: "stale deviation",
    FindingKind.BASELINE: "baseline",
    FindingKind.CONTRADICTION: "contradiction",
    FindingKind.BROKEN: "not measured",
    FindingKind.RESIDUE: "left behind",
}
"""A word or two for each kind of finding, in front of its cell."""

MOST_POLICIES = 20
"""Policies of a large world that are written out: copies in other namespaces are one."""

MOST_CELLS = 12
"""Groups of wrong cells that are listed for one step; the tables show all of them, and a count says how many are missing."""


def explain(record: ScenarioRecord, width: int | None = 100) -> str:
    """The explanation as plain text, without colour. `width` in columns; None: paragraphs are not wrapped."""
    page = Page(width)
    put_scenario(page, record)
    return str(page)


def put_scenario(page: Page, record: ScenarioRecord) -> None:
    """Name, sentence, each step (with its tables where something is wrong in it), and the policies as applied."""
    name = f"{record.group}/{record.name}" if record.group else record.name
    file = [(f"  ({record.file})", "dim")] if record.file else []
    page.line((record.outcome.upper(), STYLE[record.outcome]), "  ", (name, "bold"), *file)
    if record.about:
        page.paragraph(record.about, indent=2)
    if record.because:
        page.paragraph((f"because: {record.because}", "dim"), indent=2, hang=2)
    page.blank()
    page.paragraph(record.sentence, indent=2)
    for deviation in record.deviations:
        page.paragraph(("known deviation: ", "bold"), f"{deviation.because} ({deviation.source})", indent=2, hang=2)
    if record.sample:
        page.paragraph(("sample: ", "bold"), record.sample, indent=2, hang=2)
    if record.diagnostics:
        page.paragraph(("diagnostics: ", "bold"), record.diagnostics, indent=2, hang=2)
    for finding in record.judgement.findings:
        if finding.step is None and finding.sentence != record.sentence:
            page.paragraph((f"{NAME[finding.kind]}: ", "bold"), finding.sentence, indent=2, hang=2)
    for step in record.measurement.steps:
        page.blank()
        _put_step(page, record, step)
    _put_policies(page, record)


def _put_step(page: Page, record: ScenarioRecord, step: StepMeasurement) -> None:
    findings = [finding for finding in record.judgement.findings if finding.step == step.number]
    head = f"step {step.number}: {step.action}" if step.number else "step 0: the baseline, without any policy"
    page.paragraph((head, "bold"), f" - {course(record, step, findings)}", indent=2, hang=2)
    _put_beside(page, record, step)
    if not findings:
        _put_transients(page, [each for each in record.judgement.transients if each.step == step.number])
        return
    cells = looks(step, findings)
    if step.timeline.tracks and not all(finding.is_beside for finding in findings):
        put_tables(page, cells, indent=4)
    elif step.contradictions:
        put_tables(page, cells, indent=4, shown=(0,))
    page.blank()
    if record.sample:
        _put_where(page, record, step, findings)
    groups = sorted(grouped(findings), key=lambda group: list(NAME).index(group[0].kind))
    for group in groups[:MOST_CELLS]:
        if group[0].question is not None or group[0].sentence != record.sentence:
            _put_finding(page, group)
    if len(groups) > MOST_CELLS:
        page.paragraph(f"… and {counted(len(groups) - MOST_CELLS, 'more pair')} of places: the record has them all", indent=4)


def course(record: ScenarioRecord, step: StepMeasurement, findings: Sequence[Finding]) -> str:
    """How the step went, in a few words: when its table agreed, or how long it was waited for."""
    timeline = step.timeline
    if step.broken or step.failed:
        return "could not be done"
    if step.contradictions:
        return "was not done: file and model expect different things"
    if not timeline.rounds:
        return "nothing was asked"
    asked = f"asked {counted(len(timeline.rounds), 'time')} in {timeline.ended:.2f} s"
    if timeline.settled_at is None:
        return f"never as expected; {asked}"
    if findings:
        return f"as expected at {timeline.settled_at:.2f} s, but not for good; {asked}"
    times = [each.seconds for each in record.judgement.enforcements if each.step == step.number and each.seconds is not None]
    changed = f", {counted(len(times), 'changed cell')} within {max(times):.2f} s" if times else ""
    return f"as expected after {timeline.settled_at:.2f} s{changed}"


def _put_beside(page: Page, record: ScenarioRecord, step: StepMeasurement) -> None:
    """What was measured beside the rounds: established connections, and what starting pods reached."""
    established = [each for each in record.judgement.established if each.step == step.number]
    for each in established:
        what = "kept" if each.cut_at is None else f"cut at {each.cut_at:.2f} s"
        page.paragraph((f"established connection {each.question}: {what}", "dim"), indent=4, hang=2)
    for question, starts in step.starts.items():
        for start in starts:
            who = "init container" if start.is_init else "main process"
            when = "never" if start.first is None else f"first after {start.first:.2f} s"
            reached = f"reached {start.connected} of {counted(start.attempts, 'time')} ({when})"
            page.paragraph((f"start, {who}: {question} {reached}", "dim"), indent=4, hang=2)


def _put_transients(page: Page, transients: Sequence[Transient]) -> None:
    if transients:
        longest = max(transients, key=lambda each: each.until - each.since)
        when = f"{longest.answer.kind} from {longest.since:.2f} s to {longest.until:.2f} s"
        text = f"{counted(len(transients), 'transient')} (wrong for a while during the change, no failure), the longest: "
        page.paragraph((f"{text}{longest.question} {when}", "dim"), indent=4, hang=2)


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that say the same together: of one pair for several ports and families; of all cells with the same trouble."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        answer, key = finding.answer, cast(object, finding)
        if finding.question is not None and answer is not None and answer.kind is AnswerKind.BROKEN:
            key = (finding.kind, answer.detail)
        elif not has_own_sentence(finding):
            seen = None if answer is None else (answer.kind, answer.responder, answer.detail)
            pair = None if finding.question is None else finding.question.pair
            key = (finding.kind, pair, seen, finding.reasons)
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def has_own_sentence(finding: Finding) -> bool:
    """Whether its sentence says more than its cell, kind and answer."""
    return finding.question is None or finding.is_beside or finding.kind in _SPOKEN


def _put_finding(page: Page, group: Sequence[Finding]) -> None:
    first = group[0]
    questions = [finding.question for finding in group if finding.question is not None]
    pairs = list(dict.fromkeys(question.pair for question in questions))
    label: Part = (f"{NAME[first.kind]}: ", "bold red" if first.kind.is_failure else "bold magenta")
    if has_own_sentence(first):
        page.paragraph(label, first.sentence, indent=4, hang=2)
    elif len(pairs) == 1:
        page.paragraph(label, (" -> ".join(pairs[0]), "bold"), f"  {lanes_of(questions)}", indent=4, hang=2)
        page.paragraph(seen_of(first, group), indent=6, hang=2)
    else:
        some = ", ".join(" -> ".join(pair) for pair in pairs[:MOST_CELLS])
        more = f", and {len(pairs) - MOST_CELLS} more" if len(pairs) > MOST_CELLS else ""
        page.paragraph(label, (counted(len(questions), "cell"), "bold"), f"  {some}{more}", indent=4, hang=2)
        page.paragraph(seen_of(first, group), indent=6, hang=2)
    if first.kind.is_failure:
        for reason in first.reasons:
            page.paragraph((f"{reason.direction}: ", "dim"), reason.text, indent=6, hang=2)


def lanes_of(questions: Sequence[Question]) -> str:
    """`80/TCP (ipv4, ipv6), 81/TCP (ipv4)`."""
    lanes: dict[str, list[str]] = {}
    for question in questions:
        lanes.setdefault(question.lane, []).append(question.family)
    return ", ".join(f"{lane} ({', '.join(families)})" for lane, families in lanes.items())


_SPOKEN = (FindingKind.UNSTABLE, FindingKind.WRONG_SOURCE, FindingKind.NETWORK)

_MUST = {
    FindingKind.WRONGLY_ALLOWED: "must be blocked; ",
    FindingKind.WRONGLY_BLOCKED: "must be allowed; ",
    FindingKind.WRONG_RESPONDER: "must be answered by its own pod; ",
    FindingKind.ILLEGAL: "is open, but not for this; ",
    FindingKind.BASELINE: "must be answered without any policy; ",
}


def seen_of(first: Finding, group: Sequence[Finding]) -> str:
    """What must be and what was, of findings that say the same."""
    since = min((finding.since for finding in group if finding.since is not None), default=None)
    when = "" if since is None else f", from {since:.2f} s to the end"
    return f"{_MUST.get(first.kind, '')}{_what(first.answer, group)}{when}"


def _what(answer: Answer | None, group: Sequence[Finding]) -> str:
    if answer is None:
        return "never asked"
    if answer.kind is AnswerKind.CONNECTED:
        sources = dict.fromkeys(finding.answer.source_seen for finding in group if finding.answer and finding.answer.source_seen)
        saw = f", which saw it come from {' and '.join(sources)}" if sources else ""
        return f"answered by {answer.responder or 'something that does not say who it is'}{saw}"
    detail = f" ({answer.detail})" if answer.detail else ""
    return f"{'no measurement' if answer.kind is AnswerKind.BROKEN else answer.kind}{detail}"


def _put_policies(page: Page, record: ScenarioRecord) -> None:
    if not record.policies or record.outcome is Outcome.PASSED:
        return
    page.blank()
    page.line(("policies as applied", "bold"), indent=2)
    groups = _alike(record) if record.sample else {key: [key] for key in record.policies}
    most = MOST_POLICIES if record.sample else len(groups)
    for key, copies in list(groups.items())[:most]:
        steps = [str(number) for number, setting in enumerate(record.settings) if key in setting.policies]
        where = f"in force in step {', '.join(steps)}" if steps else "never in force"
        more = f" and {len(copies) - 1} more with the same text in other namespaces" if len(copies) > 1 else ""
        page.line(f"{key}{more}", *_dim(f"  {where}" if record.settings else ""), indent=4)
        for line in record.policies[key].strip("\n").split("\n"):
            page.line((line, "dim"), indent=6)
    if len(groups) > most:
        page.line((f"… and {len(groups) - most} more: the record has them all", "dim"), indent=4)


def _alike(record: ScenarioRecord) -> dict[str, list[str]]:
    """The keys of policies by the first of those that are the same but for their namespace."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, text in record.policies.items():
        steps = [str(number) for number, setting in enumerate(record.settings) if key in setting.policies]
        groups.setdefault((re.sub(r"(?m)^  namespace: .*$", "", text), *steps), []).append(key)
    return {keys[0]: keys for keys in groups.values()}


def _put_where(page: Page, record: ScenarioRecord, step: StepMeasurement, findings: Sequence[Finding]) -> None:
    """Of a sample: whether what is wrong lies on one node or across nodes."""
    node_of = {ref: pod.node for ref, pod in record.world.pods.items()} if record.world else {}
    wrong = {finding.question for finding in findings}
    parts = []
    for is_beside, where in ((False, "across nodes"), (True, "on one node")):
        cells = [each for each in step.expected if (node_of.get(each.source) == node_of.get(each.destination)) is is_beside]
        parts.append(f"{where} {len(wrong.intersection(cells))} of {len(cells)}")
    page.paragraph(f"Wrong {', '.join(parts)} cells.", indent=4)


def _dim(text: str) -> list[Part]:
    return [(text, "dim")] if text else []

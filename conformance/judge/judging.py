"""From the measurement of a scenario to its judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.judge.cell import JudgedCell
from conformance.judge.deviation import deviate
from conformance.judge.finding import Enforcement, Finding, FindingKind, Judgement, Transient, counted
from conformance.world.deviation import KnownDeviation
from conformance.world.expectation import agrees
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.question import Question
from conformance.world.verdict import Outcome, Verdict

CALLED = {
    FindingKind.WRONGLY_ALLOWED: "cell wrongly allowed (leak)|cells wrongly allowed (leaks)",
    FindingKind.WRONGLY_BLOCKED: "cell wrongly blocked (outage)|cells wrongly blocked (outages)",
    FindingKind.WRONG_RESPONDER: "cell answered by the wrong pod|cells answered by the wrong pod",
    FindingKind.UNSTABLE: "cell unstable|cells unstable",
    FindingKind.ILLEGAL: "open cell with an illegal outcome|open cells with an illegal outcome",
    FindingKind.STALE_DEVIATION: "known deviation that is gone|known deviations that are gone",
    FindingKind.BASELINE: "cell broken before any policy|cells broken before any policy",
    FindingKind.CONTRADICTION: "expectation in which file and model differ|expectations in which file and model differ",
    FindingKind.BROKEN: "cell or step not measured|cells or steps not measured",
    FindingKind.RESIDUE: "thing left behind|things left behind",
}
"""What people call one and many findings of a kind, worst first."""


def judge(measurement: Measurement, deviations: Sequence[KnownDeviation] = ()) -> Judgement:
    """The judgement on a scenario. `deviations` are the plugin's for this scenario.

    In this order, because each makes what follows worthless:
    a contradiction (file and model expect different things) or a broken baseline is an error and judges no cell;
    a broken step ends the judging there; a wrong cell is a failure, even beside cells that could not be measured, for a
    leak must not hide behind a broken probe; without one, what could not be measured makes an error.

    Raises InvalidDeviation where the cells of a known deviation cannot be read.
    """
    fatal = _contradictions(measurement) or _baseline(measurement)
    if fatal:
        return _judgement(measurement, fatal + _troubles(measurement))
    findings: list[Finding] = []
    transients: list[Transient] = []
    enforcements: list[Enforcement] = []
    before: Mapping[Question, Verdict] = {}
    for step in measurement.steps:
        if step.broken:
            sentence = f"step {step.number} ({step.action}) could not be done: {step.broken}"
            findings.append(Finding(FindingKind.BROKEN, sentence, step.number))
            break
        cells = _cells(step, before)
        if step.number:
            found = [finding for cell in cells if (finding := cell.finding()) is not None]
            wrong = {finding.question for finding in found}
            findings += found or _never_settled(step)
            transients += [transient for cell in cells if cell.question not in wrong for transient in cell.transients()]
            enforcements += [each for cell in cells if (each := cell.enforcement()) is not None]
        before = {cell.question: cell.expectation.verdict for cell in cells if cell.is_right_at_the_end}
    findings += _troubles(measurement) + _gaps(measurement)
    outcome, sentence, stale = deviate(findings, measurement, deviations)
    findings += stale
    return _judgement(measurement, findings, transients, enforcements, outcome, sentence)


def _contradictions(measurement: Measurement) -> list[Finding]:
    return [Finding(FindingKind.CONTRADICTION, text, step.number) for step in measurement.steps for text in step.contradictions]


def _baseline(measurement: Measurement) -> list[Finding]:
    """Law 2: before any policy, everybody is answered by the right pod. A dead server looks like a perfect deny."""
    found = []
    for step in measurement.steps:
        if step.number or step.broken:
            continue
        for question, expectation in step.expected.items():
            track = step.timeline.tracks.get(question, ())
            answer = track[-1].answer if track else None
            if answer is not None and agrees(expectation, answer, step.identities.get(question.destination, "")):
                continue
            cause = "never asked" if answer is None else answer.detail or answer.kind
            if answer is not None and answer.responder is not None:
                cause = f"{answer.responder} answered"
            sentence = (
                f"{question.destination} does not answer {question.source} on {question.lane} over {question.family} "
                f"even without any policy ({cause})"
            )
            since = track[-1].since if track else None
            found.append(Finding(FindingKind.BASELINE, sentence, 0, question, expectation.reasons, answer, since))
    return found


def _cells(step: StepMeasurement, before: Mapping[Question, Verdict]) -> list[JudgedCell]:
    timeline = step.timeline
    return [
        JudgedCell(
            step.number,
            question,
            expectation,
            step.identities.get(question.destination, ""),
            tuple(span for span in timeline.tracks.get(question, ()) if span.until >= 0 or not step.number),
            timeline.settled_at,
            before.get(question),
        )
        for question, expectation in step.expected.items()
    ]


def _never_settled(step: StepMeasurement) -> list[Finding]:
    # Without it a table of which always another cell is wrong would pass, each single cell being wrong only for a while.
    if step.timeline.settled_at is not None or not step.expected:
        return []
    where = f"step {step.number} ({step.action})"
    sentence = f"{where}: the cells agreed one by one, but in no round of {step.timeline.ended:.1f} s all together"
    return [Finding(FindingKind.UNSTABLE, sentence, step.number)]


def _troubles(measurement: Measurement) -> list[Finding]:
    """What kept the scenario from being measured and what it left behind, as the pipeline says it."""
    broken = [Finding(FindingKind.BROKEN, measurement.broken)] if measurement.broken else []
    return broken + [Finding(FindingKind.RESIDUE, text) for text in measurement.residue]


def _gaps(measurement: Measurement) -> list[Finding]:
    """What is missing although the pipeline says of no trouble: a scenario that stops early must not pass."""
    steps = measurement.steps
    found = [
        Finding(FindingKind.BROKEN, f"step {step.number} ({step.action}) asked nothing", step.number)
        for step in steps
        if not step.broken and not step.expected
    ]
    if found or measurement.broken or any(step.broken for step in steps):
        return found
    if not any(step.number for step in steps):
        return [Finding(FindingKind.BROKEN, "nothing was measured: there is no step beyond the baseline")]
    if steps[0].number:
        return [Finding(FindingKind.BROKEN, "there is no baseline (step 0): nothing proves that the world worked before any policy")]
    return []


def _judgement(
    measurement: Measurement,
    findings: Sequence[Finding],
    transients: Sequence[Transient] = (),
    enforcements: Sequence[Enforcement] = (),
    outcome: Outcome | None = None,
    sentence: str = "",
) -> Judgement:
    if outcome is None:
        is_failed = any(finding.kind.is_failure for finding in findings)
        outcome = Outcome.FAILED if is_failed else Outcome.ERROR if findings else Outcome.PASSED
    sentence = sentence or (summed_up(findings) if findings else _praise(measurement))
    return Judgement(outcome, sentence, tuple(findings), tuple(transients), tuple(enforcements))


def summed_up(findings: Sequence[Finding]) -> str:
    """One sentence: how many findings of each kind, worst first, and the first of the worst in full."""
    numbers = Counter(finding.kind for finding in findings)
    worst = next(finding for kind in CALLED for finding in findings if finding.kind is kind)
    if len(findings) == 1:
        return worst.sentence
    counts = ", ".join(f"{numbers[kind]} {called.split('|')[numbers[kind] > 1]}" for kind, called in CALLED.items() if numbers[kind])
    return f"{counts}; first: {worst.sentence}"


def _praise(measurement: Measurement) -> str:
    verdicts = [expectation.verdict for step in measurement.steps if step.number for expectation in step.expected.values()]
    judged = sum(verdict is not Verdict.OPEN for verdict in verdicts)
    is_open = f"; {counted(len(verdicts) - judged, 'open cell')} measured" if judged < len(verdicts) else ""
    steps = counted(sum(step.number > 0 for step in measurement.steps), "step")
    return f"{counted(judged, 'cell')} in {steps} as expected{is_open}"

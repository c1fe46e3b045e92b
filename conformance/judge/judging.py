"""From the measurement of a scenario to its judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.judge.baseline import baseline_findings
from conformance.judge.cell import JudgedCell
from conformance.judge.deviation import deviate
from conformance.judge.finding import Enforcement, Established, Finding, Judgement, Transient, counted
from conformance.judge.reading import mixed_readings
from conformance.judge.start import start_findings
from conformance.judge.watched import never_measured, standing_after, watched_cells
from conformance.world.deviation import KnownDeviation
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.question import Question
from conformance.world.verdict import FindingKind, Outcome, Verdict

CALLED = {
    FindingKind.WRONGLY_ALLOWED: "cell wrongly allowed (leak)|cells wrongly allowed (leaks)",
    FindingKind.WRONGLY_BLOCKED: "cell wrongly blocked (outage)|cells wrongly blocked (outages)",
    FindingKind.WRONG_RESPONDER: "cell answered by the wrong pod|cells answered by the wrong pod",
    FindingKind.WRONG_SOURCE: "cell seen to come from another address|cells seen to come from another address",
    FindingKind.NETWORK: "fault of the network without any policy|faults of the network without any policy",
    FindingKind.CUT: "established connection cut|established connections cut",
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
    a contradiction (file and model expect different things) or a broken baseline is an error and judges no cell (but a baseline
    that proves a fault of the network is a failure); a step that could not be done ends the judging there (an error, or a failure
    where the plugin is to blame); a wrong cell is a failure, even beside cells that could not be measured, for a leak must not
    hide behind a broken probe; without one, what could not be measured makes an error.

    Raises InvalidDeviation where the cells of a known deviation cannot be read.
    """
    fatal = _contradictions(measurement) or _baseline(measurement)
    if fatal:
        return _concluded(fatal + _troubles(measurement), measurement, deviations)
    found = _Found()
    for step in measurement.steps:
        if step.broken or step.failed:
            found.findings.append(_undone(step))
            break
        found.step(step)
    found.findings += mixed_readings(found.open_cells) + never_measured(measurement.steps) + _troubles(measurement) + _gaps(measurement)
    return _concluded(found.findings, measurement, deviations, found)


class _Found:
    """What is found while the steps are gone through. `before` has the verdict of each cell that was as it says."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.transients: list[Transient] = []
        self.enforcements: list[Enforcement] = []
        self.established: list[Established] = []
        self.open_cells: list[JudgedCell] = []
        self._before: Mapping[Question, Verdict] = {}
        self._were_handled = False
        self._standing: frozenset[Question] = frozenset()

    def step(self, step: StepMeasurement) -> None:
        """Judges the cells of a step, then what was measured beside its rounds."""
        cells = {cell.question: cell for cell in _cells(step, self._before)}
        if step.number:
            found = [finding for cell in cells.values() if (finding := cell.finding()) is not None]
            wrong = {finding.question for finding in found}
            found += [] if found else _never_settled(step)
            self.transients += [each for cell in cells.values() if cell.question not in wrong for each in cell.transients()]
            self.open_cells += [cell for cell in cells.values() if cell.expectation.readings]
            self._beside(step, cells, found)
        self._before = {question: cell.expectation.verdict for question, cell in cells.items() if cell.is_right_at_the_end}
        self._were_handled = step.timeline.settled_at is not None
        self._standing = standing_after(step)

    def _beside(self, step: StepMeasurement, cells: Mapping[Question, JudgedCell], found: list[Finding]) -> None:
        """Watched cells and starts. What the rounds say of a cell already is not said a second time."""
        watched = watched_cells(step, cells, self._standing)
        said = {(finding.question, finding.kind) for finding in found}
        beside = [finding for each in watched for finding in each.findings() if (finding.question, finding.kind) not in said]
        self.findings += found + beside + start_findings(step, cells, were_handled=self._were_handled)
        self.established += [kept for cell in watched if (kept := cell.established()) is not None]
        finer = {each.question: each for cell in watched if (each := cell.enforcement()) is not None}
        coarse = [each for cell in cells.values() if (each := cell.enforcement()) is not None]
        self.enforcements += [finer.get(each.question, each) for each in coarse]


def _undone(step: StepMeasurement) -> Finding:
    where = f"step {step.number} ({step.action})"
    if step.broken:
        return Finding(FindingKind.BROKEN, f"{where} could not be done: {step.broken}", step.number)
    return Finding(FindingKind.NETWORK, f"the plugin failed in {where}: {step.failed}", step.number)


def _contradictions(measurement: Measurement) -> list[Finding]:
    return [Finding(FindingKind.CONTRADICTION, text, step.number) for step in measurement.steps for text in step.contradictions]


def _baseline(measurement: Measurement) -> list[Finding]:
    steps = (step for step in measurement.steps if step.number == 0 and not step.broken and not step.failed)
    return [finding for step in steps for finding in baseline_findings(step)]


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
        if not step.broken and not step.failed and not step.expected
    ]
    if found or measurement.broken or any(step.broken or step.failed for step in steps):
        return found
    if not any(step.number for step in steps):
        return [Finding(FindingKind.BROKEN, "nothing was measured: there is no step beyond the baseline")]
    if steps[0].number:
        return [Finding(FindingKind.BROKEN, "there is no baseline (step 0): nothing proves that the world worked before any policy")]
    return []


def _concluded(
    findings: list[Finding], measurement: Measurement, deviations: Sequence[KnownDeviation], found: _Found | None = None
) -> Judgement:
    """The outcome of the findings, as far as known deviations do not decide it."""
    outcome, sentence, stale = deviate(findings, measurement, deviations)
    findings = findings + stale
    if outcome is None:
        is_failed = any(finding.kind.is_failure for finding in findings)
        outcome = Outcome.FAILED if is_failed else Outcome.ERROR if findings else Outcome.PASSED
    sentence = sentence or (summed_up(findings) if findings else _praise(measurement))
    found = found or _Found()
    return Judgement(outcome, sentence, tuple(findings), tuple(found.transients), tuple(found.enforcements), tuple(found.established))


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

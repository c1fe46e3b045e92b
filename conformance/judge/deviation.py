"""Known deviations: what fails as known is its own outcome, and what no longer fails is red until its entry goes (law 7)."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.judge.finding import Finding, counted
from conformance.world.deviation import KnownDeviation, holds
from conformance.world.measurement import Measurement
from conformance.world.question import Question
from conformance.world.verdict import FindingKind, Outcome


def deviate(
    findings: Sequence[Finding], measurement: Measurement, deviations: Sequence[KnownDeviation]
) -> tuple[Outcome | None, str, list[Finding]]:
    """What known deviations make of the findings: (outcome and sentence, if they decide; findings on entries that are gone).

    Failures in exactly the known cells: KNOWN_DEVIATION. A known cell that does not fail (in any step): a stale entry,
    which is a failure, but for one that fails only sometimes. Other failures stay what they are. In a scenario with errors nothing
    is said about entries, for what was not measured may still deviate: with known failures only, it is an ERROR. Entries
    that name only families that the run did not ask are left aside. An entry with kinds explains findings of these kinds only; one
    without cells explains also what is no cell.

    Raises InvalidDeviation.
    """
    asked = tuple(dict.fromkeys(question for step in measurement.steps for question in step.expected))
    failures = [finding for finding in findings if finding.kind.is_failure]
    stale: list[Finding] = []
    known: list[Finding] = []
    for deviation in deviations:
        meant = [finding for finding in failures if not deviation.kinds or finding.kind in deviation.kinds]
        cells, gone = _cells(deviation, asked, meant)
        known += [finding for finding in meant if finding.question in cells]
        stale += [Finding(FindingKind.STALE_DEVIATION, text) for text in gone if not deviation.sometimes]
    is_known = bool(failures) and all(finding in known for finding in failures)
    if len(failures) < len(findings):
        return (Outcome.ERROR if is_known else None), "", []
    if stale or not is_known:
        return None, "", stale
    because = "; ".join(dict.fromkeys(f"{deviation.because} ({deviation.source})" for deviation in deviations))
    return (
        Outcome.KNOWN_DEVIATION,
        f"fails as known in {counted(len({(each.step, each.question) for each in failures}), 'cell')}: {because}",
        [],
    )


def _cells(deviation: KnownDeviation, asked: Sequence[Question], failures: Sequence[Finding]) -> tuple[set[Question | None], list[str]]:
    """The failing cells that an entry explains, and a sentence for each part of it that is out of date."""
    failing = {finding.question for finding in failures}
    remove = f"remove the entry ({deviation.because}; {deviation.source})"
    if not deviation.cells:
        return failing, [] if failing else [f"the known deviation is gone, the scenario passes: {remove}"]
    found: set[Question | None] = set()
    gone = []
    for text, cell in zip(deviation.cells, deviation.lanes(), strict=True):
        family = cell[1].family
        if family is not None and all(question.family is not family for question in asked):
            continue
        meant = [question for question in asked if holds(cell, question)]
        right = [question for question in meant if question not in failing]
        found |= set(meant) - set(right)
        if not meant:
            gone.append(f"the known deviation names {text}, which the scenario never asks: {remove}")
        elif right:
            gone.append(f"the known deviation in {text} is gone, {right[0]} is as expected: {remove}")
    return found, gone

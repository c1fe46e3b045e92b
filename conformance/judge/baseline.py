"""The baseline: before any policy everybody is answered by the right pod (law 2)."""

from __future__ import annotations

from dataclasses import replace

from conformance.judge.finding import Finding
from conformance.world.expectation import Expectation, agrees
from conformance.world.measurement import StepMeasurement
from conformance.world.question import NOT_RESOLVED, Answer, Question
from conformance.world.verdict import AnswerKind, FindingKind, Verdict


def baseline_findings(step: StepMeasurement) -> list[Finding]:
    """What is wrong in step 0, by its last answers.

    A cell that does not agree is a broken world: a dead server looks like a perfect deny. It is the plugin's fault only where
    the same asker shows in the same step that the server lives and may be reached: it answers, but sees another source than
    it must; it answers the plain question, but not the large one; it answers by its own address, but not by the door. A name that
    is not resolved convicts nobody: that the name servers live, and may be asked, nobody has shown.
    """
    return [_finding(step, question, expectation) for question, expectation in step.expected.items() if not _is_right(step, question)]


def _finding(step: StepMeasurement, question: Question, expectation: Expectation) -> Finding:
    track = step.timeline.tracks.get(question, ())
    answer, since = (track[-1].answer, track[-1].since) if track else (None, None)
    kind, what = _fault(step, question, expectation, answer) or (FindingKind.BASELINE, "")
    if not what:
        where = f"{question.source} on {question.lane} over {question.family}"
        what = f"{question.destination} does not answer {where} even without any policy ({_cause(expectation, answer)})"
    return Finding(kind, what, 0, question, expectation.reasons, answer, since)


def _fault(step: StepMeasurement, question: Question, expectation: Expectation, answer: Answer | None) -> tuple[FindingKind, str] | None:
    """The plugin's fault, where the step itself proves that it is one."""
    if answer is None or answer.kind is AnswerKind.BROKEN or expectation.verdict is Verdict.BLOCKED:
        return None
    if answer.detail.startswith(NOT_RESOLVED):
        return None
    where = f"{question.destination} on {question.lane} over {question.family}"
    if agrees(replace(expectation, seen=""), answer, step.identities.get(question.destination, "")):
        seen, must = answer.source_seen or "nothing known", expectation.seen
        what = f"{question.source} reaches {where} without any policy, but it is seen to come from {seen} instead of {must}"
        return FindingKind.WRONG_SOURCE, f"{what}: its address is translated"
    if question.size and _is_right(step, replace(question, size=0)):
        what = f"{question.size} bytes do not come back whole from {where} to {question.source} ({answer.detail or answer.kind})"
        return FindingKind.NETWORK, f"{what}, although it is reached: packets of this size are lost"
    behind = {ref for ref, identity in step.identities.items() if identity in expectation.responders}
    direct = [each for each in step.expected if each.source == question.source and each.destination in behind]
    if question.destination not in step.identities and direct and all(_is_right(step, each) for each in direct):
        cause = f"{answer.responder or 'nobody known'} answers" if answer.kind is AnswerKind.CONNECTED else answer.detail or answer.kind
        what = f"{where} does not lead {question.source} to {' or '.join(sorted(behind))} ({cause})"
        return FindingKind.NETWORK, f"{what}, which it reaches directly"
    return None


def _is_right(step: StepMeasurement, question: Question) -> bool:
    expectation, track = step.expected.get(question), step.timeline.tracks.get(question, ())
    return expectation is not None and bool(track) and agrees(expectation, track[-1].answer, step.identities.get(question.destination, ""))


def _cause(expectation: Expectation, answer: Answer | None) -> str:
    if answer is None:
        return "never asked"
    if answer.responder is not None:
        return f"{answer.responder} answered" + (", and nobody may" if expectation.verdict is Verdict.BLOCKED else "")
    return answer.detail or answer.kind

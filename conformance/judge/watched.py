"""Watched cells: asked ten times a second whatever went on, with new connections and over one that stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from conformance.judge.cell import JudgedCell
from conformance.judge.finding import Enforcement, Established, Finding, counted
from conformance.world.expectation import Expectation
from conformance.world.measurement import WATCH_EVERY, StepMeasurement, Watched
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Track
from conformance.world.verdict import AnswerKind, FindingKind, Protocol, Verdict

MOST_LOST = 1
"""So many attempts or messages in a row may be lost: packets are lost on every network."""

_AT_ONCE = 2 * WATCH_EVERY
"""A connection that answers so soon after the change stood before it (seconds)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Attempts (or messages) in a row that were not answered, from the first to the last of them."""

    since: float
    until: float
    count: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class WatchedCell:
    """A watched cell in one step. `cell` is the same cell as the rounds saw it; `was_renewed`: one of its ends was.

    `stood`: its connection answered at the end of the step before.
    """

    cell: JudgedCell
    watched: Watched
    was_renewed: bool
    stood: bool

    def findings(self) -> Iterator[Finding]:
        """What is wrong with it, in the order leak, gap, cut. A cell whose verdict changed is judged by the rounds alone."""
        if self.watched.was_crossed:
            return
        before, now = self.cell.before, self.cell.expectation.verdict
        if before is now is Verdict.BLOCKED and not self.was_renewed:
            yield from self._leak()
        if before is now is Verdict.ALLOWED and not self.was_renewed:
            yield from self._gap()
            yield from self._cut()
        if self.was_renewed and now is Verdict.ALLOWED and self.cell.question.protocol is Protocol.UDP:
            yield from self._stale()

    def established(self) -> Established | None:
        """What became of the connection that stood when the step began; None where none did, or nobody looked."""
        track = _measured(self.watched.connection)
        stands = bool(track) and track[0].answer.kind is AnswerKind.CONNECTED and track[0].since <= _AT_ONCE
        if not track or not (self.stood or stands):
            return None
        lost = next(self._losses(), None)
        return Established(self.cell.step, self.cell.question, None if lost is None else max(lost.since, 0.0))

    def enforcement(self) -> Enforcement | None:
        """The time to enforce as the attempts saw it, ten times a second; None where the cell did not change or nobody looked."""
        attempts = tuple(span for span in _measured(self.watched.attempts) if span.until >= 0)
        return replace(self.cell, track=attempts).enforcement() if attempts else None

    def _leak(self) -> Iterator[Finding]:
        reached = [span for span in self.watched.attempts if span.answer.kind is AnswerKind.CONNECTED]
        if reached:
            times = sum(span.count for span in reached)
            first, answer = reached[0].since, reached[0].answer
            what = f"was reached by {counted(times, 'new connection')}, first at {first:.2f} s, although it is blocked before and after"
            yield self._finding(FindingKind.WRONGLY_ALLOWED, what, answer, first)

    def _gap(self) -> Iterator[Finding]:
        gaps = list(_gaps(self.watched.attempts))
        if gaps:
            worst = max(gaps, key=lambda gap: gap.count)
            more = f" (the longest of {len(gaps)} gaps)" if len(gaps) > 1 else ""
            what = (
                f"had a gap, although it is allowed before and after: {worst.count} new connections in a row failed "
                f"({worst.answer.kind}), from {worst.since:.2f} s to {worst.until:.2f} s{more}"
            )
            yield self._finding(FindingKind.UNSTABLE, what, worst.answer, worst.since)
        wrong = next((span for span in self.watched.attempts if self._has_wrong_responder(span)), None)
        if wrong is not None:
            what = f"was answered by {wrong.answer.responder or 'nobody known'} at {wrong.since:.2f} s, who may not"
            yield self._finding(FindingKind.WRONG_RESPONDER, what, wrong.answer, wrong.since)

    def _has_wrong_responder(self, span: Span) -> bool:
        return span.answer.kind is AnswerKind.CONNECTED and span.answer.responder not in self.cell.responders

    def _cut(self) -> Iterator[Finding]:
        lost = next(self._losses(), None)
        if self.established() is not None and lost is not None:
            how = "was reset" if lost.answer.kind is AnswerKind.REFUSED else f"was not answered any more ({lost.answer.kind})"
            what = (
                f"lost its established connection, although it is allowed before and after: it {how} at {lost.since:.2f} s, "
                f"and {counted(lost.count, 'message')} in a row failed, until {lost.until:.2f} s"
            )
            yield self._finding(FindingKind.CUT, what, lost.answer, lost.since)

    def _stale(self) -> Iterator[Finding]:
        gaps = list(_gaps(self.watched.connection))
        if gaps and gaps[-1].until == self.watched.connection[-1].until:
            last = gaps[-1]
            what = (
                "is not answered at the end of the step over a port that was in use before one of its ends was created again "
                f"({last.answer.kind} since {last.since:.2f} s, {last.count} datagrams): an old entry leads them to nobody"
            )
            yield self._finding(FindingKind.CUT, what, last.answer, last.since)

    def _losses(self) -> Iterator[Gap]:
        """Where the connection was lost: it was reset, or several messages in a row were not answered."""
        return (gap for gap in _runs(self.watched.connection) if gap.answer.kind is AnswerKind.REFUSED or gap.count > MOST_LOST)

    def _finding(self, kind: FindingKind, what: str, answer: Answer, since: float) -> Finding:
        question = self.cell.question
        sentence = f"{question}, watched all the time, {what}"
        return Finding(kind, sentence, self.cell.step, question, self.cell.expectation.reasons, answer, since, is_beside=True)


def watched_cells(step: StepMeasurement, cells: Mapping[Question, JudgedCell], standing: frozenset[Question]) -> list[WatchedCell]:
    """The watched cells of which something is expected in the step. `standing`: whose connection answered at the end of the last."""
    return [
        WatchedCell(cells[question], watched, _was_renewed(question, cells[question].expectation, step), question in standing)
        for question, watched in step.watched.items()
        if question in cells
    ]


def standing_after(step: StepMeasurement) -> frozenset[Question]:
    """The watched questions whose connection answered last in this step."""
    last = {question: _measured(watched.connection)[-1:] for question, watched in step.watched.items()}
    return frozenset(question for question, spans in last.items() if spans and spans[0].answer.kind is AnswerKind.CONNECTED)


def never_measured(steps: tuple[StepMeasurement, ...]) -> list[Finding]:
    """Watched cells of which not one attempt could be made in the whole scenario: a probe that does not look sees no gap."""
    asked = dict.fromkeys(question for step in steps for question in step.watched if question in step.expected)
    return [
        Finding(FindingKind.BROKEN, f"{question} was to be watched, and was never measured", None, question, is_beside=True)
        for question in asked
        if not any(_measured(step.watched[question].attempts) for step in steps if question in step.watched)
    ]


def _was_renewed(question: Question, expectation: Expectation, step: StepMeasurement) -> bool:
    """Whether the asker or whoever answers was: for a door the Service itself and all that may answer."""
    answering = {ref for ref, identity in step.identities.items() if identity in expectation.responders}
    kind, _, rest = question.destination.partition("/")
    service = f"svc/{rest}" if kind in ("svc", "dns") or kind.startswith("nodeport-") else rest
    return not step.renewed.isdisjoint({*question.pair, *answering, service})


def _measured(track: Track) -> Track:
    return tuple(span for span in track if span.answer.kind is not AnswerKind.BROKEN)


def _gaps(track: Track) -> Iterator[Gap]:
    return (gap for gap in _runs(track) if gap.count > MOST_LOST)


def _runs(track: Track) -> Iterator[Gap]:
    """Answers in a row that are no success, whatever their kind. A broken one says nothing, and ends the row."""
    run: Gap | None = None
    for span in track:
        if span.answer.kind.verdict is Verdict.BLOCKED:
            run = (
                Gap(span.since, span.until, span.count, span.answer)
                if run is None
                else replace(run, until=span.until, count=run.count + span.count)
            )
        elif run is not None:
            yield run
            run = None
    if run is not None:
        yield run

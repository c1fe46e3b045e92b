"""Asking again and again after a change, until the table agrees and holds. Nothing is lost: the timeline keeps all rounds.

This is not "retry until it agrees": when each cell first agreed, and every flap after that, stays in the record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from conformance.world.clock import Clock
from conformance.world.expectation import ExpectedTable, agrees
from conformance.world.question import Question
from conformance.world.timeline import Round, Timeline
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind

Ask = Callable[[Sequence[Question], float], Round]
"""One round: the questions and how long each waits. `Round.at` is on the clock of `sample`."""


def sample(
    ask: Ask,
    expected: ExpectedTable,
    identities: Mapping[str, str],
    times: Times,
    clock: Clock,
    began: float | None = None,
    known: Collection[Question] = (),
) -> Timeline:
    """Rounds from now until the table has agreed for `times.hold`. Time 0 is now, if `began` does not say another: the API server
    has just accepted the change.

    `identities` says who must answer for each destination (a door's are in its expectation). The hold counts from the
    beginning of the first round that agrees to that of the last; a round that does not agree starts it anew. It ends without
    success when a round that does not agree ends after `times.settle` (`times.known` where only the `known` questions do not
    agree; `times.stream` later where something was broken in it, for then nobody knows how it is), or when a question has been
    broken for `times.stream` without a break: time does not mend that. A table that agrees as the time is up may still show
    whether it holds. After a round that was disturbed the time for settling starts anew: the plugin may have been cut off from the
    API server, too.
    """
    questions, zero = tuple(expected), clock.now() if began is None else began
    rounds: list[Round] = []
    broken_since: dict[Question, float] = {}
    settled_at: float | None = None
    agreeing_since: float | None = None
    held, deadline, patience = 0.0, times.settle, times.question
    while True:
        found = ask(questions, patience)
        this = replace(found, at=found.at - zero)
        overrun, patience = this.took - patience, _patience(this, patience, times)
        rounds.append(this)
        ended = this.at + this.took
        deadline = ended + times.settle if this.is_disturbed else deadline
        wrong = {each for each in questions if not agrees(expected[each], this.answers[each], identities.get(each.destination, ""))}
        if not wrong:
            agreeing_since = this.at if agreeing_since is None else agreeing_since
            settled_at = agreeing_since if settled_at is None else settled_at
            held, broken_since = this.at - agreeing_since, {}
            if held >= times.hold:
                break
        else:
            agreeing_since, held = None, 0.0
            broken_since = _still_broken(this, broken_since)
            limit = min(deadline, times.known) if wrong.issubset(known) else deadline
            if ended >= limit + (times.stream if broken_since else 0.0):
                break
            if any(ended - since > times.stream for since in broken_since.values()):
                break
        clock.wait(_pause(this, overrun, agreeing_since, times))
    return Timeline.of(rounds, ended=ended, settled_at=settled_at, held=held)


_FINENESS = 0.05
"""How finely time is told while a table does not agree: by this part of the time that has gone by."""

_LONGEST = 1.0
"""The longest pause, in seconds, however busy the processors are."""


_ROUNDING = 1e-6
"""Sums of seconds are not exact: a round that is to begin at the end of the window must not begin before it."""


_MOST_PATIENT = 8
"""So many times as long as usual a question waits at most."""


def _patience(this: Round, patience: float, times: Times) -> float:
    """How long the next questions wait: twice as long where something could not be measured (agents may be let run late by half of
    that), half as long where all could, never less than usual."""
    is_broken = any(answer.kind is AnswerKind.BROKEN for answer in this.answers.values())
    return min(2 * patience, _MOST_PATIENT * times.question) if is_broken else max(patience / 2, times.question)


def _pause(this: Round, overrun: float, agreeing_since: float | None, times: Times) -> float:
    """How long to wait after a round, in seconds.

    A round ends soon after its slowest question: its `overrun` beyond that says how busy the processors are, and so much time they get.
    While the table agrees, the next round but one is at the end of the stability window; while it does not, time is told to 5 %.
    """
    ended = this.at + this.took
    wanted = ended * _FINENESS
    if agreeing_since is not None:
        wanted = min(agreeing_since + times.hold + _ROUNDING - ended, times.hold / 2)
    return max(times.pause, min(max(wanted, overrun), _LONGEST))


def _still_broken(this: Round, before: Mapping[Question, float]) -> dict[Question, float]:
    """Since when each question has been broken in every round."""
    broken = (question for question, answer in this.answers.items() if answer.kind is AnswerKind.BROKEN)
    return {question: before.get(question, this.at) for question in broken}

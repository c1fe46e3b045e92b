"""One cell of one step: its track becomes a finding, a transient, a time to enforce, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from conformance.judge.finding import Enforcement, Finding, Transient, counted
from conformance.world.expectation import Expectation, agrees
from conformance.world.question import Answer, Question
from conformance.world.timeline import Track
from conformance.world.verdict import AnswerKind, FindingKind, Verdict

MOST_UNRESOLVED = 2
"""In so many rounds in a row a name may stay unresolved: name servers are busy now and then."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Answers in a row that all agree with the expectation, or all do not. `answer` is the last of them."""

    is_right: bool
    since: float
    until: float
    count: int
    answer: Answer


@dataclass(frozen=True)  # no slots: it remembers its stretches
class JudgedCell:
    """A cell with all that judging it needs.

    `responder` is the identity that must answer. `settled_at` is the table's. `before` is the verdict of the step before
    where the cell really was as it says, else None. `track` holds what was asked since the change was accepted.
    """

    step: int
    question: Question
    expectation: Expectation
    responder: str
    track: Track
    settled_at: float | None
    before: Verdict | None

    @property
    def is_inherited(self) -> bool:
        """Whether the cell agreed already before the change, so that agreeing at first says nothing about the change."""
        return self.before is self.expectation.verdict

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The track as right and wrong stretches. Broken answers say nothing about the plugin and are left out.

        So are name servers that are silent for a round or two, where they must be reached and are in other rounds.
        """
        found: list[Stretch] = []
        spans = [span for span in self.track if span.answer.kind is not AnswerKind.BROKEN]
        if self.expectation.verdict is Verdict.ALLOWED:
            spans = [span for span in spans if not span.answer.is_unresolved or span.count > MOST_UNRESOLVED] or spans
        for span in spans:
            is_right = agrees(self.expectation, span.answer, self.responder)
            new = Stretch(is_right, max(span.since, 0.0), span.until, span.count, span.answer)
            if found and found[-1].is_right is is_right:
                new = Stretch(is_right, found[-1].since, span.until, found[-1].count + span.count, span.answer)
                found.pop()
            found.append(new)
        return tuple(found)

    @property
    def is_right_at_the_end(self) -> bool:
        """Whether its last answer is the expected one."""
        return bool(self.track) and agrees(self.expectation, self.track[-1].answer, self.responder)

    def finding(self) -> Finding | None:
        """What is wrong with it, or None.

        Wrong from the first round to the last: a leak, an outage, the wrong responder, or (open) an outcome that is not
        legal. The same where it was right only as long as the change had not arrived, and wrong ever after. Wrong again
        after the table had settled, or right and wrong by turns: unstable.
        """
        if not self.track:
            return self._broken("was never asked after the change")
        last = self.track[-1]
        if last.answer.kind is AnswerKind.BROKEN:
            return self._broken(f"could not be measured: {last.answer.detail or 'the probe broke'}", last.answer, last.since)
        stretches = self.stretches
        losses = tuple(later for earlier, later in pairwise(stretches) if earlier.is_right)
        final = stretches[-1]
        if final.is_right:
            has_flapped = len(losses) > 1 if self.settled_at is None else any(loss.since > self.settled_at for loss in losses)
            return self._unstable(losses) if has_flapped else None
        # One wrong answer at the very end may be a lost packet; two in a row, after a start that owed nothing to the
        # change, are the plugin's new mind.
        has_turned = len(stretches) == 2 and self.is_inherited and final.count > 1
        return self._wrong(final) if not losses or has_turned else self._unstable(losses)

    def transients(self) -> tuple[Transient, ...]:
        """Wrong stretches of a cell without a finding, but for the one in which a changed cell waits for its change."""
        stretches = self.stretches
        waits = stretches and not stretches[0].is_right and not self.is_inherited
        return tuple(
            Transient(self.step, self.question, each.answer, each.since, each.until, each.count)
            for each in stretches[1 if waits else 0 :]
            if not each.is_right
        )

    def enforcement(self) -> Enforcement | None:
        """How long it took, where the step changed what is expected of the cell; None where it did not."""
        now = self.expectation.verdict
        if self.before is None or self.is_inherited or Verdict.OPEN in (self.before, now):
            return None
        after = None
        for each in self.stretches:
            if each.is_right:
                return Enforcement(self.step, self.question, now, each.since, after)
            after = each.until
        return Enforcement(self.step, self.question, now, None, after)

    def _broken(self, what: str, answer: Answer | None = None, since: float | None = None) -> Finding:
        sentence = f"{self.question} {what}"
        return Finding(FindingKind.BROKEN, sentence, self.step, self.question, self.expectation.reasons, answer, since)

    @property
    def responders(self) -> tuple[str, ...]:
        """The identities of which one must answer, sorted; none where the model names none and the destination has none."""
        return tuple(sorted(self.expectation.responders)) or ((self.responder,) if self.responder else ())

    def _wrong(self, final: Stretch) -> Finding:
        kind, question, answer = self._kind(final.answer), self.question, final.answer
        where = f"{question.destination} on {question.lane} over {question.family}"
        may = " or ".join(self.responders)
        behind = f"; {may} may answer" if self.expectation.responders else ""
        match kind:
            case FindingKind.WRONGLY_ALLOWED:
                what = f"{question.source} reaches {where}, which must be blocked"
            case FindingKind.WRONGLY_BLOCKED:
                what = f"{question.source} does not reach {where}, which must be allowed ({answer.kind}{behind})"
            case FindingKind.WRONG_RESPONDER:
                what = f"{question.source} asks {where}, and {answer.responder or 'nobody known'} answers instead of {may}"
            case FindingKind.WRONG_SOURCE:
                seen, must = answer.source_seen or "nothing known", self.expectation.seen
                what = f"{question.source} reaches {where}, but it is seen to come from {seen} instead of {must}: its address is translated"
            case _:
                what = f"{question.source} asks {where}: {answer.kind}, where only {self._must()} is legal"
        sentence = f"{what}; in {counted(final.count, 'round')}, from {final.since:.2f} s to the end at {final.until:.2f} s"
        return Finding(kind, sentence, self.step, question, self.expectation.reasons, answer, final.since)

    def _kind(self, answer: Answer) -> FindingKind:
        """The kind of a wrong answer, the worst first."""
        seen, expectation = answer.kind.verdict, self.expectation
        if expectation.verdict is Verdict.OPEN and seen not in expectation.legal:
            return FindingKind.ILLEGAL
        if seen is not Verdict.ALLOWED:
            return FindingKind.WRONGLY_BLOCKED
        if self.responders and answer.responder not in self.responders:
            return FindingKind.WRONG_RESPONDER
        return FindingKind.WRONGLY_ALLOWED if expectation.verdict is Verdict.BLOCKED else FindingKind.WRONG_SOURCE

    def _must(self) -> str:
        expectation = self.expectation
        return " or ".join(sorted(expectation.legal)) if expectation.verdict is Verdict.OPEN else expectation.verdict

    def _unstable(self, losses: tuple[Stretch, ...]) -> Finding:
        when = ", ".join(
            f"{each.answer.kind} in {counted(each.count, 'round')} from {each.since:.2f} s to {each.until:.2f} s" for each in losses[:3]
        )
        more = f", and {counted(len(losses) - 3, 'time')} more" if len(losses) > 3 else ""
        sentence = f"{self.question} was {self._must()} as expected, but not for good: {when}{more}"
        first = losses[0]
        return Finding(FindingKind.UNSTABLE, sentence, self.step, self.question, self.expectation.reasons, first.answer, first.since)

"""Sampling over time, on a clock that the test turns."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, pairwise

import pytest

from conformance.probe.sampling import sample
from conformance.world.expectation import Expectation
from conformance.world.question import Answer, Question
from conformance.world.timeline import Round, Timeline
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Verdict

ONE, TWO = Question("x/a", "x/b", 80), Question("x/b", "x/a", 80)
IDENTITIES = {"x/a": "real/a", "x/b": "real/b"}
TIMES = Times(question=0.5, pause=0.1, settle=5.0, hold=1.0, known=2.0, stream=2.0)
ALLOWED, BLOCKED = Expectation(Verdict.ALLOWED), Expectation(Verdict.BLOCKED)


def reached(question: Question) -> Answer:
    return Answer(AnswerKind.CONNECTED, IDENTITIES[question.destination])


SILENT, GONE = Answer(AnswerKind.TIMED_OUT), Answer(AnswerKind.BROKEN, detail="pod real/b is gone")


@dataclass
class World:
    """Answers by time. Blocked and broken rounds last as long as the question waits, others 0.1 s."""

    answer: Callable[[float, Question], Answer]
    time: float = 1000.0
    waited: float = 0.0

    def now(self) -> float:
        return self.time

    def ask(self, questions: Sequence[Question], timeout: float) -> Round:
        began = self.time
        answers = {question: self.answer(round(began - 1000.0, 6), question) for question in questions}
        took = 0.1 if all(answer.kind is AnswerKind.CONNECTED for answer in answers.values()) else timeout
        self.time += took
        return Round(began, took, answers)

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.waited += seconds


def run(answer: Callable[[float, Question], Answer], expected=None, times: Times = TIMES, known: Collection[Question] = ()) -> Timeline:
    world = World(answer)
    table = expected or {ONE: ALLOWED, TWO: ALLOWED}
    return sample(world.ask, table, IDENTITIES, times, world, known=known)


def test_a_table_that_agrees_at_once_is_asked_until_it_has_held():
    seen = run(lambda _, question: reached(question))
    assert 0.0 == seen.settled_at
    assert seen.held == pytest.approx(1.0)
    assert seen.rounds == pytest.approx([0.0, 0.6, 1.0], abs=1e-5)
    assert seen.ended == pytest.approx(1.1)


def test_without_a_hold_one_round_that_agrees_is_enough():
    seen = run(lambda _, question: reached(question), times=replace(TIMES, hold=0.0))
    assert ((0.0,), 0.0, 0.0) == (seen.rounds, seen.settled_at, seen.held)


def test_it_settles_with_the_first_round_in_which_every_cell_agrees():
    seen = run(lambda now, question: SILENT if now < (0.5 if question == ONE else 1.0) else reached(question))
    assert seen.settled_at == pytest.approx(1.2)
    assert [AnswerKind.TIMED_OUT, AnswerKind.CONNECTED] == [span.answer.kind for span in seen.tracks[ONE]]
    assert seen.tracks[ONE][1].since == pytest.approx(0.6)
    assert seen.tracks[TWO][1].since == pytest.approx(1.2)


def test_a_flap_starts_the_hold_anew_and_stays_in_the_tracks():
    seen = run(lambda now, question: SILENT if question == ONE and 0.5 < now < 0.7 else reached(question))
    assert 0.0 == seen.settled_at
    assert [AnswerKind.CONNECTED, AnswerKind.TIMED_OUT, AnswerKind.CONNECTED] == [span.answer.kind for span in seen.tracks[ONE]]
    assert seen.held == pytest.approx(1.0)
    assert seen.tracks[ONE][2].since == pytest.approx(1.2)
    assert seen.ended == pytest.approx(2.3)


def test_a_cell_that_never_agrees_is_asked_until_the_deadline():
    seen = run(lambda _, question: reached(question), {ONE: BLOCKED, TWO: ALLOWED})
    assert (None, 0.0) == (seen.settled_at, seen.held)
    assert 5.0 <= seen.ended < 5.3


def test_a_table_that_agrees_as_the_time_is_up_may_show_that_it_holds():
    seen = run(lambda now, question: SILENT if now < 4.0 else reached(question))
    assert 4.0 <= seen.settled_at < 5.0
    assert seen.held == pytest.approx(1.0)
    assert seen.ended > 5.0


def test_a_table_that_flaps_for_ever_ends_with_the_first_flap_after_the_deadline():
    seen = run(lambda now, question: SILENT if question == ONE and int(now) % 2 else reached(question))
    assert 0.0 == seen.settled_at
    assert 0.0 == seen.held
    assert 5.0 <= seen.ended < 6.0


def test_a_disturbed_round_gives_the_plugin_its_whole_time_again():
    world = World(lambda now, question: SILENT if now < 7.0 else reached(question))

    def ask(questions: Sequence[Question], timeout: float) -> Round:
        return replace(world.ask(questions, timeout), is_disturbed=3.0 < world.time - 1000.0 < 3.7)

    seen = sample(ask, {ONE: ALLOWED}, IDENTITIES, TIMES, world)
    assert 7.0 <= seen.settled_at < 8.0


def test_the_wrong_pod_answering_does_not_agree():
    seen = run(lambda _, question: Answer(AnswerKind.CONNECTED, "real/stranger"))
    assert seen.settled_at is None


def test_a_question_that_stays_broken_ends_it_before_the_deadline():
    seen = run(lambda _, question: GONE if question == ONE else reached(question))
    assert seen.settled_at is None
    assert 2.0 < seen.ended < 4.0


def test_a_question_that_is_broken_now_and_then_does_not_end_it():
    turns = cycle([GONE, reached(ONE)])
    seen = run(lambda _, question: next(turns) if question == ONE else reached(question))
    assert seen.ended >= 5.0


def test_a_broken_answer_never_counts_as_blocked():
    seen = run(lambda _, question: GONE, {ONE: BLOCKED, TWO: BLOCKED})
    assert seen.settled_at is None


def test_an_open_cell_does_not_hold_anybody_up():
    seen = run(lambda _, question: SILENT, {ONE: Expectation(Verdict.OPEN), TWO: BLOCKED})
    assert 0.0 == seen.settled_at


def test_it_pauses_between_rounds_only():
    world = World(lambda _, question: reached(question))
    sample(world.ask, {ONE: ALLOWED}, IDENTITIES, TIMES, world)
    assert world.waited == pytest.approx(1.0 - 2 * 0.1, abs=1e-5)


def test_time_is_told_to_five_percent_while_the_table_does_not_agree():
    seen = run(lambda _, question: reached(question), {ONE: BLOCKED}, times=replace(TIMES, pause=0.01, settle=20.0))
    assert all(later - earlier <= 0.11 + 0.05 * later for earlier, later in pairwise(seen.rounds))
    assert all(later - earlier >= 0.1 + 0.05 * earlier for earlier, later in pairwise(seen.rounds))


@pytest.mark.parametrize(("took", "pause"), [(0.4, 0.1), (0.5, 0.1), (0.9, 0.4), (3.0, 1.0)])
def test_processors_that_are_busy_get_a_pause_as_long_as_they_kept_a_round_waiting(took: float, pause: float):
    world = World(lambda _, question: reached(question))

    def ask(questions: Sequence[Question], timeout: float) -> Round:
        seen = world.ask(questions, timeout)
        world.time += took - seen.took
        return replace(seen, took=took)

    seen = sample(ask, {ONE: BLOCKED}, IDENTITIES, replace(TIMES, settle=took + 0.1), world)
    assert seen.rounds[1] - seen.rounds[0] == pytest.approx(took + pause)


def test_a_round_that_was_under_way_before_has_a_negative_time():
    early = Round(-0.25, 0.1, {ONE: reached(ONE)})
    seen = sample(lambda *_: early, {ONE: ALLOWED}, IDENTITIES, replace(TIMES, hold=0.0), World(reached, 0.0))
    assert (-0.25,) == seen.rounds


def test_the_beginning_may_be_before_the_first_round():
    world = World(lambda _, question: reached(question))
    seen = sample(world.ask, {ONE: ALLOWED}, IDENTITIES, replace(TIMES, hold=0.0), world, began=999.0)
    assert ((1.0,), 1.0) == (seen.rounds, seen.settled_at)


def test_a_door_is_answered_by_those_whom_its_expectation_names():
    door = Question("x/a", "svc/x/web", 80)
    world = World(lambda *_: Answer(AnswerKind.CONNECTED, "real/b"))
    expected = {door: replace(ALLOWED, responders=frozenset({"real/b", "real/c"}))}
    assert 0.0 == sample(world.ask, expected, IDENTITIES, replace(TIMES, hold=0.0), world).settled_at


def test_what_is_known_to_be_wrong_is_waited_for_less_long():
    seen = run(lambda _, question: reached(question), {ONE: BLOCKED, TWO: ALLOWED}, known={ONE})
    assert (seen.settled_at, 2.0 <= seen.ended < 2.5) == (None, True)


def test_another_wrong_cell_beside_a_known_one_gets_its_whole_time():
    seen = run(lambda _, question: reached(question), {ONE: BLOCKED, TWO: BLOCKED}, known={ONE})
    assert (seen.settled_at, 5.0 <= seen.ended < 5.5) == (None, True)


def test_a_known_cell_that_agrees_after_all_is_as_good_as_any():
    seen = run(lambda _, question: reached(question), known={ONE, TWO})
    assert 0.0 == seen.settled_at


def test_a_round_with_broken_answers_is_not_the_last_one_while_there_is_hope():
    seen = run(lambda now, question: GONE if question == TWO and 4.0 < now < 5.5 else reached(question), {ONE: BLOCKED, TWO: ALLOWED})
    assert AnswerKind.CONNECTED is seen.tracks[TWO][-1].answer.kind
    assert 5.5 <= seen.ended < 7.0


def test_questions_wait_longer_after_a_round_that_could_not_be_measured_and_come_back_to_their_time():
    world, waited = World(lambda now, question: GONE if now < 3.0 else reached(question)), []

    def ask(questions: Sequence[Question], timeout: float) -> Round:
        waited.append(timeout)
        return world.ask(questions, timeout)

    sample(ask, {ONE: ALLOWED}, IDENTITIES, replace(TIMES, stream=9.0, hold=3.0, pause=0.0), world)
    assert [0.5, 1.0, 2.0] == waited[:3]
    assert 0.5 == waited[-1]
    assert max(waited) <= 4.0

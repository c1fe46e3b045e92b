"""Doors, sources, sizes and readings: who may answer, what must be seen, and what a baseline proves."""

from dataclasses import replace

import pytest
from test_judge import ALLOWED, BASELINE, BLOCKED, IDENTITIES, OTHER, Q, step

from conformance.judge import Judgement, judge
from conformance.world.expectation import Expectation, Reading
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.question import NOT_RESOLVED, Answer, Question
from conformance.world.timeline import Round, Timeline
from conformance.world.verdict import AnswerKind, Outcome, Verdict

DOOR = replace(Q, destination="svc/x/web")
TO_B = Expectation(Verdict.ALLOWED, responders=frozenset({"run-x/b"}))
EITHER = Expectation(Verdict.ALLOWED, responders=frozenset({"run-x/b", "run-x/c"}))
LARGE = replace(Q, size=8000)
NOTHING = Answer(AnswerKind.TIMED_OUT)


def by(responder: str | None, source: str = "10.0.0.1") -> Answer:
    return Answer(AnswerKind.CONNECTED, responder, source)


def one_step(number: int, cells: dict[Question, tuple[Expectation, Answer]]) -> StepMeasurement:
    """A step in which every cell has one answer, twice."""
    rounds = [Round(at, 0.1, {question: answer for question, (_, answer) in cells.items()}) for at in (0.0, 0.1)]
    timeline = Timeline.of(rounds, ended=0.2, settled_at=0.0)
    return StepMeasurement(number, "apply deny", {question: expected for question, (expected, _) in cells.items()}, timeline, IDENTITIES)


def judged(expected: Expectation, answer: Answer, question: Question = DOOR) -> Judgement:
    right = replace(expected, verdict=Verdict.ALLOWED, responders=frozenset({"run-x/b"}))
    return judge(Measurement((one_step(0, {question: (right, by("run-x/b", expected.seen))}), one_step(1, {question: (expected, answer)}))))


@pytest.mark.parametrize(
    ("expected", "answer", "kind", "sentence"),
    [
        pytest.param(EITHER, by("run-x/c"), None, "1 cell in 1 step as expected", id="any of those behind it may answer"),
        pytest.param(
            EITHER,
            by("run-x/d"),
            "wrong-responder",
            "x/a asks svc/x/web on 80/TCP over ipv4, and run-x/d answers instead of run-x/b or run-x/c; ",
            id="nobody else may",
        ),
        pytest.param(
            TO_B,
            NOTHING,
            "wrongly-blocked",
            "x/a does not reach svc/x/web on 80/TCP over ipv4, which must be allowed (timed-out; run-x/b may answer); ",
            id="nobody answers",
        ),
        pytest.param(
            BLOCKED,
            by("run-x/b"),
            "wrongly-allowed",
            "x/a reaches svc/x/web on 80/TCP over ipv4, which must be blocked; ",
            id="a door that must be closed",
        ),
        pytest.param(
            replace(BLOCKED, responders=frozenset({"run-x/b"})),
            by("run-x/c"),
            "wrong-responder",
            "x/a asks svc/x/web on 80/TCP over ipv4, and run-x/c answers instead of run-x/b; ",
            id="closed, and led astray",
        ),
        pytest.param(
            replace(TO_B, seen="10.0.0.1"),
            by("run-x/b", "10.9.9.9"),
            "wrong-source",
            "x/a reaches svc/x/web on 80/TCP over ipv4, but it is seen to come from 10.9.9.9 instead of 10.0.0.1: "
            "its address is translated; ",
            id="another source",
        ),
        pytest.param(
            replace(TO_B, seen="10.0.0.1"),
            Answer(AnswerKind.CONNECTED, "run-x/b"),
            "wrong-source",
            "seen to come from nothing known instead of 10.0.0.1",
            id="no source",
        ),
        pytest.param(replace(TO_B, seen="10.0.0.1"), by("run-x/b"), None, "1 cell in 1 step as expected", id="the right source"),
    ],
)
def test_a_door(expected: Expectation, answer: Answer, kind: str | None, sentence: str) -> None:
    judgement = judged(expected, answer)

    assert [finding.kind.value for finding in judgement.findings] == ([kind] if kind else [])
    assert sentence in judgement.sentence


def test_a_large_question_says_its_size() -> None:
    assert "does not reach x/b on 80/TCP/8000B over ipv4" in judged(ALLOWED, NOTHING, LARGE).sentence


# --- what a baseline proves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "outcome", "sentence"),
    [
        pytest.param(
            {Q: (replace(ALLOWED, seen="10.0.0.1"), by("run-x/b", "10.9.9.9"))},
            Outcome.FAILED,
            "x/a reaches x/b on 80/TCP over ipv4 without any policy, but it is seen to come from 10.9.9.9 instead of 10.0.0.1: "
            "its address is translated",
            id="another source proves that the server lives",
        ),
        pytest.param(
            {Q: (replace(ALLOWED, seen="10.0.0.1"), Answer(AnswerKind.CONNECTED, "run-x/b"))},
            Outcome.FAILED,
            "x/a reaches x/b on 80/TCP over ipv4 without any policy, but it is seen to come from nothing known instead of 10.0.0.1: "
            "its address is translated",
            id="no source at all",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), LARGE: (ALLOWED, NOTHING)},
            Outcome.FAILED,
            "8000 bytes do not come back whole from x/b on 80/TCP/8000B over ipv4 to x/a (timed-out), although it is reached: "
            "packets of this size are lost",
            id="the plain question is answered, the large one is not",
        ),
        pytest.param(
            {LARGE: (ALLOWED, NOTHING)},
            Outcome.ERROR,
            "x/b does not answer x/a on 80/TCP/8000B over ipv4 even without any policy (timed-out)",
            id="a large question alone proves nothing",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (TO_B, NOTHING)},
            Outcome.FAILED,
            "svc/x/web on 80/TCP over ipv4 does not lead x/a to x/b (timed-out), which it reaches directly",
            id="the pod is reached directly, but not by the door",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), OTHER: (ALLOWED, by("run-x/c")), DOOR: (TO_B, by("run-x/c"))},
            Outcome.FAILED,
            "svc/x/web on 80/TCP over ipv4 does not lead x/a to x/b (run-x/c answers), which it reaches directly",
            id="the door leads to another pod",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (TO_B, by(None))},
            Outcome.FAILED,
            "svc/x/web on 80/TCP over ipv4 does not lead x/a to x/b (nobody known answers), which it reaches directly",
            id="the door leads to nobody known",
        ),
        pytest.param(
            {DOOR: (TO_B, NOTHING)},
            Outcome.ERROR,
            "svc/x/web does not answer x/a on 80/TCP over ipv4 even without any policy (timed-out)",
            id="a door alone proves nothing",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (TO_B, Answer(AnswerKind.BROKEN, detail="the stream broke"))},
            Outcome.ERROR,
            "svc/x/web does not answer x/a on 80/TCP over ipv4 even without any policy (the stream broke)",
            id="a broken probe proves nothing",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (TO_B, Answer(AnswerKind.TIMED_OUT, detail=NOT_RESOLVED))},
            Outcome.ERROR,
            "svc/x/web does not answer x/a on 80/TCP over ipv4 even without any policy (the name was not resolved)",
            id="a silent name server proves nothing",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (TO_B, Answer(AnswerKind.REFUSED, detail=f"{NOT_RESOLVED}: Connection refused"))},
            Outcome.ERROR,
            "svc/x/web does not answer x/a on 80/TCP over ipv4 even without any policy (the name was not resolved: Connection refused)",
            id="nor does one that is not there",
        ),
        pytest.param(
            {Q: (ALLOWED, by("run-x/b")), DOOR: (BLOCKED, by("run-x/b"))},
            Outcome.ERROR,
            "svc/x/web does not answer x/a on 80/TCP over ipv4 even without any policy (run-x/b answered, and nobody may)",
            id="a door behind which nobody stands",
        ),
    ],
)
def test_a_baseline(cells: dict[Question, tuple[Expectation, Answer]], outcome: Outcome, sentence: str) -> None:
    judgement = judge(Measurement((one_step(0, cells),)))

    assert (judgement.outcome, judgement.sentence) == (outcome, sentence)


def test_a_door_behind_which_nobody_stands_is_blocked_in_a_good_baseline() -> None:
    cells = {Q: (ALLOWED, by("run-x/b")), DOOR: (BLOCKED, NOTHING)}

    assert judge(Measurement((one_step(0, cells), one_step(1, cells)))).outcome is Outcome.PASSED


# --- readings -----------------------------------------------------------------------------------------------------------


def reading(apart: Verdict, as_node: Verdict) -> Expectation:
    return Expectation(
        Verdict.OPEN, open_because="a pod in its node's network", readings=((Reading.APART, apart), (Reading.AS_NODE, as_node))
    )


APART_BLOCKS, AS_NODE_BLOCKS = reading(Verdict.BLOCKED, Verdict.ALLOWED), reading(Verdict.ALLOWED, Verdict.BLOCKED)


@pytest.mark.parametrize(
    ("cells", "is_legal"),
    [
        pytest.param({Q: (APART_BLOCKS, NOTHING), OTHER: (APART_BLOCKS, NOTHING)}, True, id="told apart everywhere"),
        pytest.param({Q: (APART_BLOCKS, by("run-x/b")), OTHER: (APART_BLOCKS, by("run-x/c"))}, True, id="as the node everywhere"),
        pytest.param({Q: (APART_BLOCKS, NOTHING), OTHER: (AS_NODE_BLOCKS, by("run-x/c"))}, True, id="apart, in other verdicts"),
        pytest.param({Q: (APART_BLOCKS, NOTHING), OTHER: (APART_BLOCKS, by("run-x/c"))}, False, id="once so, once so"),
        pytest.param({Q: (APART_BLOCKS, NOTHING), OTHER: (AS_NODE_BLOCKS, NOTHING)}, False, id="as neither of the two"),
        pytest.param(
            {Q: (APART_BLOCKS, NOTHING), OTHER: (reading(Verdict.OPEN, Verdict.OPEN), by("run-x/c"))}, True, id="open in both readings"
        ),
    ],
)
def test_one_of_two_readings_the_same_for_all_cells(cells: dict[Question, tuple[Expectation, Answer]], *, is_legal: bool) -> None:
    base = step(0, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".", OTHER: "."}, 0.0)
    judgement = judge(Measurement((base, one_step(1, cells))))

    assert [finding.kind.value for finding in judgement.findings] == ([] if is_legal else ["illegal"])


def test_the_readings_of_all_steps_must_fit_together() -> None:
    steps = (one_step(1, {Q: (APART_BLOCKS, NOTHING)}), one_step(2, {Q: (APART_BLOCKS, by("run-x/b"))}))
    judgement = judge(Measurement((BASELINE, *steps)))

    assert judgement.sentence == (
        "the plugin has no single way with pods in their node's network: "
        "1 cell not as by one that tells pods in the node's network apart (step 2: x/a -> x/b 80/TCP ipv4 is allowed); "
        "1 cell not as by one that treats pods in the node's network as their node (step 1: x/a -> x/b 80/TCP ipv4 is blocked)"
    )


def test_a_cell_that_could_not_be_measured_speaks_for_no_reading() -> None:
    broken = Answer(AnswerKind.BROKEN, detail="the stream broke")
    judgement = judge(Measurement((BASELINE, one_step(1, {Q: (APART_BLOCKS, NOTHING)}), one_step(2, {Q: (APART_BLOCKS, broken)}))))

    assert [finding.kind.value for finding in judgement.findings] == ["broken"]

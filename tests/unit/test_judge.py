"""The laws of judging: what is a leak, an outage, unstable, transient, a broken world, a known deviation."""

from dataclasses import replace

import pytest

from conformance.judge import FindingKind, Judgement, judge
from conformance.world.deviation import InvalidDeviation, KnownDeviation
from conformance.world.expectation import Expectation, Reason
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.question import NOT_RESOLVED, Answer, Question
from conformance.world.timeline import Round, Timeline
from conformance.world.verdict import AnswerKind, Direction, Family, Outcome, Verdict

Q = Question("x/a", "x/b", 80)
OTHER = Question("x/a", "x/c", 80)
IDENTITIES = {"x/b": "run-x/b", "x/c": "run-x/c"}
REASON = Reason(Direction.INGRESS, "x/deny isolates x/b", "x/deny")
ALLOWED, BLOCKED = Expectation(Verdict.ALLOWED), Expectation(Verdict.BLOCKED, (REASON,))
ONLY_BLOCKED = Expectation(Verdict.OPEN, open_because="the text leaves it open", legal=frozenset({Verdict.BLOCKED}))
EITHER = Expectation(Verdict.OPEN, open_because="the text leaves it open")
EXPECTED = {".": ALLOWED, "X": BLOCKED, "?": EITHER, "x": ONLY_BLOCKED}

TWICE = "in 2 rounds, from 0.00 s to the end at 0.10 s"
OFTEN = (
    "x/a -> x/b 80/TCP ipv4 was allowed as expected, but not for good: timed-out in 1 round from 0.10 s to 0.10 s, "
    "timed-out in 1 round from 0.30 s to 0.30 s, timed-out in 1 round from 0.50 s to 0.50 s, and 2 times more"
)

ANSWERS = {
    ".": Answer(AnswerKind.CONNECTED, "run-x/b", "10.0.0.1", 0.001),
    "X": Answer(AnswerKind.TIMED_OUT, latency=0.5),
    "R": Answer(AnswerKind.REFUSED, detail="ECONNREFUSED"),
    "W": Answer(AnswerKind.CONNECTED, "run-x/wrong", "10.0.0.1"),
    "N": Answer(AnswerKind.CONNECTED, None, None),
    "!": Answer(AnswerKind.BROKEN, detail="the stream broke"),
    "b": Answer(AnswerKind.BROKEN),
    "U": Answer(AnswerKind.TIMED_OUT, detail=NOT_RESOLVED),
}


def timeline(tracks: dict[Question, str], settled_at: float | None, start: float = 0.0) -> Timeline:
    """A round every 0.1 s; a blank in a track: not asked in that round."""
    length = max((len(track) for track in tracks.values()), default=0)
    rounds = [
        Round(
            round(start + number / 10, 6),
            0.1,
            {question: _answer(question, track[number]) for question, track in tracks.items() if track[number] != " "},
        )
        for number in range(length)
    ]
    return Timeline.of(rounds, ended=length / 10, settled_at=settled_at, held=0.0)


def _answer(question: Question, symbol: str) -> Answer:
    if symbol == "." and question == OTHER:
        return Answer(AnswerKind.CONNECTED, "run-x/c", "10.0.0.1", 0.001)
    return ANSWERS[symbol]


def step(
    number: int, expected: dict[Question, Expectation], tracks: dict[Question, str], settled_at: float | None = None
) -> StepMeasurement:
    return StepMeasurement(number, "apply deny" if number else "no policy", expected, timeline(tracks, settled_at), IDENTITIES)


BASELINE = step(0, {Q: ALLOWED}, {Q: "."}, 0.0)


def judged(expected: str, track: str, settled_at: float | None = None, start: float = 0.0) -> Judgement:
    """The judgement on one cell: baseline, then one step with this expectation and this track."""
    one = StepMeasurement(1, "apply deny", {Q: EXPECTED[expected]}, timeline({Q: track}, settled_at, start), IDENTITIES)
    return judge(Measurement((BASELINE, one)))


@pytest.mark.parametrize(
    ("expected", "track", "settled_at", "kinds", "outcome"),
    [
        pytest.param(".", "....", 0.0, [], Outcome.PASSED, id="what stays allowed passes"),
        pytest.param("X", "..XXX", 0.2, [], Outcome.PASSED, id="a cell that waits for its change passes"),
        pytest.param("X", "..RRR", 0.2, [], Outcome.PASSED, id="refused is blocked"),
        pytest.param("X", "..RXR", 0.2, [], Outcome.PASSED, id="rejecting a few and dropping the rest is blocked"),
        pytest.param("X", ".....", None, ["wrongly-allowed"], Outcome.FAILED, id="never blocked is a leak"),
        pytest.param("X", ".XXX.....", None, ["unstable"], Outcome.FAILED, id="enforced and lost again is unstable"),
        pytest.param(".", "XXXXX", None, ["wrongly-blocked"], Outcome.FAILED, id="never allowed is an outage"),
        pytest.param(".", ".XXXX", None, ["wrongly-blocked"], Outcome.FAILED, id="right only before the change arrived is an outage"),
        pytest.param(".", "....X", None, ["unstable"], Outcome.FAILED, id="one wrong answer at the very end is unstable"),
        pytest.param(".", ".X.XX", None, ["unstable"], Outcome.FAILED, id="right and wrong by turns is unstable"),
        pytest.param(".", ".XX..", 0.3, [], Outcome.PASSED, id="wrong for a while during the change is a transient"),
        pytest.param(".", ".X.X.", 0.4, [], Outcome.PASSED, id="several transients before the table settled pass"),
        pytest.param(".", "..X..", 0.0, ["unstable"], Outcome.FAILED, id="wrong after the table had settled is a flap"),
        pytest.param("X", ".XX.X", 0.1, ["unstable"], Outcome.FAILED, id="a leak after the table had settled is a flap"),
        pytest.param(".", ".X.X.", None, ["unstable"], Outcome.FAILED, id="lost twice in a table that never settled is unstable"),
        pytest.param("X", "..!XX", 0.3, [], Outcome.PASSED, id="a broken answer in between says nothing"),
        pytest.param("X", "..XX!", 0.2, ["broken"], Outcome.ERROR, id="a broken last answer is an error"),
        pytest.param("X", "!!!!!", None, ["broken"], Outcome.ERROR, id="a broken probe never counts as blocked"),
        pytest.param(".", "WWWWW", None, ["wrong-responder"], Outcome.FAILED, id="the wrong pod answering fails"),
        pytest.param("X", "WWWWW", None, ["wrong-responder"], Outcome.FAILED, id="the wrong pod answering for a blocked one fails"),
        pytest.param(".", "NNNNN", None, ["wrong-responder"], Outcome.FAILED, id="somebody who does not say who it is fails"),
        pytest.param("?", ".X.X.", 0.0, [], Outcome.PASSED, id="an open cell may do anything legal"),
        pytest.param("?", "WWWWW", None, ["wrong-responder"], Outcome.FAILED, id="the wrong pod answering fails in an open cell, too"),
        pytest.param("x", "XXXXX", 0.0, [], Outcome.PASSED, id="an open cell with a legal outcome passes"),
        pytest.param("x", ".....", None, ["illegal"], Outcome.FAILED, id="an outcome that is not legal fails"),
        pytest.param(
            "x", ".XX.X", 0.1, ["unstable"], Outcome.FAILED, id="an open cell that leaves the legal ones after settling is unstable"
        ),
    ],
)
def test_one_cell(expected: str, track: str, settled_at: float | None, kinds: list[str], outcome: Outcome) -> None:
    judgement = judged(expected, track, settled_at)

    assert ([finding.kind.value for finding in judgement.findings], judgement.outcome) == (kinds, outcome)


def test_rounds_before_the_change_do_not_count() -> None:
    judgement = judged("X", "..XX", 0.1, start=-0.1)

    assert judgement.enforcements[0].seconds == 0.1
    assert judged("X", "....XX", None, start=-0.6).findings[0].sentence.endswith("was never asked after the change")


def test_a_leak_names_cell_kind_time_answer_and_reasons() -> None:
    (finding,) = judged("X", ".....", None).findings

    assert finding.sentence == "x/a reaches x/b on 80/TCP over ipv4, which must be blocked; in 5 rounds, from 0.00 s to the end at 0.40 s"
    assert (finding.step, finding.question, finding.reasons, finding.answer, finding.since) == (1, Q, (REASON,), ANSWERS["."], 0.0)


@pytest.mark.parametrize(
    ("expected", "track", "settled_at", "sentence"),
    [
        (
            ".",
            "RR",
            None,
            f"x/a does not reach x/b on 80/TCP over ipv4, which must be allowed (refused); {TWICE}",
        ),
        (
            ".",
            "WW",
            None,
            f"x/a asks x/b on 80/TCP over ipv4, and run-x/wrong answers instead of run-x/b; {TWICE}",
        ),
        (
            ".",
            "N",
            None,
            "x/a asks x/b on 80/TCP over ipv4, and nobody known answers instead of run-x/b; in 1 round, from 0.00 s to the end at 0.00 s",
        ),
        (
            "x",
            "..",
            None,
            f"x/a asks x/b on 80/TCP over ipv4: connected, where only blocked is legal; {TWICE}",
        ),
        ("X", "!", None, "x/a -> x/b 80/TCP ipv4 could not be measured: the stream broke"),
        ("X", "b", None, "x/a -> x/b 80/TCP ipv4 could not be measured: the probe broke"),
        (
            ".",
            "..XX..",
            0.0,
            "x/a -> x/b 80/TCP ipv4 was allowed as expected, but not for good: timed-out in 2 rounds from 0.20 s to 0.30 s",
        ),
        (
            ".",
            ".X.X.X.X.X.",
            0.0,
            OFTEN,
        ),
        ("x", "X.X", 0.0, "x/a -> x/b 80/TCP ipv4 was blocked as expected, but not for good: connected in 1 round from 0.10 s to 0.10 s"),
        (".", "...", 0.0, "1 cell in 1 step as expected"),
        ("?", "...", 0.0, "0 cells in 1 step as expected; 1 open cell measured"),
    ],
)
def test_the_sentence_of_one_finding_is_the_sentence_of_the_scenario(
    expected: str, track: str, settled_at: float | None, sentence: str
) -> None:
    assert judged(expected, track, settled_at).sentence == sentence


def test_transients_are_reported_with_their_time() -> None:
    (transient,) = judged(".", ".XX..", 0.3).transients

    assert (transient.step, transient.question, transient.since, transient.until, transient.count) == (1, Q, 0.1, 0.2, 2)


@pytest.mark.parametrize(
    ("expected", "track", "settled_at", "number"),
    [
        pytest.param("X", "..XX", 0.2, 0, id="waiting for the change is no transient"),
        pytest.param(".", "XX..", 0.2, 1, id="an unchanged cell that begins wrong is a transient"),
        pytest.param("X", "..X.XX", 0.4, 1, id="a changed cell that falls back before the table settled"),
        pytest.param(".", "..X..", 0.0, 0, id="what is a finding is no transient as well"),
        pytest.param(".", "!....", 0.1, 0, id="a broken answer is none"),
    ],
)
def test_what_is_a_transient(expected: str, track: str, settled_at: float | None, number: int) -> None:
    assert len(judged(expected, track, settled_at).transients) == number


@pytest.mark.parametrize(
    ("expected", "track", "settled_at", "found"),
    [
        pytest.param("X", "..XX", 0.2, [("newly-blocked", 0.2, 0.1)], id="first agreement and last disagreement before it"),
        pytest.param("X", "XX", 0.0, [("newly-blocked", 0.0, None)], id="at once"),
        pytest.param("X", "..X.XX", 0.4, [("newly-blocked", 0.2, 0.1)], id="the first agreement counts"),
        pytest.param("X", "....", None, [("newly-blocked", None, 0.3)], id="never"),
        pytest.param("X", "!!!!", None, [("newly-blocked", None, None)], id="never measured"),
        pytest.param(".", "....", 0.0, [], id="an unchanged cell has none"),
        pytest.param("?", "....", 0.0, [], id="an open cell has none"),
    ],
)
def test_time_to_enforce(expected: str, track: str, settled_at: float | None, found: list[tuple[str, float | None, float | None]]) -> None:
    assert [(each.direction, each.seconds, each.after) for each in judged(expected, track, settled_at).enforcements] == found


def test_time_to_enforce_in_both_directions_and_its_percentiles() -> None:
    back = step(2, {Q: ALLOWED}, {Q: "XXX.."}, 0.3)
    judgement = judge(Measurement((BASELINE, step(1, {Q: BLOCKED}, {Q: "..XX"}, 0.2), back)))

    assert judgement.times(Verdict.BLOCKED) == (0.2,)
    assert judgement.times(Verdict.ALLOWED) == (0.3,)


def test_a_cell_that_was_wrong_before_a_change_has_no_time_to_enforce() -> None:
    judgement = judge(Measurement((BASELINE, step(1, {Q: BLOCKED}, {Q: "...."}), step(2, {Q: ALLOWED}, {Q: "...."}, 0.0))))

    assert [each.step for each in judgement.enforcements] == [1]


def test_a_broken_baseline_is_an_error_and_nothing_after_it_is_judged() -> None:
    dead = step(0, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".", OTHER: "X"})
    judgement = judge(Measurement((dead, step(1, {Q: BLOCKED}, {Q: "...."})), residue=("something is left",)))

    assert judgement.outcome is Outcome.ERROR
    assert [finding.kind for finding in judgement.findings] == [FindingKind.BASELINE, FindingKind.RESIDUE]
    assert judgement.sentence == (
        "1 cell broken before any policy, 1 thing left behind; first: "
        "x/c does not answer x/a on 80/TCP over ipv4 even without any policy (timed-out)"
    )


@pytest.mark.parametrize(
    ("track", "cause"),
    [
        ({Q: "X"}, "timed-out"),
        ({Q: "R"}, "ECONNREFUSED"),
        ({Q: "W"}, "run-x/wrong answered"),
        ({Q: "!"}, "the stream broke"),
        ({}, "never asked"),
    ],
)
def test_the_cause_of_a_broken_baseline(track: dict[Question, str], cause: str) -> None:
    judgement = judge(Measurement((step(0, {Q: ALLOWED}, track), step(1, {Q: ALLOWED}, {Q: "."}, 0.0))))

    assert judgement.sentence == f"x/b does not answer x/a on 80/TCP over ipv4 even without any policy ({cause})"


def test_a_baseline_that_came_up_late_is_good() -> None:
    assert judge(Measurement((step(0, {Q: ALLOWED}, {Q: "XX!."}, 0.3), step(1, {Q: ALLOWED}, {Q: "."}, 0.0)))).outcome is Outcome.PASSED


def test_a_contradiction_is_an_error_and_judges_no_cell() -> None:
    one = StepMeasurement(1, "apply deny", {Q: BLOCKED}, Timeline(), IDENTITIES, ("file: allowed, model: blocked",))
    judgement = judge(Measurement((StepMeasurement(0, "no policy", {Q: ALLOWED}, Timeline(), IDENTITIES), one)))

    assert judgement.outcome is Outcome.ERROR
    assert [(finding.kind, finding.step, finding.sentence) for finding in judgement.findings] == [
        (FindingKind.CONTRADICTION, 1, "file: allowed, model: blocked")
    ]


def test_a_broken_step_is_an_error_and_ends_the_judging() -> None:
    failed = StepMeasurement(1, "apply deny", {Q: BLOCKED}, Timeline(), IDENTITIES, (), "the API server is away")
    judgement = judge(Measurement((BASELINE, failed, step(2, {Q: BLOCKED}, {Q: "...."}))))

    assert judgement.outcome is Outcome.ERROR
    assert judgement.sentence == "step 1 (apply deny) could not be done: the API server is away"


def test_a_broken_baseline_step_says_its_cause() -> None:
    judgement = judge(Measurement((StepMeasurement(0, "no policy", {Q: ALLOWED}, Timeline(), IDENTITIES, (), "no stream"),)))

    assert judgement.sentence == "step 0 (no policy) could not be done: no stream"


@pytest.mark.parametrize(
    ("measurement", "sentence"),
    [
        pytest.param(Measurement(broken="the image cannot be pulled"), "the image cannot be pulled", id="a broken world"),
        pytest.param(Measurement((BASELINE,)), "nothing was measured: there is no step beyond the baseline", id="only a baseline"),
        pytest.param(Measurement(), "nothing was measured: there is no step beyond the baseline", id="nothing at all"),
        pytest.param(
            Measurement((step(1, {Q: ALLOWED}, {Q: ".."}, 0.0),)),
            "there is no baseline (step 0): nothing proves that the world worked before any policy",
            id="no baseline",
        ),
        pytest.param(Measurement((BASELINE, step(1, {}, {}, 0.0))), "step 1 (apply deny) asked nothing", id="a step without cells"),
        pytest.param(
            Measurement((BASELINE, step(1, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".."}, 0.0))),
            "x/a -> x/c 80/TCP ipv4 was never asked after the change",
            id="a cell that was not asked",
        ),
        pytest.param(
            Measurement((BASELINE, step(1, {Q: ALLOWED}, {Q: ".."}, 0.0)), residue=("a policy is left",)), "a policy is left", id="residue"
        ),
    ],
)
def test_what_was_not_measured_is_an_error_and_never_passes(measurement: Measurement, sentence: str) -> None:
    judgement = judge(measurement)

    assert (judgement.outcome, judgement.sentence) == (Outcome.ERROR, sentence)


def test_a_leak_does_not_hide_behind_a_broken_cell() -> None:
    two = step(1, {Q: BLOCKED, OTHER: BLOCKED}, {Q: "....", OTHER: "!!!!"})
    judgement = judge(Measurement((step(0, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".", OTHER: "."}, 0.0), two)))

    assert judgement.outcome is Outcome.FAILED
    assert [finding.kind for finding in judgement.findings] == [FindingKind.WRONGLY_ALLOWED, FindingKind.BROKEN]
    assert judgement.sentence.startswith("1 cell wrongly allowed (leak), 1 cell or step not measured; first: x/a reaches x/b")


def test_leaks_and_outages_are_two_numbers() -> None:
    two = step(1, {Q: BLOCKED, OTHER: ALLOWED}, {Q: "....", OTHER: "XXXX"})
    judgement = judge(Measurement((step(0, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".", OTHER: "."}, 0.0), two)))

    assert (judgement.count(FindingKind.WRONGLY_ALLOWED), judgement.count(FindingKind.WRONGLY_BLOCKED)) == (1, 1)


def test_a_table_in_which_always_another_cell_is_wrong_does_not_pass() -> None:
    turns = step(1, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".X.", OTHER: "X.."})
    judgement = judge(Measurement((step(0, {Q: ALLOWED, OTHER: ALLOWED}, {Q: ".", OTHER: "."}, 0.0), turns)))

    assert judgement.outcome is Outcome.FAILED
    assert judgement.sentence == "step 1 (apply deny): the cells agreed one by one, but in no round of 0.3 s all together"


V6 = Question("x/a", "x/b", 80, family=Family.IPV6)


def deviating(
    tracks: dict[Question, str], *deviations: KnownDeviation, settled_at: float | None = None, residue: tuple[str, ...] = ()
) -> Judgement:
    base = step(0, dict.fromkeys(tracks, ALLOWED), dict.fromkeys(tracks, "."), 0.0)
    return judge(Measurement((base, step(1, dict.fromkeys(tracks, BLOCKED), tracks, settled_at)), residue=residue), deviations)


def known(*cells: str) -> KnownDeviation:
    return KnownDeviation("s", "it has no deny", "https://example.org/1", cells)


GONE = "remove the entry (it has no deny; https://example.org/1)"


@pytest.mark.parametrize(
    ("tracks", "cells", "settled_at", "outcome", "end"),
    [
        pytest.param(
            {Q: "...."},
            (),
            None,
            Outcome.KNOWN_DEVIATION,
            "fails as known in 1 cell: it has no deny (https://example.org/1)",
            id="any failure is known",
        ),
        pytest.param(
            {Q: "...."},
            ("x/a -> x/b",),
            None,
            Outcome.KNOWN_DEVIATION,
            "in 1 cell: it has no deny (https://example.org/1)",
            id="exactly the known cell",
        ),
        pytest.param(
            {Q: "....", V6: "...."},
            ("x/a -> x/b 80/TCP",),
            None,
            Outcome.KNOWN_DEVIATION,
            "in 2 cells: it has no deny (https://example.org/1)",
            id="both families of it",
        ),
        pytest.param({Q: "....", OTHER: "...."}, ("x/a -> x/b",), None, Outcome.FAILED, "at 0.30 s", id="another cell, too"),
        pytest.param({Q: ".XXX"}, (), 0.1, Outcome.FAILED, f"the known deviation is gone, the scenario passes: {GONE}", id="it passes"),
        pytest.param(
            {Q: ".XXX", OTHER: "...."},
            ("x/a -> x/b",),
            None,
            Outcome.FAILED,
            "x/a reaches x/c on 80/TCP over ipv4, which must be blocked; in 4 rounds, from 0.00 s to the end at 0.30 s",
            id="another cell instead",
        ),
        pytest.param(
            {Q: ".XXX"},
            ("x/a -> x/b",),
            0.1,
            Outcome.FAILED,
            f"the known deviation in x/a -> x/b is gone, x/a -> x/b 80/TCP ipv4 is as expected: {GONE}",
            id="the known cell is as expected",
        ),
        pytest.param({Q: "....", V6: ".XXX"}, ("x/a -> x/b",), None, Outcome.FAILED, "at 0.30 s", id="one family of it is gone"),
        pytest.param({Q: "...."}, ("x/a -> x/z",), None, Outcome.FAILED, "at 0.30 s", id="a cell that nobody asks explains nothing"),
        pytest.param(
            {Q: ".XXX"},
            ("x/a -> x/z",),
            0.1,
            Outcome.FAILED,
            f"the known deviation names x/a -> x/z, which the scenario never asks: {GONE}",
            id="a cell that nobody asks is said",
        ),
        pytest.param(
            {Q: ".XXX"},
            ("x/a -> x/b 80/TCP ipv6",),
            0.1,
            Outcome.PASSED,
            "1 cell in 1 step as expected",
            id="a family that the run did not ask",
        ),
        pytest.param({Q: "!!!!"}, (), None, Outcome.ERROR, "the stream broke", id="an error says nothing about entries"),
    ],
)
def test_known_deviations(
    tracks: dict[Question, str], cells: tuple[str, ...], settled_at: float | None, outcome: Outcome, end: str
) -> None:
    judgement = deviating(tracks, known(*cells), settled_at=settled_at)

    assert judgement.outcome is outcome
    assert judgement.sentence.endswith(end)


def test_a_known_failure_beside_an_error_is_an_error() -> None:
    assert deviating({Q: "....", OTHER: "!!!!"}, known("x/a -> x/b")).outcome is Outcome.ERROR


def test_a_failure_that_is_not_known_beside_a_known_one_and_an_error_is_a_failure() -> None:
    assert deviating({Q: "....", OTHER: "!!!!", V6: "...."}, known("x/a -> x/b 80/TCP ipv4")).outcome is Outcome.FAILED


@pytest.mark.parametrize(("track", "outcome"), [("....", Outcome.KNOWN_DEVIATION), (".XXX", Outcome.PASSED)], ids=["it fails", "it passes"])
def test_what_fails_only_sometimes_may_pass(track: str, outcome: Outcome) -> None:
    assert deviating({Q: track}, replace(known("x/a -> x/b"), sometimes=True), settled_at=0.1).outcome is outcome


def test_several_entries_of_one_scenario_add_up() -> None:
    assert deviating({Q: "....", OTHER: "...."}, known("x/a -> x/b"), known("x/a -> x/c")).outcome is Outcome.KNOWN_DEVIATION


@pytest.mark.parametrize("cell", ["x/a", "x/a x/b", "x/a -> x/b 99999999", "x/a -> x/b 80/TCP ipv4 more"])
def test_a_cell_that_cannot_be_read_is_refused(cell: str) -> None:
    with pytest.raises(InvalidDeviation, match="is not written as"):
        deviating({Q: "...."}, known(cell))


@pytest.mark.parametrize(
    ("expected", "track", "found"),
    [
        pytest.param(".", "..U...", [], id="silent for a round"),
        pytest.param(".", "..UU..", [], id="silent for two"),
        pytest.param(".", "..UUU.", [FindingKind.UNSTABLE], id="silent for three"),
        pytest.param(".", "....U", [], id="silent in the last round"),
        pytest.param(".", "UU", [FindingKind.WRONGLY_BLOCKED], id="never heard"),
        pytest.param("X", "UU", [], id="a name that must stay unknown"),
        pytest.param("X", "U.U", [FindingKind.UNSTABLE], id="a name that must stay unknown is told"),
    ],
)
def test_name_servers_that_are_silent(expected: str, track: str, found: list[FindingKind]) -> None:
    assert found == [finding.kind for finding in judged(expected, track, settled_at=0.0).findings]

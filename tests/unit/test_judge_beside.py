"""What is judged beside the rounds: watched cells, established connections, the first instants of pods."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from test_judge import BASELINE, EXPECTED, IDENTITIES, REASON, Q, known, step

from conformance.judge import FindingKind, Judgement, judge
from conformance.world.deviation import KnownDeviation
from conformance.world.expectation import Expectation
from conformance.world.measurement import Measurement, Start, StepMeasurement, Watched
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Track
from conformance.world.verdict import AnswerKind, Outcome, Protocol, Verdict

UDP = replace(Q, protocol=Protocol.UDP)
KINDS = {
    ".": AnswerKind.CONNECTED,
    "W": AnswerKind.CONNECTED,
    "X": AnswerKind.TIMED_OUT,
    "R": AnswerKind.REFUSED,
    "!": AnswerKind.BROKEN,
}
RIGHT = {".": ".....", "X": "XXXXX", "?": ".....", "x": "XXXXX"}


def track(symbols: str, start: float = -0.1) -> Track:
    """An attempt (or message) every 0.1 s, the first before the change; equal ones in a row are one span."""
    spans: list[Span] = []
    for number, symbol in enumerate(symbols):
        responder = {".": "run-x/b", "W": "run-x/wrong"}.get(symbol)
        answer, at = Answer(KINDS[symbol], responder), round(start + number / 10, 6)
        if spans and spans[-1].answer == answer:
            spans[-1] = Span(spans[-1].since, at, answer, spans[-1].count + 1)
        else:
            spans.append(Span(at, at, answer))
    return tuple(spans)


def measured(
    verdicts: str,
    attempts: str = "",
    connection: str = "",
    question: Question = Q,
    renewed: frozenset[str] = frozenset(),
    start: float = -0.1,
) -> tuple[StepMeasurement, ...]:
    """The baseline and one step for each verdict, each as it must be; in the last one the cell is watched."""
    base = replace(BASELINE, expected={question: EXPECTED["."]}, timeline=step(0, {question: EXPECTED["."]}, {question: "."}, 0.0).timeline)
    steps = [step(number, {question: EXPECTED[verdict]}, {question: RIGHT[verdict]}, 0.0) for number, verdict in enumerate(verdicts, 1)]
    watched = {question: Watched(track(attempts, start), track(connection, start))}
    return (base, *steps[:-1], replace(steps[-1], watched=watched, renewed=renewed))


def kinds(judgement: Judgement) -> list[str]:
    return [finding.kind.value for finding in judgement.findings]


@pytest.mark.parametrize(
    ("verdicts", "attempts", "connection", "found"),
    [
        pytest.param(".", ".......", ".......", [], id="allowed all the time and reached all the time"),
        pytest.param(".", "...X...", "...X...", [], id="one lost packet is none of the plugin's"),
        pytest.param(".", "..XX...", ".......", ["unstable"], id="two attempts in a row that fail are a gap"),
        pytest.param(".", "..XR...", ".......", ["unstable"], id="in whatever way they fail"),
        pytest.param(".", "..X.X..", ".......", [], id="not in a row"),
        pytest.param(".", "..X!X..", ".......", [], id="what was not measured proves no row"),
        pytest.param(".", ".....XX", ".......", ["unstable"], id="a gap at the end"),
        pytest.param(".", "...W...", ".......", ["wrong-responder"], id="the wrong pod answers once"),
        pytest.param(".", ".......", "...XX..", ["cut"], id="an established connection is not answered"),
        pytest.param(".", ".......", "...R...", ["cut"], id="it is reset"),
        pytest.param(".", "..XX...", "..XXXXX", ["unstable", "cut"], id="a gap and a cut are two things"),
        pytest.param(".", ".......", "", [], id="no connection was there"),
        pytest.param(".", ".......", "!!!!", [], id="nothing was measured of it"),
        pytest.param("XX", "XXXXXXX", "XXXXXXX", [], id="blocked all the time"),
        pytest.param("XX", "XXX.XXX", "", ["wrongly-allowed"], id="a leak of one attempt"),
        pytest.param("XX", "XXXRXXX", "", [], id="refused is blocked"),
        pytest.param("X", "..XX.XX", "..XXXXX", [], id="a cell that changes is judged by the rounds"),
        pytest.param("?", "..XX.XX", "..XXXXX", [], id="so is an open one"),
        pytest.param(".", "!!!!", "", ["broken"], id="a watched cell that was never measured"),
        pytest.param(".", "", "", ["broken"], id="a watched cell that nobody asked"),
    ],
)
def test_a_watched_cell(verdicts: str, attempts: str, connection: str, found: list[str]) -> None:
    assert kinds(judge(Measurement(measured(verdicts, attempts, connection)))) == found


@pytest.mark.parametrize(("verdicts", "attempts", "connection"), [(".", "..XX...", "..XXXXX"), ("XX", "XXX.XXX", "")], ids=["gap", "leak"])
def test_what_a_state_between_two_changes_of_the_step_decides_is_no_fault(verdicts: str, attempts: str, connection: str) -> None:
    *rest, last = measured(verdicts, attempts, connection)
    crossed = replace(last, watched={Q: replace(last.watched[Q], was_crossed=True)})

    assert kinds(judge(Measurement((*rest, crossed)))) == []


def test_a_connection_that_is_cut_between_two_steps_is_seen_by_the_step_before() -> None:
    base, one, two = measured("..", ".......", "RXXXX")
    one = replace(one, watched={Q: Watched(track("......"), track("......"))})

    assert kinds(judge(Measurement((base, one, two)))) == ["cut"]
    assert kinds(judge(Measurement((base, replace(one, watched={}), two)))) == []


@pytest.mark.parametrize(
    ("attempts", "connection", "verdicts", "sentence"),
    [
        (
            "..XXX..",
            "",
            ".",
            (
                "x/a -> x/b 80/TCP ipv4, watched all the time, had a gap, although it is allowed before and after: "
                "3 new connections in a row failed (timed-out), from 0.10 s to 0.30 s"
            ),
        ),
        (
            "XX.XXX.",
            "",
            ".",
            (
                "x/a -> x/b 80/TCP ipv4, watched all the time, had a gap, although it is allowed before and after: "
                "3 new connections in a row failed (timed-out), from 0.20 s to 0.40 s (the longest of 2 gaps)"
            ),
        ),
        ("..W", "", ".", "x/a -> x/b 80/TCP ipv4, watched all the time, was answered by run-x/wrong at 0.10 s, who may not"),
        (
            ".......",
            "..XXXXX",
            ".",
            (
                "x/a -> x/b 80/TCP ipv4, watched all the time, lost its established connection, although it is allowed before and after: "
                "it was not answered any more (timed-out) at 0.10 s, and 5 messages in a row failed, until 0.50 s"
            ),
        ),
        (
            ".......",
            "..R....",
            ".",
            (
                "x/a -> x/b 80/TCP ipv4, watched all the time, lost its established connection, although it is allowed before and after: "
                "it was reset at 0.10 s, and 1 message in a row failed, until 0.10 s"
            ),
        ),
        (
            "XX.X..X",
            "",
            "XX",
            (
                "x/a -> x/b 80/TCP ipv4, watched all the time, was reached by 3 new connections, first at 0.10 s, "
                "although it is blocked before and after"
            ),
        ),
        ("!!", "", ".", "x/a -> x/b 80/TCP ipv4 was to be watched, and was never measured"),
    ],
)
def test_the_sentence_of_a_watched_cell(attempts: str, connection: str, verdicts: str, sentence: str) -> None:
    assert judge(Measurement(measured(verdicts, attempts, connection))).sentence == sentence


def test_a_watched_leak_names_the_policy_that_decides() -> None:
    (finding,) = judge(Measurement(measured("XX", "XXX.XXX"))).findings

    assert (finding.is_beside, finding.step, finding.question, finding.reasons) == (True, 2, Q, (REASON,))


def test_what_the_rounds_say_is_not_said_a_second_time() -> None:
    base, one, two = measured("XX", ".......")
    leaking = replace(two, timeline=step(2, {Q: EXPECTED["X"]}, {Q: "....."}).timeline)

    assert kinds(judge(Measurement((base, one, leaking)))) == ["wrongly-allowed"]


@pytest.mark.parametrize("renewed", ["x/a", "x/b"])
def test_where_an_end_was_created_again_a_gap_is_none(renewed: str) -> None:
    assert kinds(judge(Measurement(measured(".", "..XXX..", "..XXX..", renewed=frozenset({renewed}))))) == []
    assert kinds(judge(Measurement(measured("XX", "XX.X", renewed=frozenset({renewed}))))) == []


@pytest.mark.parametrize(
    ("destination", "renewed", "found"),
    [
        pytest.param("svc/x/web", "svc/x/web", [], id="the Service itself"),
        pytest.param("nodeport-a/x/web", "svc/x/web", [], id="the Service of a node port"),
        pytest.param("dns/x/web", "svc/x/web", [], id="the Service of a name"),
        pytest.param("svc/x/web", "x/b", [], id="a pod behind it"),
        pytest.param("hostport/x/b", "x/b", [], id="the pod of a host port"),
        pytest.param("svc/x/web", "x/c", ["unstable"], id="a pod that is not behind it"),
    ],
)
def test_a_door_is_renewed_with_what_stands_behind_it(destination: str, renewed: str, found: list[str]) -> None:
    question = replace(Q, destination=destination)
    door = Expectation(Verdict.ALLOWED, responders=frozenset({"run-x/b"}))
    steps = measured(".", "..XXX..", question=question, renewed=frozenset({renewed}))
    steps = tuple(replace(each, expected={question: door}) for each in steps)

    assert kinds(judge(Measurement(steps))) == found


@pytest.mark.parametrize(
    ("question", "connection", "renewed", "found"),
    [
        pytest.param(UDP, "..XXXX..", "x/b", [], id="answered again"),
        pytest.param(UDP, "..XXXXXX", "x/b", ["cut"], id="never answered again"),
        pytest.param(UDP, "..XXXX.X", "x/b", [], id="one lost at the end"),
        pytest.param(UDP, "........", "x/b", [], id="never lost"),
        pytest.param(Q, "..RRRRRR", "x/b", [], id="a TCP connection ends with its pod"),
    ],
)
def test_datagrams_reach_a_pod_that_was_created_again(question: Question, connection: str, renewed: str, found: list[str]) -> None:
    judgement = judge(Measurement(measured(".", ".", connection, question=question, renewed=frozenset({renewed}))))

    assert kinds(judgement) == found
    if found:
        assert (
            "over a port that was in use before one of its ends was created again (timed-out since 0.10 s, 6 datagrams)"
            in judgement.sentence
        )


@pytest.mark.parametrize(
    ("verdicts", "connection", "start", "found"),
    [
        pytest.param("X", ".......", -0.1, [(1, None)], id="kept although it is blocked now"),
        pytest.param("X", "...XXXX", -0.1, [(1, 0.2)], id="cut by the policy"),
        pytest.param("X", "XXXX", -0.1, [], id="there was none"),
        pytest.param("X", "....", 0.5, [], id="opened later"),
        pytest.param(".", ".......", -0.1, [(1, None)], id="kept where nothing changed for it"),
    ],
)
def test_established_connections_are_reported(verdicts: str, connection: str, start: float, found: list[tuple[int, float | None]]) -> None:
    judgement = judge(Measurement(measured(verdicts, ".", connection, start=start)))

    assert [(each.step, each.cut_at) for each in judgement.established] == found
    assert [each.was_kept for each in judgement.established] == [cut_at is None for _, cut_at in found]


@pytest.mark.parametrize(
    ("attempts", "start", "found"),
    [
        pytest.param("....XX", -0.05, (0.35, 0.25), id="attempts look more often than rounds"),
        pytest.param("", -0.05, (0.0, None), id="no attempts: the rounds"),
        pytest.param("...", -0.5, (0.0, None), id="attempts before the change only: the rounds"),
    ],
)
def test_the_finer_time_to_enforce_of_a_watched_cell(attempts: str, start: float, found: tuple[float, float | None]) -> None:
    (enforcement,) = judge(Measurement(measured("X", attempts, start=start))).enforcements

    assert (enforcement.seconds, enforcement.after) == found


def test_a_watched_question_that_is_not_asked_in_a_step_is_left_aside() -> None:
    *rest, last = measured(".", "....")
    other = replace(Q, destination="x/gone")

    assert kinds(judge(Measurement((*rest, replace(last, watched={**last.watched, other: Watched()}))))) == []


# --- starts -----------------------------------------------------------------------------------------------------------

REACHED, UNREACHED = Start(20, 3, 0.05, 1.0, is_init=True), Start(40, 0, None, 2.0, is_init=False)


def started(verdict: str, *starts: Start, **changes: object) -> Judgement:
    """A pod starts in step 2, in which the policies of step 1 still hold."""
    base, one, two = measured("X" + verdict, ".")
    return judge(Measurement((base, one, replace(two, watched={}, starts={Q: starts}, **changes))))


@pytest.mark.parametrize(
    ("verdict", "start", "changes", "found"),
    [
        pytest.param("X", UNREACHED, {}, [], id="blocked from the very first instant"),
        pytest.param("X", REACHED, {}, ["wrongly-allowed"], id="reached before it was ready"),
        pytest.param("X", REACHED, {"are_policies_old": False}, [], id="the policies came in the same step"),
        pytest.param(".", REACHED, {}, [], id="allowed and reached"),
        pytest.param(".", UNREACHED, {}, ["wrongly-blocked"], id="allowed and never reached"),
        pytest.param("?", REACHED, {}, [], id="open"),
    ],
)
def test_a_start(verdict: str, start: Start, changes: Mapping[str, object], found: list[str]) -> None:
    assert kinds(started(verdict, start, **changes)) == found


def test_policies_that_were_not_handled_yet_need_not_hold_for_a_start() -> None:
    base, one, two = measured("XX", ".")
    unsettled = replace(one, timeline=replace(one.timeline, settled_at=None))
    judgement = judge(Measurement((base, unsettled, replace(two, watched={}, starts={Q: (REACHED,)}))))

    assert [finding for finding in judgement.findings if finding.is_beside] == []


def test_a_start_towards_what_is_not_asked_is_left_aside() -> None:
    base, one, two = measured("XX", ".")
    gone = replace(Q, destination="x/gone")

    assert kinds(judge(Measurement((base, one, replace(two, watched={}, starts={gone: (REACHED,)}))))) == []


@pytest.mark.parametrize(
    ("verdict", "start", "sentence"),
    [
        (
            "X",
            REACHED,
            (
                "x/a -> x/b 80/TCP ipv4, asked by the init container of x/a from its first instant on, was reached 3 times "
                "in 20 attempts before the pod was ready, first 0.05 s after its first attempt, "
                "although the policies that block it were in force long before"
            ),
        ),
        (
            "X",
            Start(1, 1, None, 0.0, is_init=False),
            (
                "x/a -> x/b 80/TCP ipv4, asked by the main process of x/a from its first instant on, was reached 1 time in 1 attempt "
                "before the pod was ready, although the policies that block it were in force long before"
            ),
        ),
        (
            ".",
            UNREACHED,
            (
                "x/a -> x/b 80/TCP ipv4, asked by the main process of x/a from its first instant on, was not reached once in 40 attempts "
                "during 2.0 s, although it is allowed"
            ),
        ),
    ],
)
def test_the_sentence_of_a_start(verdict: str, start: Start, sentence: str) -> None:
    assert started(verdict, start).sentence == sentence


# --- a step that the plugin could not do --------------------------------------------------------------------------------


def failed() -> tuple[StepMeasurement, ...]:
    base, one = measured(".", ".")
    return base, one, replace(step(2, {}, {}), action="recreate x/b", failed="pod x/b gets no network")


def test_a_step_that_the_plugin_could_not_do_is_a_failure_and_ends_the_judging() -> None:
    judgement = judge(Measurement((*failed(), step(3, {Q: EXPECTED["X"]}, {Q: "...."}))))

    assert (judgement.outcome, judgement.sentence) == (
        Outcome.FAILED,
        "the plugin failed in step 2 (recreate x/b): pod x/b gets no network",
    )


def test_pods_that_get_no_network_at_all_are_a_failure() -> None:
    nobody = replace(step(0, {}, {}), failed="pod x/b gets no network")

    assert kinds(judge(Measurement((nobody,)))) == ["network"]


# --- known deviations of all that --------------------------------------------------------------------------------------


def known_kinds(*which: FindingKind, cells: tuple[str, ...] = ()) -> KnownDeviation:
    return replace(known(*cells), kinds=which)


@pytest.mark.parametrize(
    ("steps", "deviation", "outcome"),
    [
        pytest.param(failed(), known_kinds(FindingKind.NETWORK), Outcome.KNOWN_DEVIATION, id="a step that it cannot do"),
        pytest.param(failed(), known(), Outcome.KNOWN_DEVIATION, id="any kind"),
        pytest.param(failed(), known_kinds(FindingKind.CUT), Outcome.FAILED, id="another kind"),
        pytest.param(failed(), known("x/a -> x/b"), Outcome.FAILED, id="a cell explains no step"),
        pytest.param(
            measured(".", "....", "..XX"), known_kinds(FindingKind.CUT, cells=("x/a -> x/b",)), Outcome.KNOWN_DEVIATION, id="a cut"
        ),
        pytest.param(
            measured(".", "..XX", "..XX"),
            known_kinds(FindingKind.CUT, cells=("x/a -> x/b",)),
            Outcome.FAILED,
            id="a cut is known, a gap beside it is not",
        ),
        pytest.param(
            measured(".", "..XX", "..XX"),
            known_kinds(FindingKind.CUT, FindingKind.UNSTABLE, cells=("x/a -> x/b",)),
            Outcome.KNOWN_DEVIATION,
            id="both",
        ),
        pytest.param(measured(".", "....", "...."), known_kinds(FindingKind.CUT, cells=("x/a -> x/b",)), Outcome.FAILED, id="it is gone"),
    ],
)
def test_known_deviations_may_name_what_is_no_cell(steps: tuple[StepMeasurement, ...], deviation: KnownDeviation, outcome: Outcome) -> None:
    assert judge(Measurement(steps), (deviation,)).outcome is outcome


def test_the_identities_of_these_tests_are_those_of_the_others() -> None:
    assert IDENTITIES["x/b"] == "run-x/b"

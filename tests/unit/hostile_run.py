"""A run whose cluster said whatever does harm to a report: markup, a megabyte, half of surrogate pairs, and 200 pods."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from sample_run import facts

from conformance.judge import Finding, FindingKind, Judgement
from conformance.record import Plugin, Run, ScenarioRecord
from conformance.world.deviation import KnownDeviation
from conformance.world.expectation import Expectation, Reason
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.place import Namespace, Pod, Port, World
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Timeline
from conformance.world.verdict import AnswerKind, Direction, Outcome, Verdict

SCRIPT = "<script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\">\"'{{ 7*7 }}</script><!--"
STRANGE = "\ud800 \udfff \x1b[31m \x00 \u202e \u2028 \ufffe"
LONG = "m" * 1_000_000
PODS = 200


def run() -> Run:
    """Two scenarios: hostile words in every place where a word may stand, and a table of 200 pods."""
    told = replace(
        facts(2),
        plugin=Plugin(SCRIPT, SCRIPT + STRANGE, LONG),
        cluster={SCRIPT: STRANGE, "long": LONG},
        options={STRANGE: SCRIPT},
        capabilities=(SCRIPT,),
    )
    return Run(told, (_hostile(), _large()))


def _hostile() -> ScenarioRecord:
    question = Question(f"{SCRIPT}/a", f"{STRANGE}/b", 80)
    expected = {question: Expectation(Verdict.BLOCKED, (Reason(Direction.INGRESS, SCRIPT + STRANGE, SCRIPT, 0),))}
    answer = Answer(AnswerKind.CONNECTED, SCRIPT, STRANGE, 0.001, LONG)
    track = tuple(Span(at / 100, at / 100, replace(answer, detail=SCRIPT + str(at % 2)), 1) for at in range(1000))
    step = StepMeasurement(
        1, SCRIPT, expected, Timeline({question: track}, tuple(at / 100 for at in range(1000)), 10.5), {}, (SCRIPT, STRANGE), LONG
    )
    namespace = Namespace("a", SCRIPT, {"label": LONG, STRANGE: SCRIPT})
    pod = Pod(question.source, SCRIPT, "a", {"label": LONG, SCRIPT: STRANGE}, (Port(80, name=SCRIPT),), (ip_address("10.0.0.1"),), SCRIPT)
    return ScenarioRecord(
        SCRIPT,
        Judgement(Outcome.FAILED, SCRIPT + STRANGE + LONG, (Finding(FindingKind.WRONGLY_ALLOWED, SCRIPT, 1, question, (), answer, 0.0),)),
        Measurement((step,), SCRIPT, (STRANGE,)),
        SCRIPT,
        SCRIPT,
        SCRIPT,
        LONG,
        needs=(SCRIPT, STRANGE),
        policies={SCRIPT: "kind: </script><script>document.title='harm'</script>\n" * 5000, STRANGE: LONG},
        world=World({"a": namespace}, {pod.ref: pod}),
        deviations=(KnownDeviation(SCRIPT, SCRIPT, "javascript:document.title='harm'"),),
    )


def _large() -> ScenarioRecord:
    pods = {
        f"big/pod-{n}": Pod(f"big/pod-{n}", "cc-big", f"pod-{n}", {"n": str(n)}, (Port(80),), (ip_address(0x0A000000 + n),))
        for n in range(PODS)
    }
    asks = [Question(source, destination, 80) for source in pods for destination in pods if source != destination]
    reasons = (Reason(Direction.INGRESS, "big/all isolates everybody", "big/all"),)
    expected = dict.fromkeys(asks, Expectation(Verdict.BLOCKED, reasons))
    leak = (Span(0.0, 9.0, Answer(AnswerKind.CONNECTED, "cc-big/pod-7", "10.0.0.1"), 90),)
    fine = (Span(0.0, 9.0, Answer(AnswerKind.TIMED_OUT), 90),)
    wrong = [question for question in asks if question.destination == "big/pod-7"]
    tracks = {question: leak if question.destination == "big/pod-7" else fine for question in asks}
    step = StepMeasurement(1, "apply all", expected, Timeline(tracks, (0.0, 9.0), 9.5), {ref: pod.identity for ref, pod in pods.items()})
    findings = tuple(
        Finding(FindingKind.WRONGLY_ALLOWED, f"{question} is a leak", 1, question, reasons, leak[0].answer, 0.0) for question in wrong
    )
    world = World({"big": Namespace("big", "cc-big", {})}, pods)
    return ScenarioRecord(
        "two-hundred-pods", Judgement(Outcome.FAILED, "199 leaks", findings), Measurement((step,)), group="scale", world=world
    )

"""A run made by hand that holds every outcome and every kind of finding at once, for the tests of judge, record and reports."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from conformance.judge import Judgement, judge
from conformance.record import Facts, Phase, Plugin, Run, ScenarioRecord, Setting
from conformance.world.deviation import KnownDeviation
from conformance.world.expectation import Expectation, ExpectedTable, Reason
from conformance.world.measurement import Measurement, Start, StepMeasurement, Watched
from conformance.world.place import Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.question import Answer, Question, questions_of
from conformance.world.timeline import Round, Span, Timeline, Track
from conformance.world.verdict import AnswerKind, Direction, Family, Outcome, Protocol, Verdict

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api-allow, namespace: cc-7f3a-w0-shop}
spec:
  podSelector: {matchLabels: {app: bookstore, role: api}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: bookstore}}}]
"""
NAMESPACES = {"shop": "cc-7f3a-w0-shop", "elsewhere": "cc-7f3a-w0-elsewhere"}
PODS = {"shop/api": "bookstore", "shop/front": "bookstore", "shop/other": "coffeeshop", "elsewhere/twin": "bookstore"}


def _pod(number: int, ref: str) -> Pod:
    namespace, name = ref.split("/")
    return Pod(
        ref,
        NAMESPACES[namespace],
        name,
        {"app": PODS[ref], "role": name},
        (Port(80), Port(8080, Protocol.TCP, "http")) if name == "api" else (Port(80),),
        (ip_address(f"10.244.1.{number}"), ip_address(f"fd00:10:244:1::{number}")),
        f"worker-{'ab'[number % 2]}",
    )


WORLD = World(
    {ref: Namespace(ref, name, {"kubernetes.io/metadata.name": name}) for ref, name in NAMESPACES.items()},
    {ref: _pod(number, ref) for number, ref in enumerate(PODS, 5)},
    {"outside/alpha": OutsideHost("outside/alpha", (Port(80),), (ip_address("198.18.10.11"), ip_address("fd00:18::11")))},
    {"worker-a": Node("worker-a", (ip_address("198.18.0.3"),)), "worker-b": Node("worker-b", (ip_address("198.18.0.4"),))},
)
QUESTIONS = questions_of(WORLD, Family)
IDENTITIES = {place.ref: place.identity for place in WORLD.places()}

OPEN_TO_ALL = (Reason(Direction.EGRESS, "no policy selects the source"), Reason(Direction.INGRESS, "no policy selects the destination"))
ISOLATED = (
    Reason(Direction.EGRESS, "no policy selects the source"),
    Reason(Direction.INGRESS, "shop/api-allow isolates shop/api, and none of its rules lets this peer in", "shop/api-allow"),
)
MAY = (
    Reason(Direction.EGRESS, "no policy selects the source"),
    Reason(Direction.INGRESS, "rule 0 of shop/api-allow lets pods with app In (bookstore) in", "shop/api-allow", 0),
)

BASELINE: ExpectedTable = dict.fromkeys(QUESTIONS, Expectation(Verdict.ALLOWED, OPEN_TO_ALL))


def _of_policy(question: Question) -> Expectation:
    if question.destination != "shop/api":
        return BASELINE[question]
    if question.source == "shop/front":
        return Expectation(Verdict.ALLOWED, MAY)
    return Expectation(Verdict.BLOCKED, ISOLATED)


ISOLATING: ExpectedTable = {question: _of_policy(question) for question in QUESTIONS}

Behaviour = Callable[[Question, float], Answer]


def reached(question: Question, responder: str | None = None) -> Answer:
    """The answer of the right pod (or of another)."""
    source = WORLD.address(question.source, question.family)
    return Answer(AnswerKind.CONNECTED, responder or IDENTITIES[question.destination], str(source), 0.0012)


def timed_out() -> Answer:
    return Answer(AnswerKind.TIMED_OUT, latency=0.5)


def broken(cause: str) -> Answer:
    return Answer(AnswerKind.BROKEN, detail=cause)


def obedient(table: ExpectedTable, after: float = 0.3) -> Behaviour:
    """A plugin that does what it must, `after` so many seconds; before that, what it did without any policy."""
    return lambda question, at: timed_out() if at >= after and table[question].verdict is Verdict.BLOCKED else reached(question)


def but(behaviour: Behaviour, exceptions: Mapping[str, Callable[[Question, float], Answer | None]]) -> Behaviour:
    """A plugin that behaves otherwise in questions whose text holds a key (an exception that is None: not at that time)."""

    def answer(question: Question, at: float) -> Answer:
        for key, exception in exceptions.items():
            if key in str(question) and (other := exception(question, at)) is not None:
                return other
        return behaviour(question, at)

    return answer


def timeline(table: ExpectedTable, behaviour: Behaviour, times: Iterable[float], settled_at: float | None) -> Timeline:
    rounds = tuple(Round(at, 0.5, {question: behaviour(question, at) for question in table}) for at in times)
    return Timeline.of(rounds, ended=rounds[-1].at + 0.5, settled_at=settled_at, held=0.0 if settled_at is None else 1.0)


def ticks(end: float, step: float = 0.1) -> tuple[float, ...]:
    return tuple(round(number * step, 6) for number in range(int(end / step) + 1))


def baseline(behaviour: Behaviour | None = None) -> StepMeasurement:
    """Good at once; with a behaviour of its own it is broken, and was asked for 15 s."""
    if behaviour is not None:
        return StepMeasurement(0, "no policy", BASELINE, timeline(BASELINE, behaviour, ticks(15.0), None), IDENTITIES)
    good = timeline(BASELINE, lambda question, at: reached(question), (0.0,), 0.0)
    return StepMeasurement(0, "no policy", BASELINE, good, IDENTITIES)


def applied(behaviour: Behaviour, table: ExpectedTable = ISOLATING, *, settled_at: float | None = 0.3, end: float = 1.3) -> StepMeasurement:
    return StepMeasurement(1, "apply api-allow", table, timeline(table, behaviour, ticks(end), settled_at), IDENTITIES)


def deleted(behaviour: Behaviour | None = None) -> StepMeasurement:
    back = timeline(BASELINE, behaviour or (lambda question, at: reached(question)), ticks(1.2), 0.1)
    return StepMeasurement(2, "delete api-allow", BASELINE, back, IDENTITIES)


def _slow_way_back(question: Question, at: float) -> Answer:
    return timed_out() if at < 0.1 and ISOLATING[question].verdict is Verdict.BLOCKED else reached(question)


def scenario(name: str, measurement: Measurement, *deviations: KnownDeviation, about: str = "", number: int = 2) -> ScenarioRecord:
    return ScenarioRecord(
        name,
        judge(measurement, deviations),
        measurement,
        file=f"recipes/{number:02}-{name}.yaml",
        group="recipes",
        about=about or "Only pods of the bookstore reach its API.",
        because="Otherwise it selects the pods matching podSelector in the policy's own namespace.",
        recipe="02-limit-traffic-to-an-application",
        needs=("ipv6",),
        families=tuple(Family),
        policies={"api-allow": POLICY},
        world=WORLD,
        settings=(Setting(), Setting(("api-allow",)), Setting((), {"shop/other": {"app": "bookstore", "gone": None}})),
        deviations=deviations,
        started="2026-11-21T09:00:07Z",
        seconds=2.75,
        phases=(Phase("world", 1.25), Phase("change", 0.02), Phase("ask", 1.4)),
        worker="gw0",
    )


def unmeasured(name: str, outcome: Outcome, sentence: str) -> ScenarioRecord:
    return ScenarioRecord(
        name, Judgement(outcome, sentence), file=f"articles/{name}.yaml", group="articles", about="Something that was not asked."
    )


GOOD = obedient(ISOLATING)
DEVIATION = KnownDeviation(
    "ports-of-the-api", "the plugin knows no named ports", "https://example.org/issues/1", ("shop/other -> shop/api 8080/TCP",)
)


def _flap(question: Question, at: float) -> Answer | None:
    return reached(question) if 0.6 <= at < 0.8 else None


def _leak(question: Question, at: float) -> Answer:
    return reached(question)


def scenarios() -> tuple[ScenarioRecord, ...]:
    stuck = but(
        GOOD,
        {
            "shop/other -> shop/api 80/TCP": _leak,
            "elsewhere/twin -> shop/api 80/TCP ipv6": _leak,
            "shop/front -> shop/api 8080/TCP": lambda question, at: Answer(AnswerKind.REFUSED, latency=0.001, detail="ECONNREFUSED"),
            "shop/other -> shop/front 80/TCP ipv4": lambda question, at: reached(question, "cc-7f3a-w0-elsewhere/twin"),
        },
    )
    hiccup = but(GOOD, {"shop/front -> shop/api 80/TCP": lambda question, at: timed_out() if 0.1 <= at < 0.3 else None})
    away = broken("pod shop/other restarted: OOMKilled")
    dead = {"-> shop/front 80/TCP ipv6": lambda question, at: Answer(AnswerKind.BROKEN, detail="its agent does not confirm that it serves")}
    known = but(GOOD, {"shop/other -> shop/api 8080/TCP": _leak})
    open_cells = {
        question: Expectation(Verdict.OPEN, open_because="an ipBlock that covers pods", legal=frozenset({Verdict.BLOCKED}))
        if question.pair == ("outside/alpha", "shop/other")
        else expectation
        for question, expectation in ISOLATING.items()
    }
    return (
        scenario("limit-traffic", Measurement((baseline(), applied(hiccup), deleted(_slow_way_back))), number=1),
        scenario("leaks-and-outages", Measurement((baseline(), applied(stuck, settled_at=None, end=30.0), deleted()))),
        scenario("flaps", Measurement((baseline(), applied(but(GOOD, {"shop/other -> shop/api 80/TCP ipv4": _flap}))))),
        scenario("an-open-cell", Measurement((baseline(), applied(GOOD, open_cells, settled_at=None))), number=3),
        scenario("known", Measurement((baseline(), applied(known, settled_at=None))), DEVIATION, number=4),
        scenario("no-longer-known", Measurement((baseline(), applied(GOOD))), DEVIATION, number=5),
        scenario("a-dead-server", Measurement((baseline(but(lambda question, at: reached(question), dead)),)), number=6),
        scenario(
            "file-and-model",
            Measurement(
                (
                    StepMeasurement(0, "no policy", BASELINE, Timeline(), IDENTITIES),
                    StepMeasurement(
                        1,
                        "apply api-allow",
                        ISOLATING,
                        Timeline(),
                        IDENTITIES,
                        ("shop/front -> shop/api: the file says blocked, the model allowed",),
                    ),
                )
            ),
            number=7,
        ),
        scenario(
            "a-killed-probe",
            Measurement((baseline(), applied(but(GOOD, {"shop/other ->": lambda question, at: away}), settled_at=None))),
            number=8,
        ),
        scenario(
            "a-broken-change",
            Measurement(
                (
                    baseline(),
                    StepMeasurement(1, "apply api-allow", ISOLATING, Timeline(), IDENTITIES, (), "the API server did not answer for 30 s"),
                )
            ),
            number=9,
        ),
        scenario(
            "something-left", Measurement((baseline(), applied(GOOD)), residue=("shop/other still cannot reach shop/api",)), number=10
        ),
        scenario("no-world", Measurement(broken="pod shop/api did not start: the image cannot be pulled"), number=11),
        unmeasured("legacy-annotation", Outcome.NOT_SUPPORTED, "needs legacy-annotation, which cilium does not have"),
        unmeasured("deselected", Outcome.SKIPPED, "left out by the person who ran it"),
    )


WATCHED = Question("shop/front", "shop/api", 80)
DEAD = Question("shop/other", "shop/api", 80)


def over_time() -> tuple[ScenarioRecord, ...]:
    """Scenarios with what was measured beside the rounds, with doors, sizes and steps that the plugin could not do."""
    late = replace(
        applied(GOOD),
        watched={
            WATCHED: Watched(
                _spans((0.0, 1.2, 12, reached(WATCHED))),
                _spans((0.0, 0.4, 4, reached(WATCHED)), (0.5, 1.2, 8, timed_out())),
            )
        },
        starts={DEAD: (Start(20, 3, 0.05, 1.0, is_init=True), Start(40, 0, None, 2.0, is_init=False))},
        renewed=frozenset({"shop/other"}),
    )
    quiet = replace(
        deleted(),
        watched={WATCHED: Watched(*(_spans((0.0, 1.2, 12, reached(WATCHED))) for _ in range(2)), was_crossed=True)},
        are_policies_old=False,
    )
    seen = {question: replace(each, seen="10.9.9.9") if question == WATCHED else each for question, each in ISOLATING.items()}
    large = {**ISOLATING, replace(WATCHED, size=8000): Expectation(Verdict.ALLOWED, MAY)}
    lost = but(GOOD, {"/8000B": lambda question, at: timed_out()})
    failed = StepMeasurement(
        2, "recreate shop/api", BASELINE, Timeline(), IDENTITIES, failed="pod shop/api gets no network: no address is left"
    )
    return (
        scenario("a-connection-is-cut", Measurement((baseline(), applied(GOOD), replace(late, number=2), replace(quiet, number=3)))),
        scenario("another-source", Measurement((baseline(), applied(GOOD, seen, settled_at=None))), number=3),
        scenario("large-packets", Measurement((baseline(), applied(lost, large, settled_at=None))), number=4),
        scenario("no-network", Measurement((baseline(), applied(GOOD), failed)), number=5),
    )


def _spans(*rows: tuple[float, float, int, Answer]) -> Track:
    return tuple(Span(since, until, answer, count) for since, until, count, answer in rows)


def facts(planned: int = 14) -> Facts:
    return Facts(
        suite="0.1.0",
        plugin=Plugin("cilium", "Cilium", "1.15.19"),
        started="2026-11-21T09:00:00Z",
        ended="2026-11-21T09:01:12Z",
        seconds=72.4,
        families=tuple(Family),
        cluster={"provider": "kind", "Kubernetes": "1.34.4", "nodes": "3 (control-plane, worker-a, worker-b)", "kube-proxy": "nftables"},
        capabilities=("ipv4", "ipv6", "end-port"),
        options={"seed": "7", "times": "settle=30"},
        phases=(Phase("cluster", 88.1), Phase("doctor", 3.2), Phase("scenarios", 58.4)),
        planned=planned,
        does_enforce=True,
    )


def run() -> Run:
    return Run(facts(), scenarios())


def whole_run() -> Run:
    return Run(facts(18), (*scenarios(), *over_time()))


def fine_run() -> Run:
    return Run(facts(1), (scenario("limit-traffic", Measurement((baseline(), applied(GOOD), deleted(_slow_way_back))), number=1),))

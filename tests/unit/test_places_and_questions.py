"""Places, the questions that a world lets one ask, and what answers say."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from small_world import host, pod, world

from conformance.world.expectation import Expectation, Reason, agrees
from conformance.world.place import Node, Port, family_of
from conformance.world.progress import Silent
from conformance.world.question import Answer, Question, questions_of
from conformance.world.timeline import Round, Span, Timeline
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Direction, Family, Protocol, Verdict

API, FRONT, ALPHA = pod("shop/api", 1), pod("shop/front", 2), host("alpha", 1)
SHOP = world(API, FRONT, ALPHA, host("beta", 2), shop={"team": "red"})


def test_places_are_pods_and_then_hosts() -> None:
    assert ["shop/api", "shop/front", "outside/alpha", "outside/beta"] == [place.ref for place in SHOP.places()]


def test_a_place_is_found_by_reference() -> None:
    assert (API, ALPHA) == (SHOP.place("shop/api"), SHOP.place("outside/alpha"))


def test_an_unknown_place_is_an_error() -> None:
    with pytest.raises(KeyError):
        SHOP.place("shop/nobody")


def test_addresses_by_family() -> None:
    assert ip_address("10.244.0.1") == SHOP.address("shop/api", Family.IPV4)
    assert ip_address("fd00:10::1") == SHOP.address("shop/api", Family.IPV6)
    assert SHOP.address("shop/api", Family.IPV4) != SHOP.address("shop/front", Family.IPV4)


def test_no_address_of_a_family() -> None:
    assert None is world(replace(API, addresses=API.addresses[:1])).address("shop/api", Family.IPV6)


def test_the_labels_of_a_namespace_by_its_real_name() -> None:
    assert {"team": "red", "kubernetes.io/metadata.name": "real-shop"} == SHOP.labels_of_namespace("real-shop")


def test_families_of_addresses() -> None:
    assert [Family.IPV4, Family.IPV6] == [family_of(IPv4Address("192.0.2.1")), family_of(IPv6Address("2001:db8::1"))]


def test_identities() -> None:
    assert ["real-shop/api", "outside/alpha"] == [API.identity, ALPHA.identity]


def test_ports_in_words() -> None:
    assert ["80/TCP", "dns=53/UDP"] == [str(Port(80)), str(Port(53, Protocol.UDP, "dns"))]


def test_a_node_has_addresses() -> None:
    assert () == Node("a").addresses


def asked(*pairs: tuple[str, str], family: Family = Family.IPV4) -> list[Question]:
    return [Question(source, destination, 80, family=family) for source, destination in pairs]


def test_everybody_asks_everybody_else_but_hosts_each_other() -> None:
    pairs = [
        ("shop/api", "shop/front"),
        ("shop/api", "outside/alpha"),
        ("shop/api", "outside/beta"),
        ("shop/front", "shop/api"),
        ("shop/front", "outside/alpha"),
        ("shop/front", "outside/beta"),
        ("outside/alpha", "shop/api"),
        ("outside/alpha", "shop/front"),
        ("outside/beta", "shop/api"),
        ("outside/beta", "shop/front"),
    ]
    assert asked(*pairs) == list(questions_of(SHOP, [Family.IPV4]))


def test_a_host_that_cannot_ask_is_asked() -> None:
    there = world(API, host("alpha", 1, can_ask=False))

    assert asked(("shop/api", "outside/alpha")) == list(questions_of(there, [Family.IPV4]))


def test_questions_need_the_family_at_both_ends() -> None:
    there = world(replace(API, addresses=API.addresses[1:]), FRONT, replace(pod("shop/old", 3), addresses=(IPv4Address("10.0.0.3"),)))

    assert asked(("shop/api", "shop/front"), ("shop/front", "shop/api"), family=Family.IPV6) == list(questions_of(there, [Family.IPV6]))


def test_every_port_and_family_is_asked() -> None:
    there = world(API, pod("shop/dns", 3, serves=[Port(53, Protocol.UDP), Port(53)]))

    found = [question for question in questions_of(there, Family) if question.destination == "shop/dns"]

    assert [
        "shop/api -> shop/dns 53/UDP ipv4",
        "shop/api -> shop/dns 53/UDP ipv6",
        "shop/api -> shop/dns 53/TCP ipv4",
        "shop/api -> shop/dns 53/TCP ipv6",
    ] == list(map(str, found))


def test_the_parts_of_a_question() -> None:
    question = Question("shop/api", "shop/front", 80)

    assert (("shop/api", "shop/front"), "80/TCP") == (question.pair, question.lane)


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        pytest.param(AnswerKind.CONNECTED, Verdict.ALLOWED, id="connected is allowed"),
        pytest.param(AnswerKind.REFUSED, Verdict.BLOCKED, id="refused is blocked"),
        pytest.param(AnswerKind.TIMED_OUT, Verdict.BLOCKED, id="timed out is blocked"),
        pytest.param(AnswerKind.PROHIBITED, Verdict.BLOCKED, id="prohibited is blocked"),
        pytest.param(AnswerKind.BROKEN, None, id="broken says nothing"),
    ],
)
def test_what_an_answer_means(kind: AnswerKind, verdict: Verdict | None) -> None:
    assert verdict == kind.verdict


YES, NO, BROKEN = Answer(AnswerKind.CONNECTED, "real-shop/api", "10.0.0.1", 0.1), Answer(AnswerKind.TIMED_OUT), Answer(AnswerKind.BROKEN)
ALLOWED, BLOCKED, OPEN = Expectation(Verdict.ALLOWED), Expectation(Verdict.BLOCKED), Expectation(Verdict.OPEN)


@pytest.mark.parametrize(
    ("expectation", "answer", "is_agreed"),
    [
        pytest.param(ALLOWED, YES, True, id="allowed, and it answers"),
        pytest.param(ALLOWED, replace(YES, responder="real-shop/twin"), False, id="allowed, and somebody else answers"),
        pytest.param(ALLOWED, NO, False, id="allowed, and nobody answers"),
        pytest.param(ALLOWED, BROKEN, False, id="allowed, and the probe is broken"),
        pytest.param(BLOCKED, NO, True, id="blocked, and nobody answers"),
        pytest.param(BLOCKED, YES, False, id="blocked, and it answers"),
        pytest.param(BLOCKED, BROKEN, False, id="blocked, and the probe is broken"),
        pytest.param(OPEN, YES, True, id="open, and it answers"),
        pytest.param(OPEN, NO, True, id="open, and nobody answers"),
        pytest.param(OPEN, BROKEN, False, id="open, and the probe is broken"),
        pytest.param(replace(OPEN, legal=frozenset({Verdict.BLOCKED})), YES, False, id="open, but only blocked is legal"),
    ],
)
def test_agreement(expectation: Expectation, answer: Answer, *, is_agreed: bool) -> None:
    assert is_agreed == agrees(expectation, answer, "real-shop/api")


def test_a_reason_in_words() -> None:
    assert "ingress: so it is" == str(Reason(Direction.INGRESS, "so it is"))


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        pytest.param(replace(YES, latency=0.9), True, id="another latency is the same answer"),
        pytest.param(replace(YES, responder="x"), False, id="another responder is another answer"),
        pytest.param(replace(YES, source_seen="x"), False, id="another source seen is another answer"),
        pytest.param(replace(YES, detail="x"), False, id="another detail is another answer"),
        pytest.param(NO, False, id="another kind is another answer"),
    ],
)
def test_same_answers(other: Answer, *, is_same: bool) -> None:
    assert is_same == YES.is_same_as(other)


def test_equal_answers_in_a_row_are_one_span() -> None:
    question = Question("shop/front", "shop/api", 80)
    rounds = [Round(float(at), 0.1, {question: answer}) for at, answer in enumerate((YES, replace(YES, latency=0.2), NO, YES))]

    timeline = Timeline.of(rounds, ended=4.0, settled_at=3.0, held=1.0)

    track = (Span(0.0, 1.0, YES, 2), Span(2.0, 2.0, NO), Span(3.0, 3.0, YES))
    assert Timeline({question: track}, (0.0, 1.0, 2.0, 3.0), 4.0, 3.0, 1.0) == timeline


def test_silent_progress_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress = Silent()
    with progress.phase("work"):
        progress.say("something")

    assert ("", "") == tuple(capfd.readouterr())


def test_waiting_times_can_be_changed_one_by_one() -> None:
    assert 45.0 == replace(Times(), settle=45.0).settle
    assert all(getattr(Times(), name) > 0 for name in Times.__dataclass_fields__)

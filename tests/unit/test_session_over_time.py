"""The session while pods come and go, doors, watched cells and starts. With real agents, as in test_session.py."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest
from agent_process import FIRST_PORT

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.streams import BrokenStream, ProcessStream
from conformance.probe.answering import line_of, owner, servers_of
from conformance.probe.circle import Circle
from conformance.probe.probe import Probe, agent_config
from conformance.probe.session import Probes
from conformance.probe.source import agent_source
from conformance.probe.starting import init_starts, start_config
from conformance.probe.watch import Watching
from conformance.world.clock import WallClock
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.measurement import Start, Watched
from conformance.world.place import Namespace, OutsideHost, Place, Pod, Port, World
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Family, Protocol

PORT = FIRST_PORT + 1500 + os.getpid() % 450
TIMES = Times(question=0.3, stream=5.0, retry=1.0)
TCP, UDP = Protocol.TCP, Protocol.UDP
LABELS = {"app": "web"}


def pod(name: str, address: str, port: int = PORT, **labels: str) -> Pod:
    return Pod(f"shop/{name}", "real-shop", name, labels, (Port(port, TCP, "http"), Port(port, UDP)), (ip_address(address),))


API, WEB, FRONT = pod("api", "127.0.0.61", app="web"), pod("web", "127.0.0.62", PORT + 1, app="web"), pod("front", "127.0.0.63")
PORTS = (DoorPort(80, TCP, "http", asked=PORT),)
SERVICE = Door("svc/shop/web", DoorKind.SERVICE, "real-shop", PORTS, LABELS, addresses=(ip_address("127.0.0.61"),))
NOWHERE = replace(SERVICE, ref="svc/shop/none", selects={"app": "none"}, addresses=(ip_address("127.0.0.99"),))
NAME = replace(SERVICE, ref="dns/shop/web", kind=DoorKind.NAME, addresses=(), name="web.shop.svc")
DOORS = {door.ref: door for door in (SERVICE, NOWHERE, NAME)}


def world_of(*pods: Pod) -> World:
    return World({"shop": Namespace("shop", "real-shop", {})}, {each.ref: each for each in pods}, doors=DOORS)


WORLD = world_of(API, WEB, FRONT)


class Stage:
    """A session whose agents end with their streams; what they were started with."""

    def __init__(self, world: World, **more: object) -> None:
        self.more, self.processes = more, {}
        self.session = Probes.of(world, TIMES, self.make, WallClock())

    def make(self, place: Place) -> Probe:
        def connect() -> ProcessStream:
            config = {**json.loads(agent_config(place, [str(each) for each in place.addresses])), **self.more}
            stream = ProcessStream(place.ref, (), [sys.executable, "-I", "-S", "-c", agent_source(), json.dumps(config)], {})
            self.processes[place.ref] = stream.process
            return stream

        return Probe(place.ref, place.identity, connect, ends_with_session=True)

    def answer(self, *question: object) -> Answer:
        """With more and more patience while this machine is so busy that a witness came too late, as the sampling has it."""
        for patience in (0.3, 0.6, 1.2, 2.4, 4.8):
            found = self.answer_within(patience, *question)
            if "was too late itself" not in found.detail:
                break
        return found

    def answer_within(self, patience: float, *question: object) -> Answer:
        asked = Question(*question)
        return self.session.ask([asked], patience).answers[asked]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(WORLD)
    yield made
    made.session.close()


def test_a_service_is_asked_at_its_address_and_the_number_that_it_really_has(stage):
    answer = stage.answer("shop/front", "svc/shop/web", 80)
    assert (AnswerKind.CONNECTED, "real-shop/api", "127.0.0.63") == (answer.kind, answer.responder, answer.source_seen)


def test_a_big_question_is_asked_with_its_size(stage):
    answer = stage.answer("shop/front", "shop/api", PORT, UDP, Family.IPV4, 8000)
    assert (AnswerKind.CONNECTED, "real-shop/api", "") == (answer.kind, answer.responder, answer.detail)


def test_silence_at_a_door_without_pods_needs_no_witness(stage):
    assert AnswerKind.REFUSED is stage.answer("shop/front", "svc/shop/none", 80).kind


def test_silence_at_a_door_is_broken_unless_every_pod_behind_it_confirms(stage):
    closed = {**DOORS, SERVICE.ref: replace(SERVICE, addresses=(ip_address("127.0.0.99"),))}
    stage.session.take(replace(WORLD, doors=closed))
    assert AnswerKind.REFUSED is stage.answer("shop/front", "svc/shop/web", 80).kind
    for _ in range(20):
        assert AnswerKind.CONNECTED is stage.answer("shop/front", "shop/web", PORT + 1).kind  # by a new one where one was given up
        stage.processes["shop/web"].send_signal(signal.SIGSTOP)
        answer = stage.answer_within(0.3, "shop/front", "svc/shop/web", 80)
        if not answer.detail.startswith("shop/api was too late itself"):  # this machine is busy: that is no answer to what is asked here
            break
    stage.processes["shop/web"].send_signal(signal.SIGCONT)
    assert AnswerKind.BROKEN is answer.kind
    assert answer.detail.startswith(f"shop/web does not confirm that it was serving {PORT + 1}/TCP")


def test_a_door_without_an_address_of_the_family_is_broken(stage):
    answer = stage.answer("shop/front", "svc/shop/web", 80, TCP, Family.IPV6)
    assert (AnswerKind.BROKEN, "svc/shop/web has no ipv6 address") == (answer.kind, answer.detail)


def test_a_name_that_was_not_resolved_needs_no_witness(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.99\n")
    stage = Stage(WORLD, resolv=str(file), name_port=PORT + 2)
    answer = stage.answer("shop/front", "dns/shop/web", 80)
    stage.session.close()
    assert (AnswerKind.REFUSED, "the name was not resolved: Connection refused") == (answer.kind, answer.detail)


@pytest.mark.parametrize(
    ("question", "line", "servers"),
    [
        (Question("a/b", "shop/api", 80), ("127.0.0.61", 80, TCP), [("shop/api", 80)]),
        (Question("a/b", "shop/api", 80, UDP, size=9), ("127.0.0.61", 80, UDP, 9), [("shop/api", 80)]),
        (Question("a/b", "shop/gone", 80), None, [("shop/gone", 80)]),
        (Question("a/b", SERVICE.ref, 80), ("127.0.0.61", PORT, TCP), [("shop/api", PORT), ("shop/web", PORT + 1)]),
        (Question("a/b", NAME.ref, 80), ("web.shop.svc", PORT, TCP, 0, Family.IPV4), [("shop/api", PORT), ("shop/web", PORT + 1)]),
        (Question("a/b", NOWHERE.ref, 80), ("127.0.0.99", PORT, TCP), []),
    ],
)
def test_a_question_in_the_words_of_the_agent_and_who_may_have_to_answer(question, line, servers):
    assert line == line_of(WORLD, question)
    assert servers == list(servers_of(WORLD, question))


def test_of_those_who_share_an_address_the_one_who_was_asked_has_answered():
    one, two = (replace(pod(name, "10.0.0.1"), is_host_network=True) for name in ("one", "two"))
    question = Question("a/b", two.ref, 0, Protocol.ICMP)
    assert two.identity == owner(world_of(one, two), question, "10.0.0.1")
    assert "10.0.0.9" == owner(world_of(one, two), question, "10.0.0.9")


def test_pods_come_and_go_and_those_who_stay_keep_their_streams(stage):
    before = dict(stage.session.probes)
    stage.session.take(world_of(API, FRONT))
    assert {"shop/api", "shop/front"} == set(stage.session.probes)
    assert 0 == stage.processes["shop/web"].wait(10)
    stage.session.take(WORLD)
    assert AnswerKind.CONNECTED is stage.answer("shop/front", "shop/web", PORT + 1).kind
    assert before["shop/api"] is stage.session.probes["shop/api"]
    assert before["shop/web"] is not stage.session.probes["shop/web"]


def test_a_pod_that_was_left_is_broken_until_it_is_taken_again(stage):
    stage.session.leave(["shop/api", "shop/nobody"])
    assert AnswerKind.BROKEN is stage.answer("shop/front", "shop/api", PORT).kind
    stage.session.take(WORLD)
    assert AnswerKind.CONNECTED is stage.answer("shop/front", "shop/api", PORT).kind


def test_an_agent_ends_well_when_it_is_told_to(stage):
    stage.session.end(["shop/api"])
    assert 0 == stage.processes["shop/api"].wait(10)
    assert {"shop/web", "shop/front"} == set(stage.session.probes)


def test_a_new_pod_that_cannot_be_talked_to_is_told(stage):
    other = pod("other", "127.0.0.64")
    stage.session.make = lambda place: Probe(
        place.ref, place.identity, lambda: ProcessStream("x", (), ("false",), {}), lambda: "it is gone"
    )
    with pytest.raises(BrokenStream, match="it is gone"):
        stage.session.take(world_of(API, WEB, FRONT, other))


REACHED = Question("shop/front", "shop/api", PORT)


def test_a_watched_cell_is_told_on_the_clock_of_the_step(stage):
    stage.session.watch([REACHED])
    time.sleep(0.35)  # so that there is something before the step
    began = stage.session.clock.now()
    time.sleep(0.35)
    (watched,) = stage.session.watched(began).values()
    for track in (watched.attempts, watched.connection):
        (span,) = track
        assert (AnswerKind.CONNECTED, "real-shop/api", "127.0.0.63") == (span.answer.kind, span.answer.responder, span.answer.source_seen)
        assert -2.0 < span.since < -0.2
        assert 0.2 < span.until < 2.0
        assert span.count >= 4
    time.sleep(0.3)
    assert stage.session.watched(began)[REACHED].connection[0].since > span.until


def test_the_watch_goes_on_when_a_destination_is_created_again_and_keeps_what_it_saw(stage):
    stage.session.watch([REACHED, Question("shop/api", "shop/front", PORT)])
    time.sleep(0.3)  # so that there is something to keep
    began = stage.session.clock.now()
    stage.session.leave(["shop/api"])
    stage.processes["shop/api"].wait(10)
    time.sleep(0.3)
    stage.session.take(WORLD)
    time.sleep(0.4)
    found = stage.session.watched(began)
    kinds = [span.answer.kind for span in found[REACHED].attempts]
    assert [AnswerKind.CONNECTED, AnswerKind.REFUSED, AnswerKind.CONNECTED] == kinds
    assert AnswerKind.REFUSED in [span.answer.kind for span in found[REACHED].connection]
    other = found[Question("shop/api", "shop/front", PORT)].attempts
    assert other[0].since < 0 < other[-1].until


def test_a_cell_whose_destination_is_gone_is_left_alone(stage):
    stage.session.watch([REACHED])
    time.sleep(0.2)
    stage.session.take(world_of(WEB, FRONT))
    began = stage.session.clock.now() + 0.2
    time.sleep(0.4)
    assert all(span.until < 0 for span in stage.session.watched(began)[REACHED].attempts)


def test_what_was_lost_while_the_server_was_not_let_run_says_nothing(stage):
    stage.session.watch([REACHED])
    time.sleep(0.3)  # the connection is to stand before
    began = stage.session.clock.now()
    stage.processes["shop/api"].send_signal(signal.SIGSTOP)
    time.sleep(1.2)  # the delay itself is what is tested
    stage.processes["shop/api"].send_signal(signal.SIGCONT)
    time.sleep(0.2)
    found = stage.session.watched(began)[REACHED]
    for track in (found.attempts, found.connection):
        assert {AnswerKind.CONNECTED, AnswerKind.BROKEN} == {span.answer.kind for span in track}
    broken = next(span.answer for span in found.attempts if span.answer.kind is AnswerKind.BROKEN)
    assert "shop/api was not let run: its node is too busy, or somebody stopped it" == broken.detail


def test_nothing_is_watched_any_more_when_nobody_wants_it(stage):
    stage.session.watch([REACHED])
    stage.session.watch([])
    assert {} == stage.session.watched(0.0)
    stage.session.collect()


def test_an_agent_that_is_started_anew_is_told_again_what_to_watch(stage):
    stage.session.watch([REACHED])
    stage.processes["shop/front"].kill()
    stage.processes["shop/front"].wait()
    stage.session.ask([REACHED], 0.3)
    stage.session.ask([REACHED], 0.3)
    stage.session.watched(0.0)
    time.sleep(0.3)
    assert stage.session.watched(0.0)[REACHED].attempts


def test_a_source_that_does_not_answer_any_more_takes_nothing_with_it_but_its_own(stage):
    back = Question("shop/api", "shop/front", PORT)
    stage.session.watch([REACHED, back])
    time.sleep(0.3)
    stage.processes["shop/front"].kill()
    stage.session.make = None
    stage.session.probes["shop/front"].connect = lambda: ProcessStream("x", (), ("false",), {})
    found = stage.session.watched(0.0)
    assert Watched() == found[REACHED]
    assert found[back].attempts


class Told:
    """A stream to an agent whose clock is 1000 s ahead, on a clock that the test turns: it says what was prepared."""

    def __init__(self, spans: list[list[object]], late: list[list[float]]) -> None:
        self.time, self.spans, self.late, self.lines = 50.0, spans, late, []

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def send(self, line: str) -> None:
        wanted = json.loads(line or "{}")
        self.time += 0.01
        words = {
            "now": self.time + 1000.0,
            "watched": {str(ECHO): {"attempts": self.spans, "connection": []}, "old": {}},
            "late": self.late,
        }
        self.lines += [json.dumps({"id": wanted["id"], **words} if "id" in wanted else {"hello": "x", "instance": "1"})] if wanted else []

    def receive(self, timeout: float) -> str | None:
        self.time += 0.01
        return self.lines.pop(0)

    def close(self) -> None:
        pass


ECHO = Question("shop/front", "shop/api", 0, Protocol.ICMP)


def collected(spans: list[list[object]], late: list[list[float]]) -> tuple[Span, ...]:
    told = Told(spans, late)
    circle = Circle(TIMES, told, {"shop/front": Probe("shop/front", "x", lambda: told, clock=told)})
    watching = Watching(circle, (ECHO,))
    watching.collect(WORLD)
    return watching.take(WORLD, 50.0)[ECHO].attempts


def test_the_time_of_an_agent_is_told_by_the_middle_of_a_question_for_it():
    (span,) = collected([[1050.0, 1050.5, 6, "timed-out", None, None, ""]], [])
    assert (0.0, 0.5, 6) == (pytest.approx(span.since), pytest.approx(span.until), span.count)


def test_an_echo_is_told_by_the_name_of_its_responder():
    (span,) = collected([[1050.0, 1050.5, 6, "connected", "127.0.0.61", None, ""]], [])
    assert "real-shop/api" == span.answer.responder


def test_only_attempts_that_the_asker_itself_lost_are_excused():
    spans = collected([[1050.0, 1052.0, 21, "timed-out", None, None, ""]], [[1050.9, 1051.3]])
    assert [AnswerKind.TIMED_OUT, AnswerKind.BROKEN, AnswerKind.TIMED_OUT] == [span.answer.kind for span in spans]
    assert [7, 4, 10] == [span.count for span in spans]
    assert "shop/front was not let run: its node is too busy, or somebody stopped it" == spans[1].answer.detail


def test_what_was_refused_is_never_excused():
    (span,) = collected([[1050.0, 1052.0, 21, "refused", None, None, "Connection refused"]], [[1050.0, 1052.0]])
    assert AnswerKind.REFUSED is span.answer.kind


STARTS = {REACHED: True, Question("shop/front", "shop/api", PORT + 3): False}


def test_what_a_main_process_reached_at_its_start_is_told_by_question():
    config = start_config(WORLD, STARTS, is_init=False)
    stage = Stage(WORLD, **config)
    time.sleep(0.2)
    found = stage.session.starts([*STARTS, Question("shop/gone", "shop/api", PORT)])
    stage.session.close()
    assert list(STARTS) == list(found)
    assert [False, False] == [start.is_init for start in found.values()]
    assert 0 == list(found.values())[1].connected


def test_the_configuration_of_an_init_container_says_whom_to_ask_and_who_should_be_reached():
    lines = [("127.0.0.61", PORT, TCP), ("127.0.0.61", PORT + 3, TCP)]
    assert {"first": {"ask": lines, "every": 0.05, "allowed": [0]}, "mode": "init"} == start_config(WORLD, STARTS, is_init=True)


def test_a_start_without_an_address_is_no_start():
    with pytest.raises(KeyError, match="shop/gone"):
        start_config(WORLD, {Question("shop/front", "shop/gone", 80): True}, is_init=True)


def test_the_last_words_of_an_init_container_are_its_counts():
    found = init_starts('{"starts":[[20,20,0.01,1.02],[20,0,null,1.02]]}', STARTS)
    assert [Start(20, 20, 0.01, 1.02, is_init=True), Start(20, 0, None, 1.02, is_init=True)] == list(found.values())


@pytest.mark.parametrize("message", ["", "Traceback", "[]", "{}", '{"starts":[[1,1,0,1]]}', '{"starts":[1,2]}'])
def test_other_last_words_are_no_counts(message):
    with pytest.raises(BrokenCluster, match="the init container did not say what it had reached"):
        init_starts(message, STARTS)


def test_an_init_container_says_in_its_last_words_what_it_reached(stage, tmp_path):
    words = tmp_path / "words"
    config = {"identity": "a/b", "serves": [], "last_words": str(words), **start_config(WORLD, STARTS, is_init=True)}
    subprocess.run([sys.executable, "-I", "-S", "-c", agent_source(), json.dumps(config)], check=True, timeout=20)
    reached, shut = init_starts(words.read_text(), STARTS).values()
    assert reached.attempts == reached.connected > 1
    assert (0, None) == (shut.connected, shut.first)


def test_a_host_that_cannot_ask_has_no_probe():
    host = OutsideHost("outside/alpha", (Port(80),), (ip_address("127.0.0.51"),), can_ask=False)
    session = Probes.of(World({}, {}, {host.ref: host}), TIMES, lambda place: pytest.fail("made"), WallClock())
    assert {} == session.probes
    session.close()

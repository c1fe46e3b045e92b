"""The session with real agents, which are processes of this machine at addresses of 127.0.0.0/8."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest
from agent_process import FIRST_PORT

from conformance.cluster.streams import BrokenStream, ProcessStream
from conformance.probe.probe import Probe, agent_config
from conformance.probe.session import Probes
from conformance.probe.source import agent_source
from conformance.world.clock import WallClock
from conformance.world.place import Namespace, OutsideHost, Pod, Port, World
from conformance.world.question import Question, questions_of
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Family, Protocol

PORT = FIRST_PORT + 1000 + os.getpid() % 450
TIMES = Times(question=0.3, stream=3.0, retry=1.0)


def pod(name: str, address: str, *ports: Port) -> Pod:
    return Pod(f"shop/{name}", "real-shop", name, {}, ports or (Port(PORT), Port(PORT, Protocol.UDP)), (ip_address(address),))


API, FRONT, OTHER = pod("api", "127.0.0.41"), pod("front", "127.0.0.42"), pod("other", "127.0.0.43")
WORLD = World({"shop": Namespace("shop", "real-shop", {})}, {each.ref: each for each in (API, FRONT, OTHER)})
QUESTIONS = questions_of(WORLD, Family)


def program(place: Pod, identity: str | None = None) -> list[str]:
    config = json.loads(agent_config(place, [str(address) for address in place.addresses]))
    return [sys.executable, "-I", "-S", "-c", agent_source(), json.dumps({**config, "identity": identity or place.identity})]


class Attach:
    """A stream to an agent that lives on when the stream is cut, as an attach to a pod does."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.is_cut = process, False

    def send(self, line: str) -> None:
        if self.is_cut or self.process.poll() is not None:
            raise BrokenStream("the stream broke")
        self.process.stdin.write(line.encode() + b"\n")

    def receive(self, timeout: float) -> str | None:
        if self.is_cut:
            raise BrokenStream("the stream broke")
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            return None
        line = self.process.stdout.readline()
        if not line:
            raise BrokenStream("the stream broke")
        return line.decode()

    def close(self) -> None:
        self.is_cut = True


class Stage:
    """Agents for the pods of a world, and what the test does to them."""

    def __init__(self, world: World = WORLD) -> None:
        self.world = world
        self.processes = {ref: self.start(ref) for ref in world.pods}
        self.streams: dict[str, list[Attach]] = {ref: [] for ref in world.pods}
        self.known = dict.fromkeys(world.pods, "")
        self.session = Probes.of(world, TIMES, self.probe, WallClock())

    def start(self, ref: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(program(self.world.pods[ref]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def probe(self, place: Pod) -> Probe:
        def connect() -> Attach:
            self.streams[place.ref].append(Attach(self.processes[place.ref]))
            return self.streams[place.ref][-1]

        return Probe(place.ref, place.identity, connect, lambda: self.known[place.ref])

    def kill(self, ref: str) -> None:
        self.processes[ref].kill()
        self.processes[ref].wait()

    def end(self) -> None:
        self.session.close()
        for process in self.processes.values():
            process.kill()
            process.stdin.close()
            process.stdout.close()
            process.wait()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.end()


def kinds(answers) -> set[AnswerKind]:
    return {answer.kind for answer in answers.values()}


def test_everybody_is_asked_and_says_who_answered(stage):
    found = stage.session.ask(QUESTIONS, 0.5)
    assert {question: (answer.kind, answer.responder, answer.source_seen) for question, answer in found.answers.items()} == {
        question: (AnswerKind.CONNECTED, WORLD.place(question.destination).identity, str(WORLD.address(question.source, Family.IPV4)))
        for question in QUESTIONS
    }


def test_an_answer_has_the_order_of_the_questions(stage):
    assert tuple(stage.session.ask(QUESTIONS, 0.5).answers) == QUESTIONS


def test_a_port_that_its_own_agent_does_not_serve_is_broken_and_not_blocked(stage):
    question = Question("shop/front", "shop/api", PORT + 1)
    answer = stage.session.ask([question], 0.3).answers[question]
    assert answer.kind is AnswerKind.BROKEN
    assert answer.detail == f"shop/api was not serving {PORT + 1}/TCP over ipv4: it did not reach this port of its own"


def test_an_address_of_a_family_that_a_place_does_not_have_is_broken(stage):
    question = Question("shop/front", "shop/api", PORT, Protocol.TCP, Family.IPV6)
    answer = stage.session.ask([question], 0.3).answers[question]
    assert (AnswerKind.BROKEN, "shop/api has no ipv6 address") == (answer.kind, answer.detail)


def test_an_echo_is_answered_by_the_place_that_has_the_address(stage):
    question = Question("shop/front", "shop/api", 0, Protocol.ICMP)
    answer = stage.session.ask([question], 0.3).answers[question]
    if os.geteuid() == 0:
        assert (answer.kind, answer.responder) == (AnswerKind.CONNECTED, API.identity)
    else:
        assert (AnswerKind.BROKEN, "ICMP needs the capability NET_RAW, which this probe does not have") == (answer.kind, answer.detail)


def test_a_stream_that_breaks_is_opened_again_and_the_round_asked_anew(stage):
    stage.streams["shop/api"][-1].is_cut = True
    found = stage.session.ask(QUESTIONS, 0.5)
    assert {AnswerKind.CONNECTED} == kinds(found.answers)
    assert [2, 1, 1] == [len(streams) for streams in stage.streams.values()]


def test_one_stream_that_stays_broken_does_not_take_the_others_with_it(stage):
    for ref in ("shop/api", "shop/front"):
        stage.streams[ref][-1].is_cut = True
    stage.known["shop/api"] = "pod real-shop/api is gone: somebody deleted it"
    stage.kill("shop/api")
    answers = stage.session.ask(QUESTIONS, 0.3).answers
    assert {answer.kind for question, answer in answers.items() if "shop/api" not in question.pair} == {AnswerKind.CONNECTED}
    assert {answer.kind for question, answer in answers.items() if "shop/api" in question.pair} == {AnswerKind.BROKEN}


def test_half_a_line_of_a_broken_stream_does_no_harm(stage):
    stage.processes["shop/api"].stdin.write(b'{"id": 99, "timeout": 1, "as')
    stage.streams["shop/api"][-1].is_cut = True
    assert {AnswerKind.CONNECTED} == kinds(stage.session.ask(QUESTIONS, 0.5).answers)


def test_a_reply_to_an_earlier_request_is_not_taken_for_the_answer(stage):
    stage.processes["shop/front"].stdin.write(b'{"id": 0, "timeout": 1, "ask": []}\n')
    assert {AnswerKind.CONNECTED} == kinds(stage.session.ask(QUESTIONS, 0.5).answers)


def test_a_probe_that_does_not_understand_is_broken_at_once_and_says_why(stage):
    question = Question("shop/front", "shop/api", PORT, "FTP")
    answer = stage.session.ask([question], 0.3).answers[question]
    assert AnswerKind.BROKEN == answer.kind
    assert "the probe of shop/front did not understand what it was asked: ValueError: no protocol: 'FTP'" in answer.detail


def test_a_probe_that_is_gone_breaks_its_cells_with_the_cause_and_no_others(stage):
    stage.known["shop/api"] = "pod real-shop/api is gone: somebody deleted it"
    stage.kill("shop/api")
    found = stage.session.ask(QUESTIONS, 0.3)
    for question, answer in found.answers.items():
        if "shop/api" in question.pair:
            assert answer.kind is AnswerKind.BROKEN
            assert "pod real-shop/api is gone: somebody deleted it" in answer.detail
        else:
            assert answer.kind is AnswerKind.CONNECTED


def test_a_probe_that_is_gone_says_the_same_in_every_round(stage):
    stage.known["shop/api"] = "pod real-shop/api is gone: somebody deleted it"
    stage.kill("shop/api")
    rounds = [stage.session.ask(QUESTIONS, 0.3).answers for _ in range(3)]
    assert all(rounds[0][question].is_same_as(later[question]) for later in rounds[1:] for question in QUESTIONS)


def test_a_probe_that_was_started_anew_breaks_one_round_and_says_so(stage):
    stage.kill("shop/api")
    stage.processes["shop/api"] = stage.start("shop/api")
    first = stage.session.ask(QUESTIONS, 0.3)
    broken = {answer.detail for question, answer in first.answers.items() if question.source == "shop/api"}
    assert {"the probe of shop/api was started anew in the meantime"} == broken
    assert {AnswerKind.CONNECTED} == kinds(stage.session.ask(QUESTIONS, 0.5).answers)


def test_a_server_that_stands_still_is_not_blocked(stage):
    stage.processes["shop/api"].send_signal(signal.SIGSTOP)
    question = Question("shop/front", "shop/api", PORT)
    answer = stage.session.ask([question], 0.3).answers[question]
    stage.processes["shop/api"].send_signal(signal.SIGCONT)
    assert answer.kind is AnswerKind.BROKEN
    assert answer.detail == f"shop/api does not confirm that it was serving {PORT}/TCP: the probe of shop/api did not answer in time"


def test_a_server_that_was_let_run_too_late_is_not_blocked(stage):
    """It is stopped after the questions are on their way and goes on before anybody misses it."""
    server = stage.processes["shop/api"]
    server.send_signal(signal.SIGSTOP)
    timer = threading.Timer(0.6, server.send_signal, [signal.SIGCONT])
    timer.start()
    question = Question("shop/front", "shop/api", PORT)
    answer = stage.session.ask([question], 0.3).answers[question]
    timer.join()
    assert AnswerKind.BROKEN == answer.kind
    assert f"shop/api was too late itself to answer on {PORT}/TCP: its node is too busy, or somebody stopped it" == answer.detail


def test_another_pod_at_the_address_is_told_by_its_identity(stage):
    stage.kill("shop/api")
    with subprocess.Popen(program(API, "strange/pod"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
        stranger.stdout.readline()
        question = Question("shop/front", "shop/api", PORT)
        answer = stage.session.ask([question], 0.3).answers[question]
        stranger.kill()
    assert (AnswerKind.CONNECTED, "strange/pod") == (answer.kind, answer.responder)


def opened(place: Pod, connect: Callable[[], object]) -> Probes:
    return Probes.of(replace(WORLD, pods={place.ref: place}), TIMES, lambda each: Probe(each.ref, each.identity, connect), WallClock())


def test_a_probe_with_another_identity_is_not_accepted():
    with pytest.raises(BrokenStream, match="the probe of shop/api calls itself strange/pod, not real-shop/api"):
        opened(API, lambda: ProcessStream("api", (), program(API, "strange/pod"), {}))


def test_a_program_that_is_no_probe_is_not_accepted():
    with pytest.raises(BrokenStream, match=r"the program on outside host alpha ended with exit code 3: no python here"):
        opened(API, lambda: ProcessStream("alpha", ("sh", "-c"), ("echo no python here >&2; exit 3",), {}))


def test_a_program_that_says_nothing_is_not_waited_for_long():
    with pytest.raises(BrokenStream, match="the probe of shop/api did not say who it is within 3 s"):
        opened(API, lambda: ProcessStream("alpha", (), ("sleep", "60"), {}))


def test_a_host_without_a_probe_confirms_nothing():
    host = OutsideHost("outside/alpha", (Port(PORT),), (ip_address("127.0.0.51"),), can_ask=False)
    world = replace(WORLD, pods={API.ref: API}, hosts={host.ref: host})
    session = Probes.of(
        world, TIMES, lambda each: Probe(each.ref, each.identity, lambda: ProcessStream("api", (), program(each), {})), WallClock()
    )
    question = Question("shop/api", "outside/alpha", PORT)
    answer = session.ask([question], 0.3).answers[question]
    session.close()
    assert answer.kind is AnswerKind.BROKEN
    assert answer.detail == f"outside/alpha does not confirm that it was serving {PORT}/TCP: there is no probe on outside/alpha"


def test_a_closed_session_leaves_no_process():
    streams = []

    def connect() -> ProcessStream:
        streams.append(ProcessStream("api", (), program(API), {}))
        return streams[-1]

    opened(API, connect).close()
    assert [0] == [stream.process.poll() for stream in streams]

"""The talk with all agents of a world: one long-lived stream each, everybody asked at the same time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.cluster.hosts import HostAccess
from conformance.cluster.streams import BrokenStream, ProcessStream, Stream
from conformance.world.place import OutsideHost, Place, Pod, World
from conformance.world.question import Answer, Question
from conformance.world.timeline import Round
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Protocol

_AT_ONCE = 8
"""Streams opened at the same time."""

_AGAIN = 0.25
"""Seconds before a stream is tried again."""


def agent_source() -> str:
    """The agent's text, for `python3 -c`."""
    return Path(__file__).with_name("agent.py").read_text(encoding="utf-8")


@dataclass
class Probe:
    """One agent and the stream to it.

    `connect` opens a stream; `look` says what the cluster knows of it when that fails ("" for nothing). `instance` is the
    agent's own number for this start of it; `why` is the cause while it cannot be asked.
    """

    ref: str
    identity: str
    connect: Callable[[], Stream]
    look: Callable[[], str] = lambda: ""
    stream: Stream | None = None
    instance: str = ""
    faults: tuple[str, ...] = ()
    why: str = ""

    def open(self, patience: float, greeting: float) -> None:
        """Open the stream and hear who answers; again for `patience` seconds while nothing is known to be wrong.

        Raises BrokenStream.
        """
        until = time.monotonic() + patience
        while self.stream is None:
            try:
                stream = self.connect()
                try:
                    self.why = self._greet(stream, greeting)
                except BrokenStream:
                    stream.close()
                    raise
                self.stream = stream
            except BrokenStream as trouble:
                known = self._known()
                if known or trouble.is_final or time.monotonic() > until:
                    raise BrokenStream(known or str(trouble)) from trouble
                time.sleep(_AGAIN)

    def _greet(self, stream: Stream, greeting: float) -> str:
        """Hear who is there. Gives what is to be said of it: that it was started anew."""
        hello = self._hello(stream, greeting)
        if hello["hello"] != self.identity:
            raise BrokenStream(f"the probe of {self.ref} calls itself {hello['hello']}, not {self.identity}", is_final=True)
        self.faults = tuple(hello.get("faults", ()))
        before, self.instance = self.instance, hello["instance"]
        return "" if before in ("", self.instance) else f"the probe of {self.ref} was started anew in the meantime"

    def _hello(self, stream: Stream, greeting: float) -> dict[str, Any]:
        stream.send("")  # ends the line that a broken stream may have left half sent
        stream.send('{"hello":true}')
        until = time.monotonic() + greeting
        while (line := stream.receive(max(0.0, until - time.monotonic()))) is not None:
            hello = _document(line)
            if "hello" in hello:
                return hello
        raise BrokenStream(f"the probe of {self.ref} did not say who it is within {greeting:.0f} s")

    def ask_who(self, greeting: float = 5.0) -> dict[str, Any]:
        """What the agent tells of itself, its processor seconds and peak memory in KiB included. Raises BrokenStream."""
        if self.stream is None:
            raise BrokenStream(self.why)
        return self._hello(self.stream, greeting)

    def _known(self) -> str:
        try:
            return self.look()
        except BrokenCluster:
            return ""  # the API server is away, too: nothing is known

    def fail(self, why: object) -> None:
        """The stream is of no use any more."""
        self.why = str(why)
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def tell(self, document: Mapping[str, Any]) -> None:
        """Send a request. A break is kept in `why`."""
        if self.stream is not None:
            try:
                self.stream.send(json.dumps(document, separators=(",", ":")))
            except BrokenStream as trouble:
                self.fail(trouble)

    def hear(self, number: int, until: float) -> dict[str, Any] | None:
        """The reply to request `number`; None where it does not come, with the cause in `why`."""
        while self.stream is not None:
            try:
                line = self.stream.receive(max(0.0, until - time.monotonic()))
            except BrokenStream as trouble:
                self.fail(trouble)
                return None
            if line is None:
                self.fail(f"the probe of {self.ref} did not answer in time")
                return None
            reply = _document(line)
            if reply.get("id") == number and "error" in reply:
                self.fail(f"the probe of {self.ref} did not understand what it was asked: {reply['error']}")
            elif reply.get("id") == number:
                return reply
        return None


@dataclass(frozen=True, slots=True)
class _Witness:
    """What an agent confirms of itself for a round: the ports that it served all the time, and that it was let run."""

    ports: Sequence[Sequence[Any]]
    was_running: bool


@dataclass
class Probes:
    """The agents of a world. May be used from several threads; rounds come one after the other."""

    world: World
    times: Times
    probes: Mapping[str, Probe]
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, cluster: Cluster, world: World, hosts: Mapping[str, HostAccess], slot: int, times: Times) -> Probes:
        """Streams to all pods, and agents started on the outside hosts (by name, `alpha`) at the addresses of a slot.

        Raises BrokenStream, with nothing left open, where one of them cannot be talked to.
        """
        probes = [_pod_probe(cluster, pod) for pod in world.pods.values()]
        probes += [_host_probe(host, hosts[host.ref.partition("/")[2]], slot) for host in world.hosts.values() if host.can_ask]
        return cls.of(world, times, probes)

    @classmethod
    def of(cls, world: World, times: Times, probes: Sequence[Probe]) -> Probes:
        """A session with probes that are described already. Raises BrokenStream."""
        session = cls(world, times, {probe.ref: probe for probe in probes})
        try:
            troubles = session._open(probes, times.stream)
            if troubles:
                raise BrokenStream(troubles[0])
        except BaseException:
            session.close()
            raise
        return session

    def ask(self, questions: Collection[Question], timeout: float) -> Round:
        """Every question once, all at the same time; each waits `timeout` seconds for its answer.

        `at` is on the monotonic clock. A stream that broke is opened again within `times.retry` seconds and the whole
        round asked anew. Never raises for what the cluster does to us: what could not be asked is answered broken, with
        the cause.
        """
        with self._lock:
            involved = [self.probes[ref] for ref in dict.fromkeys(ref for each in questions for ref in each.pair) if ref in self.probes]
            asked = self._addressed(questions)
            closed = [probe for probe in involved if probe.stream is None]
            self._open(closed, 0.0)
            is_disturbed = any(probe.stream for probe in closed)
            began, replies = self._once(involved, asked, timeout)
            lost = [probe for probe in involved if probe.ref not in replies and probe.stream is None]
            if lost and time.monotonic() - began < timeout + self.times.stream:
                before = {probe.ref: probe.instance for probe in lost}
                self._open(lost, self.times.retry)
                new = {probe.ref for probe in lost if probe.stream and probe.instance != before[probe.ref]}
                if len(new) < len([probe for probe in lost if probe.stream]):
                    is_disturbed = True
                    began, replies = self._once([probe for probe in involved if probe.ref not in new], asked, timeout)
            told = {question: line for ref, reply in replies.items() for question, line in zip(asked[ref], reply["answers"], strict=True)}
            witnesses = self._witnesses(told, replies, timeout)
            answers = {question: self._answer(question, told, replies, witnesses) for question in questions}
            return Round(began, time.monotonic() - began, answers, is_disturbed)

    def close(self) -> None:
        """End all streams, and with them the agents on outside hosts. Never raises."""
        with self._lock:
            for probe in self.probes.values():
                if probe.ref in self.world.hosts:
                    probe.tell({"end": True})
                probe.fail("the session was closed")

    def _open(self, probes: Iterable[Probe], patience: float) -> list[str]:
        """Open the streams that are not; the causes of those that could not be."""
        closed = [probe for probe in probes if probe.stream is None]
        if not closed:
            return []
        with ThreadPoolExecutor(_AT_ONCE, "open") as pool:
            done = [(probe, pool.submit(probe.open, patience, self.times.stream)) for probe in closed]
        for probe, opening in done:
            trouble = opening.exception()
            if isinstance(trouble, BrokenStream):
                probe.fail(trouble)
            elif trouble is not None:
                raise trouble
        return [probe.why for probe in closed if probe.stream is None]

    def _addressed(self, questions: Iterable[Question]) -> dict[str, dict[Question, str]]:
        """The questions of each source that can be asked, with the address to ask."""
        found: dict[str, dict[Question, str]] = {}
        for question in questions:
            address = self.world.address(question.destination, question.family)
            if address is not None:
                found.setdefault(question.source, {})[question] = str(address)
        return found

    def _once(
        self, probes: Sequence[Probe], asked: dict[str, dict[Question, str]], timeout: float
    ) -> tuple[float, dict[str, dict[str, Any]]]:
        """When it began, and the replies of those who replied. Who is not asked anything still confirms its ports."""
        self._number += 1
        began = time.monotonic()
        for probe in probes:
            lines = [[address, question.port, question.protocol] for question, address in asked.setdefault(probe.ref, {}).items()]
            probe.tell({"id": self._number, "timeout": timeout, "ask": lines})
        until = began + timeout + self.times.stream
        return began, {probe.ref: reply for probe in probes if (reply := probe.hear(self._number, until)) is not None}

    def _witnesses(
        self, told: Mapping[Question, Sequence[Any]], replies: Mapping[str, Mapping[str, Any]], timeout: float
    ) -> dict[str, _Witness]:
        """What the destinations of silent questions can swear: asked before, while the questions waited, and again now."""
        silent = {question.destination for question, line in told.items() if line[0] not in (AnswerKind.CONNECTED, AnswerKind.BROKEN)}
        probes = [self.probes[ref] for ref in silent if ref in replies]
        _, after = self._once(probes, {}, timeout) if probes else (0.0, {})
        return {
            ref: _Witness(
                [port for port in replies[ref]["serving"] if port in again["serving"]],
                was_running=max(replies[ref]["late"], again["late"]) <= timeout / 2,
            )
            for ref, again in after.items()
        }

    def _answer(
        self,
        question: Question,
        told: Mapping[Question, Sequence[Any]],
        replies: Mapping[str, Mapping[str, Any]],
        witnesses: Mapping[str, _Witness],
    ) -> Answer:
        if question.source not in replies:
            return Answer(AnswerKind.BROKEN, detail=self._why(question.source))
        if question not in told:
            return Answer(AnswerKind.BROKEN, detail=f"{question.destination} has no {question.family} address")
        kind, responder, seen, latency, detail = told[question]
        answer = Answer(AnswerKind(kind), responder, seen, latency, detail)
        if answer.kind is AnswerKind.CONNECTED:
            return Answer(answer.kind, self._owner(responder), None, latency) if question.protocol is Protocol.ICMP else answer
        if answer.kind is not AnswerKind.BROKEN and (doubt := self._doubt(question, witnesses)):
            return Answer(AnswerKind.BROKEN, latency=latency, detail=doubt)
        return answer

    def _doubt(self, question: Question, witnesses: Mapping[str, _Witness]) -> str:
        """Why a silence says nothing: nobody confirms that the server was serving all the time. "" where it is confirmed."""
        witness = witnesses.get(question.destination)
        if witness is None:
            return f"{question.destination} does not confirm that it was serving {question.lane}: {self._why(question.destination)}"
        if question.protocol is Protocol.ICMP:
            return ""  # the kernel answers
        if [question.port, question.protocol, question.family] not in witness.ports:
            own = "; ".join(self.probes[question.destination].faults) or "it did not reach this port of its own"
            return f"{question.destination} was not serving {question.lane} over {question.family}: {own}"
        if not witness.was_running:
            return f"{question.destination} was too late itself to answer on {question.lane}: its node is too busy, or somebody stopped it"
        return ""

    def _why(self, ref: str) -> str:
        """Why the probe of a place did not reply."""
        if ref not in self.probes:
            return f"there is no probe on {ref}"
        return self.probes[ref].why or f"the probe of {ref} did not answer"

    def _owner(self, address: str) -> str:
        """Whose address it is; the address itself where it is nobody's."""
        for place in self.world.places():
            if any(str(own) == address for own in place.addresses):
                return place.identity
        return address


def _pod_probe(cluster: Cluster, pod: Pod) -> Probe:
    return Probe(
        pod.ref,
        pod.identity,
        connect=lambda: cluster.attach(pod.namespace, pod.name),
        look=lambda: cluster.state_of_pod(pod.namespace, pod.name, patience=0.0),
    )


def _host_probe(host: OutsideHost, access: HostAccess, slot: int) -> Probe:
    config = agent_config(host, bind=[str(address) for address in access.slots[slot]])
    program = ("python3", "-I", "-S", "-c", agent_source(), config)
    return Probe(host.ref, host.identity, connect=lambda: ProcessStream(access.name, access.command, program, access.environment))


def agent_config(place: Place, bind: Sequence[str]) -> str:
    """The configuration of an agent that serves what a place serves, at these addresses, and ends with its session."""
    serves = [[port.number, port.protocol] for port in place.serves if port.protocol is not Protocol.ICMP]
    return json.dumps({"identity": place.identity, "serves": serves, "bind": list(bind), "ends_with_stdin": True})


def _document(line: str) -> dict[str, Any]:
    """A line of an agent; {} for anything else that came over the stream (a warning of the interpreter, half a line)."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

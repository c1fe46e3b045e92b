"""The talk with all agents of a world: one long-lived stream each, everybody asked at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.cluster.hosts import HostAccess
from conformance.cluster.streams import BrokenStream
from conformance.probe.answering import Hearing, Line, Witness, line_of, servers_of
from conformance.probe.circle import Circle
from conformance.probe.probe import Attachable, Probe, host_probe, pod_probe
from conformance.probe.starting import starts_of
from conformance.probe.watch import Watching
from conformance.world.clock import Clock
from conformance.world.measurement import Start, Watched
from conformance.world.place import OutsideHost, Place, Pod, World
from conformance.world.question import Question
from conformance.world.timeline import Round
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind

Replies = Mapping[str, Mapping[str, Any]]


@dataclass
class Probes:
    """The agents of a world. May be used from several threads; what they are asked comes one after the other.

    `make` makes the probe of a pod or host, with its stream not open yet.
    """

    world: World
    times: Times
    make: Callable[[Place], Probe]
    circle: Circle
    watching: Watching
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(cls, cluster: Attachable, world: World, hosts: Mapping[str, HostAccess], slot: int, times: Times) -> Probes:
        """Streams to all pods, and agents started on the outside hosts (by name, `alpha`) at the addresses of a slot.

        Raises BrokenStream, with nothing left open, where one of them cannot be talked to.
        """

        def make(place: Place) -> Probe:
            if isinstance(place, Pod):
                return pod_probe(cluster, place)
            return host_probe(cluster, place, hosts[place.ref.partition("/")[2]], slot)

        return cls.of(world, times, make, cluster.clock)

    @classmethod
    def of(cls, world: World, times: Times, make: Callable[[Place], Probe], clock: Clock) -> Probes:
        """A session with probes that are made in another way. Raises BrokenStream."""
        circle = Circle(times, clock)
        session = cls(world, times, make, circle, Watching(circle))
        try:
            session.take(world)
        except BaseException:
            session.close()
            raise
        return session

    @property
    def clock(self) -> Clock:
        """The clock of all times that are told."""
        return self.circle.clock

    @property
    def probes(self) -> Mapping[str, Probe]:
        """The probes by the references of their pods and hosts."""
        return self.circle.probes

    def take(self, world: World) -> None:
        """The world has changed: streams to those who are new, none to those who are gone; the others are left alone.

        A pod that was created anew under its name must have been left before. Raises BrokenStream.
        """
        with self._lock:
            there = {place.ref: place for place in world.places() if _can_ask(place)}
            self.leave([ref for ref in self.probes if ref not in there])
            self.world = world
            new = {ref: self.make(place) for ref, place in there.items() if ref not in self.probes}
            self.circle.probes.update(new)
            troubles = self.circle.open(new.values(), self.times.stream)
            if troubles:
                raise BrokenStream(troubles[0])
            self.watching.aim(world)

    def leave(self, refs: Collection[str]) -> None:
        """Fetch what these have watched and end their streams, before they go. Never raises."""
        with self._lock:
            mine = [ref for ref in refs if ref in self.probes]
            if mine:
                self.watching.collect(self.world, mine)
                self.circle.close(mine, "its pod was to go")

    def end(self, refs: Collection[str]) -> None:
        """Tell these agents to end, with exit code 0: their pods complete. Never raises."""
        with self._lock:
            mine = [self.probes[ref] for ref in refs if ref in self.probes]
            self.watching.collect(self.world, refs)
            for probe in mine:
                probe.tell({"end": True})
            self.circle.close([probe.ref for probe in mine], "it was told to end")

    def close(self) -> None:
        """End all streams, and with them the agents on outside hosts. Never raises."""
        with self._lock:
            self.circle.close(list(self.probes), "the session was closed")

    def ask(self, questions: Collection[Question], timeout: float) -> Round:
        """Every question once, all at the same time; each waits `timeout` seconds for its answer.

        `at` is on the session's clock. A stream that broke is opened again within `times.retry` seconds and the whole
        round asked anew. Never raises for what the cluster does to us: what could not be asked is answered broken, with
        the cause.
        """
        with self._lock:
            involved = self._involved(questions)
            asked = self._lines(questions)
            closed = [probe for probe in involved if probe.stream is None]
            self.circle.open(closed, 0.0)
            is_disturbed = any(probe.stream for probe in closed)
            began, replies = self._once(involved, asked, timeout)
            lost = [probe for probe in involved if probe.ref not in replies and probe.stream is None]
            if lost and self.clock.now() - began < timeout + self.times.stream:
                before = {probe.ref: probe.instance for probe in lost}
                self.circle.open(lost, self.times.retry)
                new = {probe.ref for probe in lost if probe.stream and probe.instance != before[probe.ref]}
                if len(new) < len([probe for probe in lost if probe.stream]):
                    is_disturbed = True
                    began, replies = self._once([probe for probe in involved if probe.ref not in new], asked, timeout)
            told = {question: line for ref, reply in replies.items() for question, line in zip(asked[ref], reply["answers"], strict=True)}
            hearing = Hearing(self.world, self.circle, told, frozenset(replies), self._witnesses(told, replies, timeout))
            answers = {question: hearing.answer(question) for question in questions}
            return Round(began, self.clock.now() - began, answers, is_disturbed)

    def watch(self, questions: Iterable[Question]) -> None:
        """Ask these all the time from now on, and no others. None: nothing is watched any more."""
        with self._lock:
            self.watching.collect(self.world)
            self.watching.questions = tuple(questions)
            self.watching.aim(self.world)

    def collect(self) -> None:
        """Fetch what was watched until now, before somebody may go without a word."""
        with self._lock:
            self.watching.collect(self.world)

    def watched(self, began: float) -> dict[Question, Watched]:
        """What all watched cells did since the last call. `began` is the time on the session's clock that counts as 0."""
        with self._lock:
            self.watching.collect(self.world)
            self.watching.aim(self.world)  # an agent that was started anew knows of nothing
            return self.watching.take(self.world, began)

    def starts(self, questions: Collection[Question]) -> dict[Question, Start]:
        """What main processes have reached from their first instant until the session came; for each source, its questions in the
        order of its configuration. Without those whose agent does not say."""
        with self._lock:
            mine: dict[str, list[Question]] = {}
            for question in questions:
                if question.source in self.probes:
                    mine.setdefault(question.source, []).append(question)
            _, replies = self.circle.ask({ref: {"started": True} for ref in mine}, self.times.question)
            found: dict[Question, Start] = {}
            for ref, reply in replies.items():
                found.update(starts_of(reply["starts"], mine[ref], is_init=False))
            return found

    def _involved(self, questions: Iterable[Question]) -> list[Probe]:
        """Those who ask, and those who may have to answer."""
        servers = {(question.destination, question.port, question.protocol): question for question in questions}
        sources = dict.fromkeys(question.source for question in questions)
        refs = {**sources, **dict.fromkeys(ref for question in servers.values() for ref, _ in servers_of(self.world, question))}
        return [self.probes[ref] for ref in refs if ref in self.probes]

    def _lines(self, questions: Iterable[Question]) -> dict[str, dict[Question, Line]]:
        """The questions of each source that can be asked, in the agent's words, which are the same whoever asks."""
        found: dict[str, dict[Question, Line]] = {}
        lines: dict[tuple[object, ...], Line | None] = {}
        for question in questions:
            key = question.destination, question.port, question.protocol, question.family, question.size
            if key not in lines:
                lines[key] = line_of(self.world, question)
            if (line := lines[key]) is not None:
                found.setdefault(question.source, {})[question] = line
        return found

    def _once(self, probes: Sequence[Probe], asked: dict[str, dict[Question, Line]], timeout: float) -> tuple[float, Replies]:
        """When it began, and the replies of those who replied. Who is not asked anything still confirms its ports."""
        requests = {probe.ref: {"timeout": timeout, "ask": list(asked.setdefault(probe.ref, {}).values())} for probe in probes}
        return self.circle.ask(requests, timeout)

    def _witnesses(self, told: Mapping[Question, Sequence[Any]], replies: Replies, timeout: float) -> dict[str, Witness]:
        """What the servers of silent questions can swear: asked before, while the questions waited, and again now."""
        silent = [question for question, line in told.items() if line[0] not in (AnswerKind.CONNECTED, AnswerKind.BROKEN)]
        refs = dict.fromkeys(ref for question in silent for ref, _ in servers_of(self.world, question))
        probes = [self.probes[ref] for ref in refs if ref in replies]
        _, after = self._once(probes, {}, timeout) if probes else (0.0, {})
        return {
            ref: Witness(
                [port for port in replies[ref]["serving"] if port in again["serving"]],
                was_running=max(replies[ref]["late"], again["late"]) <= timeout / 2,
            )
            for ref, again in after.items()
        }


def _can_ask(place: Place) -> bool:
    """Whether there is a probe: not on a host of which only the address is known, nor in a pod that waits for a node."""
    return place.can_ask if isinstance(place, OutsideHost) else bool(place.addresses)

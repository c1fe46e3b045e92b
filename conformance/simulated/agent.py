"""The probe agents of the test bench: they speak the real agents' lines, and ask the plane instead of the kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from conformance.cluster.streams import BrokenStream
from conformance.simulated.clock import Action, SimulatedClock
from conformance.simulated.nouns import Packet, Reply, family_of
from conformance.simulated.plane import Plane
from conformance.world.question import NOT_RESOLVED
from conformance.world.verdict import AnswerKind, Family, Protocol

PATIENCE, ROUND_TRIP = 0.5, 0.002
"""Seconds that an attempt waits, and that an answer takes."""

INIT_LEAST, INIT_MOST = 1.0, 10.0
"""Seconds that an init container tries at least, and at most."""

GIVE_UP = 3.0
"""Seconds without an answer after which a connection counts as lost."""

TURNS = 12
"""After so many rounds the backends of a Service come in the same order again."""

UNRESOLVED = Reply(AnswerKind.TIMED_OUT, detail=NOT_RESOLVED)

Resolve = Callable[[str, Family], str | None]


class Line(NamedTuple):
    """Whom to ask, as a session writes it. `family` only where `address` is a name."""

    address: str
    port: int
    protocol: Protocol
    size: int = 0
    family: Family | None = None


def line_of(words: list[Any]) -> Line:
    """From `[address, port, protocol, size, family]`, the last two where they are there."""
    return _line(*words)


@cache
def _line(address: str, port: int, protocol: str, *more: Any) -> Line:
    return Line(address, port, Protocol(protocol), more[0] if more else 0, Family(more[1]) if len(more) > 1 and more[1] else None)


class Asker:
    """One end that asks the plane. `resolve` gives the address of a name, once the name server `resolver` has answered."""

    def __init__(self, uid: int, plane: Plane, resolver: str, resolve: Resolve) -> None:
        self.uid, self.plane, self._resolver, self._resolve = uid, plane, resolver, resolve
        self.turn = 0
        self._packets: dict[tuple[Line, int], Packet] = {}

    def packet(self, line: Line, turn: int) -> Packet | None:
        """The packet of a line; None where its name is not resolved."""
        address: str | None = line.address
        if line.family is not None:
            (asked,) = self.plane.ask((Packet(self.uid, self._resolver, 53, Protocol.UDP, 0, turn),))
            address = self._resolve(line.address, line.family) if asked.kind is AnswerKind.CONNECTED else None
            return None if address is None else Packet(self.uid, address, line.port, line.protocol, line.size, turn)
        key = line, turn if self.plane.is_door(line.address) else 0
        packet = self._packets.get(key)
        if packet is None:
            packet = self._packets[key] = Packet(self.uid, line.address, line.port, line.protocol, line.size, key[1])
        return packet

    def ask(self, lines: Iterable[Line]) -> list[Reply]:
        """Every line once; the next time another backend of a Service is asked."""
        self.turn = (self.turn + 1) % TURNS
        packets = [self.packet(line, self.turn) for line in lines]
        replies = iter(self.plane.ask(tuple(each for each in packets if each is not None)))
        return [UNRESOLVED if each is None else next(replies) for each in packets]


class Agent:
    """One process: what it serves and asks is in its configuration; `clock` is the cluster's."""

    def __init__(self, asker: Asker, config: Mapping[str, Any], clock: SimulatedClock, addresses: Iterable[str], end: Action) -> None:
        self.asker, self.clock, self.instance, self._end = asker, clock, str(asker.uid), end
        self.families = sorted(map(family_of, addresses))
        self.identity: str = config["identity"]
        self.serves = frozenset((int(number), Protocol(protocol)) for number, protocol in config.get("serves", ()))
        first = config.get("first") or {}
        self.starts = Starts(asker, clock, [line_of(words) for words in first.get("ask", ())], first.get("every", 0.05))
        self.cells: dict[str, Cell] = {}
        self.is_over = False

    def request(self, line: str) -> tuple[float, dict[str, Any]] | None:
        """The reply to a line, and in how many seconds it is there."""
        if not line:
            return None
        wanted = json.loads(line)
        if wanted.get("end"):
            self.close()
            self._end()
            return None
        if wanted.get("hello"):
            self.starts.end()
            spent = {"cpu": 0.0, "memory": 0}
            return 0.0, {"hello": self.identity, "instance": self.instance, "cannot": {}, "faults": [], **spent}
        number = wanted["id"]
        if "ask" in wanted:
            took, document = self._round(wanted)
            return took, {"id": number, **document}
        now = {"id": number, "now": self.clock.now()}
        if "watch" in wanted:
            self._watch({str(words[0]): line_of(words[1:]) for words in wanted["watch"]}, float(wanted["every"]))
            return 0.0, {**now, "watching": len(self.cells)}
        if "watched" in wanted:
            return 0.0, {**now, "watched": {key: cell.take() for key, cell in self.cells.items()}, "late": []}
        if "started" in wanted:
            return 0.0, {"id": number, "starts": self.starts.report()}
        return 0.0, now

    def close(self) -> None:
        """The process has ended: nobody is asked any more."""
        self.is_over = True
        self.starts.end()
        for cell in self.cells.values():
            cell.end()

    def _round(self, wanted: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        patience = float(wanted["timeout"])
        replies = self.asker.ask([line_of(words) for words in wanted["ask"]])
        answers = [[*_written(reply), patience if reply.kind is AnswerKind.TIMED_OUT else ROUND_TRIP, reply.detail] for reply in replies]
        took = max((answer[3] for answer in answers), default=ROUND_TRIP)
        serving = [[number, protocol, family] for number, protocol in sorted(self.serves) for family in self.families]
        return took, {"took": took, "answers": answers, "serving": serving, "late": 0.0}

    def _watch(self, lines: Mapping[str, Line], every: float) -> None:
        for key, cell in list(self.cells.items()):
            if lines.get(key) != cell.line:
                cell.end()
                del self.cells[key]
        for key, line in lines.items():
            if key not in self.cells:
                self.cells[key] = Cell(self.asker, self.clock, line, every)


class Starts:
    """What a process reaches from its first instant on, until the session's first word."""

    def __init__(self, asker: Asker, clock: SimulatedClock, lines: list[Line], every: float) -> None:
        self._asker, self._clock, self._lines = asker, clock, lines
        self.counts: list[list[Any]] = [[0, 0, None] for _ in lines]
        self._began, self._ended = clock.now(), None if lines else clock.now()
        self._stop = clock.every(every, self._attempt) if lines else None

    def _attempt(self) -> None:
        for count, reply in zip(self.counts, self._asker.ask(self._lines), strict=True):
            count[0] += 1
            if reply.kind is AnswerKind.CONNECTED:
                count[1] += 1
                count[2] = round(self._clock.now() - self._began, 4) if count[2] is None else count[2]

    def end(self) -> None:
        """No attempt begins any more."""
        if self._stop is not None:
            self._stop()
            self._stop, self._ended = None, self._clock.now()

    def report(self) -> list[list[Any]]:
        """Attempts, connections, seconds until the first, how long it tried; by line."""
        self.end()
        return [[*count, round((self._ended or self._began) - self._began, 4)] for count in self.counts]


class Cell:
    """A watched cell: an attempt every so often, and messages over one long connection."""

    def __init__(self, asker: Asker, clock: SimulatedClock, line: Line, every: float) -> None:
        self._asker, self._clock, self.line = asker, clock, line
        self._attempts: list[list[Any]] = []
        self._connection: list[list[Any]] = []
        self._talk: tuple[Packet, float, Reply, float] | None = None
        self._turn = 0
        self.end = clock.every(every, self._beat)

    def take(self) -> dict[str, list[list[Any]]]:
        """The spans since the last time."""
        found = {"attempts": self._attempts, "connection": self._connection}
        self._attempts, self._connection = [], []
        return found

    def _beat(self) -> None:
        now = self._clock.now()
        self._turn = (self._turn + 1) % TURNS
        packet = self._asker.packet(self.line, self._turn)
        reply = UNRESOLVED if packet is None else self._asker.plane.ask((packet,))[0]
        _add(self._attempts, now, reply)
        if packet is None or self.line.protocol not in (Protocol.TCP, Protocol.UDP):
            return
        if self._talk is None:
            if reply.kind is AnswerKind.CONNECTED and reply.uid is not None:
                self._talk = packet, now, reply, now
                _add(self._connection, now, reply)
        else:
            self._say(now)

    def _say(self, now: float) -> None:
        """One message over the connection."""
        if self._talk is None or self._talk[2].uid is None:
            return
        packet, opened, first, heard = self._talk
        kind = self._asker.plane.carry(packet, opened, first.uid or 0)
        is_kept = kind is AnswerKind.CONNECTED
        said = first
        if is_kept and packet.protocol is Protocol.UDP:
            (said,) = self._asker.plane.ask((packet,))  # whoever answers a datagram says who it is
        _add(self._connection, now, said if is_kept else Reply(kind))
        is_given_up = packet.protocol is Protocol.TCP and (kind is AnswerKind.REFUSED or now - heard > GIVE_UP)
        self._talk = None if not is_kept and is_given_up else (packet, opened, first, now if is_kept else heard)


def _add(spans: list[list[Any]], now: float, reply: Reply) -> None:
    told = [*_written(reply), reply.detail]
    if spans and spans[-1][3:] == told:
        spans[-1][1], spans[-1][2] = now, spans[-1][2] + 1
    else:
        spans.append([now, now, 1, *told])


def _written(reply: Reply) -> list[Any]:
    return [reply.kind, reply.responder, reply.seen]


class AgentStream:
    """A stream to an agent of the test bench. What it is sent is answered when the simulated clock is there."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._replies: list[tuple[float, str]] = []

    def send(self, line: str) -> None:
        """See Stream."""
        self._refuse_the_dead()
        reply = self._agent.request(line)
        if reply is not None:
            took, document = reply
            self._replies.append((self._agent.clock.now() + took, json.dumps(document)))

    def receive(self, timeout: float) -> str | None:
        """See Stream."""
        clock = self._agent.clock
        until = clock.now() + timeout
        if self._replies and self._replies[0][0] <= until:
            at, line = self._replies.pop(0)
            clock.until(at)
            return line
        self._refuse_the_dead()
        clock.until(until)
        return None

    def close(self) -> None:
        """See Stream."""

    def _refuse_the_dead(self) -> None:
        if self._agent.is_over:
            raise BrokenStream(f"the stream to {self._agent.identity} broke: its process has ended")

"""Watched cells: asked all the time, whatever else is going on, and by nobody's leave."""

from __future__ import annotations

import errno
import socket
import time
from collections import deque
from contextlib import suppress

from conformance.probe.agent.answers import TIMED_OUT, icmp_error, refusal, who
from conformance.probe.agent.asking import FAMILY_CALLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from conformance.probe.agent.answers import Answer, Line
    from conformance.probe.agent.asking import Asker

PATIENCE = 0.5
"""Seconds that an attempt or a message waits for its answer. Several are under way at a time."""

GIVE_UP = 10.0
"""Seconds after which a connection over which nothing comes is left for a new one: TCP itself would wait twice as long each time."""

NUMBER, DATAGRAM = 20, 256
"""Bytes of a message over TCP, and over UDP, where the server's line takes the first ones: its number is at the end."""

ENDS = (errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT, errno.ENOTCONN)
CLOSED: Answer = ("refused", None, None, "the connection was closed")


class Trail:
    """Answers in the order in which they were asked for, as spans of equal ones: [since, until, count, kind, responder, seen,
    detail]. Times are the agent's own."""

    def __init__(self) -> None:
        self.waiting: deque[list[Any]] = deque()
        self.spans: list[list[Any]] = []

    def add(self, now: float) -> list[Any]:
        """An entry [when, answer]; who has the answer puts it there."""
        self.waiting.append([now, None])
        return self.waiting[-1]

    def is_waiting(self, before: float) -> bool:
        """Something asked before this time has no answer yet."""
        self.settle()
        return bool(self.waiting) and self.waiting[0][0] < before

    def settle(self) -> None:
        """What has its answer becomes part of a span."""
        while self.waiting and self.waiting[0][1]:
            when, (kind, responder, seen, detail) = self.waiting.popleft()
            when, told = round(when, 4), [kind, responder, seen, detail]
            if self.spans and self.spans[-1][3:] == told:
                self.spans[-1][1:3] = when, self.spans[-1][2] + 1
            else:
                self.spans = [*self.spans[-3000:], [when, when, 1, *told]]

    def take(self) -> list[list[Any]]:
        """The spans since the last time."""
        self.settle()
        found, self.spans = self.spans, []
        return found


class Cell:
    """One watched cell: attempts, each a connection of its own, and messages over one long connection.

    TCP is connected when it can be, and again only after it was cut; what fails before is told by the attempts. UDP keeps its
    source port. `line` is whom to ask, None for nobody any more.
    """

    def __init__(self, asker: Asker) -> None:
        self.asker, self.every, self.attempts, self.connection = asker, 0.1, Trail(), Trail()
        self.line: Line | None = None

    def aim(self, line: Line | None, every: float) -> None:
        """Asks another one from now on. The same one goes on."""
        if line == self.line and every == self.every:
            return
        self.line, self.every = line, every
        if line is not None:
            self.asker.loop.start(self.attempt(line))
            if line[2] in ("TCP", "UDP"):
                self.asker.loop.start(self.talk(line))

    def attempt(self, line: Line) -> Generator[Any, Any, None]:
        """A new attempt each time, without waiting for the ones before."""
        due = time.monotonic()
        while self.line is line:
            entry = self.attempts.add(time.monotonic())
            self.asker.loop.start(self.asker.ask(line, PATIENCE, lambda answer, entry=entry: put(entry, answer)))  # type: ignore[misc]
            due = max(due + self.every, time.monotonic())
            yield object(), due

    def talk(self, line: Line) -> Generator[Any, Any, None]:
        """One connection after the other."""
        address, _, protocol, _, family = line
        while self.line is line:
            try:
                if family:
                    until = time.monotonic() + PATIENCE
                    address, _ = yield from self.asker.resolver.resolve(self.asker, line[0], FAMILY_CALLED[family], until)
                if address:
                    yield from self.talk_tcp(line, address) if protocol == "TCP" else self.talk_udp(line, address)
            except OSError:
                pass  # it could not be opened: the attempts tell why
            yield object(), time.monotonic() + self.every

    def talk_tcp(self, line: Line, address: str) -> Generator[Any, Any, None]:
        """A connection until it is cut."""
        asking, code = self.asker.call(address, line[1])
        with asking:
            until = time.monotonic() + PATIENCE
            found = TIMED_OUT if code else (yield from self.asker.greeting(asking, until, until))
            if found[2]:
                yield from Talk(self, line, asking, found).run()

    def talk_udp(self, line: Line, address: str) -> Generator[Any, Any, None]:
        """Datagrams from one port, for ever."""
        with self.asker.bound(address) as asking:
            asking.connect((address, line[1]))
            yield from Talk(self, line, asking, None).run()


class Talk:
    """Numbered messages over one socket. `responder` has said who it is (TCP), or says so in every datagram (None)."""

    def __init__(self, cell: Cell, line: Line, asking: socket.socket, responder: Answer | None) -> None:
        self.cell, self.line, self.asking, self.responder = cell, line, asking, responder
        self.open: dict[int, list[Any]] = {}
        self.number, self.rest = 0, b""
        self.heard = self.due = time.monotonic()

    def run(self) -> Generator[Any, Any, None]:
        """Until nobody wants to know, or it is cut, or over TCP nothing has come for long."""
        while self.cell.line is self.line:
            now = time.monotonic()
            self.expire(now)
            if self.responder and now - self.heard > GIVE_UP:
                return
            try:
                if now >= self.due:
                    self.send(now)
                until = min([self.due, *(entry[0] + PATIENCE for entry in self.open.values())])
                if (yield self.asking.fileno(), until) is not None:
                    self.receive()
            except OSError as fault:
                while icmp_error(self.asking)[0]:
                    pass  # an error that stays in the queue would be told for ever
                if self.responder and fault.errno in ENDS:
                    self.tell(refusal(errno.ECONNRESET if fault.errno == errno.EPIPE else fault.errno), *self.open)
                    return
                self.tell(refusal(fault.errno), *list(self.open)[:1])
            except EOFError:
                self.tell(CLOSED, *self.open)
                return

    def expire(self, now: float) -> None:
        """What has waited long enough."""
        for number in [number for number, entry in self.open.items() if entry[0] + PATIENCE <= now]:
            self.open.pop(number)[1] = TIMED_OUT

    def send(self, now: float) -> None:
        """The next message."""
        self.due, self.number = max(self.due + self.cell.every, now), self.number + 1
        self.open[self.number] = self.cell.connection.add(now)
        with suppress(BlockingIOError):  # the way is full of what was not taken: it is not answered
            self.asking.send((b"%019d\n" % self.number).rjust(NUMBER if self.responder else DATAGRAM, b"."))

    def receive(self) -> None:
        """What came back: each number is an answer. Raises EOFError where the other side has closed."""
        try:
            data = self.asking.recv(4096)
        except BlockingIOError:
            code, _ = icmp_error(self.asking)
            if code:
                raise OSError(code, "") from None
            return
        if self.responder and not data:
            raise EOFError
        self.heard, self.rest = time.monotonic(), (self.rest if self.responder else b"") + data
        if self.responder:
            while len(self.rest) >= NUMBER:
                self.answered(self.rest[:NUMBER], self.responder)
                self.rest = self.rest[NUMBER:]
        else:
            self.answered(data[-NUMBER:], who(data.partition(b"\n")[0]))

    def answered(self, number: bytes, answer: Answer) -> None:
        """A message came back. One that is too late, or no number, is nobody's."""
        entry = self.open.pop(int(number), None) if number.strip().isdigit() else None
        if entry:
            entry[1] = answer

    def tell(self, answer: Answer, *numbers: int) -> None:
        """The same answer for these messages; for none of them: for one of now."""
        for entry in [self.open.pop(number) for number in numbers] or [self.cell.connection.add(time.monotonic())]:
            entry[1] = answer


def put(entry: list[Any], answer: list[Any]) -> None:
    """An attempt's answer, without its latency."""
    kind, responder, seen, _, detail = answer
    entry[1] = kind, responder, seen, detail


class Watch:
    """All watched cells of an agent, by the key that the session gave them."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.cells: dict[str, Cell] = {}

    def set(self, lines: dict[str, Line], every: float) -> None:
        """Watches these cells and no others. One that is watched already goes on."""
        for key in {**self.cells, **lines}:
            self.cells.setdefault(key, Cell(self.asker)).aim(lines.get(key), every)

    def report(self) -> Generator[Any, Any, dict[str, Any]]:
        """What every cell has seen since the last time. Waits until all that was asked before now has its answer."""
        now = time.monotonic()
        trails = [trail for cell in self.cells.values() for trail in (cell.attempts, cell.connection)]
        while any(trail.is_waiting(now) for trail in trails) and time.monotonic() < now + 2 * PATIENCE:
            yield object(), time.monotonic() + 0.02
        found = {key: {"attempts": cell.attempts.take(), "connection": cell.connection.take()} for key, cell in self.cells.items()}
        self.cells = {key: cell for key, cell in self.cells.items() if cell.line is not None}
        return found

"""The questions."""

from __future__ import annotations

import errno
import random
import socket
import struct
import time

from conformance.probe.agent.answers import (
    ANSWERED_BY_NOBODY,
    CHANGED_CAME_BACK,
    CLOSED_WITHOUT_A_WORD,
    IPV4,
    IPV6,
    NOTHING_CAME_BACK,
    PART_CAME_BACK,
    TIMED_OUT,
    broken,
    content,
    family_of,
    icmp_error,
    refusal,
    who,
)
from conformance.probe.agent.loop import Both
from conformance.probe.agent.names import Resolver
from conformance.probe.agent.packets import INIT, icmp_echo, sctp_packet
from conformance.probe.agent.raw import RECVERR, Raw
from conformance.probe.agent.serving import MAY_FRAGMENT, PIECE, WHO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from conformance.probe.agent.answers import Answer, Line, Waits
    from conformance.probe.agent.loop import Loop
    from conformance.probe.agent.raw import Self

RESEND = 0.17
"""Seconds after which a datagram that was not answered is sent again."""

SECONDS_A_BYTE = 2e-6
"""How much longer a big question may take once it has been answered: 2 s for a million bytes."""

BIND_ADDRESS_NO_PORT = 24
RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: closed by a reset, so that no TIME_WAIT is left anywhere."""

FAMILY_CALLED: dict[str, int] = {"ipv4": IPV4, "ipv6": IPV6}


class Asker:
    """Asks questions of all protocols."""

    def __init__(self, agent: Self, loop: Loop, resolver: Resolver) -> None:
        self.bind, self.families, self.mark, self.loop, self.resolver = agent.bind, agent.families, agent.mark, loop, resolver
        self.number = random.getrandbits(15)
        self.raw = {(protocol, family): Raw(agent, loop, protocol, family) for protocol in ("ICMP", "SCTP") for family in self.families}

    def next_number(self) -> int:
        """The next source port: never one of the last minutes, which might still count as an established flow."""
        self.number = (self.number + 1) % 32768
        return 28000 + self.number

    def open(self, address: str, kind: int) -> socket.socket:
        """A socket to ask with, which hears of every ICMP error, also of those that a kernel takes for passing ones."""
        family = family_of(address)
        asking = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        asking.setsockopt(*RECVERR[family], 1)
        return asking

    def call(self, address: str, port: int) -> tuple[socket.socket, int]:
        """A TCP socket that is about to be connected, and the error that came at once, or 0."""
        asking = self.open(address, socket.SOCK_STREAM)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if self.bind:
            asking.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
            asking.bind((self.bind[family_of(address)], 0))
        code = asking.connect_ex((address, port))
        return asking, 0 if code == errno.EINPROGRESS else code

    def ask_tcp(self, address: str, port: int, size: int, until: float) -> Waits:
        """Connects and waits for the server's line. A first packet that is lost is sent anew after half of the time, as
        datagrams are: the kernel would wait for a second.
        """
        half = (time.monotonic() + until) / 2
        found = yield from self.connect(address, port, size, half, until)
        return (yield from self.connect(address, port, size, until, until)) if found is TIMED_OUT and time.monotonic() < until else found

    def connect(self, address: str, port: int, size: int, connected_by: float, until: float) -> Waits:
        """One connection, given up where it is not made in time."""
        asking, code = self.call(address, port)
        with asking:
            if code:
                return refusal(code, at_once=True)
            found = yield from self.greeting(asking, connected_by, until)
            if size and found[1]:
                wrong = yield from self.there_and_back(asking, size, until + size * SECONDS_A_BYTE)
                return wrong or found
            return found

    def greeting(self, asking: socket.socket, connected_by: float, until: float) -> Waits:
        """Waits for the server's line."""
        line, patience = b"", connected_by
        while b"\n" not in line and len(line) < 512:
            if (yield asking.fileno(), patience) is None:
                try:
                    asking.getpeername()
                except OSError:
                    return TIMED_OUT
                if patience >= until:
                    return ANSWERED_BY_NOBODY
                patience = until
                continue
            try:
                data = asking.recv(512)
            except BlockingIOError:  # an ICMP error that came while `connect` was under way waits in the queue only
                code, _ = icmp_error(asking)
                if code:
                    return refusal(code)
                continue
            if not data:
                return who(line) if line else CLOSED_WITHOUT_A_WORD
            line += data
        return who(line)

    def there_and_back(self, asking: socket.socket, size: int, until: float) -> Generator[Any, Any, Answer | None]:
        """Sends bytes and reads them back at the same time. Gives what was wrong."""
        sent = came = 0
        while came < size:
            if (yield Both(asking.fileno()) if sent < size else asking.fileno(), until) is None:
                return PART_CAME_BACK if came else NOTHING_CAME_BACK
            try:
                if sent < size:
                    sent += asking.send(content(sent, min(PIECE, size - sent)))
            except BlockingIOError:
                pass  # the way is full: what is on it comes back first
            try:
                data = asking.recv(PIECE)
            except BlockingIOError:
                icmp_error(asking)  # "too big" is told to the kernel as well, which sends smaller packets then
                continue
            if not data:
                return PART_CAME_BACK if came else NOTHING_CAME_BACK
            if data != content(came, len(data)):
                return CHANGED_CAME_BACK
            came += len(data)
        return None

    def bound(self, address: str) -> socket.socket:
        """A datagram socket with a source port of its own."""
        asking = self.open(address, socket.SOCK_DGRAM)
        for _ in range(99):
            try:
                asking.bind((self.bind.get(family_of(address), ""), self.next_number()))
                break
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE:
                    asking.close()
                    raise
        return asking

    def ask_udp(self, address: str, port: int, size: int, until: float) -> Waits:
        """Sends datagrams until one is answered."""
        with self.bound(address) as asking:
            message = content(0, size) if size else WHO
            if size:
                asking.setsockopt(*MAY_FRAGMENT[family_of(address)])
            code = asking.connect_ex((address, port))
            if code:
                return refusal(code, at_once=True)
            while time.monotonic() < until:
                try:
                    asking.send(message)
                    if (yield asking.fileno(), min(until, time.monotonic() + RESEND)) is not None:
                        return datagram(asking.recv(65536), size) if size else who(asking.recv(512))
                except BlockingIOError:  # a full queue, or what came was no good: it is sent again
                    yield object(), min(until, time.monotonic() + RESEND)
                except OSError as fault:  # "too big": a router has said so, and the kernel now cuts it; or lost before it left the node
                    if fault.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                        raise
                    icmp_error(asking)
                    yield object(), min(until, time.monotonic() + RESEND / 4)
            return TIMED_OUT

    def ask_icmp(self, address: str, until: float) -> Waits:
        """Sends echo requests until one is answered."""
        raw, number = self.raw["ICMP", family_of(address)], self.next_number()
        while not raw.cannot and time.monotonic() < until:
            code = raw.send(icmp_echo(raw.family, self.mark, number), address)
            if code:
                return refusal(code, at_once=True)
            found: Answer | None = yield ("ICMP", raw.family, number), min(until, time.monotonic() + RESEND)
            if found:
                return found
        return broken(raw.cannot) if raw.cannot else TIMED_OUT

    def ask_sctp(self, address: str, port: int, until: float) -> Waits:
        """Sends INIT until INIT-ACK or ABORT comes.

        An ABORT that is not an agent's may come from a kernel that knows SCTP but not the agent's raw socket, which
        answers as well: so the INIT-ACK is waited for.
        """
        raw, number, tag, last = self.raw["SCTP", family_of(address)], self.next_number(), random.getrandbits(32) or 1, TIMED_OUT
        while not raw.cannot and time.monotonic() < until:
            code = raw.send(sctp_packet(number, port, 0, INIT, tag, None), address)
            if code:
                return refusal(code, at_once=True)
            resend = min(until, time.monotonic() + RESEND)
            while True:
                found = yield ("SCTP", raw.family, number), resend
                if found is None:
                    break
                if len(found) == len(TIMED_OUT):  # an ICMP error
                    return found  # type: ignore[no-any-return]
                if found[0] == tag and found[1]:
                    return found[1]  # type: ignore[no-any-return]
                if found[0] == tag:
                    last = refusal(errno.ECONNREFUSED)
        return broken(raw.cannot) if raw.cannot else last

    def ask(self, line: Line, timeout: float, done: Callable[[list[Any]], None]) -> Generator[Any, Any, None]:
        """One question; `done` gets its answer, whatever happens."""
        (address, port, protocol, size, family), began = line, time.monotonic()
        until = began + timeout
        try:
            found = broken("this probe has no address of the family of " + address)
            if family:
                address, found = yield from self.resolver.resolve(self, address, FAMILY_CALLED[family], until)
                until = time.monotonic() + timeout  # a busy name server takes nothing of the destination's time
            if address and family_of(address) in self.families:
                if protocol == "TCP":
                    found = yield from self.ask_tcp(address, port, size, until)
                elif protocol == "UDP":
                    found = yield from self.ask_udp(address, port, size, until)
                else:
                    found = yield from self.ask_icmp(address, until) if protocol == "ICMP" else self.ask_sctp(address, port, until)
        except OSError as fault:
            found = refusal(fault.errno)
        kind, responder, seen, detail = found
        done([kind, responder, seen, round(time.monotonic() - began, 5), detail])


def datagram(data: bytes, size: int) -> Answer:
    """What a server's datagram says. To a big question it is as long as that, and all but the server's line is unchanged."""
    line, end, rest = data.partition(b"\n")
    found = who(line)
    if found[2] is None:
        return found
    if len(data) < size:
        return PART_CAME_BACK
    return found if end and rest == content(0, size)[len(line) + 1 :] else CHANGED_CAME_BACK


def line_of(words: Any) -> Line:
    """A question as it stands in a request. Raises ValueError, TypeError, OSError or KeyError for what is none."""
    address, port, protocol, size, family = [*words, *(0, "")[len(words) - 3 :]] if len(words) < 5 else words
    if family:
        FAMILY_CALLED[family]
    else:
        socket.inet_pton(family_of(address), address)
    if protocol not in ("TCP", "UDP", "ICMP", "SCTP"):
        raise ValueError(f"no protocol: {protocol!r}")
    if size and protocol not in ("TCP", "UDP"):
        raise ValueError(f"no sizes over {protocol}")
    return str(address), int(port), str(protocol), int(size), str(family)

"""The probe agent: serves ports, and asks the ports of others. One process, one loop, the standard library of Python 3.8+.

    python3 agent.py CONFIG        python3 -c "$(cat agent.py)" CONFIG

CONFIG is JSON: `{"identity": text, "serves": [[80, "TCP"], …], "bind": [address, …] or null, "ends_with_stdin": bool}`.
Without `bind` it serves all addresses of both families, as far as they are there. A server answers with one line:
its identity and the address that it saw.

It speaks JSON lines. In: `{"id": n, "timeout": seconds, "ask": [[address, port, protocol], …]}`, `{"hello": true}`,
`{"end": true}`. Out, for each request when all its answers are there:
`{"id": n, "took": seconds, "answers": [[kind, responder, source seen, latency, detail], …],
"serving": [[port, protocol, family], …], "late": seconds}`. `serving` are the own ports that answered the agent itself
while it asked ("Pods cannot currently block localhost access", NetworkPolicy documentation). `late` is the longest time
since the last reply for which this process wanted to run and did not: for so long its servers were silent.
On start and for `hello`: `{"hello": identity, "instance": text, "cannot": {protocol/family: why}, "faults": [text, …],
"cpu": seconds, "memory": peak in KiB}`. A line that is none of these: `{"id": its id or null, "error": text}`.

A TCP connection over which nothing comes before the time is up is "timed-out": no server answered. One that is closed
without a word is "connected" to nobody: something out there took it. An ICMP echo names its responder by address.
"""

from __future__ import annotations

import errno
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module `typing` would cost each probe a megabyte
    from collections.abc import Callable, Generator, Iterator
    from typing import Any, Optional, Tuple  # noqa: UP035

    Answer = Tuple[str, Optional[str], Optional[str], str]  # noqa: UP006, UP045 (what Python 3.8 has)
    Waits = Generator[Tuple[Any, float], Any, Answer]  # noqa: UP006

BEAT = 0.05
"""Seconds between two looks at how late the process runs."""

RESEND = 0.17
"""Seconds after which a datagram that was not answered is sent again."""

SCTP, INIT, INIT_ACK, ABORT, STATE_COOKIE, USER_ABORT = 132, 1, 2, 6, 7, 12  # RFC 9260, sections 3.2, 3.3.3.1 and 3.3.10.12
IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
FAMILY: dict[int, str] = {IPV4: "ipv4", IPV6: "ipv6"}
RECVERR: dict[int, tuple[int, int]] = {IPV4: (socket.IPPROTO_IP, 11), IPV6: (socket.IPPROTO_IPV6, 25)}
BIND_ADDRESS_NO_PORT = 24
ICMP_REFUSALS = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EHOSTDOWN, errno.ENOPROTOOPT, errno.EPROTO)
TIMED_OUT: Answer = ("timed-out", None, None, "")
ANSWERED_BY_NOBODY: Answer = ("timed-out", None, None, "a connection was made, but nobody answered over it")
CLOSED_WITHOUT_A_WORD: Answer = ("connected", None, None, "the connection was closed without a word")


class Loop:
    """Runs generators. Each yields (key, until) and goes on with what is delivered for that key, or None when time is over.

    A key is a file descriptor that is to become readable, or anything else that `deliver` is called with. What came in
    time is delivered before anybody is told that time is over, however late this process itself is.
    """

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.readers: dict[int, Callable[[int], None]] = {}
        self.waiting: dict[Any, tuple[int, Generator[Any, Any, Any]]] = {}
        self.timers: list[tuple[float, int, Any]] = []
        self.number, self.late = 0, 0.0

    def read(self, descriptor: int, reader: Callable[[int], None]) -> None:
        """Calls `reader(events)` each time the descriptor is readable or has an error."""
        self.poll.register(descriptor, select.EPOLLIN)
        self.readers[descriptor] = reader

    def start(self, task: Generator[Any, Any, Any], value: Any = None) -> None:
        """Runs a generator up to its next wait."""
        try:
            key, until = task.send(value)
        except StopIteration:
            return
        self.number += 1
        self.waiting[key] = self.number, task
        if isinstance(key, int):
            self.poll.register(key, select.EPOLLIN)
        heapq.heappush(self.timers, (until, self.number, key))

    def deliver(self, key: Any, value: Any) -> None:
        """Goes on with the generator that waits for the key, if there is one."""
        if key in self.waiting:
            _, task = self.waiting.pop(key)
            if isinstance(key, int):
                self.poll.unregister(key)
            self.start(task, value)

    def beat(self) -> Generator[Any, Any, None]:
        """Keeps `late`, the longest delay of a timer."""
        while True:
            due = time.monotonic() + BEAT
            yield object(), due
            self.late = max(self.late, time.monotonic() - due)

    def is_over(self, timer: tuple[float, int, Any]) -> bool:
        """Nobody waits for this timer any more."""
        return self.waiting.get(timer[2], (0,))[0] != timer[1]

    def turn(self) -> None:
        """Waits for the next thing to happen and does all that has happened."""
        while self.timers and self.is_over(self.timers[0]):
            heapq.heappop(self.timers)
        events = self.poll.poll(max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None)
        now = time.monotonic()
        for descriptor, event in events:
            if descriptor in self.readers:
                self.readers[descriptor](event)
            else:
                self.deliver(descriptor, event)
        while self.timers and self.timers[0][0] <= now:
            timer = heapq.heappop(self.timers)
            if not self.is_over(timer):
                self.deliver(timer[2], None)


def refusal(code: int | None, *, at_once: bool = False) -> Answer:
    """The answer for an error of the network. Where asking itself gave it (`at_once`), "network unreachable" is a route
    that this pod does not have.
    """
    words = os.strerror(code or 0)
    if at_once and code == errno.ENETUNREACH:
        return broken("no route: " + words)
    if code in (errno.ECONNREFUSED, errno.ECONNRESET):
        return "refused", None, None, words
    if code in ICMP_REFUSALS:
        return "prohibited", None, None, words
    return TIMED_OUT if code == errno.ETIMEDOUT else broken(words)


def broken(why: str) -> Answer:
    """The answer for a question that this agent could not ask."""
    return "broken", None, None, why


def icmp_error(asking: socket.socket) -> tuple[int, bytes]:
    """The next error of a socket's error queue (`sock_extended_err` of ip(7)) with the packet that it is about; 0 for none."""
    try:
        quoted, ancillary, _, _ = asking.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return 0, b""
    return int(struct.unpack_from("I", ancillary[0][2])[0]) if ancillary else 0, quoted


def who(text: bytes) -> Answer:
    """A server's line "identity address" as an answer. A stranger's words are its identity."""
    words = text.decode("ascii", "replace").strip()[:200]
    responder, _, seen = words.partition(" ")
    if seen and " " not in seen:
        return "connected", responder, seen, ""
    return "connected", words, None, "these words are from something that is no probe agent"


def family_of(address: str) -> int:
    """The address family."""
    return IPV6 if ":" in address else IPV4


def plain(address: str) -> str:
    """The address without a zone."""
    return address.partition("%")[0]


def say(document: dict[str, Any]) -> None:
    """Writes one line to the session, all of it."""
    data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise SystemExit(0) from None  # the session has gone


def crc32c_table() -> list[int]:
    """For `crc32c`, by its reversed polynomial."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = crc32c_table()


def crc32c(data: bytes) -> int:
    """SCTP's checksum (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC32C[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def sctp_packet(source: int, destination: int, tag: int, kind: int, own_tag: int | None, extra: tuple[int, bytes] | None) -> bytes:
    """An SCTP packet with one chunk. INIT and INIT-ACK carry the sender's own tag; `extra` is a parameter or error cause."""
    body = struct.pack("!IIHHI", own_tag, 65536, 1, 1, own_tag) if own_tag is not None else b""
    if extra:
        body += struct.pack("!HH", extra[0], 4 + len(extra[1])) + extra[1] + bytes(-len(extra[1]) % 4)
    head, chunk = struct.pack("!HHI", source, destination, tag), struct.pack("!BBH", kind, 0, 4 + len(body)) + body
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def icmp_echo(family: int, mark: int, number: int) -> bytes:
    """An echo request (RFC 792, RFC 4443). IPv6's checksum is made by the kernel."""
    if family == IPV6:
        return struct.pack("!BBHHH", 128, 0, 0, mark, number)
    total = 0x0800 + mark + number
    return struct.pack("!BBHHH", 8, 0, 0xFFFF - (total & 0xFFFF) - (total >> 16) & 0xFFFF, mark, number)


class Raw:
    """The raw socket that all ICMP or SCTP questions of a family share. `cannot` says why there is none.

    What comes back is delivered under (protocol, family, the source port or number that the question sent).
    """

    def __init__(self, agent: Agent, protocol: str, family: int) -> None:
        self.agent, self.protocol, self.family, self.cannot, self.is_raw = agent, protocol, family, "", True
        number = SCTP if protocol == "SCTP" else socket.IPPROTO_ICMP if family == IPV4 else socket.IPPROTO_ICMPV6
        try:
            self.socket = self.open(number)
        except PermissionError:
            self.cannot = protocol + " needs the capability NET_RAW, which this probe does not have"
            return
        except OSError as fault:
            self.cannot = "no raw socket: " + os.strerror(fault.errno or 0)
            return
        self.socket.setblocking(False)  # noqa: FBT003 (the standard library's way)
        self.socket.setsockopt(*RECVERR[family], 1)
        if family in agent.bind:
            self.socket.bind((agent.bind[family], 0))
        if protocol == "ICMP" and self.is_raw:  # echo replies only: ICMP_FILTER of raw(7), ICMP6_FILTER of RFC 3542
            level, first = (255, [0xFFFFFFFE]) if family == IPV4 else (number, [0xFFFFFFFF] * 4 + [0xFFFFFFFD] + [0xFFFFFFFF] * 3)
            self.socket.setsockopt(level, 1, struct.pack("%dI" % len(first), *first))  # noqa: UP031 (a count)
        agent.loop.read(self.socket.fileno(), self.arrived)

    def open(self, number: int) -> socket.socket:
        """A raw socket; for ICMP a "ping socket" where the pod may have that only."""
        try:
            return socket.socket(self.family, socket.SOCK_RAW, number)
        except PermissionError:
            if self.protocol == "SCTP":
                raise
            self.is_raw = False
            return socket.socket(self.family, socket.SOCK_DGRAM, number)

    def arrived(self, events: int) -> None:
        """Reads all that has come: ICMP errors, which quote what they are about, and packets."""
        code, quoted = icmp_error(self.socket) if events & select.EPOLLERR else (0, b"")
        while code:
            self.deliver(struct.unpack_from("!H", quoted.ljust(8, b"\0"), 6 if self.protocol == "ICMP" else 0)[0], refusal(code))
            code, quoted = icmp_error(self.socket)
        try:
            while True:
                data, sender = self.socket.recvfrom(2048)
                if self.is_raw and self.family == IPV4:
                    data = data[(data[0] & 15) * 4 :]
                (self.icmp if self.protocol == "ICMP" else self.sctp)(data, plain(sender[0]))
        except OSError:
            pass  # nothing more is there; an error was told in full by the queue above

    def deliver(self, number: int, answer: Any) -> None:
        """Hands something to the question that sent this number."""
        self.agent.loop.deliver((self.protocol, self.family, number), answer)

    def icmp(self, data: bytes, sender: str) -> None:
        """An echo reply. Who sent it is known by its address only."""
        if len(data) >= 8 and (not self.is_raw or struct.unpack_from("!H", data, 4)[0] == self.agent.mark):
            self.deliver(struct.unpack_from("!H", data, 6)[0], ("connected", sender, None, ""))

    def sctp(self, data: bytes, sender: str) -> None:
        """An INIT is answered as a server; INIT-ACK and ABORT are answers to our own questions: (tag, answer or None)."""
        if len(data) < 16 or struct.unpack_from("<I", data, 8)[0] != crc32c(data[:8] + bytes(4) + data[12:]):
            return
        source, destination, tag = struct.unpack_from("!HHI", data)
        kind, body, name = data[12], data[16:], (self.agent.identity + " " + sender).encode()
        if kind == INIT and tag == 0 and len(body) >= 16:
            if (destination, "SCTP") in self.agent.serves:
                reply: tuple[int, int | None, tuple[int, bytes]] = INIT_ACK, random.getrandbits(32) or 1, (STATE_COOKIE, name)
            else:
                reply = ABORT, None, (USER_ABORT, name)
            self.send(sctp_packet(destination, source, struct.unpack_from("!I", body)[0], *reply), sender)
        elif kind == INIT_ACK and len(body) >= 20:
            self.deliver(destination, (tag, who(body[20 : 16 + struct.unpack_from("!H", body, 18)[0]])))
        elif kind == ABORT:
            self.deliver(destination, (tag, refusal(errno.ECONNREFUSED) if body[:2] == struct.pack("!H", USER_ABORT) else None))

    def send(self, packet: bytes, address: str) -> int:
        """Sends; gives the error, or 0."""
        try:
            self.socket.sendto(packet, (address, 0))
        except BlockingIOError:
            return 0  # it is sent again soon
        except OSError as fault:
            return fault.errno or 0
        return 0


class Agent:
    """The servers, the questions and the talk with the session."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.identity: str = config["identity"]
        self.serves = {(int(port), str(protocol)) for port, protocol in config["serves"]}
        self.bind: dict[int, str] = {family_of(address): address for address in config.get("bind") or ()}
        self.families = list(self.bind) or [IPV4, IPV6]
        self.ends_with_stdin = bool(config.get("ends_with_stdin"))
        self.instance, self.mark, self.number = f"{random.getrandbits(32):08x}", random.getrandbits(16), random.getrandbits(15)
        self.loop, self.rest, self.faults, self.servers = Loop(), b"", [], []  # type: ignore[var-annotated]
        self.raw = {(protocol, family): Raw(self, protocol, family) for protocol in ("ICMP", "SCTP") for family in self.families}
        for port, protocol in sorted(self.serves):
            for family in self.families if protocol in ("TCP", "UDP") else []:
                self.serve(family, port, protocol)

    def serve(self, family: int, port: int, protocol: str) -> None:
        """Opens one port of one family."""
        try:
            server = socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
        except OSError:
            return  # a machine without this family has no addresses of it that anybody could ask
        server.setblocking(False)  # noqa: FBT003
        if family == IPV6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            if protocol == "TCP":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((self.bind.get(family, ""), port))
            if protocol == "TCP":
                server.listen(1024)
        except OSError as fault:
            self.faults.append(f"cannot serve {port}/{protocol} over {FAMILY[family]}: {os.strerror(fault.errno or 0)}")
            server.close()
            return
        self.servers.append(server)
        self.loop.read(server.fileno(), lambda _: (self.accept if protocol == "TCP" else self.echo)(server))

    def accept(self, server: socket.socket) -> None:
        """Says to all who have connected who this is."""
        try:
            while True:
                client, address = server.accept()
                with client:
                    client.send(f"{self.identity} {plain(address[0])}\n".encode())
        except OSError:
            pass  # nobody else waits, or this one has gone again: the loop comes back for the rest

    def echo(self, server: socket.socket) -> None:
        """The same for datagrams."""
        try:
            while True:
                _, address = server.recvfrom(512)
                server.sendto(f"{self.identity} {plain(address[0])}".encode(), address)
        except OSError:
            pass

    def next_number(self) -> int:
        """The next source port: never one of the last minutes, which might still count as an established flow."""
        self.number = (self.number + 1) % 32768
        return 28000 + self.number

    def asker(self, address: str, kind: int) -> socket.socket:
        """A socket to ask with, which hears of every ICMP error, also of those that a kernel takes for passing ones."""
        asking = socket.socket(family_of(address), kind)
        asking.setblocking(False)  # noqa: FBT003
        asking.setsockopt(*RECVERR[family_of(address)], 1)
        return asking

    def ask_tcp(self, address: str, port: int, until: float) -> Waits:
        """Connects and waits for the server's line. A first packet that is lost is sent anew after half of the time, as
        datagrams are: the kernel would wait for a second.
        """
        half = (time.monotonic() + until) / 2
        found = yield from self.connect(address, port, half, until)
        return (yield from self.connect(address, port, until, until)) if found is TIMED_OUT and time.monotonic() < until else found

    def connect(self, address: str, port: int, connected_by: float, until: float) -> Waits:
        """One connection, given up where it is not made in time."""
        with self.asker(address, socket.SOCK_STREAM) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset: no TIME_WAIT is left anywhere
            if self.bind:
                asking.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
                asking.bind((self.bind[family_of(address)], 0))
            code = asking.connect_ex((address, port))
            if code not in (0, errno.EINPROGRESS):
                return refusal(code, at_once=True)
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

    def ask_udp(self, address: str, port: int, until: float) -> Waits:
        """Sends datagrams until one is answered."""
        with self.asker(address, socket.SOCK_DGRAM) as asking:
            for _ in range(99):
                try:
                    asking.bind((self.bind.get(family_of(address), ""), self.next_number()))
                    break
                except OSError as fault:
                    if fault.errno != errno.EADDRINUSE:
                        raise
            code = asking.connect_ex((address, port))
            if code:
                return refusal(code, at_once=True)
            while time.monotonic() < until:
                try:
                    asking.send(b"who is there?")
                    if (yield asking.fileno(), min(until, time.monotonic() + RESEND)) is not None:
                        return who(asking.recv(512))
                except BlockingIOError:  # a full queue, or what came was no good: it is sent again
                    yield object(), min(until, time.monotonic() + RESEND)
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

    def ask(self, question: tuple[str, int, str], timeout: float, done: Callable[[list[Any]], None]) -> Generator[Any, Any, None]:
        """One question; `done` gets its answer, whatever happens."""
        (address, port, protocol), began = question, time.monotonic()
        try:
            if family_of(address) not in self.families:
                kind, responder, seen, detail = broken("this probe has no address of the family of " + address)
            elif protocol == "ICMP":
                kind, responder, seen, detail = yield from self.ask_icmp(address, began + timeout)
            else:
                way = {"TCP": self.ask_tcp, "UDP": self.ask_udp, "SCTP": self.ask_sctp}[protocol]
                kind, responder, seen, detail = yield from way(address, port, began + timeout)
        except OSError as fault:
            kind, responder, seen, detail = refusal(fault.errno)
        done([kind, responder, seen, round(time.monotonic() - began, 5), detail])

    def own_ports(self) -> Iterator[tuple[tuple[str, int, str], list[Any]]]:
        """(question, port) for each port that should be serving, asked at home."""
        for port, protocol in sorted(self.serves):
            for family in self.families:
                if protocol != "SCTP" or not self.raw["SCTP", family].cannot:
                    home = self.bind.get(family) or ("127.0.0.1" if family == IPV4 else "::1")
                    yield (home, port, protocol), [port, protocol, FAMILY[family]]

    def answer(self, number: Any, timeout: float, asked: list[tuple[str, int, str]]) -> None:
        """Asks everything at once, the own ports included, and says the answers when all are there."""
        own, began = list(self.own_ports()), time.monotonic()
        questions = asked + [question for question, _ in own]
        answers: list[list[Any]] = [[]] * len(questions)
        left = [len(questions)]

        def done(place: int, answer: list[Any]) -> None:
            answers[place] = answer
            left[0] -= 1
            if not left[0]:
                finish()

        def finish() -> None:
            serving = [port for place, (_, port) in enumerate(own, len(asked)) if answers[place][1] == self.identity]
            late, self.loop.late = round(self.loop.late, 3), 0.0
            took = round(time.monotonic() - began, 4)
            say({"id": number, "took": took, "answers": answers[: len(asked)], "serving": serving, "late": late})

        for place, question in enumerate(questions):
            self.loop.start(self.ask(question, timeout, lambda answer, place=place: done(place, answer)))  # type: ignore[misc]
        if not questions:
            finish()

    def request(self, line: bytes) -> None:
        """Does what a line asks for."""
        number = None
        try:
            wanted = json.loads(line)
            number = wanted.get("id")
            if wanted.get("end"):
                raise SystemExit(0)
            if wanted.get("hello"):
                self.hello()
                return
            asked = [(str(address), int(port), str(protocol)) for address, port, protocol in wanted["ask"]]
            for address, _, protocol in asked:
                socket.inet_pton(family_of(address), address)
                if protocol not in ("TCP", "UDP", "ICMP", "SCTP"):
                    raise ValueError(f"no protocol: {protocol!r}")
            timeout = float(wanted["timeout"])
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as fault:
            say({"id": number, "error": "{}: {} in {!r}".format(type(fault).__name__, fault, line[:200].decode("ascii", "replace"))})
            return
        self.answer(number, timeout, asked)

    def hello(self) -> None:
        """Says who this is and what it can do."""
        cannot = {f"{protocol}/{FAMILY[family]}": raw.cannot for (protocol, family), raw in self.raw.items() if raw.cannot}
        with open("/proc/self/status") as status:  # noqa: PTH123 (`pathlib` would cost each probe a megabyte)
            memory = next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
        spent = {"cpu": round(time.process_time(), 4), "memory": memory}
        say({"hello": self.identity, "instance": self.instance, "cannot": cannot, "faults": self.faults, **spent})

    def listen(self, _: int) -> None:
        """Reads requests."""
        data = os.read(0, 65536)
        if not data:
            if self.ends_with_stdin:
                raise SystemExit(0)
            self.loop.poll.unregister(0)
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.request(line)

    def run(self) -> None:
        """Serves and answers until told to end."""
        try:
            self.loop.read(0, self.listen)
        except PermissionError:
            self.faults.append("standard input is no stream: nobody can ask this probe")
        self.hello()
        self.loop.start(self.loop.beat())
        while True:
            self.loop.turn()


def main() -> None:
    """Ends at once on SIGTERM: as process 1 of a container nobody else would do it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Agent(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()

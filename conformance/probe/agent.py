"""The probe agent: serves ports, and asks the ports of others. One process, one loop, the standard library of Python 3.8+.

    python3 agent.py CONFIG        python3 -c "$(cat agent.py)" CONFIG

CONFIG is JSON: `{"identity": text, "serves": [[80, "TCP"], …], "bind": [address, …] or null, "ends_with_stdin": bool}`.
Without `bind` it serves all addresses of both families, as far as they are there. A server answers with one line:
its identity and the address that it saw.

It speaks JSON lines. In: `{"id": n, "timeout": seconds, "ask": [[address, port, protocol], …]}`, `{"hello": true}`,
`{"end": true}`. Out, for each request when all its answers are there:
`{"id": n, "took": seconds, "answers": [[kind, responder, source seen, latency, detail], …], "serving": [[port, protocol, family], …]}`;
`serving` are the own ports that answered the agent itself while it asked ("Pods cannot currently block localhost access",
NetworkPolicy documentation). On start and for `hello`: `{"hello": identity, "instance": text, "cannot": {protocol/family: why}, "faults": [text, …]}`.
A line that is none of these is answered with `{"error": text}`.

A TCP connection over which nothing comes before the time is up is "timed-out": no server answered. One that is closed
without a word is "connected" to nobody: something out there took it.
"""

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

RESEND = 0.17
"""Seconds after which a datagram that was not answered is sent again."""

SCTP, SO_RECVERR = 132, {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
INIT, INIT_ACK, ABORT, STATE_COOKIE, USER_ABORT = 1, 2, 6, 7, 12  # RFC 9260, sections 3.2, 3.3.3.1 and 3.3.10.12
FAMILY = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
REFUSED, PROHIBITED = ("refused", None, None), ("prohibited", None, None)
TIMED_OUT = ("timed-out", None, None, "")
ICMP_REFUSALS = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EHOSTDOWN, errno.ENOPROTOOPT, errno.EPROTO)


class Loop:
    """Runs generators. Each yields (key, until) and goes on with what is delivered for that key, or None when time is over.

    A key is a file descriptor that is to become readable, or anything else that `deliver` is called with. What came in
    time is delivered before anybody is told that time is over, however late this process itself is.
    """

    def __init__(self):
        self._poll, self._readers, self._waiting, self._timers, self._number = select.epoll(), {}, {}, [], 0

    def read(self, descriptor, reader):
        """Calls `reader(events)` each time the descriptor is readable or has an error."""
        self._poll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = reader

    def forget(self, descriptor):
        """Ends `read`."""
        self._poll.unregister(descriptor)
        del self._readers[descriptor]

    def start(self, task, value=None):
        """Runs a generator up to its next wait."""
        try:
            key, until = task.send(value)
        except StopIteration:
            return
        self._number += 1
        self._waiting[key] = self._number, task
        if isinstance(key, int):
            self._poll.register(key, select.EPOLLIN)
        heapq.heappush(self._timers, (until, self._number, key))

    def deliver(self, key, value):
        """Goes on with the generator that waits for the key, if there is one."""
        if key in self._waiting:
            _, task = self._waiting.pop(key)
            if isinstance(key, int):
                self._poll.unregister(key)
            self.start(task, value)

    def turn(self):
        """Waits for the next thing to happen and does all that has happened."""
        while self._timers and self._waiting.get(self._timers[0][2], (0,))[0] != self._timers[0][1]:
            heapq.heappop(self._timers)
        events = self._poll.poll(max(0, self._timers[0][0] - time.monotonic()) if self._timers else None)
        now = time.monotonic()
        for descriptor, event in events:
            if descriptor in self._readers:
                self._readers[descriptor](event)
            else:
                self.deliver(descriptor, event)
        while self._timers and self._timers[0][0] <= now:
            _, number, key = heapq.heappop(self._timers)
            if self._waiting.get(key, (0,))[0] == number:
                self.deliver(key, None)


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = _crc32c_table()


def crc32c(data):
    """SCTP's checksum (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC32C[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def sctp_packet(source, destination, tag, chunk):
    """One SCTP packet with one chunk."""
    head = struct.pack("!HHI", source, destination, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def sctp_parameter(kind, value):
    """A parameter or error cause: kind, length, value, padding."""
    return struct.pack("!HH", kind, 4 + len(value)) + value + bytes(-len(value) % 4)


def sctp_chunk(kind, tag=None, extra=b""):
    """An INIT or INIT-ACK with its tag, or a chunk without (ABORT)."""
    body = (struct.pack("!IIHHI", tag, 65536, 1, 1, tag) if tag is not None else b"") + extra
    return struct.pack("!BBH", kind, 0, 4 + len(body)) + body


def who(text):
    """A server's line "identity address" as an answer. A stranger's words are its identity."""
    words = text.decode("ascii", "replace").strip()[:200]
    responder, _, seen = words.partition(" ")
    return ("connected", responder, seen, "") if seen and " " not in seen else ("connected", words, None, "an answer from something that is no probe agent")


def refusal(code):
    """The answer for an error that the network sent."""
    if code in (errno.ECONNREFUSED, errno.ECONNRESET):
        return REFUSED + (os.strerror(code),)
    if code in ICMP_REFUSALS:
        return PROHIBITED + (os.strerror(code),)
    if code == errno.ETIMEDOUT:
        return TIMED_OUT
    return broken(os.strerror(code))


def broken(why):
    """The answer for a question that this agent could not ask."""
    return "broken", None, None, why


def refusal_at_once(code):
    """The answer for an error that asking itself gave. There, "network unreachable" is a route that this pod does not have."""
    return broken("no route: " + os.strerror(code)) if code == errno.ENETUNREACH else refusal(code)


class Raw:
    """The raw socket that all ICMP or SCTP questions of a family share. `cannot` says why there is none.

    What comes back is delivered under ("ICMP" or "SCTP", family, the port or number that the question sent).
    """

    def __init__(self, agent, protocol, family):
        self.agent, self.protocol, self.family, self.cannot, self.is_raw = agent, protocol, family, "", True
        icmp = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        number = SCTP if protocol == "SCTP" else icmp
        try:
            self.socket = socket.socket(family, socket.SOCK_RAW, number)
        except PermissionError:
            try:
                if protocol == "SCTP":
                    raise
                self.socket, self.is_raw = socket.socket(family, socket.SOCK_DGRAM, number), False
            except OSError:
                self.cannot = protocol + " needs the capability NET_RAW, which this probe does not have"
                return
        except OSError as fault:
            self.cannot = "no raw socket: " + os.strerror(fault.errno)
            return
        self.socket.setblocking(False)
        self.socket.setsockopt(*SO_RECVERR[family], 1)
        if agent.bind.get(family):
            self.socket.bind((agent.bind[family], 0))
        if protocol == "ICMP" and self.is_raw:  # echo replies only: ICMP_FILTER of raw(7), ICMP6_FILTER of RFC 3542
            level, mask = (255, 0xFFFFFFFF ^ 1) if family == socket.AF_INET else (icmp, None)
            blocked = struct.pack("I", mask) if mask else b"".join(struct.pack("I", 0xFFFFFFFF ^ (2 if word == 4 else 0)) for word in range(8))
            self.socket.setsockopt(level, 1, blocked)
        agent.loop.read(self.socket.fileno(), self.arrived)

    def arrived(self, events):
        """Reads all that has come."""
        try:
            while events & select.EPOLLERR:
                quoted, ancillary, _, _ = self.socket.recvmsg(512, 512, socket.MSG_ERRQUEUE)
                code = struct.unpack_from("I", ancillary[0][2])[0]
                place = 6 if self.protocol == "ICMP" else 0
                if len(quoted) >= place + 2 and code:
                    self.deliver(struct.unpack_from("!H", quoted, place)[0], refusal(code))
        except OSError:
            pass  # the queue of errors is empty
        try:
            while True:
                data, sender = self.socket.recvfrom(2048)
                if self.is_raw and self.family == socket.AF_INET:
                    data = data[(data[0] & 15) * 4 :]
                (self.icmp if self.protocol == "ICMP" else self.sctp)(data, sender[0])
        except OSError:
            pass  # nothing more is there, or an error that the queue above has told in full

    def deliver(self, number, answer):
        """Hands an answer to the question that sent this number."""
        self.agent.loop.deliver((self.protocol, self.family, number), answer)

    def icmp(self, data, sender):
        """An echo reply. Who sent it is known by its address only."""
        if len(data) >= 8 and (not self.is_raw or struct.unpack_from("!H", data, 4)[0] == self.agent.mark):
            self.deliver(struct.unpack_from("!H", data, 6)[0], ("connected", plain(sender), None, ""))

    def sctp(self, data, sender):
        """An INIT is answered as a server; INIT-ACK and ABORT are answers to our own questions."""
        if len(data) < 16 or struct.unpack_from("<I", data, 8)[0] != crc32c(data[:8] + bytes(4) + data[12:]):
            return
        source, destination, tag = struct.unpack_from("!HHI", data)
        kind, body = data[12], data[16:]
        if kind == INIT and tag == 0 and len(body) >= 16:
            name = (self.agent.identity + " " + sender).encode()
            if (destination, "SCTP") in self.agent.serves:
                chunk = sctp_chunk(INIT_ACK, random.getrandbits(32) or 1, sctp_parameter(STATE_COOKIE, name))
            else:
                chunk = sctp_chunk(ABORT, None, sctp_parameter(USER_ABORT, name))
            self.send(sctp_packet(destination, source, struct.unpack_from("!I", body)[0], chunk), sender)
        elif kind == INIT_ACK and len(body) >= 20:
            length = struct.unpack_from("!H", body, 18)[0]
            self.deliver(destination, (tag, who(body[20 : 16 + length])))
        elif kind == ABORT:
            self.deliver(destination, (tag, refusal(errno.ECONNREFUSED) if body[1:2] == bytes([USER_ABORT]) else None))

    def send(self, packet, address):
        """Sends; gives the error, or 0."""
        try:
            self.socket.sendto(packet, (address, 0))
        except OSError as fault:
            return 0 if fault.errno == errno.EAGAIN else fault.errno
        return 0


class Agent:
    """The servers, the questions and the talk with the session."""

    def __init__(self, config):
        self.identity, self.serves = config["identity"], {(port, protocol) for port, protocol in config["serves"]}
        self.bind = {family_of(address): address for address in config.get("bind") or ()}
        self.families = list(self.bind) or list(FAMILY)
        self.ends_with_stdin = config.get("ends_with_stdin", False)
        self.instance, self.mark, self.number = "%08x" % random.getrandbits(32), random.getrandbits(16), random.getrandbits(15)
        self.loop, self.rest, self.faults, self.sockets = Loop(), b"", [], []
        self.raw = {(protocol, family): Raw(self, protocol, family) for protocol in ("ICMP", "SCTP") for family in self.families}
        for port, protocol in sorted(self.serves - {each for each in self.serves if each[1] == "SCTP"}):
            for family in self.families:
                self.serve(family, port, protocol)

    def serve(self, family, port, protocol):
        """Opens one port of one family."""
        try:
            server = socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
        except OSError:
            return  # a machine without this family has no addresses of it that anybody could ask
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == "TCP":
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setblocking(False)
        try:
            server.bind((self.bind.get(family, ""), port))
            if protocol == "TCP":
                server.listen(1024)
        except OSError as fault:
            self.faults.append("cannot serve %d/%s over %s: %s" % (port, protocol, FAMILY[family], os.strerror(fault.errno)))
            server.close()
            return
        self.sockets.append(server)
        self.loop.read(server.fileno(), lambda _: (self.accept if protocol == "TCP" else self.echo)(server))

    def accept(self, server):
        """Says to all who have connected who this is."""
        try:
            while True:
                client, address = server.accept()
                with client:
                    client.send((self.identity + " " + plain(address[0]) + "\n").encode())
        except OSError:
            pass  # nobody else waits, or he has gone again; the rest is read when the loop comes back

    def echo(self, server):
        """The same for datagrams."""
        try:
            while True:
                _, address = server.recvfrom(512)
                server.sendto((self.identity + " " + plain(address[0])).encode(), address)
        except OSError:
            pass

    def next_number(self):
        """The next source port: never one of the last minutes, which might still count as an established flow."""
        self.number = (self.number + 1) % 32768
        return 28000 + self.number

    def socket(self, address, kind):
        """A socket to ask with."""
        family = family_of(address)
        asking = socket.socket(family, kind)
        asking.setblocking(False)
        if family in self.bind and kind == socket.SOCK_STREAM:
            asking.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect
            asking.bind((self.bind[family], 0))
        return asking

    def ask_tcp(self, address, port, until):
        """Connects and waits for the server's line."""
        with self.socket(address, socket.SOCK_STREAM) as asking:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset: no TIME_WAIT is left anywhere
            code = asking.connect_ex((address, port))
            if code not in (0, errno.EINPROGRESS):
                return refusal_at_once(code)
            line = b""
            while b"\n" not in line and len(line) < 512:
                if (yield asking.fileno(), until) is None:
                    try:
                        asking.getpeername()
                    except OSError:
                        return TIMED_OUT
                    return TIMED_OUT[:3] + ("a connection was made, but nobody answered over it",)
                data = asking.recv(512)
                if not data:
                    return who(line) if line else ("connected", None, None, "closed without a word")
                line += data
            return who(line)

    def ask_udp(self, address, port, until):
        """Sends datagrams until one is answered."""
        with self.socket(address, socket.SOCK_DGRAM) as asking:
            for _ in range(99):
                try:
                    asking.bind((self.bind.get(family_of(address), ""), self.next_number()))
                    break
                except OSError as fault:
                    if fault.errno != errno.EADDRINUSE:
                        raise
            code = asking.connect_ex((address, port))
            if code:
                return refusal_at_once(code)
            while time.monotonic() < until:
                asking.send(b"who is there?")
                if (yield asking.fileno(), min(until, time.monotonic() + RESEND)) is not None:
                    return who(asking.recv(512))
            return TIMED_OUT

    def ask_raw(self, protocol, address, port, until):
        """An ICMP echo, or SCTP's INIT, which INIT-ACK answers; both sent until something comes back.

        An ABORT that is not an agent's may come from a kernel that knows SCTP but not the agent's raw socket, which
        answers too: so the INIT-ACK is waited for.
        """
        raw, number, tag, seen = self.raw[protocol, family_of(address)], self.next_number(), random.getrandbits(32) or 1, TIMED_OUT
        if raw.cannot:
            return broken(raw.cannot)
        if protocol == "SCTP":
            packet = sctp_packet(number, port, 0, sctp_chunk(INIT, tag))
        else:
            packet = icmp_echo(raw.family, self.mark, number)
        while time.monotonic() < until:
            code = raw.send(packet, address)
            if code:
                return refusal_at_once(code)
            resend = min(until, time.monotonic() + RESEND)
            while True:
                found = yield (protocol, raw.family, number), resend
                if found is None:
                    break
                if len(found) != 2:
                    return found
                if found[0] == tag and found[1]:
                    return found[1]
                if found[0] == tag:
                    seen = refusal(errno.ECONNREFUSED)
        return seen

    def ask(self, address, port, protocol, timeout, done):
        """One question; `done` gets its answer, whatever happens."""
        began = time.monotonic()
        try:
            if family_of(address) not in self.families:
                found = broken("this probe has no address of the family of " + address)
            elif protocol in ("ICMP", "SCTP"):
                found = yield from self.ask_raw(protocol, address, port, began + timeout)
            else:
                found = yield from (self.ask_tcp if protocol == "TCP" else self.ask_udp)(address, port, began + timeout)
        except OSError as fault:
            found = refusal(fault.errno)
        done(found[:3] + (round(time.monotonic() - began, 5), found[3]))

    def own_ports(self):
        """(question, port) for each port that should be serving, asked at home."""
        for port, protocol in sorted(self.serves):
            for family in self.families:
                if protocol != "SCTP" or not self.raw["SCTP", family].cannot:
                    home = self.bind.get(family) or ("127.0.0.1" if family == socket.AF_INET else "::1")
                    yield (home, port, protocol), [port, protocol, FAMILY[family]]

    def request(self, line):
        """Does what a line asks for."""
        try:
            wanted = json.loads(line)
            if wanted.get("end"):
                raise SystemExit(0)
            if wanted.get("hello"):
                return self.hello()
            asked = [(str(address), int(port), protocol) for address, port, protocol in wanted["ask"]]
            for address, _, protocol in asked:
                socket.inet_pton(family_of(address), address)
                if protocol not in ("TCP", "UDP", "ICMP", "SCTP"):
                    raise ValueError("no protocol: %r" % (protocol,))
            number, timeout = wanted["id"], float(wanted["timeout"])
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as fault:
            return say({"error": "%s: %s in %r" % (type(fault).__name__, fault, line[:200].decode("ascii", "replace"))})
        own, began = list(self.own_ports()), time.monotonic()
        answers = [None] * (len(asked) + len(own))
        left = [len(answers)]

        def done(place, answer):
            answers[place] = answer
            left[0] -= 1
            if not left[0]:
                finish()

        def finish():
            serving = [port for (_, port), answer in zip(own, answers[len(asked) :]) if answer[1] == self.identity]
            say({"id": number, "took": round(time.monotonic() - began, 4), "answers": answers[: len(asked)], "serving": serving})

        for place, question in enumerate(asked + [question for question, _ in own]):
            self.loop.start(self.ask(*question, timeout, lambda answer, place=place: done(place, answer)))
        if not answers:
            finish()
        return None

    def hello(self):
        """Says who this is and what it can do."""
        cannot = {protocol + "/" + FAMILY[family]: raw.cannot for (protocol, family), raw in self.raw.items() if raw.cannot}
        say({"hello": self.identity, "instance": self.instance, "cannot": cannot, "faults": self.faults})

    def listen(self, _):
        """Reads requests."""
        data = os.read(0, 65536)
        if not data:
            if self.ends_with_stdin:
                raise SystemExit(0)
            self.loop.forget(0)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.request(line)

    def run(self):
        """Serves and answers until told to end."""
        try:
            self.loop.read(0, self.listen)
        except PermissionError:
            pass  # standard input is no stream (/dev/null): nobody will ask, so it only serves
        self.hello()
        while True:
            self.loop.turn()


def icmp_echo(family, mark, number):
    """An echo request; IPv6's checksum is made by the kernel."""
    head = struct.pack("!BBHHH", 8 if family == socket.AF_INET else 128, 0, 0, mark, number)
    total = sum(struct.unpack("!4H", head))
    return head[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[4:] if family == socket.AF_INET else head


def family_of(address):
    """The address family."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def plain(address):
    """The address without a zone."""
    return address.partition("%")[0]


def say(document):
    """Writes one line to the session, all of it."""
    data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def main():
    """Ends at once on SIGTERM: as process 1 of a container nobody else would do it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Agent(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()

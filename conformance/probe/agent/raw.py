"""Raw sockets: SCTP and ICMP, which the standard library has no questions for."""

from __future__ import annotations

import errno
import os
import random
import select
import socket
import struct

from conformance.probe.agent.answers import IPV4, IPV6, icmp_error, plain, refusal, who
from conformance.probe.agent.packets import ABORT, INIT, INIT_ACK, SCTP, STATE_COOKIE, USER_ABORT, crc32c, sctp_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from conformance.probe.agent.loop import Loop

RECVERR: dict[int, tuple[int, int]] = {IPV4: (socket.IPPROTO_IP, 11), IPV6: (socket.IPPROTO_IPV6, 25)}


class Self:
    """What an agent is: its identity, the ports that it serves, the addresses (by family) to which it is bound."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.identity: str = config["identity"]
        self.is_init = config.get("mode") == "init"
        self.serves = {(int(port), str(protocol)) for port, protocol in ([] if self.is_init else config["serves"])}
        self.bind: dict[int, str] = {IPV6 if ":" in address else IPV4: address for address in config.get("bind") or ()}
        self.families = list(self.bind) or [IPV4, IPV6]
        self.instance, self.mark = f"{random.getrandbits(32):08x}", random.getrandbits(16)


class Raw:
    """The raw socket that all ICMP or SCTP questions of a family share. `cannot` says why there is none.

    What comes back is delivered under (protocol, family, the source port or number that the question sent).
    """

    def __init__(self, agent: Self, loop: Loop, protocol: str, family: int) -> None:
        self.agent, self.loop, self.protocol, self.family, self.cannot, self.is_raw = agent, loop, protocol, family, "", True
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
        loop.read(self.socket.fileno(), self.arrived)

    def open(self, number: int) -> socket.socket:
        """A raw socket; for ICMP a "ping socket" where the pod may have that only."""
        try:
            return socket.socket(self.family, socket.SOCK_RAW, number)
        except PermissionError:
            if self.protocol == "SCTP":
                raise
            self.is_raw = False
            return socket.socket(self.family, socket.SOCK_DGRAM, number)

    def arrived(self, _: int, events: int) -> None:
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
        self.loop.deliver((self.protocol, self.family, number), answer)

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

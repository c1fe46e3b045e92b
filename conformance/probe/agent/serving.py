"""The servers: they say who they are, and give back what they are sent."""

from __future__ import annotations

import os
import select
import socket
import time

from conformance.probe.agent.answers import FAMILY, IPV4, IPV6, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from conformance.probe.agent.loop import Loop
    from conformance.probe.agent.raw import Self

WHO = b"who is there?"
"""The plain datagram. Any other one comes back as long as it was, its first bytes replaced by the server's line."""

PIECE = 16384
"""Bytes that are read at once."""

SILENT, IDLE = 2.0, 30.0
"""Seconds after which a connection is closed over which nothing ever came, and one over which nothing comes any more: its end
may have got lost on the way."""

HANG_UP = select.EPOLLERR | select.EPOLLHUP
MAY_FRAGMENT: dict[int, tuple[int, int, int]] = {IPV4: (socket.IPPROTO_IP, 10, 0), IPV6: (socket.IPPROTO_IPV6, 23, 0)}
"""`IP_MTU_DISCOVER` (ip(7)) as IP_PMTUDISC_DONT: a big datagram may be cut into fragments on its way."""


class Servers:
    """All ports of an agent. `faults` are those that could not be opened, a sentence each."""

    def __init__(self, agent: Self, loop: Loop) -> None:
        self.agent, self.loop, self.faults, self.servers = agent, loop, [], []  # type: ignore[var-annotated]
        self.line = agent.identity.encode() + b" %s\n"
        self.room = bytearray(65536)
        self.silent: dict[int, float] = {}
        self.talks: dict[int, tuple[float, bytes]] = {}
        for port, protocol in sorted(agent.serves):
            for family in agent.families if protocol in ("TCP", "UDP") else []:
                self.serve(family, port, protocol)
        loop.start(self.sweep())

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
            server.setsockopt(*((socket.SOL_SOCKET, socket.SO_REUSEADDR, 1) if protocol == "TCP" else MAY_FRAGMENT[family]))
            server.bind((self.agent.bind.get(family, ""), port))
            if protocol == "TCP":
                server.listen(1024)
        except OSError as fault:
            self.faults.append(f"cannot serve {port}/{protocol} over {FAMILY[family]}: {os.strerror(fault.errno or 0)}")
            server.close()
            return
        self.servers.append(server)
        self.loop.read(server.fileno(), lambda *_: (self.accept if protocol == "TCP" else self.echo)(server))

    def accept(self, server: socket.socket) -> None:
        """Says to all who have connected who this is. What the public `accept` does beyond that takes as long as all of it."""
        try:
            while True:
                client, address = server._accept()  # type: ignore[attr-defined]  # noqa: SLF001
                self.silent[client] = time.monotonic()
                self.loop.read(client, self.hear)
                os.write(client, self.line % plain(address[0]).encode())
        except OSError:
            pass  # nobody else waits, or this one has gone again: the loop comes back for the rest

    def hear(self, client: int, events: int) -> None:
        """Something came from somebody who is connected: the end, or bytes that are to go back."""
        if client in self.silent and not events & HANG_UP:
            del self.silent[client]
            os.set_blocking(client, False)
            self.talks[client] = 0.0, b""
        try:
            rest = b"" if events & HANG_UP else self.talks[client][1] or os.read(client, PIECE)
            if rest:
                self.give_back(client, rest)
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # a reset: the end
        self.hang_up(client)

    def give_back(self, client: int, data: bytes) -> None:
        """Sends what it takes now; the rest as soon as there is room, and nothing is read before."""
        try:
            rest = data[os.write(client, data) :]
        except BlockingIOError:
            rest = data
        if bool(rest) != bool(self.talks[client][1]):
            self.loop.poll.modify(client, select.EPOLLOUT if rest else select.EPOLLIN)
        self.talks[client] = time.monotonic(), rest

    def hang_up(self, client: int) -> None:
        """The connection is over."""
        self.silent.pop(client, None)
        self.talks.pop(client, None)
        self.loop.forget(client)
        os.close(client)

    def sweep(self) -> Generator[Any, Any, None]:
        """Closes what nobody uses any more."""
        while True:
            now = time.monotonic()
            over = [client for client, since in self.silent.items() if now - since > SILENT]
            over += [client for client, (since, _) in self.talks.items() if now - since > IDLE]
            for client in over:
                self.hang_up(client)
            yield object(), now + 1.0

    def echo(self, server: socket.socket) -> None:
        """The same for datagrams."""
        try:
            while True:
                length, address = server.recvfrom_into(self.room)
                line = self.line % plain(address[0]).encode()
                if length != len(WHO) or not self.room.startswith(WHO):
                    line += self.room[len(line) : length]
                server.sendto(line, address)
        except OSError:
            pass

"""Names: a small resolver (RFC 1035 over UDP, resolv.conf(5)), so that a question knows why a name was not resolved."""

from __future__ import annotations

import random
import socket
import struct
import time

from conformance.probe.agent.answers import IPV4, broken, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from conformance.probe.agent.answers import Answer
    from conformance.probe.agent.asking import Asker

AGAIN = 0.1
"""Seconds after which a name server is asked again, or the next one."""

RECORD: dict[int, int] = {IPV4: 1, socket.AF_INET6: 28}  # A, AAAA
NO_SUCH_NAME = 3
NOT_RESOLVED = "the name was not resolved"


class Resolver:
    """What resolv.conf says: the name servers with their port, the search list, and from how many dots on a name is whole."""

    def __init__(self, text: str, port: int = 53) -> None:
        self.servers: list[tuple[str, int]] = []
        self.search: list[str] = []
        self.dots = 1
        for words in map(str.split, text.splitlines()):
            if words[:1] == ["nameserver"] and len(words) > 1:
                self.servers.append((words[1], port))
            elif words[:1] in (["search"], ["domain"]):
                self.search = words[1:]
            elif words[:1] == ["options"]:
                self.dots = next((int(word[6:]) for word in words if word.startswith("ndots:") and word[6:].isdigit()), self.dots)

    def candidates(self, name: str) -> list[str]:
        """The whole names that a name may mean, in the order in which they are tried."""
        if name.endswith("."):
            return [name[:-1]]
        longer = [f"{name}.{domain.rstrip('.')}" for domain in self.search]
        return [name, *longer] if name.count(".") >= self.dots else [*longer, name]

    def resolve(self, asker: Asker, name: str, family: int, until: float) -> Generator[Any, Any, tuple[str, Answer]]:
        """The first address that a name has, or "" with the answer that says why there is none."""
        if not self.servers:
            return "", broken("there is no name server in resolv.conf")
        for whole in self.candidates(name):
            found = yield from self.ask(asker, whole, family, until)
            if isinstance(found, tuple):
                return "", found
            if found:
                return found, broken("this probe has no address of the family of " + found)
        return "", broken(f"there is no name {name}")

    def ask(self, asker: Asker, name: str, family: int, until: float) -> Generator[Any, Any, str | Answer]:
        """The address of one whole name; "" where it has none; an answer where nobody said so."""
        last: Answer = ("timed-out", None, None, NOT_RESOLVED)
        number = turn = 0
        while time.monotonic() < until:
            server, turn = self.servers[turn % len(self.servers)], turn + 1
            number = random.getrandbits(16)
            with asker.open(server[0], socket.SOCK_DGRAM) as asking:
                try:
                    asking.connect(server)
                    asking.send(query(name, family, number))
                    patience = min(until, time.monotonic() + AGAIN * turn)
                    while (yield asking.fileno(), patience) is not None:
                        code, address = reply(asking.recv(4096), family, number)
                        if code in (0, NO_SUCH_NAME):
                            return address
                        last = broken(f"{NOT_RESOLVED}: the name server says error {code}") if code > 0 else last
                except OSError as fault:
                    kind, _, _, words = refusal(fault.errno)
                    last = kind, None, None, f"{NOT_RESOLVED}: {words}"
                    yield object(), min(until, time.monotonic() + AGAIN)
        return last


def query(name: str, family: int, number: int) -> bytes:
    """A question for the addresses of a name, with the wish that the server asks others if need be."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode("ascii", "replace").split(b".")) + b"\0"
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!HH", RECORD[family], 1)


def reply(data: bytes, family: int, number: int) -> tuple[int, str]:
    """(code, first address or "") of a server's reply; code -1 where it is no reply to this question."""
    try:
        own, flags, questions, answers = struct.unpack_from("!HHHH", data)
        if own != number or not flags & 0x8000:
            return -1, ""
        at = 12
        for _ in range(questions):
            at = after_name(data, at) + 4
        for _ in range(answers):
            at = after_name(data, at)
            kind, _, _, length = struct.unpack_from("!HHIH", data, at)
            if kind == RECORD[family]:
                return 0, socket.inet_ntop(family, data[at + 10 : at + 10 + length])
            at += 10 + length
    except (struct.error, IndexError, ValueError):
        return -1, ""
    return flags & 15, ""


def after_name(data: bytes, at: int) -> int:
    """Where a name ends: after its last label, or after a pointer to the rest of it (RFC 1035, section 4.1.4)."""
    while data[at]:
        if data[at] >= 0xC0:
            return at + 2
        at += 1 + data[at]
    return at + 1

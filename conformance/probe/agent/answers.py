"""Answers: the ways in which a question ends."""

from __future__ import annotations

import errno
import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Optional, Tuple  # noqa: UP035

    Answer = Tuple[str, Optional[str], Optional[str], str]  # noqa: UP006, UP045 (what Python 3.8 has)
    Waits = Generator[Tuple[Any, float], Any, Answer]  # noqa: UP006
    Line = Tuple[str, int, str, int, str]  # noqa: UP006 (address or name, port, protocol, size, family of a name)

IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
FAMILY: dict[int, str] = {IPV4: "ipv4", IPV6: "ipv6"}
ICMP_REFUSALS = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EHOSTDOWN, errno.ENOPROTOOPT, errno.EPROTO)
TIMED_OUT: Answer = ("timed-out", None, None, "")
ANSWERED_BY_NOBODY: Answer = ("timed-out", None, None, "a connection was made, but nobody answered over it")
CLOSED_WITHOUT_A_WORD: Answer = ("connected", None, None, "the connection was closed without a word")
NOTHING_CAME_BACK: Answer = ("timed-out", None, None, "it answered, but nothing of the bytes came back")
PART_CAME_BACK: Answer = ("timed-out", None, None, "it answered, but only a part of the bytes came back")
CHANGED_CAME_BACK: Answer = ("timed-out", None, None, "it answered, but the bytes came back changed")

BLOCK = os.urandom(16411)
"""What big questions are made of, again and again: a prime number of bytes, so that no loss of whole packets fits."""


def content(offset: int, length: int) -> bytes:
    """`length` bytes of an endless text, from an offset on."""
    start = offset % len(BLOCK)
    return (BLOCK * (length // len(BLOCK) + 2))[start : start + length]


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

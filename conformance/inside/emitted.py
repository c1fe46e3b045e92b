"""A record between other lines of a log: how it leaves a pod, which nobody can copy a file from once it has ended.

    -----BEGIN CNI-CONFORMANCE RECORD name=night size=337412 sha256=…-----
    H4sIAAAAAAAC/+y9…
    -----END CNI-CONFORMANCE RECORD name=night-----

Between the two lines stands the packed record (gzip) in base64. Size and sum are those of the packed one.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"[a-z0-9][a-z0-9.-]{0,99}"
_BEGIN = re.compile(rf"-----BEGIN CNI-CONFORMANCE RECORD name=({_NAME}) size=([0-9]{{1,12}}) sha256=([0-9a-f]{{64}})-----")
_END = re.compile(rf"-----END CNI-CONFORMANCE RECORD name=({_NAME})-----")
_CONTENT = re.compile(r"[A-Za-z0-9+/]+=*")

WIDTH = 4096
"""Characters of a line: container runtimes cut lines that are longer than 16 KiB, and put some forty characters before each."""


class InvalidName(ValueError):
    """A name that no record can be emitted under."""


class BrokenLog(Exception):
    """A log without a whole record. The text says why: a part of a sentence whose subject is the log."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A record as a log holds it; `packed` is its gzip, if whoever wrote it was honest."""

    name: str
    packed: bytes


def check_name(name: str) -> str:
    """The name, where it is one. Raises InvalidName."""
    if not re.fullmatch(_NAME, name):
        raise InvalidName(f"{name!r}: small letters, digits, hyphens and dots, at most 100, the first a letter or a digit")
    return name


def packed(record: bytes) -> bytes:
    """The record as it is emitted: the same bytes for the same record."""
    return gzip.compress(record, mtime=0)


def lines_of(name: str, content: bytes) -> Iterator[str]:
    """The lines, without their ends, that bring a packed record into a log."""
    yield f"-----BEGIN CNI-CONFORMANCE RECORD name={name} size={len(content)} sha256={hashlib.sha256(content).hexdigest()}-----"
    text = b64encode(content).decode()
    yield from (text[place : place + WIDTH] for place in range(0, len(text), WIDTH))
    yield f"-----END CNI-CONFORMANCE RECORD name={name}-----"


def emitted(log: str) -> Emitted:
    """The last whole record of a log, whatever else stands there, also between its lines.

    Raises BrokenLog with what is wrong with the last one where none is whole.
    """
    trouble = ""
    pieces = _pieces(log)
    for piece in reversed(pieces):
        try:
            return _whole(piece)
        except BrokenLog as fault:
            trouble = trouble or str(fault)
    raise BrokenLog(trouble or "holds no record")


class _Piece:
    """What may be a record: `begin` is None where only its end is there."""

    def __init__(self, begin: re.Match[str] | None) -> None:
        self.begin, self.has_end = begin, False
        self.lines: list[str] = []
        self._missing = 0 if begin is None else -(-int(begin[2]) // 3) * 4

    def take(self, line: str) -> None:
        """A line of the record has one of two lengths; what has another is somebody else's."""
        if len(line) == min(self._missing, WIDTH) and _CONTENT.fullmatch(line):
            self.lines.append(line)
            self._missing -= len(line)


def _pieces(log: str) -> list[_Piece]:
    """What may be records: from each first line to its last one, or to where another begins."""
    found: list[_Piece] = []
    for line in map(str.strip, log.splitlines()):
        if begin := _BEGIN.fullmatch(line):
            found.append(_Piece(begin))
        elif end := _END.fullmatch(line):
            if not found or found[-1].has_end:
                found.append(_Piece(None))
            found[-1].has_end = found[-1].begin is None or found[-1].begin[1] == end[1]
        elif found and not found[-1].has_end:
            found[-1].take(line)
    return found


def _whole(piece: _Piece) -> Emitted:
    if piece.begin is None:
        raise BrokenLog("has only the end of a record: its beginning was dropped when the log was rotated (kubelet: containerLogMaxSize)")
    if not piece.has_end:
        raise BrokenLog("has only the beginning of a record: whoever wrote it was killed before its end, or the log was cut")
    name, size, digest = piece.begin.groups()
    try:
        content = b64decode("".join(piece.lines), validate=True)
    except NoBase64:
        content = b""
    if len(content) != int(size) or hashlib.sha256(content).hexdigest() != digest:
        raise BrokenLog(f"has a damaged record: {len(content)} bytes instead of {size}, or with another sum")
    return Emitted(name, content)

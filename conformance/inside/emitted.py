"""A record between other lines of a log: how it leaves a pod, which nobody can copy a file from once it has ended.

    -----BEGIN CNI-CONFORMANCE RECORD name=night size=337412 sha256=…-----
    H4sIAAAAAAAC/+y9…
    -----END CNI-CONFORMANCE RECORD name=night-----

Between the two lines stands the packed record (gzip) in base64. Size and sum are those of the packed one. Diagnostics follow in the
same form, those of each scenario by themselves: `DIAGNOSTICS` instead of `RECORD`, and the scenario's name.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

_NAME = r"[a-z0-9][a-z0-9.-]{0,99}"
_KIND = r"(RECORD|DIAGNOSTICS)"
_BEGIN = re.compile(rf"-----BEGIN CNI-CONFORMANCE {_KIND} name=({_NAME}) size=([0-9]{{1,12}}) sha256=([0-9a-f]{{64}})-----")
_END = re.compile(rf"-----END CNI-CONFORMANCE {_KIND} name=({_NAME})-----")
_CONTENT = re.compile(r"[A-Za-z0-9+/]+=*")

WIDTH = 4096
"""Characters of a line: container runtimes cut lines that are longer than 16 KiB, and put some forty characters before each."""


class InvalidName(ValueError):
    """A name that no record can be emitted under."""


class BrokenLog(Exception):
    """A log without a whole record. The text says why: a part of a sentence whose subject is the log."""


class Kind(StrEnum):
    """What stands between two such lines."""

    RECORD = "RECORD"
    DIAGNOSTICS = "DIAGNOSTICS"


@dataclass(frozen=True, slots=True)
class Emitted:
    """A record as a log holds it; `packed` is its gzip, if whoever wrote it was honest.

    `diagnostics` are what the log holds of them, whole and packed too, by the scenario's name.
    """

    name: str
    packed: bytes
    diagnostics: Mapping[str, bytes] = field(default_factory=dict)


def is_name(name: str) -> bool:
    """Whether something can be emitted under this name; it is also a safe one for a folder."""
    return re.fullmatch(_NAME, name) is not None


def check_name(name: str) -> str:
    """The name, where it is one. Raises InvalidName."""
    if not is_name(name):
        raise InvalidName(f"{name!r}: small letters, digits, hyphens and dots, at most 100, the first a letter or a digit")
    return name


def packed(record: bytes) -> bytes:
    """The record as it is emitted: the same bytes for the same record."""
    return gzip.compress(record, mtime=0)


def lines_of(name: str, content: bytes, kind: Kind = Kind.RECORD) -> Iterator[str]:
    """The lines, without their ends, that bring something packed into a log."""
    yield f"-----BEGIN CNI-CONFORMANCE {kind} name={name} size={len(content)} sha256={hashlib.sha256(content).hexdigest()}-----"
    text = b64encode(content).decode()
    yield from (text[place : place + WIDTH] for place in range(0, len(text), WIDTH))
    yield f"-----END CNI-CONFORMANCE {kind} name={name}-----"


def emitted(log: str) -> Emitted:
    """The last whole record of a log, whatever else stands there, also between its lines, and the whole diagnostics.

    Raises BrokenLog with what is wrong with the last record where none is whole.
    """
    trouble = ""
    pieces = _pieces(log)
    for piece in reversed([each for each in pieces if each.kind == Kind.RECORD]):
        try:
            return Emitted(*_whole(piece), dict(_diagnostics(pieces)))
        except BrokenLog as fault:
            trouble = trouble or str(fault)
    raise BrokenLog(trouble or ("holds diagnostics without a record" + _ROTATED if pieces else "holds no record"))


_ROTATED = ": its beginning was dropped when the log was rotated (kubelet: containerLogMaxSize)"


class _Piece:
    """What may be a record or diagnostics: `begin` is None where only its end is there."""

    def __init__(self, kind: str, begin: re.Match[str] | None) -> None:
        self.kind, self.begin, self.has_end = kind, begin, False
        self.lines: list[str] = []
        self._missing = 0 if begin is None else -(-int(begin[3]) // 3) * 4

    def take(self, line: str) -> None:
        """A line of it has one of two lengths; what has another is somebody else's."""
        if len(line) == min(self._missing, WIDTH) and _CONTENT.fullmatch(line):
            self.lines.append(line)
            self._missing -= len(line)


def _pieces(log: str) -> list[_Piece]:
    """What may be records or diagnostics: from each first line to its last one, or to where another begins."""
    found: list[_Piece] = []
    for line in map(str.strip, log.splitlines()):
        if begin := _BEGIN.fullmatch(line):
            found.append(_Piece(begin[1], begin))
        elif end := _END.fullmatch(line):
            if not found or found[-1].has_end:
                found.append(_Piece(end[1], None))
            found[-1].has_end = found[-1].begin is None or found[-1].begin.group(1, 2) == end.groups()
        elif found and not found[-1].has_end:
            found[-1].take(line)
    return found


def _diagnostics(pieces: list[_Piece]) -> Iterator[tuple[str, bytes]]:
    """Those that are whole: what is missing of them spoils no record."""
    for piece in pieces:
        if piece.kind == Kind.DIAGNOSTICS:
            with suppress(BrokenLog):
                yield _whole(piece)


def _whole(piece: _Piece) -> tuple[str, bytes]:
    """Its name, and what is packed in it. Raises BrokenLog."""
    if piece.begin is None:
        raise BrokenLog("has only the end of a record" + _ROTATED)
    if not piece.has_end:
        raise BrokenLog("has only the beginning of a record: whoever wrote it was killed before its end, or the log was cut")
    _, name, size, digest = piece.begin.groups()
    try:
        content = b64decode("".join(piece.lines), validate=True)
    except NoBase64:
        content = b""
    if len(content) != int(size) or hashlib.sha256(content).hexdigest() != digest:
        raise BrokenLog(f"has a damaged record: {len(content)} bytes instead of {size}, or with another sum")
    return name, content

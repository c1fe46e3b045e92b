"""A record as it lies on the disk: which file is meant, what is in it, and its scenarios one by one.

A record weighs megabytes, and its objects ten times that. So the text is only divided at first (nothing in a scenario is built), and
each scenario is made when it is asked for, and forgotten when its reader is done with it.
"""

from __future__ import annotations

import gc
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from conformance.record.document import FORMAT, VERSION
from conformance.record.part import InvalidRecord, Part
from conformance.record.reader import read_facts, read_scenario
from conformance.record.run import Facts, ScenarioRecord
from conformance.record.upgrade import upgraded_facts, upgraded_scenario

NAME = "record.json"
"""What a record is called in the folder of a run."""

PARTS = ".parts"
"""Added to the record's name while the run goes on: JSON lines, the facts first, then each scenario as it is finished."""

PACKED = ".gz"
"""How the name of a record ends that is packed with gzip."""

LARGEST = 2**28
"""Bytes of a record that was packed, ten times those of a whole catalogue: a few kilobytes that a stranger packed can fill any memory."""

_GZIP = b"\x1f\x8b"
"""How gzip begins, and no text does."""


class OpenRecord:
    """A record that was opened: its facts, and its scenarios whenever one iterates over it, each made anew.

    `path` is the file. Iterating raises InvalidRecord, with the file's name; so does opening one that has a scenario twice.
    """

    def __init__(self, head: Part, scenarios: Sequence[Part] | None, path: Path = Path()) -> None:
        self.path = path
        self.facts, self.version = read_head(head)
        self.parts = head["scenarios"].parts() if scenarios is None else scenarios
        """The scenarios as they stand in the text; `built` makes values of one."""
        _insist_that_each_is_there_once(self.parts)

    def __iter__(self) -> Iterator[ScenarioRecord]:
        for part in self.parts:
            with named(self.path):
                scenario = self.scenario(part)
            yield scenario

    def __len__(self) -> int:
        return len(self.parts)

    def scenario(self, part: Part) -> ScenarioRecord:
        """One of `parts`. Raises InvalidRecord."""
        part = built(part)
        return read_scenario(part if self.version == VERSION else Part(upgraded_scenario(part.value, self.version), part.path))


def open_record(path: Path) -> OpenRecord:
    """The record in a file, packed or not, or in the folder of a run. Of a run that was killed: its finished parts.

    Raises InvalidRecord, with the file's name.
    """
    path = _file(path)
    with named(path):
        return OpenRecord(*(_lines if path.name.endswith(PARTS) else divided)(data_of(path)), path)


def data_of(path: Path) -> bytes:
    """The text of a record in UTF-8. Raises InvalidRecord."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise InvalidRecord(f"the record cannot be read: {fault.strerror}") from None
    return unpacked(data, is_packed=path.name.endswith(PACKED))


def unpacked(data: bytes, *, is_packed: bool = False) -> bytes:
    """The text of a record in UTF-8. `is_packed`: it must be gzip; else it is unpacked where it begins like that. Raises InvalidRecord."""
    try:
        data = _decompressed(data) if is_packed or data.startswith(_GZIP) else data
        if not data.isascii():
            data.decode()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InvalidRecord("the record is damaged: it is packed with gzip, and cannot be unpacked") from None
    except UnicodeDecodeError:
        raise InvalidRecord("the record is damaged: it is not text in UTF-8") from None
    return data


def _decompressed(data: bytes) -> bytes:
    """What gzip packed. Raises InvalidRecord where it is more than a record, and what gzip raises."""
    with gzip.GzipFile(fileobj=BytesIO(data)) as file:
        found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise InvalidRecord(f"this is no record: it is packed with gzip, and unpacked larger than {LARGEST:,} bytes, which none is")
    return found


def divided(data: bytes) -> tuple[Part, Sequence[Part] | None]:
    """A record without its scenarios, and these as they stand in the text. Raises InvalidRecord.

    Where the fast way is at its end (half a surrogate pair, which JSON can say and UTF-8 cannot; a fault) the standard library's
    reader takes the whole: then the scenarios are not apart (None).
    """
    try:
        found = _decoder.decode(data)
        head = Part({key: msgspec.json.decode(raw) for key, raw in _head(found)}, "record")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return parsed(data), None
    scenarios = Part(None, "scenarios", head)
    return head, [Part(raw, place, scenarios) for place, raw in enumerate(found.scenarios)]


def parsed(data: bytes, path: str = "record") -> Part:
    """A text of JSON, named `path`, by the reader that knows what is wrong with it. Raises InvalidRecord."""
    try:
        return Part(json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_refuse), path)
    except json.JSONDecodeError as fault:
        raise InvalidRecord(
            f"the record is damaged: {path} is not JSON ({fault.msg} in line {fault.lineno}, column {fault.colno})"
        ) from None
    except (ValueError, RecursionError):
        raise InvalidRecord(f"the record is damaged: {path} has a number or a nesting that no record has") from None


def built(part: Part) -> Part:
    """A part with its value, where it was still text. Raises InvalidRecord."""
    if not isinstance(part.value, msgspec.Raw):
        return part
    try:
        return part.with_value(msgspec.json.decode(part.value))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return part.with_value(parsed(bytes(part.value), part.path).value)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Puts the file's name in front of what is wrong with its record."""
    try:
        yield
    except InvalidRecord as fault:
        raise (InvalidRecord(f"{path}: {fault}") if path.name else fault) from None


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """While millions of objects are made, none of which is garbage, looking for garbage takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Divided(msgspec.Struct):
    scenarios: list[msgspec.Raw]
    format: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    version: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    facts: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Named(msgspec.Struct):
    name: str


_decoder = msgspec.json.Decoder(_Divided)
_name = msgspec.json.Decoder(_Named)


def _insist_that_each_is_there_once(parts: Sequence[Part]) -> None:
    """Reports would show a scenario that is there twice as two, comparisons as one. Raises InvalidRecord."""
    seen: dict[str, Part] = {}
    for part in parts:
        name = _name_of(part)
        if name is not None and (first := seen.setdefault(name, part)) is not part:
            raise InvalidRecord(
                f"the record has the scenario {name} twice ({first.path} and {part.path}), and no run measures one twice: "
                "`cni-conformance merge` puts the records of shards together"
            )


def _name_of(part: Part) -> str | None:
    """The name of a scenario. None where there is none to be found: whoever reads it says what is wrong."""
    try:
        value = _name.decode(part.value).name if isinstance(part.value, msgspec.Raw) else part["name"].value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidRecord):
        return None
    return value if isinstance(value, str) else None


def _head(found: _Divided) -> Iterator[tuple[str, msgspec.Raw]]:
    for key in ("format", "version", "facts"):
        if (raw := getattr(found, key)) is not msgspec.UNSET:
            yield key, raw


def _file(path: Path) -> Path:
    if path.is_dir():
        path = next((found for found in (path / NAME, path / (NAME + PACKED)) if found.exists()), path / NAME)
    parts = path.with_name(path.name + PARTS)
    return parts if not path.exists() and parts.exists() else path


def _lines(data: bytes) -> tuple[Part, Sequence[Part]]:
    # A run that was killed while it wrote leaves half a line at the end, without a line break: it is left out.
    lines = data.split(b"\n")[:-1]
    if not lines:
        raise InvalidRecord("the record is empty: its run was killed before it began")
    parts = [Part(msgspec.Raw(line), f"line {number}") for number, line in enumerate(lines[1:], 2)]
    # A scenario whose process crashed behind its measurement was added a second time: see `Writer.replace`.
    latest = {_name_of(part) or part.path: part for part in parts}
    return parsed(lines[0]), list(latest.values())


def read_head(part: Part) -> tuple[Facts, int]:
    """The facts, and the version of the record."""
    if part.mapping().get("format") != FORMAT:
        raise InvalidRecord(f'this is no record of cni-conformance: it has no "format": "{FORMAT}"')
    version = part["version"].integer()
    if version > VERSION:
        raise InvalidRecord(f"the record has version {version} and this cni-conformance reads up to {VERSION}: install a newer one")
    facts = part["facts"]
    return read_facts(Part(upgraded_facts(facts.value, version), facts.path)), version


def _refuse(constant: str) -> Any:
    raise ValueError(constant)

"""The records of a folder: what was read before is taken from the index, what is new or changed is read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.judge.finding import counted
from conformance.record import Facts, InvalidRecord
from conformance.record.head import read_overview
from conformance.record.opening import PACKED, PARTS
from conformance.record.overview import Overview
from conformance.trend.index import Entry, Index, Stamp
from conformance.trend.night import Night, night_of

Read = Callable[[Path], tuple[Facts, Overview]]

_BEGINNING = 4096
"""Bytes in which a record says that it is one, also where something else has written it anew."""

SHOWN = 10
"""Of so many damaged records it is said what is wrong."""

_FORMAT = re.compile(rb'"format"\s*:\s*"cni-conformance/record"')


class InvalidFolder(ValueError):
    """A folder that is not there, that cannot be read, or in which no record is. The text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: the nights by the time at which they began, and what is none.

    `faults`: path and sentence of each record that cannot be read. `others` counts further JSON files, `read` the files that were read
    now, `closed` folders that may not be opened.
    """

    nights: tuple[Night, ...]
    faults: tuple[tuple[str, str], ...] = ()
    others: int = 0
    read: int = 0
    closed: tuple[str, ...] = ()


def read_folder(folder: Path, index: Index, read: Read = read_overview) -> Found:
    """Every record below the folder (links to folders are not followed). Raises InvalidFolder where it is none or has no record."""
    if not folder.is_dir():
        raise InvalidFolder(f"{folder}: {'it is no folder' if folder.exists() else 'there is no such folder'}")
    closed: list[str] = []
    stamps = dict(_files(folder, closed))
    entries = {path: entry for path, stamp in stamps.items() if (entry := index.known.get(path)) is not None and entry.stamp == stamp}
    fresh, faults = _read_all(folder, {path: stamp for path, stamp in stamps.items() if path not in entries}, read)
    index.update(fresh, index.known.keys() - stamps.keys())
    nights = [entry.night for entry in (entries | fresh).values() if entry.night is not None]
    others = len(stamps) - len(nights) - len(faults)
    if not nights:
        raise InvalidFolder(_nothing(folder, faults, others))
    nights.sort(key=lambda night: (night.started, night.paths))
    return Found(tuple(nights), tuple(sorted(faults.items())), others, len(fresh) + len(faults), tuple(closed))


def _read_all(folder: Path, stamps: Mapping[str, Stamp], read: Read) -> tuple[dict[str, Entry], dict[str, str]]:
    """What these files are, and what is wrong with each that cannot be read."""
    entries, faults = {}, {}
    for path, stamp in stamps.items():
        whole = folder / path
        try:
            entries[path] = _entry(whole, path, stamp, read)
        except InvalidRecord as fault:
            faults[path] = str(fault).removeprefix(f"{whole}: ")
    return entries, faults


def _files(folder: Path, closed: list[str]) -> Iterator[tuple[str, Stamp]]:
    """Every file that may be a record, by its path relative to the folder."""
    top = os.fspath(folder)
    for place, _, names in os.walk(top, onerror=lambda error: closed.append(os.path.relpath(error.filename, top))):
        inner = place[len(top) :].lstrip("/")
        for name in names:
            if name.endswith((".json", ".json" + PARTS, ".json" + PACKED)):
                try:
                    found = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 # 10,000 times
                except OSError:
                    continue  # gone since it was listed, or a link to nowhere
                if not stat.S_ISREG(found.st_mode):
                    continue  # reading a pipe never ends
                yield f"{inner}/{name}" if inner else name, Stamp(found.st_size, found.st_mtime_ns)


def _entry(whole: Path, path: str, stamp: Stamp, read: Read) -> Entry:
    if not _is_record(whole):
        return Entry(stamp)
    facts, overview = read(whole)
    return Entry(stamp, night_of(path, facts, overview), overview.sentences)


def _is_record(path: Path) -> bool:
    """Whether a file is meant as a record. Raises InvalidRecord."""
    if path.name.startswith("record.json"):
        return True
    try:
        with path.open("rb") as file:
            return _FORMAT.search(file.read(_BEGINNING)) is not None
    except OSError as fault:
        raise InvalidRecord(f"the record cannot be read: {fault.strerror}") from None


def _nothing(folder: Path, faults: Mapping[str, str], others: int) -> str:
    if not faults:
        there = f" (but {counted(others, 'other JSON file')})" if others else ""
        return f"{folder}: no record is in it{there}: give the folder into which `run --report` writes, or one above it"
    shown = [f"  {path}: {fault}" for path, fault in sorted(faults.items())[:SHOWN]]
    more = [f"  and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    return "\n".join([f"{folder}: none of its records can be read:", *shown, *more])

"""The facts and the overview of a record, from its first lines where they are there: a record weighs megabytes, they some kilobytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from conformance.record.digest import read_digest
from conformance.record.opening import PARTS, parsed, read_head
from conformance.record.overview import Overview, overview_of, read_overview_document
from conformance.record.part import InvalidRecord, Part
from conformance.record.run import Facts

_FIRST, _MOST = 32 * 1024, 4 * 1024 * 1024
"""Bytes that are read at first, and before the whole file is read instead."""

_END_OF_HEAD, _END = b'\n "scenarios": [', b"]\n}\n"
"""As `store` lays a record out. In JSON no text holds a line break: the first of these lines is where the scenarios begin."""


def read_overview(path: Path) -> tuple[Facts, Overview]:
    """The facts of a run and what became of its scenarios. `path`: a record, or the parts of one whose run was killed.

    Of a record that has an overview its first lines are read, and that its end is there is seen: nothing else in it is checked. Any
    other is read as a whole. Raises InvalidRecord, with the file's name.
    """
    if not path.name.endswith(PARTS):
        try:
            part = _head(path)
            if part is not None and "overview" in part.mapping():
                return read_head(part)[0], read_overview_document(part["overview"])
        except InvalidRecord as fault:
            raise InvalidRecord(f"{path}: {fault}") from None
    digest = read_digest(path)
    return digest.facts, overview_of(digest)


def _head(path: Path) -> Part | None:
    """All that stands before the scenarios. None where the file is not laid out as we write it, or has no end."""
    try:
        with path.open("rb") as file:
            found = _until_scenarios(file)
            if found is None:
                return None
            file.seek(-len(_END), os.SEEK_END)
            return parsed(found.removesuffix(b",") + b"}") if file.read() == _END else None
    except OSError as fault:
        raise InvalidRecord(f"the record cannot be read: {fault.strerror}") from None


def _until_scenarios(file: BinaryIO) -> bytes | None:
    found = b""
    while len(found) < _MOST:
        more = file.read(max(_FIRST, len(found)))
        if not more:
            return None
        found += more
        end = found.find(_END_OF_HEAD)
        if end >= 0:
            return found[:end]
    return None

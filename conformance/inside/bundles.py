"""Diagnostics of a run on their way out of a pod: each scenario's folder as one packed text, as many as its log has room for.

The text is JSON, the content of each file by its path; a byte that is no UTF-8 is half a surrogate pair (Python's `surrogateescape`).
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

from conformance.inside.emitted import is_name, packed
from conformance.judge.finding import counted
from conformance.record import Run

FOLDER, ABOUT = "diagnostics", "about.md"
"""Where a run keeps them beside its record, and the page of each scenario: those of `conformance.diagnostics`, which stands above us."""

MOST = 2 * 2**20
"""Bytes of all diagnostics in a log, packed: ten scenarios on Cilium, with logs, states and rules of the nodes, are a quarter of it."""

WITH_RECORD = 6 * 2**20
"""Bytes of record and diagnostics together, packed: 8 MiB of log. A kubelet rotates at ten, and then the record would be lost."""

LARGEST = 2**26
"""Characters of all diagnostics of a record, unpacked: ten scenarios have 40 MB at most."""

_MOST_FILES = 10_000
_FILE = re.compile(r"\w[\w.-]{0,254}(/\w[\w.-]{0,254}){0,7}", re.ASCII)
"""A path that leads nowhere but below its folder."""


class InvalidBundle(Exception):
    """Diagnostics that no run has written."""


def fitting(folder: Path, record: int) -> tuple[dict[str, bytes], list[str]]:
    """The packed diagnostics in a folder that a log has room for, by scenario, and the names of those that are left out.

    Those that were taken first come first. `record`: the bytes of the packed record in the same log.
    """
    room, kept, left = min(MOST, WITH_RECORD - record), dict[str, bytes](), list[str]()
    for about in sorted(folder.glob(f"*/{ABOUT}"), key=lambda path: (path.stat().st_mtime_ns, path)):
        name = about.parent.name
        try:
            content = bundled(about.parent)
        except OSError:
            content = b""
        if content and len(content) <= room and is_name(name):
            kept[name] = content
            room -= len(content)
        else:
            left.append(name)
    return kept, left


def bundled(folder: Path) -> bytes:
    """A folder as one packed text. Raises OSError."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "surrogateescape") for path in files}
    return packed(json.dumps(texts).encode())


def unbundled(content: bytes, room: int = LARGEST) -> dict[str, bytes]:
    """The files of a bundle by their paths, which are safe to write below a new folder. Raises InvalidBundle.

    `room`: characters that it may have unpacked. Whoever packed it may have been a stranger.
    """
    try:
        files = {path: text.encode("utf-8", "surrogateescape") for path, text in json.loads(_unpacked(content, room)).items()}
    except (AttributeError, RecursionError, ValueError):
        raise InvalidBundle("they are damaged") from None
    if len(files) > _MOST_FILES or not all(map(_FILE.fullmatch, files)):
        raise InvalidBundle("they have files that those of no run have")
    if any(str(parent) in files for path in files for parent in PurePosixPath(path).parents):
        raise InvalidBundle("they have a file that is a folder too")
    return files


def _unpacked(content: bytes, room: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            text = file.read(room + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InvalidBundle("they are damaged") from None
    if len(text) > room:
        raise InvalidBundle("unpacked they are larger than those of any run")
    return text


def bring(run: Run, bundles: Mapping[str, bytes], folder: Path) -> str:
    """Writes the diagnostics that the record of a run names into the new folder beside it, as a run on one's own machine does.

    Where they did not come, their page says why. Returns a sentence on these, "" where none is missing. Raises OSError.
    """
    room, missing = LARGEST, list[str]()
    for name in (each.name for each in run.scenarios if each.diagnostics == f"{FOLDER}/{each.name}" and is_name(each.name)):
        try:
            if name not in bundles:
                raise InvalidBundle("its log had no room for them any more, or was cut")
            files = unbundled(bundles[name], room)
        except InvalidBundle as fault:
            missing.append(name)
            files = {ABOUT: f"# {name}: diagnostics\n\nThey did not come out of the pod: {fault}.\n".encode()}
        room -= sum(map(len, files.values()))
        for path, data in files.items():
            target = folder / FOLDER / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return f"{told(missing)} did not come out of the pod" if missing else ""


def told(names: list[str]) -> str:
    """The beginning of a sentence on the diagnostics of these scenarios."""
    return f"the diagnostics of {counted(len(names), 'scenario')} ({', '.join(names)})"

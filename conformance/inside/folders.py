"""Where the records that were fetched are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.inside.bundles import bring
from conformance.inside.emitted import Emitted
from conformance.inside.fetching import Part
from conformance.record import InvalidRecord, Run
from conformance.record.opening import NAME, PACKED, unpacked
from conformance.report import write_reports


def folders(parts: Sequence[Part], output: Path) -> Iterator[tuple[Part, Path]]:
    """Each part of an Indexed Job with its folder, which is one below `output` by the record's name.

    Where two records have one name, the index is added to it. A part without a record has no folder of its own.
    """
    names = [part.record.name for part in parts if part.record]
    taken: set[str] = set()
    for part in parts:
        if part.record is None:
            yield part, output
            continue
        name = part.record.name
        while name in taken or (names.count(name) > 1 and name == part.record.name):
            name += f"-{part.index}"
        taken.add(name)
        yield part, output / name


def keep(content: bytes, file: Path) -> Run:
    """Writes a packed record: as it is where the file's name says so (PACKED), else unpacked. Returns its run.

    What is no record is not written. Raises InvalidRecord, OSError.
    """
    text = unpacked(content, is_packed=True)
    run = Run.from_json(text.decode())
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content if file.name.endswith(PACKED) else text)
    draft.replace(file)
    return run


def write(record: Emitted, folder: Path) -> tuple[Run, str]:
    """Record, diagnostics and reports into the folder. Returns the run, and a sentence on what is missing ("" for nothing).

    Raises InvalidRecord, OSError.
    """
    run = keep(record.packed, folder / NAME)
    missing = bring(run, record.diagnostics, folder)
    write_reports(run, folder)
    return run, missing


def write_one(part: Part, folder: Path) -> tuple[str, str]:
    """The same for one index of many: why its record cannot be used, and what is missing; "" each where all is well. Raises OSError."""
    if part.record is None:
        return part.why, ""
    try:
        return "", write(part.record, folder)[1]
    except InvalidRecord as fault:
        return f"index {part.index}: {fault}", ""

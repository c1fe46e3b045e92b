"""Where the records that were fetched are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.inside.fetching import Part
from conformance.record import Run
from conformance.record.opening import PACKED, unpacked


def folders(parts: Sequence[Part], output: Path, *, is_indexed: bool) -> Iterator[tuple[Part, Path]]:
    """Each part with its folder: `output` itself, or for the indices of an Indexed Job one below it by the record's name.

    Where two records have one name, the index is added to it. A part without a record has no folder of its own.
    """
    names = [part.record.name for part in parts if part.record]
    taken: set[str] = set()
    for part in parts:
        if part.record is None or not is_indexed:
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

"""Where the records that were fetched are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.inside.emitted import Emitted
from conformance.inside.fetching import Part
from conformance.record import Run
from conformance.report import write_reports


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


def keep(emitted: Emitted, folder: Path) -> Run:
    """Writes the record as it was emitted, and its reports. Returns the run.

    Raises BrokenLog or InvalidRecord where it is none, OSError where the folder cannot be written.
    """
    text = emitted.text
    run = Run.from_json(text)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "record.json.new"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / "record.json")
    write_reports(run, folder)
    return run

"""Which files are read: those that are named, and the manifests below folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from conformance.scenario.fault import Fault

ENDINGS = (".yaml", ".yml", ".json")


def files_of(paths: Iterable[Path]) -> Iterator[Path | Fault]:
    """These files and those below these folders, each once however many ways lead to it; a fault for what cannot be looked into.

    Below a folder these are `*.yaml`, `*.yml` and `*.json`, links followed; hidden ones are left out. A named file that is not there
    is told by whoever reads it.
    """
    seen: set[str] = set()
    for given in paths:
        for path in _below(given) if os.path.isdir(given) else (given,):  # noqa: PTH112 - Path.is_dir raises where we may not look
            real = os.path.realpath(path) if isinstance(path, Path) else str(path)
            if real not in seen:
                seen.add(real)
                yield path


def _below(folder: Path) -> Iterator[Path | Fault]:
    found: list[Path] = []
    refused: list[OSError] = []
    been: set[str] = set()
    for where, folders, names in os.walk(folder, onerror=refused.append, followlinks=True):
        real = os.path.realpath(where)
        if real in been:  # a link that leads back
            folders.clear()
            continue
        been.add(real)
        folders[:] = [each for each in folders if not each.startswith(".")]
        paths = (Path(where, each) for each in names if each.lower().endswith(ENDINGS) and not each.startswith("."))
        found += [path for path in paths if path.is_symlink() or path.is_file()]  # a link that leads nowhere is told when it is read
    yield from (Fault(Path(each.filename), 0, 0, f"cannot be read: {each.strerror}") for each in refused)
    yield from sorted(found)
    if not found and not refused:
        yield Fault(folder, 0, 0, f"no manifest lies below this folder ({', '.join(ENDINGS)})")

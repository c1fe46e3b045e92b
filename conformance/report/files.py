"""Files that appear all at once, or not at all: half a report is worse than none."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from errno import EISDIR
from os import strerror
from pathlib import Path
from types import TracebackType


class Files:
    """Used with `with`: what is put is there when the block has ended well, and nothing of it when it has not.

    Folders that are missing are made, and go again where the block fails. Raises OSError.
    """

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self._folders: list[Path] = []

    def put(self, path: Path, parts: Iterable[str]) -> None:
        """A file from its parts, in UTF-8. Half a surrogate pair becomes its code."""
        self._make(path.parent)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR), str(path))
        with _draft(path).open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            self.paths.append(path)
            file.writelines(parts)

    def __enter__(self) -> Files:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            for path in self.paths:
                _draft(path).replace(path)
            return
        for path in self.paths:
            _draft(path).unlink(missing_ok=True)
        for folder in reversed(self._folders):
            with suppress(OSError):  # somebody else has put something there
                folder.rmdir()

    def _make(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            self._folders.append(each)


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".new")

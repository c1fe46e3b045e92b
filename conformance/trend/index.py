"""What is known of the records of a folder, so that no record is read twice: a small database in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.trend.night import Night, from_row, to_row

VERSION = 1
"""Of the tables. An index of another version is made anew."""

_PATIENCE = 5.0
"""Seconds that a process waits for another one that writes."""

_TABLES = (
    "CREATE TABLE names (id INTEGER PRIMARY KEY, names TEXT UNIQUE NOT NULL)",
    """CREATE TABLE files (
  path BLOB PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, night TEXT, names INTEGER, letters TEXT, sentences TEXT
) WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file is known by: its size in bytes, and when it was changed, in nanoseconds."""

    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file turned out to be: a night with its sentences, or (None) no record.

    Damaged records are not kept: a later version of the suite may read them.
    """

    stamp: Stamp
    night: Night | None = None
    sentences: Mapping[str, str] | None = None


class Index:
    """The index of one folder. `known` is every file that was read, by its path relative to the folder, without its sentences.

    Where no index can be kept, `note` says why, and nothing is known from one time to the next.
    """

    def __init__(self, path: Path | None, note: str = "") -> None:
        """Raises OSError or sqlite3.Error where there is no index and none can be made, _DamagedIndex where it must be made anew."""
        self.path, self.note = path, note
        self._database = _connected(path)
        try:
            self.known = dict(_entries(self._database))
        except BaseException:
            self._database.close()
            raise

    @classmethod
    @contextmanager
    def of(cls, folder: Path, cache: Path) -> Iterator[Index]:
        """The index of a folder, below the folder `cache`. What is damaged there, or of another version, is made anew."""
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        index = cls._opened(cache / "trend" / f"{name}.sqlite")
        try:
            yield index
        finally:
            index._database.close()  # noqa: SLF001 # its own

    @classmethod
    def _opened(cls, path: Path) -> Index:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return cls(path)
            except _DamagedIndex:
                path.unlink(missing_ok=True)
                return cls(path)
        except (OSError, sqlite3.Error, _DamagedIndex) as trouble:
            return cls(None, f"no index is kept, and every record is read each time: {_told(path, trouble)}")

    def update(self, entries: Mapping[str, Entry], gone: Iterable[str]) -> None:
        """Keeps what was read, and forgets the files that are gone. Another process that writes at the same time does no harm."""
        gone = list(gone)
        if not entries and not gone:
            return
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in gone])
                self._database.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(os.fsencode(path), *self._columns(entry)) for path, entry in entries.items()],
                )
        except sqlite3.Error as trouble:
            self.note = f"the index could not be written, and some records are read again next time: {_told(self.path, trouble)}"

    def sentences(self, paths: Iterable[str]) -> dict[str, str]:
        """Why scenarios failed or are in error, by name, of these records."""
        found: dict[str, str] = {}
        for path in paths:
            with suppress(sqlite3.Error, ValueError):
                row = self._database.execute("SELECT sentences FROM files WHERE path = ?", (os.fsencode(path),)).fetchone()
                found |= json.loads(row[0]) if row and row[0] else {}
        return found

    def _columns(self, entry: Entry) -> tuple[int | str | None, ...]:
        night, stamp = entry.night, entry.stamp
        if night is None:
            return stamp.size, stamp.changed, None, None, None, None
        names = json.dumps(night.names)
        self._database.execute("INSERT OR IGNORE INTO names (names) VALUES (?)", (names,))
        (number,) = self._database.execute("SELECT id FROM names WHERE names = ?", (names,)).fetchone()
        return stamp.size, stamp.changed, json.dumps(to_row(night)), number, night.letters, json.dumps(entry.sentences)


class _DamagedIndex(Exception):
    """It holds something else than we wrote."""


def _connected(path: Path | None) -> sqlite3.Connection:
    """A database with our tables; in memory where there is no path. Raises sqlite3.OperationalError, _DamagedIndex."""
    database = sqlite3.connect(":memory:" if path is None else path, timeout=_PATIENCE, isolation_level=None)
    try:
        if not _version(database):
            database.execute("BEGIN IMMEDIATE")  # of two that come at the same time one makes the tables
            for statement in () if _version(database) else (*_TABLES, f"PRAGMA user_version = {VERSION}"):
                database.execute(statement)
            database.execute("COMMIT")
        if _version(database) != VERSION:
            raise sqlite3.DatabaseError("it is of another version")
    except sqlite3.OperationalError:
        database.close()
        raise
    except sqlite3.DatabaseError as trouble:
        database.close()
        raise _DamagedIndex(str(trouble)) from None
    return database


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _entries(database: sqlite3.Connection) -> Iterator[tuple[str, Entry]]:
    """Raises _DamagedIndex."""
    try:
        catalogues = {number: tuple(json.loads(text)) for number, text in database.execute("SELECT id, names FROM names")}
        for path, size, changed, night, names, letters in database.execute("SELECT path, size, changed, night, names, letters FROM files"):
            whole = None if night is None else from_row(json.loads(night), catalogues[names], letters)
            yield os.fsdecode(path), Entry(Stamp(size, changed), whole)
    except (sqlite3.Error, ValueError, TypeError, KeyError, IndexError) as trouble:
        raise _DamagedIndex(str(trouble)) from None


def _told(path: Path | None, trouble: Exception) -> str:
    return f"{path}: {(trouble.strerror if isinstance(trouble, OSError) else None) or trouble}"

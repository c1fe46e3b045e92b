"""Who may measure when: scenarios side by side, some alone, and those that hurt others alone and last of all."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ALONE, _STILL_THERE = "turn.lock", "still-there.lock"


class Turns:
    """The turns of one process of a run; the lock files are in the run's folder, and a process that dies gives its locks back.

    Every process holds its share of the second file until it closes, or comes to its first disruptive scenario: that one
    begins when it is the only one left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._presence = (folder / _STILL_THERE).open("w")
        fcntl.flock(self._presence, fcntl.LOCK_SH)

    @contextmanager
    def turn(self, *, is_alone: bool, is_last: bool) -> Iterator[None]:
        """Waits for the turn of a scenario: `is_alone` keeps all others out, `is_last` lets them end all their work before."""
        if is_last:
            # Never two shares at once: processes that wait for each other's would wait for ever.
            fcntl.flock(self._presence, fcntl.LOCK_UN)
            fcntl.flock(self._presence, fcntl.LOCK_EX)
        try:
            with (self._folder / _ALONE).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX if is_alone or is_last else fcntl.LOCK_SH)
                yield
        finally:
            if is_last:
                fcntl.flock(self._presence, fcntl.LOCK_UN)

    def close(self) -> None:
        """This process measures no more."""
        self._presence.close()

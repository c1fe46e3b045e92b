"""What time it is, and waiting: real, or that of a simulation."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that never go back, and a way to let some of them pass."""

    def now(self) -> float:
        """The time, in seconds from an arbitrary beginning."""

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds."""


class WallClock:
    """The machine's own monotonic clock."""

    def now(self) -> float:
        """The time, in seconds from an arbitrary beginning."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds."""
        time.sleep(seconds)

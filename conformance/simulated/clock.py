"""Simulated time: waiting costs nothing, and what is due happens on the way."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count

Action = Callable[[], object]


class SimulatedClock:
    """Seconds since the cluster came to be. May be used from several threads; actions run one at a time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, Action]] = []
        self._numbers = count()
        self._lock = threading.RLock()

    def now(self) -> float:
        """The time, in seconds."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Jumps ahead; actions that are due by then run on the way, each at its time."""
        self.until(self._now + seconds)

    def until(self, time: float) -> None:
        """Jumps to a time. One that is past changes nothing."""
        with self._lock:
            while self._due and self._due[0][0] <= time:
                at, _, action = heapq.heappop(self._due)
                self._now = max(self._now, at)
                action()
            self._now = max(self._now, time)

    def later(self, seconds: float, action: Action) -> None:
        """Runs an action so many seconds from now."""
        with self._lock:
            heapq.heappush(self._due, (self._now + seconds, next(self._numbers), action))

    def every(self, seconds: float, action: Action) -> Action:
        """Runs an action now and then every so many seconds, until what this returns is called."""
        is_over = False

        def again() -> None:
            if not is_over:
                self.later(seconds, again)
                action()

        def end() -> None:
            nonlocal is_over
            is_over = True

        again()
        return end

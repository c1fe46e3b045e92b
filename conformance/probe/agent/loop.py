"""The agent's loop: one process, no threads, everything at the same time."""

from __future__ import annotations

import heapq
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

BEAT = 0.05
"""Seconds between two looks at how late the process runs, where the configuration says no others."""

LATE = 0.1
"""Seconds of delay from which on an interval is kept as one in which this process was not let run."""


class Both(int):
    """A descriptor that is to become readable or writable. A plain number: readable."""


class Loop:
    """Runs generators. Each yields (key, until) and goes on with what is delivered for that key, or None when time is over.

    A key is a file descriptor that is to become ready, or anything else that `deliver` is called with. What came in
    time is delivered before anybody is told that time is over, however late this process itself is. `late` is the longest
    delay since somebody set it to 0, `lateness` the intervals (from, to) in which this process wanted to run and did not.
    """

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.readers: dict[int, Callable[[int, int], None]] = {}
        self.waiting: dict[Any, tuple[int, Generator[Any, Any, Any]]] = {}
        self.timers: list[tuple[float, int, Any]] = []
        self.number, self.late = 0, 0.0
        self.lateness: list[tuple[float, float]] = []

    def read(self, descriptor: int, reader: Callable[[int, int], None]) -> None:
        """Calls `reader(descriptor, events)` each time the descriptor is readable or has an error."""
        self.poll.register(descriptor, select.EPOLLIN)
        self.readers[descriptor] = reader

    def forget(self, descriptor: int) -> None:
        """Reads it no more. Closing it ends the polling."""
        del self.readers[descriptor]

    def start(self, task: Generator[Any, Any, Any], value: Any = None) -> None:
        """Runs a generator up to its next wait."""
        try:
            key, until = task.send(value)
        except StopIteration:
            return
        self.number += 1
        self.waiting[key] = self.number, task
        if isinstance(key, int):
            self.poll.register(key, select.EPOLLIN if type(key) is int else select.EPOLLIN | select.EPOLLOUT)
        heapq.heappush(self.timers, (until, self.number, key))

    def deliver(self, key: Any, value: Any) -> None:
        """Goes on with the generator that waits for the key, if there is one."""
        if key in self.waiting:
            _, task = self.waiting.pop(key)
            if isinstance(key, int):
                self.poll.unregister(key)
            self.start(task, value)

    def beat(self, every: float) -> Generator[Any, Any, None]:
        """Keeps `late` and `lateness`."""
        while True:
            due = time.monotonic() + every
            yield object(), due
            now = time.monotonic()
            self.late = max(self.late, now - due)
            if now - due > LATE:
                self.lateness = [*self.lateness[-300:], (round(due, 4), round(now, 4))]

    def is_over(self, timer: tuple[float, int, Any]) -> bool:
        """Nobody waits for this timer any more."""
        return self.waiting.get(timer[2], (0,))[0] != timer[1]

    def turn(self) -> None:
        """Waits for the next thing to happen and does all that has happened."""
        while self.timers and self.is_over(self.timers[0]):
            heapq.heappop(self.timers)
        events = self.poll.poll(max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None)
        now = time.monotonic()
        for descriptor, event in events:
            if descriptor in self.readers:
                self.readers[descriptor](descriptor, event)
            else:
                self.deliver(descriptor, event)
        while self.timers and self.timers[0][0] <= now:
            timer = heapq.heappop(self.timers)
            if not self.is_over(timer):
                self.deliver(timer[2], None)

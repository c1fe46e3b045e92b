"""What a pod reaches from its first instant on: attempts that do not wait for one another."""

from __future__ import annotations

import time

from conformance.probe.agent.watching import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from conformance.probe.agent.answers import Line
    from conformance.probe.agent.asking import Asker

LEAST, MOST = 1.0, 10.0
"""Seconds that an init container tries: at least, and at most, where a target that should be reached is not."""

FOR_EVER = 120.0
"""Seconds after which a main process stops to try, where no session comes."""


class Starts:
    """Counts what is reached, by target: [attempts, connected, seconds until the first connection or None]."""

    def __init__(self, asker: Asker, lines: list[Line], every: float, allowed: list[int]) -> None:
        self.asker, self.lines, self.every, self.allowed = asker, lines, every, allowed
        self.counts: list[list[Any]] = [[0, 0, None] for _ in lines]
        self.began = time.monotonic()
        self.ended: float | None = None
        self.flying = 0
        for place in range(len(lines)):
            asker.loop.start(self.count(place))

    def count(self, place: int) -> Generator[Any, Any, None]:
        """The attempts of one target."""
        while self.ended is None and time.monotonic() < self.began + FOR_EVER:
            self.flying += 1
            self.asker.loop.start(self.asker.ask(self.lines[place], PATIENCE, lambda answer: self.done(place, answer)))
            yield object(), time.monotonic() + self.every

    def done(self, place: int, answer: list[Any]) -> None:
        """An attempt has its answer."""
        self.flying -= 1
        count = self.counts[place]
        count[0] += 1
        if answer[0] == "connected":
            count[1] += 1
            count[2] = round(time.monotonic() - self.began, 4) if count[2] is None else count[2]

    def end(self) -> None:
        """No attempt begins any more."""
        self.ended = self.ended or time.monotonic()

    def report(self) -> Generator[Any, Any, list[list[Any]]]:
        """The counts with how long it tried, when all attempts have their answers."""
        self.end()
        while self.flying:
            yield object(), time.monotonic() + 0.02
        lasted = round((self.ended or self.began) - self.began, 4)
        return [[*count, lasted] for count in self.counts]

    def init(self) -> Generator[Any, Any, list[list[Any]]]:
        """The life of an init container."""
        while time.monotonic() < self.began + LEAST or (
            time.monotonic() < self.began + MOST and not all(self.counts[place][1] for place in self.allowed)
        ):
            yield object(), time.monotonic() + 0.02
        return (yield from self.report())

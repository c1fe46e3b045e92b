"""All probes of a world: opened, told and heard at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from conformance.cluster.streams import BrokenStream
from conformance.probe.probe import Probe
from conformance.world.clock import Clock
from conformance.world.times import Times

_AT_ONCE = 8
"""Streams opened at the same time."""


@dataclass
class Circle:
    """The probes by reference. For one thread at a time."""

    times: Times
    clock: Clock
    probes: dict[str, Probe] = field(default_factory=dict)
    number: int = 0

    def open(self, probes: Iterable[Probe], patience: float) -> list[str]:
        """Open the streams that are not; the causes of those that could not be."""
        closed = [probe for probe in probes if probe.stream is None]
        if not closed:
            return []
        with ThreadPoolExecutor(_AT_ONCE, "open") as pool:
            done = [(probe, pool.submit(probe.open, patience, self.times.stream)) for probe in closed]
        for probe, opening in done:
            trouble = opening.exception()
            if isinstance(trouble, BrokenStream):
                probe.fail(trouble)
            elif trouble is not None:
                raise trouble
        return [probe.why for probe in closed if probe.stream is None]

    def ask(self, requests: Mapping[str, Mapping[str, Any]], patience: float = 0.0) -> tuple[float, dict[str, dict[str, Any]]]:
        """A request for each of these probes: when they were told, and the replies of those who replied.

        They have `patience` seconds for it, and `times.stream` to say so.
        """
        self.number += 1
        began = self.clock.now()
        for ref, request in requests.items():
            self.probes[ref].tell({"id": self.number, **request})
        until = began + patience + self.times.stream
        return began, {ref: reply for ref in requests if (reply := self.probes[ref].hear(self.number, until)) is not None}

    def close(self, refs: Iterable[str], why: str) -> None:
        """End these streams and forget these probes. Never raises."""
        for ref in [ref for ref in refs if ref in self.probes]:
            probe = self.probes.pop(ref)
            if probe.ends_with_session:
                probe.tell({"end": True})
            probe.fail(why)

    def why(self, ref: str) -> str:
        """Why the probe of a place did not reply."""
        if ref not in self.probes:
            return f"there is no probe on {ref}"
        return self.probes[ref].why or f"the probe of {ref} did not answer"

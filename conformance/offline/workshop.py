"""Where things are made: the cache, the commands, this machine, and who is told about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.machine import Machine
from conformance.world.progress import Progress


class NotMade(BrokenSetup):
    """Something is not there, and this workshop only looks. `what` is the name of the phase that makes it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not made yet: {what}")
        self.what = what


@dataclass(frozen=True, slots=True)
class Workshop:
    """`only_looks` is a workshop that makes nothing: what is not there raises NotMade."""

    cache: Cache
    commands: Commands
    machine: Machine
    report: Progress
    only_looks: bool = False

    def provide(self, phase: str, kind: str, inputs: Mapping[str, object], make: Callable[[Path], None]) -> Path:
        """The cache's folder for these inputs; where it must be made, that is the phase `phase` of the report."""

        if self.only_looks:
            if found := self.cache.find(kind, inputs):
                return found
            raise NotMade(phase)

        def making(target: Path) -> None:
            with self.report.phase(phase):
                make(target)

        return self.cache.provide(kind, inputs, making)

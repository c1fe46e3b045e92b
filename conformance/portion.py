"""Portions of work: scenarios that one process plays one after the other, because they share a world or must not meet others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from conformance.scenario.scenario import Scenario

DISRUPTIVE, EXCLUSIVE = "disruptive", "exclusive"
"""Portions that one worker has as a whole: what runs last, and worlds that cannot stand side by side."""


def portions(scenarios: Sequence[Scenario], workers: int) -> dict[str, str]:
    """By scenario, the portion of work that it belongs to: one layout, split where a worker would be left without work.

    Disruptive scenarios are one portion, and so are all whose worlds cannot stand side by side: a portion has one worker.
    """
    size = max(1, ceil(len(scenarios) / workers))
    counts: dict[str, int] = {}
    found = {}
    for scenario in scenarios:
        key = scenario.layout.key
        if scenario.is_disruptive:
            found[scenario.name] = DISRUPTIVE
        elif scenario.layout.is_exclusive:
            found[scenario.name] = EXCLUSIVE
        else:
            found[scenario.name] = f"{key}/{counts.get(key, 0) // size}"
            counts[key] = counts.get(key, 0) + 1
    return found


def scheduling(config: Any, log: Any, portion_of: Callable[[str], str]) -> Any:
    """A scheduler of pytest-xdist that gives out portions, the largest first and the disruptive one last.

    `portion_of` says to which portion a nodeid belongs.
    """
    from xdist.scheduler import LoadScopeScheduling

    class PortionScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return portion_of(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            if DISRUPTIVE in self.workqueue:
                self.workqueue.move_to_end(DISRUPTIVE)
            super()._assign_work_unit(node)

    return PortionScheduling(config, log)

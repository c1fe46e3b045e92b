"""Portions of work: scenarios that one process plays one after the other, because they share a world or must not meet others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Any

from conformance.scenario.crowd import most_on_a_node
from conformance.scenario.scenario import NODES, Scenario

DISRUPTIVE, EXCLUSIVE = "disruptive", "exclusive"
"""Portions that one worker has as a whole: what runs last, and worlds that cannot stand side by side."""

STEPS = 12
"""How many steps a portion has at most (a scenario more where one alone has more): at the end of a run nobody waits long for the last."""


def portions(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """By scenario, the portion of work that it belongs to: `layout/number`, scenarios of one layout in their order.

    Disruptive scenarios are one portion, and so are all whose worlds cannot stand side by side: a portion has one worker.
    """
    steps: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    found = {}
    for scenario in scenarios:
        key, cost = scenario.layout.key, 1 + len(scenario.steps)
        if scenario.is_disruptive:
            found[scenario.name] = DISRUPTIVE
        elif scenario.layout.is_exclusive:
            found[scenario.name] = EXCLUSIVE
        else:
            if steps[key] and steps[key] + cost > STEPS:
                steps[key], numbers[key] = 0, numbers[key] + 1
            steps[key] += cost
            found[scenario.name] = f"{key}/{numbers[key]}"
    return found


def largest(scenarios: Iterable[Scenario], portion_of: Mapping[str, str], processes: int) -> tuple[Scenario, ...]:
    """Scenarios whose worlds are the largest that may stand at a time, the largest first: one for each process, each of another portion.

    `portion_of` is what `portions` found.
    """
    best: dict[str, tuple[int, Scenario]] = {}
    for scenario in scenarios:
        pods, portion = most_on_a_node(scenario, NODES), portion_of[scenario.name]
        if portion not in best or pods > best[portion][0]:
            best[portion] = pods, scenario
    return tuple(scenario for _, scenario in nlargest(processes, best.values(), key=lambda each: each[0]))


def next_portion(queue: Iterable[str], mine: str | None, others: Iterable[str]) -> str:
    """The portion of `queue` that a worker should have next; `mine` and `others` are the layouts whose worlds stand at it and elsewhere.

    One whose world it has costs no new one. Else the layout of which most is left for each worker that has its world. Worlds that cannot
    stand side by side begin early, for they are one long row; disruptive scenarios come last.
    """
    left = Counter(layout_of(portion) for portion in queue)
    if mine in left and mine != DISRUPTIVE:
        choice = mine
    elif EXCLUSIVE in left:
        choice = EXCLUSIVE
    else:
        there = Counter(others)
        choice = max(left, key=lambda layout: (layout != DISRUPTIVE, left[layout] / (1 + there[layout])))
    return next(portion for portion in queue if layout_of(portion) == choice)


def layout_of(portion: str) -> str:
    """The key of a portion's layout, or the portion itself where it has several."""
    return portion.partition("/")[0]


def scheduling(config: Any, log: Any, portion_of: Callable[[str], str]) -> Any:
    """A scheduler of pytest-xdist that gives out portions, by `next_portion`. `portion_of` says to which a nodeid belongs."""
    from xdist.scheduler import LoadScopeScheduling

    class PortionScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
        def __init__(self) -> None:
            super().__init__(config, log)
            self._layouts: dict[Any, str] = {}

        def _split_scope(self, nodeid: str) -> str:
            return portion_of(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            others = [layout for other, layout in self._layouts.items() if other is not node]
            portion = next_portion(self.workqueue, self._layouts.get(node), others)
            self._layouts[node] = layout_of(portion)
            self.workqueue.move_to_end(portion, last=False)
            super()._assign_work_unit(node)

        def remove_node(self, node: Any) -> str | None:
            """What a crashed worker had in hand, if anything: its record says so, and nobody measures it a second time."""
            units = self.assigned_work[node]
            crashed = next((nodeid for unit in units.values() for nodeid, is_done in unit.items() if not is_done), None)
            done = {portion: {nodeid: is_done or nodeid == crashed for nodeid, is_done in unit.items()} for portion, unit in units.items()}
            self.assigned_work[node] = {portion: unit for portion, unit in done.items() if not all(unit.values())}
            super().remove_node(node)  # who gets a portion without work waits for ever
            return crashed

    return PortionScheduling()

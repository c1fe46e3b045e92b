"""Which scenarios see which faults: every fault of the simulated plugin against every scenario.

A scenario is played once without a fault. What it did is done again with each faulty plane; where that answers the same all
along, the scenario cannot see the fault. Where it does not, the scenario is played in full, and sees the fault if it fails.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from conformance.cluster.contract import NotPossible
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.scenario import Scenario
from conformance.settings import Settings
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.faults import FAULTS, Fault
from conformance.simulated.plane import Plane
from conformance.simulated.replay import RecordedPlane, differs
from conformance.target import Target
from conformance.world.times import Times
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds

TIMES = Times(settle=3.0)
"""The simulated plugin acts at once: what is not right after 3 s never will be."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one scenario sees: names of faults. `broken` says how it ended without any fault, where it did not pass."""

    scenario: str
    faults: tuple[str, ...]
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The whole table: the faults that were switched on, and what each scenario sees of them."""

    faults: tuple[Fault, ...]
    seen: tuple[Seen, ...]

    def by_fault(self) -> dict[str, tuple[str, ...]]:
        """The scenarios that see each fault, sorted."""
        return {fault.name: tuple(sorted(each.scenario for each in self.seen if fault.name in each.faults)) for fault in self.faults}

    @property
    def unseen(self) -> tuple[str, ...]:
        """Faults that no scenario sees."""
        return tuple(name for name, scenarios in self.by_fault().items() if not scenarios)

    @property
    def blind(self) -> tuple[str, ...]:
        """Scenarios that see no fault."""
        return tuple(each.scenario for each in self.seen if not each.faults and not each.broken)

    @property
    def broken(self) -> tuple[Seen, ...]:
        """Scenarios that do not pass without a fault."""
        return tuple(each for each in self.seen if each.broken)

    def to_json(self) -> str:
        """For docs/catalogue.md: the same for the same code."""
        seen = self.by_fault()
        faults = {
            fault.name: {"about": fault.about, "rows": list(fault.rows), "seen_by": list(seen[fault.name])}
            for fault in sorted(self.faults, key=lambda fault: fault.name)
        }
        lines = (f"    {json.dumps(name)}: {json.dumps(content, ensure_ascii=False)}" for name, content in faults.items())
        return '{\n  "faults": {\n' + ",\n".join(lines) + "\n  }\n}\n"


def sensitivity(scenarios: Sequence[Scenario], faults: Sequence[Fault], done: Callable[[Seen], None], workers: int = 0) -> Sensitivity:
    """The table. `done` hears of each scenario; `workers` 0: a process for each processor."""
    names = tuple(fault.name for fault in faults)
    tasks = [(scenario, names) for scenario in scenarios]
    seen = []
    for each in _each(tasks, workers or os.cpu_count() or 1):
        done(each)
        seen.append(each)
    return Sensitivity(tuple(faults), tuple(sorted(seen, key=lambda each: each.scenario)))


def _each(tasks: Sequence[tuple[Scenario, tuple[str, ...]]], workers: int) -> Iterator[Seen]:
    if workers == 1 or len(tasks) == 1:
        yield from map(_task, tasks)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_task, tasks)


def _task(task: tuple[Scenario, tuple[str, ...]]) -> Seen:
    scenario, names = task
    return look(scenario, {name: FAULTS[name].plane for name in names})


def look(scenario: Scenario, planes: Mapping[str, Callable[[SimulatedClock], Plane]]) -> Seen:
    """What a scenario sees of these planes."""
    cluster = SimulatedCluster(RecordedPlane, TIMES)
    record = _played(scenario, cluster)
    if record.outcome is not Outcome.PASSED:
        return Seen(scenario.name, (), f"{record.outcome}: {record.sentence}")
    plane = cluster.plane
    entries: Iterable[Any] = plane.entries if isinstance(plane, RecordedPlane) else ()
    found = (name for name, make in planes.items() if differs(entries, make) and _fails(scenario, make))
    return Seen(scenario.name, tuple(found))


def _fails(scenario: Scenario, make_plane: Callable[[SimulatedClock], Plane]) -> bool:
    return _played(scenario, SimulatedCluster(make_plane, TIMES)).outcome is Outcome.FAILED


def _played(scenario: Scenario, cluster: SimulatedCluster) -> ScenarioRecord:
    target = Target.simulated(Settings(cluster="simulated"))
    notes = Notes(scenario, target, "sensitivity")
    try:
        return play(scenario, Worlds(cluster, target, TIMES, "seen", 0), TIMES, notes)
    except NotPossible as reason:
        return notes.skipped(str(reason))

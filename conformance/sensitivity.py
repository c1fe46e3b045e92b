"""Which scenarios see which faults: every fault of the simulated plugin against every scenario.

A scenario is played once without a fault. What it did is done again with each faulty plane. Where that answers the same all
along, the scenario cannot see the fault; where a step's question is answered wrongly for good, it does. Only where it is
neither, the scenario is played in full, and sees the fault if it fails.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from conformance.cluster.contract import NotPossible
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.plan import PlannedStep
from conformance.probe.answering import line_of
from conformance.record import ScenarioRecord
from conformance.scenario.scenario import Scenario
from conformance.settings import Settings
from conformance.simulated import agent
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.faults import FAULTS, Fault
from conformance.simulated.nouns import Packet
from conformance.simulated.plane import Plane
from conformance.simulated.replay import Course, RecordedPlane, Rounds, Sight, sight
from conformance.simulated.twins import Bench, is_twin
from conformance.target import Target
from conformance.world.timeline import Timeline
from conformance.world.times import Times
from conformance.world.verdict import Outcome, Verdict
from conformance.worlds import Worlds

TIMES = Times(settle=3.0, baseline=3.0)
"""The simulated plugin acts at once: what is not right after 3 s never will be."""

_TARGET = Target.simulated(Settings(cluster="simulated"))


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
    tasks = [(scenario, names) for scenario in sorted(scenarios, key=_size, reverse=True)]
    seen = []
    for each in _each(tasks, workers or os.cpu_count() or 1):
        done(each)
        seen.append(each)
    return Sensitivity(tuple(faults), tuple(sorted(seen, key=lambda each: each.scenario)))


def _size(scenario: Scenario) -> tuple[bool, int]:
    """The longest come first, so that all processes end together: loads, then what has many questions."""
    return scenario.is_disruptive, len(list(scenario.layout.pods())) ** 2 * len(scenario.steps)


def _each(tasks: Sequence[tuple[Scenario, tuple[str, ...]]], workers: int) -> Iterator[Seen]:
    if workers == 1 or len(tasks) == 1:
        yield from map(_task, tasks)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_task, tasks)


def _task(task: tuple[Scenario, tuple[str, ...]]) -> Seen:
    scenario, names = task
    return look(scenario, [FAULTS[name] for name in names])


def look(scenario: Scenario, faults: Sequence[Fault]) -> Seen:
    """What a scenario sees of these faults."""
    record, course = recorded(scenario)
    if record.outcome is not Outcome.PASSED:
        return Seen(scenario.name, (), f"{record.outcome}: {record.sentence}")
    planes = {fault.name: fault.plane for fault in faults}
    twins = {fault.name: fault.plane for fault in faults if fault.is_static and is_twin(fault.plane)}
    sights = Bench(course, twins).sights()
    sights |= {name: sight(course, plane) for name, plane in planes.items() if name not in sights}
    found = (name for name, plane in planes.items() if _is_failure(sights[name], scenario, plane))
    return Seen(scenario.name, tuple(sorted(found)))


def _is_failure(seen: Sight, scenario: Scenario, plane: type[Plane]) -> bool:
    return seen is Sight.FAILURE or (seen is Sight.SOMETHING and fails(scenario, plane))


def fails(scenario: Scenario, plane: type[Plane]) -> bool:
    """Whether a scenario fails with a plane, played in full."""
    return played(scenario, SimulatedCluster(plane, TIMES)).outcome is Outcome.FAILED


def recorded(scenario: Scenario) -> tuple[ScenarioRecord, Course]:
    """What a scenario comes to without any fault, and all that it does."""
    cluster = SimulatedCluster(RecordedPlane, TIMES)
    course = cluster.plane.course if isinstance(cluster.plane, RecordedPlane) else Course()
    course.judges_source = scenario.judges_source
    return played(scenario, cluster, course), course


def played(scenario: Scenario, cluster: SimulatedCluster, course: Course | None = None) -> ScenarioRecord:
    """What a scenario comes to on a cluster. The rounds of its steps are added to `course`."""
    notes = _Rounds(scenario, cluster, course)
    try:
        return play(scenario, Worlds(cluster, _TARGET, TIMES, "seen", 0), TIMES, notes)
    except NotPossible as reason:
        return notes.skipped(str(reason))


class _Rounds(Notes):
    """Notes that tell a course which rounds there were."""

    def __init__(self, scenario: Scenario, cluster: SimulatedCluster, course: Course | None) -> None:
        super().__init__(scenario, _TARGET, "sensitivity")
        self._cluster, self._course = cluster, course

    def watched(self, step: PlannedStep, timeline: Timeline) -> None:
        super().watched(step, timeline)
        if step.number and self._course is not None:
            ended = self._cluster.clock.now()
            began = ended - timeline.ended
            self._course.rounds.append(Rounds(began, ended, began + TIMES.settle, self._verdicts(step)))

    def _verdicts(self, step: PlannedStep) -> dict[Packet, bool]:
        """Whether packets must be answered; questions by name and open cells are left out."""
        identities = {place.ref: place.identity for place in step.world.places()}
        uids = {endpoint.identity: uid for uid, endpoint in self._cluster.plane.endpoints.items()}
        found = {}
        for question, expectation in step.expected.items():
            words = line_of(step.world, question)
            line = None if words is None else agent.line_of(list(words))
            if line is not None and line.family is None and expectation.verdict is not Verdict.OPEN:
                packet = Packet(uids[identities[question.source]], line.address, line.port, line.protocol, line.size)
                found[packet] = expectation.verdict is Verdict.ALLOWED
        return found

"""What is written down while a scenario is played, and the record that is made of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import yaml

from conformance.judge import Judgement, judge
from conformance.plan import Begin, Plan, PlannedStep, PutBack, relabelling
from conformance.record import Phase, ScenarioRecord, Setting
from conformance.scenario.scenario import Scenario
from conformance.target import Target
from conformance.world.deviation import KnownDeviation
from conformance.world.measurement import Measurement
from conformance.world.place import World
from conformance.world.timeline import Timeline
from conformance.world.verdict import Outcome


class Notes:
    """Of one scenario on one cluster. `worker` is the process that plays it."""

    def __init__(self, scenario: Scenario, target: Target, worker: str) -> None:
        self._scenario, self._target, self._worker = scenario, target, worker
        self._began, self._started = time.monotonic(), datetime.now(UTC).isoformat(timespec="milliseconds")
        self._phases: dict[str, float] = {}
        self._world: World | None = None
        self._plan = Plan((), {})

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time of the block to a phase."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._add(name, time.monotonic() - began)

    def planned(self, world: World, plan: Plan) -> None:
        """Who is there, and what will be done."""
        self._world, self._plan = world, plan

    def watched(self, step: PlannedStep, timeline: Timeline) -> None:
        """How long a table took to agree, and how long it was watched after that."""
        settled = timeline.ended if timeline.settled_at is None else timeline.settled_at
        match step.action:
            case Begin():
                self._add("baseline", timeline.ended)
            case PutBack():
                self._add("putting back", timeline.ended)
            case _:
                self._add("settling", settled)
                self._add("holding", timeline.ended - settled)

    @property
    def deviations(self) -> tuple[KnownDeviation, ...]:
        """What the plugin is known to get wrong in this scenario."""
        known = self._target.plugin.known_deviations if self._target.plugin else ()
        return tuple(each for each in known if each.scenario == self._scenario.name)

    def record(self, measurement: Measurement) -> ScenarioRecord:
        """The record of what was measured, judged. Raises InvalidDeviation."""
        return self._record(measurement, judge(measurement, self.deviations), self.deviations)

    def not_supported(self, because: str) -> ScenarioRecord:
        """The record of a scenario that this cluster cannot be asked."""
        return self._record(Measurement(), Judgement(Outcome.NOT_SUPPORTED, because), ())

    def skipped(self, because: str) -> ScenarioRecord:
        """The record of a scenario that was not to be run here, or could not be."""
        return self._record(Measurement(), Judgement(Outcome.SKIPPED, because), ())

    def _record(self, measurement: Measurement, judgement: Judgement, deviations: tuple[KnownDeviation, ...]) -> ScenarioRecord:
        scenario = self._scenario
        return ScenarioRecord(
            name=scenario.name,
            judgement=judgement,
            measurement=measurement,
            file=f"{scenario.group}/{scenario.path.name}",
            group=scenario.group,
            about=scenario.about,
            because=scenario.because,
            recipe=scenario.recipe,
            needs=scenario.needs,
            families=self._target.families,
            policies={name: yaml.safe_dump(document, sort_keys=False) for name, document in self._plan.documents.items()},
            world=self._world,
            settings=tuple(Setting(step.policies, relabelling(self._plan.steps[0].world, step.world)) for step in self._plan.steps),
            deviations=deviations,
            started=self._started,
            seconds=time.monotonic() - self._began,
            phases=tuple(Phase(name, seconds) for name, seconds in self._phases.items()),
            worker=self._worker,
            fault_class=scenario.fault_class,
            origin=scenario.origin,
            is_disruptive=scenario.is_disruptive,
            sample=self._plan.sample,
        )

    def _add(self, name: str, seconds: float) -> None:
        self._phases[name] = self._phases.get(name, 0.0) + seconds

"""One scenario through all floors. Read this first.

file ─▶ plan: what must be, by the model ─▶ world: who is there ─▶ change, ask, wait ─▶ judge ─▶ record
"""

from __future__ import annotations

from dataclasses import replace

from conformance.changes import carry_out
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.notes import Notes
from conformance.plan import Begin, Plan, PlannedStep, PutBack, plan
from conformance.probe.sampling import sample
from conformance.record import ScenarioRecord
from conformance.scenario.fault import InvalidScenario
from conformance.scenario.scenario import Scenario
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.timeline import Timeline
from conformance.world.times import Times
from conformance.worlds import LiveWorld, Worlds


def play(scenario: Scenario, cluster: Cluster, worlds: Worlds, times: Times, notes: Notes) -> ScenarioRecord:
    """What became of a scenario. Never raises for what the cluster or the scenario does to us."""
    try:
        with notes.phase("world"):
            live = worlds.take(scenario.layout)
        planned = plan(scenario, live.world, worlds.families)
    except (BrokenCluster, InvalidScenario) as trouble:
        return notes.record(Measurement(broken=str(trouble)))
    notes.planned(live.world, planned)
    if any(step.contradictions for step in planned.steps):
        # File and model must agree before anything is asked: one of them is wrong, and no answer would mean anything.
        return notes.record(Measurement(tuple(_measured(step, live, Timeline()) for step in planned.steps)))
    done = measure(planned, live, cluster, times, notes)
    if len(done) < len(planned.steps) or done[-1].broken or done[-1].timeline.settled_at is None:
        worlds.drop(live)  # it could not be put back: nobody else is to stand in it
    return notes.record(Measurement(done))


def measure(planned: Plan, live: LiveWorld, cluster: Cluster, times: Times, notes: Notes) -> tuple[StepMeasurement, ...]:
    """Each step done and watched until its table holds. Ends early where the baseline or a change cannot be had."""
    done: list[StepMeasurement] = []
    for step in planned.steps:
        try:
            with notes.phase("change"):
                carry_out(step, planned.documents, cluster)
        except BrokenCluster as trouble:
            return (*done, _measured(step, live, Timeline(), broken=str(trouble)))
        timeline = sample(live.probes.ask, step.expected, _identities(live), _patience(step, times))
        notes.watched(step, timeline)
        done.append(_measured(step, live, timeline))
        if step.number == 0 and timeline.settled_at is None:
            break
    return tuple(done)


def _patience(step: PlannedStep, times: Times) -> Times:
    """A world need not hold before and after the steps: the baseline that follows proves it again."""
    match step.action:
        case Begin():
            return replace(times, settle=times.baseline, hold=0.0)
        case PutBack():
            return replace(times, hold=0.0)
    return times


def _identities(live: LiveWorld) -> dict[str, str]:
    return {place.ref: place.identity for place in live.world.places()}


def _measured(step: PlannedStep, live: LiveWorld, timeline: Timeline, broken: str = "") -> StepMeasurement:
    return StepMeasurement(step.number, str(step.action), step.expected, timeline, _identities(live), step.contradictions, broken)

"""One scenario through all floors. Read this first.

file ─▶ plan: what must be, by the model ─▶ world: who is there ─▶ change, ask, wait ─▶ judge ─▶ record
"""

from __future__ import annotations

from dataclasses import replace

from conformance.changes import carry_out, starts_of
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin, NotPossible
from conformance.diagnostics import Examiner
from conformance.live import LiveWorld
from conformance.notes import Notes
from conformance.plan import Begin, Plan, PlannedStep, PutBack, plan
from conformance.probe.sampling import sample
from conformance.record import ScenarioRecord
from conformance.scenario.fault import InvalidScenario
from conformance.scenario.scenario import Scenario
from conformance.world.deviation import explained
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.timeline import Timeline
from conformance.world.times import Times
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds


def play(scenario: Scenario, worlds: Worlds, times: Times, notes: Notes, examiner: Examiner | None = None) -> ScenarioRecord:
    """What became of a scenario. Raises NotPossible, and nothing else that the cluster or the scenario can cause."""
    try:
        with notes.phase("world"):
            live = worlds.take(scenario.layout, is_new=scenario.is_disruptive, is_calm=bool(scenario.watch))
        planned = plan(scenario, live.everybody, worlds.families)
    except BrokenPlugin as blame:
        return notes.record(Measurement((StepMeasurement(0, str(Begin()), {}, Timeline(), {}, failed=str(blame)),)))
    except (BrokenCluster, InvalidScenario) as trouble:
        return notes.record(Measurement(broken=str(trouble)))
    notes.planned(live.everybody, planned)
    if any(step.contradictions for step in planned.steps):
        # File and model must agree before anything is asked: one of them is wrong, and no answer would mean anything.
        return notes.record(Measurement(tuple(_measured(step, live) for step in planned.steps)))
    try:
        done = measure(scenario, planned, live, worlds, times, notes, examiner)
    except NotPossible:
        worlds.drop(live)
        raise
    record = notes.record(Measurement(done))
    if examiner is not None and record.outcome in (Outcome.FAILED, Outcome.ERROR):
        examiner.take_at_the_end(live, record.sentence)
        record = replace(record, diagnostics=examiner.path)
    if len(done) < len(planned.steps) or done[-1].broken or done[-1].failed or done[-1].timeline.settled_at is None:
        worlds.drop(live)  # it could not be put back: nobody else is to stand in it
    return record


def measure(
    scenario: Scenario, planned: Plan, live: LiveWorld, worlds: Worlds, times: Times, notes: Notes, examiner: Examiner | None
) -> tuple[StepMeasurement, ...]:
    """Each step done and watched until its table holds. Ends early where the baseline or a change cannot be had."""
    done: list[StepMeasurement] = []
    for number in range(len(planned.steps)):
        step = planned.steps[number]
        try:
            with notes.phase("change"):
                change = carry_out(step, live, planned.documents)
                if change.renewed:  # the model is to know the addresses that the cluster really gave
                    sent = {key: planned.documents[key] for key in step.policies}
                    planned = plan(scenario, live.everybody, worlds.families, sent)
                    step = planned.steps[number]
                    notes.planned(live.everybody, planned)
                live.probes.take(step.world)
                began = live.cluster.clock.now()
                starts = starts_of(change, live)
        except BrokenPlugin as blame:
            return (*done, replace(_measured(step, live), failed=str(blame)))
        except (BrokenCluster, InvalidScenario) as trouble:
            return (*done, replace(_measured(step, live), broken=str(trouble)))
        known = explained(notes.deviations, step.expected)
        timeline = sample(live.probes.ask, step.expected, _identities(live), _patience(step, times), live.cluster.clock, began, known)
        notes.watched(step, timeline)
        watched = live.probes.watched(began) if number else {}
        watched = {question: replace(each, was_crossed=question in step.crossed) for question, each in watched.items()}
        measured = replace(_measured(step, live), timeline=timeline, watched=watched, starts=starts)
        done.append(replace(measured, renewed=change.renewed, are_policies_old=change.are_policies_old))
        if examiner is not None and examiner.is_wrong(done[-1], known):
            with notes.phase("diagnostics"):
                examiner.take_after(done[-1], live, known)
        if number == 0 and timeline.settled_at is None:
            break
        live.probes.watch(step.watched if number < len(planned.steps) - 1 else ())
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
    return {place.ref: place.identity for place in live.everybody.places()}


def _measured(step: PlannedStep, live: LiveWorld) -> StepMeasurement:
    return StepMeasurement(step.number, str(step.action), step.expected, Timeline(), _identities(live), step.contradictions)

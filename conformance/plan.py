"""What a scenario will do and what must come of it, before anything is done: pure, from the rendered manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from conformance.model.decide import expected
from conformance.scenario.claims import asked, contradictions, sentences
from conformance.scenario.scenario import Action, Annotate, Apply, Changes, Delete, Relabel, Scenario
from conformance.template.render import annotated, relabelled, render_policies
from conformance.world.expectation import ExpectedTable
from conformance.world.labels import Labels
from conformance.world.place import Namespace, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import questions_of
from conformance.world.verdict import Family

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Begin:
    """Step 0: nothing is done, and everybody reaches everybody."""

    def __str__(self) -> str:
        return "no policy"


@dataclass(frozen=True, slots=True)
class PutBack:
    """The last step, the suite's own: the world as it was. What the plugin keeps doing after it is a fault like any other."""

    policies: tuple[str, ...]
    labels: Changes
    annotations: Changes

    def __str__(self) -> str:
        parts = [f"delete {name}" for name in self.policies]
        parts += [f"labels of {ref}" for ref in self.labels] + [f"annotations of {ref}" for ref in self.annotations]
        return f"put back: {', '.join(parts)}"

    def __bool__(self) -> bool:
        return bool(self.policies or self.labels or self.annotations)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with the world and the policies (their keys in the file) that are in force after it.

    `contradictions`: a sentence for each cell of which the file says something else than the model.
    """

    number: int
    action: Action | Begin | PutBack
    world: World
    policies: tuple[str, ...]
    expected: ExpectedTable
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, the baseline first, and the policies by their keys as they are sent to the API server."""

    steps: tuple[PlannedStep, ...]
    documents: Mapping[str, Document]


def plan(scenario: Scenario, world: World, families: Sequence[Family]) -> Plan:
    """The baseline, the steps of the file, and the way back where it is not one of them.

    Raises InvalidScenario where a policy cannot be rendered or read.
    """
    documents = render_policies(scenario, world, families)
    policies = {key: NetworkPolicy.from_document(document) for key, document in documents.items()}
    questions = questions_of(world, families)
    steps = [PlannedStep(0, Begin(), world, (), expected(world, (), questions))]
    for number, step in enumerate(scenario.steps, 1):
        now, keys = _after(step.action, steps[-1], policies)
        table = expected(now, [policies[key] for key in keys], asked(step, questions))
        steps.append(PlannedStep(number, step.action, now, keys, table, sentences(contradictions(step, table), table)))
    back = PutBack(steps[-1].policies, relabelling(steps[-1].world, world), _annotations_back(scenario))
    if back:
        steps.append(PlannedStep(len(steps), back, world, (), expected(world, (), questions)))
    return Plan(tuple(steps), documents)


def _after(action: Action, before: PlannedStep, policies: Mapping[str, NetworkPolicy]) -> tuple[World, tuple[str, ...]]:
    """The world and the keys of the policies in force. Two keys may be texts of one policy: the later replaces the earlier."""
    in_force = {policies[key].ref: key for key in before.policies}
    match action:
        case Apply(names):
            in_force |= {policies[key].ref: key for key in names}
        case Delete(names):
            in_force = {ref: key for ref, key in in_force.items() if ref not in {policies[name].ref for name in names}}
        case Relabel(changes):
            return relabelled(before.world, changes), before.policies
        case Annotate(changes):
            return annotated(before.world, changes), before.policies
    return before.world, tuple(in_force.values())


def relabelling(now: World, then: World) -> Changes:
    """By reference, the labels to set or (None) to remove so that the first world becomes the second."""
    here: dict[str, Namespace | Pod] = {**now.namespaces, **now.pods}
    places: chain[Namespace | Pod] = chain(then.namespaces.values(), then.pods.values())
    changes = {place.ref: _changed(here[place.ref].labels, place.labels) for place in places}
    return {ref: keys for ref, keys in changes.items() if keys}


def _changed(now: Labels, then: Labels) -> Mapping[str, str | None]:
    return {key: then.get(key) for key in sorted({*then, *now}) if then.get(key) != now.get(key)}


def _annotations_back(scenario: Scenario) -> Changes:
    changes: dict[str, dict[str, str | None]] = {}
    for step in scenario.steps:
        if isinstance(step.action, Annotate):
            for ref, keys in step.action.changes.items():
                changes.setdefault(ref, {}).update(dict.fromkeys(keys))
    return changes

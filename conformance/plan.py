"""What a scenario will do and what must come of it, before anything is done: pure, from the rendered manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Any

from conformance.model.choice import Choice, choose
from conformance.model.decide import expected
from conformance.scenario.action import listed
from conformance.scenario.claims import asked, contradictions, sentences, watched
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import (
    Action,
    Add,
    Annotate,
    Apply,
    Changes,
    Delete,
    Layout,
    Recreate,
    Relabel,
    Reuse,
    Scenario,
    Together,
)
from conformance.template.render import render_policies
from conformance.template.world import annotated, relabelled
from conformance.world.expectation import ExpectedTable
from conformance.world.labels import Labels
from conformance.world.place import Namespace, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question, questions_of
from conformance.world.verdict import Family

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Begin:
    """Step 0: nothing is done, and everybody reaches everybody."""

    def __str__(self) -> str:
        return "no policy"


@dataclass(frozen=True, slots=True)
class PutBack:
    """The last step, the suite's own: the world as it was. What the plugin keeps doing after it is a fault like any other.

    In this order: policies (their keys) are deleted, pods and Services are removed, others are added again, labels are set or
    (None) taken off, annotations are taken off.
    """

    policies: tuple[str, ...]
    labels: Changes
    annotations: Changes
    removes: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"delete {name}" for name in self.policies]
        parts += [f"remove {ref}" for ref in self.removes] + [f"add {ref}" for ref in self.adds]
        parts += [f"labels of {ref}" for ref in self.labels] + [f"annotations of {ref}" for ref in self.annotations]
        return f"put back: {listed(parts)}"

    def __bool__(self) -> bool:
        return any((self.policies, self.labels, self.annotations, self.removes, self.adds))


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with those who are there and the policies (their keys in the file) that are in force after it.

    `contradictions`: a sentence for each cell of which the file says something else than the model. `watched`: those of the
    questions that are asked all the time, too. `crossed`: those of the watched that are decided otherwise between two changes
    of the step than after it.
    """

    number: int
    action: Action | Begin | PutBack
    world: World
    policies: tuple[str, ...]
    expected: ExpectedTable
    contradictions: tuple[str, ...] = ()
    watched: tuple[Question, ...] = ()
    crossed: frozenset[Question] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, the baseline first, and the policies by their keys as they are sent to the API server.

    `sample` says how the questions were chosen, where not all are asked.
    """

    steps: tuple[PlannedStep, ...]
    documents: Mapping[str, Document]
    sample: str = ""


def plan(scenario: Scenario, everybody: World, families: Sequence[Family], sent: Mapping[str, Document] = MappingProxyType({})) -> Plan:
    """The baseline, the steps of the file, and the way back where it is not one of them.

    `everybody` has all pods and doors of the layout with the labels that the layout gives them; who is not there yet may have
    any addresses: what they are known to be later is a new plan, of which the steps that are still to come count. `sent` are
    the documents that the cluster has by then. Sizes are asked, and the sources that are seen are judged, in the steps of the
    file only: the baseline and the way back are about who reaches whom. Raises InvalidScenario where a policy cannot be rendered.
    """
    documents = {**render_policies(scenario, everybody, families), **sent}
    policies = {key: NetworkPolicy.from_document(document) for key, document in documents.items()}
    first = _State(everybody, Presence.at_first(scenario.layout), {})
    states = list(
        accumulate((step.action for step in scenario.steps), lambda now, done: _after(now, done, policies, everybody), initial=first)
    )
    sample = _sample(scenario, states, policies, families)
    plain = expected(first.world, (), sample.questions if sample else questions_of(first.world, families))
    steps = [PlannedStep(0, Begin(), first.world, (), plain, watched=watched(scenario, plain))]
    for number, step in enumerate(scenario.steps, 1):
        before, state = states[number - 1 : number + 1]
        questions = asked(step, sample.questions if sample else questions_of(state.world, families, scenario.sizes))
        table = expected(state.world, [policies[key] for key in state.keys], questions, judges_source=scenario.judges_source)
        said = sentences(contradictions(step, table), table)
        looked_at = watched(scenario, table)
        crossed = _crossed(looked_at, table, _passed(before, step.action, policies, everybody), policies)
        steps.append(PlannedStep(number, step.action, state.world, state.keys, table, said, looked_at, crossed))
    if back := _way_back(scenario, first, states[-1]):
        looked_at = watched(scenario, plain)
        crossed = _crossed(looked_at, plain, _passed(states[-1], back, policies, everybody), policies)
        steps.append(PlannedStep(len(steps), back, first.world, (), plain, (), looked_at, crossed))
    return Plan(tuple(steps), documents, str(sample or ""))


def _sample(
    scenario: Scenario, states: Sequence[_State], policies: Mapping[str, NetworkPolicy], families: Sequence[Family]
) -> Choice | None:
    """The same questions for all steps, so that of each it is known how it was before; None: all are asked."""
    if scenario.sample is None:
        return None
    known = [(state.world, tuple(policies[key] for key in state.keys)) for state in states]
    return choose(known, families, scenario.sample.questions, scenario.sample.seed)


@dataclass(frozen=True, slots=True)
class _State:
    """Everybody with their labels by now, who of them is there, and the keys of the policies in force by their references."""

    everybody: World
    presence: Presence
    in_force: Mapping[str, str]

    @property
    def world(self) -> World:
        return self.presence.of(self.everybody)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.in_force.values())


def _after(before: _State, action: Action, policies: Mapping[str, NetworkPolicy], layout: World) -> _State:
    """The state after a change. `layout` has everybody with the labels that a new pod gets.

    Two keys may be texts of one policy: the later replaces the earlier.
    """
    match action:
        case Apply(names):
            return replace(before, in_force={**before.in_force, **{policies[key].ref: key for key in names}})
        case Delete(names):
            gone = {policies[key].ref for key in names}
            return replace(before, in_force={ref: key for ref, key in before.in_force.items() if ref not in gone})
        case Relabel(changes):
            return replace(before, everybody=relabelled(before.everybody, changes))
        case Annotate(changes):
            return replace(before, everybody=annotated(before.everybody, changes))
        case Together(actions):
            for each in actions:
                before = _after(before, each, policies, layout)
            return before
    return _State(_renewed(before.everybody, _made(action), layout), before.presence.after(action), before.in_force)


def _crossed(
    watched: Iterable[Question], table: ExpectedTable, between: Iterable[_State], policies: Mapping[str, NetworkPolicy]
) -> frozenset[Question]:
    """The watched questions that a state in between decides otherwise than the table after it."""
    found: set[Question] = set()
    for state in between if watched else ():
        there = {place.ref for place in state.world.places()} | state.world.doors.keys()
        mine = [each for each in watched if there.issuperset(each.pair)]
        then = expected(state.world, [policies[key] for key in state.keys], mine)
        found |= {each for each in mine if then[each].verdict is not table[each].verdict}
    return frozenset(found)


def _passed(state: _State, action: Action | PutBack, policies: Mapping[str, NetworkPolicy], layout: World) -> Iterator[_State]:
    """The states after each single change of an action, but for the last one."""
    changes = list(_single(action))
    for each in changes[:-1]:
        state = _after(state, each, policies, layout)
        yield state


def _single(action: Action | PutBack) -> Iterator[Action]:
    """The changes of an action as the API server sees them, one after the other."""
    match action:
        case Apply(names):
            yield from (Apply((name,)) for name in names)
        case Delete(names):
            yield from (Delete((name,)) for name in names)
        case Relabel(changes):
            yield from (Relabel({ref: keys}) for ref, keys in changes.items())
        case Together(actions, times):
            # The second time shows every state that comes between; after that they come again.
            yield from chain.from_iterable(map(_single, actions * min(times, 2)))
        case PutBack(names, labels):  # who comes and goes with it is nobody's gap: a watched cell's ends have changed then
            yield from chain(_single(Delete(names)), _single(Relabel(labels)))
        case _:
            yield action


def _made(action: Action) -> Iterable[str]:
    """The references of what an action makes."""
    match action:
        case Add(refs) | Recreate(refs):
            return refs
        case Reuse(pairs):
            return pairs
    return ()


def _renewed(everybody: World, refs: Iterable[str], layout: World) -> World:
    """New pods have the labels of the layout, whatever was done to those that had their names before."""
    pods = {ref: replace(everybody.pods[ref], labels=layout.pods[ref].labels) for ref in refs if ref in layout.pods}
    return replace(everybody, pods={**everybody.pods, **pods})


def _way_back(scenario: Scenario, first: _State, last: _State) -> PutBack:
    was, now = first.presence, last.presence
    every = _refs(scenario.layout)
    there = {ref for ref in every if ref in now.pods | now.services}
    wanted = {ref for ref in every if ref in was.pods | was.services}
    return PutBack(
        last.keys,
        relabelling(last.world, first.world),
        _annotations_back(step.action for step in scenario.steps),
        removes=tuple(ref for ref in every if ref in (there - wanted) | now.completed),
        adds=tuple(ref for ref in every if ref in wanted - there),
    )


def _refs(layout: Layout) -> list[str]:
    return [ref for ref, _ in chain(layout.pods(), layout.services())]


def relabelling(now: World, then: World) -> Changes:
    """By reference, the labels to set or (None) to remove so that the first world becomes the second; of those that both have."""
    here: dict[str, Namespace | Pod] = {**now.namespaces, **now.pods}
    places: chain[Namespace | Pod] = chain(then.namespaces.values(), then.pods.values())
    changes = {place.ref: _changed(here[place.ref].labels, place.labels) for place in places if place.ref in here}
    return {ref: keys for ref, keys in changes.items() if keys}


def _changed(now: Labels, then: Labels) -> Mapping[str, str | None]:
    return {key: then.get(key) for key in sorted({*then, *now}) if then.get(key) != now.get(key)}


def _annotations_back(actions: Iterable[Action]) -> Changes:
    changes: dict[str, dict[str, str | None]] = {}
    for action in actions:
        inner = (
            _annotations_back(action.actions) if isinstance(action, Together) else action.changes if isinstance(action, Annotate) else {}
        )
        for ref, keys in inner.items():
            changes.setdefault(ref, {}).update(dict.fromkeys(keys))
    return changes

"""A step is carried out: what comes is asked for, what goes is sent away, and at the end all of it is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.changes.churn import churn
from conformance.changes.doing import Doing
from conformance.changes.reuse import reuse
from conformance.cluster.broken import BrokenCluster
from conformance.live import LiveWorld
from conformance.plan import Begin, Document, PlannedStep, PutBack
from conformance.probe.starting import init_starts
from conformance.scenario.scenario import (
    Action,
    Add,
    Annotate,
    Apply,
    Changes,
    Churn,
    Complete,
    Delete,
    Recreate,
    Relabel,
    Remove,
    Restart,
    Reuse,
    Together,
    Wait,
)
from conformance.world.measurement import Start
from conformance.world.question import Question


@dataclass(frozen=True, slots=True)
class Change:
    """What a step did. `renewed` and `are_policies_old`: see StepMeasurement.

    `asking` are, by reference, the questions that new pods asked from their first instant on.
    """

    renewed: frozenset[str]
    are_policies_old: bool
    asking: Mapping[str, tuple[Question, ...]]


def carry_out(step: PlannedStep, live: LiveWorld, documents: Mapping[str, Document]) -> Change:
    """Does a step's action and waits until its pods are there or gone; `documents` are the policies by key.

    Raises BrokenCluster; BrokenPlugin where the plugin is to blame; NotPossible, with the world half changed.
    """
    doing = Doing(live, step, documents)
    _do(step.action, doing)
    doing.finish()
    return Change(frozenset(doing.renewed), not any(map(_changes_rules, _flat(step.action))), doing.asking)


def starts_of(change: Change, live: LiveWorld) -> dict[Question, tuple[Start, ...]]:
    """What the first processes of new pods reached, as they count it themselves. Raises BrokenCluster."""
    found: dict[Question, tuple[Start, ...]] = {}
    for ref, questions in change.asking.items():
        metadata = live.manifests.pods[ref]["metadata"]
        init = init_starts(live.cluster.init_report(metadata["namespace"], metadata["name"]), questions)
        main = live.probes.starts(questions)
        if len(main) < len(questions):
            raise BrokenCluster(f"{ref} did not say what it had reached: {live.probes.circle.why(ref)}")
        found |= {question: (init[question], main[question]) for question in questions}
    return found


def _do(action: Action | Begin | PutBack, doing: Doing) -> None:
    match action:
        case Add(refs):
            doing.add(refs)
        case Remove(refs):
            doing.remove(refs)
        case Recreate(refs):
            doing.remove(refs)
            doing.add(refs)
        case Complete(refs):
            doing.complete(refs)
        case Together(actions, times):
            for each in actions * times:
                _do(each, doing)
        case PutBack():
            _put_back(action, doing)
        case Reuse() | Restart() | Churn() | Wait():
            _do_long(action, doing)
        case _:
            _do_rules(action, doing)


def _do_rules(action: Action | Begin | PutBack, doing: Doing) -> None:
    """What changes policies and labels."""
    match action:
        case Apply(names):
            doing.apply(names)
        case Delete(names):
            doing.delete(names)
        case Relabel(changes):
            _relabel(changes, doing)
        case Annotate(changes):
            _annotate(changes, doing)


def _do_long(action: Reuse | Restart | Churn | Wait, doing: Doing) -> None:
    """What takes its time: all that was begun before is waited for first."""
    doing.finish()
    live = doing.live
    match action:
        case Reuse(pairs):
            for new, old in pairs.items():
                reuse(doing, new, old)
        case Restart("plugin"):
            live.cluster.restart_plugin()
        case Restart(what):
            _restart_node(live.node(what.removeprefix("node/")), doing)
        case Churn():
            churn(action, live)
        case _:
            live.cluster.clock.wait(action.seconds)


def _put_back(back: PutBack, doing: Doing) -> None:
    doing.delete(back.policies)
    doing.remove(back.removes)
    doing.add(back.adds)
    _relabel(back.labels, doing)
    _annotate(back.annotations, doing)


def _restart_node(node: str, doing: Doing) -> None:
    """The node's pods end with it, and are made anew after it."""
    live = doing.live
    refs = tuple(ref for ref, pod in live.everybody.pods.items() if ref in live.presence.pods and pod.node == node)
    live.probes.leave(refs)
    live.cluster.restart_node(node)
    live.given.nodes = {name: facts.addresses for name, facts in live.cluster.nodes().items()}
    doing.remove(refs)
    doing.add(refs)


def _relabel(changes: Changes, doing: Doing) -> None:
    world, cluster = doing.live.everybody, doing.live.cluster
    doing.live.was_relabelled |= bool(changes)
    for ref, labels in changes.items():
        if ref in world.namespaces:
            cluster.relabel_namespace(world.namespaces[ref].name, labels)
        else:
            cluster.relabel_pod(world.pods[ref].namespace, world.pods[ref].name, labels)


def _annotate(changes: Changes, doing: Doing) -> None:
    for ref, keys in changes.items():
        doing.live.cluster.annotate_namespace(doing.live.everybody.namespaces[ref].name, keys)


def _flat(action: Action | Begin | PutBack) -> Iterator[Action | Begin | PutBack]:
    inner: Iterable[Action] = action.actions if isinstance(action, Together) else ()
    yield action
    for each in inner:
        yield from _flat(each)


def _changes_rules(action: Action | Begin | PutBack) -> bool:
    """Whether policies or labels change by it."""
    return isinstance(action, Apply | Delete | Relabel | Annotate | PutBack)

"""From a case that disagrees to a smaller one that still does: parts are left out one at a time, the large ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.fuzz.case import Case, Document, is_plain, named, without_policy
from conformance.scenario.scenario import Action, Layout, NamespacePlan, PodPlan, Recreate, Relabel, Together

Keys = tuple[str | int, ...]

NEEDED = {"podSelector", "cidr", "key", "operator", "values", "ipBlock"}
"""Keys without which a part of a policy would not be one; the part as a whole can go."""


def shrink(case: Case, still_disagrees: Callable[[Case], bool]) -> Case:
    """The smallest case that can be had by leaving parts out; `still_disagrees` measures one.

    It ends when nothing more can be left out, and costs about one measurement for each part that stays, twice.
    """
    while True:
        before = case
        for parts in (fewer_actions, fewer_policies, simpler_policies, plainer_names, fewer_sizes, smaller_layouts):
            case = _without(case, parts, still_disagrees)
        if case == before:
            return case


def _without(case: Case, parts: Callable[[Case], Sequence[Case]], still_disagrees: Callable[[Case], bool]) -> Case:
    """Leaves out what can be left out, going on at the same place after each success."""
    place = 0
    while place < len(candidates := parts(case)):
        if still_disagrees(candidates[place]):
            case = candidates[place]
        else:
            place += 1
    return case


def fewer_actions(case: Case) -> list[Case]:
    """The case without its last actions, then without each single one; parts of what is done together, too."""
    found = [_tidy(replace(case, actions=case.actions[:count])) for count in range(1, len(case.actions))]
    for place, action in enumerate(case.actions):
        before, after = case.actions[:place], case.actions[place + 1 :]
        if len(case.actions) > 1:
            found.append(_tidy(replace(case, actions=before + after)))
        if isinstance(action, Together):
            smaller = [action.actions[:each] + action.actions[each + 1 :] for each in range(len(action.actions))]
            options: list[Action] = [Together(parts) if len(parts) > 1 else parts[0] for parts in smaller if parts]
            options += [Together(action.actions)] if action.times > 1 else []
            found += [_tidy(replace(case, actions=(*before, option, *after))) for option in options]
    return [each for each in found if each.policies]


def fewer_policies(case: Case) -> list[Case]:
    """The case without each of its policies."""
    cases = [_tidy(replace(case, actions=without_policy(case.actions, key))) for key in case.policies]
    return [each for each in cases if each.actions and each.policies]


def _tidy(case: Case) -> Case:
    """Without the policies that no action speaks of any more."""
    used = named(case.actions)
    return replace(case, policies={key: document for key, document in case.policies.items() if key in used})


def simpler_policies(case: Case) -> list[Case]:
    """The case with one part of one policy left out, the large parts first. Not all of them are policies: who measures sees."""
    found = []
    for key, document in case.policies.items():
        for path in sorted(_paths(document["spec"], ()), key=len):
            spec = _pruned(document["spec"], path)
            found.append(replace(case, policies={**case.policies, key: {**document, "spec": spec}}))
    return found


def plainer_names(case: Case) -> list[Case]:
    """The case with one of its odd names of policies made plain."""
    found, seen = [], set[tuple[str, str]]()
    for key, document in case.policies.items():
        own = document["metadata"]["namespace"], document["metadata"]["name"]
        if not is_plain(own[1]) and own not in seen:
            seen.add(own)
            policies = {other: _called(each, own, key) for other, each in case.policies.items()}
            found.append(replace(case, policies=policies))
    return found


def fewer_sizes(case: Case) -> list[Case]:
    """The case with one number of bytes fewer."""
    found = []
    for protocol, sizes in case.sizes.items():
        for size in sizes:
            rest = tuple(other for other in sizes if other != size)
            others = {key: value for key, value in case.sizes.items() if key is not protocol}
            found.append(replace(case, sizes=others | ({protocol: rest} if rest else {})))
    return found


def _called(document: Document, old: tuple[str, str], name: str) -> Document:
    """The policy under another name, if it has the old one."""
    metadata = document["metadata"]
    is_meant = (metadata["namespace"], metadata["name"]) == old
    return {**document, "metadata": {**metadata, "name": name}} if is_meant else document


def _paths(value: Any, path: Keys) -> Iterator[Keys]:
    """Where something can be left out: every element of a list, every key that is not needed, and a selector's content."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key not in NEEDED:
                yield (*path, key)
            yield from _paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield (*path, index)
            yield from _paths(child, (*path, index))


def _pruned(value: Any, path: Keys) -> Any:
    """The value without what the path leads to."""
    first, *rest = path
    if isinstance(value, list):
        changed = [_pruned(value[int(first)], tuple(rest))] if rest else []
        return [*value[: int(first)], *changed, *value[int(first) + 1 :]]
    if rest:
        return {key: _pruned(child, tuple(rest)) if key == first else child for key, child in value.items()}
    return {key: child for key, child in value.items() if key != first}


def smaller_layouts(case: Case) -> list[Case]:
    """The case with a pod, a host, a namespace, a Service, a label or a port fewer."""
    layout, texts = case.layout, str(case.policies)
    used = _refs(case.actions)
    found = [
        replace(layout, hosts={name: plan for name, plan in layout.hosts.items() if name != gone})
        for gone in layout.hosts
        if f"outside/{gone}" not in texts
    ]
    own = {document["metadata"]["namespace"] for document in case.policies.values()}
    for name, namespace in layout.namespaces.items():
        inside = {f"{name}/{pod}" for pod in namespace.pods}
        if name not in own | used and not inside & used and len(layout.namespaces) > 1:
            found.append(replace(layout, namespaces={key: plan for key, plan in layout.namespaces.items() if key != name}))
        found += [_with(layout, name, each) for each in _smaller_namespaces(name, namespace, used)]
    return [replace(case, layout=replace(each, name=None)) for each in found if _leads_somewhere(each)]


def _smaller_namespaces(name: str, namespace: NamespacePlan, used: set[str]) -> Iterator[NamespacePlan]:
    for gone in namespace.services:
        yield replace(namespace, services={service: plan for service, plan in namespace.services.items() if service != gone})
    for service, door in namespace.services.items():
        if door.is_asked_by_name:
            yield replace(namespace, services={**namespace.services, service: replace(door, is_asked_by_name=False)})
    for gone in namespace.pods:
        if f"{name}/{gone}" not in used and len(namespace.pods) > 1:
            yield replace(namespace, pods={pod: plan for pod, plan in namespace.pods.items() if pod != gone})
    for key in namespace.labels:
        yield replace(namespace, labels={other: value for other, value in namespace.labels.items() if other != key})
    for pod, plan in namespace.pods.items():
        for smaller in _smaller_pods(plan):
            yield replace(namespace, pods={**namespace.pods, pod: smaller})


def _smaller_pods(plan: PodPlan) -> Iterator[PodPlan]:
    for key in plan.labels:
        yield replace(plan, labels={other: value for other, value in plan.labels.items() if other != key})
    if plan.host_ports:
        yield replace(plan, host_ports=())
    for port in plan.serves if len(plan.serves) > 1 else ():
        rest = tuple(other for other in plan.serves if other != port)
        yield replace(plan, serves=rest, host_ports=tuple(other for other in plan.host_ports if other != port))


def _leads_somewhere(layout: Layout) -> bool:
    """Whether each Service leads to a port of some pod of its namespace, as a file's must."""
    for namespace in layout.namespaces.values():
        served = {(mark, port.protocol) for plan in namespace.pods.values() for port in plan.serves for mark in (port.number, port.name)}
        if any((port.target, port.protocol) not in served for plan in namespace.services.values() for port in plan.ports):
            return False
    return True


def _with(layout: Layout, name: str, namespace: NamespacePlan) -> Layout:
    return replace(layout, namespaces={**layout.namespaces, name: namespace})


def _refs(actions: Sequence[Action]) -> set[str]:
    """The pods and namespaces that actions speak of."""
    found: set[str] = set()
    for action in actions:
        match action:
            case Relabel(changes):
                found |= set(changes)
            case Recreate(refs):
                found |= set(refs)
            case Together(parts):
                found |= _refs(parts)
    return found

"""Rules about whom selectors select."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.lint.form import split_pair
from conformance.lint.near import near
from conformance.lint.scene import Spot, Subject, clauses_of
from conformance.manifests.ground import labels_in
from conformance.manifests.inventory import SYSTEM
from conformance.manifests.taking import DEFAULT, is_of_controller
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.source import Keys
from conformance.world.labels import Labels, Selector
from conformance.world.policy import PolicyPeer


def selects_nothing(subject: Subject) -> Iterator[Spot]:
    """A podSelector that selects no workload of its namespace."""
    policy = subject.policy
    if _is_idle(subject) and next(_slips_of_subject(subject), None) is None:
        is_empty = next(subject.scene.inventory.of(policy.namespace), None) is None
        who = f"there is no workload of namespace {policy.namespace} here"
        text = f"{who if is_empty else f'no workload of namespace {policy.namespace} matches {policy.subjects}'}: the policy does nothing"
        yield Spot(("spec", "podSelector"), text, at_key=True)


def peer_selects_nothing(subject: Subject) -> Iterator[Spot]:
    """A peer whose selectors name no workload, though its namespaces are known."""
    for keys, peer in _idle_peers(subject):
        if peer.pods is not None and peer.pods.requirements and next(_slips_of_peer(subject, keys, peer), None) is None:
            spaces = subject.scene.scope(subject.policy, peer) or ()
            yield Spot(keys, f"no workload of {_list(spaces)} matches {peer.pods}: this peer is nobody")


def namespace_label(subject: Subject) -> Iterator[Spot]:
    """A namespaceSelector by labels that no namespace has."""
    for keys, selector in _of_no_namespace(subject):
        if not _names(selector) and next(_slips_of_spaces(subject, keys, selector), None) is None:
            yield Spot((*keys, "namespaceSelector"), f"no namespace known here matches {selector}: this peer is nobody")


def namespace_unknown(subject: Subject) -> Iterator[Spot]:
    """A namespaceSelector by a name of which nothing is known here."""
    for keys, selector in _of_no_namespace(subject):
        names = sorted(_names(selector) - {*SYSTEM, DEFAULT})
        if names and next(_slips_of_spaces(subject, keys, selector), None) is None:
            yield Spot((*keys, "namespaceSelector"), f"nothing is known here of namespace {_list(names)}: is it there, and called so?")


def near_miss(subject: Subject) -> Iterator[Spot]:
    """A label (or its key) that nobody has, while one that is nearly the same is there."""
    yield from _slips_of_subject(subject)
    for keys, peer in _idle_peers(subject):
        yield from _slips_of_peer(subject, keys, peer)
    for keys, selector in _of_no_namespace(subject):
        yield from _slips_of_spaces(subject, keys, selector)


def only_excludes(subject: Subject) -> Iterator[Spot]:
    """A namespaceSelector that asks for no label, and only says which must not be there."""
    for clause in clauses_of(subject.policy):
        for number, peer in enumerate(clause.rule.peers):
            if peer.namespaces is not None and peer.namespaces.requirements and peer.namespaces.only_excludes:
                text = f"it only excludes ({peer.namespaces}): every other namespace is meant, also those that come later"
                yield Spot((*clause.peer(number), "namespaceSelector"), text)


def host_network_subject(subject: Subject) -> Iterator[Spot]:
    """A policy that selects pods in their node's network."""
    found = [each.ref for each in subject.scene.subjects(subject.policy) if each.is_host_network]
    if found:
        text = f"it selects {_list(found)} in the node's network: whether policies apply there is left to the plugin"
        yield Spot(("spec", "podSelector"), text, at_key=True)


def _is_idle(subject: Subject) -> bool:
    """Whether it selects nothing, as far as that can be said."""
    scene, policy = subject.scene, subject.policy
    space = scene.inventory.spaces.get(policy.namespace)
    can_be_said = bool(scene.inventory.workloads) and space is not None and space.is_read and _is_plain(policy.subjects)
    return can_be_said and bool(policy.subjects.requirements) and not scene.subjects(policy)


def _is_plain(selector: Selector | None) -> bool:
    """Whether it needs no label that only a controller sets, and that no manifest shows."""
    return selector is None or not any(is_of_controller(each.key) for each in selector.requirements)


def _idle_peers(subject: Subject) -> Iterator[tuple[Keys, PolicyPeer]]:
    scene, policy = subject.scene, subject.policy
    for clause in clauses_of(policy):
        split = split_pair(clause)  # of these is told otherwise
        for number, peer in enumerate(clause.rule.peers):
            scope = scene.scope(policy, peer) if peer.block is None else None
            if (
                number not in split
                and scope
                and _is_plain(peer.pods)
                and all(map(scene.is_known, scope))
                and not scene.named_by(policy, peer)
            ):
                yield clause.peer(number), peer


def _of_no_namespace(subject: Subject) -> Iterator[tuple[Keys, Selector]]:
    """The namespaceSelectors that select none of the namespaces that are known, each with the place of its peer."""
    for clause in clauses_of(subject.policy):
        for number, peer in enumerate(clause.rule.peers):
            if peer.namespaces is not None and subject.scene.spaces(peer.namespaces) == () and subject.scene.inventory.spaces:
                yield clause.peer(number), peer.namespaces


def _names(selector: Selector) -> set[str]:
    """The names of namespaces that a selector by name alone means."""
    if all(each.key == NAME_LABEL and each.operator == "In" for each in selector.requirements):
        return {name for each in selector.requirements for name in each.values}
    return set()


def _slips_of_subject(subject: Subject) -> Iterator[Spot]:
    if _is_idle(subject):
        labels = [each.labels for each in subject.scene.inventory.of(subject.policy.namespace)]
        yield from _slips(subject.policy.subjects, ("spec", "podSelector"), labels, "workload")


def _slips_of_peer(subject: Subject, keys: Keys, peer: PolicyPeer) -> Iterator[Spot]:
    if peer.pods is not None:
        spaces = subject.scene.scope(subject.policy, peer) or ()
        labels = [each.labels for name in spaces for each in subject.scene.inventory.of(name)]
        yield from _slips(peer.pods, (*keys, "podSelector"), labels, "workload")


def _slips_of_spaces(subject: Subject, keys: Keys, selector: Selector) -> Iterator[Spot]:
    inventory = subject.scene.inventory
    labels = [labels_in(inventory, name) for name in inventory.spaces]
    yield from _slips(selector, (*keys, "namespaceSelector"), labels, "namespace")


def _slips(selector: Selector, keys: Keys, there: list[Labels], kind: str) -> Iterator[Spot]:
    known = {key for labels in there for key in labels}
    for each in selector.requirements:
        place = (*keys, "matchLabels", each.key)
        if each.operator in ("In", "Exists") and each.key not in known:
            other = near(each.key, known)
            if other:
                yield Spot(place, f"no {kind} here has a label {each.key}, but there is {other}: a slip?", at_key=True)
        elif each.operator == "In":
            values = {labels[each.key] for labels in there if each.key in labels}
            slip = next(((value, other) for value in sorted(each.values - values) if (other := near(value, values))), None)
            if slip and not each.values & values:
                yield Spot(place, f"no {kind} here has {each.key}={slip[0]}, but there is {each.key}={slip[1]}: a slip?")


def _list(words: Iterable[str]) -> str:
    every = list(words)
    return ", ".join(every[:5]) + (f" and {len(every) - 5} more" if len(every) > 5 else "")

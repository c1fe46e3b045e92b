"""Kinds of pods: classes of which copies in other namespaces are one.

What becomes of a question depends on the kinds of both ends, on whether they share a namespace (and, for pods in their node's
network, a node), on port and family, and on nothing else: so a few pairs of each two kinds stand for all others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from conformance.model.alike import Coverage, Words, rules_of, words_of
from conformance.model.match import labels_of
from conformance.world.labels import Selector
from conformance.world.place import LEGACY_ANNOTATION, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Protocol

Key = TypeVar("Key")

Lane = tuple[int, Protocol]
Spot = tuple[str, str | None]
"""A namespace, and a node."""

State = tuple[World, tuple[NetworkPolicy, ...]]
"""Who is there, and the policies in force."""


@dataclass
class Kind:
    """The pods of a kind by where they are, and the ports that they serve (all the same, or all that one of them does)."""

    spots: dict[Spot, list[str]] = field(default_factory=dict)
    lanes: dict[Lane, None] = field(default_factory=dict)

    def add(self, pod: Pod) -> None:
        """A pod more."""
        self.spots.setdefault((pod.namespace, pod.node), []).append(pod.ref)
        self.lanes |= dict.fromkeys(lanes_of(pod))

    @property
    def size(self) -> int:
        """How many pods."""
        return sum(map(len, self.spots.values()))

    @cached_property
    def all_spots(self) -> list[Spot]:
        """Where some of them are."""
        return list(self.spots)

    @cached_property
    def by_namespace(self) -> dict[str, list[Spot]]:
        """The same by namespace."""
        return _grouped((spot[0], spot) for spot in self.spots)

    @cached_property
    def by_node(self) -> dict[str | None, list[Spot]]:
        """The same by node."""
        return _grouped((spot[1], spot) for spot in self.spots)


def kinds_of(states: Sequence[State]) -> dict[str, int]:
    """The number of the kind of each pod of the first state: pods of one kind are alike in all of these states."""
    found = [_kinds(world, policies) for world, policies in states]
    numbers: dict[Hashable, int] = {}
    return {ref: numbers.setdefault(tuple(each.get(ref) for each in found), len(numbers)) for ref in states[0][0].pods}


def _kinds(world: World, policies: tuple[NetworkPolicy, ...]) -> dict[str, Hashable]:
    words, selectors = words_of(world, policies), _Selectors(policies)
    coverage, namespaces = Coverage(words.blocks), _namespaces(world, words, policies)
    found: dict[str, Hashable] = {}
    for ref, pod in world.pods.items():
        ports = frozenset((port.name, port.number, port.protocol) for port in pod.serves if port.name in words.port_names)
        selected = selectors.that_match(pod.namespace, tuple((key, pod.labels[key]) for key in words.keys & pod.labels.keys()))
        found[ref] = namespaces[pod.namespace], selected, ports, pod.is_host_network, coverage.of(pod.addresses)
    return found


class _Selectors:
    """The selectors of pods: those that mean a namespace's own pods, and those of peers, which may mean any."""

    def __init__(self, policies: tuple[NetworkPolicy, ...]) -> None:
        self._own: dict[str, dict[Selector, None]] = {}
        self._peers: dict[Selector, None] = {}
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], frozenset[Selector]] = {}
        for policy in policies:
            own = self._own.setdefault(policy.namespace, {})
            own[policy.subjects] = None
            for peer in (peer for rule in rules_of((policy,)) for peer in rule.peers):
                if peer.pods is not None:
                    (own if peer.namespaces is None else self._peers)[peer.pods] = None

    def that_match(self, namespace: str, labels: tuple[tuple[str, str], ...]) -> frozenset[Selector]:
        """Those that select a pod of a namespace with these labels; others than these are in none of them."""
        key = namespace, labels
        if key not in self._known:
            wanted = {**self._own.get(namespace, {}), **self._peers}
            self._known[key] = frozenset(selector for selector in wanted if selector.matches(dict(labels)))
        return self._known[key]


def _namespaces(world: World, words: Words, policies: tuple[NetworkPolicy, ...]) -> dict[str, Hashable]:
    """What tells each namespace from others: the texts of its policies, and the selectors that name it."""
    labels, texts = labels_of(world), dict[str, set[NetworkPolicy]]()
    for policy in policies:
        texts.setdefault(policy.namespace, set()).add(replace(policy, namespace="", name=""))
    return {
        each.name: (
            frozenset(texts.get(each.name, ())),
            frozenset(number for number, selector in enumerate(words.namespace_selectors) if selector.matches(labels(each.name))),
            each.annotations.get(LEGACY_ANNOTATION),
        )
        for each in world.namespaces.values()
    }


def lanes_of(pod: Pod) -> list[Lane]:
    """The ports that it serves, each once."""
    return list(dict.fromkeys((port.number, port.protocol) for port in pod.serves))


def _grouped(pairs: Iterable[tuple[Key, Spot]]) -> dict[Key, list[Spot]]:
    found: dict[Key, list[Spot]] = {}
    for key, spot in pairs:
        found.setdefault(key, []).append(spot)
    return found

"""What a rule of lint looks at: a policy among workloads, and the clauses of it with their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from conformance.manifests.ground import Ranges, labels_in, world_of
from conformance.manifests.inventory import SYSTEM, Inventory, PolicyObject, Space, Workload
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.source import Keys
from conformance.world.labels import Selector
from conformance.world.place import World
from conformance.world.policy import NetworkPolicy, PolicyPeer, Rule
from conformance.world.verdict import Direction


class Level(IntEnum):
    """How bad: the API refuses it or it can never do what it says; it is probably not meant; it is worth to know."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Spot:
    """Something found: the keys of the place in the policy, and a sentence. `at_key`: the key itself is meant, not its value."""

    keys: Keys
    text: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule of a policy with its place. `word` is `from` or `to`; `does_count`: the policy's types name its direction."""

    direction: Direction
    keys: Keys
    word: str
    rule: Rule
    does_count: bool

    def peer(self, number: int) -> Keys:
        """The place of one of its peers."""
        return (*self.keys, self.word, number)

    def port(self, number: int) -> Keys:
        """The place of one of its ports."""
        return (*self.keys, "ports", number)


def clauses_of(policy: NetworkPolicy) -> Iterator[Clause]:
    """Every rule of a policy, also those that never count."""
    for direction, rules, word in ((Direction.INGRESS, policy.ingress, "from"), (Direction.EGRESS, policy.egress, "to")):
        for number, rule in enumerate(rules):
            yield Clause(direction, ("spec", str(direction), number), word, rule, direction in policy.types)


@dataclass(frozen=True, slots=True)
class Scene:
    """What was given, as rules want it. `ranges` are where pods' addresses lie."""

    inventory: Inventory
    ranges: Ranges
    world: World = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "world", world_of(self.inventory, self.ranges))

    def subjects(self, policy: NetworkPolicy) -> tuple[Workload, ...]:
        """The workloads that a policy selects."""
        return tuple(each for each in self.inventory.of(policy.namespace) if policy.subjects.matches(each.labels))

    def is_known(self, namespace: str) -> bool:
        """Whether the workloads of a namespace were looked for, and there are some."""
        space = self.inventory.spaces.get(namespace)
        return space is not None and space.is_read and any(True for _ in self.inventory.of(namespace))

    def spaces(self, selector: Selector) -> tuple[Space, ...] | None:
        """The namespaces with these labels; None where that cannot be said, as the labels of some are not known."""
        found, by_name_only = [], {each.key for each in selector.requirements} <= {NAME_LABEL}
        for space in self.inventory.spaces.values():
            if space.labels is None and not by_name_only:
                return None
            if selector.matches(labels_in(self.inventory, space.name)):
                found.append(space)
        return tuple(found)

    def scope(self, policy: NetworkPolicy, peer: PolicyPeer) -> tuple[str, ...] | None:
        """The namespaces in which a peer's pods are. None where that cannot be said, or the pods of one were not looked for."""
        if peer.namespaces is None:
            return (policy.namespace,) if self.is_known(policy.namespace) else None
        found = self.spaces(peer.namespaces)
        if found is None or any(not space.is_read or space.name in SYSTEM for space in found):
            return None
        return tuple(space.name for space in found)

    def named_by(self, policy: NetworkPolicy, peer: PolicyPeer) -> tuple[Workload, ...] | None:
        """The workloads that a peer with selectors names; None where that cannot be said."""
        scope = self.scope(policy, peer)
        if scope is None or peer.block is not None:
            return None
        return tuple(each for name in scope for each in self.inventory.of(name) if peer.pods is None or peer.pods.matches(each.labels))


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy that a rule looks at, as it stands in the text and as it is understood."""

    scene: Scene
    object: PolicyObject
    policy: NetworkPolicy

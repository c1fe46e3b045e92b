"""The expected table of a large world: by classes of pods that behave alike, not by pairs of pods.

What the policies of one end let through is a set of classes, written as a number with one bit for each class. So a table costs as
many such numbers as there are classes, and a question two looks into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from conformance.model.alike import Alike, Words, classes_of, is_in_node_network, is_of, words_of
from conformance.model.decide import Oracle
from conformance.model.match import labels_of, ports_match
from conformance.world.expectation import Expectation, Reading
from conformance.world.labels import Selector
from conformance.world.place import LEGACY_ANNOTATION, Pod, World
from conformance.world.policy import NetworkPolicy, PolicyPeer, Rule
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict


@dataclass(frozen=True, slots=True)
class Reach:
    """What one end lets through: the other ends to which it is allowed, and those to which it is open, a bit for each class."""

    allowed: int
    open: int

    def verdict(self, other: int) -> Verdict:
        """Of the connection with the class of this number."""
        if self.allowed >> other & 1:
            return Verdict.ALLOWED
        return Verdict.OPEN if self.open >> other & 1 else Verdict.BLOCKED


@dataclass(frozen=True, slots=True)
class Lane:
    """A port, protocol and family: for each class, by number, what it may ask (`egress`) and who may ask it (`ingress`)."""

    egress: tuple[Reach, ...]
    ingress: tuple[Reach, ...]

    def verdict(self, source: int, destination: int) -> Verdict:
        """Of a question between two classes: both ends must allow it."""
        found = self.egress[source].verdict(destination), self.ingress[destination].verdict(source)
        return next(each for each in (Verdict.BLOCKED, Verdict.OPEN, Verdict.ALLOWED) if each in found)


class ClassTable:
    """A world under some policies, as classes of pods and hosts that behave alike.

    Lanes are worked out when they are first asked for. Questions to doors are answered one by one, as `expected` does.
    """

    def __init__(self, world: World, policies: Iterable[NetworkPolicy]) -> None:
        self._world, self._policies = world, tuple(policies)
        words = words_of(world, self._policies)
        self.classes: tuple[Alike, ...] = classes_of(world, words)
        self._number_of = {ref: number for number, each in enumerate(self.classes) for ref in each.members}
        self._sets = _Sets(world, self.classes, words)
        self._isolating = {direction: [self._isolates(each, direction) for each in self.classes] for direction in Direction}
        self._lanes: dict[tuple[int, Protocol, Family, Reading], Lane] = {}

    def class_of(self, ref: str) -> int:
        """The number of the class of a pod or host. Raises KeyError."""
        return self._number_of[ref]

    def verdict(self, question: Question) -> Verdict:
        """What must become of any question. Raises KeyError where it speaks of a place or door that is not in the world."""
        if question.destination in self._world.doors:
            return self.expectation(question).verdict
        source, destination = self._number_of[question.source], self._number_of[question.destination]
        apart, as_node = (
            self.lane(question.port, question.protocol, question.family, reading).verdict(source, destination) for reading in Reading
        )
        return apart if apart is as_node else Verdict.OPEN

    def expectation(self, question: Question) -> Expectation:
        """The same with its reasons. Raises KeyError as `verdict` does."""
        return self._oracle.decide(question)

    @cached_property
    def _oracle(self) -> Oracle:
        return Oracle(self._world, self._policies)

    def lane(self, port: int, protocol: Protocol, family: Family, reading: Reading = Reading.APART) -> Lane:
        """All cells of a port, by a plugin that reads pods in their node's network so."""
        key = port, protocol, family, reading if self._sets.in_node_network else Reading.APART
        if key not in self._lanes:
            numbers = range(len(self.classes))
            egress, ingress = (
                tuple(self._reach(number, direction, *key) for number in numbers) for direction in (Direction.EGRESS, Direction.INGRESS)
            )
            self._lanes[key] = Lane(egress, ingress)
        return self._lanes[key]

    def _isolates(self, each: Alike, direction: Direction) -> tuple[NetworkPolicy, ...] | None:
        pod = each.first
        if not isinstance(pod, Pod):
            return None
        found = tuple(
            policy
            for policy in self._in_namespace.get(pod.namespace, ())
            if direction in policy.types and policy.subjects.matches(pod.labels)
        )
        return found if found or (direction is Direction.INGRESS and pod.namespace in self._legacy) else None

    @cached_property
    def _in_namespace(self) -> dict[str, list[NetworkPolicy]]:
        found: dict[str, list[NetworkPolicy]] = {}
        for policy in self._policies:
            found.setdefault(policy.namespace, []).append(policy)
        return found

    @cached_property
    def _legacy(self) -> frozenset[str]:
        spaces = self._world.namespaces.values()
        return frozenset(each.name for each in spaces if "DefaultDeny" in each.annotations.get(LEGACY_ANNOTATION, ""))

    def _reach(self, number: int, direction: Direction, port: int, protocol: Protocol, family: Family, reading: Reading) -> Reach:
        sets, each = self._sets, self.classes[number]
        policies = self._isolating[direction][number]
        if policies is None or (reading is Reading.AS_NODE and is_in_node_network(each.first)):
            return Reach(sets.everybody, 0)
        if protocol is Protocol.ICMP:
            return Reach(0, sets.everybody)
        allowed = doubtful = 0
        for policy in policies:
            for rule in policy.rules(direction):
                if direction is Direction.INGRESS:
                    lane = sets.everybody if ports_match(rule, port, protocol, each.first.serves) else 0
                else:
                    lane = sets.serving(rule, port, protocol, reading)
                certain, possible = sets.named(rule, policy.namespace, family, reading) if lane else (0, 0)
                allowed |= certain & lane
                doubtful |= possible & lane
        own_node = sets.at_node(each)
        return Reach(allowed | own_node, doubtful) if direction is Direction.INGRESS else Reach(allowed, doubtful | own_node)


class _Sets:
    """Sets of classes, each worked out once."""

    def __init__(self, world: World, classes: tuple[Alike, ...], words: Words) -> None:
        self._classes, self._blocks, self._labels_of = classes, words.blocks, labels_of(world)
        self.everybody = (1 << len(classes)) - 1
        self.pods = self._of(lambda each: isinstance(each.first, Pod))
        self.in_node_network = self._of(lambda each: is_in_node_network(each.first))
        self._by_namespace = self._grouped(lambda pod: pod.namespace)
        self._by_labels = self._grouped(lambda pod: tuple(sorted((key, pod.labels[key]) for key in words.keys & pod.labels.keys())))
        self._by_ports = self._grouped(lambda pod: tuple(port for port in pod.serves if port.name in words.port_names))
        self._covered = _transposed(each.blocks for each in classes)
        self._in_namespaces: dict[Selector, int] = {}
        self._with_labels: dict[Selector, int] = {}
        self._named: dict[tuple[int, str, Family, Reading], tuple[int, int]] = {}
        self._serving: dict[tuple[int, int, Protocol, Reading], int] = {}

    def _of(self, is_meant: Callable[[Alike], bool]) -> int:
        return sum(1 << number for number, each in enumerate(self._classes) if is_meant(each))

    def _grouped(self, key: Callable[[Pod], object]) -> dict[object, tuple[Pod, int]]:
        found: dict[object, tuple[Pod, int]] = {}
        for number, each in enumerate(self._classes):
            if isinstance(each.first, Pod):
                group = key(each.first)
                first, bits = found.get(group, (each.first, 0))
                found[group] = first, bits | 1 << number
        return found

    def at_node(self, each: Alike) -> int:
        """Who has the address of the node on which the pods of a class are."""
        node = each.first.node if isinstance(each.first, Pod) else None
        if not self.in_node_network:
            return 0
        return self._of(lambda other: is_in_node_network(other.first) and isinstance(other.first, Pod) and other.first.node == node)

    def named(self, rule: Rule, namespace: str, family: Family, reading: Reading) -> tuple[int, int]:
        """Whom the peers of a rule (of a policy in this namespace) name for certain, and whom perhaps."""
        key = id(rule), namespace, family, reading
        if key not in self._named:
            certain, possible = (0, 0) if rule.peers else (self.everybody, 0)
            for peer in rule.peers:
                one, other = self._peer(peer, namespace, family, reading)
                certain, possible = certain | one, possible | other
            self._named[key] = certain, possible
        return self._named[key]

    def _peer(self, peer: PolicyPeer, namespace: str, family: Family, reading: Reading) -> tuple[int, int]:
        if peer.block is not None:
            covered = self._covered.get(self._blocks[peer.block], 0) if is_of(peer.block, family) else 0
            return covered & ~self.pods, covered & self.pods
        there = self._by_namespace.get(namespace, (None, 0))[1] if peer.namespaces is None else self._spaces(peer.namespaces)
        if peer.pods is not None:
            there &= self._labelled(peer.pods)
        return there & ~self.in_node_network if reading is Reading.AS_NODE else there, 0

    def _spaces(self, selector: Selector) -> int:
        if selector not in self._in_namespaces:
            groups = self._by_namespace.values()
            found = [bits for pod, bits in groups if selector.matches(self._labels_of(pod.namespace))]
            self._in_namespaces[selector] = _union(found)
        return self._in_namespaces[selector]

    def _labelled(self, selector: Selector) -> int:
        if selector not in self._with_labels:
            self._with_labels[selector] = _union(bits for pod, bits in self._by_labels.values() if selector.matches(pod.labels))
        return self._with_labels[selector]

    def serving(self, rule: Rule, port: int, protocol: Protocol, reading: Reading) -> int:
        """To whom the ports of a rule for egress name this port: a port's name means what each pod's container calls so."""
        key = id(rule), port, protocol, reading
        if key not in self._serving:
            groups = self._by_ports.values()
            found = _union(bits for pod, bits in groups if ports_match(rule, port, protocol, pod.serves))
            found = found & ~self.in_node_network if reading is Reading.AS_NODE else found
            self._serving[key] = self.everybody if ports_match(rule, port, protocol, ()) else found
        return self._serving[key]


def _union(sets: Iterable[int]) -> int:
    found = 0
    for each in sets:
        found |= each
    return found


def _transposed(sets: Iterable[frozenset[int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for number, members in enumerate(sets):
        for member in members:
            found[member] = found.get(member, 0) | 1 << number
    return found

"""What the policies of one end of a connection say of it.

Quotes are from the Kubernetes documentation of NetworkPolicy (concepts, services-networking, network-policies).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.model.match import LabelsOf, Match, Other, labels_of, peers_match, ports_match
from conformance.world.expectation import Reading, Reason
from conformance.world.place import LEGACY_ANNOTATION, OutsideHost, Place, Pod, World
from conformance.world.policy import NetworkPolicy, Rule
from conformance.world.verdict import Direction, Protocol, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What one end says of a connection. `because`: why it is open, "" where it is not."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    because: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule with its place in its policy; `ports` are its words for people."""

    rule: Rule
    number: int
    ports: str
    has_blocks: bool
    found: dict[object, tuple[Match, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Policy:
    """A policy with its reference in the scenario's words, and its rules of one direction."""

    ref: str
    namespace: str
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class _Isolation:
    """What isolates some pods for one direction. `matching`: of the rules that name a certain other end, by its key."""

    policies: tuple[_Policy, ...]
    is_legacy: bool
    has_blocks: bool
    matching: dict[object, list[tuple[_Policy, list[tuple[_Rule, Match, str]]]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Isolated:
    """A pod that policies isolate for one direction."""

    pod: Pod
    isolation: _Isolation


class Sides:
    """The ends of all connections of a world under some policies. Everything is worked out once, when it is first asked."""

    def __init__(self, world: World, policies: Iterable[NetworkPolicy]) -> None:
        self._labels_of: LabelsOf = labels_of(world)
        self._word_of = {namespace.name: namespace.ref for namespace in world.namespaces.values()}
        self._legacy = {each.name for each in world.namespaces.values() if "DefaultDeny" in each.annotations.get(LEGACY_ANNOTATION, "")}
        self._in_namespace: dict[str, list[tuple[int, NetworkPolicy]]] = {}
        for number, policy in enumerate(policies):
            self._in_namespace.setdefault(policy.namespace, []).append((number, policy))
        self._read: dict[tuple[int, Direction], _Policy] = {}
        self._isolations: dict[tuple[tuple[int, ...], bool, Direction], _Isolation] = {}
        self._ends: dict[tuple[str, Direction, Reading], Side | _Isolated] = {}
        self._sides: dict[tuple[object, ...], Side] = {}

    def _isolation(self, subject: Pod, direction: Direction) -> _Isolation | None:
        # "A pod is isolated for egress if there is any NetworkPolicy that both selects the pod and has "Egress" in its
        # policyTypes"; the same for ingress. A policy selects pods of its own namespace.
        found = [
            (number, policy)
            for number, policy in self._in_namespace.get(subject.namespace, ())
            if direction in policy.types and policy.subjects.matches(subject.labels)
        ]
        is_legacy = direction is Direction.INGRESS and subject.namespace in self._legacy
        if not found and not is_legacy:
            return None
        key = tuple(number for number, _ in found), is_legacy, direction
        if key not in self._isolations:
            policies = tuple(self._policy(number, policy, direction) for number, policy in found)
            has_blocks = any(rule.has_blocks for policy in policies for rule in policy.rules)
            self._isolations[key] = _Isolation(policies, is_legacy, has_blocks)
        return self._isolations[key]

    def _policy(self, index: int, policy: NetworkPolicy, direction: Direction) -> _Policy:
        if (index, direction) not in self._read:
            rules = tuple(
                _Rule(rule, number, ", ".join(map(str, rule.ports)) or "all ports", any(peer.block is not None for peer in rule.peers))
                for number, rule in enumerate(policy.rules(direction))
            )
            word = self._word_of.get(policy.namespace, policy.namespace)
            self._read[index, direction] = _Policy(f"{word}/{policy.name}", policy.namespace, rules)
        return self._read[index, direction]

    def side(
        self, subject: Place, direction: Direction, other: Other, number: int, protocol: Protocol, *, reading: Reading = Reading.APART
    ) -> Side:
        """What the policies of one end, the subject, say of its connection with the other end on this port of the destination.

        `reading`: by a plugin that reads pods in their node's network so.
        """
        end = self._known(subject, direction, reading)
        if isinstance(end, Side):
            return end
        # Only blocks tell the families apart.
        lane = subject.ref, direction, other.key, number, protocol, end.isolation.has_blocks and other.family
        found = self._sides.get(lane)
        if found is None:
            found = self._sides[lane] = self._isolated(end, direction, other, number, protocol)
        return found

    def without_policies(self, subject: Place, direction: Direction, reading: Reading) -> Side | None:
        """What an end says that no policy isolates, whatever the connection; None: policies decide."""
        end = self._known(subject, direction, reading)
        return end if isinstance(end, Side) else None

    def minds_families(self, source: Place, destination: Place, reading: Reading) -> bool:
        """Whether the families of a connection may differ: only blocks tell them apart."""
        ends = self._known(source, Direction.EGRESS, reading), self._known(destination, Direction.INGRESS, reading)
        return any(isinstance(end, _Isolated) and end.isolation.has_blocks for end in ends)

    def _known(self, subject: Place, direction: Direction, reading: Reading) -> Side | _Isolated:
        key = subject.ref, direction, reading
        end = self._ends.get(key)
        if end is None:
            end = self._ends[key] = self._end(subject, direction, reading)
        return end

    def _end(self, subject: Place, direction: Direction, reading: Reading) -> Side | _Isolated:
        if isinstance(subject, OutsideHost):
            return _allowed(direction, f"{subject.ref} is outside: no policy isolates it")
        isolation = self._isolation(subject, direction)
        if isolation is None:
            # "By default, a pod is non-isolated for ingress; all inbound connections are allowed." The same for egress.
            return _allowed(direction, f"no policy isolates {subject.ref}")
        if subject.is_host_network and reading is Reading.AS_NODE:
            # "the network plugin cannot properly distinguish hostNetwork pod traffic, and so it ignores hostNetwork pods when
            # matching podSelector and namespaceSelector"
            return _allowed(direction, f"policies pass over {subject.ref}, which is in its node's network")
        return _Isolated(subject, isolation)

    def _isolated(self, end: _Isolated, direction: Direction, other: Other, number: int, protocol: Protocol) -> Side:
        subject = end.pod
        if protocol is Protocol.ICMP:
            # "For other protocols, such as ARP or ICMP, the behaviour is undefined. The same applies to allow rules."
            return _open(direction, f"{subject.ref} is isolated, and what a policy does to ICMP is undefined")
        is_own_node = other.is_node and other.node == subject.node
        if is_own_node and direction is Direction.INGRESS:
            # "the only allowed connections into the pod are those from the pod's node and those allowed by the ingress list"
            return _allowed(direction, f"{other.ref} is on the node of {subject.ref}")
        found = self._by_rules(end, direction, other, number, protocol)
        if is_own_node and found.verdict is not Verdict.ALLOWED:
            # "traffic to and from the node where a Pod is running is always allowed", but: "the only allowed connections from
            # the pod are those allowed by the egress list". The text contradicts itself.
            return _open(direction, f"{other.ref} is on the node of {subject.ref}, whose egress to it is undefined", found.reasons)
        return found

    def _by_rules(self, end: _Isolated, direction: Direction, other: Other, number: int, protocol: Protocol) -> Side:
        """The union of all rules of all policies that isolate the subject.

        "the connections allowed in that direction from that pod is the union of what the applicable policies allow"
        """
        serves = end.pod.serves if direction is Direction.INGRESS else other.serves
        admitting: list[Reason] = []
        doubtful: list[Reason] = []
        refused: list[tuple[_Policy, list[_Rule]]] = []
        for policy, matching in self._matching(end.isolation, other):
            nearly = []
            for each, match, text in matching:
                if not ports_match(each.rule, number, protocol, serves):
                    nearly.append(each)
                    continue
                where, said = (admitting, "admits") if match is Match.YES else (doubtful, "may admit")
                where.append(
                    Reason(direction, f"rule {each.number} of {policy.ref} {said} {text} on {each.ports}", policy.ref, each.number)
                )
            refused.append((policy, nearly))
        if admitting:
            return Side(Verdict.ALLOWED, tuple(admitting))
        if doubtful:
            return Side(Verdict.OPEN, tuple(doubtful), "; ".join(reason.text for reason in doubtful))
        return Side(Verdict.BLOCKED, tuple(_refusals(refused, end.pod.ref, other.ref, f"{number}/{protocol}", direction)))

    def _matching(self, isolation: _Isolation, other: Other) -> list[tuple[_Policy, list[tuple[_Rule, Match, str]]]]:
        key = other.key, isolation.has_blocks and other.family
        found = isolation.matching.get(key)
        if found is None:
            found = isolation.matching[key] = [(policy, list(self._named_by(policy, other))) for policy in isolation.policies]
        return found

    def _named_by(self, policy: _Policy, other: Other) -> Iterable[tuple[_Rule, Match, str]]:
        for rule in policy.rules:
            key = other.key, rule.has_blocks and other.family
            if key not in rule.found:
                rule.found[key] = peers_match(rule.rule, policy.namespace, self._labels_of, other)
            match, text = rule.found[key]
            if match is not Match.NO:
                yield rule, match, text


def _refusals(refused: list[tuple[_Policy, list[_Rule]]], subject: str, other: str, lane: str, direction: Direction) -> Iterable[Reason]:
    for policy, nearly in refused:
        why = "; ".join(f"rule {each.number} names {other}, but not {lane}" for each in nearly) or f"no rule of it names {other}"
        yield Reason(direction, f"{policy.ref} isolates {subject}: {why}", policy.ref)
    if not refused:
        yield Reason(direction, f"the annotation {LEGACY_ANNOTATION} isolates {subject}")


def _allowed(direction: Direction, text: str) -> Side:
    return Side(Verdict.ALLOWED, (Reason(direction, text),))


def _open(direction: Direction, text: str, reasons: tuple[Reason, ...] = ()) -> Side:
    return Side(Verdict.OPEN, (Reason(direction, text), *reasons), text)


def either(direction: Direction, text: str, *sides: Side) -> Side:
    """One end of which the specification leaves open which of some sides is right: open (`text` says why) where they differ."""
    if len({side.verdict for side in sides}) == 1:
        return sides[0]
    return _open(direction, text, tuple(dict.fromkeys(reason for side in sides for reason in side.reasons)))

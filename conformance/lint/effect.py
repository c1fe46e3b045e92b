"""Rules about what policies do together, worked out by the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from conformance.lint.scene import Scene, Spot, Subject, clauses_of
from conformance.manifests.inventory import SYSTEM, PolicyObject
from conformance.manifests.outside import edges_of, named_ports, plain_ports
from conformance.model.alike import classes_of, words_of
from conformance.model.decide import Oracle
from conformance.scenario.fictive import NAME_LABEL
from conformance.world.place import Namespace, OutsideHost, Pod, Port, World, family_of
from conformance.world.policy import NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol

MOST_QUESTIONS = 30_000_000
"""More than so many questions are not asked to find superfluous policies: minutes."""


_ELSEWHERE = "somewhere else"
"""A namespace of which the manifests say nothing: there is hardly ever none."""


@dataclass(frozen=True)
class Together:
    """All sound policies of a scene in force, and what each of them adds."""

    scene: Scene

    @cached_property
    def policies(self) -> tuple[NetworkPolicy, ...]:
        """All that the API would take, the last of each name."""
        return self.scene.inventory.sound()

    @cached_property
    def world(self) -> World:
        """Everybody, with hosts outside, a second pod of each workload (they talk to each other, too), and a pod elsewhere."""
        hosts = {each.ref: each for each in edges_of(self.policies)}
        pods = self.scene.world.pods
        more = {f"another of {ref}": replace(pod, ref=f"another of {ref}") for ref, pod in pods.items()}
        space = Namespace(_ELSEWHERE, _ELSEWHERE, {NAME_LABEL: _ELSEWHERE})
        stranger = Pod(_ELSEWHERE, _ELSEWHERE, _ELSEWHERE, {}, (), self.scene.ranges.pair(len(pods)), None)
        return World({**self.scene.world.namespaces, _ELSEWHERE: space}, {**pods, **more, _ELSEWHERE: stranger}, hosts)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """The ports at which rules can tell places, beside those that each serves."""
        return named_ports(self.policies).every

    @cached_property
    def few(self) -> tuple[Pod | OutsideHost, ...]:
        """Two of each class of those that no policy tells apart: what holds for them holds for all."""
        classes = classes_of(self.world, words_of(self.world, self.policies))
        return tuple(self.world.place(ref) for each in classes for ref in each.members[:2])

    @cached_property
    def superfluous(self) -> dict[str, tuple[str, ...]]:
        """The policies without which the table stays the same, each with those that still isolate its subjects.

        Found one by one from the last to the first, each without those that were found before: of two equal ones it is the later.
        """
        kept = {policy.ref: policy for policy in self.policies}
        found = {}
        for policy in reversed(self.policies):
            if self._may_be_superfluous(policy):
                rest = tuple(each for ref, each in kept.items() if ref != policy.ref)
                if self._is_same(policy, tuple(kept.values()), rest):
                    del kept[policy.ref]
                    found[policy.ref] = self._others(policy, rest)
        return found

    @cached_property
    def is_too_large(self) -> bool:
        """Whether there are too many questions to find superfluous policies."""
        ports = len(self.ports) + max((len(each.serves) for each in self.few), default=0)
        candidates = filter(self._may_be_superfluous, self.policies)
        places = sum(1 for policy in candidates for each in self.few if _is_subject(policy, each))
        return 4 * places * len(self.few) * ports > MOST_QUESTIONS

    def _may_be_superfluous(self, policy: NetworkPolicy) -> bool:
        """Not one that selects nothing or names nobody (that is told otherwise), nor the rule of a house: all pods, nobody admitted."""
        is_house_rule = not policy.subjects.requirements and not policy.rules(Direction.INGRESS) and not policy.rules(Direction.EGRESS)
        peers = (peer for clause in clauses_of(policy) for peer in clause.rule.peers if peer.block is None)
        return not is_house_rule and bool(self.scene.subjects(policy)) and all(self._names_somebody(policy, peer) for peer in peers)

    def _names_somebody(self, policy: NetworkPolicy, peer: PolicyPeer) -> bool:
        return bool(self.scene.named_by(policy, peer))

    def _is_same(self, policy: NetworkPolicy, before: tuple[NetworkPolicy, ...], after: tuple[NetworkPolicy, ...]) -> bool:
        one, other = Oracle(self.world, before), Oracle(self.world, after)
        return all(one.decide(each).verdict is other.decide(each).verdict for each in self._questions(policy))

    def _questions(self, policy: NetworkPolicy) -> Iterator[Question]:
        """All of which the policy could have a word; those that it names come first, as there a difference is soonest found."""
        peers = [peer for clause in clauses_of(policy) for peer in clause.rule.peers if peer.block is None]
        named = {each.ref for peer in peers for each in self.scene.named_by(policy, peer) or ()}
        others = sorted(self.few, key=lambda place: place.ref not in named)
        for subject in self.few:
            if not _is_subject(policy, subject):
                continue
            for other in others:
                if other.ref != subject.ref:
                    if Direction.INGRESS in policy.types:
                        yield from self._between(other, subject)
                    if Direction.EGRESS in policy.types:
                        yield from self._between(subject, other)

    def _between(self, source: Pod | OutsideHost, destination: Pod | OutsideHost) -> Iterator[Question]:
        families = _families(source) & _families(destination)
        for port in dict.fromkeys((*plain_ports(destination), *self.ports)):
            for family in families:
                yield Question(source.ref, destination.ref, port.number, port.protocol, family)

    def _others(self, policy: NetworkPolicy, rest: tuple[NetworkPolicy, ...]) -> tuple[str, ...]:
        mine = {each.ref for each in self.scene.subjects(policy)}
        near = (each for each in rest if each.namespace == policy.namespace and each.types & policy.types)
        return tuple(each.ref for each in near if mine & {other.ref for other in self.scene.subjects(each)})


def _families(place: Pod | OutsideHost) -> set[Family]:
    return {family_of(address) for address in place.addresses}


def _is_subject(policy: NetworkPolicy, place: Pod | OutsideHost) -> bool:
    return isinstance(place, Pod) and place.namespace == policy.namespace and policy.subjects.matches(place.labels)


def superfluous(together: Together, policy: PolicyObject) -> Iterator[Spot]:
    """A policy without which the table stays the same."""
    if together.is_too_large or policy.policy is None:
        return
    others = together.superfluous.get(policy.ref)
    last = [each for each in together.scene.inventory.policies if each.ref == policy.ref][-1]
    if others is not None and last is policy:
        by = f"others do what it does ({_few(others)})" if others else "it allows all that is allowed without it"
        yield Spot(("metadata", "name"), f"nothing changes without it for the workloads here: {by}")


def _few(words: tuple[str, ...]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if words[3:] else "")


def egress_without_dns(subject: Subject) -> Iterator[Spot]:
    """Subjects that may talk to pods, and to nobody on 53/UDP: they cannot find them by name."""
    policy, scene = subject.policy, subject.scene
    rules = policy.rules(Direction.EGRESS)
    if not any(_wants_names(rule) for rule in rules):
        return
    for each in scene.subjects(policy):
        isolating = [
            other
            for other in scene.inventory.sound()
            if other.namespace == policy.namespace and Direction.EGRESS in other.types and other.subjects.matches(each.labels)
        ]
        if not any(_may_resolve(other) for other in isolating):
            text = f"{each.ref} is isolated for egress, and nothing lets it ask a name server (53/UDP): it finds nobody by name"
            yield Spot(("spec", "egress"), text, at_key=True)
            return


def _wants_names(rule: Rule) -> bool:
    """Whether it is about pods: addresses of a block need no names."""
    return not rule.peers or any(peer.block is None for peer in rule.peers)


def _may_resolve(policy: NetworkPolicy) -> bool:
    """Whether a rule could let pods reach a name server: 53/UDP, or a port by name, of anybody; all ports of those who may be one."""
    return any(
        any(map(_has_name_servers_port, rule.ports))
        or (not rule.ports and (not rule.peers or any(_may_be_name_server(peer, policy) for peer in rule.peers)))
        for rule in policy.rules(Direction.EGRESS)
    )


def _has_name_servers_port(port: PolicyPort) -> bool:
    is_it = not isinstance(port.port, int) or port.port <= 53 <= (port.end or port.port)
    return port.protocol is Protocol.UDP and is_it


def _may_be_name_server(peer: PolicyPeer, policy: NetworkPolicy) -> bool:
    """Not pods of a namespace that is named, and is neither the system's nor called after DNS."""
    if peer.block is not None:
        return True
    if peer.namespaces is None:
        return policy.namespace in SYSTEM
    if {each.key for each in peer.namespaces.requirements} != {NAME_LABEL}:
        return True
    names = {name for each in peer.namespaces.requirements for name in each.values}
    return any(peer.namespaces.matches({NAME_LABEL: name}) for name in {*SYSTEM, *(name for name in names if "dns" in name)})

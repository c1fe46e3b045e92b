"""Rules and policies that meet: merged, crossed, ANDed, or lost."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Endpoint, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy, Rule
from conformance.world.verdict import Direction


@static(19)
class EgressRulesCrossed(Plane):
    """The egress rules of a policy become one, which admits every peer of any of them on every port of any of them."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        rules = super().rules(policy, direction)
        return _crossed(rules) if direction is Direction.EGRESS and len(rules) > 1 else rules


@static()
class IngressRulesCrossed(Plane):
    """The ingress rules of a policy become one, which admits every peer of any of them on every port of any of them."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        rules = super().rules(policy, direction)
        return _crossed(rules) if direction is Direction.INGRESS and len(rules) > 1 else rules


@static(20)
class PeersRunOn(Plane):
    """A rule also admits the peers of the rule before it."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        rules = super().rules(policy, direction)
        before = ((), *(rule.peers for rule in rules))
        return [Rule((*more, *rule.peers) if rule.peers else (), rule.ports) for more, rule in zip(before, rules, strict=False)]


@static(21)
class RuleLostBehindAnybody(Plane):
    """The rules after one that names no peers are lost."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        rules = super().rules(policy, direction)
        first = next((number for number, rule in enumerate(rules) if not rule.peers), len(rules))
        return rules[: first + 1]


@over_time(21)
class SecondRuleLostAfterManyCreations(Plane):
    """When a policy is created again and again, its second rule is lost every fifth time."""

    def __init__(self, *arguments: object) -> None:
        self.creations: dict[tuple[str, str], int] = {}
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        key = self.key_of(document["metadata"]["namespace"], document["metadata"]["name"])
        self.creations[key] = self.creations.get(key, 0) + (key not in self.policies)
        super().policy_applied(document)

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        rules = super().rules(policy, direction)
        count = self.creations.get(self.key_of(policy.namespace, policy.name), 0)
        return [*rules[:1], *rules[2:]] if count and count % 5 == 0 else rules


@static()
class FirstRuleOnly(Plane):
    """Only the first rule of a direction counts."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        return super().rules(policy, direction)[:1]


@static()
class LastRuleOnly(Plane):
    """Only the last rule of a direction counts."""

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        return super().rules(policy, direction)[-1:]


@static()
class EmptyRuleMeansNothing(Plane):
    """A rule without peers and ports admits nobody, instead of everybody."""

    def rule_admits(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return bool(rule.peers or rule.ports) and super().rule_admits(policy, rule, side)


@static()
class PortsWithoutPeersMeanNobody(Plane):
    """A rule with ports and without peers admits nobody."""

    def rule_admits(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return bool(rule.peers or not rule.ports) and super().rule_admits(policy, rule, side)


@static()
class PeersOrPorts(Plane):
    """A rule admits whom its peers or its ports name, instead of whom both do."""

    def rule_admits(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        if not rule.peers or not rule.ports:
            return super().rule_admits(policy, rule, side)
        return self.peers_match(policy, rule, side) or self.ports_match(rule, side)


@static()
class PoliciesIntersected(Plane):
    """Where several policies isolate a pod, all of them have to admit a connection."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return bool(policies) and all(self.policy_admits(policy, side) for policy in policies)


@static()
class FirstPolicyOnly(Plane):
    """Of several policies on a pod only the first counts."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return super().verdict(side, policies[:1])


@static()
class LastPolicyOnly(Plane):
    """Of several policies on a pod only the one that came last counts."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return super().verdict(side, policies[-1:])


@static()
class DenyAllWins(Plane):
    """A policy without rules blocks, whatever other policies admit."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return all(policy.rules(side.direction) for policy in policies) and super().verdict(side, policies)


@static()
class ManyPoliciesNotEnforced(Plane):
    """A pod under more than 40 policies is not isolated."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = super().isolating(subject, direction)
        return found if len(found) <= 40 else ()


@static()
class FortyPoliciesOnly(Plane):
    """Of more than 40 policies on a pod the later ones are not compiled."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return super().isolating(subject, direction)[:40]


def _crossed(rules: Sequence[Rule]) -> list[Rule]:
    peers = () if any(not rule.peers for rule in rules) else tuple(peer for rule in rules for peer in rule.peers)
    ports = () if any(not rule.ports for rule in rules) else tuple(port for rule in rules for port in rule.ports)
    return [Rule(peers, ports)]

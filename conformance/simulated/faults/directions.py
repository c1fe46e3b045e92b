"""Isolation of one direction, policyTypes, and both ends of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.simulated.faults.fault import static
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Endpoint, Flow, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction


@static(68)
class EgressAcceptEndsTheChain(Plane):
    """On one node, what an egress policy of the source admits is not looked at by the destination's ingress policies."""

    def is_let_through(self, flow: Flow) -> bool:
        is_isolated = self.can_be_isolated(flow.source) and self.isolating(flow.source, Direction.EGRESS)
        if flow.is_on_one_node and is_isolated and self.passes(self.leaving(flow)):
            return True
        return super().is_let_through(flow)


@static(69)
class IngressPolicyIsolatesEgress(Plane):
    """A policy of type Ingress alone blocks the egress of its pods."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return (
            [policy for policy in self.policies.values() if self.selects(policy, subject)]
            if direction is Direction.EGRESS
            else (super().isolating(subject, direction))
        )


@static()
class EgressPolicyIsolatesIngress(Plane):
    """A policy of type Egress alone blocks the ingress of its pods."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return (
            [policy for policy in self.policies.values() if self.selects(policy, subject)]
            if direction is Direction.INGRESS
            else (super().isolating(subject, direction))
        )


@static(70)
class IngressEnforcedWithoutType(Plane):
    """A policy with ingress written in it isolates for ingress, though its policyTypes say Egress only."""

    def compiled(self, document: Document) -> NetworkPolicy:
        policy = super().compiled(document)
        is_written = "ingress" in (document.get("spec") or {})
        return replace(policy, types=policy.types | {Direction.INGRESS}) if is_written else policy


@static()
class TypesFollowRules(Plane):
    """A policy isolates only for directions in which it has rules, whatever its policyTypes say."""

    def compiled(self, document: Document) -> NetworkPolicy:
        policy = super().compiled(document)
        has = {direction for direction in policy.types if policy.rules(direction)}
        return replace(policy, types=frozenset(has or policy.types))


@static()
class EgressNeedsItsType(Plane):
    """Egress rules do not count where policyTypes are not written."""

    def compiled(self, document: Document) -> NetworkPolicy:
        policy = super().compiled(document)
        is_written = (document.get("spec") or {}).get("policyTypes")
        return policy if is_written else replace(policy, types=policy.types - {Direction.EGRESS})


@static(79)
class EgressDenyAllCreatesNothing(Plane):
    """A policy of type Egress without egress rules does not isolate."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = super().isolating(subject, direction)
        return [policy for policy in found if policy.egress] if direction is Direction.EGRESS else found


@static()
class EgressNeverEnforced(Plane):
    """Egress policies have no effect."""

    def passes(self, side: Side) -> bool:
        return side.direction is Direction.EGRESS or super().passes(side)


@static()
class IngressNeverEnforced(Plane):
    """Ingress policies have no effect."""

    def passes(self, side: Side) -> bool:
        return side.direction is Direction.INGRESS or super().passes(side)


@static()
class OneEndSuffices(Plane):
    """Where both ends are isolated, a connection is let through that one of them admits."""

    def is_let_through(self, flow: Flow) -> bool:
        ends = self.isolating(flow.source, Direction.EGRESS) and self.isolating(flow.destination, Direction.INGRESS)
        if not ends or not (self.can_be_isolated(flow.source) and self.can_be_isolated(flow.destination)):
            return super().is_let_through(flow)
        return self.passes(self.leaving(flow)) or self.passes(self.entering(flow))


@static()
class RepliesNeedRule(Plane):
    """Replies of a pod that is isolated for egress are dropped, unless a rule admits its peer."""

    def is_let_through(self, flow: Flow) -> bool:
        back = Side(Direction.EGRESS, flow, flow.destination, self.owners.get(flow.source_address), flow.source_address)
        policies = self.isolating(flow.destination, Direction.EGRESS) if self.can_be_isolated(flow.destination) else ()
        is_dropped = policies and not any(
            self.peers_match(policy, rule, back) for policy in policies for rule in policy.rules(Direction.EGRESS)
        )
        return not is_dropped and super().is_let_through(flow)


@static()
class AcrossNodesNotEnforced(Plane):
    """Ingress policies have no effect on what comes from a pod of another node."""

    def passes(self, side: Side) -> bool:
        is_remote = side.direction is Direction.INGRESS and not side.flow.source.is_outside and not side.flow.is_on_one_node
        return is_remote or super().passes(side)


@static()
class OnOneNodeNotEnforced(Plane):
    """Policies have no effect between pods of one node."""

    def passes(self, side: Side) -> bool:
        return side.flow.is_on_one_node or super().passes(side)

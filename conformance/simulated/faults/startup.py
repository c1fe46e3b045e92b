"""The first instants of a pod and of a policy."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.connections import KnowsLastChange
from conformance.simulated.faults.fault import over_time
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Endpoint, Packet, PodSpec, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import AnswerKind, Direction, Protocol


class _Young(Plane):
    """Something is so while a pod is young."""

    AGE = 0.6

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        self.later(self.AGE, lambda: None)
        return super().pod_started(spec)

    def is_young(self, pod: Endpoint) -> bool:
        """Whether its network is younger than that."""
        return not pod.is_outside and self.clock.now() < pod.started + self.AGE


@over_time(62)
class StartsUnprotected(_Young):
    """For the first 0.6 s of its life a pod is not isolated, though its policies were handled long before."""

    def passes(self, side: Side) -> bool:
        return self.is_young(side.subject) or super().passes(side)


@over_time()
class FirstInstantUnprotected(_Young):
    """In the first 0.08 s of its life a pod is not isolated."""

    AGE = 0.08

    def passes(self, side: Side) -> bool:
        return self.is_young(side.subject) or super().passes(side)


@over_time(67)
class NoRulesUntilReady(Plane):
    """Until it is Ready, an isolated pod reaches nobody, whatever its rules admit."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        is_early = side.direction is Direction.EGRESS and not side.subject.is_ready
        return not is_early and super().verdict(side, policies)


@over_time(65)
class FirstCreationNotEnforced(Plane):
    """A policy has no effect when it is created for the first time, and has when it is created again."""

    def __init__(self, *arguments: object) -> None:
        self.names: set[tuple[str, str]] = set()
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        policy = self.compiled(document)
        key = policy.namespace, policy.name
        if key in self.names:
            super().policy_applied(document)
        self.names.add(key)


@over_time(63)
class EarlyConnectionsCut(KnowsLastChange):
    """A connection that a pod opens in its first 4 s loses its replies as soon as a policy changes."""

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        source = self.endpoints[packet.source]
        is_early = packet.protocol is Protocol.TCP and opened < source.started + 4.0 and opened < self.last
        return AnswerKind.TIMED_OUT if is_early else super().carry(packet, opened, uid)


@over_time()
class PolicyBeforePodsIgnored(Plane):
    """A policy that is created while it selects no pod is never applied to the pods that come later."""

    def __init__(self, *arguments: object) -> None:
        self.empty: set[NetworkPolicy] = set()
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        super().policy_applied(document)
        policy = self.compiled(document)
        if not any(super(PolicyBeforePodsIgnored, self).selects(policy, pod) for pod in self.endpoints.values()):
            self.empty.add(policy)

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        return policy not in self.empty and super().selects(policy, subject)

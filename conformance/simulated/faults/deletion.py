"""What stays of a policy that is deleted, and what goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.simulated.faults.fault import over_time
from conformance.simulated.ground import WORKERS
from conformance.simulated.knowledge import Document, Key
from conformance.simulated.nouns import Endpoint
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction


class _Remembering(Plane):
    """Keeps what was deleted, with its time."""

    def __init__(self, *arguments: object) -> None:
        self.deleted: dict[Key, tuple[float, NetworkPolicy]] = {}
        super().__init__(*arguments)

    def policy_deleted(self, namespace: str, name: str) -> None:
        policy = self.policies.get(self.key_of(namespace, name))
        if policy is not None:
            self.deleted[namespace, name] = self.clock.now(), policy
        super().policy_deleted(namespace, name)

    def policy_applied(self, document: Document) -> None:
        policy = self.compiled(document)
        self.deleted.pop((policy.namespace, policy.name), None)
        super().policy_applied(document)


@over_time(73)
class DeletedPolicyStaysOnNode(_Remembering):
    """The rules of a deleted policy stay on one of the nodes."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = list(super().isolating(subject, direction))
        old = [policy for _, policy in self.deleted.values()] if subject.node == WORKERS[1] else []
        return found + [policy for policy in old if direction in policy.types and self.selects(policy, subject)]


@over_time(74)
class RulelessPolicyStays(_Remembering):
    """Pods stay isolated by a policy without rules that was deleted."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = list(super().isolating(subject, direction))
        old = [policy for _, policy in self.deleted.values() if direction in policy.types and not policy.rules(direction)]
        return found + [policy for policy in old if self.selects(policy, subject)]


@over_time()
class DeletionKeepsEgress(_Remembering):
    """The egress half of a policy with both types stays when the policy is deleted."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = list(super().isolating(subject, direction))
        old = [policy for _, policy in self.deleted.values() if len(policy.types) == 2 and direction is Direction.EGRESS]
        return found + [policy for policy in old if self.selects(policy, subject)]


@over_time(76)
class RecreationKeepsOld(_Remembering):
    """A policy that is created at once under the name of a deleted one is not compiled: the old rules stay."""

    def policy_applied(self, document: Document) -> None:
        new = self.compiled(document)
        at, old = self.deleted.get((new.namespace, new.name), (-1000.0, new))
        super().policy_applied(document)
        if self.clock.now() - at < 0.1:
            self.policies[self.key_of(new.namespace, new.name)] = old


@over_time(76)
class LateDeletionTakesNew(Plane):
    """The deletion of a policy is done once more 0.4 s later, and takes a new one of the same name with it."""

    def policy_deleted(self, namespace: str, name: str) -> None:
        super().policy_deleted(namespace, name)
        self.later(0.4, lambda: self.policies.pop(self.key_of(namespace, name), None))


@over_time()
class DeletionFreesPods(Plane):
    """When one of several policies of a pod is deleted, the pod is isolated no longer."""

    def __init__(self, *arguments: object) -> None:
        self.free: set[int] = set()
        super().__init__(*arguments)

    def policy_deleted(self, namespace: str, name: str) -> None:
        policy = self.policies.get(self.key_of(namespace, name))
        if policy is not None:
            self.free.update(pod.uid for pod in self.endpoints.values() if self.selects(policy, pod))
        super().policy_deleted(namespace, name)

    def policy_applied(self, document: Document) -> None:
        self.free.clear()
        super().policy_applied(document)

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return () if subject.uid in self.free else super().isolating(subject, direction)


@over_time()
class DeletionTakesSharedRules(Plane):
    """A deleted policy takes the rules with it that other policies have in the same words."""

    def policy_deleted(self, namespace: str, name: str) -> None:
        gone = self.policies.get(self.key_of(namespace, name))
        super().policy_deleted(namespace, name)
        if gone is not None:
            lost = {*gone.ingress, *gone.egress}
            for key, policy in self.policies.items():
                if policy.namespace == namespace:
                    ingress = tuple(rule for rule in policy.ingress if rule not in lost)
                    egress = tuple(rule for rule in policy.egress if rule not in lost)
                    self.policies[key] = replace(policy, ingress=ingress, egress=egress)
            self.changed()

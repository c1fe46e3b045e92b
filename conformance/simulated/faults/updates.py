"""Changes of policies that are not followed, or hurt on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.simulated.faults.fault import over_time
from conformance.simulated.knowledge import Document, Key
from conformance.simulated.nouns import Endpoint, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction


class _Updating(Plane):
    """Knows what a policy was before it changes."""

    def old(self, policy: NetworkPolicy) -> NetworkPolicy | None:
        """The policy that it replaces, if there is one."""
        return self.policies.get(self.key_of(policy.namespace, policy.name))


@over_time(47)
class SubjectChangeIgnored(_Updating):
    """A policy whose podSelector changes goes on selecting the pods that it selected before."""

    def compiled(self, document: Document) -> NetworkPolicy:
        new = super().compiled(document)
        old = self.old(new)
        return new if old is None else replace(new, subjects=old.subjects)


@over_time()
class SubjectChangeKeepsOld(_Updating):
    """A policy whose podSelector changes goes on isolating the pods that it selected before, too."""

    def __init__(self, *arguments: object) -> None:
        self.before: dict[Key, NetworkPolicy] = {}
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        old = self.old(self.compiled(document))
        if old is not None:
            self.before[old.namespace, old.name] = old
        super().policy_applied(document)

    def policy_deleted(self, namespace: str, name: str) -> None:
        self.before.pop((namespace, name), None)
        super().policy_deleted(namespace, name)

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        old = self.before.get((policy.namespace, policy.name))
        return super().selects(policy, subject) or (old is not None and super().selects(old, subject))


@over_time()
class RulesChangeIgnored(_Updating):
    """A policy whose rules change keeps the rules that it had."""

    def compiled(self, document: Document) -> NetworkPolicy:
        new = super().compiled(document)
        old = self.old(new)
        return new if old is None else replace(new, ingress=old.ingress, egress=old.egress)


@over_time()
class RulesChangeAdds(_Updating):
    """A policy whose rules change keeps those that it had beside the new ones."""

    def compiled(self, document: Document) -> NetworkPolicy:
        new = super().compiled(document)
        old = self.old(new)
        return new if old is None else replace(new, ingress=new.ingress + old.ingress, egress=new.egress + old.egress)


@over_time()
class PortsChangeIgnored(_Updating):
    """A change of nothing but the ports of a rule is not seen."""

    def policy_applied(self, document: Document) -> None:
        new = self.compiled(document)
        old = self.old(new)
        is_same = old is not None and all(
            [rule.peers for rule in old.rules(direction)] == [rule.peers for rule in new.rules(direction)] for direction in Direction
        )
        if not (is_same and old is not None and old.subjects == new.subjects and old.types == new.types):
            super().policy_applied(document)


@over_time()
class TypesChangeIgnored(_Updating):
    """A policy whose policyTypes change isolates for the directions that it had before."""

    def compiled(self, document: Document) -> NetworkPolicy:
        new = super().compiled(document)
        old = self.old(new)
        return new if old is None else replace(new, types=old.types)


@over_time()
class TypesChangeAdds(_Updating):
    """A policy whose policyTypes get fewer goes on isolating for those that it had before."""

    def compiled(self, document: Document) -> NetworkPolicy:
        new = super().compiled(document)
        old = self.old(new)
        return new if old is None else replace(new, types=new.types | old.types)


class _Moment(Plane):
    """Something happens for a moment at each change of a policy."""

    LENGTH = 0.3

    def __init__(self, *arguments: object) -> None:
        self.until = -1.0
        super().__init__(*arguments)

    @property
    def is_now(self) -> bool:
        """Whether the moment is not over."""
        return self.clock.now() < self.until

    def begin(self) -> None:
        """The moment begins."""
        self.until = self.clock.now() + self.LENGTH
        self.later(self.LENGTH, lambda: None)

    def policy_applied(self, document: Document) -> None:
        self.begin()
        super().policy_applied(document)

    def policy_deleted(self, namespace: str, name: str) -> None:
        self.begin()
        super().policy_deleted(namespace, name)


@over_time()
class LeakAtEachUpdate(_Moment):
    """For 0.3 s after each change of a policy nothing is enforced."""

    def passes(self, side: Side) -> bool:
        return self.is_now or super().passes(side)


@over_time()
class OutageAtEachUpdate(_Moment):
    """For 0.3 s after each change of a policy isolated pods are not reached by anybody."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return not self.is_now and super().verdict(side, policies)


@over_time()
class LateLeak(Plane):
    """A policy is enforced at first, and no longer 0.7 s later."""

    def __init__(self, *arguments: object) -> None:
        self.lost: set[NetworkPolicy] = set()
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        policy = self.compiled(document)
        self.lost.discard(policy)
        self.later(0.7, lambda: self.lost.add(policy))
        super().policy_applied(document)

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        return policy not in self.lost and super().selects(policy, subject)


@over_time()
class LateOutage(LateLeak):
    """What a policy admits is admitted at first, and no longer 0.7 s later."""

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        return Plane.selects(self, policy, subject)

    def policy_admits(self, policy: NetworkPolicy, side: Side) -> bool:
        return policy not in self.lost and super().policy_admits(policy, side)


@over_time()
class FlappingRules(Plane):
    """Isolation comes and goes every 0.4 s."""

    def __init__(self, *arguments: object) -> None:
        self.is_off = True
        super().__init__(*arguments)
        self.clock.every(0.4, self.flap)

    def flap(self) -> None:
        """From off to on, from on to off."""
        self.is_off = not self.is_off
        if self.policies:
            self.changed()

    def passes(self, side: Side) -> bool:
        return self.is_off or super().passes(side)

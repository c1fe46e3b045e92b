"""Changes of labels and policies that are not followed, followed late, or hurt on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conformance.simulated.faults.fault import over_time
from conformance.simulated.knowledge import Document, Key
from conformance.simulated.nouns import Endpoint, PodSpec, Side
from conformance.simulated.plane import Plane
from conformance.world.labels import Labels
from conformance.world.policy import NetworkPolicy, PolicyPeer
from conformance.world.verdict import Direction


@over_time(43)
class NamespaceLabelRemovalIgnored(Plane):
    """A label that is taken off a namespace is still seen."""

    def namespace_changed(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        super().namespace_changed(name, {**self.namespaces.get(name, {}), **labels}, annotations)


@over_time(44)
class SubjectLabelRemovalIgnored(Plane):
    """A pod from which a label is taken stays under the policies that select that label."""

    def __init__(self, *arguments: object) -> None:
        self.had: dict[int, Mapping[str, str]] = {}
        super().__init__(*arguments)

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        self.had[uid] = {**self.endpoints[uid].labels, **self.had.get(uid, {}), **labels}
        super().pod_labelled(uid, labels)

    def subject_labels(self, pod: Endpoint) -> Labels:
        return self.had.get(pod.uid, pod.labels)


@over_time()
class PeerLabelRemovalIgnored(SubjectLabelRemovalIgnored):
    """A pod from which a label is taken stays a peer of the rules that name that label."""

    def subject_labels(self, pod: Endpoint) -> Labels:
        return pod.labels

    def peer_labels(self, pod: Endpoint) -> Labels:
        return self.had.get(pod.uid, pod.labels)


@over_time(45)
class PeerLabelAdditionIgnored(Plane):
    """A label that is added to a pod is not seen where it would make the pod a peer."""

    def __init__(self, *arguments: object) -> None:
        self.first: dict[int, frozenset[str]] = {}
        super().__init__(*arguments)

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        self.first.setdefault(uid, frozenset(self.endpoints[uid].labels))
        super().pod_labelled(uid, labels)

    def peer_labels(self, pod: Endpoint) -> Labels:
        known = self.first.get(pod.uid)
        return pod.labels if known is None else {key: value for key, value in pod.labels.items() if key in known}


@over_time(49)
class LabelsNeverFollowed(Plane):
    """Pods and namespaces keep the labels that they had at first."""

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        return

    def namespace_changed(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        super().namespace_changed(name, self.namespaces.get(name, labels), annotations)


@over_time()
class ChangedValueKeepsOld(Plane):
    """A pod whose label gets another value is a peer by its old value, too."""

    def __init__(self, *arguments: object) -> None:
        self.before: dict[int, Mapping[str, str]] = {}
        super().__init__(*arguments)

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        old = self.endpoints[uid].labels
        if old.keys() == labels.keys():
            self.before[uid] = old
        super().pod_labelled(uid, labels)

    def is_pod_meant(self, peer: PolicyPeer, other: Endpoint) -> bool:
        old = self.before.get(other.uid)
        was_meant = old is not None and peer.pods is not None and self.selector_matches(peer.pods, old)
        return was_meant or super().is_pod_meant(peer, other)


@over_time()
class NamespaceLabelsWaitForPods(Plane):
    """A changed label of a namespace is seen for a pod only when that pod changes."""

    def __init__(self, *arguments: object) -> None:
        self.seen: dict[int, Mapping[str, str]] = {}
        super().__init__(*arguments)

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        self.seen[spec.uid] = self.namespaces.get(spec.namespace, {})
        return super().pod_started(spec)

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        self.seen[uid] = self.namespaces.get(self.endpoints[uid].namespace, {})
        super().pod_labelled(uid, labels)

    def namespace_labels(self, pod: Endpoint) -> Labels:
        return self.seen.get(pod.uid) or super().namespace_labels(pod)


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

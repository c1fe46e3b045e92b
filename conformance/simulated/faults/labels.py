"""Changes of labels that are not followed, or followed late."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.simulated.faults.fault import over_time
from conformance.simulated.nouns import Endpoint, PodSpec
from conformance.simulated.plane import Plane
from conformance.world.labels import Labels
from conformance.world.policy import PolicyPeer


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

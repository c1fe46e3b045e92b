"""Addresses and names that change hands: whom a plugin takes a pod for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.simulated.faults.fault import over_time
from conformance.simulated.nouns import Endpoint, Flow, PodSpec
from conformance.simulated.plane import Plane
from conformance.world.labels import Labels
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction


class _Ghosts(Plane):
    """Keeps pods that have ended, by address, until their objects go."""

    def __init__(self, *arguments: object) -> None:
        self.ghosts: dict[str, Endpoint] = {}
        super().__init__(*arguments)

    def pod_ended(self, uid: int) -> None:
        pod = self.endpoints[uid]
        super().pod_ended(uid)
        if not pod.is_host_network and not pod.is_outside:
            self.ghosts.update(dict.fromkeys(pod.addresses, pod))
            self.changed()

    def pod_deleted(self, spec: PodSpec) -> None:
        self.ghosts = {address: pod for address, pod in self.ghosts.items() if pod.uid != spec.uid}
        super().pod_deleted(spec)
        self.changed()

    def ghost(self, pod: Endpoint) -> Endpoint | None:
        """The ended pod whose address it has."""
        return next((self.ghosts[address] for address in pod.addresses if address in self.ghosts), None)


@over_time(1)
class CompletedPodKeepsRules(_Ghosts):
    """The rules of a completed pod stay on its address, and filter the pod that gets it."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        found = list(super().isolating(subject, direction))
        ghost = self.ghost(subject)
        return found if ghost is None else [*found, *super().isolating(ghost, direction)]


@over_time(2)
class CompletedPodKeepsAddress(_Ghosts):
    """Where a completed pod and a running one have had the same address, policies mean the completed one."""

    def peer_labels(self, pod: Endpoint) -> Labels:
        return (self.ghost(pod) or pod).labels

    def subject_labels(self, pod: Endpoint) -> Labels:
        return (self.ghost(pod) or pod).labels


class _Addresses(Plane):
    """Remembers which addresses an instance of a pod had."""

    def __init__(self, *arguments: object) -> None:
        self.had: dict[int, tuple[str, ...]] = {}
        super().__init__(*arguments)

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        self.had[spec.uid] = super().pod_started(spec)
        return self.had[spec.uid]

    def forget(self, spec: PodSpec) -> None:
        """What the instance had stands for nobody any more, whoever has it now."""
        for address in self.had.get(spec.uid, ()):
            self.owners.pop(address, None)


@over_time(3)
class SecondDeletionTakesAddress(_Addresses):
    """A second event of a pod's deletion, 1.2 s after the first, takes its address out of the peers, whoever has it now."""

    def pod_deleted(self, spec: PodSpec) -> None:
        super().pod_deleted(spec)
        self.later(1.2, lambda: self.forget(spec))


@over_time(5)
class LateEventTakesAddress(_Addresses):
    """When the object of a completed pod is deleted, its address goes out of the peers, though another pod has it now."""

    def pod_deleted(self, spec: PodSpec) -> None:
        super().pod_deleted(spec)
        self.forget(spec)
        self.changed()


@over_time(8)
class LateDelTakesNewInstance(Plane):
    """A late CNI DEL of a pod that was created again under its name takes the network of the new one, 1.2 s after its start."""

    def __init__(self, *arguments: object) -> None:
        self.names: set[tuple[str, str]] = set()
        self.dead: set[int] = set()
        super().__init__(*arguments)

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        key = spec.namespace, spec.name
        if key in self.names:
            self.later(1.2, lambda: self.dead.add(spec.uid))
        self.names.add(key)
        return super().pod_started(spec)

    def is_carried(self, flow: Flow) -> bool:
        return not {flow.source.uid, flow.destination.uid} & self.dead and super().is_carried(flow)


@over_time()
class NewInstanceHasOldLabels(Plane):
    """A pod that was created again under its name has the labels of the instance before."""

    def __init__(self, *arguments: object) -> None:
        self.before: dict[tuple[str, str], Mapping[str, str]] = {}
        self.kept: dict[int, Mapping[str, str]] = {}
        super().__init__(*arguments)

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        if (spec.namespace, spec.name) in self.before:
            self.kept[spec.uid] = self.before[spec.namespace, spec.name]
        return super().pod_started(spec)

    def pod_ended(self, uid: int) -> None:
        self.before[self.endpoints[uid].key] = self.endpoints[uid].labels
        super().pod_ended(uid)

    def subject_labels(self, pod: Endpoint) -> Labels:
        return self.kept.get(pod.uid, pod.labels)

    def peer_labels(self, pod: Endpoint) -> Labels:
        return self.kept.get(pod.uid, pod.labels)


@over_time()
class NewInstanceIsNoPeer(Plane):
    """A pod that was created again under its name is no peer of the policies that were there before."""

    def __init__(self, *arguments: object) -> None:
        self.names: set[tuple[str, str]] = set()
        super().__init__(*arguments)

    def own(self, pod: Endpoint) -> None:
        if pod.key not in self.names:
            super().own(pod)
        self.names.add(pod.key)


@over_time()
class NewInstanceNotIsolated(Plane):
    """A pod that was created again under its name is not isolated by the policies that were there before."""

    def __init__(self, *arguments: object) -> None:
        self.names: set[tuple[str, str]] = set()
        self.free: set[int] = set()
        super().__init__(*arguments)

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        key = spec.namespace, spec.name
        self.free.update({spec.uid} if key in self.names else ())
        self.names.add(key)
        return super().pod_started(spec)

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return () if subject.uid in self.free else super().isolating(subject, direction)


@over_time()
class GonePodKeepsAddress(Plane):
    """The address of a pod that has gone stands for that pod for half a minute, whoever has it then."""

    def __init__(self, *arguments: object) -> None:
        self.old: dict[str, tuple[float, Mapping[str, str]]] = {}
        super().__init__(*arguments)

    def disown(self, pod: Endpoint) -> None:
        self.old.update(dict.fromkeys(pod.addresses, (self.clock.now(), pod.labels)))
        super().disown(pod)

    def peer_labels(self, pod: Endpoint) -> Labels:
        for address in pod.addresses:
            at, labels = self.old.get(address, (-100.0, pod.labels))
            if self.clock.now() - at < 30.0:
                return labels
        return pod.labels

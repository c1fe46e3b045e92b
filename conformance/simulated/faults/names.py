"""Names and numbers that are joined or cut to one key, and so mean two things."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.knowledge import Document, Key
from conformance.simulated.nouns import Endpoint
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy, Rule
from conformance.world.verdict import Direction


@static(82)
class PodNamesJoined(Plane):
    """Namespace and name of a pod are joined without a separator: of two pods with one key only the first is isolated."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        key = subject.namespace + subject.name
        first = min(pod.uid for pod in self.endpoints.values() if pod.namespace + pod.name == key)
        return super().isolating(subject, direction) if subject.uid == first else ()


@static()
class PolicyNamesShared(Plane):
    """A policy replaces one of the same name in another namespace."""

    def key_of(self, namespace: str, name: str) -> Key:
        return "", name


@static()
class PolicyNamesJoined(Plane):
    """Namespace and name of a policy are joined by a hyphen, so that a-b/c and a/b-c are one."""

    def key_of(self, namespace: str, name: str) -> Key:
        return "", f"{namespace}-{name}"


@static()
class LongPolicyNamesCut(Plane):
    """Policies are told apart by the first 40 letters of their names."""

    def key_of(self, namespace: str, name: str) -> Key:
        return namespace, name[:40]


@static()
class DotsInNamesReplaced(Plane):
    """Dots in the names of policies become hyphens, so that a.b and a-b are one."""

    def key_of(self, namespace: str, name: str) -> Key:
        return namespace, name.replace(".", "-")


@static()
class LongPodNamesCut(Plane):
    """Of pods of a namespace that share the first 28 letters of their names only the first is isolated."""

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        namesakes = [pod.uid for pod in self.endpoints.values() if (pod.namespace, pod.name[:28]) == (subject.namespace, subject.name[:28])]
        return super().isolating(subject, direction) if subject.uid == min(namesakes) else ()


@over_time(84)
class PortsJoined(Plane):
    """Port and endPort are joined without a separator: a change from 1-23 to 123 is taken for none."""

    def policy_applied(self, document: Document) -> None:
        new = self.compiled(document)
        old = self.policies.get(self.key_of(new.namespace, new.name))
        if old is None or _joined(old) != _joined(new):
            super().policy_applied(document)


def _joined(policy: NetworkPolicy) -> tuple[object, ...]:
    def plain(rules: Sequence[Rule]) -> list[object]:
        return [(rule.peers, [(port.protocol, f"{port.port or ''}{port.end or ''}") for port in rule.ports]) for rule in rules]

    return policy.subjects, policy.types, plain(policy.ingress), plain(policy.egress)

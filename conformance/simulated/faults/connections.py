"""Connections that are open while something changes."""

from __future__ import annotations

from conformance.simulated.faults.fault import over_time
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Packet
from conformance.simulated.plane import Plane
from conformance.world.verdict import AnswerKind, Protocol


class KnowsLastChange(Plane):
    """Remembers when a policy was last applied (`last`, on its clock; -1.0: never). No fault by itself."""

    def __init__(self, *arguments: object) -> None:
        self.last = -1.0
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        self.last = self.clock.now()
        super().policy_applied(document)


@over_time()
class ConnectionsCutAtUpdate(KnowsLastChange):
    """A change of any policy cuts the open connections, those that it admits too."""

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        is_cut = packet.protocol is Protocol.TCP and opened < self.last
        return AnswerKind.REFUSED if is_cut else super().carry(packet, opened, uid)


@over_time()
class ConnectionsCutAtRelabel(Plane):
    """When a pod's labels change, its open connections are cut, those that stay admitted too."""

    def __init__(self, *arguments: object) -> None:
        self.changes: dict[int, float] = {}
        super().__init__(*arguments)

    def pod_labelled(self, uid: int, labels: dict[str, str]) -> None:  # type: ignore[override] # as the cluster gives them
        self.changes[uid] = self.clock.now()
        super().pod_labelled(uid, labels)

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        last = max(self.changes.get(uid, -1.0), self.changes.get(packet.source, -1.0))
        is_cut = packet.protocol is Protocol.TCP and opened < last
        return AnswerKind.TIMED_OUT if is_cut else super().carry(packet, opened, uid)


@over_time(53)
class HostPortKeepsOldPod(Plane):
    """Datagrams from one port to a host port go on to the address of a pod that was replaced."""

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        is_node = any(packet.address in node.addresses for node in self.nodes.values())
        if packet.protocol is Protocol.UDP and is_node and uid not in self.endpoints:
            return AnswerKind.TIMED_OUT
        return super().carry(packet, opened, uid)


@over_time()
class ServiceKeepsOldPod(Plane):
    """Datagrams from one port to a Service go on to the address of a pod that was replaced."""

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        if packet.protocol is Protocol.UDP and self.is_door(packet.address) and uid not in self.endpoints:
            return AnswerKind.TIMED_OUT
        return super().carry(packet, opened, uid)

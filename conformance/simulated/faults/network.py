"""The network below the policies: addresses, sources, sizes."""

from __future__ import annotations

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.knowledge import NoNetwork
from conformance.simulated.nouns import Endpoint, Flow
from conformance.simulated.plane import Plane
from conformance.world.verdict import Family, Protocol


@static(34)
class SourceHiddenAcrossNodes(Plane):
    """What goes from a pod to a pod of another node comes from the address of the first one's node."""

    def source_address(self, source: Endpoint, destination: Endpoint, door: str | None, family: Family, *, is_node_port: bool) -> str:
        if not source.is_outside and not source.is_host_network and source.node != destination.node:
            return self.node_address(source.node, family)
        return super().source_address(source, destination, door, family, is_node_port=is_node_port)


@static()
class SourceHiddenOnOneNode(Plane):
    """What goes from a pod to a pod of the same node comes from the node's address."""

    def source_address(self, source: Endpoint, destination: Endpoint, door: str | None, family: Family, *, is_node_port: bool) -> str:
        if not source.is_outside and source.node == destination.node:
            return self.node_address(source.node, family)
        return super().source_address(source, destination, door, family, is_node_port=is_node_port)


@static()
class BigDatagramsLostAcrossNodes(Plane):
    """Datagrams that do not fit into one packet are lost between nodes."""

    def is_carried(self, flow: Flow) -> bool:
        is_lost = flow.protocol is Protocol.UDP and flow.size > 1472 and not flow.is_on_one_node
        return not is_lost and super().is_carried(flow)


@static()
class FullPacketsLostAcrossNodes(Plane):
    """Datagrams of more than 1390 bytes that need no fragments are lost between nodes, as where a tunnel takes its own bytes."""

    def is_carried(self, flow: Flow) -> bool:
        is_lost = flow.protocol is Protocol.UDP and 1390 < flow.size <= 1472 and not flow.is_on_one_node
        return not is_lost and super().is_carried(flow)


@static()
class BulkStallsAcrossNodes(Plane):
    """A TCP connection between nodes stalls once it carries full segments."""

    def is_carried(self, flow: Flow) -> bool:
        is_lost = flow.protocol is Protocol.TCP and flow.size > 1400 and not flow.is_on_one_node
        return not is_lost and super().is_carried(flow)


@static()
class FragmentsBypassPolicies(Plane):
    """Datagrams that do not fit into one packet are not looked at by policies."""

    def is_let_through(self, flow: Flow) -> bool:
        return (flow.protocol is Protocol.UDP and flow.size > 1472) or super().is_let_through(flow)


@over_time(50, 51)
class AddressGivenTwice(Plane):
    """After many pods have come and gone on a node, a new one gets an address that another one still has."""

    def __init__(self, *arguments: object) -> None:
        self.gifts: dict[str, int] = {}
        super().__init__(*arguments)

    def give(self, pod: Endpoint) -> tuple[str, ...]:
        self.gifts[pod.node] = self.gifts.get(pod.node, 0) + 1
        if self.gifts[pod.node] % 60 == 0:
            for other in self.endpoints.values():
                if other.node == pod.node and other.is_ready and not other.is_host_network:
                    return other.addresses
        return super().give(pod)


@over_time(50)
class AddressesLeak(Plane):
    """The address of a pod that has gone is never given again, so that a node runs out of them."""

    def take_back(self, pod: Endpoint) -> None:
        return


@over_time(52)
class DeletionNeedsItsResult(Plane):
    """CNI DEL fails where the result of CNI ADD was lost, so that every third pod never goes."""

    def __init__(self, *arguments: object) -> None:
        self.deletions = 0
        super().__init__(*arguments)

    def pod_ended(self, uid: int) -> None:
        self.deletions += not self.endpoints[uid].is_outside
        if self.deletions % 3 == 1 and not self.endpoints[uid].is_outside:
            raise NoNetwork("CNI DEL failed: required prevResult is missing")
        super().pod_ended(uid)

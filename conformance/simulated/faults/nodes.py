"""The pod's own node, other nodes, and pods in their network."""

from __future__ import annotations

from conformance.simulated.faults.fault import static
from conformance.simulated.nouns import Flow, Side
from conformance.simulated.plane import Plane
from conformance.world.verdict import Direction


@static(86)
class OwnNodeBlocked(Plane):
    """An isolated pod is not reached from its own node."""

    def is_exempt(self, side: Side) -> bool:
        return False


@static()
class EveryNodeExempt(Plane):
    """An isolated pod is reached from every node, not only from its own."""

    def is_exempt(self, side: Side) -> bool:
        every = {address for node in self.nodes.values() for address in node.addresses}
        return side.direction is Direction.INGRESS and side.other_address in every


@static(88)
class HostNetworkPodsEnrolled(Plane):
    """An ingress policy that selects a pod in the node's network isolates the node itself: replies to it are dropped."""

    def is_let_through(self, flow: Flow) -> bool:
        for pod in self.endpoints.values():
            is_there = pod.is_host_network and pod.addresses[:1] and set(pod.addresses) & {flow.source_address}
            if is_there and any(self.selects(policy, pod) and Direction.INGRESS in policy.types for policy in self.policies.values()):
                return False
        return super().is_let_through(flow)


@static()
class HostNetworkPodsSelectedOnOneNode(Plane):
    """Policies isolate pods in the node's network on one of two nodes, and pass over them on the other."""

    def is_let_through(self, flow: Flow) -> bool:
        pod = flow.destination
        if pod.is_host_network and not flow.source.is_outside and pod.node == min(node for node in self.nodes if node.endswith("worker")):
            side = self.entering(flow)
            policies = self.isolating(pod, Direction.INGRESS)
            if policies and not self.verdict(side, policies):
                return False
        return super().is_let_through(flow)

"""Services on the way: what policies see of a connection that was sent to another address."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Endpoint, Packet, Reply, Service, Side
from conformance.simulated.plane import Backend, Plane
from conformance.world.policy import PolicyPort, Rule
from conformance.world.verdict import Direction, Family, Protocol


@static(27)
class ServiceBypassesEgress(Plane):
    """What goes through a Service is not looked at by egress policies."""

    def passes(self, side: Side) -> bool:
        is_free = side.direction is Direction.EGRESS and side.flow.door is not None
        return is_free or super().passes(side)


@static(28)
class ServiceIsNoPeer(Plane):
    """Egress policies see the address of the Service, which no selector names."""

    def peers_match(self, policy: object, rule: Rule, side: Side) -> bool:
        is_blind = side.direction is Direction.EGRESS and side.flow.door is not None and rule.peers
        return not is_blind and super().peers_match(policy, rule, side)  # type: ignore[arg-type] # passed on as it came


@static(29)
class ServiceOnOneNodeBypassesIngress(Plane):
    """What goes through a Service to a pod of the same node is not looked at by ingress policies."""

    def passes(self, side: Side) -> bool:
        is_free = side.direction is Direction.INGRESS and side.flow.door is not None and side.flow.is_on_one_node
        return is_free or super().passes(side)


@static(30)
class ServicePortOpensTarget(Plane):
    """An egress rule for the number of a Service's port opens whatever port is behind it."""

    def port_matches(self, port: PolicyPort, rule: Rule, side: Side) -> bool:
        flow = side.flow
        is_meant = side.direction is Direction.EGRESS and flow.door is not None and port.protocol is flow.protocol
        return (is_meant and port.port == flow.door_port) or super().port_matches(port, rule, side)


@static()
class ServicePortInsteadOfTarget(Plane):
    """Egress rules are compared with the number of the Service's port, not with that of the pod."""

    def port_matches(self, port: PolicyPort, rule: Rule, side: Side) -> bool:
        flow = side.flow
        if side.direction is Direction.INGRESS or flow.door is None:
            return super().port_matches(port, rule, side)
        return super().port_matches(port, rule, side._replace(flow=flow._replace(port=flow.door_port)))


@static(32, 33)
class ServiceOnOneNodeHidesSource(Plane):
    """What goes through a Service to a pod of the same node comes from the node's gateway, as a pod's call of itself must."""

    def source_address(self, source: Endpoint, destination: Endpoint, door: str | None, family: Family, *, is_node_port: bool) -> str:
        if door is not None and not is_node_port and source.node == destination.node:
            return str(next(network[1] for network in self.nodes[source.node].ranges if (network.version == 6) == (family is Family.IPV6)))
        return super().source_address(source, destination, door, family, is_node_port=is_node_port)


@static()
class FirstBackendOnly(Plane):
    """Only the first backend of a Service gets connections over which policies are enforced; the others are let through."""

    def passes(self, side: Side) -> bool:
        flow = side.flow
        found = None if flow.door is None else self._doors.get((flow.door, flow.door_port, flow.protocol))
        if found is not None:
            service, target, _ = found
            first = self.backends(service, target, flow.protocol, flow.family)[0][0]
            if first is not flow.destination:
                return True
        return super().passes(side)


@static()
class NamedTargetOfFirstPod(Plane):
    """A Service's named target port has on all its pods the number that it has on the first one."""

    def backends(self, service: Service, target: int | str, protocol: Protocol, family: Family) -> Sequence[Backend]:
        found = super().backends(service, target, protocol, family)
        return [(pod, found[0][1]) for pod, _ in found]


@static()
class HostPortBypassesEgress(Plane):
    """What goes to a host port is not looked at by egress policies."""

    def passes(self, side: Side) -> bool:
        flow = side.flow
        is_host_port = flow.door is not None and (flow.door, flow.door_port, flow.protocol) not in self._doors
        return (side.direction is Direction.EGRESS and is_host_port) or super().passes(side)


@static()
class NamesBypassEgress(Plane):
    """The name servers are reached, whatever egress policies say."""

    def passes(self, side: Side) -> bool:
        is_name = side.direction is Direction.EGRESS and side.flow.port == 53 and side.flow.destination.namespace == "kube-system"
        return is_name or super().passes(side)


@over_time()
class NewServiceBypassesPolicies(Plane):
    """A Service that is created after a policy leads past all policies until one of them changes."""

    def __init__(self, *arguments: object) -> None:
        self.unknown: set[str] = set()
        super().__init__(*arguments)

    def service_changed(self, service: Service) -> None:
        if self.policies:
            self.unknown.update(service.addresses)
        super().service_changed(service)

    def policy_applied(self, document: Document) -> None:
        self.unknown.clear()
        super().policy_applied(document)

    def passes(self, side: Side) -> bool:
        return side.flow.door in self.unknown or super().passes(side)


@over_time()
class ServiceKeepsOldBackends(Plane):
    """A pod that has gone stays behind its Services: some connections go nowhere."""

    def __init__(self, *arguments: object) -> None:
        self.ghosts: dict[tuple[str, str], Endpoint] = {}
        super().__init__(*arguments)

    def pod_ended(self, uid: int) -> None:
        self.ghosts[self.endpoints[uid].key] = self.endpoints[uid]
        super().pod_ended(uid)

    def pod_ready(self, uid: int) -> None:
        self.ghosts.pop(self.endpoints[uid].key, None)
        super().pod_ready(uid)

    def behind(self, packet: Packet, source: Endpoint, family: Family) -> Backend | Reply | None:
        found = self._doors.get((packet.address, packet.port, packet.protocol))
        if found is not None and packet.turn % 2:
            service = found[0]
            for pod in self.ghosts.values():
                if pod.namespace == service.namespace and service.selects.items() <= pod.labels.items():
                    return None
        return super().behind(packet, source, family)


@over_time()
class NewPodsBehindNoService(Plane):
    """A pod that starts after a Service was created does not come behind it."""

    def backends(self, service: Service, target: int | str, protocol: Protocol, family: Family) -> Sequence[Backend]:
        since = self.since.get((service.namespace, service.name), 0.0)
        return [(pod, number) for pod, number in super().backends(service, target, protocol, family) if pod.started <= since]

    def __init__(self, *arguments: object) -> None:
        self.since: dict[tuple[str, str], float] = {}
        super().__init__(*arguments)

    def service_changed(self, service: Service) -> None:
        # Pods and Services of a world come together; what comes later is new.
        self.since.setdefault((service.namespace, service.name), self.clock.now() + 2.0)
        super().service_changed(service)

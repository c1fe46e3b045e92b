"""The way of a packet: Services, routes, the policies of both ends, and who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.simulated.nouns import REFUSAL, SILENCE, Endpoint, Flow, Packet, Reply, Service, Side, family_of
from conformance.simulated.verdicts import Verdicts
from conformance.world.verdict import AnswerKind, Direction, Family, Protocol

Backend = tuple[Endpoint, int]

_CLUSTER_PORT, _NODE_PORT = 0, 1
_NO_DOOR = None, None, None


class Plane(Verdicts):
    """A plugin that does what the specification says. Deterministic: between two versions a packet has one answer."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type] # a fault passes on what it was made with
        self._known: dict[Packet, Reply] = {}
        self._doors: Mapping[tuple[str, int, Protocol], tuple[Service, int | str, int]] = {}
        self._door_addresses: set[str] = set()

    def changed(self) -> None:
        """Answers may be others from now on."""
        super().changed()
        self._known = {}
        self._doors = self._listed_doors()
        self._door_addresses = {address for address, _, _ in self._doors}

    def forget_answers(self) -> None:
        """No answer is remembered: each is found anew."""
        self._known, self.isolated = {}, {}

    def is_door(self, address: str) -> bool:
        """Whether Services may be behind an address: then who is reached depends on the packet's turn."""
        return address in self._door_addresses

    def ask(self, packets: tuple[Packet, ...]) -> tuple[Reply, ...]:
        """What becomes of some packets that are sent at the same time."""
        return tuple(map(self.send, packets))

    def send(self, packet: Packet) -> Reply:
        """What becomes of a new connection or datagram."""
        reply = self._known.get(packet)
        if reply is None:
            reply = self._known[packet] = self.deliver(packet)
        return reply

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:  # noqa: ARG002 - faults look at the time
        """What becomes of a message over a connection that was opened then with that endpoint: it may go on where a new one may.

        REFUSED: the connection is reset, because its other end is no more.
        """
        reply = self.send(packet)
        if reply.uid == uid or (reply.kind is AnswerKind.CONNECTED and packet.protocol is not Protocol.TCP):
            return AnswerKind.CONNECTED
        return AnswerKind.TIMED_OUT if uid in self.endpoints else AnswerKind.REFUSED

    def deliver(self, packet: Packet) -> Reply:
        """The way of a packet from its source to an answer."""
        flow = self.flow_of(packet)
        if flow is None:
            return SILENCE
        if isinstance(flow, Reply):
            return flow
        return self.answered(flow) if self.is_carried(flow) and self.is_let_through(flow) else SILENCE

    # --- where it goes ---

    def flow_of(self, packet: Packet) -> Flow | Reply | None:
        """The packet behind Services and node ports. None: nobody has this address. REFUSAL: a Service without backends."""
        source, family = self.endpoints[packet.source], family_of(packet.address)
        address, port, destination, door = packet.address, packet.port, self.routes.get(packet.address), None
        if destination is None:
            backend = self.behind(packet, source, family)
            if isinstance(backend, Reply) or backend is None:
                return backend
            destination, port = backend
            own = destination.address(family)
            if own is None:
                return None
            door, address = (None, address) if address == own else (address, own)
        is_node_port = door is not None and self._doors.get((door, packet.port, packet.protocol), _NO_DOOR)[2] == _NODE_PORT
        came_from = self.source_address(source, destination, door, family, is_node_port=is_node_port)
        return Flow(source, destination, came_from, address, port, packet.protocol, family, door, packet.port, packet.size)

    def behind(self, packet: Packet, source: Endpoint, family: Family) -> Backend | Reply | None:
        """Who is behind an address that is no pod's: a Service's, or a node's with what listens there."""
        found = self._doors.get((packet.address, packet.port, packet.protocol))
        if found is not None:
            service, target, number = found
            backends = self.backends(service, target, packet.protocol, family)
            return self.chosen(backends, source, number + packet.turn) if backends else REFUSAL
        node = next((name for name, spec in self.nodes.items() if packet.address in spec.addresses), None)
        if node is None:
            return None
        for pod in self.endpoints.values():
            is_meant = packet.protocol is Protocol.ICMP or (packet.port, packet.protocol) in pod.listening
            if pod.node == node and pod.is_host_network and is_meant:
                return pod, packet.port
        for pod in self.endpoints.values():
            if pod.node == node and not pod.is_host_network and (packet.port, packet.protocol) in pod.host_ports:
                return pod, pod.host_ports[packet.port, packet.protocol]
        return REFUSAL

    def chosen(self, backends: Sequence[Backend], source: Endpoint, number: int) -> Backend:
        """The backend of a connection: another one each time."""
        return backends[(source.uid + number) % len(backends)]

    def backends(self, service: Service, target: int | str, protocol: Protocol, family: Family) -> Sequence[Backend]:
        """The ready pods behind a Service's port that have an address of the family, with their own numbers of it."""
        found = []
        for pod in self.endpoints.values():
            is_meant = pod.namespace == service.namespace and all(pod.labels.get(key) == value for key, value in service.selects.items())
            number = self.target_of(pod, target, protocol) if is_meant and pod.is_ready else None
            if number is not None and pod.address(family) is not None:
                found.append((pod, number))
        return found

    def target_of(self, pod: Endpoint, target: int | str, protocol: Protocol) -> int | None:
        """The number of a Service's target port on a pod; None where it has no port of that name."""
        if isinstance(target, int):
            return target
        return next((port.number for port in pod.ports if port.name == target and port.protocol is protocol), None)

    def _listed_doors(self) -> dict[tuple[str, int, Protocol], tuple[Service, int | str, int]]:
        nodes = [address for node in self.nodes.values() for address in node.addresses]
        found: dict[tuple[str, int, Protocol], tuple[Service, int | str, int]] = {}
        for service in self.services.values():
            for number, protocol, target, node_port in service.ports:
                found |= {(address, number, protocol): (service, target, _CLUSTER_PORT) for address in service.addresses}
                if node_port is not None:
                    found |= {(address, node_port, protocol): (service, target, _NODE_PORT) for address in nodes}
        return found

    def source_address(self, source: Endpoint, destination: Endpoint, door: str | None, family: Family, *, is_node_port: bool) -> str:
        """The address that the destination sees: a pod's own inside the cluster, its node's outside, and behind a node port that
        of the node that was asked.
        """
        own = source.address(family) or ""
        if door is not None and is_node_port:
            return own if source.node == destination.node else door
        leaves = destination.is_outside and not source.is_outside
        return self.node_address(source.node, family) if leaves else own

    def node_address(self, node: str, family: Family) -> str:
        """A node's own address of a family."""
        return next((each for each in self.nodes[node].addresses if family_of(each) is family), "")

    # --- whether it arrives ---

    def is_carried(self, flow: Flow) -> bool:  # noqa: ARG002 - faults look at the flow
        """Whether the network carries it at all."""
        return True

    def is_let_through(self, flow: Flow) -> bool:
        """Whether both ends let it pass; a pod always reaches itself."""
        if flow.source is flow.destination:
            return True
        return self.passes(self.leaving(flow)) and self.passes(self.entering(flow))

    def leaving(self, flow: Flow) -> Side:
        """The flow as the policies of its source look at it: behind Services, with the address of the pod that is reached."""
        return Side(Direction.EGRESS, flow, flow.source, self.owners.get(flow.address), flow.address)

    def entering(self, flow: Flow) -> Side:
        """The flow as the policies of its destination look at it: with the address that the destination sees."""
        return Side(Direction.INGRESS, flow, flow.destination, self.owners.get(flow.source_address), flow.source_address)

    def answered(self, flow: Flow) -> Reply:
        """Who answers."""
        destination = flow.destination
        if flow.protocol is Protocol.ICMP:
            return Reply(AnswerKind.CONNECTED, flow.address, None, uid=destination.uid)
        if (flow.port, flow.protocol) not in destination.listening:
            return REFUSAL
        return Reply(AnswerKind.CONNECTED, destination.identity, flow.source_address, uid=destination.uid)

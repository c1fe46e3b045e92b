"""Questions to doors: by the pods that stand behind them.

Quotes are from the Kubernetes documentation of NetworkPolicy (concepts, services-networking, network-policies).
"""

from __future__ import annotations

from conformance.model.join import after, both, one_of
from conformance.model.match import Other, other_of
from conformance.model.side import Side, Sides, either
from conformance.world.door import Door, DoorKind
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.place import Address, Place, Pod, World, family_of
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict

Backends = tuple[tuple[Pod, int], ...]

_AT_A_NODE = (DoorKind.NODE_PORT, DoorKind.HOST_PORT)


class Doors:
    """All ways to pods of a world that are not their own addresses."""

    def __init__(self, world: World, sides: Sides) -> None:
        self._world, self._sides = world, sides
        self._backends: dict[tuple[str, int, Protocol, Family], Backends] = {}

    def depends_on_reading(self, question: Question, source: Place, door: Door) -> bool:
        """Whether pods in their node's network have to do with the question: as asker, behind the door, as name servers."""
        pods = [pod for pod, _ in self._behind(door, question)]
        if door.kind is DoorKind.NAME:
            pods += self._world.name_servers
        return any(isinstance(place, Pod) and place.is_host_network for place in (source, *pods))

    def through(self, question: Question, source: Place, door: Door, *, reading: Reading) -> Expectation:
        """What becomes of a question to a door, by a plugin that reads pods in their node's network so.

        Raises KeyError where the door has no such port.
        """
        backends = self._behind(door, question)
        if not backends:
            # No policy has a word in that, and nobody is there who could answer.
            return Expectation(Verdict.BLOCKED, (Reason(Direction.EGRESS, f"nobody stands behind {door.ref}"),))
        found = one_of(door, [(pod, self._to(question, source, door, pod, number, reading)) for pod, number in backends])
        return after(self._lookup(source, question.family, reading), found) if door.kind is DoorKind.NAME else found

    def _behind(self, door: Door, question: Question) -> Backends:
        """The pods behind it that have an address of the family, with the numbers of their ports."""
        key = door.ref, question.port, question.protocol, question.family
        if key not in self._backends:
            if (question.port, question.protocol) not in [(port.number, port.protocol) for port in door.ports]:
                raise KeyError(f"{door.ref} has no port {question.port}/{question.protocol}")
            every = self._world.backends(door, question.port, question.protocol)
            self._backends[key] = tuple((pod, number) for pod, number in every if _of(pod.addresses, question.family))
        return self._backends[key]

    def _to(self, question: Question, source: Place, door: Door, pod: Pod, number: int, reading: Reading) -> Expectation:
        if pod.ref == source.ref:
            return self._to_itself(pod, door)
        if door.kind in _AT_A_NODE:
            return both(
                self._to_node(question, source, door, pod, number, reading),
                self._from_node(question, source, door, pod, number, reading),
            )
        there = other_of(pod, question.family, reading=reading, through=self._addresses(door, question.family))
        here = other_of(source, question.family, reading=reading)
        lane = number, question.protocol
        return both(
            self._sides.side(source, Direction.EGRESS, there, *lane, reading=reading),
            self._sides.side(pod, Direction.INGRESS, here, *lane, reading=reading),
        )

    def _to_itself(self, pod: Pod, door: Door) -> Expectation:
        if door.kind is DoorKind.NAME and self._service_of(door) is None:
            # The name leads to the pod's own address, and "a pod cannot block access to itself".
            return Expectation(Verdict.ALLOWED, (Reason(Direction.EGRESS, f"{pod.ref} cannot block access to itself"),))
        # "a pod cannot block access to itself": whether it is still itself behind a rewritten address is said nowhere.
        text = f"{pod.ref} stands behind {door.ref} itself, and what becomes of that is undefined"
        return Expectation(Verdict.OPEN, (Reason(Direction.EGRESS, text),), text)

    def _to_node(self, question: Question, source: Place, door: Door, pod: Pod, number: int, reading: Reading) -> Side:
        """The asker's end: of a connection to a node's address and port, or to a pod's."""
        asked = next(port.asked for port in door.ports if (port.number, port.protocol) == (question.port, question.protocol))
        family = question.family
        node = Other((door.ref, "node"), door.ref, family, None, _of(door.addresses, family), is_node=True, node=door.node)
        there = other_of(pod, family, reading=reading)
        before, behind = (
            self._sides.side(source, Direction.EGRESS, other, port, question.protocol, reading=reading)
            for other, port in ((node, asked or question.port), (there, number))
        )
        # "mechanisms often require rewriting the source or destination IP of packets. In cases where this happens, it is not
        # defined whether this happens before or after NetworkPolicy processing"
        text = f"whether egress of {source.ref} is judged by the node's address or by {pod.ref} behind {door.ref} is undefined"
        return either(Direction.EGRESS, text, behind, before)

    def _from_node(self, question: Question, source: Place, door: Door, pod: Pod, number: int, reading: Reading) -> Side:
        """The answering pod's end: of a connection from the asker's own address, or from a node's.

        "the 'source IP' that the NetworkPolicy acts on may be the IP of a LoadBalancer or of the Pod's node, etc."
        """
        family = question.family
        seen = [other_of(source, family, reading=reading), Other(("", "node"), "a node's address", family, None, None)]
        if pod.node in (door.node, source.node if isinstance(source, Pod) else None):
            # "the only allowed connections into the pod are those from the pod's node …": it may look like one of them.
            seen.append(Other(("", "own node"), "its node's address", family, None, None, is_node=True, node=pod.node))
        text = f"whether {pod.ref} sees the address of {source.ref} or that of a node behind {door.ref} is undefined"
        lane = number, question.protocol
        return either(
            Direction.INGRESS,
            text,
            *(self._sides.side(pod, Direction.INGRESS, other, *lane, reading=reading) for other in seen),
        )

    def _lookup(self, source: Place, family: Family, reading: Reading) -> Side:
        """The way to the name servers: who does not reach one on 53/UDP does not learn the address behind a name."""
        known = [other_of(pod, each, reading=reading) for pod in self._world.name_servers for each in Family if _of(pod.addresses, each)]
        others = known or [Other(("", "name servers"), "the name servers", family, None, None)]
        sides = [self._sides.side(source, Direction.EGRESS, other, 53, Protocol.UDP, reading=reading) for other in others]
        if not known and sides[0].verdict is not Verdict.ALLOWED:
            return Side(Verdict.OPEN, sides[0].reasons, "who the name servers are is not known")
        text = f"which name server {source.ref} asks, and over which family, is the cluster's choice"
        return either(Direction.EGRESS, text, *sides)

    def _service_of(self, door: Door) -> Door | None:
        """The cluster address of the Service that a name means; None: it has none (headless)."""
        return self._world.doors.get(door.ref.replace(DoorKind.NAME, DoorKind.SERVICE, 1))

    def _addresses(self, door: Door, family: Family) -> tuple[Address, ...]:
        owner = self._service_of(door) if door.kind is DoorKind.NAME else door
        return () if owner is None else _of(owner.addresses, family)


def _of(addresses: tuple[Address, ...], family: Family) -> tuple[Address, ...]:
    return tuple(each for each in addresses if family_of(each) is family)

"""A question (who asks whom, on which port) and the answer to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.place import OutsideHost, Place, Port, World, family_of
from conformance.world.verdict import AnswerKind, Family, Protocol

Sizes = Mapping[Protocol, Sequence[int]]
"""Bytes to be sent there and back, by protocol."""


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One cell of a truth table: `source` asks `destination` (both references) on a port, over one family.

    The destination is a pod, an outside host or a door. The port of an ICMP question is 0. `size` is how many bytes go there
    and must come back intact; 0: the plain question.
    """

    source: str
    destination: str
    port: int
    protocol: Protocol = Protocol.TCP
    family: Family = Family.IPV4
    size: int = 0

    @property
    def pair(self) -> tuple[str, str]:
        """Source and destination."""
        return self.source, self.destination

    @property
    def lane(self) -> str:
        """The port and protocol (and size), as they stand in the corner of a table: `80/TCP`, `80/UDP/1400B`."""
        return f"{self.port}/{self.protocol}" + (f"/{self.size}B" if self.size else "")

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} {self.lane} {self.family}"


NOT_RESOLVED = "the name was not resolved"
"""How the detail of an answer begins whose question never got to its destination: the name servers were silent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `responder` is the identity that answered and `source_seen` the address that it saw the question come from (both
    None unless connected). `latency` is in seconds. `detail` is for people: the errno, the cause of a broken answer.
    """

    kind: AnswerKind
    responder: str | None = None
    source_seen: str | None = None
    latency: float = 0.0
    detail: str = ""

    @property
    def is_unresolved(self) -> bool:
        """Whether the name servers were silent, of which nobody knows how busy they are: they are no probes."""
        return self.kind is AnswerKind.TIMED_OUT and self.detail.startswith(NOT_RESOLVED)

    def is_same_as(self, other: Answer) -> bool:
        """Whether it says the same; latencies always differ and do not count."""
        mine = (self.kind, self.responder, self.source_seen, self.detail)
        return mine == (other.kind, other.responder, other.source_seen, other.detail)


def questions_of(world: World, families: Iterable[Family], sizes: Sizes = MappingProxyType({})) -> tuple[Question, ...]:
    """What `each_question` gives, all at once."""
    return tuple(each_question(world, families, sizes))


def each_question(world: World, families: Iterable[Family], sizes: Sizes = MappingProxyType({})) -> Iterator[Question]:
    """Every question that a world lets one ask: all pods and hosts to all served ports of all others and of all doors, by
    family; with `sizes` (bytes, by protocol) each of these too.

    Nobody asks itself ("a pod cannot block access to itself") and outside hosts do not ask each other: no policy has a
    word in that. Outside hosts ask node ports and host ports, but no cluster addresses and no names, which mean nothing
    outside. A pod does ask a door behind which it stands itself: what comes of that is open.
    """
    wanted = tuple(families)
    by_pods, by_hosts = _asked(world)
    for source in world.places():
        if isinstance(source, OutsideHost) and not source.can_ask:
            continue
        there = _families(source)
        own = [family for family in wanted if family in there]
        for ref, ports, families_there in by_hosts if isinstance(source, OutsideHost) else by_pods:
            for (number, protocol), family in product(ports, own if ref != source.ref else ()):
                if family in families_there:
                    for size in (0, *sizes.get(protocol, ())):
                        yield Question(source.ref, ref, number, protocol, family, size)


_Asked = tuple[str, Sequence[tuple[int, Protocol]], set[Family]]
"""A destination: reference, ports (each once), and families."""


def _asked(world: World) -> tuple[list[_Asked], list[_Asked]]:
    """Whom pods ask, and whom outside hosts ask."""
    pods, hosts = (
        [(each.ref, _ports(each.serves), _families(each)) for each in places if each.serves]
        for places in (world.pods.values(), world.hosts.values())
    )
    # A name has an address for each family of its pods or of its Service: it is asked over all that the asker has.
    doors = [
        (each, (each.ref, _ports(each.ports), set(Family) if each.kind is DoorKind.NAME else _families(each)))
        for each in world.doors.values()
    ]
    outer = [asked for door, asked in doors if door.kind not in (DoorKind.SERVICE, DoorKind.NAME)]
    return [*pods, *hosts, *(asked for _, asked in doors)], [*pods, *outer]


def _ports(served: Iterable[Port | DoorPort]) -> Sequence[tuple[int, Protocol]]:
    return list(dict.fromkeys((port.number, port.protocol) for port in served))


def _families(owner: Place | Door) -> set[Family]:
    return {family_of(address) for address in owner.addresses}

"""A question (who asks whom, on which port) and the answer to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from conformance.world.door import DoorKind
from conformance.world.place import OutsideHost, Place, World, family_of
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
    """Every question that a world lets one ask: all pods and hosts to all served ports of all others and of all doors, by
    family; with `sizes` (bytes, by protocol) each of these too.

    Nobody asks itself ("a pod cannot block access to itself") and outside hosts do not ask each other: no policy has a
    word in that. Outside hosts ask node ports and host ports, but no cluster addresses and no names, which mean nothing
    outside. A pod does ask a door behind which it stands itself: what comes of that is open.
    """
    wanted = tuple(families)
    found = []
    for source in world.places():
        if isinstance(source, OutsideHost) and not source.can_ask:
            continue
        own = [family for family in wanted if family in {family_of(address) for address in source.addresses}]
        for ref, ports, there in _asked_by(source, world):
            found += [
                Question(source.ref, ref, number, protocol, family, size)
                for number, protocol in ports
                for family in own
                if family in there
                for size in (0, *sizes.get(protocol, ()))
            ]
    return tuple(found)


def _asked_by(source: Place, world: World) -> Iterator[tuple[str, list[tuple[int, Protocol]], set[Family]]]:
    """Whom a place asks: reference, ports and families."""
    is_outside = isinstance(source, OutsideHost)
    for place in world.places():
        if source.ref != place.ref and not (is_outside and isinstance(place, OutsideHost)):
            yield place.ref, [(port.number, port.protocol) for port in place.serves], {family_of(each) for each in place.addresses}
    for door in world.doors.values():
        if is_outside and door.kind in (DoorKind.SERVICE, DoorKind.NAME):
            continue
        # A name has an address for each family of its pods or of its Service: it is asked over all that the asker has.
        families = set(Family) if door.kind is DoorKind.NAME else {family_of(each) for each in door.addresses}
        yield door.ref, [(port.number, port.protocol) for port in door.ports], families

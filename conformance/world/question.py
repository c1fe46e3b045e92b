"""A question (who asks whom, on which port) and the answer to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.world.place import OutsideHost, World, family_of
from conformance.world.verdict import AnswerKind, Family, Protocol


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One cell of a truth table: `source` asks `destination` (both references) on a port, over one family.

    The port of an ICMP question is 0.
    """

    source: str
    destination: str
    port: int
    protocol: Protocol = Protocol.TCP
    family: Family = Family.IPV4

    @property
    def pair(self) -> tuple[str, str]:
        """Source and destination."""
        return self.source, self.destination

    @property
    def lane(self) -> str:
        """The port and protocol, as they stand in the corner of a table: `80/TCP`."""
        return f"{self.port}/{self.protocol}"

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} {self.lane} {self.family}"


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

    def is_same_as(self, other: Answer) -> bool:
        """Whether it says the same; latencies always differ and do not count."""
        mine = (self.kind, self.responder, self.source_seen, self.detail)
        return mine == (other.kind, other.responder, other.source_seen, other.detail)


def questions_of(world: World, families: Iterable[Family]) -> tuple[Question, ...]:
    """Every question that a world lets one ask: all pods and hosts to all served ports of all others, by family.

    Nobody asks itself ("a pod cannot block access to itself") and outside hosts do not ask each other: no policy has a
    word in that.
    """
    wanted = tuple(families)
    found = []
    for source in world.places():
        if isinstance(source, OutsideHost) and not source.can_ask:
            continue
        own = {family_of(address) for address in source.addresses}
        for destination in world.places():
            if source.ref == destination.ref or (isinstance(source, OutsideHost) and isinstance(destination, OutsideHost)):
                continue
            theirs = {family_of(address) for address in destination.addresses}
            found += [
                Question(source.ref, destination.ref, port.number, port.protocol, family)
                for port in destination.serves
                for family in wanted
                if family in own and family in theirs
            ]
    return tuple(found)

"""The verdict of every question, and who decided it.

Quotes are from the Kubernetes documentation of NetworkPolicy (concepts, services-networking, network-policies).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from conformance.model.doors import Doors
from conformance.model.join import both, either_reading
from conformance.model.match import Other, other_of
from conformance.model.side import Sides
from conformance.world.expectation import Expectation, Reading
from conformance.world.place import Place, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict

_TELLING = (Protocol.TCP, Protocol.UDP)
"""Only answers over these tell which address they saw; echoes and raw handshakes do not."""

_OTHER = {Family.IPV4: Family.IPV6, Family.IPV6: Family.IPV4}


def expected(
    world: World, policies: Iterable[NetworkPolicy], questions: Iterable[Question], *, judges_source: bool = False
) -> dict[Question, Expectation]:
    """What must become of each question, in their order; reasons name policies by the references of the world.

    Policies are as the cluster has them: with the real names of namespaces. `judges_source`: a pod that answers another pod must
    see its own address ("pods can communicate with all other pods … without NAT"). Raises KeyError where a question speaks of
    a place or door that is not in the world.
    """
    oracle = Oracle(world, policies, judges_source=judges_source)
    return {question: oracle.decide(question) for question in questions}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two ends with what they see of each other over one family, or over both where only blocks could tell them apart.

    `always` is the answer where it is the same for all ports, `lanes` the answers that are known. `seen`: as in Expectation.
    """

    source: Place
    destination: Place
    there: Other
    here: Other
    always: Expectation | None
    seen: str
    lanes: dict[tuple[int, Protocol], Expectation] = field(default_factory=dict)


class Oracle:
    """A world under some policies, to be asked question by question. What it has worked out it does not work out again."""

    def __init__(self, world: World, policies: Iterable[NetworkPolicy], *, judges_source: bool = False) -> None:
        self._world, self._judges_source = world, judges_source
        self._sides = Sides(world, policies)
        self._doors = Doors(world, self._sides)
        self._in_node_network = frozenset(pod.ref for pod in world.pods.values() if pod.is_host_network)
        self._pairs: dict[tuple[str, str, Family, Reading], _Pair] = {}

    def decide(self, question: Question) -> Expectation:
        """What must become of this question. Its size does not matter. Raises KeyError as `expected` does."""
        if question.destination in self._world.doors:
            source, door = self._world.place(question.source), self._world.doors[question.destination]
            apart = self._doors.through(question, source, door, reading=Reading.APART)
            if not self._doors.depends_on_reading(question, source, door):
                return apart
            return either_reading(apart, self._doors.through(question, source, door, reading=Reading.AS_NODE))
        found = self._direct(question, Reading.APART)
        if question.source in self._in_node_network or question.destination in self._in_node_network:
            return either_reading(found, self._direct(question, Reading.AS_NODE))
        return found

    def _direct(self, question: Question, reading: Reading) -> Expectation:
        key = question.source, question.destination, question.family, reading
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = self._pair(*key)
        if pair.always is not None:
            return pair.always
        # "both the egress policy on the source pod and the ingress policy on the destination pod need to allow the
        # connection. If either side does not allow the connection, it will not happen."
        lane = question.port, question.protocol
        found = pair.lanes.get(lane)
        if found is None:
            egress = self._sides.side(pair.source, Direction.EGRESS, pair.there, *lane, reading=reading)
            ingress = self._sides.side(pair.destination, Direction.INGRESS, pair.here, *lane, reading=reading)
            found = both(egress, ingress)
            if pair.seen and question.protocol in _TELLING and found.verdict is not Verdict.BLOCKED:
                found = replace(found, seen=pair.seen)
            pair.lanes[lane] = found
        return found

    def _pair(self, source_ref: str, destination_ref: str, family: Family, reading: Reading) -> _Pair:
        source, destination = self._world.place(source_ref), self._world.place(destination_ref)
        twin = self._pairs.get((source_ref, destination_ref, _OTHER[family], reading))
        if twin is not None and not self._judges_source and not self._sides.minds_families(source, destination, reading):
            return twin
        are_pods = isinstance(source, Pod) and isinstance(destination, Pod)
        is_judged = self._judges_source and are_pods and not {source_ref, destination_ref} & self._in_node_network
        seen = str(self._world.address(source_ref, family) or "") if is_judged else ""
        egress = self._sides.without_policies(source, Direction.EGRESS, reading)
        ingress = self._sides.without_policies(destination, Direction.INGRESS, reading)
        always = None if egress is None or ingress is None or seen else both(egress, ingress)
        there, here = (other_of(place, family, reading=reading) for place in (destination, source))
        return _Pair(source, destination, there, here, always, seen)

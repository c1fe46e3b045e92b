"""The plane of the test bench against the model, in random worlds: they share no code for what policies mean."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from random_worlds import described, read, world_of

from conformance.model.decide import expected
from conformance.probe.answering import line_of
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.knowledge import NodeSpec
from conformance.simulated.nouns import Endpoint, Packet, PodSpec, Service
from conformance.simulated.plane import Plane
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.place import Place, Pod, World
from conformance.world.question import Question, questions_of
from conformance.world.verdict import Family, Protocol, Verdict


def plane_of(world: World, documents: list[dict[str, Any]], kind: type[Plane] = Plane) -> tuple[Plane, dict[str, int]]:
    """A plane that was told of a world and its policies, and the uids of pods and hosts by reference."""

    class Placed(kind):  # type: ignore[misc, valid-type] # pods get the addresses that they have in the world
        def give(self, pod: Endpoint) -> tuple[str, ...]:
            return given[pod.uid]

    every: list[Place] = [*world.places(), *world.name_servers]
    given = {uid: tuple(map(str, place.addresses)) for uid, place in enumerate(every, 1)}
    plane = Placed(SimulatedClock())
    for node in world.nodes.values():
        plane.node_added(NodeSpec(node.name, tuple(map(str, node.addresses)), ()))
    for namespace in world.namespaces.values():
        plane.namespace_changed(namespace.name, namespace.labels, namespace.annotations)
    for uid, place in enumerate(every, 1):
        start(plane, uid, place, given[uid])
    for door in services(world):
        ports = tuple((port.number, port.protocol, port.target, None) for port in door.ports)
        plane.service_changed(Service(door.namespace, door.ref, door.selects or {}, ports, tuple(map(str, door.addresses))))
    for document in documents:
        plane.policy_applied(document)
    return plane, {place.ref: uid for uid, place in enumerate(every, 1)}


def start(plane: Plane, uid: int, place: Place, addresses: tuple[str, ...]) -> None:
    listening = frozenset((port.number, port.protocol) for port in place.serves)
    if isinstance(place, Pod):
        spec = PodSpec(
            uid, place.namespace, place.name, place.labels, place.serves, place.node, place.is_host_network, identity=place.identity
        )
        plane.pod_started(spec)
        plane.pod_listens(uid, listening)
        plane.pod_ready(uid)
    else:
        plane.host_added(PodSpec(uid, "", place.ref, identity=place.identity, is_outside=True, addresses=addresses))
        plane.pod_listens(uid, listening)


def services(world: World) -> list[Door]:
    """The Services that can be asked: random ones may have one address, and lead to ports that nobody serves, or to a pod in its node's
    network that has not all of the node's addresses."""
    found = [door for door in world.doors.values() if door.kind is DoorKind.SERVICE]
    return [
        door
        for door in found
        if len(found) == 1 and all(is_served(world, door, port) for port in door.ports) and has_nodes_addresses(world)
    ]


def has_nodes_addresses(world: World) -> bool:
    return all(
        set(pod.addresses) == set(world.nodes[pod.node].addresses) for pod in world.pods.values() if pod.is_host_network and pod.node
    )


def is_served(world: World, door: Door, port: DoorPort) -> bool:
    return all(
        (target, port.protocol) in {(each.number, each.protocol) for each in pod.serves}
        for pod, target in world.backends(door, port.number, port.protocol)
    )


def is_asked(world: World, question: Question) -> bool:
    """Names are not the plane's, and ports of nodes may be taken twice in random worlds."""
    door = world.doors.get(question.destination)
    return (door is None or door in services(world)) and line_of(world, question) is not None


def answers(plane: Plane, uids: dict[str, int], world: World, questions: list[Question]) -> dict[Question, Verdict]:
    found = {}
    for question in questions:
        address, port, protocol, *_ = line_of(world, question) or ()
        kind = plane.send(Packet(uids[question.source], address, port, Protocol(protocol))).kind
        found[question] = kind.verdict or Verdict.OPEN
    return found


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(described())
def test_the_faultless_plane_answers_as_the_model_says(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    plain, documents = drawn
    world = world_of(plain)
    questions = [question for question in questions_of(world, Family) if is_asked(world, question)]
    plane, uids = plane_of(world, documents)

    actual = answers(plane, uids, world, questions)

    table = expected(world, read(documents), questions)
    legal = {question: each.legal if each.verdict is Verdict.OPEN else {each.verdict} for question, each in table.items()}
    assert {} == {str(question): (verdict, legal[question]) for question, verdict in actual.items() if verdict not in legal[question]}

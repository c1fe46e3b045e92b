"""What the plugin of the test bench deals with: pods and hosts, Services, packets, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from conformance.world.place import Address, Port
from conformance.world.verdict import AnswerKind, Direction, Family, Protocol

Service_Port = tuple[int, Protocol, int | str, int | None]
"""A Service's port: number, protocol, target (number or name), node port."""


@dataclass(frozen=True, slots=True)
class PodSpec:
    """A pod as the kubelet hands it to the plugin, or (`is_outside`) a host outside the cluster.

    `uid` is new for every instance. `ports` are the declared container ports, `host_ports` leads from (node's port, protocol)
    to the container's port, `addresses` are given for outside hosts only.
    """

    uid: int
    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    node: str = ""
    is_host_network: bool = False
    host_ports: Mapping[tuple[int, Protocol], int] = field(default_factory=dict)
    identity: str = ""
    is_outside: bool = False
    addresses: tuple[str, ...] = ()


class Endpoint:
    """What the plugin knows of a pod or outside host; it changes while the pod lives.

    `listening` are the ports on which its process really answers, `contacts` the endpoints that it has talked with.
    """

    __slots__ = (
        "addresses", "contacts", "host_ports", "identity", "is_host_network", "is_outside", "is_ready", "key", "labels", "listening",
        "name", "namespace", "node", "ports", "started", "uid",
    )  # fmt: skip

    def __init__(self, spec: PodSpec, started: float) -> None:
        self.uid, self.namespace, self.name, self.node = spec.uid, spec.namespace, spec.name, spec.node
        self.key = (spec.namespace, spec.name)
        self.labels: Mapping[str, str] = dict(spec.labels)
        self.ports, self.host_ports, self.identity = spec.ports, spec.host_ports, spec.identity
        self.is_host_network, self.is_outside = spec.is_host_network, spec.is_outside
        self.addresses: tuple[str, ...] = spec.addresses
        self.listening: frozenset[tuple[int, Protocol]] = frozenset()
        self.is_ready, self.started = False, started
        self.contacts: set[int] = set()

    def address(self, family: Family) -> str | None:
        """Its address of a family, if it has one."""
        for each in self.addresses:
            if family_of(each) is family:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Service:
    """A Service as the API server has it. Without `addresses` it is headless."""

    namespace: str
    name: str
    selects: Mapping[str, str]
    ports: tuple[Service_Port, ...]
    addresses: tuple[str, ...] = ()


class Packet(NamedTuple):
    """A new connection or datagram: who asks (a uid), which address and port, how many bytes; `turn` chooses among backends."""

    source: int
    address: str
    port: int
    protocol: Protocol
    size: int = 0
    turn: int = 0


class Reply(NamedTuple):
    """What became of a packet. `seen` is the address that the responder saw, `uid` the responder's."""

    kind: AnswerKind
    responder: str | None = None
    seen: str | None = None
    detail: str = ""
    uid: int | None = None


SILENCE = Reply(AnswerKind.TIMED_OUT)
REFUSAL = Reply(AnswerKind.REFUSED, detail="Connection refused")


class Flow(NamedTuple):
    """A packet on its way, behind Services and node ports. `door` is the address that was asked where that is another one."""

    source: Endpoint
    destination: Endpoint
    source_address: str
    address: str
    port: int
    protocol: Protocol
    family: Family
    door: str | None
    door_port: int
    size: int

    @property
    def is_on_one_node(self) -> bool:
        """Whether both ends are pods of one node."""
        return not self.source.is_outside and self.source.node == self.destination.node


class Side(NamedTuple):
    """A flow as the policies of one end, the subject, look at it. `other` is who the plugin takes the other address for."""

    direction: Direction
    flow: Flow
    subject: Endpoint
    other: Endpoint | None
    other_address: str


@cache
def parsed(address: str) -> Address:
    """The address as a number."""
    return ip_address(address)


def family_of(address: str) -> Family:
    """The family of an address."""
    return Family.IPV6 if ":" in address else Family.IPV4

"""Who is there: namespaces, pods, outside hosts and nodes with their addresses, and the ports that they serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from conformance.world.door import Door
from conformance.world.labels import Labels
from conformance.world.verdict import Family, Protocol

Address = IPv4Address | IPv6Address

OUTSIDE = "outside"
"""The first half of an outside host's reference (`outside/alpha`); no namespace of a layout may have this name."""

LEGACY_ANNOTATION = "net.beta.kubernetes.io/network-policy"
"""Before networking.k8s.io/v1: `{"ingress": {"isolation": "DefaultDeny"}}` on a namespace isolates its pods for ingress."""


def family_of(address: Address) -> Family:
    """The family of an address."""
    return Family.IPV4 if address.version == 4 else Family.IPV6


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port that a pod or host serves. `name` is the container port's name, if it has one."""

    number: int
    protocol: Protocol = Protocol.TCP
    name: str | None = None

    def __str__(self) -> str:
        plain = f"{self.number}/{self.protocol}"
        return f"{self.name}={plain}" if self.name else plain


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace as it is in the cluster.

    `ref` is its word in the scenario (`shop`), `name` its real name (with the run's prefix). `labels` are the real ones,
    `kubernetes.io/metadata.name` included, which the API server sets ("immutable label").
    """

    ref: str
    name: str
    labels: Labels
    annotations: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as it is in the cluster.

    `ref` is its word in the scenario (`shop/api`); `namespace` and `name` are the real ones. `addresses` are those that
    the cluster gave, one a family at the most. `node` is the name of its node.
    """

    ref: str
    namespace: str
    name: str
    labels: Labels = field(default_factory=dict)
    serves: tuple[Port, ...] = ()
    addresses: tuple[Address, ...] = ()
    node: str | None = None
    is_host_network: bool = False

    @property
    def identity(self) -> str:
        """What its agent calls itself in every answer: unique in the cluster, even among runs."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class OutsideHost:
    """A host outside the pod and service ranges. `can_ask` is false where only its address is known."""

    ref: str
    serves: tuple[Port, ...] = ()
    addresses: tuple[Address, ...] = ()
    can_ask: bool = True

    @property
    def identity(self) -> str:
        """What its agent calls itself in every answer."""
        return self.ref


@dataclass(frozen=True, slots=True)
class Node:
    """A node and its own addresses."""

    name: str
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What the cluster gave a pod: its addresses (one a family at the most) and its node."""

    addresses: tuple[Address, ...]
    node: str | None = None


Place = Pod | OutsideHost


@dataclass(frozen=True, slots=True)
class World:
    """Everybody who is there, by reference. Immutable: a change makes a new world.

    `doors` are the ways to pods that are not their own addresses. `name_servers` are the cluster's own (pods of kube-system,
    which nobody probes): who resolves a name asks them on 53/UDP.
    """

    namespaces: Mapping[str, Namespace]
    pods: Mapping[str, Pod]
    hosts: Mapping[str, OutsideHost] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    doors: Mapping[str, Door] = field(default_factory=dict)
    name_servers: tuple[Pod, ...] = ()

    def places(self) -> Iterator[Place]:
        """Pods first, then outside hosts, each in the order of the layout."""
        yield from self.pods.values()
        yield from self.hosts.values()

    def place(self, ref: str) -> Place:
        """The pod or host with this reference. Raises KeyError."""
        return self.pods[ref] if ref in self.pods else self.hosts[ref]

    def address(self, ref: str, family: Family) -> Address | None:
        """The address of this family of a pod, host or door, or None where it has none. Raises KeyError."""
        owner = self.doors[ref] if ref in self.doors else self.place(ref)
        return next((address for address in owner.addresses if family_of(address) == family), None)

    def backends(self, door: Door, number: int, protocol: Protocol) -> tuple[tuple[Pod, int], ...]:
        """The pods behind a port of a door, each with the number of its own port: those that are there now.

        A named target means what each pod's container calls so; a pod without that name is not behind the door.
        """
        port = next(each for each in door.ports if (each.number, each.protocol) == (number, protocol))
        found = []
        for pod in self.pods.values():
            is_meant = pod.ref == door.pod if door.selects is None else _selects(door, pod)
            if is_meant and (target := _number(pod, port.target, protocol)) is not None:
                found.append((pod, target))
        return tuple(found)

    def labels_of_namespace(self, name: str) -> Labels:
        """The labels of the namespace with this real name. Raises KeyError."""
        return next(namespace.labels for namespace in self.namespaces.values() if namespace.name == name)


def _selects(door: Door, pod: Pod) -> bool:
    wanted = door.selects or {}
    return pod.namespace == door.namespace and all(pod.labels.get(key) == value for key, value in wanted.items())


def _number(pod: Pod, target: int | str, protocol: Protocol) -> int | None:
    if isinstance(target, int):
        return target
    return next((port.number for port in pod.serves if port.name == target and port.protocol is protocol), None)

"""Who is there: namespaces with their pods and Services, and hosts outside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from conformance.world.door import DoorKind, DoorPort
from conformance.world.labels import Labels
from conformance.world.place import OUTSIDE, Port
from conformance.world.verdict import Protocol

WEB = (Port(80),)
"""What a pod or host serves if its layout does not say."""

NODES = ("a", "b")
"""The workers that a layout can name."""

RESERVED = (OUTSIDE, "svc", "nodeport-a", "nodeport-b", "hostport", "dns", "node")
"""First words of references: no namespace of a layout has one of these names."""


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod of a layout. `node` is a letter (`a` the first worker, `b` the second); None: the template chooses.

    `host_ports` are those of its served ports that its node leads to it, too. `comes_later`: it is not there before a step
    adds it. `asks_at_start`: its init container and its main process ask everybody from their first instant on.
    `is_pending`: it wants a node that there is not, so it never runs and never has an address.
    """

    labels: Labels = field(default_factory=dict)
    serves: tuple[Port, ...] = WEB
    node: str | None = None
    is_host_network: bool = False
    host_ports: tuple[Port, ...] = ()
    comes_later: bool = False
    asks_at_start: bool = False
    is_pending: bool = False


class ServiceKind(StrEnum):
    """What a Service of a layout is. A NODE_PORT has a cluster address, too; a HEADLESS one has a name only."""

    CLUSTER_IP = "cluster-ip"
    NODE_PORT = "node-port"
    HEADLESS = "headless"


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A Service of a layout, for the pods of its namespace that have the labels `selects`.

    `is_asked_by_name`: it is asked by its name, too (a headless one always is).
    """

    selects: Labels
    ports: tuple[DoorPort, ...]
    kind: ServiceKind = ServiceKind.CLUSTER_IP
    comes_later: bool = False
    is_asked_by_name: bool = False

    def doors(self, ref: str) -> tuple[tuple[str, DoorKind], ...]:
        """The references of its doors, `ref` being `shop/web`: `svc/shop/web`, `nodeport-a/shop/web`, `dns/shop/web`."""
        found = [] if self.kind is ServiceKind.HEADLESS else [(f"svc/{ref}", DoorKind.SERVICE)]
        if self.kind is ServiceKind.NODE_PORT:
            found += [(f"nodeport-{node}/{ref}", DoorKind.NODE_PORT) for node in NODES]
        if self.is_asked_by_name or self.kind is ServiceKind.HEADLESS:
            found.append((f"dns/{ref}", DoorKind.NAME))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """A namespace of a layout with its pods and Services, by name."""

    labels: Labels = field(default_factory=dict)
    pods: Mapping[str, PodPlan] = field(default_factory=dict)
    services: Mapping[str, ServicePlan] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostPlan:
    """An outside host of a layout."""

    serves: tuple[Port, ...] = WEB


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is there. `name` is that of a shared layout's file, None where the scenario has its own."""

    name: str | None
    namespaces: Mapping[str, NamespacePlan]
    hosts: Mapping[str, HostPlan] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """12 letters, the same for equal content: such layouts may share a live world."""
        content = json.dumps(asdict(replace(self, name=None)), sort_keys=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def pods(self) -> Iterator[tuple[str, PodPlan]]:
        """Every pod by its reference `namespace/pod`, in the order of the file, those that come later included."""
        for name, namespace in self.namespaces.items():
            for pod, plan in namespace.pods.items():
                yield f"{name}/{pod}", plan

    def services(self) -> Iterator[tuple[str, ServicePlan]]:
        """Every Service by its reference `svc/namespace/service`, in the order of the file."""
        for name, namespace in self.namespaces.items():
            for service, plan in namespace.services.items():
                yield f"svc/{name}/{service}", plan

    def serves(self) -> Mapping[str, tuple[Port, ...]]:
        """The served ports of every pod, host and door, by reference."""
        found = {ref: plan.serves for ref, plan in self.pods()}
        found |= {f"{OUTSIDE}/{name}": plan.serves for name, plan in self.hosts.items()}
        for ref, service in self.services():
            ports = tuple(Port(port.number, port.protocol) for port in service.ports)
            found |= {door: ports for door, _ in service.doors(ref.removeprefix("svc/"))}
        return found | {f"hostport/{ref}": plan.host_ports for ref, plan in self.pods() if plan.host_ports}

    @property
    def is_exclusive(self) -> bool:
        """Whether two live worlds of it cannot stand side by side: a pod serves on its node's own ports."""
        return any(plan.is_host_network and plan.serves for _, plan in self.pods())

    @property
    def needs_node_ports(self) -> bool:
        """Whether its pods take ports of their nodes, in any way: another run on the same cluster may want the same ones."""
        return self.is_exclusive or any(plan.host_ports for _, plan in self.pods())

    @property
    def asks_nodes(self) -> bool:
        """Whether somebody in it is reached at an address of a node: those must be known then."""
        is_on_port = any(service.kind is ServiceKind.NODE_PORT for _, service in self.services())
        return is_on_port or any(plan.is_host_network or plan.host_ports for _, plan in self.pods())

    @property
    def needs_raw_sockets(self) -> bool:
        """Whether its pods must craft packets: SCTP is asked by a hand-made handshake."""
        return any(port.protocol is Protocol.SCTP for ports in self.serves().values() for port in ports)

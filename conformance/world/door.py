"""Ways to pods that are not their own addresses: Services, node ports, host ports, names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from conformance.world.labels import Labels
from conformance.world.verdict import Protocol


class DoorKind(StrEnum):
    """How a door is asked. The first word of its reference, but for node ports: `nodeport-a/shop/web`, `nodeport-b/shop/web`."""

    SERVICE = "svc"
    """The cluster address of a Service: `svc/shop/web`."""
    NODE_PORT = "nodeport"
    """A port of a node, which leads to a Service."""
    HOST_PORT = "hostport"
    """A port of a pod's node, which leads to that pod: `hostport/shop/api`."""
    NAME = "dns"
    """The name of a Service: the asker resolves it and asks the first address: `dns/shop/web`."""


@dataclass(frozen=True, slots=True)
class DoorPort:
    """A port of a door.

    `number` is the one that questions and tables speak of: a Service's port (for a node port, too), a host port's container
    port. `target` is the number or name of the pods' container port. `asked` is the number that is really asked, where the
    cluster or the suite chooses it (node ports, host ports); None: `number`.
    """

    number: int
    protocol: Protocol
    target: int | str
    asked: int | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A way to pods.

    `ref` is its word in the scenario. `namespace` is the real name of its namespace; its pods are those there whose labels
    `selects` names, or the one pod `pod` (its reference) of a host port. `addresses` are asked (one a family at the most); a NAME
    has none, but `name` to be resolved. `node` is the real name of the node whose port it is.
    """

    ref: str
    kind: DoorKind
    namespace: str
    ports: tuple[DoorPort, ...]
    selects: Labels | None = None
    pod: str | None = None
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    name: str = ""
    node: str | None = None

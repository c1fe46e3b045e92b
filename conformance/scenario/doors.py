"""The doors of a layout: every way to its pods that is not their own addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol as Shape

from conformance.scenario.layout import NODES, Layout, ServicePlan
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.place import Address, Namespace, Node, Pod
from conformance.world.verdict import Protocol

HostPorts = Mapping[tuple[str, int, Protocol], int]
"""The port of the node that leads to a pod's port, by the pod's reference, its port and protocol."""


class Given(Shape):
    """What a cluster gave a Service."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Its cluster addresses, none for a headless one."""

    @property
    def node_ports(self) -> Mapping[tuple[int, Protocol], int]:
        """The ports of the nodes that lead to its ports."""


def doors_of(
    layout: Layout,
    namespaces: Mapping[str, Namespace],
    pods: Mapping[str, Pod],
    nodes: Mapping[str, Node],
    workers: Sequence[str],
    given: Mapping[str, Given],
    host_ports: HostPorts,
) -> dict[str, Door]:
    """The doors by reference, in the order of the layout.

    `workers` are the names of the nodes that the layout's letters mean. `given` says what the cluster gave each Service, by
    `svc/namespace/service`; those without it (and pods that are not in `pods`) have no doors yet.
    """
    found = [
        door
        for ref, plan in layout.services()
        if ref in given
        for door in _of_service(ref.removeprefix("svc/"), plan, namespaces, nodes, workers, given[ref])
    ]
    found += [
        _host_port(pods[ref], [(port.number, port.protocol) for port in plan.host_ports], nodes, host_ports)
        for ref, plan in layout.pods()
        if plan.host_ports and ref in pods
    ]
    return {door.ref: door for door in found}


def _of_service(
    ref: str, plan: ServicePlan, namespaces: Mapping[str, Namespace], nodes: Mapping[str, Node], workers: Sequence[str], given: Given
) -> Iterator[Door]:
    space, _, name = ref.partition("/")
    real = namespaces[space].name
    for door, kind in plan.doors(ref):
        plain = Door(door, kind, real, plan.ports, selects=plan.selects)
        if kind is DoorKind.NODE_PORT:
            node = workers[NODES.index(door.partition("/")[0].removeprefix("nodeport-")) % len(workers)]
            ports = tuple(replace(port, asked=given.node_ports[port.number, port.protocol]) for port in plan.ports)
            yield replace(plain, ports=ports, addresses=nodes[node].addresses, node=node)
        elif kind is DoorKind.NAME:
            yield replace(plain, name=f"{name}.{real}.svc.cluster.local")
        else:
            yield replace(plain, addresses=given.addresses)


def _host_port(pod: Pod, ports: Sequence[tuple[int, Protocol]], nodes: Mapping[str, Node], host_ports: HostPorts) -> Door:
    asked = tuple(DoorPort(number, protocol, number, host_ports[pod.ref, number, protocol]) for number, protocol in ports)
    addresses = nodes[pod.node].addresses if pod.node is not None and pod.node in nodes else ()
    return Door(f"hostport/{pod.ref}", DoorKind.HOST_PORT, pod.namespace, asked, pod=pod.ref, addresses=addresses, node=pod.node)

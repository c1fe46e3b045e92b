"""A world for a layout without a cluster: real names are the references, addresses are those kept for documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from conformance.scenario.doors import doors_of
from conformance.scenario.layout import NODES, Layout, PodPlan, ServiceKind
from conformance.world.place import OUTSIDE, Address, Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.verdict import Protocol

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that the API server sets on every namespace, with its name as the value."""

_TOGETHER = 4
"""So many pods of a large world are on one node at least."""

_PIECES = {"alpha": 8, "beta": 12}


@dataclass(frozen=True, slots=True)
class FictiveService:
    """What a cluster would have given a Service."""

    addresses: tuple[Address, ...]
    node_ports: Mapping[tuple[int, Protocol], int]


def placement(layout: Layout, workers: Sequence[str]) -> dict[str, str]:
    """Each pod's node: the wanted one, else the workers in turn, so that pairs lie on one node and across nodes.

    A layout's letters mean the workers in their order; with one worker all lie on it. Of very many workers a large world takes some,
    so that pairs on one node are left.
    """
    letters = {ref: plan.node for ref, plan in layout.pods()}
    turns = iter(range(len(letters)))
    if len(letters) >= _MANY:
        workers = workers[: len(letters) // _TOGETHER]
    return {ref: workers[(next(turns) if letter is None else NODES.index(letter)) % len(workers)] for ref, letter in letters.items()}


def fictive_world(layout: Layout) -> World:
    """Everybody of a layout, those that come later, too: pods in 192.0.2.0/24 and 2001:db8:0:2::/64 (in a large world
    beyond), nodes a and b, Services in 198.51.100.0/24 and 2001:db8:0:4::/64, outside hosts as far apart as a provider puts them.

    alpha and beta lie in a /24 (/80) each, and both in a /21 (/77) without anybody else.
    """
    on = placement(layout, NODES)
    servers = {name: Node(name, _pair("192.0.2.", "2001:db8:0:3::", number)) for number, name in enumerate(NODES, 251)}
    pods = {
        ref: _pod(ref, plan, servers[on[ref]], _pair("192.0.2.", "2001:db8:0:2::", number) if number < _MANY else _far(number))
        for number, (ref, plan) in enumerate(layout.pods(), 1)
    }
    namespaces = {name: Namespace(name, name, {**plan.labels, NAME_LABEL: name}) for name, plan in layout.namespaces.items()}
    hosts = {
        (ref := f"{OUTSIDE}/{name}"): OutsideHost(
            ref, plan.serves, _pair(f"198.18.{_PIECES[name]}.", f"2001:db8:0:1:{_PIECES[name]:x}::", 11)
        )
        for name, plan in layout.hosts.items()
    }
    doors = doors_of(layout, namespaces, pods, servers, NODES, fictive_services(layout), _host_ports(layout))
    resolver = Pod("kube-system/dns", "kube-system", "dns", {"k8s-app": "kube-dns"}, _DNS, _pair("192.0.2.", "2001:db8:0:2::", 250), "a")
    return World(namespaces, pods, hosts, servers, doors, (resolver,))


_MANY = 250
"""The first number of a pod for which the range of examples has no address: nodes and name servers have the last ones."""

_DNS = (Port(53, Protocol.UDP), Port(53, Protocol.TCP))


def _pod(ref: str, plan: PodPlan, node: Node, addresses: tuple[Address, ...]) -> Pod:
    namespace, _, name = ref.partition("/")
    return Pod(
        ref=ref,
        namespace=namespace,
        name=name,
        labels=plan.labels,
        serves=plan.serves,
        addresses=() if plan.is_pending else node.addresses if plan.is_host_network else addresses,
        node=node.name,
        is_host_network=plan.is_host_network,
    )


def fictive_services(layout: Layout) -> dict[str, FictiveService]:
    """What a cluster would give each Service, by `svc/namespace/service`."""
    return {
        ref: FictiveService(
            () if plan.kind is ServiceKind.HEADLESS else _pair("198.51.100.", "2001:db8:0:4::", number),
            {(port.number, port.protocol): 30000 + 100 * number + each for each, port in enumerate(plan.ports)},
        )
        for number, (ref, plan) in enumerate(layout.services(), 1)
    }


def _host_ports(layout: Layout) -> dict[tuple[str, int, Protocol], int]:
    ports = [(ref, port.number, port.protocol) for ref, plan in layout.pods() for port in plan.host_ports]
    return {key: 20000 + number for number, key in enumerate(ports)}


def _pair(prefix4: str, prefix6: str, number: int) -> tuple[Address, ...]:
    return IPv4Address(f"{prefix4}{number}"), IPv6Address(f"{prefix6}{number:x}")


def _far(number: int) -> tuple[Address, ...]:
    return IPv4Address("100.64.0.0") + number, IPv6Address("2001:db8:0:2::1:0") + number

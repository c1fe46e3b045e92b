"""A world for a layout without a cluster: real names are the references, addresses are those kept for documentation."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from conformance.scenario.scenario import Layout
from conformance.world.place import OUTSIDE, Address, Namespace, Node, OutsideHost, Pod, World

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that the API server sets on every namespace, with its name as the value."""

_PIECES = {"alpha": 8, "beta": 12}


def placement(layout: Layout, workers: Sequence[str]) -> dict[str, str]:
    """Each pod's node: the wanted one, else the workers in turn, so that pairs lie on one node and across nodes.

    A layout's letters mean the workers in their order; with one worker all lie on it.
    """
    letters = {ref: plan.node for ref, plan in layout.pods()}
    turns = iter(range(len(letters)))
    return {ref: workers[(next(turns) if letter is None else "ab".index(letter)) % len(workers)] for ref, letter in letters.items()}


def fictive_world(layout: Layout) -> World:
    """Pods in 192.0.2.0/24 and 2001:db8:0:2::/64, nodes a and b, outside hosts as far apart as a provider puts them.

    alpha and beta lie in a /24 (/80) each, and both in a /21 (/77) without anybody else.
    """
    nodes = placement(layout, ("a", "b"))
    pods = {
        ref: Pod(
            ref=ref,
            namespace=ref.partition("/")[0],
            name=ref.partition("/")[2],
            labels=plan.labels,
            serves=plan.serves,
            addresses=_pair("192.0.2.", "2001:db8:0:2::", number),
            node=nodes[ref],
        )
        for number, (ref, plan) in enumerate(layout.pods(), 1)
    }
    namespaces = {name: Namespace(name, name, {**plan.labels, NAME_LABEL: name}) for name, plan in layout.namespaces.items()}
    hosts = {
        (ref := f"{OUTSIDE}/{name}"): OutsideHost(
            ref, plan.serves, _pair(f"198.18.{_PIECES[name]}.", f"2001:db8:0:1:{_PIECES[name]:x}::", 11)
        )
        for name, plan in layout.hosts.items()
    }
    servers = {name: Node(name, _pair("192.0.2.", "2001:db8:0:3::", number)) for number, name in enumerate(("a", "b"), 251)}
    return World(namespaces, pods, hosts, servers)


def _pair(prefix4: str, prefix6: str, number: int) -> tuple[Address, ...]:
    return IPv4Address(f"{prefix4}{number}"), IPv6Address(f"{prefix6}{number:x}")

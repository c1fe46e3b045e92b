"""The world (who was there, with which labels, addresses and ports, on which node) as JSON and back."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from conformance.record.part import Part
from conformance.world.place import Address, Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.verdict import Protocol


def world_document(world: World) -> dict[str, Any]:
    """A world as JSON; the references are the keys."""
    return {
        "namespaces": {ref: {"ref": each.ref, "name": each.name, "labels": dict(each.labels)} for ref, each in world.namespaces.items()},
        "pods": {
            ref: {
                "ref": each.ref,
                "namespace": each.namespace,
                "name": each.name,
                "labels": dict(each.labels),
                "serves": _ports(each.serves),
                "addresses": _texts(each.addresses),
                "node": each.node,
                "is_host_network": each.is_host_network,
            }
            for ref, each in world.pods.items()
        },
        "hosts": {
            ref: {"ref": each.ref, "serves": _ports(each.serves), "addresses": _texts(each.addresses), "can_ask": each.can_ask}
            for ref, each in world.hosts.items()
        },
        "nodes": {name: {"name": each.name, "addresses": _texts(each.addresses)} for name, each in world.nodes.items()},
    }


def read_world(part: Part) -> World:
    """A world. Raises InvalidRecord."""
    return World(
        {ref: Namespace(each["ref"].text(), each["name"].text(), each["labels"].pairs()) for ref, each in part["namespaces"].items()},
        {
            ref: Pod(
                each["ref"].text(),
                each["namespace"].text(),
                each["name"].text(),
                each["labels"].pairs(),
                _read_ports(each["serves"]),
                _read_addresses(each["addresses"]),
                each["node"].text_or_none(),
                each["is_host_network"].boolean(),
            )
            for ref, each in part["pods"].items()
        },
        {
            ref: OutsideHost(each["ref"].text(), _read_ports(each["serves"]), _read_addresses(each["addresses"]), each["can_ask"].boolean())
            for ref, each in part["hosts"].items()
        },
        {name: Node(each["name"].text(), _read_addresses(each["addresses"])) for name, each in part["nodes"].items()},
    )


def _ports(ports: tuple[Port, ...]) -> list[list[Any]]:
    return [[port.number, port.protocol.value, port.name] for port in ports]


def _texts(addresses: tuple[Address, ...]) -> list[str]:
    return [str(address) for address in addresses]


def _read_ports(part: Part) -> tuple[Port, ...]:
    rows = (each.row(3) for each in part.parts())
    return tuple(Port(number.integer(), protocol.word(Protocol), name.text_or_none()) for number, protocol, name in rows)


def _read_addresses(part: Part) -> tuple[Address, ...]:
    return tuple(_read_address(each) for each in part.parts())


def _read_address(part: Part) -> Address:
    try:
        return ip_address(part.text())
    except ValueError:
        raise part.fault("an address") from None

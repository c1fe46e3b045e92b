"""The world (who was there, with which labels, addresses and ports, on which node) as JSON and back."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from conformance.record.part import Part
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.place import Address, Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.verdict import Protocol


def world_document(world: World) -> dict[str, Any]:
    """A world as JSON; the references are the keys."""
    return {
        "namespaces": {
            ref: {"ref": each.ref, "name": each.name, "labels": dict(each.labels), "annotations": dict(each.annotations)}
            for ref, each in world.namespaces.items()
        },
        "pods": {ref: _pod(each) for ref, each in world.pods.items()},
        "hosts": {
            ref: {"ref": each.ref, "serves": _ports(each.serves), "addresses": _texts(each.addresses), "can_ask": each.can_ask}
            for ref, each in world.hosts.items()
        },
        "nodes": {name: {"name": each.name, "addresses": _texts(each.addresses)} for name, each in world.nodes.items()},
        "doors": {ref: _door(each) for ref, each in world.doors.items()},
        "name_servers": [_pod(each) for each in world.name_servers],
    }


def read_world(part: Part) -> World:
    """A world. Raises InvalidRecord."""
    return World(
        {ref: _read_namespace(each) for ref, each in part["namespaces"].items()},
        {ref: _read_pod(each) for ref, each in part["pods"].items()},
        {
            ref: OutsideHost(each["ref"].text(), _read_ports(each["serves"]), _read_addresses(each["addresses"]), each["can_ask"].boolean())
            for ref, each in part["hosts"].items()
        },
        {name: Node(each["name"].text(), _read_addresses(each["addresses"])) for name, each in part["nodes"].items()},
        {ref: _read_door(each) for ref, each in part["doors"].items()},
        tuple(_read_pod(each) for each in part["name_servers"].parts()),
    )


def _pod(pod: Pod) -> dict[str, Any]:
    return {
        "ref": pod.ref,
        "namespace": pod.namespace,
        "name": pod.name,
        "labels": dict(pod.labels),
        "serves": _ports(pod.serves),
        "addresses": _texts(pod.addresses),
        "node": pod.node,
        "is_host_network": pod.is_host_network,
    }


def _door(door: Door) -> dict[str, Any]:
    return {
        "ref": door.ref,
        "kind": door.kind.value,
        "namespace": door.namespace,
        "ports": [[port.number, port.protocol.value, port.target, port.asked] for port in door.ports],
        "selects": None if door.selects is None else dict(door.selects),
        "pod": door.pod,
        "addresses": _texts(door.addresses),
        "name": door.name,
        "node": door.node,
    }


def _read_namespace(part: Part) -> Namespace:
    return Namespace(part["ref"].text(), part["name"].text(), part["labels"].pairs(), part["annotations"].pairs())


def _read_pod(part: Part) -> Pod:
    return Pod(
        part["ref"].text(),
        part["namespace"].text(),
        part["name"].text(),
        part["labels"].pairs(),
        _read_ports(part["serves"]),
        _read_addresses(part["addresses"]),
        part["node"].text_or_none(),
        part["is_host_network"].boolean(),
    )


def _read_door(part: Part) -> Door:
    return Door(
        part["ref"].text(),
        part["kind"].word(DoorKind),
        part["namespace"].text(),
        tuple(_read_door_port(each) for each in part["ports"].parts()),
        None if part["selects"].value is None else part["selects"].pairs(),
        part["pod"].text_or_none(),
        _read_addresses(part["addresses"]),
        part["name"].text(),
        part["node"].text_or_none(),
    )


def _read_door_port(part: Part) -> DoorPort:
    number, protocol, target, asked = part.row(4)
    port = target.text() if isinstance(target.value, str) else target.integer()
    return DoorPort(number.integer(), protocol.word(Protocol), port, None if asked.value is None else asked.integer())


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
        return _address(part.text())
    except ValueError:
        raise part.fault("an address") from None


_address = lru_cache(4096)(ip_address)
"""The same nodes and ranges come again in every scenario."""

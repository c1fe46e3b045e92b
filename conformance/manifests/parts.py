"""Parts of objects that several kinds have: names, labels, ports. What the API would refuse is a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, TypeGuard

from conformance.scenario.fault import Fault
from conformance.scenario.source import Keys, Source
from conformance.world.place import Address, Port
from conformance.world.verdict import Protocol

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PROTOCOLS = ("TCP", "UDP", "SCTP")


class InvalidObject(ValueError):
    """An object that the API would refuse. `fault` says where."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def at(source: Source, *keys: str | int) -> Any:
    """The value below these keys, None where there is none."""
    value = source.value
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def mapping(source: Source, *keys: str | int) -> Mapping[Any, Any]:
    """The same where a mapping belongs; an empty one where there is nothing. Raises InvalidObject."""
    value = at(source, *keys)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidObject(source.fault(f"{dotted(keys)} is a mapping, not {short(value)}", keys))
    return value


def listed(source: Source, *keys: str | int) -> list[Any]:
    """The same where a list belongs. Raises InvalidObject."""
    value = at(source, *keys)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidObject(source.fault(f"{dotted(keys)} is a list, not {short(value)}", keys))
    return value


def name_of(source: Source) -> str:
    """`metadata.name`, or what `generateName` begins it with. Raises InvalidObject."""
    name, start = at(source, "metadata", "name"), at(source, "metadata", "generateName")
    if name is None and isinstance(start, str):
        name = start.rstrip("-.")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        text = f"metadata.name is a name of small letters, digits, hyphens and dots, not {short(name)}"
        raise InvalidObject(source.fault(text, ("metadata", "name")))
    return name


def namespace_of(source: Source, default: str) -> str:
    """`metadata.namespace`, the default where none is named. Raises InvalidObject."""
    name = at(source, "metadata", "namespace")
    if name is None or name == "":
        return default
    if not isinstance(name, str) or not NAME.fullmatch(name):
        text = f"metadata.namespace is a name of small letters, digits and hyphens, not {short(name)}"
        raise InvalidObject(source.fault(text, ("metadata", "namespace")))
    return name


def labels_of(source: Source, *keys: str | int) -> dict[str, str]:
    """Labels, or the like: strings by strings. Raises InvalidObject."""
    found = mapping(source, *keys)
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, str):
            text = f"label {short(key)}: {short(value)} needs a string on both sides (quote it)"
            raise InvalidObject(source.fault(text, (*keys, key), at_key=True))
    return dict(found)


def container_ports(source: Source, spec: Keys) -> Iterator[tuple[Port, int | None]]:
    """The ports that the containers of a pod's spec declare, those of side-cars too, with the node's port if there is one.

    Raises InvalidObject.
    """
    for kind in ("containers", "initContainers"):
        for index in range(len(listed(source, *spec, kind))):
            own = (*spec, kind, index)
            if kind == "initContainers" and at(source, *own, "restartPolicy") != "Always":
                continue  # it has ended before anybody asks
            mapping(source, *own)
            for number in range(len(listed(source, *own, "ports"))):
                mapping(source, *own, "ports", number)
                yield _port(source, (*own, "ports", number))


def _port(source: Source, keys: Keys) -> tuple[Port, int | None]:
    number, host = at(source, *keys, "containerPort"), at(source, *keys, "hostPort")
    name = at(source, *keys, "name")
    if not is_port(number):
        text = f"{dotted(keys)}.containerPort is a number from 1 to 65535, not {short(number)}"
        raise InvalidObject(source.fault(text, (*keys, "containerPort")))
    if name is not None and not isinstance(name, str):
        raise InvalidObject(source.fault(f"{dotted(keys)}.name is a string (quote it), not {short(name)}", (*keys, "name")))
    port = Port(number, protocol_of(source, keys), name or None)
    return port, host if is_port(host) else None


def protocol_of(source: Source, keys: Keys) -> Protocol:
    """`protocol` of a port, TCP where there is none. Raises InvalidObject."""
    protocol = at(source, *keys, "protocol") or "TCP"
    if protocol not in _PROTOCOLS:
        text = f"{dotted(keys)}.protocol is {', '.join(_PROTOCOLS)}, not {short(protocol)}"
        raise InvalidObject(source.fault(text, (*keys, "protocol")))
    return Protocol(protocol)


def addresses_of(source: Source) -> tuple[Address, ...]:
    """The addresses that a cluster has given a pod, none where it has not."""
    found = []
    for each in at(source, "status", "podIPs") or ():
        try:
            found.append(ip_address(each["ip"]))
        except (ValueError, TypeError, KeyError):
            return ()
    return tuple(found)


def is_port(number: Any) -> TypeGuard[int]:
    """Whether it is the number of a port."""
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 65535


def dotted(keys: Keys) -> str:
    """`spec.ports[0]`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def short(value: Any) -> str:
    """A value for a sentence: not longer than a line."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"

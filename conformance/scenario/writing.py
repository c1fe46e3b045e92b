"""Parts of a scenario file as they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from conformance.scenario.layout import Layout, PodPlan, ServiceKind, ServicePlan
from conformance.world.place import Port
from conformance.world.verdict import Protocol


class Block(str):
    """A text that stands as a block (|)."""

    __slots__ = ()


class _Map(dict[str, Any]):
    """A mapping that stands on one line."""


class _List(list[str]):
    """A list that stands on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))  # readers take a plain `y` for true
_Dumper.add_implicit_resolver(  # and kubectl `1e3` for a number
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)
_Dumper.add_representer(Block, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|"))
_Dumper.add_representer(_Map, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True))
_Dumper.add_representer(_List, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True))


def file_text(content: Mapping[str, Any]) -> str:
    """The text of a file with this content, keys in their order."""
    written: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)
    return written


def layout_document(layout: Layout) -> Any:
    """A layout as it stands in a file: its name, or what is in it."""
    if layout.name is not None:
        return layout.name
    found: dict[str, Any] = {}
    for name, namespace in layout.namespaces.items():
        own: dict[str, Any] = {"labels": _Map(namespace.labels)} if namespace.labels else {}
        found[name] = own | {"pods": {pod: _pod(plan) for pod, plan in namespace.pods.items()}}
        if namespace.services:
            found[name]["services"] = {service: _service(plan) for service, plan in namespace.services.items()}
    if layout.hosts:
        found["outside"] = {"hosts": {name: {"serves": _List(map(str, plan.serves))} for name, plan in layout.hosts.items()}}
    return found


def _pod(plan: PodPlan) -> dict[str, Any]:
    found: dict[str, Any] = {"labels": _Map(plan.labels)} if plan.labels else {}
    found["serves"] = _List(map(str, plan.serves))
    found |= {"node": plan.node} if plan.node else {}
    found |= {"host-network": True} if plan.is_host_network else {}
    return found | ({"host-ports": _List(_plain(port.number, port.protocol) for port in plan.host_ports)} if plan.host_ports else {})


def _service(plan: ServicePlan) -> dict[str, Any]:
    ports = {_plain(port.number, port.protocol): port.target for port in plan.ports}
    found: dict[str, Any] = {"selects": _Map(plan.selects), "ports": _Map(ports)}
    found |= {"kind": str(plan.kind)} if plan.kind is not ServiceKind.CLUSTER_IP else {}
    return found | ({"by-name": True} if plan.is_asked_by_name else {})


def _plain(number: int, protocol: Protocol) -> str:
    return str(Port(number, protocol))

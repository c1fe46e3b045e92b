"""Layouts: from their part of a file, shared or a scenario's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.scenario.layout import WEB, HostPlan, Layout, NamespacePlan, PodPlan, ServiceKind, ServicePlan
from conformance.world.door import DoorPort
from conformance.world.place import OUTSIDE, Port
from conformance.world.verdict import Protocol


def layout_of(value: Mapping[str, Any], name: str | None = None) -> Layout:
    """A layout from its document, which has no faults."""
    namespaces = {
        key: NamespacePlan(
            dict(plan.get("labels", {})),
            {pod: _pod(each) for pod, each in plan["pods"].items()},
            {service: _service(each) for service, each in plan.get("services", {}).items()},
        )
        for key, plan in value.items()
        if key != OUTSIDE
    }
    hosts = value.get(OUTSIDE, {"hosts": {}})["hosts"]
    return Layout(name, namespaces, {key: HostPlan(serves_of(plan)) for key, plan in hosts.items()})


def serves_of(plan: Mapping[str, Any]) -> tuple[Port, ...]:
    """The ports that a pod or host serves by its document."""
    return tuple(map(port_of, plan["serves"])) if "serves" in plan else WEB


def port_of(text: str) -> Port:
    """A port as it is written: `80/TCP`, `http=8080/TCP` or `ICMP`."""
    if text == Protocol.ICMP:
        return Port(0, Protocol.ICMP)
    name, _, plain = text.rpartition("=")
    number, _, protocol = plain.partition("/")
    return Port(int(number), Protocol(protocol), name or None)


def _pod(plan: Mapping[str, Any]) -> PodPlan:
    serves = serves_of(plan)
    hosted = {_plain(port_of(text)) for text in plan.get("host-ports", ())}
    return PodPlan(
        labels=dict(plan.get("labels", {})),
        serves=serves,
        node=plan.get("node"),
        is_host_network=plan.get("host-network", False),
        host_ports=tuple(port for port in serves if _plain(port) in hosted),
        comes_later=plan.get("later", False),
        asks_at_start=plan.get("asks-at-start", False),
        is_pending=plan.get("pending", False),
    )


def _service(plan: Mapping[str, Any]) -> ServicePlan:
    ports = ((port_of(text), target) for text, target in plan["ports"].items())
    return ServicePlan(
        selects=dict(plan["selects"]),
        ports=tuple(DoorPort(port.number, port.protocol, target) for port, target in ports),
        kind=ServiceKind(plan.get("kind", ServiceKind.CLUSTER_IP)),
        comes_later=plan.get("later", False),
        is_asked_by_name=plan.get("by-name", False),
    )


def _plain(port: Port) -> tuple[int, Protocol]:
    return port.number, port.protocol

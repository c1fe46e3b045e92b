"""Layouts: from their part of a file, shared or a scenario's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.scenario.fault import Fault
from conformance.scenario.scenario import WEB, HostPlan, Layout, NamespacePlan, PodPlan
from conformance.scenario.source import Keys, Source
from conformance.world.place import OUTSIDE, Port
from conformance.world.verdict import Protocol


def layout_of(value: Mapping[str, Any], name: str | None = None) -> Layout:
    """A layout from its document, whose shape is sound."""
    namespaces = {
        key: NamespacePlan(
            dict(plan.get("labels", {})),
            {pod: PodPlan(dict(each.get("labels", {})), _serves(each), each.get("node")) for pod, each in plan["pods"].items()},
        )
        for key, plan in value.items()
        if key != OUTSIDE
    }
    hosts = value.get(OUTSIDE, {"hosts": {}})["hosts"]
    return Layout(name, namespaces, {key: HostPlan(_serves(plan)) for key, plan in hosts.items()})


def _serves(plan: Mapping[str, Any]) -> tuple[Port, ...]:
    return tuple(map(_port, plan["serves"])) if "serves" in plan else WEB


def _port(text: str) -> Port:
    if text == Protocol.ICMP:
        return Port(0, Protocol.ICMP)
    name, _, plain = text.rpartition("=")
    number, _, protocol = plain.partition("/")
    return Port(int(number), Protocol(protocol), name or None)


def port_faults(source: Source, keys: Keys, value: Mapping[str, Any]) -> Iterator[Fault]:
    """What a schema cannot say of a sound layout's ports: a number above 65535, one number or name twice in a pod."""
    for name, plan in value.items():
        below = "hosts" if name == OUTSIDE else "pods"
        for place, each in plan[below].items():
            seen: dict[object, str] = {}
            for index, text in enumerate(each.get("serves", ())):
                where = (*keys, name, below, place, "serves", index)
                port = _port(text)
                if port.number > 65535:
                    yield source.fault(f"port {port.number} is above 65535", where)
                for mark in filter(None, ((port.number, port.protocol), port.name)):
                    if mark in seen:
                        yield source.fault(f"{text} repeats {seen[mark]}", where)
                    seen[mark] = text

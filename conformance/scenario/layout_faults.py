"""What a schema cannot say of a layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.scenario.fault import Fault
from conformance.scenario.layout import RESERVED, ServiceKind
from conformance.scenario.places import port_of, serves_of
from conformance.scenario.source import Keys, Source
from conformance.world.place import OUTSIDE, Port

HIGHEST = 65535
"""The highest number of a port."""


def layout_faults(source: Source, keys: Keys, value: Mapping[str, Any]) -> Iterator[Fault]:
    """The faults of a layout whose shape is sound: reserved names, ports that cannot be served, Services that lead nowhere."""
    served_on: dict[tuple[str, str], str] = {}
    for name, plan in value.items():
        where = (*keys, name)
        if name in RESERVED and name != OUTSIDE:
            yield source.fault(f"no namespace is called {name}: references such as {name}/… mean something else", where, at_key=True)
        below = "hosts" if name == OUTSIDE else "pods"
        for place, each in plan[below].items():
            yield from _port_faults(source, (*where, below, place), each)
            yield from _host_faults(source, (*where, below, place), each, served_on)
            if each.get("pending") and not each.get("later"):
                yield source.fault("a pod that never runs comes later: nobody waits for it", (*where, below, place, "pending"), at_key=True)
        for service, each in plan.get("services", {}).items():
            yield from _service_faults(source, (*where, "services", service), each, plan["pods"])


def _port_faults(source: Source, keys: Keys, plan: Mapping[str, Any]) -> Iterator[Fault]:
    """A number above the highest, one number or name twice in a pod."""
    seen: dict[object, str] = {}
    for index, text in enumerate(plan.get("serves", ())):
        where, port = (*keys, "serves", index), port_of(text)
        if port.number > HIGHEST:
            yield source.fault(f"port {port.number} is above {HIGHEST}", where)
        for mark in filter(None, ((port.number, port.protocol), port.name)):
            if mark in seen:
                yield source.fault(f"{text} repeats {seen[mark]}", where)
            seen[mark] = text


def _host_faults(source: Source, keys: Keys, plan: Mapping[str, Any], served_on: dict[tuple[str, str], str]) -> Iterator[Fault]:
    """Host ports that the pod does not serve; pods of one node's network that serve the same port.

    `served_on` remembers who serves a port of a node, by node and port; it is brought up to date.
    """
    plain = [_plain(port) for port in serves_of(plan)]
    for index, text in enumerate(plan.get("host-ports", ())):
        if plan.get("host-network"):
            yield source.fault("a pod in its node's network has its node's ports already", (*keys, "host-ports", index))
        elif text not in plain:
            yield source.fault(f"host port {text} is none that it serves: {', '.join(plain) or 'nothing'}", (*keys, "host-ports", index))
    if not plan.get("host-network"):
        return
    ref = f"{keys[-3]}/{keys[-1]}"
    if "node" not in plan:
        yield source.fault("a pod in its node's network needs a node: a or b", keys, at_key=True)
    for port in plain:
        other = served_on.setdefault((plan.get("node", ref), port), ref)
        if other != ref:
            yield source.fault(f"{other} serves {port} in the network of the same node", keys, at_key=True)


def _service_faults(source: Source, keys: Keys, plan: Mapping[str, Any], pods: Mapping[str, Any]) -> Iterator[Fault]:
    """Ports that cannot be, and those that lead to no port of any pod of the namespace."""
    served = [port for pod in pods.values() for port in serves_of(pod)]
    for text, target in plan["ports"].items():
        port, where = port_of(text), (*keys, "ports", text)
        if port.number > HIGHEST:
            yield source.fault(f"port {port.number} is above {HIGHEST}", where, at_key=True)
        there = {each.name if isinstance(target, str) else each.number for each in served if each.protocol is port.protocol}
        if target not in there:
            what = f"names a port {target}" if isinstance(target, str) else f"serves {target}"
            yield source.fault(f"no pod of this namespace {what} for {port.protocol}", where)
        if plan.get("kind") == ServiceKind.HEADLESS and target != port.number:
            yield source.fault(f"a headless Service leads to the pods' own port: write {text}: {port.number}", where)


def _plain(port: Port) -> str:
    return str(Port(port.number, port.protocol))

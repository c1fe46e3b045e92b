"""The manifests of a layout and of its policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.scenario.doors import HostPorts
from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.fictive import NAME_LABEL, placement
from conformance.scenario.policies import InvalidPolicyText, policy_document
from conformance.scenario.scenario import Layout, Scenario, ServicePlan
from conformance.scenario.source import read
from conformance.template.manifest import rendered
from conformance.template.names import Names
from conformance.world.place import Port, World
from conformance.world.verdict import Family, Protocol

FIRST_HOST_PORT = 20000
"""Below the range of node ports (30000) and that of the kernel's own choice (32768), above what servers usually have."""

CPU, CPU_OF_MANY, MANY = "25m", "5m", 50
"""What a probe asks for of the processors. Where they are more than so many it is less: they are to find room beside others."""

BEAT_OF_MANY = 0.2
"""Seconds between two looks of such a probe at how late it runs: often enough to know of every delay as long as a question waits."""

NOWHERE = "no-such-node"
"""The node of a pod that is to wait for one."""


@dataclass(frozen=True, slots=True)
class Manifests:
    """What is sent to the API server for a layout: namespaces; pods and Services by reference, those that come later included.

    `host_ports` are the ports of the nodes that lead to pods; `workers` the nodes that the layout's letters mean.
    """

    namespaces: tuple[dict[str, Any], ...]
    pods: Mapping[str, dict[str, Any]]
    services: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    host_ports: HostPorts = field(default_factory=dict)
    workers: tuple[str, ...] = ()


def render_world(
    layout: Layout, names: Names, probe_image: str, workers: Sequence[str], agent_source: str, first_port: int = FIRST_HOST_PORT
) -> Manifests:
    """The manifests of a layout's namespaces, pods and Services.

    `workers` are names of nodes (none: the scheduler places the pods), `agent_source` is the agent's Python. The ports of nodes
    that lead to pods are counted from `first_port`: worlds that stand side by side begin at different ones.
    """
    nodes = placement(layout, workers) if workers else {}
    leads = [(ref, port.number, port.protocol) for ref, plan in layout.pods() for port in plan.host_ports]
    host_ports = {key: number for number, key in enumerate(leads, first_port)}
    allowed = _allowed(layout)
    namespaces = tuple(
        rendered("namespace", name=names.namespace(ref), labels={**allowed, **plan.labels, **names.labels})
        for ref, plan in layout.namespaces.items()
    )
    pods = {}
    are_many = len(dict(layout.pods())) > MANY
    for ref, plan in layout.pods():
        namespace, _, name = ref.partition("/")
        real = names.namespace(namespace)
        pods[ref] = rendered(
            "pod",
            name=name,
            namespace=real,
            labels=dict(plan.labels),
            node=NOWHERE if plan.is_pending else nodes.get(ref),
            image=probe_image,
            source="",
            config=agent_config(f"{real}/{name}", plan.serves, beat=BEAT_OF_MANY if are_many else None),
            ports=[(port, host_ports.get((ref, port.number, port.protocol))) for port in plan.serves if port.protocol is not Protocol.ICMP],
            is_host_network=plan.is_host_network,
            needs_raw_sockets=layout.needs_raw_sockets,
            cpu=CPU_OF_MANY if are_many else CPU,
        )
        # Not through the template: it is long, and YAML is slow.
        pods[ref]["spec"]["containers"][0]["command"][-2] = agent_source
    services = {ref: _service(ref, service, names) for ref, service in layout.services()}
    return Manifests(namespaces, pods, services, host_ports, tuple(workers))


def _allowed(layout: Layout) -> dict[str, str]:
    """What Pod Security must let through where a cluster enforces more by default. Pods without special rights keep to `restricted`."""
    is_privileged = layout.needs_raw_sockets or any(plan.is_host_network or plan.host_ports for _, plan in layout.pods())
    return {"pod-security.kubernetes.io/enforce": "privileged"} if is_privileged else {}


def _service(ref: str, plan: ServicePlan, names: Names) -> dict[str, Any]:
    _, namespace, name = ref.split("/")
    namespace = names.namespace(namespace)
    return rendered("service", name=name, namespace=namespace, kind=plan.kind, selects=dict(plan.selects), ports=plan.ports)


def agent_config(identity: str, serves: Iterable[Port], bind: Sequence[str] | None = None, beat: float | None = None) -> str:
    """The agent's one argument: who it is, what it serves (ICMP is the kernel's), and on which addresses (None: all).

    `beat`: seconds between two looks at how late it runs (None: as it has it).
    """
    ports = [[port.number, str(port.protocol)] for port in serves if port.protocol is not Protocol.ICMP]
    return json.dumps({"identity": identity, "serves": ports, "bind": bind, **({} if beat is None else {"beat": beat})})


def render_policies(scenario: Scenario, world: World, families: Sequence[Family]) -> dict[str, dict[str, Any]]:
    """The documents of a scenario's policies by key, with this world's addresses and real namespaces.

    Raises InvalidScenario, with the line, for what only the real world can show: an address of a family that is not there.
    """
    documents: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for key, text in scenario.policies.items():
        try:
            documents[key] = _renamed(policy_document(text, world, families), world)
        except InvalidPolicyText as wrong:
            source, syntax = read(scenario.path)
            faults += (
                syntax
                if source is None
                else [
                    source.fault(f"policy {key}: {each.text}", ("policies", key), line=each.line, column=each.column)
                    for each in wrong.faults
                ]
            )
    if faults:
        raise InvalidScenario(tuple(faults))
    return documents


def _renamed(document: Mapping[str, Any], world: World) -> dict[str, Any]:
    """The document with real namespaces: its own, and those that selectors name by the API server's label."""

    def real(name: str) -> str:
        # A namespace that is not of the layout (kube-system) keeps its name.
        return world.namespaces[name].name if name in world.namespaces else name

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(each) for each in value]
        if not isinstance(value, dict):
            return value
        found = {key: renamed(each) for key, each in value.items()}
        labels = found.get("matchLabels")
        if isinstance(labels, dict) and NAME_LABEL in labels:
            labels[NAME_LABEL] = real(labels[NAME_LABEL])
        if found.get("key") == NAME_LABEL and found.get("values"):
            found["values"] = list(map(real, found["values"]))
        return found

    metadata = {**document["metadata"], "namespace": real(document["metadata"]["namespace"])}
    return {**document, "metadata": metadata, "spec": renamed(document.get("spec") or {})}

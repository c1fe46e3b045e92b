"""The manifests of a layout and of its policies, and the world that they make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conformance import data
from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.fictive import NAME_LABEL, placement
from conformance.scenario.policies import InvalidPolicyText, policy_document
from conformance.scenario.scenario import Changes, Layout, Scenario
from conformance.scenario.source import read
from conformance.template.names import Names
from conformance.world.place import OUTSIDE, Address, Namespace, Node, Observed, OutsideHost, Pod, Port, World
from conformance.world.verdict import Family, Protocol


@dataclass(frozen=True, slots=True)
class Manifests:
    """What is sent to the API server for a layout: the namespaces, and the pods by reference."""

    namespaces: tuple[dict[str, Any], ...]
    pods: Mapping[str, dict[str, Any]]


def render_world(layout: Layout, names: Names, probe_image: str, workers: Sequence[str], agent_source: str) -> Manifests:
    """The manifests of a layout's namespaces and pods; `workers` are names of nodes, `agent_source` the agent's Python."""
    jinja = Environment(loader=FileSystemLoader(data.folder("fixtures") / "manifests"), undefined=StrictUndefined, autoescape=False)  # noqa: S701 - YAML
    namespace_template, pod_template = jinja.get_template("namespace.yaml.j2"), jinja.get_template("pod.yaml.j2")
    nodes = placement(layout, workers)
    namespaces = tuple(
        yaml.safe_load(namespace_template.render(name=names.namespace(ref), labels={**plan.labels, **names.labels}))
        for ref, plan in layout.namespaces.items()
    )
    pods = {}
    for ref, plan in layout.pods():
        namespace, _, name = ref.partition("/")
        real = names.namespace(namespace)
        text = pod_template.render(
            name=name,
            namespace=real,
            labels=dict(plan.labels),
            node=nodes[ref],
            image=probe_image,
            source=agent_source,
            config=agent_config(f"{real}/{name}", plan.serves),
            ports=[port for port in plan.serves if port.protocol is not Protocol.ICMP],
            needs_raw_sockets=layout.needs_raw_sockets,
        )
        pods[ref] = yaml.safe_load(text)
    return Manifests(namespaces, pods)


def agent_config(identity: str, serves: Iterable[Port], bind: Sequence[str] | None = None) -> str:
    """The agent's one argument: who it is, what it serves (ICMP is the kernel's), and on which addresses (None: all)."""
    ports = [[port.number, str(port.protocol)] for port in serves if port.protocol is not Protocol.ICMP]
    return json.dumps({"identity": identity, "serves": ports, "bind": bind})


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


def world_of(
    layout: Layout,
    manifests: Manifests,
    observed: Mapping[str, Observed],
    hosts: Mapping[str, tuple[Address, ...]],
    nodes: Mapping[str, tuple[Address, ...]],
) -> World:
    """The world as it is before any step. `hosts`: the addresses of outside hosts by plain name (`alpha`); `nodes`: those of the
    nodes by name.

    Labels are those of the manifests, which the cluster has been sent. Raises KeyError for a pod or host that is missing.
    """
    namespaces = {}
    for ref, document in zip(layout.namespaces, manifests.namespaces, strict=True):
        name = document["metadata"]["name"]
        namespaces[ref] = Namespace(ref, name, {**document["metadata"]["labels"], NAME_LABEL: name})
    pods = {ref: _pod(ref, manifests.pods[ref], plan.serves, observed[ref]) for ref, plan in layout.pods()}
    outside = {f"{OUTSIDE}/{name}": OutsideHost(f"{OUTSIDE}/{name}", plan.serves, hosts[name]) for name, plan in layout.hosts.items()}
    return World(namespaces, pods, outside, {name: Node(name, addresses) for name, addresses in nodes.items()})


def _pod(ref: str, manifest: Mapping[str, Any], serves: Any, seen: Observed) -> Pod:
    metadata = manifest["metadata"]
    return Pod(ref, metadata["namespace"], metadata["name"], metadata.get("labels", {}), serves, seen.addresses, seen.node)


def relabelled(world: World, changes: Changes) -> World:
    """The world with changed labels: of namespaces (`shop`) and pods (`shop/api`)."""
    namespaces, pods = dict(world.namespaces), dict(world.pods)
    for ref, keys in changes.items():
        if ref in pods:
            pods[ref] = replace(pods[ref], labels=_changed(pods[ref].labels, keys))
        else:
            namespaces[ref] = replace(namespaces[ref], labels=_changed(namespaces[ref].labels, keys))
    return replace(world, namespaces=namespaces, pods=pods)


def annotated(world: World, changes: Changes) -> World:
    """The world with changed annotations of namespaces."""
    namespaces = dict(world.namespaces)
    for ref, keys in changes.items():
        namespaces[ref] = replace(namespaces[ref], annotations=_changed(namespaces[ref].annotations, keys))
    return replace(world, namespaces=namespaces)


def _changed(old: Mapping[str, str], keys: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**old, **keys}.items() if value is not None}

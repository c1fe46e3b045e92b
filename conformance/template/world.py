"""The world that manifests make in a cluster, and what changes of labels make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.scenario.doors import Given, doors_of
from conformance.scenario.fictive import NAME_LABEL, fictive_services, fictive_world
from conformance.scenario.scenario import Changes, Layout, PodPlan
from conformance.template.render import Manifests
from conformance.world.place import OUTSIDE, Address, Namespace, Node, Observed, OutsideHost, Pod, World


def everybody_of(
    layout: Layout,
    manifests: Manifests,
    observed: Mapping[str, Observed],
    hosts: Mapping[str, tuple[Address, ...]],
    nodes: Mapping[str, tuple[Address, ...]],
    given: Mapping[str, Given],
    name_servers: tuple[Pod, ...] = (),
) -> World:
    """All pods and doors of a layout, with the labels of the manifests and the addresses that the cluster gave them.

    Who was not there yet has the fictive addresses of `fictive_world`. `hosts`: the addresses of outside hosts by plain name
    (`alpha`); `nodes`: those of the nodes by name; `given`: what the cluster gave the Services. Raises KeyError for a host that
    is missing, or a pod that does not come later.
    """
    namespaces = {}
    for ref, document in zip(layout.namespaces, manifests.namespaces, strict=True):
        name = document["metadata"]["name"]
        namespaces[ref] = Namespace(ref, name, {**document["metadata"]["labels"], NAME_LABEL: name})
    places = {name: Node(name, addresses) for name, addresses in nodes.items()}
    fictive = fictive_world(layout).pods
    pods = {
        ref: _pod(ref, manifests.pods[ref], plan, _seen(ref, plan, manifests.pods[ref], observed, fictive, places))
        for ref, plan in layout.pods()
    }
    outside = {f"{OUTSIDE}/{name}": OutsideHost(f"{OUTSIDE}/{name}", plan.serves, hosts[name]) for name, plan in layout.hosts.items()}
    doors = doors_of(layout, namespaces, pods, places, manifests.workers, {**fictive_services(layout), **given}, manifests.host_ports)
    return World(namespaces, pods, outside, places, doors, name_servers)


def _seen(
    ref: str,
    plan: PodPlan,
    manifest: Mapping[str, Any],
    observed: Mapping[str, Observed],
    fictive: Mapping[str, Pod],
    nodes: Mapping[str, Node],
) -> Observed:
    """Where a pod is, or where it will be and with what addresses the plan is made until then."""
    if ref in observed or not plan.comes_later:
        return observed[ref]
    if plan.is_pending:
        return Observed(())
    node = manifest["spec"].get("nodeSelector", {}).get("kubernetes.io/hostname")
    return Observed(nodes[node].addresses if plan.is_host_network and node in nodes else fictive[ref].addresses, node)


def _pod(ref: str, manifest: Mapping[str, Any], plan: PodPlan, seen: Observed) -> Pod:
    metadata = manifest["metadata"]
    labels = metadata.get("labels", {})
    return Pod(ref, metadata["namespace"], metadata["name"], labels, plan.serves, seen.addresses, seen.node, plan.is_host_network)


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

"""Worlds of the tests: namespaces and probes on a real cluster, made and removed by the rooms under test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from conformance.cluster.clean import remove_run
from conformance.cluster.client import Cluster
from conformance.cluster.kind_cluster import KindCluster
from conformance.probe.session import Probes
from conformance.probe.source import agent_source
from conformance.scenario.scenario import HostPlan, Layout, NamespacePlan, PodPlan
from conformance.template.names import Names
from conformance.template.render import render_world
from conformance.template.world import everybody_of
from conformance.world.place import Port, World
from conformance.world.question import Question, questions_of
from conformance.world.times import Times
from conformance.world.verdict import Family, Protocol

TIMES = Times()
TCP_AND_UDP = (Port(80), Port(81), Port(80, Protocol.UDP), Port(81, Protocol.UDP))


def pods(*names: str, serves: tuple[Port, ...] = (Port(80),)) -> NamespacePlan:
    """A namespace with pods, in turn on the one and on the other node."""
    return NamespacePlan({}, {name: PodPlan({"pod": name}, serves, "ab"[place % 2]) for place, name in enumerate(names)})


PAIR = Layout(None, {"shop": pods("api", "front", serves=(Port(80), Port(80, Protocol.UDP)))}, {})
NINE = Layout(None, {name: pods("a", "b", "c", serves=TCP_AND_UDP) for name in ("x", "y", "z")}, {})
EVERYTHING = Layout(
    None,
    {"shop": pods("api", "front", "near", serves=(Port(80), Port(80, Protocol.UDP), Port(80, Protocol.SCTP)))},
    {"alpha": HostPlan((Port(80), Port(80, Protocol.UDP))), "beta": HostPlan(())},
)


@dataclass
class Live:
    """A world that stands."""

    cluster: Cluster
    names: Names
    world: World
    probes: Probes
    pods: Mapping[str, Mapping[str, Any]]

    @property
    def questions(self) -> tuple[Question, ...]:
        """All that can be asked in it."""
        return questions_of(self.world, Family)


def connected(kind: KindCluster, times: Times = TIMES) -> Cluster:
    """The cluster as an administrator."""
    return Cluster.connect(kind.kubeconfig, None, times)


@contextmanager
def live(kind: KindCluster, layout: Layout, times: Times = TIMES, cluster: Cluster | None = None) -> Iterator[Live]:
    """A world, removed at the end with all that was made for it."""
    cluster = cluster or connected(kind, times)
    names = Names(f"test{secrets.token_hex(3)}", "w0")
    nodes = cluster.nodes()
    manifests = render_world(
        layout, names, kind.toolbox.probe_image, [node.name for node in nodes.values() if node.takes_pods], agent_source()
    )
    hosts = {access.name: access for access in kind.hosts if access.name in layout.hosts}
    try:
        cluster.create_world(manifests.namespaces, manifests.pods)
        observed = cluster.pods_ready(manifests.pods)
        slots = {name: access.slots[-1] for name, access in hosts.items()}
        world = everybody_of(layout, manifests, observed, slots, {name: node.addresses for name, node in nodes.items()}, {})
        probes = Probes.open(cluster, world, hosts, -1, times)
        try:
            yield Live(cluster, names, world, probes, manifests.pods)
        finally:
            probes.close()
    finally:
        remove_run(cluster, names.run)
        cluster.close()

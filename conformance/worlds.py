"""Live worlds: layouts that stand in the cluster, shared by the scenarios that name them. A process has one at a time.

One, because scenarios of one layout come one after the other (`portion`), and a plugin has work with every pod that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import ClusterUnderTest, NotPossible, Pods
from conformance.cluster.hosts import HostAccess
from conformance.live import WITHOUT_NODES, Given, LiveWorld, check_addresses, everyone, why_no_names
from conformance.probe.session import Probes
from conformance.probe.source import agent_source
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Layout
from conformance.target import Target
from conformance.template.names import Names
from conformance.template.render import FIRST_HOST_PORT, MANY, render_world
from conformance.world.door import DoorKind
from conformance.world.place import Address
from conformance.world.times import Times
from conformance.world.verdict import Family

PORTS, _TURNS = 40, 20
"""How many ports of the nodes a world may take, and how many worlds of a process come before their numbers come again."""


class Worlds:
    """The live worlds of one process; `worker` counts the processes of a run from 0."""

    def __init__(self, cluster: ClusterUnderTest, target: Target, times: Times, run: str, worker: int) -> None:
        self._cluster, self._target, self._times = cluster, target, times
        self._run, self._worker = run, worker
        self._alive: LiveWorld | None = None
        self._leaving: Pods = {}
        self._numbers = count()

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in which questions are asked."""
        return self._target.families

    def take(self, layout: Layout, *, is_new: bool = False, is_calm: bool = False) -> LiveWorld:
        """The live world of a layout, made where another one stands, or none; that one is thrown away.

        `is_new`: made in any case: what is to come, or came to pass elsewhere, may hurt it (a restarted node ends the pods of
        all worlds).

        `is_calm`: made also where labels have been changed in the one that stands. They are put back when a scenario ends, but without a
        policy nobody sees when the plugin has done so; and what is watched must not have a gap from then.

        Outside hosts that the target does not have are left out: nobody asks them then. Raises BrokenCluster, NotPossible.
        """
        there = {access.name for access in self._target.hosts}
        layout = replace(layout, hosts={name: plan for name, plan in layout.hosts.items() if name in there})
        live = self._alive
        if live is None or live.layout.key != layout.key or is_new or (is_calm and live.was_relabelled):
            self.close()
            live = self._alive = self._make(layout)
        return live

    def drop(self, live: LiveWorld) -> None:
        """Throw a world away. The cluster removes it while we go on, but for pods that hold ports of their nodes.

        Where pods are many, the next world waits for their end: the nodes may not have addresses for both.
        """
        self._alive = None
        live.probes.close()
        with suppress(BrokenCluster):  # the end of the run looks for all that is left, and says so
            self._cluster.remove_world(live.names)
            pods = live.pods([ref for ref in live.manifests.pods if ref in live.presence.pods])
            if live.layout.is_exclusive:
                self._cluster.pods_gone(pods)
            elif len(pods) > MANY:
                self._leaving = pods

    def close(self) -> None:
        """Throw away what stands."""
        if self._alive is not None:
            self.drop(self._alive)

    def _make(self, layout: Layout) -> LiveWorld:
        number = next(self._numbers)
        names = Names(self._run, f"{self._worker}{number}")
        try:
            return self._start(layout, names, self._first_port(number))
        except BaseException:
            with suppress(BrokenCluster):
                self._cluster.remove_world(names)
            raise

    def _first_port(self, number: int) -> int:
        """Where a world's ports on the nodes begin. It comes again when the world of so long ago is gone."""
        return FIRST_HOST_PORT + PORTS * (self._worker % 10 * _TURNS + number % _TURNS)

    def _start(self, layout: Layout, names: Names, first_port: int) -> LiveWorld:
        """Raises BrokenCluster; BrokenPlugin where a pod gets no network, or an address that another one has; NotPossible."""
        nodes = self._cluster.nodes()
        workers = [node.name for node in nodes.values() if node.takes_pods]
        if layout.asks_nodes and not workers:
            raise NotPossible(WITHOUT_NODES)
        if _asks_names(layout) and (why := why_no_names(self._cluster, names)):
            raise NotPossible(f"it asks Services by name, and {why}")
        manifests = render_world(layout, names, self._target.probe_image, workers, agent_source(), first_port)
        if self._leaving:
            self._cluster.pods_gone(self._leaving)
            self._leaving = {}
        presence = Presence.at_first(layout)
        pods = {ref: pod for ref, pod in manifests.pods.items() if ref in presence.pods}
        self._cluster.create_world(manifests.namespaces, pods)
        services = {ref: service for ref, service in manifests.services.items() if ref in presence.services}
        facts = self._cluster.create_services(services) if services else {}
        slot = self._worker  # each process has addresses of its own on the outside hosts
        given = Given(
            dict(self._cluster.pods_ready(pods)),
            dict(facts),
            {name: node.addresses for name, node in nodes.items()},
            {access.name: _addresses(access, slot) for access in self._hosts(layout).values()},
            self._cluster.name_servers() if _asks_names(layout) else (),
        )
        everybody = everyone(layout, manifests, given)
        check_addresses(presence.of(everybody))
        probes = Probes.open(self._cluster, presence.of(everybody), self._hosts(layout), slot, self._times)
        return LiveWorld(self._cluster, layout, names, manifests, given, slot, probes, presence, everybody)

    def _hosts(self, layout: Layout) -> Mapping[str, HostAccess]:
        return {access.name: access for access in self._target.hosts if access.name in layout.hosts}


def _addresses(access: HostAccess, slot: int) -> tuple[Address, ...]:
    if slot >= len(access.slots):
        raise BrokenCluster(
            f"outside host {access.name} has addresses for {len(access.slots)} worlds at a time, and one more is needed: "
            "run with fewer workers (-n)"
        )
    return access.slots[slot]


def _asks_names(layout: Layout) -> bool:
    return any(kind is DoorKind.NAME for ref, plan in layout.services() for _, kind in plan.doors(ref))

"""Live worlds: layouts that stand in the cluster, shared by the scenarios that name them. One process has its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.clean import remove_world
from conformance.cluster.client import Cluster
from conformance.cluster.hosts import HostAccess
from conformance.probe.session import Probes, agent_source
from conformance.scenario.scenario import Layout
from conformance.target import Target
from conformance.template.names import Names
from conformance.template.render import render_world, world_of
from conformance.world.place import Address, World
from conformance.world.times import Times
from conformance.world.verdict import Family

ALIVE = 2
"""How many worlds a process keeps. A pod costs memory, and scenarios of one layout come one after the other."""


@dataclass(frozen=True, slots=True)
class LiveWorld:
    """A layout in the cluster with the sessions of its probes. `slot` is its part of the outside hosts' addresses."""

    layout: Layout
    names: Names
    world: World
    probes: Probes
    slot: int


class Worlds:
    """The live worlds of one process; `worker` counts the processes of a run from 0."""

    def __init__(self, cluster: Cluster, target: Target, times: Times, run: str, worker: int) -> None:
        self._cluster, self._target, self._times = cluster, target, times
        self._run, self._worker = run, worker
        self._alive: dict[str, LiveWorld] = {}
        self._numbers = count()

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in which questions are asked."""
        return self._target.families

    def take(self, layout: Layout) -> LiveWorld:
        """The live world of a layout, made where there is none. The one that was taken longest ago makes room.

        Outside hosts that the target does not have are left out: nobody asks them then. Raises BrokenCluster.
        """
        there = {access.name for access in self._target.hosts}
        layout = replace(layout, hosts={name: plan for name, plan in layout.hosts.items() if name in there})
        live = self._alive.pop(layout.key, None)
        if live is None:
            while len(self._alive) >= ALIVE:
                self.drop(next(iter(self._alive.values())))
            live = self._make(layout)
        self._alive[layout.key] = live
        return live

    def drop(self, live: LiveWorld) -> None:
        """Throw a world away. The cluster removes it while we go on."""
        self._alive.pop(live.layout.key, None)
        live.probes.close()
        with suppress(BrokenCluster):  # the end of the run looks for all that is left, and says so
            remove_world(self._cluster, live.names)

    def close(self) -> None:
        """Throw all away."""
        for live in list(self._alive.values()):
            self.drop(live)

    def _make(self, layout: Layout) -> LiveWorld:
        names = Names(self._run, f"{self._worker}{next(self._numbers)}")
        try:
            return self._start(layout, names)
        except BaseException:
            with suppress(BrokenCluster):
                remove_world(self._cluster, names)
            raise

    def _start(self, layout: Layout, names: Names) -> LiveWorld:
        nodes = self._cluster.nodes()
        workers = [node.name for node in nodes.values() if node.takes_pods]
        manifests = render_world(layout, names, self._target.probe_image, workers, agent_source())
        self._cluster.create_world(manifests.namespaces, manifests.pods)
        observed = self._cluster.pods_ready(manifests.pods)
        slot = self._free_slot()
        addresses = {access.name: _addresses(access, slot) for access in self._hosts(layout).values()}
        world = world_of(layout, manifests, observed, addresses, {name: node.addresses for name, node in nodes.items()})
        probes = Probes.open(self._cluster, world, self._hosts(layout), slot, self._times)
        return LiveWorld(layout, names, world, probes, slot)

    def _hosts(self, layout: Layout) -> Mapping[str, HostAccess]:
        return {access.name: access for access in self._target.hosts if access.name in layout.hosts}

    def _free_slot(self) -> int:
        taken = {live.slot for live in self._alive.values()}
        return next(slot for slot in range(self._worker * ALIVE, (self._worker + 1) * ALIVE) if slot not in taken)


def _addresses(access: HostAccess, slot: int) -> tuple[Address, ...]:
    if slot >= len(access.slots):
        raise BrokenCluster(
            f"outside host {access.name} has addresses for {len(access.slots)} worlds at a time, and one more is needed: "
            "run with fewer workers (-n)"
        )
    return access.slots[slot]

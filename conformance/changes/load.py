"""Light pods in a namespace of their own: started, counted, and ended."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin, Document
from conformance.live import LiveWorld
from conformance.template.load import light_pods, load_namespace
from conformance.template.names import Names
from conformance.world.place import Address, Observed

AT_ONCE = 20
"""Pods that are started at the same time on a node: more only wait for each other."""


class Load:
    """The load beside a live world. Its namespace carries the run's label, so that nothing of it is left after a Ctrl-C."""

    def __init__(self, live: LiveWorld) -> None:
        # A name of its own: the namespace of an earlier load may take its time to go.
        self.live, self.names = live, Names(live.names.run, f"{live.names.world}x{next(live.loads)}")
        self._pods: dict[str, Document] = {}
        self._observed: dict[str, Observed] = {}
        self._number = 0
        self._has_space = False

    def open(self) -> None:
        """The namespace, once. Raises BrokenCluster."""
        if not self._has_space:
            self._has_space = True
            self.live.cluster.create_world((load_namespace(self.names),), {})

    def start(self, node: str, count: int) -> dict[str, Observed]:
        """So many more pods on a node; returns when they run, with what the cluster gave them.

        Raises BrokenCluster; BrokenPlugin where one gets no network, or an address that another pod has.
        """
        self.open()
        found = dict(self.live.cluster.pods_ready(self._create(node, count)))
        self._check(found)
        self._observed |= found
        return found

    def fill(self, node: str, left: int, spare: int) -> None:
        """Pods on a node until about so many of its `spare` addresses are left, or no more pods get one.

        Raises BrokenCluster; BrokenPlugin where one gets an address that another pod has.
        """
        self.open()
        there = sum(pod.node == node for pod in self.live.presence.of(self.live.everybody).pods.values())
        wanted = spare - left - there - sum(seen.node == node for seen in self._observed.values())
        while wanted > 0:
            # Others may have addresses, too: of a batch that does not get all of its own nobody stays. So the last are small.
            count = min(AT_ONCE, wanted, max(left, wanted // 2))
            wanted -= count
            pods = self._create(node, count)
            try:
                found = dict(self.live.cluster.pods_ready(pods))
            except BrokenCluster:
                self.stop(list(pods))
                return
            self._check(found)
            self._observed |= found

    def end_those_with(self, addresses: Collection[Address]) -> None:
        """Wait for the end of those that have one of these addresses. Raises BrokenCluster."""
        self.stop([ref for ref, seen in self._observed.items() if not set(addresses).isdisjoint(seen.addresses)])

    def stop(self, refs: Collection[str]) -> None:
        """End these pods, and wait until they are gone. Raises BrokenCluster."""
        pods = {ref: self._pods.pop(ref) for ref in refs}
        self._observed = {ref: seen for ref, seen in self._observed.items() if ref not in pods}
        if pods:
            self.live.cluster.delete_pods(pods)
            self.live.cluster.pods_gone(pods)

    def end(self) -> None:
        """End all pods and wait for that; then the namespace goes. Never raises: what is left goes with the run."""
        with suppress(BrokenCluster):
            self.stop(list(self._pods))
        if self._has_space:
            with suppress(BrokenCluster):
                self.live.cluster.remove_world(self.names)

    def _create(self, node: str, count: int) -> dict[str, Document]:
        pods = light_pods(self.names, self.live.image, node, self._number, count)
        self._number += count
        self._pods |= pods
        self.live.cluster.create_pods(pods)
        return pods

    def _check(self, found: dict[str, Observed]) -> None:
        owners = {address: ref for ref, seen in self._observed.items() for address in seen.addresses}
        world = self.live.presence.of(self.live.everybody)
        owners |= {address: pod.ref for pod in world.pods.values() if not pod.is_host_network for address in pod.addresses}
        for ref, seen in found.items():
            for address in seen.addresses:
                if (other := owners.setdefault(address, ref)) != ref:
                    raise BrokenPlugin(f"{other} and {ref} have the same address {address}")

"""A live world: a layout that stands in the cluster, with the sessions of its probes. Steps change it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from conformance.cluster.contract import BrokenPlugin, ClusterUnderTest, Document, NotPossible, Pods, ServiceFacts
from conformance.model.lookup import why_not_resolved
from conformance.probe.session import Probes
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.layout import NODES
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Layout
from conformance.template.names import Names
from conformance.template.render import Manifests
from conformance.template.world import everybody_of
from conformance.world.place import Address, Namespace, Observed, Pod, World

WITHOUT_NODES = "it needs nodes by name: none takes pods, or we may not list nodes (docs/rbac.yaml has that right)"


@dataclass
class Given:
    """What the cluster gave a world: addresses of pods, Services, nodes and (by plain name) outside hosts."""

    pods: dict[str, Observed]
    services: dict[str, ServiceFacts]
    nodes: Mapping[str, tuple[Address, ...]]
    hosts: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    name_servers: tuple[Pod, ...] = ()


@dataclass
class LiveWorld:
    """A layout in the cluster. `presence` is who is there, `slot` its part of the outside hosts' addresses.

    `everybody` is everyone of the layout, with the labels that it gives them; see `everybody_of`. `loads` numbers the loads beside it.
    `was_relabelled`: labels have been changed since it was made, if only back again.
    """

    cluster: ClusterUnderTest
    layout: Layout
    names: Names
    manifests: Manifests
    given: Given
    slot: int
    probes: Probes
    presence: Presence
    everybody: World
    loads: Iterator[int] = field(default_factory=count)
    was_relabelled: bool = False

    @property
    def image(self) -> str:
        """The probes' image."""
        first = next(iter(self.manifests.pods.values()))
        return str(first["spec"]["containers"][0]["image"])

    def node(self, letter: str) -> str:
        """The node that a letter of the layout means. Raises NotPossible where we may not list nodes."""
        workers = self.manifests.workers
        if not workers:
            raise NotPossible(WITHOUT_NODES)
        return workers[NODES.index(letter) % len(workers)]

    def pods(self, refs: Collection[str]) -> Pods:
        """The manifests of these pods."""
        return {ref: self.manifests.pods[ref] for ref in refs}

    def services(self, refs: Collection[str]) -> dict[str, Document]:
        """The manifests of these Services."""
        return {ref: self.manifests.services[ref] for ref in refs}

    def came(self, pods: Mapping[str, Observed], services: Mapping[str, ServiceFacts]) -> None:
        """Who was created, and what the cluster gave them. Raises BrokenPlugin."""
        self.given.pods |= pods
        self.given.services |= services
        self.presence = Presence(
            self.presence.pods | set(pods), self.presence.completed - set(pods), self.presence.services | set(services)
        )
        self.everybody = everyone(self.layout, self.manifests, self.given)
        check_addresses(self.presence.of(self.everybody))

    def went(self, refs: Collection[str]) -> None:
        """Who is gone. Their last addresses stay known: rules may still speak of them."""
        gone = set(refs)
        self.presence = Presence(self.presence.pods - gone, self.presence.completed - gone, self.presence.services - gone)

    def completed(self, refs: Collection[str]) -> None:
        """Whose object is left, and nothing else."""
        self.presence = replace(self.presence, pods=self.presence.pods - set(refs), completed=self.presence.completed | set(refs))


def everyone(layout: Layout, manifests: Manifests, given: Given) -> World:
    """Everybody of a layout, with what the cluster gave."""
    return everybody_of(layout, manifests, given.pods, given.hosts, given.nodes, given.services, given.name_servers)


def check_addresses(world: World) -> None:
    """Each pod of a world has addresses of its own, but for those in their node's network. Raises BrokenPlugin."""
    owners: dict[Address, str] = {}
    for pod in world.pods.values():
        for address in () if pod.is_host_network else pod.addresses:
            if (other := owners.setdefault(address, pod.ref)) != pod.ref:
                raise BrokenPlugin(f"{other} and {pod.ref} have the same address {address}")


def why_no_names(cluster: ClusterUnderTest, names: Names) -> str:
    """Why pods of a world with these names cannot ask by name, as `why_not_resolved` says it: policies of the cluster's own are in the
    way. "" where none of those that we may see is. Raises BrokenCluster.
    """
    servers = cluster.name_servers()
    space = names.namespace("probe")
    asking = Namespace(space, space, {**names.labels, NAME_LABEL: space})
    policies = [policy for each in sorted({server.namespace for server in servers}) for policy in cluster.policies_of(each)]
    return why_not_resolved(servers, asking, policies)

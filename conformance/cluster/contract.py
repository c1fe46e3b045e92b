"""What a cluster under test must be able to do: a real one (`client.Cluster`), or one in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.hosts import HostAccess
from conformance.cluster.streams import Stream
from conformance.world import verdict
from conformance.world.clock import Clock
from conformance.world.place import Address, Observed, Pod
from conformance.world.policy import NetworkPolicy

if TYPE_CHECKING:
    from conformance.cluster.inspection import Inspection  # it speaks of agents, whose module knows this one

Document = dict[str, Any]
"""An object of the API as JSON has it."""

Pods = Mapping[str, Document]
"""Manifests of pods by their references (`shop/api`). Their real namespaces and names stand in them."""


class BrokenPlugin(BrokenCluster):
    """The plugin is to blame: a pod gets no network, an address is given twice. A failure of the plugin, no error."""


class NotPossible(Exception):
    """This cluster cannot be asked that. The message says why: the scenario is not supported here."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node: its addresses, whether it is ready (else `why_not`), and whether it takes pods without tolerations.

    `room` is how many pods it takes at all, `spare` how many addresses its pods can have (0: not known).
    """

    name: str
    addresses: tuple[Address, ...]
    is_ready: bool
    takes_pods: bool
    why_not: str = ""
    room: int = 0
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record keeps of a cluster. `nodes` is empty where we may not list them."""

    version: str
    server: str
    context: str
    nodes: Mapping[str, NodeFacts]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What the cluster gave a Service: cluster addresses (none for a headless one), node ports by (port, protocol)."""

    addresses: tuple[Address, ...] = ()
    node_ports: Mapping[tuple[int, verdict.Protocol], int] = field(default_factory=dict)


class WorldNames(Protocol):
    """What tells a world: its run and its own number in it. Both are labels of its namespaces."""

    @property
    def run(self) -> str:
        """The label's value."""

    @property
    def world(self) -> str:
        """The label's value."""


class ClusterUnderTest(Protocol):
    """A cluster that answers. May be used from several threads.

    Every method raises BrokenCluster with one sentence for people (BrokenPlugin where the plugin is to blame). Methods return
    when the API server has accepted the change, or, where they wait, when what they wait for is there. What is to be deleted
    and is not there is as good as deleted.
    """

    @property
    def clock(self) -> Clock:
        """What time it is there. All that waits for this cluster waits by this clock."""

    @property
    def inspection(self) -> Inspection | None:
        """How to look into it when something has failed; None where there is nothing to see."""

    def close(self) -> None:
        """Give the connections back."""

    def facts(self) -> Facts:
        """The API server's version and what is known of the nodes."""

    def nodes(self) -> Mapping[str, NodeFacts]:
        """The nodes, sorted by name. Empty where we may not list them."""

    def name_servers(self) -> tuple[Pod, ...]:
        """The pods that resolve names for all others: references are `namespace/name`."""

    def policies_of(self, namespace: str) -> tuple[NetworkPolicy, ...]:
        """The policies of a namespace, ours or not. Empty where we may not list them."""

    def missing_rights(self) -> list[str]:
        """A sentence for each permission that a run needs and that we do not have."""

    def create_world(self, namespaces: tuple[Document, ...], pods: Pods) -> None:
        """Create namespaces, and pods in them."""

    def remove_world(self, names: WorldNames) -> None:
        """Delete the namespaces of a world."""

    def remove_run(self, run: str) -> None:
        """Delete all namespaces of a run and wait until they are gone."""

    def create_pods(self, pods: Pods) -> None:
        """Create pods in namespaces that are there."""

    def pods_ready(self, pods: Pods) -> Mapping[str, Observed]:
        """Addresses and nodes of these pods, once all run and are ready. BrokenPlugin where one gets no network."""

    def delete_pods(self, pods: Pods) -> None:
        """Ask for the end of pods, with the grace that they ask for. Does not wait."""

    def pods_gone(self, pods: Pods) -> None:
        """Wait until the objects of these pods, which are being deleted, are gone."""

    def pods_completed(self, pods: Pods) -> None:
        """Wait until these pods have ended with success."""

    def state_of_pod(self, namespace: str, name: str, patience: float) -> str:
        """Why a pod cannot be talked to; "" where nothing is wrong with it."""

    def init_report(self, namespace: str, name: str) -> str:
        """What the init container of a pod left as its last words; "" where there is none, or it has not ended."""

    def attach(self, namespace: str, name: str) -> Stream:
        """A stream to the main process of a pod. Raises BrokenStream."""

    def run_on_host(self, access: HostAccess, program: Sequence[str]) -> Stream:
        """A stream to a program, started on an outside host. Raises BrokenStream."""

    def create_services(self, services: Mapping[str, Document]) -> Mapping[str, ServiceFacts]:
        """Create Services (manifests by their references, `svc/shop/web`); what the cluster gave each of them."""

    def remove_services(self, services: Mapping[str, Document]) -> None:
        """Delete Services and wait until they are gone."""

    def apply_policy(self, policy: Document) -> None:
        """Create or change a NetworkPolicy."""

    def delete_policy(self, namespace: str, name: str) -> None:
        """Delete a NetworkPolicy."""

    def relabel_pod(self, namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Set labels of a pod; None removes a label."""

    def relabel_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set labels of a namespace; None removes a label."""

    def annotate_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set annotations of a namespace; None removes one."""

    def restart_plugin(self) -> None:
        """Restart the plugin's agents on all nodes, and wait until they are ready again. Raises NotPossible."""

    def restart_node(self, name: str) -> None:
        """Restart a node, and wait until it and the plugin on it are ready. Its pods are gone then. Raises NotPossible."""

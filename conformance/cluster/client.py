"""The cluster under test, as everybody above this floor sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from conformance.cluster import apply, wait
from conformance.cluster.connection import BrokenRequest, Connection, Document
from conformance.cluster.streams import AttachedStream
from conformance.world.place import Address, Observed
from conformance.world.times import Times


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node: its addresses, whether it is ready (else `why_not`), and whether it takes pods without tolerations."""

    name: str
    addresses: tuple[Address, ...]
    is_ready: bool
    takes_pods: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record keeps of a cluster. `nodes` is empty where we may not list them."""

    version: str
    server: str
    context: str
    nodes: Mapping[str, NodeFacts]


class Cluster:
    """A cluster that answers. May be used from several threads.

    Every method raises BrokenCluster (BrokenRequest, BrokenPod, BrokenStream) with one sentence for people. Requests are
    repeated for `times.retry` seconds while the API server does not answer.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    def connect(cls, kubeconfig: Path | None, context: str | None, times: Times) -> Cluster:
        """The cluster of a kubeconfig's context; None means the usual file and the current context.

        Raises BrokenCluster: no such file or context, nobody answers, credentials or certificate are not accepted.
        """
        connection = Connection.of(kubeconfig, context, times)
        connection.call("ask for the version", connection.versions.get_code, patience=times.stream)
        return cls(connection)

    def close(self) -> None:
        """Give the connections back."""
        self.connection.close()

    def facts(self) -> Facts:
        """The API server's version and what is known of the nodes."""
        version = self.connection.call("ask for the version", self.connection.versions.get_code)
        return Facts(version["gitVersion"], self.connection.server, self.connection.context, self.nodes())

    def nodes(self) -> dict[str, NodeFacts]:
        """The nodes, sorted by name. Empty where we may not list them: the suite then leaves placement to the scheduler."""
        try:
            nodes = self.connection.call("list nodes", self.connection.core.list_node)["items"]
        except BrokenRequest as refusal:
            if refusal.status == 403:
                return {}
            raise
        return {facts.name: facts for facts in sorted(map(_node, nodes), key=lambda facts: facts.name)}

    def create_world(self, namespaces: tuple[Document, ...], pods: Mapping[str, Document]) -> None:
        """Create namespaces and pods; see `apply.create_world`."""
        apply.create_world(self.connection, namespaces, pods.values())

    def pods_ready(self, pods: Mapping[str, Document]) -> dict[str, Observed]:
        """Addresses and nodes of these pods, once all run; see `wait.pods_ready`."""
        return wait.pods_ready(self.connection, pods)

    def state_of_pod(self, namespace: str, name: str, patience: float) -> str:
        """Why a pod cannot be talked to; "" where nothing is wrong with it. See `wait.state_of`."""
        return wait.state_of(self.connection, namespace, name, patience)

    def attach(self, namespace: str, name: str) -> AttachedStream:
        """A stream to the main process of a pod. Raises BrokenStream."""
        return AttachedStream(self.connection, namespace, name)

    def apply_policy(self, policy: Document) -> None:
        """Create or change a NetworkPolicy."""
        apply.apply_policy(self.connection, policy)

    def delete_policy(self, namespace: str, name: str) -> None:
        """Delete a NetworkPolicy."""
        apply.delete_policy(self.connection, namespace, name)

    def create_pod(self, pod: Document) -> None:
        """Create one pod."""
        apply.create_pod(self.connection, pod)

    def delete_pod(self, namespace: str, name: str) -> None:
        """Delete one pod, without grace."""
        apply.delete_pod(self.connection, namespace, name)

    def relabel_pod(self, namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
        """Set labels of a pod; None removes a label."""
        apply.change_pod(self.connection, namespace, name, {"labels": changes})

    def relabel_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set labels of a namespace; None removes a label."""
        apply.change_namespace(self.connection, name, {"labels": changes})

    def annotate_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set annotations of a namespace; None removes one."""
        apply.change_namespace(self.connection, name, {"annotations": changes})


def _node(node: Document) -> NodeFacts:
    conditions = node["status"].get("conditions") or ()
    ready: Document = next((each for each in conditions if each["type"] == "Ready"), {})
    is_ready = ready.get("status") == "True"
    taints = {taint["effect"] for taint in node["spec"].get("taints") or ()} - {"PreferNoSchedule"}
    internal = [each["address"] for each in node["status"].get("addresses") or () if each["type"] == "InternalIP"]
    return NodeFacts(
        node["metadata"]["name"],
        tuple(map(ip_address, internal)),
        is_ready,
        takes_pods=is_ready and not taints and not node["spec"].get("unschedulable"),
        why_not="" if is_ready else " ".join((ready.get("message") or "it has not reported").split()),
    )

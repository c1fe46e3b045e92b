"""The cluster under test, as everybody above this floor sees it: the real one behind `contract.ClusterUnderTest`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

from conformance.cluster import apply, clean, restart, rights, services, wait
from conformance.cluster.connection import Connection, Document
from conformance.cluster.contract import Facts, NodeFacts, Pods, ServiceFacts, WorldNames
from conformance.cluster.hosts import HostAccess
from conformance.cluster.inspection import ClusterInspection, NodeAccess
from conformance.cluster.restart import Restarts
from conformance.cluster.streams import AttachedStream, ProcessStream
from conformance.world.clock import WallClock
from conformance.world.place import Observed, Pod
from conformance.world.policy import InvalidPolicy, NetworkPolicy
from conformance.world.times import Times


class Cluster:
    """A cluster that answers. May be used from several threads.

    Every method raises BrokenCluster (BrokenRequest, BrokenPod, BrokenStream, BrokenPlugin) with one sentence for people.
    Requests are repeated for `times.retry` seconds while the API server does not answer. `restarts` says what may be started
    again there, and how; `nodes` is the way to the nodes of a cluster of our own.
    """

    clock = WallClock()

    def __init__(self, connection: Connection, restarts: Restarts | None = None, nodes: NodeAccess | None = None) -> None:
        self.connection, self._restarts = connection, restarts or Restarts()
        self.inspection = ClusterInspection(connection, nodes)

    @classmethod
    def connect(
        cls, kubeconfig: Path | None, context: str | None, times: Times, restarts: Restarts | None = None, nodes: NodeAccess | None = None
    ) -> Cluster:
        """The cluster of a kubeconfig's context; None means the usual file and the current context.

        Raises BrokenCluster: no such file or context, nobody answers, credentials or certificate are not accepted.
        """
        connection = Connection.of(kubeconfig, context, times)
        connection.call("ask for the version", connection.versions.get_code, patience=times.stream)
        return cls(connection, restarts, nodes)

    def close(self) -> None:
        """See ClusterUnderTest."""
        self.connection.close()

    def facts(self) -> Facts:
        """See ClusterUnderTest."""
        version = self.connection.call("ask for the version", self.connection.versions.get_code)
        return Facts(version["gitVersion"], self.connection.server, self.connection.context, self.nodes())

    def nodes(self) -> dict[str, NodeFacts]:
        """See ClusterUnderTest. Where we may not list them the suite leaves placement to the scheduler."""
        nodes = self.connection.listed("list nodes", self.connection.core.list_node)
        return {facts.name: facts for facts in sorted(map(_node, nodes), key=lambda facts: facts.name)}

    def name_servers(self) -> tuple[Pod, ...]:
        """See ClusterUnderTest: the pods of kube-system that are labelled as kubeadm and all installers label them."""
        return wait.name_servers(self.connection)

    def policies_of(self, namespace: str) -> tuple[NetworkPolicy, ...]:
        """See ClusterUnderTest."""
        listing = self.connection.policies.list_namespaced_network_policy
        return tuple(_policies(self.connection.listed(f"list the policies of {namespace}", listing, namespace)))

    def missing_rights(self) -> list[str]:
        """See ClusterUnderTest."""
        return rights.missing_rights(self)

    def create_world(self, namespaces: tuple[Document, ...], pods: Pods) -> None:
        """See ClusterUnderTest."""
        apply.create_namespaces(self.connection, namespaces)
        apply.create_pods(self.connection, pods.values())

    def remove_world(self, names: WorldNames) -> None:
        """See ClusterUnderTest."""
        clean.remove_world(self, names)

    def remove_run(self, run: str) -> None:
        """See ClusterUnderTest."""
        clean.remove_run(self, run)

    def create_pods(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        apply.create_pods(self.connection, pods.values())

    def pods_ready(self, pods: Pods) -> dict[str, Observed]:
        """See ClusterUnderTest and `wait.pods_ready`."""
        return wait.pods_ready(self.connection, pods)

    def delete_pods(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        apply.delete_pods(self.connection, pods.values())

    def pods_gone(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        wait.pods_gone(self.connection, pods)

    def pods_completed(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        wait.pods_completed(self.connection, pods)

    def state_of_pod(self, namespace: str, name: str, patience: float) -> str:
        """See ClusterUnderTest and `wait.state_of`."""
        return wait.state_of(self.connection, namespace, name, patience)

    def init_report(self, namespace: str, name: str) -> str:
        """See ClusterUnderTest."""
        return wait.init_report(self.connection, namespace, name)

    def attach(self, namespace: str, name: str) -> AttachedStream:
        """See ClusterUnderTest."""
        return AttachedStream(self.connection, namespace, name)

    def run_on_host(self, access: HostAccess, program: Sequence[str]) -> ProcessStream:
        """See ClusterUnderTest."""
        return ProcessStream(access.name, access.command, program, access.environment)

    def create_services(self, services_of: Mapping[str, Document]) -> dict[str, ServiceFacts]:
        """See ClusterUnderTest."""
        return services.create(self.connection, services_of)

    def remove_services(self, services_of: Mapping[str, Document]) -> None:
        """See ClusterUnderTest."""
        services.remove(self.connection, services_of.values())

    def apply_policy(self, policy: Document) -> None:
        """See ClusterUnderTest."""
        apply.apply_policy(self.connection, policy)

    def delete_policy(self, namespace: str, name: str) -> None:
        """See ClusterUnderTest."""
        apply.delete_policy(self.connection, namespace, name)

    def relabel_pod(self, namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        apply.change_pod(self.connection, namespace, name, {"labels": changes})

    def relabel_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        apply.change_namespace(self.connection, name, {"labels": changes})

    def annotate_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        apply.change_namespace(self.connection, name, {"annotations": changes})

    def restart_plugin(self) -> None:
        """See ClusterUnderTest."""
        restart.restart_plugin(self.connection, self._restarts)

    def restart_node(self, name: str) -> None:
        """See ClusterUnderTest."""
        restart.restart_node(self.connection, self._restarts, name)


def _policies(listed: Iterable[Document]) -> Iterator[NetworkPolicy]:
    for each in listed:
        with suppress(InvalidPolicy):  # a field of a later Kubernetes, of which nobody here knows what it means
            yield NetworkPolicy.from_document(
                {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": each["metadata"], "spec": each.get("spec")}
            )


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
        room=int(node["status"].get("allocatable", {}).get("pods", 0)),
        spare=min((ip_network(each).num_addresses for each in node["spec"].get("podCIDRs") or ()), default=0),
    )

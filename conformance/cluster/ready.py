"""Is a new cluster ready? Asked of the API server until it is, with the reasons of what is not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.plugin import Workload

_DNS = Workload("deployment", "kube-system", "coredns")
_PULL_ERRORS = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}
_PULL_PATIENCE = 20.0
"""Seconds for which an image may fail to be pulled: a registry hiccups, one that is not there stays away."""

_TROUBLES = (client.ApiException, urllib3.exceptions.HTTPError)
"""What a server that is just starting, or overloaded, may answer with."""

_PAUSE = 0.3
_LOG_LINES = 3


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node: its own addresses and the ranges that its pods' addresses come from."""

    name: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    pod_ranges: tuple[IPv4Network | IPv6Network, ...]

    def address(self, version: int) -> IPv4Address | IPv6Address | None:
        """Its address of IP version 4 or 6, if it has one."""
        return next((address for address in self.addresses if address.version == version), None)


class Questions:
    """What the API server of one cluster is asked here. Each answer is read anew."""

    def __init__(self, kubeconfig: Path) -> None:
        try:
            self._api = config.new_client_from_config(config_file=str(kubeconfig))
        except config.ConfigException as error:
            raise BrokenCluster(f"{kubeconfig}: {error}") from error
        self._core, self._apps = client.CoreV1Api(self._api), client.AppsV1Api(self._api)

    def close(self) -> None:
        """Give its connections back."""
        self._api.close()

    def is_answering(self) -> bool:
        """Does the API server answer within 2 s?"""
        try:
            client.VersionApi(self._api).get_code(_request_timeout=2)
        except _TROUBLES:
            return False
        return True

    def nodes(self) -> list[NodeFacts]:
        """The nodes that have joined, sorted by name."""
        found = [
            NodeFacts(
                item.metadata.name,
                tuple(ip_address(each.address) for each in item.status.addresses or () if each.type == "InternalIP"),
                # by the API's own name: the client's name of this field differs between its releases
                tuple(ip_network(each) for each in self._api.sanitize_for_serialization(item.spec).get("podCIDRs") or ()),
            )
            for item in self._core.list_node().items
        ]
        return sorted(found, key=lambda node: node.name)

    def unready_nodes(self) -> list[str]:
        """A sentence for each node that is not Ready."""
        conditions = {
            item.metadata.name: next((each for each in item.status.conditions or () if each.type == "Ready"), None)
            for item in self._core.list_node().items
        }
        return [
            f"node {name} is not Ready: {condition.message if condition else 'it has not reported yet'}"
            for name, condition in conditions.items()
            if condition is None or condition.status != "True"
        ]

    def is_rolled_out(self, workload: Workload) -> bool:
        """Have all pods of a DaemonSet or Deployment the newest form, and are they ready?"""
        try:
            if workload.kind == "daemonset":
                item = self._apps.read_namespaced_daemon_set(workload.name, workload.namespace)
                wanted, now = item.status.desired_number_scheduled, (item.status.number_ready, item.status.updated_number_scheduled)
            else:
                item = self._apps.read_namespaced_deployment(workload.name, workload.namespace)
                wanted, now = item.spec.replicas, (item.status.available_replicas, item.status.updated_replicas)
        except client.ApiException as error:
            if error.status == 404:
                return False
            raise
        is_seen = (item.status.observed_generation or 0) >= item.metadata.generation
        return bool(is_seen and wanted and all(number == wanted for number in now))

    def pod_troubles(self) -> list[tuple[str, str]]:
        """(reason, sentence) for each pod of the cluster that is not ready, with what its containers wait for or its last warning."""
        found = []
        for pod in self._core.list_pod_for_all_namespaces().items:
            if pod.status.phase == "Succeeded" or _is_ready(pod):
                continue
            reason, message = _waiting(pod) or self._warning(pod) or (pod.status.phase, "no reason given yet")
            if reason == "CrashLoopBackOff":
                message += self._last_words(pod)
            who = f"pod {pod.metadata.namespace}/{pod.metadata.name} on {pod.spec.node_name or 'no node'}"
            found.append((reason, f"{who}: {reason}: {message}"))
        return found

    def _last_words(self, pod: Any) -> str:
        """The end of the log of the container that crashed, empty where it cannot be read."""
        statuses = (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))
        crashed = next(each.name for each in statuses if each.state.waiting)
        try:
            log = self._core.read_namespaced_pod_log(
                pod.metadata.name, pod.metadata.namespace, container=crashed, previous=True, tail_lines=_LOG_LINES
            )
        except client.ApiException:
            return ""
        return f"; the last lines of its log:\n{log.strip()}"

    def _warning(self, pod: Any) -> tuple[str, str] | None:
        """The pod's newest warning event."""
        wanted = f"involvedObject.uid={pod.metadata.uid},type=Warning"
        events = self._core.list_namespaced_event(pod.metadata.namespace, field_selector=wanted).items
        newest = max(events, key=lambda event: event.metadata.creation_timestamp, default=None)
        return (newest.reason, newest.message) if newest else None


def wait_for_nodes(questions: Questions, count: int, limit: float) -> list[NodeFacts]:
    """The nodes with their addresses and pod ranges, once all have them.

    Raises BrokenCluster after `limit` seconds.
    """
    deadline = time.monotonic() + limit
    nodes: list[NodeFacts] = []
    while True:
        try:
            nodes = questions.nodes()
        except _TROUBLES as error:
            if time.monotonic() > deadline:
                raise BrokenCluster(f"the API server does not answer: {_first_line(error)}") from error
        if len(nodes) == count and all(node.addresses and node.pod_ranges for node in nodes):
            return nodes
        if time.monotonic() > deadline:
            known = ", ".join(f"{node.name} {'' if node.pod_ranges else '(no pod range)'}" for node in nodes) or "none"
            raise BrokenCluster(f"{count} nodes with a pod range were to be there after {limit:.0f} s; there are: {known}")
        time.sleep(_PAUSE)


def wait_until_ready(questions: Questions, workloads: Iterable[Workload], limit: float) -> None:
    """Return when every node is Ready and the workloads and CoreDNS are rolled out.

    Raises BrokenCluster with what is not ready and why: after `limit` seconds, or earlier where an image cannot be pulled.
    """
    wanted = (*workloads, _DNS)
    deadline, pulls_fail_since = time.monotonic() + limit, None
    while True:
        try:
            missing = [f"{each} is not rolled out" for each in wanted if not questions.is_rolled_out(each)] + questions.unready_nodes()
            troubles = questions.pod_troubles() if missing else []
        except _TROUBLES as error:
            missing, troubles = [f"the API server does not answer: {_first_line(error)}"], []
        if not missing:
            return
        pulls = [sentence for reason, sentence in troubles if reason in _PULL_ERRORS]
        pulls_fail_since = (pulls_fail_since or time.monotonic()) if pulls else None
        if pulls and pulls_fail_since and time.monotonic() - pulls_fail_since > _PULL_PATIENCE:
            raise BrokenCluster("an image cannot be pulled: " + "; ".join(pulls))
        if time.monotonic() > deadline:
            raise BrokenCluster(f"not ready after {limit:.0f} s: " + "; ".join([*missing, *(sentence for _, sentence in troubles)]))
        time.sleep(_PAUSE)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_ready(pod: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ())


def _waiting(pod: Any) -> tuple[str, str] | None:
    """What the first container that does not run is waiting for; what only waits for others is no reason."""
    for each in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
        state = each.state.waiting
        if state and state.reason not in {"PodInitializing", "ContainerCreating"}:
            return state.reason, (state.message or "no message").strip()
    return None

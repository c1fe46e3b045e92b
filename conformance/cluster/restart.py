"""Starting things again that a plugin must survive: its own agents, and a node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection, Document
from conformance.cluster.contract import BrokenPlugin, NotPossible

LIMIT = 180.0
"""Seconds for agents, and for a node, to come back."""

_POLL, _SYSTEM = 0.25, "kube-system"


@dataclass(frozen=True, slots=True)
class PodsOf:
    """Pods of a namespace by a label selector (`k8s-app=cilium`)."""

    namespace: str
    selector: str

    def __str__(self) -> str:
        return f"{self.namespace}, {self.selector}"


@dataclass(frozen=True, slots=True)
class Restarts:
    """What can be started again. `agents` are the plugin's pods: deleted, they come back.

    `node` starts the node of this name again and returns when that is under way (None: nobody can); `because_not` says why
    there are no agents.
    """

    agents: tuple[PodsOf, ...] = ()
    because_not: str = "nobody said which plugin runs here (--cni)"
    node: Callable[[str], None] | None = None


def restart_plugin(connection: Connection, restarts: Restarts) -> None:
    """Delete all agents, and wait until as many others are ready.

    Raises NotPossible where there are none or where we may not; BrokenPlugin where they do not come back.
    """
    if not restarts.agents:
        raise NotPossible(restarts.because_not)
    marks, before = _marks(connection), _agents(connection, restarts.agents)
    if not before:
        raise NotPossible(f"no pod of the plugin was found ({'; '.join(map(str, restarts.agents))})")
    for pod in before:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        try:
            connection.call(f"delete pod {namespace}/{name}", connection.core.delete_namespaced_pod, name, namespace)
        except BrokenRequest as refusal:
            if refusal.status == 403:
                raise NotPossible(str(refusal)) from refusal
            if refusal.status != 404:
                raise
    old = {pod["metadata"]["uid"] for pod in before}
    _back(connection, restarts.agents, lambda now: _count(now, old) >= len(before), "the plugin's agents")
    _take_pods(connection, marks)


def restart_node(connection: Connection, restarts: Restarts, name: str) -> None:
    """Start a node again, and wait until it is ready and all that runs there for the cluster is, anew.

    Raises NotPossible where nobody can; BrokenCluster where the node, BrokenPlugin where the plugin does not come back.
    """
    if restarts.node is None:
        raise NotPossible("nodes can be restarted in a cluster of kind only, whose engine the suite can ask")
    marks, before = _marks(connection), _containers(_residents(connection, name))
    began = time.monotonic()
    restarts.node(name)
    while (why := _why_not_back(connection, name, before)) and time.monotonic() - began < LIMIT:
        time.sleep(_POLL)
    if why:
        raise BrokenCluster(f"node {name} was restarted, and {LIMIT:.0f} s later {why}")
    _back(connection, restarts.agents, lambda now: _are_up_on(now, name), f"the plugin's agents on node {name}")
    _take_pods(connection, marks)


def _marks(connection: Connection) -> set[tuple[str, str]]:
    """The nodes' taints, as pairs of node and key; none where we may not list nodes."""
    nodes = connection.listed("list nodes", connection.core.list_node)
    return {(node["metadata"]["name"], taint["key"]) for node in nodes for taint in node["spec"].get("taints") or ()}


def _take_pods(connection: Connection, before: set[tuple[str, str]]) -> None:
    """Wait until the nodes have no other taints than before. Kubernetes and some plugins put one on a node whose kubelet or agent is away,
    and take it off a moment after it is back: the next world would do without that node."""
    began = time.monotonic()
    while more := _marks(connection) - before:
        if time.monotonic() - began > LIMIT:
            node, key = min(more)
            raise BrokenPlugin(f"{LIMIT:.0f} s after the restart node {node} still takes no pods: its taint {key} stays")
        time.sleep(_POLL)


def _residents(connection: Connection, node: str) -> list[Document]:
    """What runs on a node for the cluster: kube-proxy, name servers, most plugins."""
    found: list[Document] = connection.call(
        f"list the pods of {_SYSTEM}", connection.core.list_namespaced_pod, _SYSTEM, field_selector=f"spec.nodeName={node}"
    )["items"]
    return found


def _containers(pods: Iterable[Document]) -> set[str]:
    return {each["containerID"] for pod in pods for each in pod["status"].get("containerStatuses") or () if each.get("containerID")}


def _why_not_back(connection: Connection, name: str, before: set[str]) -> str:
    """A node may say "Ready" of its former life for 40 s: only containers that are new prove that it is back."""
    node = connection.call(f"read node {name}", connection.core.read_node, name)
    ready: Document = next((each for each in node["status"].get("conditions") or () if each["type"] == "Ready"), {})
    if ready.get("status") != "True":
        return f"it is not ready: {ready.get('message') or 'it has not reported'}"
    now = _residents(connection, name)
    if old := _containers(now) & before:
        return f"{len(old)} containers are those of before"
    late = [pod["metadata"]["name"] for pod in now if not _is_ready(pod)]
    return f"not ready on it: {', '.join(late)}" if late else ""


def _back(connection: Connection, agents: tuple[PodsOf, ...], are_back: Callable[[list[Document]], bool], who: str) -> None:
    began = time.monotonic()
    while not are_back(now := _agents(connection, agents)):
        if time.monotonic() - began > LIMIT:
            late = ", ".join(f"{pod['metadata']['name']} ({pod['status'].get('phase')})" for pod in now if not _is_ready(pod))
            raise BrokenPlugin(f"{who} were restarted and are not ready after {LIMIT:.0f} s: {late or 'none is there'}")
        time.sleep(_POLL)


def _agents(connection: Connection, agents: Iterable[PodsOf]) -> list[Document]:
    return [
        pod
        for each in agents
        for pod in connection.call(
            f"list the pods of {each}", connection.core.list_namespaced_pod, each.namespace, label_selector=each.selector
        )["items"]
    ]


def _count(pods: Iterable[Document], old: set[str]) -> int:
    """How many that are not old are ready; none while an old one is there."""
    found = list(pods)
    if any(pod["metadata"]["uid"] in old for pod in found):
        return 0
    return sum(map(_is_ready, found))


def _are_up_on(pods: Iterable[Document], node: str) -> bool:
    return all(_is_ready(pod) for pod in pods if pod["spec"].get("nodeName") == node)


def _is_ready(pod: Document) -> bool:
    conditions = pod["status"].get("conditions") or ()
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]

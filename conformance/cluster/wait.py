"""Waiting for pods, and why a pod is not what it was to be: its own words, its events, its node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection, Document
from conformance.cluster.contract import BrokenPlugin
from conformance.world.place import Observed, Pod, Port
from conformance.world.verdict import Protocol

_POLL, _LONGEST, _PODS = 0.1, 5.0, 20
"""Seconds between two looks at so many pods; at more it is looked less often, for each weighs some 50 KB."""

_PATIENCE = 15.0
"""Seconds for which an image may fail to be pulled, a busy node to start a container or a pod to find a node: each may mend itself, and
none of them takes long for that."""

_HOPELESS = {
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CrashLoopBackOff",
}
_NO_NETWORK = "FailedCreatePodSandBox"
"""The event of a pod that the plugin gives no network (or whose pause container does not start)."""

_NAME_SERVERS = "k8s-app=kube-dns"
_WAITING = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError", "CreateContainerError", "RunContainerError"}


class BrokenPod(BrokenCluster):
    """A pod does not start, or runs no longer. The sentence says why, as far as the cluster knows."""


def pods_ready(connection: Connection, pods: Mapping[str, Document]) -> dict[str, Observed]:
    """What the cluster gave to each of these pods (manifests by reference), once all of them run. A namespace whose pods do is not
    looked at again.

    Raises BrokenPod after `times.pods` seconds, at once where it is hopeless, and after 15 s where an image cannot be
    pulled, its container cannot be started, or no node takes the pod. BrokenPlugin instead where it has no network after all that time.
    """
    began = time.monotonic()
    trouble_since: dict[str, float] = {}
    found: dict[str, Observed] = {}
    left = dict(pods)
    while True:
        now, seen = time.monotonic(), _look(connection, left.values())
        states = {ref: seen.get(_key(pod)) for ref, pod in left.items()}
        starting = {_key(left[ref])[0] for ref, state in states.items() if not (state and _is_running(state))}
        found |= {ref: _observed(state) for ref, state in states.items() if state and _key(left[ref])[0] not in starting}
        left = {ref: pod for ref, pod in left.items() if ref not in found}
        if not left:
            return {ref: found[ref] for ref in pods}
        for ref, state in states.items():
            trouble, is_final = _hindrance(state) if state else ("", False)
            since = trouble_since.setdefault(ref, now) if trouble else trouble_since.pop(ref, now)
            is_late = now - began > connection.times.pods and not (state and _is_running(state))
            if is_late or (trouble and (is_final or now - since > _PATIENCE)):
                sentence = _sentence(connection, ref, pods[ref], state, trouble, now - began)
                raise BrokenPlugin(sentence) if _NO_NETWORK in sentence else BrokenPod(sentence)
        time.sleep(min(_LONGEST, _POLL * max(1.0, len(left) / _PODS)))


def pods_gone(connection: Connection, pods: Mapping[str, Document]) -> None:
    """Wait until the objects of pods that are being deleted are gone. A new pod of the same name counts as one that is there.

    Raises BrokenPod after `times.pods` seconds.
    """
    _until(connection, pods, lambda state: state is None, "is still there {waited:.0f} s after it was deleted")


def pods_completed(connection: Connection, pods: Mapping[str, Document]) -> None:
    """Wait until pods have ended with success. Raises BrokenPod after `times.pods` seconds, or where one has failed."""

    def has_ended(state: Document | None) -> bool:
        return state is not None and state["status"].get("phase") == "Succeeded"

    _until(connection, pods, has_ended, "has not ended with success after {waited:.0f} s")


def _until(connection: Connection, pods: Mapping[str, Document], is_so: Callable[[Document | None], bool], otherwise: str) -> None:
    began = time.monotonic()
    while True:
        seen = _look(connection, pods.values())
        left = [ref for ref, pod in pods.items() if not is_so(seen.get(_key(pod)))]
        if not left:
            return
        waited = time.monotonic() - began
        if waited > connection.times.pods:
            namespace, name = _key(pods[left[0]])
            state = seen.get((namespace, name))
            node = _node(state) if state else None
            told = [_trouble(state)[0] if state else "", _unready(connection, node), _events(connection, namespace, name)]
            what = f"pod {left[0]} ({namespace}/{name}) {otherwise.format(waited=waited)}"
            raise BrokenPod("; ".join(part for part in (what, *told) if part))
        time.sleep(min(_LONGEST, _POLL * max(1.0, len(left) / _PODS)))


def state_of(connection: Connection, namespace: str, name: str, patience: float | None = None) -> str:
    """Why a pod cannot be talked to, in one sentence; "" where the cluster sees nothing wrong with it.

    Raises BrokenCluster where the API server does not tell within `patience` seconds.
    """
    try:
        pod = connection.call(f"read pod {namespace}/{name}", connection.core.read_namespaced_pod, name, namespace, patience=patience)
    except BrokenRequest as refusal:
        if refusal.status == 404:
            return f"pod {namespace}/{name} is gone: somebody deleted it"
        raise
    trouble, _ = _hindrance(pod)
    unready = _unready(connection, _node(pod))
    return "; ".join(part for part in (f"pod {namespace}/{name}: {trouble}" if trouble else "", unready) if part)


def init_report(connection: Connection, namespace: str, name: str) -> str:
    """The termination message of a pod's first init container; "" where there is none yet. Raises BrokenCluster."""
    pod = connection.call(f"read pod {namespace}/{name}", connection.core.read_namespaced_pod, name, namespace)
    first: Document = next(iter(pod["status"].get("initContainerStatuses") or ()), {"state": {}})
    return str((first["state"].get("terminated") or {}).get("message") or "")


def name_servers(connection: Connection) -> tuple[Pod, ...]:
    """The pods that resolve names in this cluster, with the ports that they serve; none where we may not see them."""
    pods = connection.listed("list the name servers", connection.core.list_namespaced_pod, "kube-system", label_selector=_NAME_SERVERS)
    return tuple(_name_server(pod) for pod in pods if _is_running(pod))


def _name_server(pod: Document) -> Pod:
    namespace, name = _key(pod)
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or ()]
    serves = tuple(Port(port["containerPort"], Protocol(port.get("protocol", "TCP")), port.get("name")) for port in ports)
    seen = _observed(pod)
    return Pod(f"{namespace}/{name}", namespace, name, pod["metadata"].get("labels", {}), serves, seen.addresses, seen.node)


def _look(connection: Connection, pods: Iterable[Document]) -> dict[tuple[str, str], Document]:
    found = {}
    for namespace in sorted({pod["metadata"]["namespace"] for pod in pods}):
        for pod in connection.call(f"list the pods of {namespace}", connection.core.list_namespaced_pod, namespace)["items"]:
            found[_key(pod)] = pod
    return found


def _node(pod: Document) -> str | None:
    """Where it is, or is to be."""
    wanted: str | None = pod["spec"].get("nodeName") or (pod["spec"].get("nodeSelector") or {}).get("kubernetes.io/hostname")
    return wanted


def _key(pod: Document) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _is_running(pod: Document) -> bool:
    status = pod["status"]
    containers = status.get("containerStatuses") or []
    is_up = status.get("phase") == "Running" and bool(containers) and all(each["ready"] for each in containers)
    return is_up and bool(status.get("podIPs")) and "deletionTimestamp" not in pod["metadata"]


def _observed(pod: Document) -> Observed:
    return Observed(tuple(ip_address(each["ip"]) for each in pod["status"]["podIPs"]), pod["spec"].get("nodeName"))


def _hindrance(pod: Document) -> tuple[str, bool]:
    """Why a pod that is wanted does not run, as `_trouble`. One that is being deleted ends as it was asked to: that is no cause."""
    if pod["metadata"].get("deletionTimestamp"):
        return "it is being deleted: somebody asked for it", True
    return _trouble(pod)


def _trouble(pod: Document) -> tuple[str, bool]:
    """What is wrong ("" for nothing), and whether it will never mend itself."""
    status = pod["status"]
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        ended = container["state"].get("terminated") or {}
        if ended and not (ended.get("exitCode") == 0 and container in (status.get("initContainerStatuses") or ())):
            return f"its container ended with {_end(ended)}", status["phase"] in ("Failed", "Succeeded")
        waiting = container["state"].get("waiting") or {}
        if waiting.get("reason") in _HOPELESS | _WAITING:
            before = container.get("lastState", {}).get("terminated") or {}
            message = _flat(waiting.get("message")) + (f" (it ended with {_end(before)})" if before else "")
            return f"{waiting['reason']}: {message}", waiting["reason"] in _HOPELESS
    if status.get("phase") in ("Failed", "Succeeded"):
        return f"{status.get('reason') or status['phase']}: {status.get('message') or 'no message'}", True
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"no node takes it ({condition.get('reason')}): {condition.get('message')}", False
    return "", False


def _end(ended: Document) -> str:
    said = f": {_flat(ended['message'])}" if ended.get("message") else ""
    return f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason given')}){said}"


def _flat(text: str | None) -> str:
    """On one line, and no longer than anybody reads: the end of it, where programs say what happened."""
    return " ".join((text or "no message").split())[-400:]


def _sentence(connection: Connection, ref: str, pod: Document, state: Document | None, trouble: str, waited: float) -> str:
    namespace, name = _key(pod)
    if state is None:
        return f"pod {ref} ({namespace}/{name}) is gone: it was accepted, and {waited:.0f} s later it is not there"
    node = _node(state)
    image = ", ".join(container["image"] for container in state["spec"]["containers"])
    told = [trouble or f"it is {state['status'].get('phase', 'unknown')}", _unready(connection, node), _events(connection, namespace, name)]
    pod_text = f"pod {ref} ({namespace}/{name}, image {image}, {f'for node {node}' if node else 'for any node'})"
    return f"{pod_text} does not run after {waited:.0f} s: " + "; ".join(part for part in told if part)


def _events(connection: Connection, namespace: str, name: str) -> str:
    """The last warnings that tell of a pod, oldest first; "" where there are none or we may not see them."""
    selector = f"involvedObject.name={name},involvedObject.kind=Pod,type=Warning"
    try:
        answer = connection.call(
            f"list the events of {namespace}", connection.core.list_namespaced_event, namespace, field_selector=selector
        )
    except BrokenCluster:
        return ""
    events = sorted(answer["items"], key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    told = list(dict.fromkeys(f"{event.get('reason')}: {_flat(event.get('message'))}" for event in events))
    return "events: " + "; ".join(told[-2:]) if told else ""


def _unready(connection: Connection, node: str | None) -> str:
    """That a node is NotReady and why; "" where it is ready or we may not see it."""
    if not node:
        return ""
    try:
        status = connection.call(f"read node {node}", connection.core.read_node, node, patience=0)["status"]
    except BrokenCluster:
        return ""
    ready = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)
    if ready and ready["status"] == "True":
        return ""
    return f"node {node} is NotReady: {ready.get('message') or ready.get('reason') if ready else 'it has not reported'}"

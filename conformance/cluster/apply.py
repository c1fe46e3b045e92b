"""What a run changes in a cluster. Each function returns when the API server has accepted the change.

Nothing here touches a namespace that does not carry a run's label (names come from rendered manifests, which do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conformance.cluster.connection import BrokenRequest, Connection, Document
from conformance.cluster.owner import ANNOTATION, Owner
from conformance.world.policy import directions_without_types

FIELD_MANAGER = "cni-conformance"

_AT_ONCE = 8
"""Pods created at the same time: a fourth of the requests that an API server works on for one client."""


def create_namespaces(connection: Connection, namespaces: Iterable[Document]) -> None:
    """Create namespaces, marked with the process that owns them. Raises BrokenCluster at the first that is refused."""
    owner = Owner.of_this_process().text()
    for namespace in namespaces:
        metadata = namespace["metadata"]
        marked = {**metadata, "annotations": {**metadata.get("annotations", {}), ANNOTATION: owner}}
        doing = f"create namespace {metadata['name']}"
        create_object(connection, doing, connection.core.create_namespace, {**namespace, "metadata": marked})


def create_pods(connection: Connection, pods: Iterable[Document]) -> None:
    """Create pods, some at a time. Raises BrokenCluster at the first that is refused."""
    _at_once(connection, _create_pod, pods)


def delete_pods(connection: Connection, pods: Iterable[Document]) -> None:
    """Delete pods with the grace that they ask for. One that is not there is as good. Raises BrokenCluster."""
    _at_once(connection, _delete_pod, pods)


def _at_once(connection: Connection, work: Callable[[Connection, Document], None], pods: Iterable[Document]) -> None:
    with ThreadPoolExecutor(_AT_ONCE, "pods") as pool:
        for done in [pool.submit(work, connection, pod) for pod in pods]:
            done.result()


def _create_pod(connection: Connection, pod: Document) -> None:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    create_object(connection, f"create pod {namespace}/{name}", connection.core.create_namespaced_pod, namespace, pod)


def _delete_pod(connection: Connection, pod: Document) -> None:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    delete_object(connection, f"delete pod {namespace}/{name}", connection.core.delete_namespaced_pod, name, namespace)


def apply_policy(connection: Connection, policy: Document) -> None:
    """Create or change a NetworkPolicy, by server-side apply: it may be repeated. Afterwards it is what its text says.

    Raises BrokenCluster.
    """
    namespace, name = policy["metadata"]["namespace"], policy["metadata"]["name"]
    connection.call(
        f"apply NetworkPolicy {namespace}/{name}",
        connection.policies.patch_namespaced_network_policy,
        name,
        namespace,
        _with_types(policy),
        field_manager=FIELD_MANAGER,
        force=True,
        _content_type="application/apply-patch+yaml",
    )


def _with_types(policy: Document) -> Document:
    """The policy with its policyTypes written out.

    The API server fills them in, but only once: a policy that is applied again without its egress rules would keep the Egress that the
    server had written, and let nothing out.
    """
    spec = policy.get("spec") or {}
    if spec.get("policyTypes"):
        return policy
    types = [direction.title() for direction in directions_without_types(spec.get("egress") or ())]
    return {**policy, "spec": {**spec, "policyTypes": types}}


def delete_policy(connection: Connection, namespace: str, name: str) -> None:
    """Delete a NetworkPolicy. One that is not there is as good. Raises BrokenCluster."""
    delete_object(
        connection, f"delete NetworkPolicy {namespace}/{name}", connection.policies.delete_namespaced_network_policy, name, namespace
    )


def change_pod(connection: Connection, namespace: str, name: str, metadata: Mapping[str, Any]) -> None:
    """Merge into a pod's metadata; None removes an entry. Raises BrokenCluster."""
    _merge(connection, f"change pod {namespace}/{name}", connection.core.patch_namespaced_pod, (name, namespace), metadata)


def change_namespace(connection: Connection, name: str, metadata: Mapping[str, Any]) -> None:
    """Merge into a namespace's metadata; None removes an entry. Raises BrokenCluster."""
    _merge(connection, f"change namespace {name}", connection.core.patch_namespace, (name,), metadata)


def _merge(connection: Connection, doing: str, method: Callable[..., Any], where: tuple[str, ...], metadata: Mapping[str, Any]) -> None:
    body = {"metadata": {key: dict(entries) for key, entries in metadata.items()}}
    connection.call(doing, method, *where, body, _content_type="application/merge-patch+json")


def create_object(connection: Connection, doing: str, method: Callable[..., Any], *arguments: Any) -> Document | None:
    """Create an object; the object as it was created, None where an earlier attempt, whose answer was lost, has done it.

    Raises BrokenCluster.
    """
    try:
        return connection.call(doing, method, *arguments)
    except BrokenRequest as refusal:
        if refusal.status != 409 or refusal.attempts == 1:
            raise
        return None


def delete_object(connection: Connection, doing: str, method: Callable[..., Any], *arguments: Any) -> None:
    """Delete an object. One that is not there is as good. Raises BrokenCluster."""
    try:
        connection.call(doing, method, *arguments)
    except BrokenRequest as refusal:
        if refusal.status != 404:
            raise

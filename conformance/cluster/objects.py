"""What people have in a cluster: read only, and of each object only what a policy can see. Secrets are never asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection, Document


class MissingRight(BrokenCluster):
    """We may not read what we need. The sentence names verb, resource and namespace."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that is read: its kind, its name with the group, and the client's methods for one namespace and for all."""

    kind: str
    version: str
    plural: str
    api: str
    method: str

    @property
    def full(self) -> str:
        """`deployments.apps`, as RBAC and kubectl have it."""
        group = self.version.partition("/")[0] if "/" in self.version else ""
        return f"{self.plural}.{group}" if group else self.plural

    def lists(self, connection: Connection, namespace: str | None) -> Callable[..., Any]:
        """The client's method, which takes the namespace where there is one."""
        name = f"list_namespaced_{self.method}" if namespace else f"list_{self.method}_for_all_namespaces"
        found: Callable[..., Any] = getattr(getattr(connection, self.api), name)
        return found


RESOURCES = (
    Resource("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", "policies", "network_policy"),
    Resource("Deployment", "apps/v1", "deployments", "apps", "deployment"),
    Resource("StatefulSet", "apps/v1", "statefulsets", "apps", "stateful_set"),
    Resource("DaemonSet", "apps/v1", "daemonsets", "apps", "daemon_set"),
    Resource("ReplicaSet", "apps/v1", "replicasets", "apps", "replica_set"),
    Resource("Job", "batch/v1", "jobs", "batch", "job"),
    Resource("CronJob", "batch/v1", "cronjobs", "batch", "cron_job"),
    Resource("Pod", "v1", "pods", "core", "pod"),
    Resource("Service", "v1", "services", "core", "service"),
)

FOREIGN = (
    ("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"),
    ("cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy"),
    ("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy of crd.projectcalico.org"),
    ("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy"),
    ("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "v1alpha1", "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies", "ClusterNetworkPolicy"),
    ("crd.antrea.io", "v1beta1", "networkpolicies", "NetworkPolicy of crd.antrea.io"),
    ("crd.antrea.io", "v1beta1", "clusternetworkpolicies", "ClusterNetworkPolicy"),
)
"""Policies of other APIs, of which only the names are read: with them the answer may be another."""


@dataclass(slots=True)
class Objects:
    """`documents` are what was read, cut down; `foreign` kinds and names of other policies; `unknown` what we may not see."""

    documents: list[Document] = field(default_factory=list)
    foreign: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read_objects(connection: Connection, namespaces: Collection[str]) -> Objects:
    """Namespaces, workloads, Services and policies of these namespaces (none: of all).

    Raises MissingRight, BrokenCluster, and BrokenRequest where a named namespace is not there.
    """
    found = Objects()
    found.documents += _namespaces(connection, namespaces, found.unknown)
    for resource in RESOURCES:
        for namespace in tuple(namespaces) or (None,):
            found.documents += _listed(connection, resource, namespace)
    for group, version, plural, kind in FOREIGN:
        found.foreign += _foreign(connection, group, version, plural, kind, namespaces, found.unknown)
    return found


def _namespaces(connection: Connection, wanted: Collection[str], unknown: list[str]) -> Iterator[Document]:
    """All namespaces, or those that are wanted where we may not list them."""
    try:
        every = connection.call("list namespaces", connection.core.list_namespace)["items"]
    except BrokenRequest as refusal:
        if refusal.status != 403:
            raise
        if not wanted:
            raise MissingRight("no permission to list namespaces: name those to be read (-n NAMESPACE), or ask for that right") from refusal
        unknown.append("no permission to list namespaces: the labels of all but those that were named are not known")
        every = [_namespace(connection, name, unknown) for name in wanted]
    there = {each["metadata"]["name"] for each in every}
    missing = [name for name in wanted if name not in there]
    if missing:
        raise BrokenCluster(f"{connection.context} has no namespace {missing[0]!r}; it has: {', '.join(sorted(there))[:500]}")
    for each in every:
        metadata = each["metadata"]
        # Without labels at all nobody knows them: the API server sets one on every namespace.
        labels = {"labels": metadata["labels"]} if metadata.get("labels") else {}
        if labels:
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": metadata["name"], **labels}}


def _namespace(connection: Connection, name: str, unknown: list[str]) -> Document:
    try:
        return connection.call(f"read namespace {name}", connection.core.read_namespace, name)
    except BrokenRequest as refusal:
        if refusal.status != 403:
            raise
        unknown.append(f"no permission to get namespaces: the labels of {name} are not known")
        return {"metadata": {"name": name}}


def _listed(connection: Connection, resource: Resource, namespace: str | None) -> Iterator[Document]:
    words = [namespace] if namespace else []
    doing = f"list {resource.full}" + (f" in namespace {namespace}" if namespace else "")
    try:
        items = connection.call(doing, resource.lists(connection, namespace), *words)["items"]
    except BrokenRequest as refusal:
        if refusal.status != 403:
            raise
        raise MissingRight(
            f"no permission to {doing}: docs/own-policies.md has the role with all that is needed, reading only"
        ) from refusal
    return (_cut(resource, each) for each in items)


def _foreign(
    connection: Connection, group: str, version: str, plural: str, kind: str, namespaces: Collection[str], unknown: list[str]
) -> Iterable[tuple[str, str]]:
    """Kinds and names; nothing where the cluster has no such API."""
    try:
        items = connection.call(f"list {plural}.{group}", connection.custom.list_cluster_custom_object, group, version, plural)["items"]
    except BrokenRequest as refusal:
        if refusal.status == 403:
            unknown.append(f"no permission to list {plural}.{group}: whether there are any is not known")
        elif refusal.status != 404:
            raise
        return []
    named = [(each["metadata"].get("namespace"), each["metadata"]["name"]) for each in items]
    return [(kind, "/".join(filter(None, pair))) for pair in named if not namespaces or pair[0] in (None, *namespaces)]


def _cut(resource: Resource, item: Mapping[str, Any]) -> Document:
    """What is taken of an object: names, labels, ports, and what else a policy can see."""
    spec = item.get("spec") or {}
    own: Document = {"apiVersion": resource.version, "kind": resource.kind, "metadata": _metadata(item)}
    if resource.kind == "NetworkPolicy":
        own["spec"] = spec
    elif resource.kind == "Service":
        own["spec"] = {key: spec[key] for key in ("selector", "type", "ports") if spec.get(key)}
        own["spec"] |= {"clusterIP": "None"} if spec.get("clusterIP") == "None" else {}
    elif resource.kind == "Pod":
        own["metadata"]["labels"] = item["metadata"].get("labels") or {}
        own["spec"] = _pod(spec)
        own["status"] = {"podIPs": (item.get("status") or {}).get("podIPs") or []}
    elif resource.kind == "CronJob":
        own["spec"] = {
            "jobTemplate": {"spec": {"template": _template(((spec.get("jobTemplate") or {}).get("spec") or {}).get("template"))}}
        }
    else:
        own["spec"] = {"template": _template(spec.get("template"))}
        own["spec"] |= {"replicas": spec["replicas"]} if spec.get("replicas") is not None else {}
    return own


def _metadata(item: Mapping[str, Any]) -> Document:
    metadata = item["metadata"]
    owners = [{key: each.get(key) for key in ("kind", "name", "controller")} for each in metadata.get("ownerReferences") or ()]
    return {"name": metadata["name"], "namespace": metadata["namespace"], **({"ownerReferences": owners} if owners else {})}


def _template(template: Mapping[str, Any] | None) -> Document:
    template = template or {}
    return {"metadata": {"labels": (template.get("metadata") or {}).get("labels") or {}}, "spec": _pod(template.get("spec") or {})}


def _pod(spec: Mapping[str, Any]) -> Document:
    kept: Document = {key: spec[key] for key in ("hostNetwork", "nodeName") if spec.get(key)}
    for kind, keys in (("containers", ("ports",)), ("initContainers", ("ports", "restartPolicy"))):
        kept[kind] = [{key: each[key] for key in keys if each.get(key)} for each in spec.get(kind) or ()]
    return kept

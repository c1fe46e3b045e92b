"""Which permissions a run needs, and which of them are missing. `docs/rbac.yaml` is made from the table here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from conformance.cluster.clean import Connected


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a resource of an API group ("" is the core), and what they are for."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    because: str
    is_optional: bool = False


RIGHTS = (
    Right("", "namespaces", ("create", "delete", "list", "patch"), "Worlds are made of namespaces; scenarios relabel them."),
    Right(
        "",
        "pods",
        ("create", "delete", "get", "list", "patch"),
        "The probes; scenarios relabel and replace them. The pods that resolve names are read.",
    ),
    Right("", "pods/attach", ("create", "get"), "The talk with the probes (Kubernetes before 1.35 asks for get, later ones for create)."),
    Right("", "services", ("create", "delete", "get"), "Ways to pods that scenarios ask."),
    Right("networking.k8s.io", "networkpolicies", ("create", "delete", "patch"), "What is tested."),
    Right(
        "networking.k8s.io",
        "networkpolicies",
        ("list",),
        "Optional: whether those of kube-system let names be resolved.",
        is_optional=True,
    ),
    Right("", "events", ("list",), "They say why a pod does not start."),
    Right("", "nodes", ("get", "list"), "Optional: which pods share a node, and which node is not ready.", is_optional=True),
)
"""All that a run needs. RBAC cannot say "namespaces that it creates", so the rights inside of namespaces are given for all;
a run uses them in its own only."""


def cluster_role(name: str = "cni-conformance") -> dict[str, Any]:
    """The ClusterRole with exactly these rights."""
    rules = [{"apiGroups": [right.group], "resources": [right.resource], "verbs": list(right.verbs)} for right in RIGHTS]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def missing_rights(cluster: Connected) -> list[str]:
    """A sentence for each needed verb and resource that we may not use; empty where all is well.

    Asked by SelfSubjectAccessReview, which every authenticated user may create. Raises BrokenCluster.
    """
    wanted = [(right, verb) for right in RIGHTS if not right.is_optional for verb in right.verbs]
    with ThreadPoolExecutor(4, "rights") as pool:
        allowed = pool.map(lambda each: _is_allowed(cluster, *each), wanted)
        return [_sentence(right, verb) for (right, verb), is_allowed in zip(wanted, allowed, strict=True) if not is_allowed]


def _is_allowed(cluster: Connected, right: Right, verb: str) -> bool:
    resource, _, subresource = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": subresource, "verb": verb}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": asked}}
    doing = f"ask whether we may {verb} {right.resource}"
    answer = cluster.connection.call(doing, cluster.connection.access.create_self_subject_access_review, review)
    return bool(answer["status"]["allowed"])


def _sentence(right: Right, verb: str) -> str:
    group = f" of {right.group}" if right.group else ""
    return f"no permission to {verb} {right.resource}{group}: {right.because}"

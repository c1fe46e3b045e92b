"""The manifests by which the suite runs inside of the cluster that it measures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import yaml

from conformance.cluster.rights import cluster_role
from conformance.exit_code import NOTHING_ENFORCES, SOMETHING_FAILED, WRONG_USAGE

Document = dict[str, Any]

SUITE = "suite"
"""The container that measures."""

NAME = "cni-conformance"
"""Of the namespace, the Job and the service account, where nobody gives another."""

WORK = "/work"
"""The one folder of the container that can be written."""

FINAL = (SOMETHING_FAILED, WRONG_USAGE, NOTHING_ENFORCES)
"""Exit codes of a run that another try does not change: something failed, wrong usage, nothing enforces. A broken world may be mended
by then, and a killed pod has said nothing."""

GRACE = 120
"""Seconds for a pod that is told to end: its worlds must go, which takes a namespace some ten seconds, and its record must be written."""

LONGEST = 4 * 3600
"""Seconds after which the kubelet ends a pod. It stands in the pod: a Job's own deadline removes its pods and so their logs."""

_RESOURCES = {"requests": {"cpu": "500m", "memory": "768Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
"""With the whole catalogue the leading process takes 310 MiB, and each of the four of `run_words` that measure 105."""

_UNPRIVILEGED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_USER = {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
_WORKERS = 4


def default_image() -> str:
    """What the image of this version is called, wherever it was made."""
    return f"docker.io/cni-conformance/suite:{metadata.version('cni-conformance')}"


def name_fault(name: str) -> str:
    """Why this is no name of a Job or a namespace (a label of DNS, RFC 1123); "" where it is one."""
    return "" if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) else "small letters, digits and hyphens, at most 63 of them"


def is_name_of_job(name: str) -> bool:
    """Whether a Job that others made can be called so (a domain of DNS, RFC 1123)."""
    return re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name) is not None


def image_fault(image: str) -> str:
    """Why this cannot be an image's reference; "" where it can."""
    return "" if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", image) else "a reference such as registry.example/team/suite:1"


def manifests(image: str, namespace: str = NAME, name: str = NAME, words: Sequence[str] = ()) -> list[Document]:
    """All that `kubectl apply -f` needs. `words` are further ones of `run`."""
    template = pod_template(image, run_words(image, name, words), service_account=NAME)
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *rights(namespace),
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": NAME}},
            "spec": {
                "backoffLimit": 2,
                "podReplacementPolicy": "Failed",
                "podFailurePolicy": failure_policy("FailJob"),
                "template": template,
            },
        },
    ]


def rights(namespace: str) -> list[Document]:
    """A service account that may do what a run does, and no more. What is cluster-wide is called after the namespace."""
    wide = NAME if namespace == NAME else f"{NAME}-{namespace}"
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace}},
        cluster_role(wide),
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": wide},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": wide},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
        },
    ]


def run_words(image: str, name: str, words: Sequence[str] = ()) -> list[str]:
    """The words of a run on the cluster that the pod is in. The probes have the suite's own image: one is enough for a closed cluster."""
    workers = 0 if any(word.partition("=")[0] == "--world" for word in words) else _WORKERS  # one large world is measured by one process
    own = ["run", "--cluster", "kubeconfig", "--probe-image", image, "-n", str(workers), "--report", f"{WORK}/report", "--emit", name]
    return [*own, *words]


def pod_template(
    image: str,
    words: Sequence[str],
    *,
    service_account: str | None,
    environment: Sequence[Document] = (),
    volumes: Mapping[str, Document] | None = None,
) -> Document:
    """A pod that runs the suite with these words and is not started again in its place.

    It keeps to Pod Security `restricted`. Without a service account it gets no token. `environment` are further variables as the API
    has them; `volumes` further sources of volumes by their name, each mounted read-only at /NAME.
    """
    extra = volumes or {}
    container = {
        "name": SUITE,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(words),
        "workingDir": WORK,
        "env": [*_ENVIRONMENT, *environment],
        "resources": _RESOURCES,
        "securityContext": _UNPRIVILEGED,
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            *({"name": each, "mountPath": f"/{each}", "readOnly": True} for each in extra),
        ],
    }
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": NAME}},
        "spec": {
            **({"serviceAccountName": service_account} if service_account else {"automountServiceAccountToken": False}),
            "restartPolicy": "Never",
            "activeDeadlineSeconds": LONGEST,
            "terminationGracePeriodSeconds": GRACE,
            "enableServiceLinks": False,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "securityContext": _USER,
            "containers": [container],
            "volumes": [{"name": "work", "emptyDir": {}}, *({"name": each, **source} for each, source in extra.items())],
        },
    }


def _field(name: str, path: str) -> Document:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


_ENVIRONMENT: tuple[Document, ...] = (
    {"name": "HOME", "value": WORK},
    {"name": "CNI_CONFORMANCE_CACHE", "value": f"{WORK}/cache"},
    _field("CNI_CONFORMANCE_JOB", "metadata.labels['batch.kubernetes.io/controller-uid']"),
    _field("CNI_CONFORMANCE_INDEX", "metadata.annotations['batch.kubernetes.io/job-completion-index']"),
    {"name": "CNI_CONFORMANCE_SLOT", "value": "$(CNI_CONFORMANCE_JOB)/$(CNI_CONFORMANCE_INDEX)"},
    _field("CNI_CONFORMANCE_ATTEMPT", "metadata.uid"),
)
"""Slot and attempt: see `cluster.owner`."""


def failure_policy(action: str) -> Document:
    """Which ends of a pod are final: `action` is FailJob or FailIndex. A pod that its node evicts is no try."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": action, "onExitCodes": {"containerName": SUITE, "operator": "In", "values": list(FINAL)}},
        ]
    }


def as_yaml(documents: Sequence[Document]) -> str:
    """The documents for `kubectl apply -f`, without the aliases that PyYAML makes of what occurs twice."""
    return "---\n".join(yaml.dump(each, Dumper=_Plain, sort_keys=False, width=120) for each in documents)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, _data: object) -> bool:
        return True


# What kubectl takes for a number and PyYAML for a text (1e3, 0o17) is quoted like the other numbers.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|0o[0-7_]+$")
_Plain.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))

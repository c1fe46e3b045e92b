"""A fleet as objects of the hub: Secrets and ConfigMaps with what each part needs by its index, and the Indexed Jobs."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator, Mapping

from conformance.fleet.fleet import Fleet, FleetJob, SecretKey
from conformance.inside.job import Document, as_yaml, failure_policy, pod_template, run_words

LABEL = "cni-conformance/fleet"
"""On all objects of a fleet."""

LARGEST_OBJECT = 200_000
"""Bytes of data in a Secret or ConfigMap: `kubectl apply` writes the whole object a second time, as an annotation of at most 262,144."""

FOLDER = "/part"
"""In a pod: the words and the kubeconfig of its own part."""

WORDS, KUBECONFIG = "words", "kubeconfig"


class InvalidSize(ValueError):
    """Something of one part is too large for an object of the API. The text says what."""


def manifests(fleet: Fleet) -> str:
    """All objects as YAML, those that others need first. Raises InvalidSize."""
    head = f"# Fleet {fleet.name}: {sum(len(job.parts) for job in fleet.jobs)} parts in namespace {fleet.namespace}. Holds credentials.\n"
    return head + as_yaml(list(objects(fleet)))


def objects(fleet: Fleet) -> Iterator[Document]:
    """The objects of all Jobs. Raises InvalidSize."""
    for job in fleet.jobs:
        words = {f"{index}.{WORDS}": shlex.join(run_words(fleet.image, part.name, part.words)) for index, part in enumerate(job.parts)}
        kubeconfigs = {
            f"{index}.{KUBECONFIG}": base64.b64encode(part.member.kubeconfig.encode()).decode()
            for index, part in enumerate(job.parts)
            if isinstance(part.member.kubeconfig, str)
        }
        maps = list(_holders(fleet, job, "ConfigMap", words))
        secrets = list(_holders(fleet, job, "Secret", kubeconfigs))
        yield from (*secrets, *maps, _job(fleet, job, [*secrets, *maps]))


def _holders(fleet: Fleet, job: FleetJob, kind: str, data: Mapping[str, str]) -> Iterator[Document]:
    """Objects of one kind that hold the data, as few as there can be: JOB, JOB.2, …

    None of them changes once it is there: a second night that is applied over the first would else give new words to its last pods.
    """
    for number, mine in enumerate(_portions(job, data), 1):
        name = job.name if number == 1 else f"{job.name}.{number}"
        yield {"apiVersion": "v1", "kind": kind, "metadata": _metadata(fleet, name), "immutable": True, "data": mine}


def _portions(job: FleetJob, data: Mapping[str, str]) -> Iterator[dict[str, str]]:
    portion: dict[str, str] = {}
    size = 0
    for key, text in data.items():
        weight = len(json.dumps({key: text}))
        if weight > LARGEST_OBJECT:
            index, _, what = key.partition(".")
            raise InvalidSize(f"{job.parts[int(index)]}: its {what} takes {weight:,} bytes; an object holds {LARGEST_OBJECT:,} of them")
        if size + weight > LARGEST_OBJECT:
            yield portion
            portion, size = {}, 0
        portion[key] = text
        size += weight
    if portion:
        yield portion


def _job(fleet: Fleet, job: FleetJob, holders: list[Document]) -> Document:
    kubeconfig = {"name": "KUBECONFIG", "value": f"{FOLDER}/{KUBECONFIG}"}
    words = ["fleet", "measure", f"{FOLDER}/{WORDS}"]
    template = pod_template(fleet.image, words, service_account=None, environment=[kubeconfig])
    template["metadata"]["labels"][LABEL] = fleet.name
    pod = template["spec"]
    pod["volumes"].append({"name": "part", "projected": {"defaultMode": 0o444, "sources": _sources(job, holders)}})
    pod["containers"][0]["volumeMounts"] += map(_mount, (WORDS, KUBECONFIG))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(fleet, job.name),
        "spec": {
            "completionMode": "Indexed",
            "completions": len(job.parts),
            "parallelism": job.parallelism,
            "backoffLimitPerIndex": fleet.retries,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": failure_policy("FailIndex"),
            "template": template,
        },
    }


def _metadata(fleet: Fleet, name: str) -> Document:
    return {"name": name, "namespace": fleet.namespace, "labels": {LABEL: fleet.name}}


def _mount(file: str) -> Document:
    """Of all files of the Job a pod sees those of its own index; the Job's controller puts the index into its environment."""
    return {"name": "part", "mountPath": f"{FOLDER}/{file}", "subPathExpr": f"$(JOB_COMPLETION_INDEX).{file}", "readOnly": True}


def _sources(job: FleetJob, holders: list[Document]) -> list[Document]:
    """Files `<index>.words` and `<index>.kubeconfig`. A Secret that is not there stops its own parts only: it is optional."""
    kinds = {"ConfigMap": "configMap", "Secret": "secret"}
    found: list[Document] = [{kinds[each["kind"]]: {"name": each["metadata"]["name"]}} for each in holders]
    secrets: dict[str, list[Document]] = {}
    for index, part in enumerate(job.parts):
        if isinstance(where := part.member.kubeconfig, SecretKey):
            secrets.setdefault(where.name, []).append({"key": where.key, "path": f"{index}.{KUBECONFIG}"})
    return found + [{"secret": {"name": name, "optional": True, "items": items}} for name, items in secrets.items()]

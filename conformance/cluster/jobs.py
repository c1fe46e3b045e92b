"""The Jobs that the suite runs in: their pods, and what these wrote."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection, Document

LARGEST_LOG = 2**26
"""Bytes of a pod's log: six times what a kubelet keeps as a rule. What else a pod writes there must not fill our memory."""

_OF_JOB, _INDEX = "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index"


class NoSuchJob(BrokenCluster):
    """There is no Job of this name, and the text says which there are; or it is none of the suite's."""


class JobState(StrEnum):
    """How far a Job is."""

    UNDER_WAY = "under way"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class JobPod:
    """A pod of a Job. `index` is that of an Indexed Job, "" of another. `exit_code` is None where the container did not end by itself.

    `created` is ISO 8601 in UTC; `why` what Kubernetes says of its state, "" where there is nothing to say.
    """

    name: str
    index: str
    created: str
    is_active: bool
    exit_code: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Job:
    """A Job and its pods, the newest first."""

    name: str
    namespace: str
    state: JobState
    is_indexed: bool
    completions: int
    pods: tuple[JobPod, ...]

    def __str__(self) -> str:
        return f"Job {self.namespace}/{self.name}"


def job(connection: Connection, namespace: str, name: str, container: str) -> Job:
    """The Job and its pods; `container` is the one whose end counts. Raises NoSuchJob, BrokenCluster."""
    try:
        found = connection.call(f"read Job {namespace}/{name}", connection.batch.read_namespaced_job, name, namespace)
    except BrokenRequest as refusal:
        if refusal.status != 404:
            raise
        raise NoSuchJob(f"there is no Job {name} in namespace {namespace}{_others(connection, namespace)}") from None
    spec = found["spec"]
    if container not in {each["name"] for each in spec["template"]["spec"]["containers"]}:
        raise NoSuchJob(f"Job {namespace}/{name} is none of the suite's: its pods have no container {container}")
    pods = connection.call(
        f"list the pods of Job {namespace}/{name}", connection.core.list_namespaced_pod, namespace, label_selector=f"{_OF_JOB}={name}"
    )["items"]
    mine = [pod for pod in pods if _is_of(pod, str(found["metadata"]["uid"]))]
    newest_first = sorted(mine, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    is_indexed = spec.get("completionMode") == "Indexed"
    return Job(
        name, namespace, _state(found), is_indexed, spec.get("completions", 1), tuple(_pod(each, container) for each in newest_first)
    )


def log_of(connection: Connection, namespace: str, pod: str, container: str) -> str:
    """All that the kubelet still has of what a container wrote. Raises BrokenCluster, also where that is more than any run writes."""
    method = connection.core.read_namespaced_pod_log
    doing = f"read the log of pod {namespace}/{pod}"
    log = connection.text(doing, method, pod, namespace, container=container, limit_bytes=LARGEST_LOG + 1)
    if len(log.encode()) > LARGEST_LOG:
        raise BrokenCluster(f"the log of pod {pod} is larger than {LARGEST_LOG >> 20} MiB, which no run writes: it is not read")
    return log


def trouble_of(connection: Connection, of: Job) -> str:
    """What the newest warning about the Job itself says, such as why no pod can be created; "" where there is none."""
    try:
        events: list[Document] = connection.call(
            f"list the events of {of}",
            connection.core.list_namespaced_event,
            of.namespace,
            field_selector=f"involvedObject.kind=Job,involvedObject.name={of.name},type=Warning",
        )["items"]
    except BrokenRequest:
        return ""
    return str(max(events, key=lambda each: str(each.get("lastTimestamp") or ""))["message"]) if events else ""


def _others(connection: Connection, namespace: str) -> str:
    try:
        jobs = connection.call(f"list the Jobs of {namespace}", connection.batch.list_namespaced_job, namespace)["items"]
    except BrokenRequest:
        return ""
    names = ", ".join(sorted(str(each["metadata"]["name"]) for each in jobs)[:10])
    return f"; it has {names}" if names else ", which has no Job at all"


def _state(found: Document) -> JobState:
    conditions = {each["type"] for each in found.get("status", {}).get("conditions") or () if each["status"] == "True"}
    if conditions & {"Complete", "Failed"}:
        return JobState.ENDED
    return JobState.SUSPENDED if found["spec"].get("suspend") else JobState.UNDER_WAY


def _is_of(pod: Document, job: str) -> bool:
    """Whether it is a pod of the Job with this uid. Those of a removed Job of the same name are there for a while."""
    return any(owner.get("uid") == job for owner in pod["metadata"].get("ownerReferences") or ())


def _pod(found: Document, container: str) -> JobPod:
    metadata, status = found["metadata"], found.get("status", {})
    mine: Document = next((each for each in status.get("containerStatuses") or () if each["name"] == container), {})
    ended, waiting = (mine.get("state", {}).get(each) or {} for each in ("terminated", "waiting"))
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    conditions = [each for each in status.get("conditions") or () if each.get("status") == "False"]
    said = [
        status.get("message"),
        ended.get("reason"),
        waiting.get("message") or waiting.get("reason"),
        *(each.get("message") for each in conditions),
    ]
    return JobPod(
        metadata["name"],
        str(marks.get(_INDEX, "")),
        str(metadata["creationTimestamp"]),
        status.get("phase") not in ("Succeeded", "Failed"),
        ended.get("exitCode"),
        next((" ".join(str(each).split()) for each in said if each), ""),
    )

"""Which version of the plugin really runs: asked of the cluster, not taken from the descriptor."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import urllib3
from kubernetes import client
from kubernetes.stream import stream

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.credentials import configuration_of
from conformance.cluster.plugin import Descriptor, ImageOf, InPod, OnNode

_LIMIT, _PATIENCE = 15.0, 5.0
"""Seconds for a command in a pod, and for the API server to answer: a run can do without the version."""


def version(plugin: Descriptor, kubeconfig: Path | None, context: str | None, run_on_node: Callable[..., str] | None) -> str:
    """The version that the plugin's probe finds; `kubeconfig` None is the user's own.

    `run_on_node` runs a command on a node, None where that cannot be (an existing cluster).
    Raises BrokenCluster where the probe cannot be asked or its answer has no version in it.
    """
    probe = plugin.version_probe
    if isinstance(probe, OnNode):
        if run_on_node is None:
            raise BrokenCluster(f"the version of {plugin.name} is told by a command on a node, which only a kind cluster of ours allows")
        return _matched(plugin, probe.pattern, run_on_node(*probe.command))
    configuration, _ = configuration_of(kubeconfig, context)
    api = client.ApiClient(configuration)  # of its own: `stream` swaps a method on it while it runs
    try:
        if isinstance(probe, ImageOf):
            return _tag(client.AppsV1Api(api), probe)
        return _matched(plugin, probe.pattern, _in_pod(client.CoreV1Api(api), probe))
    except client.ApiException as error:
        if tag := _told_by_pods(client.CoreV1Api(api), probe):
            return tag
        reason = str(error.reason).partition(" -+-+- ")[0]  # of a stream: what else was in the answer
        raise BrokenCluster(f"the version of {plugin.name} cannot be asked: {error.status or ''} {reason}") from error
    except urllib3.exceptions.HTTPError as error:
        raise BrokenCluster(f"the version of {plugin.name} cannot be asked: the API server does not answer") from error
    finally:
        api.close()


def _tag(apps: client.AppsV1Api, probe: ImageOf) -> str:
    image: str = (
        apps.read_namespaced_daemon_set(probe.name, probe.namespace, _request_timeout=_LIMIT).spec.template.spec.containers[0].image
    )
    return _tag_of(image)


def _told_by_pods(core: client.CoreV1Api, probe: ImageOf | InPod) -> str:
    """What the image of the plugin's pods is tagged with, "" where that is no version: a run may read pods, and no more of the plugin."""
    try:
        if isinstance(probe, InPod):
            pods = core.list_namespaced_pod(probe.namespace, label_selector=probe.selector, _request_timeout=_PATIENCE).items
        else:
            everybody = core.list_namespaced_pod(probe.namespace, _request_timeout=_PATIENCE).items
            pods = [pod for pod in everybody if any(owner.name == probe.name for owner in pod.metadata.owner_references or ())]
    except client.ApiException:
        return ""
    named = {getattr(probe, "container", None)}
    images = [each.image for pod in pods[:1] for each in pod.spec.containers if each.name in named or named == {None}]
    tag = _tag_of(images[0]) if images else ""
    return tag if re.match(r"\d+\.\d+", tag) else ""


def _tag_of(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2].removeprefix("v")


def _in_pod(core: client.CoreV1Api, probe: InPod) -> str:
    running = {"label_selector": probe.selector, "field_selector": "status.phase=Running"}
    pods = core.list_namespaced_pod(probe.namespace, **running, _request_timeout=_LIMIT).items
    if not pods:
        raise BrokenCluster(f"no running pod in {probe.namespace} has the labels {probe.selector}, so its version cannot be asked")
    return str(
        stream(
            core.connect_get_namespaced_pod_exec,
            pods[0].metadata.name,
            probe.namespace,
            container=probe.container,
            command=list(probe.command),
            stdout=True,
            stderr=True,
            _request_timeout=_LIMIT,
        )
    )


def _matched(plugin: Descriptor, pattern: str, answer: str) -> str:
    found = re.search(pattern, answer)
    if not found:
        raise BrokenCluster(f"{plugin.name} was asked for its version; in its answer {answer.strip()[:200]!r} there is no {pattern!r}")
    return found[1]

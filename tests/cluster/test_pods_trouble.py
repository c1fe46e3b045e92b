"""Pods that do not start, on a real cluster: the sentence says which, why, and where."""

from __future__ import annotations

import copy
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from live import EVERYTHING, PAIR, TIMES, connected

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.clean import remove_run
from conformance.cluster.client import Cluster
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.wait import BrokenPod
from conformance.probe.source import agent_source
from conformance.template.names import Names
from conformance.template.render import Manifests, render_world

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def world(cilium: KindCluster) -> Iterator[tuple[Cluster, Manifests]]:
    """The manifests of a pair of pods, and what is made of them removed afterwards."""
    cluster = connected(cilium, replace(TIMES, pods=180.0))
    names = Names(f"test{secrets.token_hex(3)}", "w0")
    workers = [node.name for node in cluster.nodes().values() if node.takes_pods]
    yield cluster, render_world(PAIR, names, cilium.toolbox.probe_image, workers, agent_source())
    remove_run(cluster, names.run)
    cluster.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may mend itself is waited for as long as its sentence needs to be there, not for 15 s."""
    monkeypatch.setattr("conformance.cluster.wait._PATIENCE", 3.0)


def start(world: tuple[Cluster, Manifests], change: Change, cluster: Cluster | None = None) -> str:
    """The sentence about the world when one of its pods is changed."""
    manifests = world[1]
    cluster = cluster or world[0]
    pods = copy.deepcopy(dict(manifests.pods))
    change(pods["shop/api"])
    cluster.create_world(manifests.namespaces, pods)
    with pytest.raises(BrokenPod) as trouble:
        cluster.pods_ready(pods)
    return str(trouble.value)


def container(pod: dict[str, Any]) -> dict[str, Any]:
    return pod["spec"]["containers"][0]


def test_an_image_that_cannot_be_pulled(world, impatient):
    text = start(world, lambda pod: container(pod).update(image="registry.invalid/nobody/nothing:1"))
    assert text.startswith("pod shop/api (")
    assert "image registry.invalid/nobody/nothing:1" in text
    assert "ErrImagePull" in text or "ImagePullBackOff" in text


def test_an_image_that_has_no_python(world):
    text = start(world, lambda pod: container(pod).update(command=["no-such-python", "-c", "pass"]))
    assert "no-such-python" in text
    assert "executable file not found" in text


def test_a_program_that_fails_at_its_start_says_its_last_words(world):
    code = "import sys; sys.exit('this is no probe')"
    never = {"exec": {"command": ["false"]}}  # else it counts as running for as long as it takes to fail
    text = start(world, lambda pod: container(pod).update(command=["python3", "-c", code], readinessProbe=never))
    assert "its container ended with exit code 1 (Error): this is no probe" in text


def test_a_pod_that_no_node_takes(world, impatient):
    text = start(world, lambda pod: pod["spec"].update(nodeSelector={"nobody": "has-this"}))
    assert "no node takes it (Unschedulable): 0/3 nodes are available" in text


def test_a_pod_that_is_being_removed_while_it_starts(world):
    cluster, manifests = world
    pods = copy.deepcopy(dict(manifests.pods))
    # its object stays for as long as a finalizer is there, so that nothing depends on how fast it ends
    pods["shop/api"]["metadata"]["finalizers"] = ["cni-conformance.test/stays"]
    cluster.create_world(manifests.namespaces, pods)
    cluster.delete_pods({"shop/api": pods["shop/api"]})
    try:
        with pytest.raises(BrokenPod, match=r"pod shop/api \(.*\) does not run after \d+ s: it is being deleted: somebody asked for it"):
            cluster.pods_ready(pods)
    finally:
        of_pod = pods["shop/api"]["metadata"]
        cluster.connection.core.patch_namespaced_pod(of_pod["name"], of_pod["namespace"], {"metadata": {"finalizers": None}})


def test_a_pod_that_was_removed_while_it_starts(world, cilium):
    cluster, manifests = world
    cluster.create_world(manifests.namespaces, manifests.pods)
    removed = {"shop/api": manifests.pods["shop/api"]}
    cluster.delete_pods(removed)
    cluster.pods_gone(removed)
    other = connected(cilium, replace(TIMES, pods=3.0))
    with closing(other), pytest.raises(BrokenPod, match=r"pod shop/api \(.*\) is gone"):
        other.pods_ready(manifests.pods)


def test_a_namespace_that_refuses_the_capability_says_so(world, cilium):
    cluster, manifests = world
    names = Names(manifests.namespaces[0]["metadata"]["labels"]["cni-conformance/run"], "w1")
    workers = [node.name for node in cluster.nodes().values() if node.takes_pods]
    layout = replace(EVERYTHING, hosts={})
    layout = replace(
        layout, namespaces={"shop": replace(layout.namespaces["shop"], labels={"pod-security.kubernetes.io/enforce": "restricted"})}
    )
    raw = render_world(layout, names, cilium.toolbox.probe_image, workers, agent_source())
    with pytest.raises(
        BrokenCluster, match=r"cannot create pod .*/api: the API server refuses it \(403\): .*violates PodSecurity.*NET_RAW"
    ):
        cluster.create_world(raw.namespaces, raw.pods)


def test_ordinary_probes_are_taken_by_a_namespace_that_enforces_the_restricted_level(world):
    cluster, manifests = world
    namespaces = copy.deepcopy(manifests.namespaces)
    namespaces[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    cluster.create_world(namespaces, manifests.pods)
    assert list(cluster.pods_ready(manifests.pods)) == list(manifests.pods)


def test_a_node_that_is_not_ready_is_named(world, cilium):
    cluster, manifests = world
    node = manifests.pods["shop/api"]["spec"]["nodeSelector"]["kubernetes.io/hostname"]
    with stopped_kubelet(cilium, node):
        until = time.monotonic() + 300
        while cluster.nodes()[node].is_ready:
            assert time.monotonic() < until, f"{node} stays ready without its kubelet"
            time.sleep(1)
        # nothing mends itself here, so there is nothing to wait for
        with closing(connected(cilium, replace(TIMES, pods=5.0))) as other:
            text = start(world, lambda pod: None, other)
    assert f"for node {node}" in text
    assert f"node {node} is NotReady: Kubelet stopped posting node status" in text


class stopped_kubelet:  # noqa: N801 - reads as a word where it is used
    """A node whose kubelet does not run, until it is ready again and takes pods: its taints go a moment later."""

    def __init__(self, kind: KindCluster, node: str) -> None:
        self.kind, self.node = kind, node

    def __enter__(self) -> None:
        self._systemctl("stop")

    def __exit__(self, *_: object) -> None:
        self._systemctl("start")
        cluster, until = connected(self.kind), time.monotonic() + 300
        while not cluster.nodes()[self.node].takes_pods:
            assert time.monotonic() < until, f"{self.node} does not take pods again"
            time.sleep(0.5)
        cluster.close()

    def _systemctl(self, verb: str) -> None:
        command = [str(self.kind.toolbox.docker), "exec", self.node, "systemctl", verb, "kubelet"]
        subprocess.run(command, env={**os.environ, **self.kind.toolbox.environment}, check=True, timeout=180, capture_output=True)

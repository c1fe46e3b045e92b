"""The suite inside of a real cluster: its image, a Job that is killed and goes on, its record out of the log, Sonobuoy's contract."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Ended, call

from conformance.cluster.commands import Commands
from conformance.cluster.connection import Connection, Document
from conformance.cluster.jobs import log_of
from conformance.cluster.kind_cluster import KindCluster
from conformance.inside import job
from conformance.inside.emitted import emitted
from conformance.inside.sonobuoy import definition
from conformance.world.times import Times

NAMESPACE = "inside"
LIMIT = 900.0
ONE = "deny-all-traffic-to-an-application"


@pytest.fixture(scope="module")
def connection(cilium: KindCluster) -> Iterator[Connection]:
    made = Connection.of(cilium.kubeconfig, None, Times())
    yield made
    made.close()


@pytest.fixture(scope="module")
def apply(cilium: KindCluster) -> Iterator[Callable[[str], None]]:
    """`kubectl apply -f -`; what was made is removed at the end."""
    commands = Commands(cilium.kubeconfig.parent, {**cilium.toolbox.environment, "KUBECONFIG": str(cilium.kubeconfig)})
    applied: list[str] = []

    def apply(text: str) -> None:
        applied.append(text)
        commands.run("kubectl", "apply", "-f", "-", stdin=text)

    yield apply
    for text in applied:
        commands.run("kubectl", "delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)


def rendered(image: str, name: str, *words: str) -> str:
    ended = call("job", "render", "--image", image, "-n", NAMESPACE, "--name", name, "--", *words)
    assert 0 == ended.code, ended.text
    return ended.text


def fetch(cilium: KindCluster, name: str, folder: Path) -> Ended:
    return call(
        *("fetch", name, "-n", NAMESPACE, "--wait", f"{LIMIT:.0f}", "-o", str(folder / "fetched")),
        folder=folder,
        KUBECONFIG=str(cilium.kubeconfig),
    )


def until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + LIMIT
    while not (thing := found()):
        assert time.monotonic() < deadline, f"after {LIMIT:.0f} s there is no {what}"
        time.sleep(0.3)
    return thing


def worlds(connection: Connection) -> list[Document]:
    """The namespaces that a pod of a Job has made, but for those of the doctor."""
    found = connection.call("list", connection.core.list_namespace, label_selector="cni-conformance/run")["items"]
    owners = [(each, json.loads(each["metadata"]["annotations"]["cni-conformance/owner"])) for each in found]
    return [each for each, owner in owners if "slot" in owner and not each["metadata"]["name"].endswith("-clinic")]


def test_a_job_that_is_killed_goes_on_in_another_pod_which_removes_what_was_left(cilium, image, connection, apply, tmp_path):
    # About 70 s, and 27 s for the image: one scenario and a half.
    apply(rendered(image, "killed", "--cni", "cilium", "-n", "1", "-k", ONE))
    left = [each["metadata"]["name"] for each in until(lambda: worlds(connection), "world of the Job")]
    pods = connection.call("list", connection.core.list_namespaced_pod, NAMESPACE, label_selector="batch.kubernetes.io/job-name=killed")[
        "items"
    ]
    kill(cilium, pods[0]["metadata"]["name"], pods[0]["spec"]["nodeName"])
    ended = fetch(cilium, "killed", tmp_path)
    assert 0 == ended.code, ended.text
    record = json.loads((tmp_path / "fetched" / "record.json").read_text())
    assert [(ONE, "passed")] == [(each["name"], each["outcome"]) for each in record["scenarios"]]
    assert (tmp_path / "fetched" / "report.html").exists()
    pods = connection.call("list", connection.core.list_namespaced_pod, NAMESPACE, label_selector="batch.kubernetes.io/job-name=killed")[
        "items"
    ]
    assert [0, 137] == sorted(each["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] for each in pods)
    second = max(pods, key=lambda each: str(each["metadata"]["creationTimestamp"]))["metadata"]["name"]
    removed = next(line for line in log_of(connection, NAMESPACE, second, job.SUITE).splitlines() if line.startswith("removed in cluster"))
    assert removed.endswith(": the process that created them has ended")
    assert [] == [name for name in left if name not in removed]
    assert [] == worlds(connection)


def kill(cilium: KindCluster, pod: str, node: str) -> None:
    """SIGKILL for the suite's container, by its node: nothing of the run has a say in it."""
    named = f'labels."io.kubernetes.pod.name"=={pod},labels."io.kubernetes.container.name"=={job.SUITE}'
    container = cilium.run_on(node, ["ctr", "-n", "k8s.io", "containers", "ls", "-q", named]).strip()
    cilium.run_on(node, ["ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", container])


def test_the_container_keeps_the_contract_of_sonobuoy(image, connection, apply):
    # About 6 s: a run in memory, as the contract does not ask what is measured.
    apply(yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))
    accounts = partial(connection.call, "list", connection.core.list_namespaced_service_account, NAMESPACE)
    until(lambda: [each for each in accounts()["items"] if each["metadata"]["name"] == "default"], "service account, which a pod needs")
    apply(yaml.safe_dump(as_sonobuoy(image)))

    def done() -> str:
        found = connection.call("read", connection.core.read_namespaced_pod, "plugin", NAMESPACE)
        ended = [each["state"].get("terminated") for each in found["status"].get("containerStatuses", ())]
        return log_of(connection, NAMESPACE, "plugin", "sidecar") if ended and all(ended) else ""

    said = until(done, "end of the plugin's pod").splitlines()
    assert ["/tmp/sonobuoy/results/cni-conformance.tar.gz", "./junit.xml", "tests=1 failures=0 errors=0"] == said  # noqa: S108
    assert "simulated" == emitted(log_of(connection, NAMESPACE, "plugin", "plugin")).name


def as_sonobuoy(image: str) -> Document:
    """The pod that Sonobuoy makes of the definition: with its folder, its variable, and a second container that waits for `done`."""
    plugin = yaml.safe_load(definition(image, "simulated", ["--cluster", "simulated", "-n", "2", "-k", ONE]))
    folder = "/tmp/sonobuoy/results"  # noqa: S108
    plugin["spec"]["env"].append({"name": "SONOBUOY_RESULTS_DIR", "value": folder})
    mount = {"name": "results", "mountPath": folder}
    sidecar = {"name": "sidecar", "image": image, "command": ["python3", "-c", SIDECAR], "volumeMounts": [mount]}
    volumes = [{"name": "results", "emptyDir": {}}, *plugin["extra-volumes"]]
    spec = {"restartPolicy": "Never", "containers": [plugin["spec"], sidecar], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plugin", "namespace": NAMESPACE}, "spec": spec}


SIDECAR = """
import pathlib, tarfile, time
from xml.etree import ElementTree
done = pathlib.Path("/tmp/sonobuoy/results/done")
while not done.exists():
    time.sleep(0.1)
print(done.read_text())
with tarfile.open(done.read_text()) as tar:
    for name in tar.getnames():
        if name.endswith(".xml"):
            found = ElementTree.fromstring(tar.extractfile(name).read())
            print(name)
            print(*(f"{key}={found.get(key)}" for key in ("tests", "failures", "errors")))
"""

"""Which version of the plugin runs: a pod of the suite, which may only read pods, reads it from the image of the plugin's pods."""

from pathlib import Path

import pytest
from api_server import api_server

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.credentials import IN_POD, configuration_of
from conformance.cluster.plugin import load
from conformance.cluster.version import version

FORBIDDEN = (403, "is forbidden")


def pods(image: str, container: str, owner: str = "") -> dict[str, object]:
    metadata = {"name": "agent-1", "ownerReferences": [{"name": owner, "kind": "DaemonSet", "apiVersion": "apps/v1", "uid": "1"}]}
    containers = [{"name": container, "image": image}, {"name": "other", "image": "busybox:9.9"}]
    spec = {"containers": containers if owner else containers[::-1]}  # a command is run in a container that is named
    return {"items": [{"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}]}


def asked(folder: Path, plugin: str, answers: dict[str, object]) -> str:
    with api_server(folder) as (server, kubeconfig):
        server.answers |= answers
        return version(load(plugin), kubeconfig, None, None)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("quay.io/cilium/cilium:v1.18.2", "1.18.2", id="a tag"),
        pytest.param("quay.io/cilium/cilium:v1.18.2@sha256:00", "1.18.2", id="a tag with a digest"),
    ],
)
def test_where_no_command_may_be_run_the_tag_of_the_plugins_image_tells(tmp_path, image, expected):
    probe = load("cilium").version_probe
    listed = pods(image, probe.container)
    answers = {f"/api/v1/namespaces/{probe.namespace}/pods": listed, f"/api/v1/namespaces/{probe.namespace}/pods/agent-1/exec": FORBIDDEN}
    assert expected == asked(tmp_path, "cilium", answers)


@pytest.mark.parametrize(
    "image", ["docker.io/cilium:0045e22892f9579b", "localhost:5000/cilium", "cilium@sha256:00"], ids=["a hash", "a port", "no tag"]
)
def test_what_is_no_version_is_not_taken_for_one(tmp_path, image):
    probe = load("cilium").version_probe
    listed = pods(image, probe.container)
    answers = {f"/api/v1/namespaces/{probe.namespace}/pods": listed, f"/api/v1/namespaces/{probe.namespace}/pods/agent-1/exec": FORBIDDEN}
    with pytest.raises(BrokenCluster, match=r"the version of cilium cannot be asked: .*403 Forbidden$"):
        asked(tmp_path, "cilium", answers)


def test_where_the_daemon_set_may_not_be_read_its_pods_tell(tmp_path):
    probe = load("calico").version_probe
    answers = {
        f"/apis/apps/v1/namespaces/{probe.namespace}/daemonsets/{probe.name}": FORBIDDEN,
        f"/api/v1/namespaces/{probe.namespace}/pods": pods("quay.io/calico/node:v3.30.1", "node", probe.name),
    }
    assert "3.30.1" == asked(tmp_path, "calico", answers)


@pytest.mark.parametrize("plugin", ["cilium", "calico"])
def test_an_api_server_that_does_not_answer_is_a_sentence(tmp_path, plugin):
    with api_server(tmp_path) as (_, kubeconfig):
        pass
    with pytest.raises(BrokenCluster, match=f"the version of {plugin} cannot be asked: the API server does not answer"):
        version(load(plugin), kubeconfig, None, None)


@pytest.mark.parametrize(
    ("kubeconfig", "context"),
    [pytest.param("/part/kubeconfig", None, id="its kubeconfig is missing"), pytest.param("", "eu-1", id="a context is asked for")],
)
def test_a_pod_that_was_told_of_another_cluster_does_not_measure_its_own(kubeconfig, context, tmp_path, monkeypatch):
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setattr("kubernetes.config.load_incluster_config", lambda **_: None)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    with pytest.raises(BrokenCluster, match="there is no kubeconfig"):
        configuration_of(None, context)


def test_in_a_pod_that_was_told_of_none_it_is_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setattr("kubernetes.config.load_incluster_config", lambda **_: None)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert IN_POD == configuration_of(None, None)[1]


def test_a_pod_without_a_kubeconfig_and_without_an_account_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(BrokenCluster, match="there is no kubeconfig"):
        version(load("cilium"), None, None, None)

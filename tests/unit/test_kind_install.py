"""What an installation and its waiting tell a person, against a small API server of the test's own on the loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.cluster import install, ready
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import Commands
from conformance.cluster.install import Installation
from conformance.cluster.plugin import Workload, load, with_manifest
from conformance.cluster.ready import Questions, wait_for_nodes, wait_until_ready
from conformance.cluster.toolbox import Toolbox

AGENT = Workload("daemonset", "kube-system", "agent")


class Server:
    """Answers from a table: path → (status, document), or a list of such that are given one after the other."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.seen: list[tuple[str, str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                path = self.path.partition("?")[0]
                length = int(self.headers.get("Content-Length") or 0)
                outer.seen.append((self.command, path, yaml.safe_load(self.rfile.read(length)) if length else None))
                found = outer.answers.get(path, (404, {"message": "not here"}))
                status, content = (found.pop(0) if len(found) > 1 else found[0]) if isinstance(found, list) else found
                body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PATCH = _answer  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()  # seconds until it sees that it is to end

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    own = Server()
    yield own
    own.close()


@pytest.fixture
def kubeconfig(server: Server, tmp_path: Path) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": server.url}}],
        "users": [{"name": "x", "user": {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


def _node(name: str, *, is_ready: bool, ranges: tuple[str, ...] = ("10.244.0.0/24",)) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if is_ready else "False", "message": "cni plugin not initialized", "reason": "x"}
    return {
        "metadata": {"name": name},
        "spec": {"podCIDRs": list(ranges)},
        "status": {"addresses": [{"type": "InternalIP", "address": "198.18.0.2"}], "conditions": [condition]},
    }


def _daemonset(number_ready: int, generation: int = 1) -> dict[str, Any]:
    status = {"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0, "observedGeneration": 1}
    status |= {"numberReady": number_ready, "updatedNumberScheduled": 2}
    spec = {"selector": {}, "template": {"spec": {"containers": []}}}
    return {"metadata": {"name": "agent", "generation": generation}, "spec": spec, "status": status}


def _pod(waiting: dict[str, str] | None) -> dict[str, Any]:
    container = {
        "name": "c",
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waiting} if waiting else {},
    }
    return {
        "metadata": {"name": "agent-1", "namespace": "kube-system", "uid": "u"},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {"phase": "Pending", "containerStatuses": [container]},
    }


def _world(server: Server, *, agents: int = 2, node_ready: bool = True, pods: tuple[dict[str, Any], ...] = ()) -> None:
    dns = {
        "metadata": {"name": "coredns", "generation": 1},
        "spec": {"replicas": 2, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "availableReplicas": 2, "updatedReplicas": 2},
    }
    server.answers |= {
        "/api/v1/nodes": (200, {"items": [_node("n1", is_ready=node_ready)]}),
        "/apis/apps/v1/namespaces/kube-system/daemonsets/agent": (200, _daemonset(agents)),
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns": (200, dns),
        "/api/v1/pods": (200, {"items": list(pods)}),
        "/api/v1/namespaces/kube-system/events": (200, {"items": []}),
    }


def test_a_cluster_is_ready_when_nodes_plugin_and_dns_are(server: Server, kubeconfig: Path) -> None:
    _world(server, agents=1)
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/agent"
    server.answers[path] = [(200, _daemonset(1)), (200, _daemonset(2, generation=2)), (200, _daemonset(2))]
    wait_until_ready(Questions(kubeconfig), [AGENT], limit=10)
    assert sum(1 for _, seen, _ in server.seen if seen == path) == 3


def test_what_is_not_ready_in_time_is_told_with_its_reasons(server: Server, kubeconfig: Path) -> None:
    crash = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}
    _world(server, agents=1, node_ready=False, pods=(_pod(crash),))
    server.answers["/api/v1/namespaces/kube-system/pods/agent-1/log"] = (200, "it has no bread\n")
    with pytest.raises(BrokenCluster) as caught:
        wait_until_ready(Questions(kubeconfig), [AGENT], limit=0.1)
    assert str(caught.value) == (
        "not ready after 0 s: daemonset kube-system/agent is not rolled out; node n1 is not Ready: cni plugin not initialized; "
        "pod kube-system/agent-1 on n1: CrashLoopBackOff: back-off 10s restarting; the last lines of its log:\nit has no bread"
    )


def test_the_newest_warning_tells_why_a_pod_waits(server: Server, kubeconfig: Path) -> None:
    _world(server, agents=1, pods=(_pod({"reason": "ContainerCreating"}),))

    def event(at: str, text: str) -> dict[str, Any]:
        return {"metadata": {"name": "e", "creationTimestamp": at}, "reason": "FailedMount", "message": text, "involvedObject": {}}

    events = [event("2026-01-01T00:00:01Z", "late"), event("2026-01-01T00:00:00Z", "early")]
    server.answers["/api/v1/namespaces/kube-system/events"] = (200, {"items": events})
    assert Questions(kubeconfig).pod_troubles() == [("FailedMount", "pod kube-system/agent-1 on n1: FailedMount: late")]


def test_an_image_that_cannot_be_pulled_is_not_waited_for_to_the_end(
    server: Server, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "_PULL_PATIENCE", 0.2)
    _world(server, agents=0, pods=(_pod({"reason": "ImagePullBackOff", "message": "no such host"}),))
    with pytest.raises(BrokenCluster, match=r"an image cannot be pulled: pod kube-system/agent-1 on n1: ImagePullBackOff: no such host"):
        wait_until_ready(Questions(kubeconfig), [AGENT], limit=60)


def test_nodes_without_a_pod_range_are_waited_for(server: Server, kubeconfig: Path) -> None:
    server.answers["/api/v1/nodes"] = [
        (200, {"items": [_node("n1", is_ready=True, ranges=())]}),
        (200, {"items": [_node("n1", is_ready=True)]}),
    ]
    assert [str(each.pod_ranges[0]) for each in wait_for_nodes(Questions(kubeconfig), 1, limit=10)] == ["10.244.0.0/24"]
    with pytest.raises(BrokenCluster, match=r"2 nodes with a pod range were to be there after 0 s; there are: n1"):
        wait_for_nodes(Questions(kubeconfig), 2, limit=0.1)


def test_an_api_server_answers_or_not(server: Server, kubeconfig: Path) -> None:
    questions = Questions(kubeconfig)
    assert not questions.is_answering()
    keys = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
    server.answers["/version/"] = (200, dict.fromkeys(keys, "1"))
    assert questions.is_answering()


CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.sample.example"}}
THING = {"apiVersion": "sample.example/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "n"}}


def _discovery(server: Server, *, knows_things: bool) -> None:
    groups = {"apiextensions.k8s.io": "v1"} | ({"sample.example": "v1"} if knows_things else {})
    listed = [
        {
            "name": name,
            "versions": [{"groupVersion": f"{name}/{v}", "version": v}],
            "preferredVersion": {"groupVersion": f"{name}/{v}", "version": v},
        }
        for name, v in groups.items()
    ]
    crds = {
        "name": "customresourcedefinitions",
        "kind": "CustomResourceDefinition",
        "namespaced": False,
        "singularName": "",
        "verbs": ["patch"],
    }
    things = {"name": "things", "kind": "Thing", "namespaced": True, "singularName": "", "verbs": ["patch"]}
    server.answers |= {
        "/version": (200, {"major": "1", "minor": "34"}),
        "/apis": (200, {"kind": "APIGroupList", "groups": listed}),
        "/api/v1": (200, {"kind": "APIResourceList", "groupVersion": "v1", "resources": []}),
        "/apis/apiextensions.k8s.io/v1": (200, {"kind": "APIResourceList", "groupVersion": "apiextensions.k8s.io/v1", "resources": [crds]}),
        "/apis/sample.example/v1": (200, {"kind": "APIResourceList", "groupVersion": "sample.example/v1", "resources": [things]}),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.sample.example": (200, CRD),
        "/apis/sample.example/v1/namespaces/n/things/t": (200, THING),
    }


def _installation(tmp_path: Path, kubeconfig: Path, manifest: str) -> Installation:
    plugin = with_manifest(load("weave"), manifest)
    return Installation(Commands(tmp_path, {}), Toolbox(Path("docker"), Path("kind")), kubeconfig, plugin, {}, list)


def test_objects_of_a_manifest_are_applied_in_their_order(server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    _discovery(server, knows_things=True)
    (tmp_path / "m.yaml").write_text(yaml.safe_dump_all([CRD, None, THING]))
    _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()
    assert [body for verb, _, body in server.seen if verb == "PATCH"] == [CRD, THING]


def test_objects_inside_a_list_are_applied_one_by_one(server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    _discovery(server, knows_things=True)
    (tmp_path / "m.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [CRD, THING]}))
    _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()
    assert [CRD, THING] == [body for verb, _, body in server.seen if verb == "PATCH"]


def test_a_document_that_is_no_object_is_told(kubeconfig: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("404: Not Found\n")
    with pytest.raises(BrokenCluster, match=r"the manifest .*m\.yaml of plugin weave: this is no Kubernetes object: .*404"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()


def test_a_server_that_does_not_answer_is_told(kubeconfig: Path, tmp_path: Path, server: Server) -> None:
    server.close()
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(THING))
    with pytest.raises(BrokenCluster, match="the API server does not answer"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()
    with pytest.raises(BrokenCluster, match="not ready after 0 s: the API server does not answer"):
        wait_until_ready(Questions(kubeconfig), [AGENT], limit=0.0)
    with pytest.raises(BrokenCluster, match="the API server does not answer"):
        wait_for_nodes(Questions(kubeconfig), 1, limit=0.0)


def test_a_kind_that_the_cluster_does_not_know_is_told(
    server: Server, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_ESTABLISH_LIMIT", 0.0)
    _discovery(server, knows_things=False)
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(THING))
    with pytest.raises(BrokenCluster, match=r"the manifest .*m\.yaml of plugin weave: this cluster does not know the kind Thing"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()


BUSY = (503, {"message": "etcdserver: request timed out"})


@pytest.mark.parametrize("path", ["/apis", "/apis/sample.example/v1/namespaces/n/things/t"], ids=["asked for its kinds", "given an object"])
def test_a_server_that_is_too_busy_is_asked_again(path: str, server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    _discovery(server, knows_things=True)
    server.answers[path] = [BUSY, BUSY, server.answers[path]]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(THING))
    _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()
    assert 3 <= sum(seen == path for _, seen, _ in server.seen)


@pytest.mark.parametrize("path", ["/apis", "/apis/sample.example/v1/namespaces/n/things/t"], ids=["asked for its kinds", "given an object"])
def test_a_server_that_stays_too_busy_is_told(
    path: str, server: Server, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_ESTABLISH_LIMIT", 0.0)
    _discovery(server, knows_things=True)
    server.answers[path] = BUSY
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(THING))
    with pytest.raises(BrokenCluster, match=r"503 .*etcdserver: request timed out"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()


def test_an_object_that_is_refused_is_told(server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    _discovery(server, knows_things=True)
    server.answers["/apis/sample.example/v1/namespaces/n/things/t"] = (422, {"message": "spec.size is wrong"})
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(THING))
    with pytest.raises(BrokenCluster, match=r"Thing t was refused: 422 .*spec\.size is wrong"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()


def test_a_manifest_behind_a_url_is_had_after_a_transient_failure(server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    _discovery(server, knows_things=True)
    server.answers["/m.yaml"] = [(503, "busy"), (200, yaml.safe_dump(THING))]
    _installation(tmp_path, kubeconfig, f"{server.url}/m.yaml").run()
    assert [body for verb, _, body in server.seen if verb == "PATCH"] == [THING]


def test_a_manifest_that_cannot_be_had_is_told_with_the_way_out(server: Server, kubeconfig: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BrokenCluster, match=r"the manifest of plugin weave cannot be had from .*/gone\.yaml: Not Found\. Give a copy of it"
    ):
        _installation(tmp_path, kubeconfig, f"{server.url}/gone.yaml").run()


def test_a_manifest_that_is_not_yaml_is_told(kubeconfig: Path, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("a: [")
    with pytest.raises(BrokenCluster, match="is not YAML"):
        _installation(tmp_path, kubeconfig, str(tmp_path / "m.yaml")).run()

"""Reading people's own objects from a cluster: against a small HTTP server that knows some of them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from conformance.cli import main

APPS, POLICIES = "/apis/apps/v1", "/apis/networking.k8s.io/v1"


def pod_of(owner: str, name: str, address: str, **labels: str) -> dict[str, object]:
    metadata = {
        "name": name,
        "namespace": "shop",
        "labels": {**labels, "pod-template-hash": "1"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": True, "uid": "x", "apiVersion": "apps/v1"}],
        "managedFields": [{"manager": "taboo"}],
    }
    spec = {"nodeName": "one", "containers": [{"name": "main", "image": "taboo", "env": [{"name": "A", "value": "taboo"}]}]}
    return {"metadata": metadata, "spec": spec, "status": {"podIPs": [{"ip": address}], "phase": "Running"}}


def made(name: str, *, replicas: int = 1, owner: str = "", **labels: str) -> dict[str, object]:
    """A Deployment or ReplicaSet."""
    owners = {"ownerReferences": [{"kind": "Deployment", "name": owner, "controller": True}]} if owner else {}
    ports = [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "taboo", "ports": ports}]}}
    return {"metadata": {"name": name, "namespace": "shop", **owners}, "spec": {"replicas": replicas, "template": template}}


OBJECTS: dict[str, list[object]] = {
    "/api/v1/namespaces": [
        {"metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop", "team": "books"}}},
        {"metadata": {"name": "kube-system", "labels": {"kubernetes.io/metadata.name": "kube-system"}}},
    ],
    f"{APPS}/deployments": [made("api", replicas=2, app="api"), made("web", app="web")],
    f"{APPS}/replicasets": [
        made("api-1", replicas=2, owner="api", app="api", **{"pod-template-hash": "1"}),
        made("api-0", replicas=0, owner="api", app="api-of-old"),
    ],
    "/api/v1/pods": [pod_of("api-1", "api-1-a", "10.77.0.4", app="api"), pod_of("api-1", "api-1-b", "10.77.1.4", app="api")],
    "/api/v1/services": [
        {
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "selector": {"app": "api"},
                "ports": [{"port": 80, "targetPort": "http", "protocol": "TCP"}],
                "clusterIP": "10.96.0.9",
            },
        }
    ],
    f"{POLICIES}/networkpolicies": [
        {
            "metadata": {"name": "api", "namespace": "shop", "annotations": {"a": "taboo"}},
            "spec": {
                "podSelector": {"matchLabels": {"app": "api"}},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}, {"ipBlock": {"cidr": "10.77.0.0/24"}}]}],
            },
        }
    ],
    "/apis/cilium.io/v2/ciliumnetworkpolicies": [{"metadata": {"name": "l7", "namespace": "shop"}, "spec": {"taboo": 1}}],
}
"""What there is, by the path that lists it in all namespaces."""


class Server(ThreadingHTTPServer):
    """Lists `OBJECTS`; says 403 to what is `forbidden`, 404 to what it does not know. `seen` are verbs and paths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.forbidden: set[str] = set()
        self.seen: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()  # seconds until it sees that it is to end

    def answer(self, path: str) -> tuple[int, object]:
        plural = path.rpartition("/")[2]
        if plural in self.forbidden or path in self.forbidden:
            words = f'User "me" cannot list resource "{plural}" in API group "" in the namespace "shop"'
            return 403, {"kind": "Status", "code": 403, "message": f"{plural} is forbidden: {words}"}
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            found = [each for each in OBJECTS["/api/v1/namespaces"] if each["metadata"]["name"] == plural]
            return (200, found[0]) if found else (404, {"message": f'namespaces "{plural}" not found'})
        above, _, rest = path.partition("/namespaces/")
        if rest:
            space, _, kind = rest.partition("/")
            return 200, {"items": [each for each in OBJECTS.get(f"{above}/{kind}", []) if each["metadata"]["namespace"] == space]}
        if path not in OBJECTS and not path.startswith(("/api/", APPS, "/apis/batch/", POLICIES)):
            return 404, {"message": "the server could not find the requested resource"}
        return 200, {"items": OBJECTS.get(path, [])}


class Handler(BaseHTTPRequestHandler):
    def reply(self) -> None:
        path = urlsplit(self.path).path
        self.server.seen.append((self.command, path))
        status, document = (200, "ok") if path == "/readyz" else self.server.answer(path)
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = reply  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{made.server_address[1]}"}}],
        "users": [{"name": "me", "user": {"token": "word"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    yield made
    made.shutdown()
    made.server_close()


def run(*words: str) -> Result:
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def test_a_cluster_is_explained_by_what_it_has(server):
    result = run("explain", "--from-cluster", "here", "shop/web", "svc/shop/api", "80")
    assert (0, True) == (result.exit_code, "rule 0 of shop/api admits pods with app=web" in result.output)
    assert "(networkpolicy/shop/api:13)" in result.output


def test_it_is_only_read_and_secrets_are_not_asked_for(server):
    run("import", "--from-cluster", "here", "-n", "shop")
    assert {"GET"} == {verb for verb, _ in server.seen}
    assert [] == [path for _, path in server.seen if "secrets" in path or "configmaps" in path or path.endswith("/log")]


def test_an_import_has_workloads_instead_of_their_pods(server):
    result = run("import", "--from-cluster", "here", "-n", "shop")
    scenario = yaml.safe_load(result.stdout)
    assert {"api", "web"} == set(scenario["layout"]["shop"]["pods"])
    assert {"labels": {"app": "api"}, "serves": ["http=8080/TCP"]} == scenario["layout"]["shop"]["pods"]["api"]
    assert ("taboo" in result.stdout, "10.96.0.9" in result.stdout) == (False, False)
    assert "policies of other APIs are not taken (1): CiliumNetworkPolicy shop/l7" in result.stderr


def test_blocks_are_judged_by_the_addresses_that_pods_have(server):
    result = run("lint", "--from-cluster", "here")
    assert (1, True) == (result.exit_code, "10.77.0.0/24 covers 10.77.0.4/32, an address of a pod" in result.output)
    assert "networkpolicy/shop/api:18:15: warning: shop/api" in result.output


def test_only_the_named_namespaces_are_asked(server):
    run("lint", "--from-cluster", "here", "-n", "shop")
    asked = {path for _, path in server.seen if "networkpolicies" in path and "networking.k8s.io" in path and "policy." not in path}
    assert {f"{POLICIES}/namespaces/shop/networkpolicies"} == asked


RIGHTS = [
    pytest.param(
        {"networkpolicies"},
        "no permission to list networkpolicies.networking.k8s.io in namespace shop: docs/own-policies.md has the role",
        id="policies",
    ),
    pytest.param({"deployments"}, "no permission to list deployments.apps in namespace shop", id="deployments"),
    pytest.param({"pods"}, "no permission to list pods in namespace shop", id="pods"),
]


@pytest.mark.parametrize(("forbidden", "sentence"), RIGHTS)
def test_a_missing_right_is_one_sentence_that_names_it(server, forbidden, sentence):
    server.forbidden = forbidden
    result = run("graph", "--from-cluster", "here", "-n", "shop")
    assert (3, 1) == (result.exit_code, len(result.output.splitlines()))
    assert result.output.startswith(sentence)


def test_without_the_right_to_list_namespaces_those_must_be_named(server):
    server.forbidden = {"/api/v1/namespaces"}
    result = run("lint", "--from-cluster", "here")
    assert (3, True) == (result.exit_code, "no permission to list namespaces: name those to be read (-n NAMESPACE)" in result.output)
    named = run("lint", "--from-cluster", "here", "-n", "shop")
    assert (1, True) == (named.exit_code, "Not judged: no permission to list namespaces" in named.output)


def test_what_may_not_be_seen_of_other_policies_is_said(server):
    server.forbidden = {"ciliumnetworkpolicies"}
    result = run("explain", "--from-cluster", "here", "web", "api", "http")
    assert "No permission to list ciliumnetworkpolicies.cilium.io: whether there are any is not known." in result.output


CONTEXTS = [
    pytest.param(["--from-cluster", "elsewhere"], "has no context 'elsewhere'; it has: here", id="no such context"),
    pytest.param(
        ["--from-cluster", "here", "-n", "bank"], "here has no namespace 'bank'; it has: kube-system, shop", id="no such namespace"
    ),
]


@pytest.mark.parametrize(("words", "sentence"), CONTEXTS)
def test_what_is_not_there_is_told_with_what_is(server, words, sentence):
    result = run("lint", *words)
    assert (3, True) == (result.exit_code, sentence in result.output)

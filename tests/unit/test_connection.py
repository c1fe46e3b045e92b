"""Requests and their errors, against a small HTTP server of this machine that says what a row wants."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from conformance.cluster import apply, clean
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.cluster.connection import BrokenRequest, Connection
from conformance.world.times import Times

TIMES = Times(request=2.0, retry=0.5, stream=0.5)
VERSION = {"gitVersion": "v1.34.4"}


class Server(ThreadingHTTPServer):
    """Answers /readyz with `ready`, and everything else with the rows of `replies` in turn, the last one again and again."""

    replies: list[tuple[int, object]]
    ready = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.seen = [(200, VERSION)], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()  # seconds until it sees that it is to end


class Handler(BaseHTTPRequestHandler):
    def reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/readyz":
            status, document = self.server.ready, "ok"
        else:
            self.server.seen.append((self.command, self.path, self.headers.get("Content-Type"), json.loads(body) if body else None))
            status, document = self.server.replies[0] if len(self.server.replies) == 1 else self.server.replies.pop(0)
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = reply  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def kubeconfig(folder: Path, url: str, **cluster: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
                "clusters": [{"name": "one", "cluster": {"server": url, **cluster}}],
                "users": [{"name": "me", "user": {"token": "secret"}}],
            }
        )
    )
    return path


@pytest.fixture
def connect(tmp_path: Path, server: Server) -> Callable[[], Connection]:
    return lambda: Connection.of(kubeconfig(tmp_path, server.url), None, replace(TIMES, retry=60.0))  # nothing here waits so long


def status(code: int, message: str) -> tuple[int, dict[str, object]]:
    return code, {"kind": "Status", "code": code, "message": message}


def test_an_api_server_that_nobody_runs_is_named_with_the_cause(tmp_path, server):
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(BrokenCluster) as trouble:
        Cluster.connect(path, None, TIMES)
    assert "cannot ask for the version: the API server at http://127.0.0.1:1 (here) cannot be reached: Connection refused" == (
        str(trouble.value)
    )


def test_a_request_is_repeated_for_as_long_as_wanted(tmp_path):
    connection = Connection.of(kubeconfig(tmp_path, "http://127.0.0.1:1"), None, replace(TIMES, retry=1.2))
    began = time.monotonic()
    with pytest.raises(BrokenCluster, match=r"Connection refused \(tried for [1-9]\d* s\)"):
        connection.call("ask for the version", connection.versions.get_code)
    assert 0.5 < time.monotonic() - began < 60


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_that_is_starting_is_asked_again(connect, server, code):
    server.replies = [status(code, "not now"), status(code, "not now"), (200, VERSION)]
    connection = connect()
    assert connection.call("ask for the version", connection.versions.get_code) == VERSION
    assert 3 == len(server.seen)


def test_credentials_that_are_not_accepted_are_told_at_once(connect, server):
    server.replies = [status(401, "Unauthorized")]
    connection = connect()
    with pytest.raises(BrokenRequest, match=r"does not accept the credentials of here \(401\): they have expired, were revoked"):
        connection.call("ask for the version", connection.versions.get_code)
    assert 1 == len(server.seen)


def test_a_missing_permission_is_told_with_verb_resource_and_place(connect, server):
    words = 'pods is forbidden: User "me" cannot list resource "pods" in API group "" in the namespace "shop"'
    server.replies = [status(403, words)]
    connection = connect()
    with pytest.raises(BrokenRequest) as trouble:
        connection.call("list the pods of shop", connection.core.list_namespaced_pod, "shop")
    assert str(trouble.value) == f"no permission to list the pods of shop: {words} (docs/rbac.yaml has all that is needed)"


def test_an_admission_that_refuses_a_pod_is_no_missing_permission(connect, server):
    words = 'pods "api" is forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities'
    server.replies = [status(403, words)]
    with pytest.raises(BrokenRequest) as trouble:
        apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])
    assert str(trouble.value) == (
        f"cannot create pod shop/api: the API server refuses it (403): {words} (some probes need NET_RAW or the network of a node: "
        "exempt namespaces that have the label cni-conformance/run from Pod Security)"
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param('pods "api" is forbidden: failed quota: small: must specify limits.cpu for: probe', id="a quota that wants limits"),
        pytest.param('pods "api" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2', id="a full quota"),
        pytest.param('pods "api" is forbidden: minimum cpu usage per Container is 100m, but request is 25m', id="a LimitRange"),
    ],
)
def test_a_quota_that_something_puts_into_new_namespaces_says_what_the_suite_needs(connect, server, words):
    server.replies = [status(403, words)]
    with pytest.raises(BrokenRequest) as trouble:
        apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])
    assert str(trouble.value) == (
        f"cannot create pod shop/api: the API server refuses it (403): {words} (something puts a quota or a LimitRange into each new "
        "namespace, and a probe asks for 25m of CPU and 16Mi of memory, without limits: allow nine of them, or exempt namespaces that have "
        "the label cni-conformance/run)"
    )


@pytest.mark.parametrize("code", [401, 403])
def test_a_server_that_is_not_ready_may_not_know_anybody_yet(connect, server, code):
    server.ready = 500
    server.replies = [status(code, "who are you?"), (200, VERSION)]
    connection = connect()
    assert connection.call("ask for the version", connection.versions.get_code) == VERSION


def test_what_is_denied_just_after_a_loss_is_asked_again(connect, server):
    server.replies = [status(403, 'User "me" cannot list resource "pods"'), (200, VERSION)]
    connection = connect()
    connection.lost()
    assert connection.call("ask for the version", connection.versions.get_code) == VERSION


def test_a_new_namespace_takes_pods_when_its_service_account_is_there(connect, server):
    server.replies = [status(403, 'error looking up service account shop/default: serviceaccount "default" not found'), (201, {})]
    apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])
    assert 2 == len(server.seen)


def test_a_refused_object_is_told_with_the_servers_words(connect, server):
    server.replies = [status(422, 'Pod "api" is invalid: spec.containers: Required value')]
    with pytest.raises(BrokenRequest) as trouble:
        apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])
    assert 'cannot create pod shop/api: the API server refuses it (422): Pod "api" is invalid: spec.containers: Required value' == (
        str(trouble.value)
    )


def test_what_an_earlier_attempt_has_created_is_created(connect, server):
    server.replies = [status(503, "going away"), status(409, "already exists")]
    apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])
    assert 2 == len(server.seen)


def test_what_somebody_else_has_created_is_not_ours(connect, server):
    server.replies = [status(409, 'pods "api" already exists')]
    with pytest.raises(BrokenRequest, match="already exists"):
        apply.create_pods(connect(), [{"metadata": {"namespace": "shop", "name": "api"}}])


def test_what_is_not_there_is_deleted(connect, server):
    server.replies = [status(404, "not found")]
    apply.delete_policy(connect(), "shop", "deny")
    assert [("DELETE", "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny", None, None)] == server.seen


def test_a_policy_is_applied_by_the_server(connect, server):
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "shop", "name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    apply.apply_policy(connect(), policy)
    where = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny?fieldManager=cni-conformance&force=True"
    assert [(verb, path.replace("force=true", "force=True"), *rest) for verb, path, *rest in server.seen] == [
        ("PATCH", where, "application/apply-patch+yaml", policy)
    ]


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        pytest.param({"podSelector": {}}, ["Ingress"], id="no rules"),
        pytest.param({"podSelector": {}, "egress": []}, ["Ingress"], id="an empty list of egress rules"),
        pytest.param({"podSelector": {}, "egress": [{}]}, ["Ingress", "Egress"], id="an egress rule"),
        pytest.param({"podSelector": {}, "policyTypes": [], "egress": [{}]}, ["Ingress", "Egress"], id="an empty list of types"),
        pytest.param({"podSelector": {}, "policyTypes": ["Ingress"], "egress": [{}]}, ["Ingress"], id="types that are written"),
        pytest.param(None, ["Ingress"], id="no spec"),
    ],
)
def test_a_policy_keeps_no_type_of_an_earlier_one(connect, server, spec, types):
    """The API server fills in what is left out when a policy is made, and leaves it as it is when the policy is applied again."""
    metadata = {"namespace": "shop", "name": "it"}
    apply.apply_policy(connect(), {"metadata": metadata} if spec is None else {"metadata": metadata, "spec": spec})
    assert {**(spec or {}), "policyTypes": types} == server.seen[0][3]["spec"]


def test_the_pods_of_a_run_go_at_once_and_not_only_with_their_namespaces(connect, server):
    namespace = {"metadata": {"name": "cc-run-shop", "labels": {clean.RUN: "run"}}}
    going = {"metadata": {**namespace["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    pod = {"metadata": {"namespace": "cc-run-shop", "name": "api"}}
    found = [{"items": [namespace]}, {}, {"items": [pod]}, {}, {"items": [going]}, {"items": []}]
    server.replies = [(200, each) for each in found]
    clean.remove_run(Cluster(connect()), "run")
    assert ["/api/v1/namespaces/cc-run-shop", "/api/v1/namespaces/cc-run-shop/pods/api"] == [
        path for verb, path, *_ in server.seen if verb == "DELETE"
    ]
    assert [] == server.replies[1:]


def test_a_label_is_taken_away_by_none(connect, server):
    apply.change_pod(connect(), "shop", "api", {"labels": {"role": None, "app": "bookstore"}})
    assert ("application/merge-patch+json", {"metadata": {"labels": {"role": None, "app": "bookstore"}}}) == server.seen[0][2:]


def test_a_namespace_says_which_process_owns_it(connect, server):
    apply.create_namespaces(connect(), [{"metadata": {"name": "cc-1-shop", "annotations": {"mine": "stays"}}}])
    annotations = server.seen[0][3]["metadata"]["annotations"]
    assert "stays" == annotations["mine"]
    assert ["machine", "space", "process", "started"] == list(json.loads(annotations["cni-conformance/owner"]))


def test_nodes_that_we_may_not_list_are_no_trouble(connect, server):
    server.replies = [status(403, "nodes is forbidden")]
    assert {} == Cluster(connect()).nodes()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate), *subject]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def secure(server: Server, authority: tuple[Path, Path]) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"https://127.0.0.1:{server.server_address[1]}"


def test_a_certificate_of_the_named_authority_is_trusted(tmp_path, server, authority):
    url = secure(server, authority)
    Cluster.connect(kubeconfig(tmp_path, url, **{"certificate-authority": str(authority[0])}), None, TIMES).close()


def test_a_certificate_of_another_authority_is_not_trusted(tmp_path, server, authority):
    url = secure(server, authority)
    with pytest.raises(BrokenCluster, match="cannot be trusted: its certificate is not signed by the authority that the kubeconfig names"):
        Cluster.connect(kubeconfig(tmp_path, url), None, TIMES)


def test_a_certificate_for_another_name_is_not_trusted(tmp_path, server, authority):
    url = secure(server, authority).replace("127.0.0.1", "localhost")
    path = kubeconfig(tmp_path, url, **{"certificate-authority": str(authority[0])})
    with pytest.raises(BrokenCluster, match="cannot be trusted: its certificate is for another name"):
        Cluster.connect(path, None, TIMES)


class BreaksOff(threading.Thread):
    """Breaks off the first `most` TLS handshakes, as a port proxy does while its API server is restarted; speaks no TLS after that."""

    def __init__(self, most: int) -> None:
        super().__init__(daemon=True)
        self.socket, self.most = socket.create_server(("127.0.0.1", 0)), most
        self.url = f"https://127.0.0.1:{self.socket.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        for _ in range(self.most):
            client, _ = self.socket.accept()
            client.shutdown(socket.SHUT_RDWR)
            client.close()
        with self.socket, self.socket.accept()[0] as client:
            client.sendall(b"HTTP/1.0 400 this is no TLS\r\n\r\n")
            client.recv(4096)


def test_a_handshake_that_is_broken_off_is_told(tmp_path):
    with pytest.raises(BrokenCluster, match=r"(broke off the TLS handshake|cannot be reached)"):
        Cluster.connect(kubeconfig(tmp_path, BreaksOff(100).url), None, replace(TIMES, stream=0.0))


def test_a_handshake_that_is_broken_off_is_tried_again(tmp_path):
    """The API server that comes back is one with which no time is lost: so it does not matter how slow this machine is."""
    with pytest.raises(BrokenCluster, match="cannot be trusted: the TLS handshake failed"):
        Cluster.connect(kubeconfig(tmp_path, BreaksOff(2).url), None, replace(TIMES, stream=60.0))


def test_a_server_that_speaks_no_tls_is_told(tmp_path, server):
    with pytest.raises(BrokenCluster, match="cannot be trusted: the TLS handshake failed"):
        Cluster.connect(kubeconfig(tmp_path, server.url.replace("http:", "https:")), None, TIMES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(None, "there is no kubeconfig", id="no file"),
        pytest.param("{", "cannot be used", id="no YAML"),
        pytest.param("a: 1", "cannot be used: Invalid kube-config", id="no kubeconfig"),
        pytest.param("[]", "cannot be used", id="a list"),
    ],
)
def test_a_kubeconfig_that_cannot_be_read_is_told(tmp_path, text, sentence):
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BrokenCluster, match=sentence) as trouble:
        Connection.of(path, None, TIMES)
    assert str(path) in str(trouble.value)


def test_a_context_that_is_not_there_is_told_with_those_that_are(tmp_path):
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(BrokenCluster) as trouble:
        Connection.of(path, "elsewhere", TIMES)
    assert str(trouble.value) == f"kubeconfig {path} has no context 'elsewhere'; it has: here"

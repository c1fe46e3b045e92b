"""A run with exactly the documented permissions, with none, and with credentials that are no longer good; and cleaning up."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import call
from kubernetes import client, config
from live import PAIR, TIMES, connected, live

from conformance.cluster import clean
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.cluster.connection import BrokenRequest
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.rights import RIGHTS, missing_rights
from conformance.probe.sampling import sample
from conformance.world.expectation import Expectation
from conformance.world.verdict import Verdict

DOCS = Path(__file__).parents[2] / "docs" / "rbac.yaml"
SPACE = "cni-conformance"


def api(kind: KindCluster) -> client.ApiClient:
    return config.new_client_from_config(str(kind.kubeconfig))


def kubeconfig(kind: KindCluster, token: str, path: Path) -> Path:
    """The cluster's kubeconfig with another identity."""
    document = yaml.safe_load(kind.kubeconfig.read_text())
    document["users"] = [{"name": "account", "user": {"token": token}}]
    document["contexts"] = [{"name": "account", "context": {"cluster": document["clusters"][0]["name"], "user": "account"}}]
    path.write_text(yaml.safe_dump({**document, "current-context": "account"}))
    return path


@pytest.fixture(scope="module")
def space(cilium: KindCluster) -> Iterator[None]:
    """The namespace of the accounts: one for all tests, its removal takes seconds."""
    core = client.CoreV1Api(api(cilium))
    core.create_namespace({"metadata": {"name": SPACE}})
    yield
    core.delete_namespace(SPACE)
    until(lambda: SPACE not in {each.metadata.name for each in core.list_namespace().items}, "the namespace is gone")


def may(kind: KindCluster, account: str) -> bool:
    """Whether the API server lets a service account do what the documented role allows. Asked as an administrator: a token that was
    accepted once is accepted for some seconds more."""
    wanted = {"verb": "create", "resource": "namespaces"}
    review = {"spec": {"user": f"system:serviceaccount:{SPACE}:{account}", "resourceAttributes": wanted}}
    return bool(client.AuthorizationV1Api(api(kind)).create_subject_access_review(review).status.allowed)


def until(is_so: Callable[[], bool], what: str) -> None:
    """What the API server takes note of a moment later: looked at for two minutes."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, f"after 120 s it is not so that {what}"
        time.sleep(0.1)


@pytest.fixture
def account(cilium: KindCluster, space: None, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A kubeconfig of a service account, with the documented rights or without any."""
    core, access = client.CoreV1Api(api(cilium)), client.RbacAuthorizationV1Api(api(cilium))
    objects = list(yaml.safe_load_all(DOCS.read_text()))
    by_kind = {document["kind"]: document for document in objects}

    def make(rights: str) -> Path:
        # who has no rights is another one: a binding that was just removed may count for a moment
        name = SPACE if rights == "documented" else "nobody"
        core.create_namespaced_service_account(SPACE, {**by_kind["ServiceAccount"], "metadata": {"name": name}})
        if rights == "documented":
            access.create_cluster_role(by_kind["ClusterRole"])
            access.create_cluster_role_binding(by_kind["ClusterRoleBinding"])
            until(lambda: may(cilium, name), "the binding counts")
        request = {"spec": {"audiences": None, "expirationSeconds": 3600}}
        token = core.create_namespaced_service_account_token(name, SPACE, request).status.token
        return kubeconfig(cilium, token, tmp_path / "kubeconfig")

    yield make
    for delete in (access.delete_cluster_role_binding, access.delete_cluster_role):
        with suppress(client.exceptions.NotFoundException):
            delete(SPACE)
    for name in (SPACE, "nobody"):
        with suppress(client.exceptions.NotFoundException):
            core.delete_namespaced_service_account(name, SPACE)
    until(lambda: not may(cilium, SPACE), "the binding no longer counts")


def test_the_documented_rights_are_all_that_is_needed(cilium, account):
    cluster = Cluster.connect(account("documented"), None, TIMES)
    assert [] == missing_rights(cluster)
    with live(cilium, PAIR, cluster=cluster) as world:
        ref = "shop/front"
        allowed = dict.fromkeys(world.questions, Expectation(Verdict.ALLOWED))
        identities = {place.ref: place.identity for place in world.world.places()}
        assert sample(world.probes.ask, allowed, identities, replace(TIMES, hold=0.0), world.probes.clock).settled_at is not None
        space, name = world.world.pods[ref].namespace, world.world.pods[ref].name
        policy = {"podSelector": {}, "policyTypes": ["Ingress"]}
        cluster.apply_policy(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "deny", "namespace": space},
                "spec": policy,
            }
        )
        cluster.delete_policy(space, "deny")
        cluster.relabel_pod(space, name, {"pod": None})
        cluster.relabel_namespace(space, {"team": "a"})
        cluster.annotate_namespace(space, {"note": "b"})
        cluster.delete_pods({"it": {"metadata": {"namespace": space, "name": name}}})
        assert cluster.state_of_pod(space, name, patience=0.0)
        run = world.names.run
    assert run not in clean.runs(connected(cilium))


def test_a_whole_run_passes_with_the_documented_rights(cilium, account, tmp_path):
    environment = {"KUBECONFIG": str(account("documented"))}
    words = (
        "--cluster",
        "kubeconfig",
        "--cni",
        "cilium",
        "--probe-image",
        cilium.toolbox.probe_image,
        "-k",
        "only-to-a-named-port",
        "-n",
        "0",
    )
    ended = call("run", *words, "--report", "out", folder=tmp_path, **environment)
    assert 0 == ended.code, ended.text


def test_without_rights_each_missing_verb_and_resource_is_told(cilium, account):
    missing = missing_rights(Cluster.connect(account("none"), None, TIMES))
    wanted = [(right.resource, verb) for right in RIGHTS if not right.is_optional for verb in right.verbs]
    assert [(text.split()[4].rstrip(":"), text.split()[3]) for text in missing] == wanted


def test_a_right_that_is_missing_after_all_is_told_with_what_was_to_be_done(cilium, account):
    cluster = Cluster.connect(account("none"), None, TIMES)
    with pytest.raises(
        BrokenRequest, match=r'no permission to create namespace cc-x: .*cannot create resource "namespaces".*docs/rbac.yaml'
    ):
        cluster.create_world(({"metadata": {"name": "cc-x"}},), {})
    with pytest.raises(BrokenCluster, match=r"cannot attach to pod kube-system/etcd: no permission: .*pods/attach.*\(403\)"):
        cluster.attach("kube-system", "etcd")


def test_credentials_that_are_no_longer_good_are_told(cilium, account):
    path = account("documented")
    client.CoreV1Api(api(cilium)).delete_namespaced_service_account(SPACE, SPACE)
    told: list[str] = []

    def is_refused() -> bool:
        try:
            Cluster.connect(path, None, TIMES).close()
        except BrokenCluster as trouble:
            told.append(str(trouble))
        return bool(told)

    until(is_refused, "the API server has heard that the account is gone")
    assert "does not accept the credentials of account (401): they have expired, were revoked" in told[0]


def test_another_clusters_authority_is_told(cilium, tmp_path):
    document = yaml.safe_load(cilium.kubeconfig.read_text())
    del document["clusters"][0]["cluster"]["certificate-authority-data"]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(BrokenCluster, match="cannot be trusted: its certificate is not signed by the authority that the kubeconfig names"):
        Cluster.connect(path, None, TIMES)


OWN = """
import sys
from pathlib import Path
from conformance.cluster.client import Cluster
from conformance.world.times import Times
cluster = Cluster.connect(Path(sys.argv[1]), None, Times())
label = {"cni-conformance/run": sys.argv[2], "cni-conformance/world": "w0"}
cluster.create_world(tuple({"metadata": {"name": f"cc-{sys.argv[2]}-{name}", "labels": label}} for name in "ab"), {})
print("made", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def stranger(cilium: KindCluster) -> Iterator[str]:
    """A namespace that is nobody's business here."""
    core, name = client.CoreV1Api(api(cilium)), f"stranger-{secrets.token_hex(3)}"
    core.create_namespace({"metadata": {"name": name, "labels": {"app": "cni-conformance"}}})
    yield name
    core.delete_namespace(name)


def test_what_a_killed_run_left_is_found_and_removed_and_nothing_else(cilium, stranger):
    cluster, run, other = connected(cilium), f"test{secrets.token_hex(3)}", f"test{secrets.token_hex(3)}"
    processes = [
        subprocess.Popen([sys.executable, "-c", OWN, str(cilium.kubeconfig), each], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for each in (run, other)
    ]
    try:
        assert [b"made\n", b"made\n"] == [process.stdout.readline() for process in processes]
        assert {run, other}.isdisjoint(left.run for left in clean.leftovers(cluster))
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        found = {left.run: left for left in clean.leftovers(cluster)}
        assert other not in found
        assert str(found[run]) == f"run {run}: 2 namespaces (cc-{run}-a, cc-{run}-b): the process that created them has ended"
        clean.remove_run(cluster, run)
        assert run not in clean.runs(cluster)
        assert other in clean.runs(cluster)
        assert stranger in {each.metadata.name for each in client.CoreV1Api(api(cilium)).list_namespace().items}
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        clean.remove_run(cluster, other)
        cluster.close()


def test_the_certificates_of_a_killed_process_are_removed_by_the_next(cilium, tmp_path):
    environment = {**os.environ, "CNI_CONFORMANCE_CACHE": str(tmp_path)}
    run = f"test{secrets.token_hex(3)}"
    command = [sys.executable, "-c", OWN, str(cilium.kubeconfig), run]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert b"made\n" == process.stdout.readline()
        left = list((tmp_path / "credentials" / str(process.pid)).iterdir())
        process.kill()
    assert left
    with subprocess.Popen([*command[:-1], run + "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert b"made\n" == process.stdout.readline()
        process.communicate()
    assert [] == list((tmp_path / "credentials").iterdir())
    cluster = connected(cilium)
    clean.remove_run(cluster, run)
    clean.remove_run(cluster, run + "2")
    cluster.close()

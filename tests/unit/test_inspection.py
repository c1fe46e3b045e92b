"""Looking into a cluster: what is asked of the API server, of the engine, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from test_connection import TIMES, Server, kubeconfig

from conformance.cluster import inspection as looking
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.cluster.commands import BrokenCommand
from conformance.cluster.inspection import ClusterInspection
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.network import Network
from conformance.cluster.restart import PodsOf
from conformance.cluster.toolbox import Toolbox

ITEMS = (200, {"items": [{"metadata": {"name": "one"}}]})
REFUSED = (403, {"message": 'pods "agent" is forbidden: User "me" cannot get resource "pods/log"'})


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def inspection(server: Server, tmp_path: Path) -> Iterator[ClusterInspection]:
    cluster = Cluster.connect(kubeconfig(tmp_path, server.url), None, TIMES)
    server.seen.clear()
    yield cluster.inspection
    cluster.close()


def paths(server: Server) -> list[str]:
    return [path for _, path, _, _ in server.seen]


@pytest.mark.parametrize(
    ("look", "path"),
    [
        pytest.param(lambda each: each.events("ns", 1.0), "/api/v1/namespaces/ns/events", id="events"),
        pytest.param(lambda each: each.objects("pods", "ns", 1.0), "/api/v1/namespaces/ns/pods", id="pods"),
        pytest.param(lambda each: each.objects("services", "ns", 1.0), "/api/v1/namespaces/ns/services", id="Services"),
        pytest.param(
            lambda each: each.objects("policies", "ns", 1.0), "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies", id="policies"
        ),
        pytest.param(
            lambda each: each.pods_of(PodsOf("kube-system", "k8s-app=cilium"), 1.0),
            "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dcilium",
            id="agents",
        ),
    ],
)
def test_lists_are_read_once_and_as_they_are(server: Server, inspection: ClusterInspection, look, path: str) -> None:
    server.replies = [ITEMS]
    assert [{"metadata": {"name": "one"}}] == look(inspection)
    assert [path] == paths(server)


def test_a_log_is_that_of_the_last_seconds_and_has_a_size(server: Server, inspection: ClusterInspection) -> None:
    server.replies = [(200, "what it said")]
    assert '"what it said"' == inspection.log("kube-system", "agent", "main", 300, 1.0)
    assert ["/api/v1/namespaces/kube-system/pods/agent/log?container=main&limitBytes=2000000&sinceSeconds=300&tailLines=4000"] == paths(
        server
    )


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        pytest.param(REFUSED, r"cannot read the log of ns/agent: pods \"agent\" is forbidden.* \(403\)", id="no right"),
        pytest.param((500, "no object"), r"cannot read the log of ns/agent: Internal Server Error \(500\)", id="an error without words"),
    ],
)
def test_a_refusal_is_one_sentence_and_is_not_asked_again(server: Server, inspection: ClusterInspection, reply, sentence: str) -> None:
    server.replies = [reply]
    with pytest.raises(BrokenCluster, match=sentence):
        inspection.log("ns", "agent", "main", 300, 1.0)
    assert 1 == len(server.seen)


def test_an_answer_that_is_no_list_is_told(server: Server, inspection: ClusterInspection) -> None:
    server.replies = [(200, ["x"])]
    with pytest.raises(BrokenCluster, match="cannot list the events of ns: the API server's answer is no list"):
        inspection.events("ns", 1.0)


def test_a_command_that_cannot_be_run_in_a_pod_is_told(server: Server, inspection: ClusterInspection) -> None:
    server.replies = [REFUSED]
    with pytest.raises(BrokenCluster, match=r"cannot run `cilium-dbg status` in ns/agent: pods \"agent\" is forbidden: .* \(403\)"):
        inspection.run_in_pod("ns", "agent", "main", ["cilium-dbg", "status"], 1.0)


class Program:
    """What an exec leads to: `says` on its outputs and `status` at its end; one without a status does not end."""

    def __init__(self, says: str, status: str) -> None:
        self.says, self.status, self.is_closed = says, status, False

    def run_forever(self, timeout: float) -> None:
        self.was_given = timeout

    def is_open(self) -> bool:
        return not self.status

    def read_channel(self, channel: int) -> str:
        return self.status

    def read_all(self) -> str:
        return self.says

    def close(self, timeout: float) -> None:
        self.is_closed = True


SUCCESS, FAILURE = '{"status": "Success"}', '{"status": "Failure", "message": "command terminated with exit code 1"}'


@pytest.mark.parametrize(
    ("says", "status", "expected"),
    [
        pytest.param("rules\n", SUCCESS, "rules\n", id="it ends"),
        pytest.param("", SUCCESS, "", id="it has nothing to say"),
        pytest.param("usage\n", FAILURE, "usage\n\n(command terminated with exit code 1)\n", id="it fails"),
        pytest.param("one\n", "", "one\n\n(it did not end within 2 s)\n", id="it does not end"),
        pytest.param("", FAILURE, "cannot run `ipset list` in ns/agent: command terminated with exit code 1", id="it is not there"),
        pytest.param("", "", "cannot run `ipset list` in ns/agent: it did not end within 2 s", id="it hangs"),
        pytest.param("", "no JSON", "cannot run `ipset list` in ns/agent: no JSON", id="an end that nobody knows"),
    ],
)
def test_a_command_in_a_pod_says_how_it_ended(monkeypatch, inspection: ClusterInspection, says: str, status: str, expected: str) -> None:
    program = Program(says, status)
    monkeypatch.setattr(looking, "stream", lambda *_, **__: program)
    try:
        found = inspection.run_in_pod("ns", "agent", "main", ["ipset", "list"], 2.0)
    except BrokenCluster as trouble:
        found = str(trouble)
    assert (expected, 2.0, True) == (found, program.was_given, program.is_closed)


@pytest.fixture
def cluster(tmp_path: Path) -> KindCluster:
    """A cluster whose engine says what it was told, and fails where that has `fail` in it."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\ncase "$*" in *fail*) echo no such thing >&2; exit 3;; esac\necho "$@"\ncat\n')
    docker.chmod(0o755)
    box = Toolbox(docker, tmp_path / "kind", probe_image="probe:1")
    network = Network("net", IPv4Network("198.18.0.0/20"), None)
    return KindCluster("work", "cilium", "ipv4", 2, "nftables", tmp_path / "kubeconfig", box, network, ())


def test_a_command_runs_on_the_node_that_is_named(cluster: KindCluster) -> None:
    assert "exec node-a ip route\n" == cluster.run_on("node-a", ("ip", "route"))
    assert "exec cni-conformance-work-control-plane ip route\n" == cluster.run_on_node("ip", "route")
    with pytest.raises(BrokenCommand, match="no such thing"):
        cluster.run_on("node-a", ("fail",))


def test_a_capture_runs_beside_its_node_and_ends_with_its_input(cluster: KindCluster) -> None:
    stream = cluster.capture("node-a", "pass", "{}")
    line = stream.receive(10.0)
    assert line is not None
    for words in (
        "--pull never --privileged --label cni-conformance=work",
        "--network container:node-a --pid container:node-a",
        "--entrypoint python3 probe:1 -I -S -c pass {}",
    ):
        assert words in line
    stream.send("end")
    assert "end" == stream.receive(10.0)
    stream.close()
    assert 0 == stream.process.wait(10)

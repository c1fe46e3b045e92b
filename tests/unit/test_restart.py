"""Starting agents and nodes again: what is deleted, what is waited for, and where it is not possible."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.cluster import restart
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection
from conformance.cluster.contract import BrokenPlugin, NotPossible, ServiceFacts
from conformance.cluster.restart import PodsOf, Restarts
from conformance.cluster.services import facts
from conformance.world.verdict import Protocol

AGENTS = Restarts((PodsOf("kube-system", "app=agent"),))


def pod(name: str, uid: str, node: str = "one", *, is_ready: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(is_ready)}]
    containers = [{"containerID": f"containerd://{uid}"}]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": containers}
    return {"metadata": {"namespace": "kube-system", "name": name, "uid": uid}, "spec": {"nodeName": node}, "status": status}


class Server:
    """Answers with the next of its lists of pods, the last one again and again; a deletion is noted."""

    listed = Connection.listed

    def __init__(self, *lists: list[dict[str, Any]], refuses: int | None = None) -> None:
        self.lists, self.refuses, self.deleted = list(lists), refuses, []
        self.core = SimpleNamespace(list_namespaced_pod="list", delete_namespaced_pod="delete", read_node="node", list_node="nodes")
        self.marks: list[list[str]] = [[]]

    def call(self, doing: str, method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        if method == "delete":
            if self.refuses:
                raise BrokenRequest("no", self.refuses)
            self.deleted.append(arguments[0])
            return {}
        if method == "node":
            return {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        if method == "forbidden":
            raise BrokenRequest("no", 403)
        if method == "nodes":
            marks = self.marks.pop(0) if len(self.marks) > 1 else self.marks[0]
            return {"items": [{"metadata": {"name": "one"}, "spec": {"taints": [{"key": key} for key in marks]}}]}
        return {"items": self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "LIMIT", 0.2)
    monkeypatch.setattr(restart, "_POLL", 0.01)


def test_agents_are_deleted_and_others_waited_for() -> None:
    old, new = [pod("a", "1"), pod("b", "2")], [pod("c", "3"), pod("d", "4")]
    server = Server(old, [*old[:1], *new], [new[0], pod("d", "4", is_ready=False)], new)

    restart.restart_plugin(server, AGENTS)

    assert (["a", "b"], [new]) == (server.deleted, server.lists)


def test_agents_that_do_not_come_back_are_the_plugin_s_fault() -> None:
    late = pod("b", "2", is_ready=False)
    with pytest.raises(BrokenPlugin, match=r"the plugin's agents were restarted and are not ready after 0 s: b \(Running\)"):
        restart.restart_plugin(Server([pod("a", "1")], [late]), AGENTS)


KEPT, AWAY = "own/room", "node.example/agent-not-ready"


def test_a_node_takes_pods_again_before_the_next_world_comes() -> None:
    """A mark outlives the agent's absence, or the node's, for a moment. One of the user's own stays."""
    server = Server([pod("a", "1")], [pod("b", "2")])
    server.marks = [[KEPT], [KEPT, AWAY], [KEPT, AWAY], [KEPT]]
    restart.restart_plugin(server, AGENTS)
    assert [[KEPT]] == server.marks

    server = Server([pod("a", "1")], [pod("b", "2")])
    server.marks = [[KEPT], [KEPT, AWAY], [KEPT]]
    restart.restart_node(server, Restarts(node=lambda name: None), "one")
    assert [[KEPT]] == server.marks


def test_a_node_that_goes_on_taking_no_pods_is_named() -> None:
    server = Server([pod("a", "1")], [pod("b", "2")])
    server.marks = [[KEPT], [KEPT, AWAY]]
    with pytest.raises(BrokenPlugin, match=r"0 s after the restart node one still takes no pods: its taint node\.example/agent-not-ready"):
        restart.restart_plugin(server, AGENTS)


def test_where_nodes_may_not_be_listed_their_marks_are_not_waited_for() -> None:
    server = Server([pod("a", "1")], [pod("b", "2")])
    server.core.list_node = "forbidden"
    restart.restart_plugin(server, AGENTS)
    assert ["a"] == server.deleted


@pytest.mark.parametrize(
    ("server", "restarts", "because"),
    [
        (Server([]), Restarts(because_not="ptp has no agents"), "ptp has no agents"),
        (Server([]), AGENTS, r"no pod of the plugin was found \(kube-system, app=agent\)"),
        (Server([pod("a", "1")], refuses=403), AGENTS, "no"),
    ],
    ids=["a plugin without agents", "no agents there", "no permission"],
)
def test_where_nothing_can_be_restarted(server: Server, restarts: Restarts, because: str) -> None:
    with pytest.raises(NotPossible, match=because):
        restart.restart_plugin(server, restarts)


def test_what_else_is_refused_is_trouble() -> None:
    with pytest.raises(BrokenRequest):
        restart.restart_plugin(Server([pod("a", "1")], refuses=500), AGENTS)


def test_a_node_is_back_when_all_that_runs_on_it_is_new() -> None:
    before, after = [pod("proxy", "1")], [pod("proxy", "9")]
    restarted: list[str] = []
    server = Server(before, before, [pod("proxy", "9", is_ready=False)], after)

    restart.restart_node(server, Restarts(AGENTS.agents, node=restarted.append), "one")

    assert (["one"], [after]) == (restarted, server.lists)


def test_a_node_whose_old_containers_stay_is_not_back() -> None:
    with pytest.raises(BrokenCluster, match="node one was restarted, and 0 s later 1 containers are those of before"):
        restart.restart_node(Server([pod("proxy", "1")]), Restarts(node=lambda name: None), "one")


def test_nodes_that_nobody_reaches_are_not_restarted() -> None:
    with pytest.raises(NotPossible, match="in a cluster of kind only"):
        restart.restart_node(Server([]), Restarts(), "one")


def test_a_service_has_the_addresses_and_node_ports_that_it_was_given() -> None:
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30123}, {"port": 53, "protocol": "UDP"}]

    given = facts({"spec": {"clusterIPs": ["10.96.0.1", "fd00::1"], "ports": ports}})

    assert (["10.96.0.1", "fd00::1"], {(80, Protocol.TCP): 30123}) == (list(map(str, given.addresses)), given.node_ports)
    assert ServiceFacts() == facts({"spec": {"clusterIPs": ["None"], "ports": [{"port": 80}]}})

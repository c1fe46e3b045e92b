"""Policies of the cluster's own that close its name servers: what asks by name is skipped with a sentence, and nobody is blamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_server import api_server
from small_world import pod

from conformance import data
from conformance.cluster.client import Cluster
from conformance.cluster.connection import BrokenRequest
from conformance.cluster.contract import NotPossible
from conformance.doctor import Check, examine
from conformance.model.lookup import why_not_resolved
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.load import load
from conformance.settings import Settings
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.plane import Plane
from conformance.target import Target
from conformance.world.place import Namespace, Port
from conformance.world.policy import NetworkPolicy
from conformance.world.times import Times
from conformance.world.verdict import Outcome, Protocol
from conformance.worlds import Worlds

PORTS = (Port(53, Protocol.UDP, "dns"), Port(53, Protocol.TCP, "dns-tcp"))
DNS = replace(pod("kube-system/dns-1", 53, serves=PORTS, app="dns"), namespace="kube-system", name="dns-1")
OTHER_DNS = replace(DNS, ref="kube-system/dns-2", name="dns-2", labels={"app": "dns", "canary": "yes"})
ASKING = Namespace("cc-run-probe", "cc-run-probe", {"kubernetes.io/metadata.name": "cc-run-probe", "cni-conformance/run": "run"})

NOT_ASKED = "may not be asked on port 53 by pods of other namespaces"
NO_API = "may not reach the API server"
TO_53 = [{"port": 53, "protocol": "UDP"}, {"port": 53}]
DNS_PODS = {"matchLabels": {"app": "dns"}}


def document(name: str, types: str, *, of: dict[str, Any] | None = None, **rules: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"podSelector": of or {}, "policyTypes": types.split(), **rules},
    }


def ingress(*rules: dict[str, Any], name: str = "dns", of: dict[str, Any] | None = None) -> dict[str, Any]:
    return document(name, "Ingress", of=of, ingress=list(rules))


def egress(*rules: dict[str, Any], name: str = "out") -> dict[str, Any]:
    return document(name, "Egress", egress=list(rules))


DENY_IN, DENY_OUT, DENY = document("deny", "Ingress"), document("deny", "Egress"), document("deny", "Ingress Egress")
FROM_ALL, FROM_HERE, FROM_US = (
    [{"namespaceSelector": selector}] if selector is not None else [{"podSelector": {}}]
    for selector in ({}, None, {"matchExpressions": [{"key": "cni-conformance/run", "operator": "Exists"}]})
)
FROM_A_BLOCK = [{"ipBlock": {"cidr": "10.0.0.0/8"}}]


def why(*documents: dict[str, Any]) -> str:
    return why_not_resolved((DNS, OTHER_DNS), ASKING, [NetworkPolicy.from_document(each) for each in documents])


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([], id="without policies"),
        pytest.param([ingress(of={"matchLabels": {"app": "metrics"}})], id="one for other pods"),
        pytest.param([ingress({})], id="everything may come in"),
        pytest.param([DENY_IN, ingress({"from": FROM_ALL, "ports": TO_53})], id="port 53 is open for all namespaces"),
        pytest.param([DENY_IN, ingress({"ports": [{"port": "dns", "protocol": "UDP"}]})], id="port 53 by its name"),
        pytest.param([DENY_IN, ingress({"from": FROM_US})], id="it is open for the namespaces of runs"),
        pytest.param([DENY_IN, ingress({"from": FROM_A_BLOCK})], id="a block may hold the addresses of probes"),
        pytest.param([DENY_OUT, egress({"ports": [{"port": 443}]})], id="the port of the API server's Service"),
        pytest.param([DENY_OUT, egress({"ports": [{"port": 6443}]})], id="the API server's own port"),
        pytest.param([DENY_OUT, egress({"to": FROM_A_BLOCK, "ports": [{"port": 6443}]})], id="a block may hold the API server"),
    ],
)
def test_nothing_is_said_where_names_may_be_resolved(documents: list[dict[str, Any]]) -> None:
    assert "" == why(*documents)


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        pytest.param([DENY_IN], f"{NOT_ASKED} (policy kube-system/deny)", id="nobody may come in"),
        pytest.param(
            [DENY_IN, ingress({"from": FROM_HERE})],
            f"{NOT_ASKED} (policy kube-system/deny, policy kube-system/dns)",
            id="pods of the same namespace only",
        ),
        pytest.param([ingress({"ports": [{"port": 53}]})], f"{NOT_ASKED} (policy kube-system/dns)", id="TCP is not UDP"),
        pytest.param([ingress({"ports": [{"port": 9153}]})], f"{NOT_ASKED} (policy kube-system/dns)", id="another port"),
        pytest.param(
            [DENY_IN, ingress({"ports": TO_53}, of={"matchLabels": {"canary": "yes"}})],
            f"{NOT_ASKED} (policy kube-system/deny)",
            id="one name server of two",
        ),
        pytest.param([DENY_OUT], f"{NO_API} (policy kube-system/deny)", id="nothing may go out"),
        pytest.param(
            [DENY_OUT, egress({"to": FROM_HERE}, {"ports": TO_53})],
            f"{NO_API} (policy kube-system/deny, policy kube-system/out)",
            id="the API server is not among pods, nor on port 53",
        ),
        pytest.param(
            [DENY],
            f"{NOT_ASKED} and {NO_API} (policy kube-system/deny)",
            id="neither in nor out, in one sentence",
        ),
    ],
)
def test_it_is_said_which_policies_close_the_name_servers(documents: list[dict[str, Any]], sentence: str) -> None:
    assert f"the name servers {sentence}: add a policy that allows it" == why(*documents)


def test_no_name_server_no_sentence() -> None:
    assert "" == why_not_resolved((), ASKING, [NetworkPolicy.from_document(DENY)])


# --- on the test bench ----------------------------------------------------------------------------------------------

TARGET, TIMES = Target.simulated(Settings(cluster="simulated")), Times(settle=3.0)
OPEN = (
    ingress({"from": FROM_ALL, "ports": TO_53}, of={"matchLabels": {"k8s-app": "kube-dns"}}),
    egress({"ports": [{"port": 443}, {"port": 6443}]}),
)


class Strict(SimulatedCluster):
    """With policies of kube-system."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        super().__init__(Plane, TIMES)
        for each in documents:
            self.apply_policy(each)


def played(path: str, *documents: dict[str, Any]) -> ScenarioRecord:
    cluster, scenario = Strict(*documents), load(data.folder("scenarios") / path)
    return play(scenario, Worlds(cluster, TARGET, TIMES, "r", 0), TIMES, Notes(scenario, TARGET, "w"))


BY_NAME, BY_ADDRESS = "services/name-needs-the-name-server.yaml", "recipes/02-limit-traffic-to-an-application.yaml"


def test_what_asks_by_name_is_not_possible_behind_a_default_deny() -> None:
    with pytest.raises(
        NotPossible, match=r"it asks Services by name, and the name servers may not be asked .*: add a policy that allows it$"
    ):
        played(BY_NAME, DENY)


@pytest.mark.parametrize(
    ("path", "documents"),
    [
        pytest.param(BY_NAME, (), id="names without policies"),
        pytest.param(BY_NAME, (DENY, *OPEN), id="names that policies open again"),
        pytest.param(BY_ADDRESS, (DENY,), id="what asks nobody by name"),
    ],
)
def test_all_else_is_measured(path: str, documents: tuple[dict[str, Any], ...]) -> None:
    assert Outcome.PASSED == played(path, *documents).outcome


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        pytest.param((), "no policy that we may see keeps them from being resolved", id="without policies"),
        pytest.param(
            (DENY_IN,),
            f"what asks by name is skipped: the name servers {NOT_ASKED} (policy kube-system/deny): add a policy that allows it",
            id="behind a default-deny",
        ),
    ],
)
def test_the_doctor_tells_it_and_the_run_goes_on(
    documents: tuple[dict[str, Any], ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "connect", lambda *_: Strict(*documents))

    found = examine(TARGET, TIMES, "a1b2c")

    assert Check("names", is_fine=True, sentence=sentence) in found.checks
    assert (True, True) == (found.can_run, found.enforces)


# --- of a real API server -------------------------------------------------------------------------------------------

PATH = "/apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies"


def listed(answer: Any, folder: Path) -> list[str]:
    with api_server(folder) as (server, kubeconfig):
        server.answers = {"/version/": {"major": "1", "minor": "34", "gitVersion": "v1.34.4"}, PATH: answer}
        cluster = Cluster.connect(kubeconfig, None, Times(retry=0.2))
        try:
            return [policy.ref for policy in cluster.policies_of("kube-system")]
        finally:
            cluster.close()


@pytest.mark.parametrize(
    ("answer", "refs"),
    [
        pytest.param({"items": []}, [], id="none"),
        pytest.param({"items": [{"metadata": {**DENY["metadata"], "uid": "1"}, "spec": DENY["spec"]}]}, ["kube-system/deny"], id="one"),
        pytest.param({"items": [{"metadata": DENY["metadata"]}]}, ["kube-system/deny"], id="one that says nothing of its own"),
        pytest.param(
            {"items": [{**DENY_IN, "spec": {"podSelector": {}, "novelty": 1}}, OPEN[0]]}, ["kube-system/dns"], id="one of tomorrow"
        ),
        pytest.param((403, "networkpolicies is forbidden"), [], id="we may not list them"),
    ],
)
def test_the_policies_of_a_namespace_are_read(answer: Any, refs: list[str], tmp_path: Path) -> None:
    assert refs == listed(answer, tmp_path)


def test_policies_that_cannot_be_read_for_another_reason_are_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenRequest, match="cannot list the policies of kube-system"):
        listed((422, "no"), tmp_path)

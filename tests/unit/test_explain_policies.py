"""`explain`: who decides, in words, and what `expect` would say."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from own_policies import EXAMPLE, of_scenario, policy, read, workload

from conformance.cli import main
from conformance.decision import InvalidQuestion, decide
from conformance.manifests.ground import Ranges
from conformance.model.decide import expected
from conformance.scenario.catalogue import load_all
from conformance.scenario.fictive import fictive_world
from conformance.world.question import questions_of
from conformance.world.verdict import Family, Verdict

FILES = (str(EXAMPLE / "application.yaml"), str(EXAMPLE / "policies.yaml"))
DOCUMENTATION = Ranges.of(["192.0.2.0/24", "2001:db8:0:2::/64"])


def told(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["explain", *FILES, *words])
    return result.exit_code, result.output.replace(f"{EXAMPLE}/", "")


def test_what_is_allowed_is_told_with_both_rules_that_allow_it():
    assert (
        0,
        """tickets/frontend -> tickets/api 8080/TCP: allowed
  tickets/frontend (egress): may it ask? yes
    isolated by tickets/default-deny (policies.yaml:2), tickets/names (policies.yaml:9), tickets/frontend (policies.yaml:23)
    rule 0 of tickets/frontend admits pods with tier=api on http/TCP (policies.yaml:32)
  tickets/api (ingress): may it be asked? yes
    isolated by tickets/default-deny (policies.yaml:2), tickets/api (policies.yaml:35)
    rule 0 of tickets/api admits pods with tier=frontend on http/TCP (policies.yaml:42)
""",
    ) == told("tickets/frontend", "tickets/api", "http")


def test_what_is_blocked_is_told_with_every_policy_that_isolates_and_does_not_allow_it():
    assert (
        1,
        """watch/board -> tickets/api 9090/TCP: blocked
  watch/board (egress): may it ask? yes
    no policy isolates watch/board
  tickets/api (ingress): may it be asked? no
    tickets/default-deny isolates tickets/api: no rule of it names watch/board (policies.yaml:2)
    tickets/api isolates tickets/api: no rule of it names watch/board (policies.yaml:35)
""",
    ) == told("watch/board", "tickets/api", "metrics")


ANSWERS = [
    pytest.param(
        ["watch/collector", "tickets/api", "metrics"],
        0,
        "admits pods with app=collector of namespaces with purpose=monitoring",
        id="both selectors",
    ),
    pytest.param(["watch/collector", "tickets/api", "http"], 1, "rule 1 names watch/collector, but not 8080/TCP", id="another port"),
    pytest.param(
        ["frontend", "database", "5432"], 1, "tickets/frontend -> tickets/database 5432/TCP: blocked", id="names without namespaces"
    ),
    pytest.param(["database", "database", "5432"], 0, "tickets/database -> another pod of tickets/database", id="pods of one workload"),
    pytest.param(["203.0.113.9", "frontend", "http"], 0, "rule 0 of tickets/frontend admits everybody", id="from outside"),
    pytest.param(["api", "203.0.113.9", "443"], 1, "tickets/api isolates tickets/api: no rule of it names 203.0.113.9", id="to outside"),
    pytest.param(["frontend", "svc/tickets/api", "80"], 0, "Behind it: tickets/api 8080/TCP. Policies see the pods", id="a Service"),
    pytest.param(["board", "svc/tickets/api", "80/TCP"], 1, "board -> svc/tickets/api 80/TCP: blocked", id="a Service that is closed"),
    pytest.param(
        ["report", "svc/tickets/database", "5432"], 0, "tickets/report -> tickets/database 5432/TCP: allowed", id="a headless Service"
    ),
    pytest.param(
        ["report", "database", "53/UDP"], 1, "tickets/database declares no port 53/UDP (it declares postgres=5432/TCP)", id="undeclared"
    ),
]


@pytest.mark.parametrize(("words", "code", "sentence"), ANSWERS)
def test_a_question_has_its_answer(words, code, sentence):
    found, text = told(*words)
    assert (code, True) == (found, sentence in text)


def test_families_that_differ_are_told_apart_and_the_worse_one_counts():
    texts = (
        workload("shop/web", "app: web", "80/TCP"),
        policy("shop/out", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"),
    )
    decision = decide(read(*texts, workload("shop/api", "app: api", "80/TCP")), Ranges.of(()), "shop/web", "shop/api", "80")
    assert Verdict.BLOCKED is decision.verdict
    assert (
        "shop/web -> shop/api 80/TCP over IPv4: open\n  The specification leaves it to the plugin: rule 0 of shop/out may admit"
        in decision.text
    )
    assert "shop/web -> shop/api 80/TCP over IPv6: blocked" in decision.text
    assert "Pods' addresses are taken to lie in 10.244.0.0/16 and fd00:10:244::/56" in decision.text


def test_an_open_cell_has_its_reason_and_an_exit_code_of_its_own(tmp_path: Path):
    path = tmp_path / "1.yaml"
    both = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"
    path.write_text(workload("shop/web", "app: web", "80/TCP") + workload("shop/api", "app: api", "80/TCP") + policy("shop/out", both))
    result = CliRunner().invoke(main, ["explain", str(path), "shop/web", "shop/api", "80", "--pod-cidr", "10.1.0.0/16"])
    assert (4, True) == (result.exit_code, "which covers an address of shop/api in the cluster" in result.output)
    assert "over IPv" not in result.output  # one family of ranges, one family of questions


def test_a_service_with_open_and_closed_ends_is_the_clusters_choice():
    service = """---
apiVersion: v1
kind: Service
metadata: {name: both, namespace: shop}
spec: {selector: {tier: back}, ports: [{port: 80}]}
"""
    workloads = [
        workload(f"shop/{name}", f"app: {name}, tier: {tier}", "80/TCP") for name, tier in (("a", "back"), ("b", "back"), ("c", "front"))
    ]
    closed = policy("shop/closed", "{podSelector: {matchLabels: {app: b}}}")
    decision = decide(read(*workloads, service, closed), Ranges.of(()), "shop/c", "svc/shop/both", "80")
    assert Verdict.OPEN is decision.verdict
    assert "Behind it: shop/a 80/TCP, shop/b 80/TCP; which of them is asked is the cluster's choice." in decision.text


def test_a_policy_of_another_api_is_named_as_one_that_may_decide_otherwise():
    cilium = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {}\n"
    decision = decide(read(workload("shop/a"), workload("shop/b"), cilium), Ranges.of(()), "shop/a", "shop/b", "80")
    assert "Policies of other APIs (1: CiliumNetworkPolicy) may decide otherwise" in decision.text


def test_a_pod_is_meant_by_its_own_name_too():
    pod = """---
apiVersion: v1
kind: Pod
metadata:
  name: api-7d4b9-x2x
  namespace: shop
  labels: {app: api, pod-template-hash: 7d4b9}
  ownerReferences: [{kind: ReplicaSet, name: api-7d4b9, controller: true}]
status: {podIPs: [{ip: 10.9.8.7}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: api-7d4b9, namespace: shop, ownerReferences: [{kind: Deployment, name: api, controller: true}]}
spec: {replicas: 1, template: {metadata: {labels: {app: api, pod-template-hash: 7d4b9}}, spec: {}}}
"""
    found = read(workload("shop/web"), workload("shop/api", "app: api"), pod)
    assert ["shop/web", "shop/api"] == [each.ref for each in found.workloads]
    assert ["10.9.8.7"] == [str(address) for address in found.workloads[1].addresses]
    assert decide(found, Ranges.of(()), "shop/web", "shop/api-7d4b9-x2x", "80").text.startswith("shop/web -> shop/api 80/TCP: allowed")


def test_a_pod_that_somebody_has_relabelled_stands_for_itself():
    pod = """---
kind: Pod
apiVersion: v1
metadata: {name: api-1, namespace: shop, labels: {app: quarantine}, ownerReferences: [{kind: StatefulSet, name: api, controller: true}]}
"""
    assert ["shop/api", "shop/api-1"] == [each.ref for each in read(workload("shop/api", "app: api", kind="StatefulSet"), pod).workloads]


GROUPS = ["recipes/02-limit-traffic-to-an-application.yaml", "recipes/12-deny-all-non-whitelisted-traffic-from-the-namespace.yaml"]


@pytest.mark.parametrize("file", GROUPS)
def test_it_says_what_expect_says(file):
    (scenario,), _ = load_all([EXAMPLE.parents[2] / "scenarios" / file])
    world = fictive_world(scenario.layout)
    inventory = of_scenario(scenario)
    table = expected(world, inventory.sound(), questions_of(world, [Family.IPV4]))
    assert 0 < len(table)
    for question, expectation in table.items():
        if "outside" not in question.pair[0] + question.pair[1]:
            decision = decide(inventory, DOCUMENTATION, question.source, question.destination, question.lane)
            assert (question, expectation.verdict) == (question, decision.verdict)


def test_of_policies_with_one_name_the_last_one_counts():
    admits = "{podSelector: {matchLabels: {app: api}}, ingress: [{}]}"
    nobody = "{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress]}"
    workloads = (workload("shop/web", "app: web", ""), workload("shop/api", "app: api", "80/TCP"))
    found = read(*workloads, policy("shop/it", admits), policy("shop/it", nobody))
    decision = decide(found, DOCUMENTATION, "shop/web", "shop/api", "80")
    assert (Verdict.BLOCKED, True) == (decision.verdict, "the last one counts: shop/it (3.yaml:2) does not." in decision.text)


NODE = workload("shop/node", "app: node", "80/TCP", hostNetwork="true")
WEB_AND_API = workload("shop/web", "app: web", "80/TCP") + workload("shop/api", "app: api", "80/TCP")


def test_an_end_that_plugins_read_in_two_ways_is_open_and_both_are_told():
    closed = policy("shop/closed", "{podSelector: {matchLabels: {app: node}}, policyTypes: [Egress]}")
    assert decide(read(WEB_AND_API + NODE, closed), DOCUMENTATION, "shop/node", "shop/web", "80").text.endswith(
        """
  shop/node (egress): may it ask? open
    isolated by shop/closed (2.yaml:2)
    no by a plugin that tells pods in the node's network apart:
      shop/closed isolates shop/node: no rule of it names shop/web (2.yaml:2)
    yes by a plugin that treats pods in the node's network as their node:
      policies pass over shop/node, which is in its node's network
  shop/web (ingress): may it be asked? yes
    no policy isolates shop/web"""
    )


def test_where_each_reading_closes_another_end_that_is_said():
    closed = policy("shop/closed", "{podSelector: {matchLabels: {app: node}}, policyTypes: [Egress]}")
    admits = policy("shop/web", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: node}}}]}]}")
    decision = decide(read(WEB_AND_API + NODE, closed, admits), DOCUMENTATION, "shop/node", "shop/web", "80")
    assert (Verdict.BLOCKED, 0, 2) == (decision.verdict, decision.text.count("? no"), decision.text.count("? open"))
    assert "However a plugin reads pods in their node's network, one of the two ends does not let it through." in decision.text


def test_the_address_of_a_pod_means_its_workload():
    pod = "---\nkind: Pod\napiVersion: v1\nmetadata: {name: db, namespace: shop}\nstatus: {podIPs: [{ip: 10.9.8.7}]}\n"
    found = read(WEB_AND_API, pod, policy("shop/closed", "{podSelector: {}, policyTypes: [Egress]}"))
    assert decide(found, Ranges.of(()), "10.9.8.7", "shop/web", "80").text.startswith("shop/db -> shop/web 80/TCP: blocked")
    assert decide(found, Ranges.of(()), "10.244.0.9", "shop/web", "80").text.startswith("10.244.0.9 -> shop/web 80/TCP: allowed")


INSIDE = [
    pytest.param((), "10.244.0.9 lies in 10.244.0.0/16, where pods have their addresses (--pod-cidr says otherwise)", id="usual ranges"),
    pytest.param(("10.0.0.0/8",), "10.244.0.9 lies in 10.0.0.0/8, where pods have their addresses: name the workload", id="known ranges"),
]


@pytest.mark.parametrize(("ranges", "sentence"), INSIDE)
def test_an_address_among_those_of_pods_is_nobody_outside(ranges, sentence):
    with pytest.raises(InvalidQuestion, match=re.escape(sentence)):
        decide(read(WEB_AND_API), Ranges.of(ranges), "10.244.0.9", "shop/web", "80")


def test_a_fault_of_a_policy_is_told_at_its_place(tmp_path: Path):
    path = tmp_path / "1.yaml"
    path.write_text(WEB_AND_API + policy("shop/it", '{podSelector: {}, ingress: [{ports: [{port: "80"}]}]}'))
    result = CliRunner().invoke(main, ["explain", str(path), "shop/web", "shop/api", "80"])
    assert (2, True) == (result.exit_code, "1.yaml:23:51: spec.ingress[0].ports[0].port is a number" in result.output)


def test_a_policy_with_a_key_twice_is_not_explained(tmp_path: Path):
    path = tmp_path / "1.yaml"
    path.write_text(WEB_AND_API + policy("shop/it", "{podSelector: {}, podSelector: {matchLabels: {app: api}}}"))
    result = CliRunner().invoke(main, ["explain", str(path), "shop/web", "shop/api", "80"])
    assert (2, True) == (result.exit_code, "1.yaml:23:8: podSelector stands again in line 23" in result.output)

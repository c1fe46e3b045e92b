"""Every rule of lint: where it speaks, and where it is silent."""

import re
from pathlib import Path

import pytest
from own_policies import EXAMPLE, namespace, of_scenario, policy, read, workload

from conformance.lint.near import near
from conformance.lint.rules import RULES, lint
from conformance.lint.scene import Level
from conformance.manifests.ground import Ranges
from conformance.manifests.reading import read_paths
from conformance.manifests.taking import inventory
from conformance.scenario.catalogue import load_all

SCENARIOS = Path(__file__).parents[2] / "scenarios"

APP = (
    namespace("shop", "team: books"),
    namespace("watch", "purpose: monitoring"),
    workload("shop/web", "app: web, tier: front", "http=8080/TCP"),
    workload("shop/api", "app: api, tier: back", "http=8080/TCP metrics=9090/TCP"),
    workload("watch/board", "app: board", "3000/TCP"),
)
"""Two namespaces with three workloads."""

SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
"""

TO_API = "{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [%s]}"
FROM_API = "{podSelector: {matchLabels: {app: api}}, policyTypes: [Egress], egress: [%s]}"
FROM_WEB = "{from: [{podSelector: {matchLabels: {app: web}}}]}"
TO_DNS = "{ports: [{protocol: UDP, port: 53}]}"


def found(*texts: str, pods: tuple[str, ...] = (), only: str = "") -> list[str]:
    """The rules that speak; of `only` one rule."""
    return [each.rule.name for each in lint(read(*texts), Ranges.of(pods)).findings if only in ("", each.rule.name)]


def sentences(*texts: str) -> list[str]:
    return [each.fault.text for each in lint(read(*texts), Ranges.of(())).findings]


WRONG = [
    # id of the rule, spec, what stands at the place, the sentence
    (
        "invalid-policy",
        "{podSelector: {matchLabels: {app: 1}}}",
        "{matchLabels: {app: 1",
        "the API refuses it: spec.podSelector: label 'app': 1 needs a string",
    ),
    (
        "invalid-policy",
        "{podSelector: {matchLabels: {sha: 12e3}}}",
        "{matchLabels: {sha: 12e3",
        "the API refuses it: spec.podSelector: label 'sha': 12000.0 needs a string",
    ),
    ("invalid-policy", TO_API % "{from: [{}]}", "{}]}]}", "the API refuses it: spec.ingress[0].from[0]: a peer needs podSelector"),
    ("invalid-policy", TO_API % '{ports: [{port: "8080"}]}', '"8080"}]}', "not '8080' in quotes, which make it a name"),
    (
        "key-twice",
        TO_API % "{from: [{podSelector: {matchLabels: {app: web}}}], from: [{podSelector: {}}]}",
        "from: [{podSelector: {matchLabels",
        "from stands again in line 4, and only the last one counts: this one is gone",
    ),
    (
        "except-outside-cidr",
        FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [198.51.100.0/26]}}]}",
        "198.51.100.0/26]",
        "takes nothing away",
    ),
    (
        "except-excludes-all",
        FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/24]}}]}",
        "except: [203",
        "this peer is nobody",
    ),
    (
        "except-excludes-all",
        FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/25, 203.0.113.128/25]}}]}",
        "except: [203",
        "these exceptions together leave nothing of 203.0.113.0/24",
    ),
    (
        "types-contradict",
        f"{{podSelector: {{}}, policyTypes: [Egress], ingress: [{FROM_WEB}]}}",
        "ingress: [",
        "these ingress rules never count",
    ),
    ("types-left-out", f"{{podSelector: {{}}, egress: [{TO_DNS}]}}", "egress: [", "this policy isolates for ingress, too"),
    ("types-left-out", "{podSelector: {}, egress: []}", "egress: []", "egress: [] without policyTypes isolates nobody for egress"),
    (
        "selects-nothing",
        "{podSelector: {matchLabels: {app: stock}}}",
        "podSelector: {matchLabels: {app: stock",
        "no workload of namespace shop matches app=stock",
    ),
    (
        "peer-selects-nothing",
        TO_API % "{from: [{podSelector: {matchLabels: {app: stock}}}]}",
        "{podSelector: {matchLabels: {app: stock",
        "no workload of shop matches app=stock: this peer is nobody",
    ),
    (
        "peer-selects-nothing",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {purpose: monitoring}}, podSelector: {matchLabels: {app: web}}}]}",
        "{namespaceSelector: {matchLabels: {purpose",
        "no workload of watch matches app=web",
    ),
    (
        "namespace-label",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {stage: test}}}]}",
        "{matchLabels: {stage",
        "no namespace known here matches stage=test",
    ),
    (
        "namespace-unknown",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: bank}}}]}",
        "{matchLabels: {kuber",
        "nothing is known here of namespace bank",
    ),
    ("near-miss", "{podSelector: {matchLabels: {app: Web}}}", "Web}", "no workload here has app=Web, but there is app=web: a slip?"),
    (
        "near-miss",
        "{podSelector: {matchLabels: {tier: frnot}}}",
        "frnot}",
        "no workload here has tier=frnot, but there is tier=front: a slip?",
    ),
    (
        "near-miss",
        "{podSelector: {matchLabels: {teir: front}}}",
        "teir: front",
        "no workload here has a label teir, but there is tier: a slip?",
    ),
    (
        "near-miss",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {purpose: monitorin}}}]}",
        "monitorin}",
        "no namespace here has purpose=monitorin, but there is purpose=monitoring",
    ),
    ("port-nobody-serves", TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: 8081}}]}}", "8081}", "shop/api has no port 8081/TCP"),
    (
        "port-nobody-serves",
        TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: 80}}]}}",
        "80}",
        "80 is the port of Service shop/api; policies see",
    ),
    ("port-nobody-serves", TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: metric}}]}}", "metric}", "is metrics meant?"),
    (
        "port-nobody-serves",
        TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: 8080, protocol: UDP}}]}}",
        "8080, protocol",
        "8080 is served by another protocol",
    ),
    (
        "port-nobody-serves",
        FROM_API % f"{{to: [{{podSelector: {{matchLabels: {{app: web}}}}}}], ports: [{{port: 9090}}]}}, {TO_DNS}",
        "9090}",
        "shop/web has no port 9090/TCP",
    ),
    (
        "only-excludes",
        TO_API % "{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [ops]}]}}]}",
        "{matchExpressions: [{key: team, operator: NotIn",
        "every other namespace is meant, also those that come later",
    ),
    (
        "only-excludes",
        FROM_API
        % f"{{to: [{{podSelector: {{}}, namespaceSelector: {{matchExpressions: [{{key: team, operator: DoesNotExist}}]}}}}]}}, {TO_DNS}",
        "{matchExpressions: [{key: team, operator: DoesNotExist",
        "it only excludes (",
    ),
    (
        "or-instead-of-and",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {purpose: monitoring}}}, {podSelector: {matchLabels: {app: board}}}]}",
        "{podSelector: {matchLabels: {app: board",
        "two entries mean either: pods with app=board of shop, or all pods of namespaces with purpose=monitoring",
    ),
    ("empty-peers", TO_API % "{from: []}", "from: []", "an empty from means everybody, not nobody: leave from out to say so"),
    ("empty-peers", FROM_API % "{to: }", "to: }", "an empty to means everybody, not nobody: is something missing behind it?"),
    ("empty-ports", TO_API % "{ports: []}", "ports: []", "an empty ports means all ports, not none"),
    ("host-bits", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.9/24}}]}", "203.0.113.9/24", "203.0.113.9/24 means 203.0.113.0/24"),
    (
        "ip-block-over-pods",
        FROM_API % "{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}",
        "0.0.0.0/0",
        "0.0.0.0/0 covers 10.244.0.0/16, where pods usually",
    ),
    (
        "egress-without-dns",
        FROM_API % "{ports: [{port: 443}]}",
        "egress: [",
        "shop/api is isolated for egress, and nothing lets it ask a name server (53/UDP)",
    ),
    (
        "egress-without-dns",
        FROM_API % "{ports: [{port: 53}]}",
        "egress: [",
        "shop/api is isolated for egress, and nothing lets it ask a name server (53/UDP)",
    ),
    (
        "egress-without-dns",
        FROM_API % "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: watch}}}]}",
        "egress: [",
        "shop/api is isolated for egress, and nothing lets it ask a name server (53/UDP)",
    ),
    (
        "egress-without-dns",
        FROM_API % "{to: [{podSelector: {matchLabels: {app: web}}}]}",
        "egress: [",
        "shop/api is isolated for egress, and nothing lets it ask a name server (53/UDP)",
    ),
]


@pytest.mark.parametrize(("rule", "spec", "words", "sentence"), [pytest.param(*row, id=f"{row[0]}: {row[3][:40]}") for row in WRONG])
def test_a_rule_speaks_at_its_place(rule: str, spec: str, words: str, sentence: str) -> None:
    texts = ("".join(APP) + SERVICE, policy("shop/it", spec).removeprefix("---\n"))
    (fault,) = [each.fault for each in lint(read(*texts), Ranges.of(())).findings if each.rule.name == rule]
    assert ("2.yaml", 4, words) == (str(fault.path), fault.line, fault.source_line[fault.column - 1 :][: len(words)])
    assert sentence in fault.text


SILENT = [
    ("invalid-policy", TO_API % FROM_WEB, "a sound policy"),
    (
        "key-twice",
        TO_API % "{from: [{podSelector: {matchLabels: &web {app: web}}}, {podSelector: {matchLabels: {<<: *web, app: api}}}]}",
        "what an alias brings is replaced",
    ),
    ("except-outside-cidr", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/26]}}]}", "an except inside"),
    (
        "except-excludes-all",
        FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/25, 203.0.113.128/26]}}]}",
        "a quarter is left",
    ),
    ("types-contradict", "{podSelector: {}, policyTypes: [Ingress, Egress]}", "Egress without rules"),
    ("types-contradict", f"{{podSelector: {{}}, policyTypes: [Ingress], ingress: [{FROM_WEB}], egress: []}}", "an empty list beside"),
    ("types-left-out", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{TO_DNS}]}}", "types are said"),
    ("types-left-out", f"{{podSelector: {{}}, ingress: [{FROM_WEB}], egress: [{TO_DNS}]}}", "rules of both directions"),
    ("selects-nothing", "{podSelector: {}}", "all pods"),
    ("selects-nothing", "{podSelector: {matchLabels: {app: api}}}", "a workload is there"),
    ("selects-nothing", "{podSelector: {matchLabels: {app: Api}}}", "a near miss is told instead"),
    ("selects-nothing", "{podSelector: {matchLabels: {statefulset.kubernetes.io/pod-name: db-0}}}", "a label of a controller"),
    ("peer-selects-nothing", TO_API % FROM_WEB, "a workload is there"),
    (
        "peer-selects-nothing",
        TO_API
        % "{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {a: b}}}]}",
        "a system's namespace is not read",
    ),
    ("namespace-label", TO_API % "{from: [{namespaceSelector: {matchLabels: {team: books}}}]}", "a namespace has it"),
    ("namespace-label", TO_API % "{from: [{namespaceSelector: {}}]}", "all namespaces"),
    ("namespace-unknown", TO_API % "{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: watch}}}]}", "it is known"),
    (
        "namespace-unknown",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}",
        "every cluster has it",
    ),
    ("near-miss", "{podSelector: {matchLabels: {app: stock}}}", "nothing is near"),
    ("near-miss", "{podSelector: {matchExpressions: [{key: app, operator: In, values: [Web, web]}]}}", "somebody is selected"),
    ("near-miss", "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [Web]}]}}", "whom it does not want"),
    ("port-nobody-serves", TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: http}}, {{port: 9000, endPort: 9100}}]}}", "a name and a range"),
    ("port-nobody-serves", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 5432}]}", "who is outside is not known"),
    ("port-nobody-serves", FROM_API % "{ports: [{port: 443}]}", "everybody is asked"),
    (
        "or-instead-of-and",
        TO_API % "{from: [{namespaceSelector: {matchLabels: {purpose: monitoring}}, podSelector: {matchLabels: {app: board}}}]}",
        "one entry with both",
    ),
    ("or-instead-of-and", TO_API % "{from: [{namespaceSelector: {}}, {podSelector: {}}]}", "all pods of the own namespace, too"),
    ("empty-peers", TO_API % "{ports: [{port: http}]}", "from is left out"),
    ("empty-ports", TO_API % FROM_WEB, "ports are left out"),
    ("host-bits", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24}}, {ipBlock: {cidr: 2001:db8::/32}}]}", "no bits"),
    ("ip-block-over-pods", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}", "elsewhere"),
    (
        "ip-block-over-pods",
        FROM_API % "{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16]}}]}",
        "the range is excepted",
    ),
    ("egress-without-dns", FROM_API % f"{{to: [{{podSelector: {{matchLabels: {{app: web}}}}}}]}}, {TO_DNS}", "53/UDP to everybody"),
    (
        "or-instead-of-and",
        TO_API % "{from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {matchLabels: {purpose: monitoring}}}]}",
        "such pods are here, and none are there",
    ),
    ("egress-without-dns", FROM_API % "{to: [{namespaceSelector: {}}]}", "all ports of all namespaces"),
    (
        "egress-without-dns",
        FROM_API % "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-dns}}}]}",
        "all ports of a namespace called after DNS",
    ),
    ("egress-without-dns", FROM_API % "{to: [{namespaceSelector: {matchLabels: {team: net}}}]}", "all ports of who knows whom"),
    ("egress-without-dns", FROM_API % "{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443}]}", "addresses need no names"),
    ("egress-without-dns", "{podSelector: {}, policyTypes: [Egress]}", "nobody is to be asked at all"),
    ("port-name-twice", TO_API % f"{FROM_WEB[:-1]}, ports: [{{port: http}}, {{port: 8080}}]}}", "it is one port of each pod"),
    ("only-excludes", TO_API % "{from: [{namespaceSelector: {}}]}", "an empty selector"),
    (
        "only-excludes",
        TO_API % "{from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [api]}]}}]}",
        "excludes pods",
    ),
    (
        "only-excludes",
        TO_API
        % "{from: [{namespaceSelector: {matchLabels: {team: books}, matchExpressions: [{key: stage, operator: NotIn, values: [prod]}]}}]}",
        "asks for a label, too",
    ),
    ("host-network-subject", TO_API % FROM_WEB, "pods with addresses of their own"),
    ("superfluous", "{podSelector: {}, policyTypes: [Ingress, Egress]}", "the rule of a house"),
    ("superfluous", TO_API % FROM_WEB, "it alone blocks the others"),
]


@pytest.mark.parametrize(("rule", "spec", "why"), [pytest.param(*row, id=f"{row[0]}: {row[2]}") for row in SILENT])
def test_a_rule_is_silent_where_nothing_is_wrong(rule: str, spec: str, why: str) -> None:
    assert [] == found("".join(APP) + SERVICE, policy("shop/it", spec), only=rule)


def test_every_rule_has_a_row_that_it_speaks_in_and_one_that_it_is_silent_in() -> None:
    # these need more than one policy, or another world
    elsewhere = {"superfluous", "name-twice", "host-network-subject", "port-name-twice"}
    assert {rule.name for rule in RULES} == {row[0] for row in WRONG} | elsewhere
    assert {rule.name for rule in RULES} - {"name-twice"} == {row[0] for row in SILENT}


def test_a_policy_that_another_makes_superfluous_is_found_once() -> None:
    same = TO_API % FROM_WEB
    texts = ("".join(APP), policy("shop/first", same).removeprefix("---\n"), policy("shop/second", same).removeprefix("---\n"))
    (finding,) = lint(read(*texts), Ranges.of(())).findings
    assert ("superfluous", "shop/second", "3.yaml", 3) == (finding.rule.name, finding.policy, str(finding.fault.path), finding.fault.line)
    assert "nothing changes without it for the workloads here: others do what it does (shop/first)" == finding.fault.text


ADDS = [
    pytest.param(FROM_WEB, f"{FROM_WEB[:-1]}, ports: [{{port: metrics}}]}}", True, id="a port of what all ports are admitted to"),
    pytest.param(f"{FROM_WEB[:-1]}, ports: [{{port: metrics}}]}}", FROM_WEB, False, id="all ports beside one"),
    pytest.param(FROM_WEB, "{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}", False, id="somebody outside"),
    pytest.param("{}", "{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}", True, id="somebody of everybody"),
    pytest.param(FROM_WEB, "{from: [{podSelector: {matchLabels: {app: api}}}]}", False, id="its own other pods"),
    pytest.param(FROM_WEB, f"{FROM_WEB[:-1]}, ports: [{{protocol: UDP}}]}}", True, id="a protocol of all"),
    pytest.param(
        f"{FROM_WEB[:-1]}, ports: [{{port: 8080}}]}}",
        f"{FROM_WEB[:-1]}, ports: [{{port: 7000}}]}}",
        False,
        id="a port of which nobody speaks",
    ),
    pytest.param(
        f"{FROM_WEB[:-1]}, ports: [{{port: 1, endPort: 10}}, {{port: 20, endPort: 100}}]}}",
        f"{FROM_WEB[:-1]}, ports: [{{port: 5, endPort: 30}}]}}",
        False,
        id="ports between two ranges",
    ),
    pytest.param(
        f"{FROM_WEB[:-1]}, ports: [{{port: 1, endPort: 10}}, {{port: 11, endPort: 100}}]}}",
        f"{FROM_WEB[:-1]}, ports: [{{port: 5, endPort: 30}}]}}",
        True,
        id="ports within two ranges",
    ),
    pytest.param(FROM_WEB[:-1] + ", ports: [{protocol: TCP}]}", FROM_WEB[:-1] + ", ports: [{protocol: SCTP}]}", False, id="SCTP"),
    pytest.param(
        "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}",
        "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/9]}}]}",
        False,
        id="addresses behind a smaller exception",
    ),
    pytest.param("{from: [{podSelector: {}}]}", "{from: [{namespaceSelector: {}}]}", False, id="namespaces that stand in no manifest"),
]


@pytest.mark.parametrize(("first", "second", "is_superfluous"), ADDS)
def test_what_a_policy_adds_is_seen(first: str, second: str, *, is_superfluous: bool) -> None:
    linted = lint(read(*APP, policy("shop/a", TO_API % first), policy("shop/b", TO_API % second)), Ranges.of(()))
    assert is_superfluous == (("superfluous", "shop/b") in [(each.rule.name, each.policy) for each in linted.findings])


def test_two_policies_of_one_name_are_told_at_the_second() -> None:
    it = policy("shop/it", TO_API % FROM_WEB).removeprefix("---\n")
    (finding,) = [each for each in lint(read("".join(APP), it, it), Ranges.of(())).findings if each.rule.name == "name-twice"]
    assert ("3.yaml", "shop/it stands at 2.yaml:1, too: the one that is applied last counts") == (
        str(finding.fault.path),
        finding.fault.text,
    )


def test_a_policy_for_pods_in_the_network_of_their_node_is_told() -> None:
    texts = (*APP, workload("shop/agent", "app: agent", "9100/TCP", kind="DaemonSet", hostNetwork="true"))
    assert ["host-network-subject"] == found(*texts, policy("shop/it", "{podSelector: {matchLabels: {app: agent}}}"))


@pytest.mark.parametrize(
    ("ports", "asked", "sentences_of_it"),
    [
        pytest.param(
            "http=8080/TCP http=15080/TCP",
            "{port: http}",
            ["http is 8080/TCP and 15080/TCP of shop/two: which of them is meant is left to the plugin"],
            id="two numbers",
        ),
        pytest.param("http=8080/TCP http=15080/TCP", "{port: 8080}", [], id="asked by its number"),
        pytest.param("dns=53/TCP dns=53/UDP", "{port: dns}", [], id="two protocols"),
        pytest.param("http=8080/TCP http=8080/TCP", "{port: http}", [], id="the same port twice"),
        pytest.param("http=8080/TCP http=15080/TCP", "{port: web}", [], id="another name"),
    ],
)
def test_a_name_of_two_ports_of_a_pod_is_told_where_a_policy_uses_it(ports: str, asked: str, sentences_of_it: list[str]) -> None:
    rules = f"{{podSelector: {{matchLabels: {{app: two}}}}, policyTypes: [Ingress], ingress: [{FROM_WEB[:-1]}, ports: [{asked}]}}]}}"
    linted = lint(read(*APP, workload("shop/two", "app: two", ports), policy("shop/it", rules)), Ranges.of(()))
    assert sentences_of_it == [each.fault.text for each in linted.findings if each.rule.name == "port-name-twice"]


def test_without_workloads_nobody_is_said_to_select_nothing() -> None:
    linted = lint(read(policy("shop/it", TO_API % FROM_WEB)), Ranges.of(()))
    assert () == linted.findings
    assert ["no workloads were given (Deployments, Pods …): whom policies select, and on which ports, was not looked at"] == [
        *linted.not_judged
    ]


def test_a_namespace_without_any_workload_is_told_where_others_have_some() -> None:
    assert ["there is no workload of namespace shpo here: the policy does nothing"] == sentences(
        *APP, policy("shpo/it", "{podSelector: {matchLabels: {app: api}}}")
    )


def test_labels_of_namespaces_that_nobody_says_are_not_judged() -> None:
    spec = TO_API % "{from: [{namespaceSelector: {matchLabels: {stage: test}}}]}"
    assert [] == found(*APP[2:], policy("shop/it", spec))


def test_known_ranges_of_pods_replace_the_usual_ones() -> None:
    texts = (*APP, policy("shop/it", FROM_API % "{to: [{ipBlock: {cidr: 172.20.0.0/16}}]}"))
    assert [] == found(*texts, only="ip-block-over-pods")
    assert 1 == len(found(*texts, pods=("172.20.3.0/24",), only="ip-block-over-pods"))


def test_the_example_has_its_one_mistake() -> None:
    every, faults = inventory(read_paths([EXAMPLE]))
    assert () == faults
    (finding,) = lint(every, Ranges.of(())).findings
    assert ("or-instead-of-and", "mistake.yaml", 11) == (finding.rule.name, finding.fault.path.name, finding.fault.line)


RECIPES = {
    "allow-all-traffic-to-an-application": [("superfluous", "shop/web-deny-all")],
    "deny-egress-traffic-from-an-application": [("superfluous", "shop/foo-deny-egress")],
}
"""Two recipes show that policies add up: the first policy of each does nothing beside the second."""


def test_the_recipes_have_no_fault_but_what_they_mean_to_show() -> None:
    scenarios, faults = load_all([SCENARIOS / "recipes"])
    assert () == faults
    ranges = Ranges.of(["192.0.2.0/24", "2001:db8:0:2::/64"])
    found = {each.name: [(one.rule.name, one.policy) for one in lint(of_scenario(each), ranges).findings] for each in scenarios}
    assert RECIPES == {name: findings for name, findings in found.items() if findings}


MEANT = {
    "directions": {"types-contradict", "types-left-out", "egress-without-dns", "superfluous"},
    "selectors": {
        "near-miss",
        "selects-nothing",
        "namespace-label",
        "superfluous",
        "peer-selects-nothing",
        "egress-without-dns",
        "only-excludes",
        "or-instead-of-and",
    },
    "dual-stack": {"ip-block-over-pods"},
}


@pytest.mark.parametrize("group", MEANT)
def test_a_group_of_the_catalogue_has_only_the_faults_that_it_shows(group: str) -> None:
    scenarios, _ = load_all([SCENARIOS / group])
    ranges = Ranges.of(["192.0.2.0/24", "2001:db8:0:2::/64"])
    found = {finding.rule.name for each in scenarios for finding in lint(of_scenario(each), ranges).findings}
    assert set() == found - MEANT[group]


NEAR = [
    pytest.param("Web", "web", True, id="case"),
    pytest.param("my_app", "my-app", True, id="punctuation"),
    pytest.param("fronted", "frontend", True, id="a letter is missing"),
    pytest.param("fronteend", "frontend", True, id="a letter too many"),
    pytest.param("frontand", "frontend", True, id="another letter"),
    pytest.param("frotnend", "frontend", True, id="two letters swapped"),
    pytest.param("web-1", "web-2", False, id="another number"),
    pytest.param("web1", "web12", False, id="a digit more"),
    pytest.param("api", "app", False, id="short words"),
    pytest.param("backend", "frontend", False, id="another word"),
    pytest.param("", "a", False, id="nothing"),
]


@pytest.mark.parametrize(("word", "other", "is_near"), NEAR)
def test_slips_are_told_from_other_words(word: str, other: str, *, is_near: bool) -> None:
    assert (other if is_near else None) == near(word, [other])


def test_two_words_that_are_near_are_no_slip() -> None:
    assert None is near("frontend1x", ["frontend1", "frontend1y"])


def test_every_rule_has_a_chapter_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text(encoding="utf-8")
    assert [rule.name for rule in RULES] == re.findall(r"^### (\S+)", page, re.MULTILINE)
    assert {rule.name: str(rule.level) for rule in RULES} == dict(re.findall(r"^### (\S+)\n\n(error|warning|note):", page, re.MULTILINE))
    assert all(f"{rule.about}" in page for rule in RULES)


def test_levels_are_ordered() -> None:
    assert Level.NOTE < Level.WARNING < Level.ERROR

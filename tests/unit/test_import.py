"""`import`: a scenario file from manifests."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from own_policies import EXAMPLE, namespace, policy, read, workload

from conformance.cli import main
from conformance.expect import contradictions
from conformance.importing.file import import_of
from conformance.importing.naming import LONGEST, Namer
from conformance.scenario.catalogue import load_all
from conformance.scenario.check import check
from conformance.scenario.scenario import Scenario

FILES = (str(EXAMPLE / "application.yaml"), str(EXAMPLE / "policies.yaml"))


def imported(folder: Path, *words: str, name: str = "mine") -> tuple[Scenario, str]:
    """The scenario, which is sound, and what was said."""
    path = folder / f"{name}.yaml"
    result = CliRunner().invoke(main, ["import", *words, "-o", str(path)])
    assert (0, None) == (result.exit_code, result.exception), result.output
    scenarios, faults = load_all([path])
    assert () == (*faults, *check(scenarios), *contradictions(scenarios))
    return scenarios[0], result.output.replace(f"{folder}/", "")


def of(tmp_path: Path, *texts: str) -> tuple[Scenario, str]:
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text("".join(texts))
    return imported(tmp_path, str(manifests))


WEB = workload("shop/web", "app: web", "http=80/TCP")
API = workload("shop/api", "app: api", "http=8080/TCP")
ALLOW = policy("shop/allow", "{podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}")


def test_the_example_becomes_a_sound_scenario(tmp_path):
    scenario, said = imported(tmp_path, *FILES, name="three-tiers")
    assert "three-tiers.yaml: 2 namespaces, 7 pods, 3 Services, 6 policies; 126 questions.\n" == said
    assert [*scenario.layout.namespaces] == ["tickets", "watch"]
    assert {"app": "tickets", "tier": "api"} == scenario.layout.namespaces["tickets"].pods["api"].labels
    assert ["http=8080/TCP", "metrics=9090/TCP"] == [str(port) for port in scenario.layout.namespaces["tickets"].pods["api"].serves]
    assert ["default-deny", "names", "frontend", "api", "database", "report"] == [*scenario.policies]
    assert ("dns", "named-port", "service") == scenario.needs


def test_it_runs_in_memory_and_a_faulty_plugin_is_seen(tmp_path):
    from conformance.sensitivity import fails, recorded
    from conformance.simulated.faults import named
    from conformance.world.verdict import Outcome

    scenario, _ = imported(tmp_path, *FILES)
    assert Outcome.PASSED is recorded(scenario)[0].outcome
    assert fails(scenario, named("ingress-named-port-opens-all").plane)


def test_a_policy_of_a_set_lets_its_second_pod_be_asked(tmp_path):
    scenario, _ = imported(tmp_path, *FILES)
    assert ["frontend", "api", "database", "database-2", "report"] == [*scenario.layout.namespaces["tickets"].pods]
    text = (tmp_path / "mine.yaml").read_text()
    assert "tickets/database-2         .                  -                    .\n" in text


def test_nothing_but_names_labels_ports_and_policies_is_taken(tmp_path):
    manifests = """---
apiVersion: v1
kind: Secret
metadata: {name: taboo-secret, namespace: shop}
stringData: {word: taboo-1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: taboo-map, namespace: shop}
data: {word: taboo-2}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop, annotations: {word: taboo-3}, labels: {word: taboo-4}}
spec:
  template:
    metadata: {labels: {app: api, version: taboo-5}, annotations: {word: taboo-6}}
    spec:
      serviceAccountName: taboo-7
      containers:
        - {name: taboo-8, image: taboo-9, env: [{name: A, value: taboo-10}], args: [taboo-11], ports: [{name: http, containerPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow, namespace: shop, annotations: {word: taboo-12}, labels: {word: taboo-13}}
spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}
"""
    scenario, said = of(tmp_path, namespace("shop", "word: taboo-14"), WEB, manifests)
    assert ("taboo" in (tmp_path / "mine.yaml").read_text(), "taboo" in said) == (False, False)
    assert {"app": "api"} == scenario.layout.namespaces["shop"].pods["api"].labels


POD = """---
kind: Pod
apiVersion: v1
metadata: {name: p, namespace: shop}
spec: {containers: [{ports: [{containerPort: 80, hostPort: 8080}]}]}
"""


def service(name: str, spec: str) -> str:
    return f"---\nkind: Service\napiVersion: v1\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{{spec}}}\n"


LEFT_OUT = [
    pytest.param(
        workload("shop/agent", "app: x", "9100/TCP", hostNetwork="true"),
        "workloads in their node's network are not taken (1): shop/agent",
        id="host network",
    ),
    pytest.param(
        POD,
        "workloads have host ports, which are not taken (1): shop/p",
        id="host port",
    ),
    pytest.param(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: http, namespace: shop}\nspec: {}\n",
        "policies of other APIs are not taken (1): CiliumNetworkPolicy http",
        id="a policy of Cilium",
    ),
    pytest.param(
        "---\napiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {}\n",
        "policies of other APIs are not taken (1): NetworkPolicy of crd.projectcalico.org x",
        id="a policy of Calico",
    ),
    pytest.param(
        policy("empty/alone", "{podSelector: {}}"),
        "policies of namespaces without workloads are not taken (1): empty/alone",
        id="no workload",
    ),
    pytest.param(
        policy("shop/jinja", "{podSelector: {matchLabels: {app: '{{ 1 + 1 }}'}}}"),
        "policies with signs that a scenario file fills in are not taken (1): shop/jinja",
        id="Jinja",
    ),
    pytest.param(
        service("far", "type: ExternalName, externalName: example.org"),
        "Services behind which none of the pods stands are not taken (1): shop/far",
        id="ExternalName",
    ),
    pytest.param(
        service("api", "selector: {app: api}, ports: [{port: 80, targetPort: web}]"),
        "ports of Services lead to no port that is known (1): 80 of shop/api",
        id="a target that nobody names",
    ),
    pytest.param(
        service("api", "type: LoadBalancer, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]"),
        "Services of type LoadBalancer are asked at their cluster address only (1): shop/api",
        id="a load balancer",
    ),
    pytest.param(
        workload("shop/a-name-of-more-than-thirty-letters-is-long", "app: x"),
        "workloads have another name here (1): shop/a-name-of-more-than-thirty-letters-is-long is a-name-of-more-than-thirt-",
        id="a long name",
    ),
    pytest.param(workload("node/x", "app: x"), "namespaces have another name here (1): node is node-", id="a reserved name"),
    pytest.param(
        workload("shop/odd", "app: 'not a value!'"), "labels are none that Kubernetes takes (1): app of shop/odd", id="a label that is none"
    ),
]


@pytest.mark.parametrize(("more", "sentence"), LEFT_OUT)
def test_what_is_not_taken_is_counted_with_its_name(tmp_path, more, sentence):
    _, said = of(tmp_path, WEB, API, ALLOW, more)
    assert sentence in said
    assert sentence[:60] in " ".join((tmp_path / "mine.yaml").read_text().replace("\n# ", " ").split())


def test_a_renamed_namespace_is_renamed_in_policies_too(tmp_path):
    by_name = "{matchLabels: {kubernetes.io/metadata.name: hostport}}"
    spec = f"{{podSelector: {{}}, ingress: [{{from: [{{namespaceSelector: {by_name}}}]}}]}}"
    scenario, _ = of(tmp_path, WEB, API, workload("hostport/x", "app: x"), policy("shop/it", spec))
    renamed = next(name for name in scenario.layout.namespaces if name != "shop")
    document = yaml.safe_load(scenario.policies["it"])
    assert {"kubernetes.io/metadata.name": renamed} == document["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"]
    assert f"{renamed}/x -> shop/api" not in (tmp_path / "mine.yaml").read_text()  # a table, as every cell is known


def test_what_depends_on_addresses_is_left_to_the_run(tmp_path):
    blocks = "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: %s}}]}]}"
    _, said = of(tmp_path, WEB, API, policy("shop/out", blocks % "10.0.0.0/8"))
    assert "1 of 4 questions depend on addresses (ipBlock): expect says nothing of them" in said
    assert "shop/web -> shop/api 8080/TCP/ipv6: blocked" in (tmp_path / "mine.yaml").read_text()


def test_a_block_of_the_internet_is_no_doubt(tmp_path):
    blocks = "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: %s}}]}]}"
    _, said = of(tmp_path, WEB, API, policy("shop/out", blocks % "203.0.113.0/24"))
    assert "depend on addresses" not in said


def test_a_block_of_all_addresses_is_open_wherever_pods_are(tmp_path):
    spec = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]}]}"
    _, said = of(tmp_path, WEB, API, policy("shop/out", spec))
    assert "depend on addresses" not in said
    assert "shop/web     -         ?" in (tmp_path / "mine.yaml").read_text()


def test_where_all_depends_on_addresses_there_is_nothing_to_import(tmp_path):
    spec = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 'fd00::/8'}}]}]}"
    (tmp_path / "1.yaml").write_text(WEB + API + policy("shop/out", spec))
    result = CliRunner().invoke(main, ["import", str(tmp_path)])
    assert (2, True) == (result.exit_code, "every question depends on the addresses that a cluster gives (ipBlock)" in result.output)


def test_ports_that_only_services_name_are_served(tmp_path):
    quiet = service("s", "selector: {app: quiet}, ports: [{port: 80, targetPort: 9000}]")
    scenario, _ = of(tmp_path, WEB, API, ALLOW, workload("shop/quiet", "app: quiet"), quiet)
    assert ["9000/TCP"] == [str(port) for port in scenario.layout.namespaces["shop"].pods["quiet"].serves]


def test_policies_of_one_name_in_two_namespaces_are_both_taken(tmp_path):
    denied = "{podSelector: {}, policyTypes: [Ingress]}"
    texts = (WEB, API, workload("bank/vault"), *(policy(ref, denied) for ref in ("shop/deny", "bank/deny", "shop/bank-deny")))
    scenario, _ = of(tmp_path, *texts)
    refs = [yaml.safe_load(text)["metadata"] for text in scenario.policies.values()]
    assert ["shop/deny", "bank/deny", "shop/bank-deny"] == [f"{each['namespace']}/{each['name']}" for each in refs]
    assert ["deny", "bank-deny"] == [*scenario.policies][:2]


def test_the_second_pod_of_a_set_takes_no_name_of_another_workload(tmp_path):
    texts = (WEB, workload("shop/db", "app: api", kind="StatefulSet", replicas=3), workload("shop/db-2", "app: other"))
    pods = of(tmp_path, *texts, ALLOW)[0].layout.namespaces["shop"].pods
    assert ["web", "db", "db-2"] == [*pods][:3]
    assert [{"app": "web"}, {"app": "api"}, {"app": "api"}, {"app": "other"}] == [plan.labels for plan in pods.values()]


def test_system_namespaces_are_taken_only_where_they_are_named(tmp_path):
    system = workload("kube-system/dns", "k8s-app: kube-dns", "53/UDP")
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(WEB + API + ALLOW + system + policy("kube-system/it", "{podSelector: {}}"))
    assert ["shop"] == [*imported(tmp_path, str(manifests), name="without")[0].layout.namespaces]
    named = imported(tmp_path, str(manifests), "-n", "shop", "-n", "kube-system", name="with-it")[0]
    assert ["shop", "kube-system"] == [*named.layout.namespaces]


def test_manifests_without_a_namespace_belong_to_the_one_that_is_named(tmp_path):
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text((WEB + API + ALLOW).replace(", namespace: shop", ""))
    assert ["default"] == [*imported(tmp_path, str(manifests), name="one")[0].layout.namespaces]
    assert ["mine"] == [*imported(tmp_path, str(manifests), "-n", "mine", name="two")[0].layout.namespaces]


def test_a_file_that_is_there_is_kept_unless_it_is_said(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("read by a person")
    result = CliRunner().invoke(main, ["import", *FILES, "-o", str(path)])
    assert (2, True) == (result.exit_code, "--force replaces it" in result.output)
    assert "read by a person" == path.read_text()
    assert 0 == CliRunner().invoke(main, ["import", *FILES, "-o", str(path), "--force"]).exit_code


def test_without_a_file_the_scenario_is_on_the_standard_output_alone():
    result = CliRunner().invoke(main, ["import", *FILES])
    assert "imported" == yaml.safe_load(result.stdout)["name"]
    assert "imported: 2 namespaces, 7 pods" in result.stderr


def test_a_large_application_is_imported():
    texts = [workload(f"shop/w{number}", f"app: w{number}, tier: t{number % 3}", "80/TCP") for number in range(60)]
    made = import_of(read(*texts, policy("shop/it", "{podSelector: {matchLabels: {tier: t1}}}")), "large", "manifests")
    assert "1 namespace, 60 pods, 0 Services, 1 policy; 7080 questions" == made.summary


NAMES = [
    pytest.param("api", "api", id="a name that fits"),
    pytest.param("my.app", "my-app", id="a dot"),
    pytest.param("x" * 30, "x" * 30, id="thirty letters"),
]


@pytest.mark.parametrize(("name", "short"), NAMES)
def test_names_become_valid(name, short):
    assert short == Namer().short(name)


def test_names_that_become_equal_are_kept_apart():
    namer = Namer({"node"})
    names = ["my.app", "my-app", "node", *(f"{'x' * 40}{number}" for number in range(20))]
    short = [namer.short(name) for name in names]
    assert (len(names), True) == (len(set(short)), all(len(each) <= LONGEST for each in short))
    assert short == [namer.short(name) for name in names]


def test_labels_that_look_like_something_else_stay_what_they_are(tmp_path):
    words = ("y", "n", "N", "true", "null", "1e3", "0x10", "010", "1_000", "2026-01-01", "a" * 63)
    workloads = [workload(f"shop/w{number}", f"app: '{word}', 'y': x", "http=80/TCP") for number, word in enumerate(words)]
    peer = f"{{podSelector: {{matchExpressions: [{{key: app, operator: In, values: {[*words]}}}]}}}}"
    spec = f"{{podSelector: {{matchLabels: {{'y': x}}}}, ingress: [{{from: [{peer}]}}]}}"
    scenario, _ = of(tmp_path, *workloads, policy("shop/allow", spec))
    pods = scenario.layout.namespaces["shop"].pods
    assert [{"app": word, "y": "x"} for word in words] == [plan.labels for plan in pods.values()]


@pytest.mark.parametrize(
    "workloads",
    [
        pytest.param([WEB], id="one pod"),
        pytest.param([workload("shop/web", "app: web", ""), workload("shop/api", "app: api", "")], id="no ports"),
    ],
)
def test_where_there_is_nothing_to_ask_there_is_nothing_to_import(tmp_path, workloads):
    (tmp_path / "manifests.yaml").write_text("".join([*workloads, ALLOW]))
    result = CliRunner().invoke(main, ["import", str(tmp_path / "manifests.yaml"), "-o", str(tmp_path / "mine.yaml")])
    assert (2, True, False) == (result.exit_code, "there is nothing to ask" in result.output, (tmp_path / "mine.yaml").exists())


def test_workloads_that_nobody_asks_are_named(tmp_path):
    _, said = of(tmp_path, WEB, workload("shop/api", "app: api", ""), workload("shop/job", "app: job", ""), ALLOW)
    assert "policies admit somebody to workloads that declare no port: nobody asks them (1): shop/api" in said


def test_a_service_without_ports_is_named(tmp_path):
    service = (
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: peers, namespace: shop}\nspec: {clusterIP: None, selector: {app: api}}\n"
    )
    _, said = of(tmp_path, WEB, API, service, ALLOW)
    assert "Services without ports are not taken (1): shop/peers" in said

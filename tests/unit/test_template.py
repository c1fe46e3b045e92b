"""What is sent to the API server, and the world that the model sees: the same labels, real names, real addresses."""

# A row of a table of cases stands on a line of its own, however long the sentence that is expected.
# ruff: noqa: E501

import json
from ipaddress import ip_address
from pathlib import Path

import pytest
from scenario_file import HEAD, policy, text, write

from conformance.scenario.fault import InvalidScenario
from conformance.scenario.fictive import fictive_world, placement
from conformance.scenario.load import load
from conformance.scenario.scenario import HostPlan, Layout, NamespacePlan, PodPlan, Scenario, ServiceKind, ServicePlan
from conformance.template.load import GROUPS, light_pods, load_namespace, load_policy
from conformance.template.names import Names
from conformance.template.render import agent_config, render_policies, render_world
from conformance.template.start import asking_at_start, on_node
from conformance.template.world import annotated, everybody_of, relabelled
from conformance.world.door import DoorPort
from conformance.world.place import Namespace, Node, Observed, OutsideHost, Pod, Port, World
from conformance.world.verdict import Family, Protocol

NAMES = Names("r1", "w0")
LAYOUT = Layout(
    None,
    {
        "shop": NamespacePlan({"team": "red"}, {"api": PodPlan({"app": "api"}, (Port(80), Port(53, Protocol.UDP, "dns")), "b"), "front": PodPlan()}),
        "next": NamespacePlan({}, {"twin": PodPlan()}),
    },
    {"alpha": HostPlan((Port(443),))},
)  # fmt: skip
SOURCE = 'print("a\'b", """\n{{ no }}\n""")  # ü'
MANIFESTS = render_world(LAYOUT, NAMES, "python:3", ["one", "two"], SOURCE)


def test_namespaces_have_their_labels_and_those_of_the_run() -> None:
    run = {"cni-conformance/run": "r1", "cni-conformance/world": "w0"}

    assert [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cc-r1-w0-shop", "labels": {"team": "red", **run}}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cc-r1-w0-next", "labels": run}},
    ] == list(MANIFESTS.namespaces)


@pytest.mark.parametrize(
    ("pod", "allowed"),
    [
        pytest.param(PodPlan(), None, id="an ordinary probe keeps to the restricted level"),
        pytest.param(PodPlan({}, (Port(80, Protocol.SCTP),)), "privileged", id="SCTP is asked over raw sockets"),
        pytest.param(PodPlan({}, (Port(19080),), is_host_network=True), "privileged", id="the network of a node"),
        pytest.param(PodPlan({}, (Port(80),), host_ports=(Port(80),)), "privileged", id="a port of a node"),
    ],
)
def test_namespaces_ask_for_what_their_pods_need_where_a_cluster_enforces_more(pod: PodPlan, allowed: str | None) -> None:
    made = render_world(Layout(None, {"shop": NamespacePlan({}, {"api": pod})}, {}), NAMES, "python:3", ["one"], SOURCE)

    assert [allowed] == [each["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") for each in made.namespaces]


def test_a_layout_that_says_what_is_enforced_has_the_last_word() -> None:
    own = {"pod-security.kubernetes.io/enforce": "restricted"}
    layout = Layout(None, {"shop": NamespacePlan(own, {"api": PodPlan({}, (Port(80, Protocol.SCTP),))})}, {})

    assert own.items() <= render_world(layout, NAMES, "python:3", ["one"], SOURCE).namespaces[0]["metadata"]["labels"].items()


def test_a_pod_has_the_labels_of_the_layout_and_no_others() -> None:
    assert [{"app": "api"}, {}] == [MANIFESTS.pods[ref]["metadata"]["labels"] for ref in ("shop/api", "shop/front")]


def test_a_pod_runs_the_agent_s_source_as_it_is() -> None:
    command = MANIFESTS.pods["shop/api"]["spec"]["containers"][0]["command"]

    config = {"identity": "cc-r1-w0-shop/api", "serves": [[80, "TCP"], [53, "UDP"]], "bind": None}
    assert (["python3", "-I", "-S", "-c", SOURCE], config) == (command[:5], json.loads(command[5]))


def test_ports_have_their_names() -> None:
    assert [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}] == MANIFESTS.pods[
        "shop/api"
    ]["spec"]["containers"][0]["ports"]


def test_pods_lie_where_the_layout_wants_them_and_others_in_turn() -> None:
    nodes = {ref: pod["spec"]["nodeSelector"]["kubernetes.io/hostname"] for ref, pod in MANIFESTS.pods.items()}

    assert {"shop/api": "two", "shop/front": "one", "next/twin": "two"} == nodes


def test_with_one_worker_all_lie_on_it() -> None:
    assert {"only"} == set(placement(LAYOUT, ["only"]).values())


def test_an_ordinary_pod_meets_the_restricted_level_of_pod_security() -> None:
    spec = MANIFESTS.pods["shop/api"]["spec"]

    assert {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}} == spec["containers"][0]["securityContext"]
    assert (True, {"type": "RuntimeDefault"}) == (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["seccompProfile"])
    assert (False, False) == (spec["automountServiceAccountToken"], spec["enableServiceLinks"])


def test_raw_sockets_are_had_only_where_sctp_is_asked() -> None:
    layout = Layout(
        None,
        {"shop": NamespacePlan({}, {"api": PodPlan(serves=(Port(80, Protocol.SCTP),)), "ping": PodPlan(serves=(Port(0, Protocol.ICMP),))})},
    )

    pods = render_world(layout, NAMES, "python:3", ["one"], SOURCE).pods

    assert {"add": ["NET_RAW"], "drop": ["ALL"]} == pods["shop/ping"]["spec"]["containers"][0]["securityContext"]["capabilities"]
    assert (0, None) == (
        pods["shop/api"]["spec"]["securityContext"]["runAsUser"],
        pods["shop/api"]["spec"]["securityContext"].get("runAsNonRoot"),
    )
    assert [] == pods["shop/ping"]["spec"]["containers"][0]["ports"]


def test_icmp_is_the_kernel_s_to_serve() -> None:
    config = json.loads(agent_config("x", [Port(0, Protocol.ICMP), Port(7, Protocol.UDP)], ["192.0.2.1"]))

    assert {"identity": "x", "serves": [[7, "UDP"]], "bind": ["192.0.2.1"]} == config


@pytest.mark.parametrize(("run", "world"), [("R1", "w"), ("r" * 30, "w"), ("r", "w/0")])
def test_names_that_would_be_none(run: str, world: str) -> None:
    with pytest.raises(ValueError, match="make no names of namespaces"):
        Names(run, world)


def observed() -> World:
    given = {
        ref: Observed((ip_address(f"10.244.0.{number}"), ip_address(f"fd00::{number}")), "one")
        for number, ref in enumerate(MANIFESTS.pods, 1)
    }
    return everybody_of(LAYOUT, MANIFESTS, given, {"alpha": (ip_address("198.18.8.11"),)}, {"one": (ip_address("192.0.2.1"),)}, {})


def test_the_world_has_the_labels_of_the_manifests_and_what_the_cluster_gave() -> None:
    world = observed()

    labels = {"team": "red", "cni-conformance/run": "r1", "cni-conformance/world": "w0", "kubernetes.io/metadata.name": "cc-r1-w0-shop"}
    assert Namespace("shop", "cc-r1-w0-shop", labels) == world.namespaces["shop"]
    assert (
        Pod(
            ref="shop/api",
            namespace="cc-r1-w0-shop",
            name="api",
            labels={"app": "api"},
            serves=(Port(80), Port(53, Protocol.UDP, "dns")),
            addresses=(ip_address("10.244.0.1"), ip_address("fd00::1")),
            node="one",
        )
        == world.pods["shop/api"]
    )
    assert {"outside/alpha": OutsideHost("outside/alpha", (Port(443),), (ip_address("198.18.8.11"),))} == world.hosts
    assert {"one": Node("one", (ip_address("192.0.2.1"),))} == world.nodes


def test_relabelling_sets_and_removes() -> None:
    world = relabelled(observed(), {"shop": {"team": None, "a": "b"}, "shop/api": {"app": "x"}, "next/twin": {"none": None}})

    assert "team" not in world.namespaces["shop"].labels
    assert ("b", {"app": "x"}, {}) == (world.namespaces["shop"].labels["a"], world.pods["shop/api"].labels, world.pods["next/twin"].labels)


def test_annotating_sets_and_removes() -> None:
    once = annotated(observed(), {"shop": {"a": "b", "c": "d"}})

    assert ({"c": "d"}, {}) == (annotated(once, {"shop": {"a": None}}).namespaces["shop"].annotations, once.namespaces["next"].annotations)


def scenario(folder: Path, body: str) -> Scenario:
    layout = "layout:\n  shop: {pods: {api: {}, front: {}}}\n  next: {pods: {twin: {}}}\n  outside: {hosts: {alpha: {}, beta: {}}}\n"
    return load(
        write(folder, text(layout=layout, policies=policy(HEAD + body), steps="steps:\n  - {apply: [deny], expect: all allowed}\n"))
    )


def small(*, hosts: bool = True) -> World:
    addresses = {"alpha": (ip_address("198.18.8.11"), ip_address("fd00:8::11")), "beta": (ip_address("198.18.12.11"),)}
    return World(
        {ref: Namespace(ref, f"cc-x-{ref}", {}) for ref in ("shop", "next")},
        {"shop/api": Pod("shop/api", "cc-x-shop", "api", addresses=(ip_address("10.0.0.1"),))},
        {f"outside/{name}": OutsideHost(f"outside/{name}", (), each) for name, each in addresses.items()} if hosts else {},
    )


def test_namespaces_are_renamed_everywhere(tmp_path: Path) -> None:
    body = (
        "spec:\n  ingress:\n    - from:\n"
        "        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: next, a: next}}\n"
        "        - namespaceSelector:\n            matchExpressions:\n"
        "              - {key: kubernetes.io/metadata.name, operator: NotIn, values: [shop, kube-system]}\n"
        "              - {key: kubernetes.io/metadata.name, operator: Exists}\n"
        "              - {key: a, operator: In, values: [shop]}\n"
    )

    document = render_policies(scenario(tmp_path, body), small(), [Family.IPV4])["deny"]

    assert {"name": "deny", "namespace": "cc-x-shop"} == document["metadata"]
    assert [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cc-x-next", "a": "next"}}},
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["cc-x-shop", "kube-system"]},
                    {"key": "kubernetes.io/metadata.name", "operator": "Exists"},
                    {"key": "a", "operator": "In", "values": ["shop"]},
                ]
            }
        },
    ] == document["spec"]["ingress"][0]["from"]


def test_a_policy_without_a_specification_stays_one(tmp_path: Path) -> None:
    assert {} == render_policies(scenario(tmp_path, ""), small(), [Family.IPV4])["deny"]["spec"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("address('shop/api')", "10.0.0.1", id="an address of the first family"),
        pytest.param("address('outside/alpha', 'ipv6')", "fd00:8::11", id="an address of a family"),
        pytest.param("cidr('outside/alpha')", "198.18.8.11/32", id="a range of one address"),
        pytest.param("cidr('outside/alpha', 'ipv6')", "fd00:8::11/128", id="a range of one address of IPv6"),
        pytest.param("block('outside/alpha', 'ipv4', 24, 80)", "198.18.8.0/24", id="a network that holds an address"),
        pytest.param("block('outside/alpha', 'ipv6', 24, 80)", "fd00:8::/80", id="a network of IPv6"),
        pytest.param("families | join('+')", "ipv4+ipv6", id="the families of the run"),
    ],
)
def test_words_of_jinja(tmp_path: Path, word: str, expected: str) -> None:
    found = scenario(tmp_path, "").policies["deny"].replace("name: deny", f'name: deny, annotations: {{a: "{{{{ {word} }}}}"}}')
    other = load(
        write(
            tmp_path,
            text(policies=policy(found), layout="layout:\n  shop: {pods: {api: {}, front: {}}}\n  outside: {hosts: {alpha: {}}}\n"),
            "b.yaml",
        )
    )

    assert expected == render_policies(other, small(), list(Family))["deny"]["metadata"]["annotations"]["a"]


def test_what_only_the_real_world_shows_is_a_fault_with_its_line(tmp_path: Path) -> None:
    there = scenario(tmp_path, "spec: {ingress: [{from: [{ipBlock: {cidr: \"{{ cidr('outside/beta', 'ipv6') }}\"}}]}]}")

    with pytest.raises(InvalidScenario) as caught:
        render_policies(there, small(), list(Family))

    assert f"{there.path}:13:48: policy deny: Jinja: outside/beta has no ipv6 address in this world" == str(caught.value).splitlines()[0]


def test_a_fault_of_a_policy_whose_file_is_gone(tmp_path: Path) -> None:
    there = scenario(tmp_path, "spec: {ingress: [{from: [{ipBlock: {cidr: \"{{ cidr('outside/beta') }}\"}}]}]}")
    there.path.unlink()

    with pytest.raises(InvalidScenario, match="cannot be read: No such file"):
        render_policies(there, small(hosts=False), list(Family))


def test_in_the_fictive_world_hosts_lie_apart_and_together_as_a_provider_puts_them() -> None:
    world = fictive_world(Layout(None, LAYOUT.namespaces, {"alpha": HostPlan(), "beta": HostPlan()}))

    assert {
        "outside/alpha": ("198.18.8.11", "2001:db8:0:1:8::b"),
        "outside/beta": ("198.18.12.11", "2001:db8:0:1:c::b"),
        "shop/api": ("192.0.2.1", "2001:db8:0:2::1"),
    } == {ref: tuple(map(str, world.place(ref).addresses)) for ref in ("outside/alpha", "outside/beta", "shop/api")}
    assert ("b", ["a", "b"], "shop") == (world.pods["shop/api"].node, list(world.nodes), world.namespaces["shop"].name)


DOORS = Layout(
    None,
    {
        "shop": NamespacePlan(
            {},
            {
                "api": PodPlan({"app": "api"}, (Port(80), Port(81, name="web")), "a", host_ports=(Port(80),)),
                "host": PodPlan({}, (Port(19080),), "b", is_host_network=True),
                "later": PodPlan({}, (Port(80),), "b", comes_later=True),
                "later-host": PodPlan({}, (Port(19081),), "b", is_host_network=True, comes_later=True),
                "stuck": PodPlan({}, (Port(80),), comes_later=True, is_pending=True),
            },
            {
                "web": ServicePlan(
                    {"app": "api"}, (DoorPort(80, Protocol.TCP, 80), DoorPort(81, Protocol.TCP, "web")), ServiceKind.NODE_PORT
                ),
                "head": ServicePlan({"app": "api"}, (DoorPort(80, Protocol.TCP, 80),), ServiceKind.HEADLESS),
            },
        )
    },
)
OPEN = render_world(DOORS, NAMES, "python:3", ["one", "two"], SOURCE, first_port=20100)


def test_a_pod_in_its_node_s_network_may_bind_and_ping_without_the_sysctls_of_others() -> None:
    spec = OPEN.pods["shop/host"]["spec"]

    assert (True, "ClusterFirstWithHostNet") == (spec["hostNetwork"], spec["dnsPolicy"])
    assert {"drop": ["ALL"], "add": ["NET_RAW", "NET_BIND_SERVICE"]} == spec["containers"][0]["securityContext"]["capabilities"]
    assert "sysctls" not in spec["securityContext"]
    assert "hostNetwork" not in OPEN.pods["shop/api"]["spec"]


def test_ports_of_nodes_are_counted_from_the_world_s_first() -> None:
    assert {("shop/api", 80, Protocol.TCP): 20100} == OPEN.host_ports
    assert [20100, None] == [port.get("hostPort") for port in OPEN.pods["shop/api"]["spec"]["containers"][0]["ports"]]


def test_a_pod_that_is_to_wait_asks_for_a_node_that_there_is_not() -> None:
    assert {"kubernetes.io/hostname": "no-such-node"} == OPEN.pods["shop/stuck"]["spec"]["nodeSelector"]


def test_services_lead_to_numbers_and_names_over_both_families() -> None:
    web, head = OPEN.services["svc/shop/web"], OPEN.services["svc/shop/head"]

    assert {"name": "web", "namespace": "cc-r1-w0-shop"} == web["metadata"]
    assert {
        "type": "NodePort",
        "ipFamilyPolicy": "PreferDualStack",
        "selector": {"app": "api"},
        "ports": [
            {"name": "tcp-80", "protocol": "TCP", "port": 80, "targetPort": 80},
            {"name": "tcp-81", "protocol": "TCP", "port": 81, "targetPort": "web"},
        ],
    } == web["spec"]
    assert ("ClusterIP", "None") == (head["spec"]["type"], head["spec"]["clusterIP"])


def test_who_is_not_there_yet_is_planned_with_fictive_addresses_and_doors() -> None:
    given = {ref: Observed((ip_address(f"10.244.0.{number}"),), "one") for number, ref in enumerate(("shop/api", "shop/host"), 1)}
    nodes = {"one": (ip_address("192.0.2.1"),), "two": (ip_address("192.0.2.2"),)}

    world = everybody_of(DOORS, OPEN, given, {}, nodes, {})

    fictive = fictive_world(DOORS)
    assert (fictive.pods["shop/later"].addresses, "two") == (world.pods["shop/later"].addresses, world.pods["shop/later"].node)
    assert nodes["two"] == world.pods["shop/later-host"].addresses
    assert () == world.pods["shop/stuck"].addresses
    assert fictive.doors["svc/shop/web"].addresses == world.doors["svc/shop/web"].addresses
    assert (nodes["one"], 20100) == (world.doors["hostport/shop/api"].addresses, world.doors["hostport/shop/api"].ports[0].asked)


def test_a_pod_that_does_not_come_later_must_have_been_given_something() -> None:
    with pytest.raises(KeyError):
        everybody_of(DOORS, OPEN, {}, {}, {}, {})


def test_a_pod_that_asks_at_its_start_does_so_in_an_init_container_too() -> None:
    pod = asking_at_start(MANIFESTS.pods["shop/api"], {"first": "main"}, {"first": "init", "mode": "init"})

    (init,), (main,) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    identity = {"identity": "cc-r1-w0-shop/api", "serves": [[80, "TCP"], [53, "UDP"]], "bind": None}
    assert {**identity, "first": "main"} == json.loads(main["command"][-1])
    assert {**identity, "first": "init", "mode": "init"} == json.loads(init["command"][-1])
    assert (main["securityContext"], "python:3") == (init["securityContext"], init["image"])
    assert "initContainers" not in MANIFESTS.pods["shop/api"]["spec"]


def test_a_pod_can_be_made_on_another_node() -> None:
    assert {"kubernetes.io/hostname": "three"} == on_node(MANIFESTS.pods["shop/api"], "three")["spec"]["nodeSelector"]


def test_the_suite_s_load_lies_in_a_namespace_of_the_run_and_selects_only_itself() -> None:
    space, policy = load_namespace(NAMES)["metadata"], load_policy(NAMES, 7)
    pods = light_pods(NAMES, "python:3", "one", 3, 2)

    assert {"cni-conformance/run": "r1", "cni-conformance/world": "w0"} == space["labels"]
    assert {space["name"]} == {each["metadata"]["namespace"] for each in (*pods.values(), policy)}
    assert ["l3", "l4"] == [pod["metadata"]["name"] for pod in pods.values()]
    assert {"matchLabels": {"group": f"g{7 % GROUPS}"}} == policy["spec"]["podSelector"]

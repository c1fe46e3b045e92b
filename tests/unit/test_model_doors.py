"""The model of doors: Services, node ports, host ports and names, by the pods behind them."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from small_world import host, in_host_network, pod, policy, world

from conformance.model.decide import expected
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.expectation import Expectation, Reading
from conformance.world.place import Node, Port, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question
from conformance.world.verdict import Family, Protocol, Verdict

ALLOWED, BLOCKED, OPEN = Verdict.ALLOWED, Verdict.BLOCKED, Verdict.OPEN

WEB = (DoorPort(80, Protocol.TCP, "http"),)
CLUSTER_ADDRESSES = (ip_address("10.96.0.7"), ip_address("fd00:96::7"))
NODE_ADDRESSES = {"a": (ip_address("172.18.0.2"),), "b": (ip_address("172.18.0.3"),)}

ONE = pod("shop/one", 1, node="a", app="web", serves=[Port(8080, name="http")])
TWO = pod("shop/two", 2, node="b", app="web", serves=[Port(8081, name="http")])
FRONT = pod("shop/front", 3, node="b", role="front")
DNS = replace(pod("kube-system/dns", 53, serves=[Port(53, Protocol.UDP, "dns")], k8s="dns"), namespace="kube-system")


def door(kind: DoorKind, ref: str, **changes: object) -> Door:
    found = Door(ref, kind, "real-shop", WEB, selects={"app": "web"}, addresses=CLUSTER_ADDRESSES)
    return replace(found, **changes)  # type: ignore[arg-type]


SERVICE = door(DoorKind.SERVICE, "svc/shop/web")
NAME = door(DoorKind.NAME, "dns/shop/web", addresses=(), name="web.real-shop.svc.cluster.local")
AT_A = door(DoorKind.NODE_PORT, "nodeport-a/shop/web", addresses=NODE_ADDRESSES["a"], node="a", ports=(replace(WEB[0], asked=30080),))
AT_B = replace(AT_A, ref="nodeport-b/shop/web", addresses=NODE_ADDRESSES["b"], node="b")
HOST_PORT = door(DoorKind.HOST_PORT, "hostport/shop/two", selects=None, pod="shop/two", addresses=NODE_ADDRESSES["b"], node="b")


def shop(*pods: object, doors: tuple[Door, ...] = (SERVICE, NAME, AT_A, AT_B, HOST_PORT)) -> World:
    found = world(*(pods or (ONE, TWO, FRONT)), host("alpha", 1))  # type: ignore[arg-type]
    nodes = {name: Node(name, addresses) for name, addresses in NODE_ADDRESSES.items()}
    return replace(found, doors={each.ref: each for each in doors}, nodes=nodes, name_servers=(DNS,))


def decide(question: str, *policies: NetworkPolicy, of: World | None = None, family: Family = Family.IPV4) -> Expectation:
    source, _, destination = question.split()
    asked = Question(source, destination, 80, Protocol.TCP, family)
    return expected(of or shop(), policies, [asked])[asked]


def ingress(*rules: object) -> NetworkPolicy:
    return policy("shop/in", podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"], ingress=list(rules))


def egress(*rules: object) -> NetworkPolicy:
    return policy("shop/out", podSelector={"matchLabels": {"role": "front"}}, policyTypes=["Egress"], egress=list(rules))


TO_WEB = {"to": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
FROM_FRONT = {"from": [{"podSelector": {"matchLabels": {"role": "front"}}}]}
TO_DNS = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}], "ports": [{"protocol": "UDP"}]}
TCP = [{"protocol": "TCP"}]
BOTH = frozenset({"real-shop/one", "real-shop/two"})


@pytest.mark.parametrize(
    ("policies", "verdict", "responders"),
    [
        pytest.param([], ALLOWED, BOTH, id="without policies any pod behind it answers"),
        pytest.param([ingress()], BLOCKED, frozenset(), id="none of them may be reached"),
        pytest.param([egress(TO_WEB)], ALLOWED, BOTH, id="who may reach the pods may reach them through the Service"),
        pytest.param([egress({"ports": [{"port": 8080}]})], OPEN, {"real-shop/one"}, id="its pods differ in their ports: one may answer"),
        pytest.param([egress({"ports": [{"port": "http"}]})], ALLOWED, BOTH, id="a name is each pod's own number"),
        pytest.param([egress({"ports": [{"port": 80}]})], BLOCKED, frozenset(), id="the Service's port is not the pods'"),
        pytest.param([egress({"to": [{"ipBlock": {"cidr": "10.96.0.0/16"}}]})], OPEN, BOTH, id="a block with the Service's address"),
        pytest.param([egress({"to": [{"ipBlock": {"cidr": "10.244.0.1/32"}}]})], OPEN, {"real-shop/one"}, id="a block with one pod"),
        pytest.param([egress({"to": [{"ipBlock": {"cidr": "198.18.0.0/16"}}]})], BLOCKED, frozenset(), id="a block of hosts outside"),
        pytest.param(
            [egress({"to": [{"ipBlock": {"cidr": "10.244.0.1/32"}}]}, {"ports": [{"port": 8081}]})],
            OPEN,
            BOTH,
            id="one pod may be reached, one perhaps",
        ),
    ],
)
def test_a_service(policies: list[NetworkPolicy], verdict: Verdict, responders: frozenset[str]) -> None:
    found = decide("shop/front -> svc/shop/web", *policies)

    assert (verdict, responders) == (found.verdict, found.responders)
    assert found.reasons
    assert (verdict is OPEN) == bool(found.open_because)


def test_a_mixed_service_says_who_may_be_reached() -> None:
    found = decide("shop/front -> svc/shop/web", egress({"ports": [{"port": 8080}]}))

    assert (
        "of the pods behind svc/shop/web these may be reached: shop/one; which one is asked is the cluster's choice" == found.open_because
    )
    assert ["egress: shop/out isolates shop/front: rule 0 names shop/two, but not 8081/TCP"] == [str(each) for each in found.reasons]


def test_only_pods_with_an_address_of_the_family_stand_behind_a_door() -> None:
    there = shop(ONE, replace(TWO, addresses=TWO.addresses[:1]), FRONT)

    assert BOTH == decide("shop/front -> svc/shop/web", of=there).responders
    assert {"real-shop/one"} == decide("shop/front -> svc/shop/web", of=there, family=Family.IPV6).responders


def test_nobody_behind_a_door_answers_whatever_the_policies() -> None:
    for each in ("svc/shop/web", "nodeport-a/shop/web", "hostport/shop/two", "dns/shop/web"):
        found = decide(f"shop/front -> {each}", of=shop(FRONT))

        assert (BLOCKED, [f"egress: nobody stands behind {each}"]) == (found.verdict, [str(reason) for reason in found.reasons])


def test_a_port_that_a_door_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        expected(shop(), (), [Question("shop/front", "svc/shop/web", 81)])


def test_a_pod_through_its_own_service_is_open() -> None:
    alone = decide("shop/one -> svc/shop/web", of=shop(ONE, FRONT))

    assert (OPEN, {"real-shop/one"}) == (alone.verdict, alone.responders)
    assert "shop/one stands behind svc/shop/web itself, and what becomes of that is undefined" == alone.open_because
    beside = decide("shop/one -> svc/shop/web")
    assert (OPEN, BOTH) == (beside.verdict, beside.responders)
    assert beside.open_because.startswith("which pod behind svc/shop/web is asked is the cluster's choice; shop/one stands behind")


def test_a_headless_name_is_the_pods_own_address() -> None:
    there = shop(ONE, FRONT, doors=(NAME,))

    assert ALLOWED == decide("shop/one -> dns/shop/web", of=there).verdict
    assert (
        BLOCKED == decide("shop/front -> dns/shop/web", egress({"to": [{"ipBlock": {"cidr": "10.96.0.0/16"}}]}, TO_DNS), of=there).verdict
    )
    assert OPEN == decide("shop/one -> dns/shop/web", of=shop(ONE, FRONT)).verdict


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        pytest.param([], ALLOWED, id="without policies"),
        pytest.param([egress(TO_WEB, TO_DNS)], ALLOWED, id="both pods and name servers are reached"),
        pytest.param([egress(TO_WEB)], BLOCKED, id="who reaches no name server learns no address"),
        pytest.param([egress(TO_DNS)], BLOCKED, id="an address is not yet a way to it"),
        pytest.param([egress(TO_WEB, {"ports": [{"protocol": "UDP", "port": "dns"}]})], ALLOWED, id="the name servers' port by name"),
        pytest.param([egress(TO_WEB, {"to": [{"ipBlock": {"cidr": "10.244.0.0/24"}}]})], OPEN, id="a block with the name servers"),
        pytest.param(
            [egress({"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]})], OPEN, id="a block with everybody in the cluster leaves both open"
        ),
        pytest.param([egress({"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}), ingress()], BLOCKED, id="and the other end may block it"),
        pytest.param([egress({"to": [{"ipBlock": {"cidr": "10.244.0.53/32"}}]}, TO_WEB)], OPEN, id="a block with the name servers alone"),
    ],
)
def test_a_name(policies: list[NetworkPolicy], verdict: Verdict) -> None:
    found = decide("shop/front -> dns/shop/web", *policies)

    assert verdict == found.verdict
    assert (verdict is OPEN) == bool(found.open_because)


def test_name_servers_that_differ_leave_it_open() -> None:
    other = replace(DNS, ref="kube-system/other", name="other", labels={})
    labelled = {"podSelector": {"matchLabels": {"k8s": "dns"}}, "namespaceSelector": {}}

    found = decide("shop/front -> dns/shop/web", egress(TO_WEB, {"to": [labelled]}), of=replace(shop(), name_servers=(DNS, other)))

    assert (OPEN, "which name server shop/front asks, and over which family, is the cluster's choice") == (
        found.verdict,
        found.open_because,
    )


def test_unknown_name_servers_leave_it_open_where_egress_is_isolated() -> None:
    there = replace(shop(), name_servers=())

    found = decide("shop/front -> dns/shop/web", egress(TO_WEB, TO_DNS), of=there)

    assert (OPEN, "who the name servers are is not known") == (found.verdict, found.open_because)
    assert ALLOWED == decide("shop/front -> dns/shop/web", of=there).verdict
    assert ALLOWED == decide("shop/front -> dns/shop/web", egress(TO_WEB, {"ports": [{"protocol": "UDP"}]}), of=there).verdict


@pytest.mark.parametrize(
    ("question", "policies", "verdict"),
    [
        pytest.param("shop/front -> nodeport-a/shop/web", [], ALLOWED, id="without policies"),
        pytest.param("outside/alpha -> nodeport-a/shop/web", [], ALLOWED, id="from outside, without policies"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress()], BLOCKED, id="no rule for egress: blocked either way"),
        pytest.param("shop/front -> nodeport-b/shop/web", [egress()], OPEN, id="no rule for egress, but it is the own node"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress({})], ALLOWED, id="every egress: allowed either way"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress({"ports": TCP})], ALLOWED, id="all of TCP: allowed either way"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress(TO_WEB)], OPEN, id="pods by labels, or the node's address"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress({"ports": [{"port": 30080}]})], OPEN, id="the node's port or the pods'"),
        pytest.param("shop/front -> nodeport-a/shop/web", [egress({"ports": [{"port": 80}]})], BLOCKED, id="a port of neither"),
        pytest.param(
            "shop/front -> nodeport-a/shop/web",
            [egress({"ports": [{"port": 30080}]}, {"ports": [{"port": 8080, "endPort": 8081}]})],
            ALLOWED,
            id="both ports: allowed either way",
        ),
        pytest.param("shop/front -> nodeport-a/shop/web", [ingress(FROM_FRONT)], OPEN, id="the asker's address or a node's"),
        pytest.param("shop/front -> nodeport-a/shop/web", [ingress({"ports": TCP})], ALLOWED, id="from everybody: either way"),
        pytest.param("shop/front -> nodeport-a/shop/web", [ingress()], OPEN, id="it may look like the pod's own node"),
        pytest.param("outside/alpha -> hostport/shop/two", [], ALLOWED, id="a host port, without policies"),
        pytest.param("outside/alpha -> hostport/shop/two", [ingress()], OPEN, id="a host port is always the pod's own node's"),
        pytest.param("outside/alpha -> hostport/shop/two", [ingress({})], ALLOWED, id="a host port, from everybody"),
        pytest.param("shop/two -> hostport/shop/two", [], OPEN, id="a host port to oneself"),
    ],
)
def test_a_port_of_a_node(question: str, policies: list[NetworkPolicy], verdict: Verdict) -> None:
    found = decide(question, *policies)

    assert verdict == found.verdict
    assert (verdict is OPEN) == bool(found.open_because)


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        pytest.param([], BLOCKED, id="no rule at all"),
        pytest.param([{"ports": [{"port": 80}]}], BLOCKED, id="no rule for the pod's port"),
        pytest.param([FROM_FRONT], BLOCKED, id="a rule for others"),
        pytest.param([{"from": [{"ipBlock": {"cidr": "198.18.1.0/24"}}]}], OPEN, id="a rule for the asker's address"),
        pytest.param([{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}], OPEN, id="a rule for addresses that a node may have"),
        pytest.param([{"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]}], BLOCKED, id="a rule for the other family"),
        pytest.param([{"ports": [{"port": 8081}]}], ALLOWED, id="a rule for everybody"),
    ],
)
def test_a_node_port_that_leads_to_a_pod_of_another_node(rules: list[object], verdict: Verdict) -> None:
    assert verdict == decide("outside/alpha -> nodeport-a/shop/web", ingress(*rules), of=shop(TWO, FRONT)).verdict


def test_both_sentences_of_a_node_port_are_said() -> None:
    found = decide("shop/front -> nodeport-a/shop/web", egress(TO_WEB), ingress(FROM_FRONT), of=shop(ONE, FRONT))

    assert (
        "whether egress of shop/front is judged by the node's address or by shop/one behind nodeport-a/shop/web is undefined; "
        "whether shop/one sees the address of shop/front or that of a node behind nodeport-a/shop/web is undefined"
    ) == found.open_because


def test_a_door_to_a_pod_in_its_nodes_network_depends_on_the_reading() -> None:
    there = shop(in_host_network(ONE), FRONT)

    found = decide("shop/front -> svc/shop/web", ingress(), of=there)

    assert (OPEN, ((Reading.APART, BLOCKED), (Reading.AS_NODE, ALLOWED))) == (found.verdict, found.readings)
    assert {"real-shop/one"} == found.responders
    assert ALLOWED == decide("shop/front -> svc/shop/web", of=there).verdict


def test_a_name_server_in_its_nodes_network_depends_on_the_reading() -> None:
    there = replace(shop(), name_servers=(in_host_network(DNS),))

    found = decide("shop/front -> dns/shop/web", egress(TO_WEB, TO_DNS), of=there)

    assert ((Reading.APART, ALLOWED), (Reading.AS_NODE, BLOCKED)) == found.readings

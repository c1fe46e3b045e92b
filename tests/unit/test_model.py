"""The model, sentence by sentence of the specification."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from small_world import ICMP, SCTP, host, in_host_network, pod, policy, world

from conformance.model.decide import expected
from conformance.world.expectation import Expectation, Reading
from conformance.world.place import LEGACY_ANNOTATION, Port, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict

COVERS = "which covers an address of shop/front in the cluster"
ALLOWED, BLOCKED, OPEN = Verdict.ALLOWED, Verdict.BLOCKED, Verdict.OPEN

API = pod("shop/api", 1, app="api", serves=[Port(80), Port(8080, name="http"), Port(80, Protocol.UDP)])
FRONT = pod("shop/front", 2, app="front", serves=[Port(80), Port(8081, name="http")])
TWIN = pod("next/twin", 3, app="front")
SHOP = world(API, FRONT, TWIN, host("alpha", 1), host("beta", 2), shop={"team": "red"}, next={"team": "blue"})


def decide(question: str, *policies: NetworkPolicy, of: World = SHOP, family: Family = Family.IPV4) -> Expectation:
    """Of `a/b -> c/d 80/TCP`."""
    source, _, destination, lane = question.split()
    port, _, protocol = lane.partition("/")
    asked = Question(source, destination, int(port), Protocol(protocol), family)
    return expected(of, policies, [asked])[asked]


DENY_API = policy("shop/deny-api", podSelector={"matchLabels": {"app": "api"}})
DENY_EGRESS = policy("shop/deny-egress", podSelector={"matchLabels": {"app": "front"}}, policyTypes=["Egress"])


def from_peer(**peer: object) -> NetworkPolicy:
    return policy("shop/allow", podSelector={"matchLabels": {"app": "api"}}, ingress=[{"from": [peer]}])


def to_port(**port: object) -> NetworkPolicy:
    return policy("shop/allow", podSelector={"matchLabels": {"app": "api"}}, ingress=[{"ports": [port]}])


@pytest.mark.parametrize(
    ("question", "policies", "verdict"),
    [
        pytest.param("shop/front -> shop/api 80/TCP", [], ALLOWED, id="without policies everything is allowed"),
        pytest.param("shop/front -> shop/api 80/TCP", [DENY_API], BLOCKED, id="a policy without rules admits nobody"),
        pytest.param("shop/api -> shop/front 80/TCP", [DENY_API], ALLOWED, id="a subject of ingress still reaches others"),
        pytest.param("shop/front -> next/twin 80/TCP", [DENY_API], ALLOWED, id="who is not selected is not isolated"),
        pytest.param("outside/alpha -> shop/api 80/TCP", [DENY_API], BLOCKED, id="hosts outside are not admitted either"),
        pytest.param("shop/front -> shop/api 80/TCP", [DENY_EGRESS], BLOCKED, id="without egress rules nobody is reached"),
        pytest.param("shop/front -> outside/alpha 80/TCP", [DENY_EGRESS], BLOCKED, id="nor is a host outside"),
        pytest.param("shop/api -> shop/front 80/TCP", [DENY_EGRESS], ALLOWED, id="a subject of egress is still reached"),
        pytest.param("next/twin -> shop/api 80/TCP", [DENY_EGRESS], ALLOWED, id="equal labels in another namespace are not selected"),
        pytest.param("shop/front -> shop/api 80/TCP", [DENY_API, from_peer(podSelector={})], ALLOWED, id="policies add up"),
        pytest.param(
            "shop/front -> shop/api 80/TCP", [DENY_EGRESS, from_peer(podSelector={})], BLOCKED, id="both ends must allow: egress does not"
        ),
        pytest.param("outside/alpha -> outside/beta 80/TCP", [DENY_API], ALLOWED, id="nobody isolates hosts outside"),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [policy("shop/odd", policyTypes=["Egress"], ingress=[{"from": [{"podSelector": {}}]}])],
            BLOCKED,
            id="ingress rules of a policy for egress do not count",
        ),
        pytest.param("next/twin -> shop/api 80/TCP", [policy("shop/open", ingress=[{}])], ALLOWED, id="an empty rule admits every pod"),
        pytest.param("outside/alpha -> shop/api 80/TCP", [policy("shop/open", ingress=[{}])], ALLOWED, id="an empty rule admits hosts"),
        pytest.param(
            "shop/front -> shop/api 80/TCP", [from_peer(podSelector={})], ALLOWED, id="an empty podSelector: all of the namespace"
        ),
        pytest.param("next/twin -> shop/api 80/TCP", [from_peer(podSelector={})], BLOCKED, id="an empty podSelector: no other namespace"),
        pytest.param(
            "next/twin -> shop/api 80/TCP",
            [from_peer(podSelector={"matchLabels": {"app": "front"}})],
            BLOCKED,
            id="a podSelector: no equal labels elsewhere",
        ),
        pytest.param("next/twin -> shop/api 80/TCP", [from_peer(namespaceSelector={})], ALLOWED, id="an empty namespaceSelector: all"),
        pytest.param("outside/alpha -> shop/api 80/TCP", [from_peer(namespaceSelector={})], BLOCKED, id="a host is in no namespace"),
        pytest.param(
            "next/twin -> shop/api 80/TCP", [from_peer(namespaceSelector={"matchLabels": {"team": "blue"}})], ALLOWED, id="that namespace"
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [from_peer(namespaceSelector={"matchLabels": {"team": "blue"}})],
            BLOCKED,
            id="a namespaceSelector leaves the own namespace out",
        ),
        pytest.param(
            "next/twin -> shop/api 80/TCP",
            [from_peer(namespaceSelector={"matchLabels": {"team": "blue"}}, podSelector={"matchLabels": {"app": "x"}})],
            BLOCKED,
            id="both selectors in one entry: both are needed",
        ),
        pytest.param(
            "next/twin -> shop/api 80/TCP",
            [from_peer(namespaceSelector={"matchLabels": {"team": "blue"}}, podSelector={"matchLabels": {"app": "front"}})],
            ALLOWED,
            id="both selectors in one entry: both are met",
        ),
        pytest.param(
            "next/twin -> shop/api 80/TCP",
            [policy("shop/or", ingress=[{"from": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"team": "blue"}}}]}])],
            ALLOWED,
            id="entries of one list are alternatives",
        ),
        pytest.param(
            "outside/alpha -> shop/api 80/TCP", [from_peer(ipBlock={"cidr": "198.18.1.0/24"})], ALLOWED, id="a block with the host"
        ),
        pytest.param("outside/beta -> shop/api 80/TCP", [from_peer(ipBlock={"cidr": "198.18.1.0/24"})], BLOCKED, id="a block without it"),
        pytest.param(
            "outside/beta -> shop/api 80/TCP",
            [from_peer(ipBlock={"cidr": "198.18.0.0/16", "except": ["198.18.2.0/24"]})],
            BLOCKED,
            id="a block's exception",
        ),
        pytest.param(
            "outside/beta -> shop/api 80/TCP",
            [from_peer(ipBlock={"cidr": "198.18.0.0/16", "except": ["198.18.2.0/24"]}), from_peer(ipBlock={"cidr": "198.18.2.0/24"})],
            ALLOWED,
            id="an exception forbids nothing that another policy allows",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP", [from_peer(ipBlock={"cidr": "198.18.0.0/16"})], BLOCKED, id="a block beside the pods"
        ),
        pytest.param("shop/front -> shop/api 80/TCP", [from_peer(ipBlock={"cidr": "10.244.0.0/16"})], OPEN, id="a block of pods is open"),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [from_peer(ipBlock={"cidr": "10.244.0.0/16"}), from_peer(podSelector={})],
            ALLOWED,
            id="a block of pods is not asked where another rule allows",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [from_peer(ipBlock={"cidr": "10.244.0.0/16"}), DENY_EGRESS],
            BLOCKED,
            id="what is open at one end is blocked where the other end blocks",
        ),
        pytest.param("shop/front -> shop/api 80/TCP", [to_port(port=80)], ALLOWED, id="a port by number"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port(port=80)], BLOCKED, id="another port"),
        pytest.param("shop/front -> shop/api 80/UDP", [to_port(port=80)], BLOCKED, id="the same port of another protocol"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port()], ALLOWED, id="no number: every port of TCP"),
        pytest.param("shop/front -> shop/api 80/UDP", [to_port()], BLOCKED, id="no number: no port of UDP"),
        pytest.param("shop/front -> shop/api 80/UDP", [to_port(protocol="UDP")], ALLOWED, id="only a protocol: every port of it"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port(port="http")], ALLOWED, id="a port by name"),
        pytest.param("shop/front -> shop/api 80/TCP", [to_port(port="http")], BLOCKED, id="a port that has another name"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port(port="https")], BLOCKED, id="a name that nobody has"),
        pytest.param("shop/front -> shop/api 80/TCP", [to_port(port=80, endPort=90)], ALLOWED, id="the first of a range"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port(port=80, endPort=8080)], ALLOWED, id="the last of a range"),
        pytest.param("shop/front -> shop/api 8080/TCP", [to_port(port=80, endPort=8079)], BLOCKED, id="beyond a range"),
        pytest.param(
            "shop/api -> shop/front 8081/TCP",
            [policy("shop/out", egress=[{"ports": [{"port": "http"}]}], policyTypes=["Egress"])],
            ALLOWED,
            id="a name on the way out is the destination's",
        ),
        pytest.param(
            "shop/api -> outside/alpha 80/TCP",
            [policy("shop/out", egress=[{"ports": [{"port": "http"}]}], policyTypes=["Egress"])],
            BLOCKED,
            id="a host outside has no names of ports",
        ),
        pytest.param(
            "shop/api -> outside/alpha 80/TCP",
            [policy("shop/out", egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}], policyTypes=["Egress"])],
            ALLOWED,
            id="the block of everything holds a host outside",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [policy("shop/two", ingress=[{"from": [{"namespaceSelector": {}}], "ports": [{"port": 1}]}, {"ports": [{"port": 80}]}])],
            ALLOWED,
            id="rules are alternatives",
        ),
        pytest.param(
            "next/twin -> shop/api 80/TCP",
            [
                policy(
                    "shop/two",
                    ingress=[
                        {"from": [{"podSelector": {}}], "ports": [{"port": 80}]},
                        {"from": [{"namespaceSelector": {}}], "ports": [{"port": 81}]},
                    ],
                )
            ],
            BLOCKED,
            id="peers of one rule and ports of another do not combine",
        ),
    ],
)
def test_verdict(question: str, policies: list[NetworkPolicy], verdict: Verdict) -> None:
    assert verdict == decide(question, *policies).verdict


def test_a_block_speaks_of_its_own_family_only() -> None:
    by_ipv4 = from_peer(ipBlock={"cidr": "198.18.0.0/16"})

    found = {family: decide("outside/alpha -> shop/api 80/TCP", by_ipv4, family=family).verdict for family in Family}

    assert {Family.IPV4: ALLOWED, Family.IPV6: BLOCKED} == found


def test_a_block_does_not_hold_who_has_no_address_of_the_family() -> None:
    only_ipv6 = replace(SHOP.hosts["outside/alpha"], addresses=SHOP.hosts["outside/alpha"].addresses[1:])
    without = replace(SHOP, hosts={only_ipv6.ref: only_ipv6})

    assert BLOCKED == decide("outside/alpha -> shop/api 80/TCP", from_peer(ipBlock={"cidr": "0.0.0.0/0"}), of=without).verdict


def test_sctp_is_decided_as_tcp_is() -> None:
    there = world(pod("shop/api", 1, serves=SCTP), pod("shop/front", 2))

    assert BLOCKED == decide("shop/front -> shop/api 80/SCTP", policy("shop/deny"), of=there).verdict
    assert (
        ALLOWED == decide("shop/front -> shop/api 80/SCTP", policy("shop/s", ingress=[{"ports": [{"protocol": "SCTP"}]}]), of=there).verdict
    )


def test_icmp_is_open_where_a_policy_isolates_and_allowed_elsewhere() -> None:
    there = world(pod("shop/api", 1, serves=ICMP), pod("next/front", 2, serves=ICMP))

    isolated = decide("next/front -> shop/api 0/ICMP", policy("shop/deny"), of=there)

    assert OPEN == isolated.verdict
    assert "shop/api is isolated, and what a policy does to ICMP is undefined" == isolated.open_because
    assert ALLOWED == decide("shop/api -> next/front 0/ICMP", policy("shop/deny"), of=there).verdict


def test_a_host_network_pod_as_subject_is_open_where_its_policies_matter() -> None:
    there = world(in_host_network(pod("shop/api", 1)), pod("shop/front", 2, node="b"))

    found = decide("shop/front -> shop/api 80/TCP", policy("shop/deny"), of=there)

    assert (OPEN, ((Reading.APART, BLOCKED), (Reading.AS_NODE, ALLOWED))) == (found.verdict, found.readings)
    assert ALLOWED == decide("shop/front -> shop/api 80/TCP", policy("shop/open", ingress=[{}]), of=there).verdict


def test_egress_to_the_own_node_is_open() -> None:
    there = world(
        pod("shop/api", 1, node="a"), in_host_network(pod("shop/agent", 2, node="a")), in_host_network(pod("shop/far", 3, node="b"))
    )
    deny, allow = (policy("shop/p", policyTypes=["Egress"], egress=rules) for rules in ([], [{"to": [], "ports": [{"port": 80}]}]))

    own = decide("shop/api -> shop/agent 80/TCP", deny, of=there)

    assert (OPEN, "shop/agent is on the node of shop/api, whose egress to it is undefined") == (own.verdict, own.open_because)
    assert () == own.readings
    assert BLOCKED == decide("shop/api -> shop/far 80/TCP", deny, of=there).verdict
    assert ALLOWED == decide("shop/api -> shop/agent 80/TCP", allow, of=there).verdict


def test_pods_in_their_nodes_network_have_no_named_ports_for_a_plugin_that_takes_them_for_their_node() -> None:
    agent = in_host_network(pod("shop/agent", 2, node="b", serves=[Port(80, name="http")]))
    there = world(pod("shop/api", 1, node="a"), agent)
    named = policy("shop/p", policyTypes=["Egress"], egress=[{"ports": [{"port": "http"}]}])

    found = decide("shop/api -> shop/agent 80/TCP", named, of=there)

    assert ((Reading.APART, ALLOWED), (Reading.AS_NODE, BLOCKED)) == found.readings


def test_the_size_of_a_question_does_not_matter() -> None:
    asked = [Question("shop/front", "shop/api", 80, size=size) for size in (0, 1400)]

    plain, sized = expected(SHOP, [DENY_API], asked).values()

    assert plain == sized


@pytest.mark.parametrize(
    ("question", "policies", "seen"),
    [
        pytest.param("shop/front -> shop/api 80/TCP", [], "10.244.0.2", id="between pods"),
        pytest.param("shop/front -> shop/api 80/TCP", [DENY_API], "", id="not where it is blocked"),
        pytest.param("shop/front -> shop/api 80/TCP", [from_peer(ipBlock={"cidr": "10.0.0.0/8"})], "10.244.0.2", id="where it is open"),
        pytest.param("shop/front -> outside/alpha 80/TCP", [], "", id="not by hosts outside"),
        pytest.param("shop/front -> shop/api 0/ICMP", [], "", id="not by an echo, which does not tell"),
        pytest.param("shop/front -> shop/api 80/UDP", [], "10.244.0.2", id="by a datagram's receiver"),
        pytest.param("outside/alpha -> shop/api 80/TCP", [], "", id="not of hosts outside"),
        pytest.param("shop/front -> shop/agent 80/TCP", [], "", id="not by pods in their node's network"),
        pytest.param("shop/agent -> shop/front 80/TCP", [], "", id="not of pods in their node's network"),
    ],
)
def test_the_source_that_must_be_seen(question: str, policies: list[NetworkPolicy], seen: str) -> None:
    agent = in_host_network(pod("shop/agent", 9))
    there = replace(SHOP, pods={**SHOP.pods, agent.ref: agent})
    source, _, destination, lane = question.split()
    port, _, protocol = lane.partition("/")
    asked = Question(source, destination, int(port), Protocol(protocol))

    assert seen == expected(there, policies, [asked], judges_source=True)[asked].seen
    assert "" == expected(there, policies, [asked])[asked].seen


@pytest.mark.parametrize(
    ("node", "policies", "verdict"),
    [
        pytest.param("a", [policy("shop/deny")], ALLOWED, id="on the subject's node it is the node, which is always admitted"),
        pytest.param("b", [policy("shop/deny")], BLOCKED, id="on another node no rule admits it"),
        pytest.param("b", [policy("shop/labels", ingress=[{"from": [{"podSelector": {}}]}])], OPEN, id="its labels may count or not"),
        pytest.param("b", [policy("shop/all", ingress=[{}])], ALLOWED, id="a rule for everybody admits it either way"),
    ],
)
def test_a_host_network_pod_as_source(node: str, policies: list[NetworkPolicy], verdict: Verdict) -> None:
    there = world(pod("shop/api", 1, node="a"), in_host_network(pod("shop/agent", 2, node=node)))

    assert verdict == decide("shop/agent -> shop/api 80/TCP", *policies, of=there).verdict


def test_the_legacy_annotation_isolates_a_namespace_for_ingress() -> None:
    shop = replace(SHOP.namespaces["shop"], annotations={LEGACY_ANNOTATION: '{"ingress": {"isolation": "DefaultDeny"}}'})
    there = replace(SHOP, namespaces={**SHOP.namespaces, "shop": shop})

    blocked = decide("shop/front -> shop/api 80/TCP", of=there)

    assert (BLOCKED, f"ingress: the annotation {LEGACY_ANNOTATION} isolates shop/api") == (blocked.verdict, str(blocked.reasons[0]))
    assert ALLOWED == decide("shop/front -> next/twin 80/TCP", of=there).verdict
    assert ALLOWED == decide("shop/front -> shop/api 80/TCP", from_peer(podSelector={}), of=there).verdict


@pytest.mark.parametrize(
    ("question", "policies", "reasons"),
    [
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [],
            ["egress: no policy isolates shop/front", "ingress: no policy isolates shop/api"],
            id="nobody is isolated",
        ),
        pytest.param(
            "outside/alpha -> shop/api 80/TCP",
            [],
            ["egress: outside/alpha is outside: no policy isolates it", "ingress: no policy isolates shop/api"],
            id="a host outside asks",
        ),
        pytest.param(
            "shop/front -> shop/api 8080/TCP",
            [DENY_API, to_port(port=80)],
            [
                "ingress: shop/deny-api isolates shop/api: no rule of it names shop/front",
                "ingress: shop/allow isolates shop/api: rule 0 names shop/front, but not 8080/TCP",
            ],
            id="blocked: every policy that isolates says why it does not help",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [
                DENY_API,
                policy("shop/allow", ingress=[{"from": [{"podSelector": {}}, {"namespaceSelector": {}}], "ports": [{}, {"port": 7}]}]),
            ],
            [
                "egress: no policy isolates shop/front",
                "ingress: rule 0 of shop/allow admits all pods, all pods of all namespaces on all TCP, 7/TCP",
            ],
            id="allowed: every peer that names it",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [from_peer(ipBlock={"cidr": "10.244.0.0/16"})],
            [f"ingress: rule 0 of shop/allow may admit ipBlock 10.244.0.0/16, {COVERS} on all ports"],
            id="open: only the end that is open",
        ),
        pytest.param(
            "shop/front -> shop/api 80/TCP",
            [DENY_EGRESS],
            ["egress: shop/deny-egress isolates shop/front: no rule of it names shop/api"],
            id="blocked on the way out",
        ),
    ],
)
def test_reasons(question: str, policies: list[NetworkPolicy], reasons: list[str]) -> None:
    assert reasons == [str(reason) for reason in decide(question, *policies).reasons]


def test_a_reason_names_policy_and_rule() -> None:
    _, reason = decide("shop/front -> shop/api 80/TCP", policy("shop/p", ingress=[{"from": []}, {"ports": [{"port": 1}]}])).reasons

    assert (Direction.INGRESS, "shop/p", 0) == (reason.direction, reason.policy, reason.rule)


def test_open_reason_of_a_host_network_peer() -> None:
    there = world(pod("shop/api", 1), in_host_network(pod("shop/agent", 2, node="b")))

    found = decide("shop/agent -> shop/api 80/TCP", policy("shop/p", ingress=[{"from": [{"podSelector": {}}]}]), of=there)

    said = "allowed by one that tells pods in the node's network apart, blocked by one that treats pods in the node's network as their node"
    assert f"what a plugin does with pods in their node's network is undefined: {said}" == found.open_because
    assert [
        "egress: no policy isolates shop/agent",
        "ingress: rule 0 of shop/p admits all pods on all ports",
        "ingress: shop/p isolates shop/api: no rule of it names shop/agent",
    ] == [str(reason) for reason in found.reasons]


def test_questions_keep_their_order() -> None:
    asked = [Question("shop/front", "shop/api", 80), Question("shop/api", "shop/front", 80)]

    assert asked == list(expected(SHOP, [], asked))


def test_who_is_not_in_the_world_is_an_error() -> None:
    with pytest.raises(KeyError):
        decide("shop/front -> shop/nobody 80/TCP")


def test_the_policy_of_a_namespace_that_is_not_in_the_world_isolates_nobody() -> None:
    assert ALLOWED == decide("shop/front -> shop/api 80/TCP", policy("elsewhere/deny")).verdict


def test_addresses_are_those_of_the_world() -> None:
    moved = replace(SHOP.hosts["outside/alpha"], addresses=(IPv4Address("203.0.113.9"),))
    there = replace(SHOP, hosts={moved.ref: moved})

    assert ALLOWED == decide("outside/alpha -> shop/api 80/TCP", from_peer(ipBlock={"cidr": "203.0.113.9/32"}), of=there).verdict

"""A NetworkPolicy is read as the API reads it, and refused as the API refuses it, with all its faults at once."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from conformance.world.labels import Requirement, Selector
from conformance.world.policy import InvalidPolicy, IPBlock, NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.verdict import Direction, Protocol

EVERYTHING = Selector()
WEB = Selector((Requirement("app", "In", frozenset({"web"})),))


def document(spec: Any = None, **changes: Any) -> dict[str, Any]:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec}
    return {**policy, **changes}


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        pytest.param({}, {Direction.INGRESS}, id="without types and rules: ingress"),
        pytest.param({"ingress": [{}]}, {Direction.INGRESS}, id="without types, with ingress rules: ingress"),
        pytest.param({"egress": [{}]}, {Direction.INGRESS, Direction.EGRESS}, id="without types, with egress rules: both"),
        pytest.param({"egress": []}, {Direction.INGRESS}, id="without types, with an empty list of egress rules: ingress"),
        pytest.param({"policyTypes": [], "egress": [{}]}, {Direction.INGRESS, Direction.EGRESS}, id="empty types count as absent"),
        pytest.param({"policyTypes": ["Egress"], "ingress": [{}]}, {Direction.EGRESS}, id="types that contradict the rules win"),
        pytest.param({"policyTypes": ["Ingress", "Egress"]}, {Direction.INGRESS, Direction.EGRESS}, id="both named"),
    ],
)
def test_the_directions_that_a_policy_isolates(spec: dict[str, Any], types: set[Direction]) -> None:
    assert types == NetworkPolicy.from_document(document(spec)).types


def test_rules_of_a_direction_that_the_types_do_not_name_do_not_count() -> None:
    policy = NetworkPolicy.from_document(document({"policyTypes": ["Egress"], "ingress": [{}], "egress": [{}, {}]}))

    assert ((), (Rule(), Rule())) == (policy.rules(Direction.INGRESS), policy.rules(Direction.EGRESS))


def test_ingress_rules_count_where_the_types_name_ingress() -> None:
    assert (Rule(),) == NetworkPolicy.from_document(document({"ingress": [{}]})).rules(Direction.INGRESS)


def test_a_policy_is_known_by_namespace_and_name() -> None:
    assert "shop/p" == NetworkPolicy.from_document(document()).ref


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(None, Rule(), id="nothing is an empty rule"),
        pytest.param({"from": None, "ports": []}, Rule(), id="absent and empty lists are one"),
        pytest.param({"from": [{"podSelector": {}}]}, Rule((PolicyPeer(pods=EVERYTHING),)), id="all pods of the namespace"),
        pytest.param({"from": [{"namespaceSelector": {}}]}, Rule((PolicyPeer(namespaces=EVERYTHING),)), id="all namespaces"),
        pytest.param(
            {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}]},
            Rule((PolicyPeer(pods=WEB, namespaces=EVERYTHING),)),
            id="some pods of all namespaces",
        ),
        pytest.param(
            {"from": [{"ipBlock": {"cidr": "10.1.2.3/16", "except": ["10.1.9.0/24"]}}]},
            Rule((PolicyPeer(block=IPBlock(ip_network("10.1.0.0/16"), (ip_network("10.1.9.0/24"),))),)),
            id="a block, its host bits ignored, with an exception",
        ),
        pytest.param(
            {"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]},
            Rule((PolicyPeer(block=IPBlock(ip_network("2001:db8::/32"))),)),
            id="a block of IPv6",
        ),
        pytest.param({"ports": [{}]}, Rule(ports=(PolicyPort(),)), id="an empty port is all of TCP"),
        pytest.param({"ports": [None]}, Rule(ports=(PolicyPort(),)), id="a port without content is all of TCP"),
        pytest.param(
            {"ports": [{"protocol": "UDP", "port": 53}, {"port": "http"}, {"port": 1, "endPort": 9}]},
            Rule(ports=(PolicyPort(Protocol.UDP, 53), PolicyPort(port="http"), PolicyPort(port=1, end=9))),
            id="ports by number, name and range",
        ),
    ],
)
def test_rules(rule: Any, expected: Rule) -> None:
    assert (expected,) == NetworkPolicy.from_document(document({"ingress": [rule]})).ingress


@pytest.mark.parametrize(
    ("policy", "faults"),
    [
        pytest.param(None, [("kind", "a policy is a document of kind NetworkPolicy")], id="nothing"),
        pytest.param({"kind": "Pod"}, [("kind", "a policy is a document of kind NetworkPolicy")], id="another kind"),
        pytest.param(
            document(apiVersion="extensions/v1beta1"),
            [("apiVersion", "apiVersion is networking.k8s.io/v1, not 'extensions/v1beta1'")],
            id="an old version",
        ),
        pytest.param(document(metadata=None), [("metadata", "metadata is a mapping, not None")], id="no metadata"),
        pytest.param(
            document(metadata={"namespace": True}),
            [
                ("metadata.namespace", "metadata.namespace is a boolean in YAML: quote it"),
                ("metadata.name", "metadata.name is a name of small letters, digits, hyphens and dots, not None"),
            ],
            id="namespace y, and no name",
        ),
        pytest.param(
            document(metadata={"namespace": "shop", "name": "A_b"}),
            [("metadata.name", "metadata.name is a name of small letters, digits, hyphens and dots, not 'A_b'")],
            id="a name that is none",
        ),
        pytest.param(
            document(sepc={}), [("sepc", "a policy has apiVersion, kind, metadata, spec, not sepc")], id="an unknown key at the top"
        ),
        pytest.param(document([1]), [("spec", "spec is a mapping, not [1]")], id="spec as a list"),
        pytest.param(
            document({"podSelctor": {}, "policyTypes": ["ingress"], "ingress": {"from": 1}}),
            [
                ("spec.podSelctor", "spec has egress, ingress, podSelector, policyTypes, not podSelctor"),
                ("spec.ingress", "spec.ingress is a list, not {'from': 1}"),
                ("spec.policyTypes[0]", "spec.policyTypes[0] is Ingress or Egress, not 'ingress'"),
            ],
            id="several faults of the specification",
        ),
        pytest.param(
            document({"podSelector": {"matchLabels": {"a": 1}}}),
            [("spec.podSelector", "spec.podSelector: label 'a': 1 needs a string on both sides (quote it)")],
            id="a selector that is none",
        ),
        pytest.param(
            document({"ingress": [{}, {"form": [], "from": [1], "ports": [1]}]}),
            [
                ("spec.ingress[1].form", "spec.ingress[1] has from, ports, not form"),
                ("spec.ingress[1].from[0]", "spec.ingress[1].from[0] is a mapping, not 1"),
                ("spec.ingress[1].ports[0]", "spec.ingress[1].ports[0] is a mapping, not 1"),
            ],
            id="several faults of a rule",
        ),
        pytest.param(document({"ingress": [1]}), [("spec.ingress[0]", "spec.ingress[0] is a mapping, not 1")], id="a rule that is none"),
        pytest.param(
            document({"egress": [{"to": [{}, {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]}),
            [
                ("spec.egress[0].to[0]", "spec.egress[0].to[0]: a peer needs podSelector, namespaceSelector or ipBlock"),
                ("spec.egress[0].to[1]", "spec.egress[0].to[1]: ipBlock stands alone, without selectors"),
            ],
            id="a peer of nothing, and a peer of too much",
        ),
        pytest.param(
            document({"egress": [{"to": [{"podSelector": 1, "namespaceSelector": 2}]}]}),
            [
                ("spec.egress[0].to[0].podSelector", "spec.egress[0].to[0].podSelector: a selector is a mapping, not 1"),
                ("spec.egress[0].to[0].namespaceSelector", "spec.egress[0].to[0].namespaceSelector: a selector is a mapping, not 2"),
            ],
            id="both selectors of a peer",
        ),
        pytest.param(
            document({"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0", "except": ["x/1", 7]}}]}]}),
            [
                ("spec.egress[0].to[0].ipBlock.cidr", "spec.egress[0].to[0].ipBlock.cidr: '10.0.0.0' is no CIDR such as 192.0.2.0/24"),
                ("spec.egress[0].to[0].ipBlock.except[0]", "spec.egress[0].to[0].ipBlock.except[0]: 'x/1' is no CIDR such as 192.0.2.0/24"),
                ("spec.egress[0].to[0].ipBlock.except[1]", "spec.egress[0].to[0].ipBlock.except[1]: 7 is no CIDR such as 192.0.2.0/24"),
            ],
            id="ranges that are none",
        ),
        *(
            pytest.param(
                document({"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": [each]}}]}]}),
                [
                    (
                        "spec.egress[0].to[0].ipBlock.except[0]",
                        f"spec.egress[0].to[0].ipBlock: except {each} must be a strict part of 10.0.0.0/8",
                    )
                ],
                id=f"except {each} is no part of 10.0.0.0/8",
            )
            for each in ("10.0.0.0/8", "11.0.0.0/16", "2001:db8::/64")
        ),
        pytest.param(
            document({"ingress": [{"ports": [{"protocol": "ICMP", "port": 0, "endPort": 9}, {"port": 9, "endPort": 8}, {"port": True}]}]}),
            [
                ("spec.ingress[0].ports[0].protocol", "spec.ingress[0].ports[0].protocol is TCP, UDP or SCTP, not 'ICMP'"),
                ("spec.ingress[0].ports[0].port", "spec.ingress[0].ports[0].port is a number from 1 to 65535 or a name, not 0"),
                ("spec.ingress[0].ports[0].endPort", "spec.ingress[0].ports[0].endPort needs a number as port and must not be below it"),
                ("spec.ingress[0].ports[1].endPort", "spec.ingress[0].ports[1].endPort needs a number as port and must not be below it"),
                ("spec.ingress[0].ports[2].port", "spec.ingress[0].ports[2].port is a number from 1 to 65535 or a name, not True"),
            ],
            id="ports that are none",
        ),
        pytest.param(
            document({"ingress": [{"ports": [{"port": each} for each in ("80", "a_b", "-a", "a--b", "http-on-every-day")]}]}),
            [
                (
                    f"spec.ingress[0].ports[{number}].port",
                    f"spec.ingress[0].ports[{number}].port is a number from 1 to 65535 or a name, {rest}",
                )
                for number, rest in enumerate(
                    ("not '80' in quotes, which make it a name", "not 'a_b'", "not '-a'", "not 'a--b'", "not 'http-on-every-day'")
                )
            ],
            id="names that no port can have",
        ),
    ],
)
def test_what_the_api_would_refuse(policy: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        NetworkPolicy.from_document(policy)

    assert tuple(faults) == caught.value.faults
    assert "; ".join(text for _, text in faults) == str(caught.value)


@pytest.mark.parametrize(
    ("address", "is_held"),
    [
        pytest.param("10.1.0.1", True, id="an address of the range"),
        pytest.param("10.1.9.1", False, id="an address of the exception"),
        pytest.param("10.2.0.1", False, id="an address beside the range"),
        pytest.param("2001:db8::1", False, id="an address of the other family"),
    ],
)
def test_a_block_holds(address: str, *, is_held: bool) -> None:
    block = IPBlock(ip_network("10.1.0.0/16"), (ip_network("10.1.9.0/24"),))

    assert is_held == block.holds(ip_address(address))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(PolicyPeer(block=IPBlock(ip_network("10.0.0.0/8"))), "ipBlock 10.0.0.0/8", id="a block"),
        pytest.param(
            PolicyPeer(block=IPBlock(ip_network("10.0.0.0/8"), (ip_network("10.1.0.0/16"),))),
            "ipBlock 10.0.0.0/8 except 10.1.0.0/16",
            id="a block with an exception",
        ),
        pytest.param(PolicyPeer(pods=EVERYTHING), "all pods", id="all pods"),
        pytest.param(PolicyPeer(pods=WEB), "pods with app=web", id="some pods"),
        pytest.param(PolicyPeer(namespaces=EVERYTHING), "all pods of all namespaces", id="all namespaces"),
        pytest.param(PolicyPeer(pods=WEB, namespaces=WEB), "pods with app=web of namespaces with app=web", id="both selectors"),
        pytest.param(PolicyPort(), "all TCP", id="a protocol"),
        pytest.param(PolicyPort(Protocol.UDP, 53), "53/UDP", id="a port"),
        pytest.param(PolicyPort(port="http"), "http/TCP", id="a named port"),
        pytest.param(PolicyPort(port=1, end=9), "1-9/TCP", id="a range"),
    ],
)
def test_in_words(value: object, text: str) -> None:
    assert text == str(value)

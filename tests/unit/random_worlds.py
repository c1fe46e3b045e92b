"""Random worlds and policies for the whole API, read from a tape of random bytes.

A tape is one draw for Hypothesis, which is quick, and it shrinks: a byte of 0 is always the plainest choice, and so is what lies
beyond the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, TypeVar

from hypothesis import strategies as st

from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.place import LEGACY_ANNOTATION, Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Protocol

Option = TypeVar("Option")
Document = dict[str, Any]

NAMESPACES = ("x", "y", "z")
KEYS, VALUES = ("k", "l", "a.b/c"), ("1", "2", "")
PORTS = (
    {"name": None, "number": 80, "protocol": "TCP"},
    {"name": None, "number": 81, "protocol": "TCP"},
    {"name": "http", "number": 80, "protocol": "TCP"},
    {"name": "http", "number": 81, "protocol": "TCP"},
    {"name": "dns", "number": 53, "protocol": "UDP"},
    {"name": "http", "number": 80, "protocol": "UDP"},
    {"name": None, "number": 80, "protocol": "SCTP"},
    {"name": None, "number": 0, "protocol": "ICMP"},
)
BLOCKS = (
    {"cidr": "198.18.1.0/24"},
    {"cidr": "10.244.0.0/24"},
    {"cidr": "0.0.0.0/0"},
    {"cidr": "::/0"},
    {"cidr": "0.0.0.0/0", "except": ["198.18.1.0/24", "10.0.0.0/8"]},
    {"cidr": "198.18.0.0/15", "except": ["198.18.2.0/24"]},
    {"cidr": "198.18.2.9/24"},
    {"cidr": "198.18.1.1/32"},
    {"cidr": "10.244.0.2/31"},
    {"cidr": "fd00:18::/32", "except": ["fd00:18:1::/48"]},
    {"cidr": "fd00:10::/64"},
    {"cidr": "10.96.0.0/16"},
    {"cidr": "10.96.0.7/32"},
    {"cidr": "fd00:96::/64"},
    {"cidr": "172.18.0.0/24"},
)
POLICY_PORTS: tuple[Document, ...] = (
    {"port": 80},
    {"port": 81},
    {"port": "http"},
    {},
    {"protocol": "UDP"},
    {"protocol": "UDP", "port": 53},
    {"protocol": "UDP", "port": "dns"},
    {"port": 80, "endPort": 81},
    {"protocol": "SCTP", "port": 80},
    {"port": 30080},
    {"port": "other"},
    {"protocol": "TCP", "port": 81, "endPort": 65535},
)


@dataclass
class Tape:
    """Choices, one byte each."""

    data: bytes
    place: int = field(default=0)

    def number(self, below: int) -> int:
        self.place += 1
        return self.data[self.place - 1] % below if self.place <= len(self.data) else 0

    def one(self, options: Sequence[Option]) -> Option:
        return options[self.number(len(options))]

    def one_in(self, number: int) -> bool:
        """True one time in so many, never from an empty tape."""
        return self.number(number) == number - 1

    def some(self, options: Sequence[Option], at_most: int) -> list[Option]:
        return [self.one(options) for _ in range(self.number(at_most + 1))]


def labels(tape: Tape) -> dict[str, str]:
    return {tape.one(KEYS): tape.one(VALUES) for _ in range(tape.number(3))}


def selector(tape: Tape) -> Document:
    kind = tape.number(5)
    if kind == 0:
        return {}
    if kind in (1, 2):
        return {"matchLabels": {tape.one(KEYS): tape.one(VALUES) for _ in range(kind)}}
    found: Document = {"matchExpressions": [expression(tape) for _ in range(kind - 2)]}
    return {**found, "matchLabels": {tape.one(KEYS): tape.one(VALUES)}} if tape.one_in(4) else found


def expression(tape: Tape) -> Document:
    operator = tape.one(("In", "NotIn", "Exists", "DoesNotExist"))
    values = {"values": [tape.one(VALUES) for _ in range(1 + tape.number(2))]} if operator in ("In", "NotIn") else {}
    return {"key": tape.one(KEYS), "operator": operator, **values}


def namespace_selector(tape: Tape) -> Document:
    name = {"kubernetes.io/metadata.name": tape.one(("real-x", "real-y", "kube-system"))}
    return {"matchLabels": name} if tape.one_in(4) else selector(tape)


def peer(tape: Tape) -> Document:
    kind = tape.number(4)
    if kind == 0:
        return {"podSelector": selector(tape)}
    if kind == 1:
        return {"namespaceSelector": namespace_selector(tape)}
    if kind == 2:
        return {"podSelector": selector(tape), "namespaceSelector": namespace_selector(tape)}
    return {"ipBlock": tape.one(BLOCKS)}


def rule(tape: Tape, peers: str) -> Document:
    found: Document = {peers: [peer(tape) for _ in range(tape.one((0, 1, 1, 2, 3)))], "ports": tape.some(POLICY_PORTS, 3)}
    # An empty list and an absent one mean the same.
    return {key: value for key, value in found.items() if value or tape.one_in(2)}


def policy(tape: Tape, name: str) -> Document:
    spec: Document = {"podSelector": selector(tape)}
    if not tape.one_in(3):
        spec["policyTypes"] = tape.one((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    for field_name, peers in (("ingress", "from"), ("egress", "to")):
        rules = [rule(tape, peers) for _ in range(tape.number(3))]
        if rules or tape.one_in(2):
            spec[field_name] = rules
    metadata = {"name": name, "namespace": f"real-{tape.one(NAMESPACES)}"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def pod(tape: Tape, namespace: str, name: str, number: int) -> Document:
    node, is_host = tape.one("ab"), tape.one_in(8)
    both = [f"172.18.0.{'ab'.index(node) + 1}", f"fd00:172::{node}"] if is_host else [f"10.244.0.{number}", f"fd00:10::{number}"]
    ports = {(each["number"], each["protocol"]): each for each in [PORTS[0], *tape.some(PORTS, 2)]}
    return {
        "namespace": namespace,
        "name": name,
        "labels": labels(tape),
        "ports": list(ports.values()),
        "addresses": both[:1] if tape.one_in(8) else both,
        "node": node,
        "hostNetwork": is_host,
    }


def door(tape: Tape, pods: Sequence[str]) -> tuple[str, Document]:
    kind, namespace = tape.one(("svc", "dns", "nodeport", "hostport")), tape.one(NAMESPACES)
    target: int | str = tape.one((80, 81, "http"))
    node = tape.one("ab")
    found: Document = {
        "kind": kind,
        "namespace": f"real-{namespace}",
        "selects": {tape.one(KEYS): tape.one(VALUES)} if tape.one_in(3) else {},
        "pod": None,
        "ports": [{"number": 80, "protocol": tape.one(("TCP", "UDP")), "target": target, "asked": None}],
        "addresses": [] if kind == "dns" else ["10.96.0.7", "fd00:96::7"],
        "node": None,
    }
    if kind in ("svc", "dns"):
        return f"{kind}/{namespace}/web", found
    found |= {"addresses": [f"172.18.0.{'ab'.index(node) + 1}", f"fd00:172::{node}"], "node": node}
    found["ports"][0]["asked"] = tape.one((30080, 81))
    if kind == "nodeport":
        return f"nodeport-{node}/{namespace}/web", found
    ref = tape.one(pods)
    return f"hostport/{ref}", {**found, "selects": None, "pod": ref}


def description(tape: Tape) -> Document:
    """A world as the plain evaluator takes it."""
    pods: Document = {}
    for number in range(1, 3 + tape.number(4)):
        namespace = tape.one(NAMESPACES)
        pods[f"{namespace}/p{number}"] = pod(tape, f"real-{namespace}", f"p{number}", number)
    namespaces = {}
    for each in NAMESPACES:
        annotations = {LEGACY_ANNOTATION: '{"ingress": {"isolation": "DefaultDeny"}}'} if tape.one_in(20) else {}
        name = f"real-{each}"
        namespaces[name] = {"labels": {**labels(tape), "kubernetes.io/metadata.name": name}, "annotations": annotations}
    server = {"namespace": "kube-system", "name": "dns-1", "labels": {"k": "dns"}, "node": "a", "hostNetwork": tape.one_in(6)}
    port = {"name": "dns", "number": 53, "protocol": "UDP"}
    server |= {"ports": [port], "addresses": ["10.244.0.53"]}
    servers: list[Document] = tape.one(([server], [server, {**server, "labels": {"k": "2"}, "name": "dns-2"}], []))
    return {
        "namespaces": namespaces,
        "pods": pods,
        "hosts": {f"outside/{name}": {"addresses": [f"198.18.{n}.1", f"fd00:18:{n}::1"]} for name, n in (("alpha", 1), ("beta", 2))},
        "doors": dict(door(tape, list(pods)) for _ in range(tape.number(3))),
        "nameServers": servers,
    }


def world_of(plain: Document) -> World:
    """The same world as the model takes it."""
    nodes = {name: Node(name, tuple(map(ip_address, (f"172.18.0.{n}", f"fd00:172::{name}")))) for n, name in enumerate("ab", 1)}
    return World(
        {
            name.removeprefix("real-"): Namespace(name.removeprefix("real-"), name, each["labels"], each["annotations"])
            for name, each in plain["namespaces"].items()
        },
        {ref: _pod(ref, each) for ref, each in plain["pods"].items()},
        {ref: OutsideHost(ref, (Port(80),), tuple(map(ip_address, each["addresses"]))) for ref, each in plain["hosts"].items()},
        nodes,
        {ref: _door(ref, each) for ref, each in plain["doors"].items()},
        tuple(_pod(f"kube-system/{each['name']}", each) for each in plain["nameServers"]),
    )


def _pod(ref: str, plain: Document) -> Pod:
    ports = tuple(Port(each["number"], Protocol(each["protocol"]), each["name"]) for each in plain["ports"])
    addresses = tuple(map(ip_address, plain["addresses"]))
    return Pod(ref, plain["namespace"], plain["name"], plain["labels"], ports, addresses, plain["node"], plain["hostNetwork"])


def _door(ref: str, plain: Document) -> Door:
    ports = tuple(DoorPort(each["number"], Protocol(each["protocol"]), each["target"], each["asked"]) for each in plain["ports"])
    kind = {"nodeport": DoorKind.NODE_PORT, "hostport": DoorKind.HOST_PORT, "svc": DoorKind.SERVICE, "dns": DoorKind.NAME}[plain["kind"]]
    addresses = tuple(map(ip_address, plain["addresses"]))
    return Door(ref, kind, plain["namespace"], ports, plain["selects"], plain["pod"], addresses, node=plain["node"])


@st.composite
def described(draw: st.DrawFn, *, size: int = 500, policies: int = 7) -> tuple[Document, list[Document]]:
    """A world's description and the documents of its policies."""
    tape = Tape(draw(st.binary(min_size=size, max_size=size)))
    plain = description(tape)
    return plain, [policy(tape, f"p{number}") for number in range(tape.number(policies + 1))]


def read(documents: Sequence[Document]) -> list[NetworkPolicy]:
    return [NetworkPolicy.from_document(document) for document in documents]

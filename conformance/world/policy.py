"""NetworkPolicy (networking.k8s.io/v1) as a value, read from the real API document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from conformance.world.labels import InvalidSelector, Selector
from conformance.world.place import Address
from conformance.world.verdict import Direction, Protocol

Network = IPv4Network | IPv6Network


class InvalidPolicy(ValueError):
    """A document that is no NetworkPolicy, or one that the API would refuse. The text names the policy and the field."""


@dataclass(frozen=True, slots=True)
class IPBlock:
    """`cidr` without the ranges of `excluded` (the API's `except`)."""

    cidr: Network
    excluded: tuple[Network, ...] = ()

    def holds(self, address: Address) -> bool:
        """Whether the address is in `cidr` and in no `except`. An address of the other family never is."""
        return address in self.cidr and not any(address in network for network in self.excluded)

    def __str__(self) -> str:
        return f"{self.cidr} except {', '.join(map(str, self.excluded))}" if self.excluded else str(self.cidr)


@dataclass(frozen=True, slots=True)
class PolicyPeer:
    """One entry of `from` or `to`: either selectors or an ipBlock.

    `pods` None: podSelector is absent; `namespaces` None: namespaceSelector is absent (the policy's own namespace).
    """

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: IPBlock | None = None

    def __str__(self) -> str:
        if self.block is not None:
            return f"ipBlock {self.block}"
        pods = "all pods" if self.pods is None or not self.pods.requirements else f"pods with {self.pods}"
        if self.namespaces is None:
            return pods
        return f"{pods} of {'all namespaces' if not self.namespaces.requirements else f'namespaces with {self.namespaces}'}"


@dataclass(frozen=True, slots=True)
class PolicyPort:
    """One entry of `ports`. `port` None: all ports of the protocol; a string: a named container port."""

    protocol: Protocol = Protocol.TCP
    port: int | str | None = None
    end: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return f"all {self.protocol}"
        return f"{self.port}-{self.end}/{self.protocol}" if self.end is not None else f"{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `ingress` or `egress`. Empty `peers` or `ports`: all of them, as absent ones do in the API."""

    peers: tuple[PolicyPeer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A policy. `types` are the directions for which it isolates its subjects."""

    namespace: str
    name: str
    subjects: Selector
    types: frozenset[Direction]
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()

    @property
    def ref(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules that count in a direction: none where the policy's types do not name it."""
        if direction not in self.types:
            return ()
        return self.ingress if direction is Direction.INGRESS else self.egress

    @classmethod
    def from_document(cls, document: Any) -> NetworkPolicy:
        """A policy from the document that `kubectl apply` takes. Raises InvalidPolicy."""
        if not isinstance(document, Mapping) or document.get("kind") != "NetworkPolicy":
            raise InvalidPolicy("a policy is a document of kind NetworkPolicy")
        if document.get("apiVersion") != "networking.k8s.io/v1":
            raise InvalidPolicy(f"apiVersion is networking.k8s.io/v1, not {document.get('apiVersion')!r}")
        metadata = document.get("metadata")
        if not isinstance(metadata, Mapping) or not metadata.get("name") or not metadata.get("namespace"):
            raise InvalidPolicy("a policy needs metadata.name and metadata.namespace")
        ref = f"{metadata['namespace']}/{metadata['name']}"
        try:
            return _policy(str(metadata["namespace"]), str(metadata["name"]), document.get("spec"))
        except (InvalidSelector, InvalidPolicy) as fault:
            raise InvalidPolicy(f"policy {ref}: {fault}") from None


def _policy(namespace: str, name: str, spec: Any) -> NetworkPolicy:
    spec = _mapping(spec or {}, "spec", {"podSelector", "policyTypes", "ingress", "egress"})
    ingress = tuple(_rule(rule, f"spec.ingress[{i}]", "from") for i, rule in enumerate(_list(spec, "ingress", "spec")))
    egress = tuple(_rule(rule, f"spec.egress[{i}]", "to") for i, rule in enumerate(_list(spec, "egress", "spec")))
    return NetworkPolicy(namespace, name, Selector.from_document(spec.get("podSelector") or {}), _types(spec, egress), ingress, egress)


def _types(spec: Mapping[str, Any], egress: tuple[Rule, ...]) -> frozenset[Direction]:
    # "If no policyTypes are specified on a NetworkPolicy then by default Ingress will always be set and Egress will be set
    # if the NetworkPolicy has any egress rules."
    types = _list(spec, "policyTypes", "spec")
    if not types:
        return frozenset({Direction.INGRESS, Direction.EGRESS} if egress else {Direction.INGRESS})
    for each in types:
        if each not in ("Ingress", "Egress"):
            raise InvalidPolicy(f"spec.policyTypes has Ingress and Egress, not {each!r}")
    return frozenset(Direction(each.lower()) for each in types)


def _rule(rule: Any, where: str, peers: str) -> Rule:
    rule = _mapping(rule or {}, where, {peers, "ports"})
    return Rule(
        tuple(_peer(peer, f"{where}.{peers}[{i}]") for i, peer in enumerate(_list(rule, peers, where))),
        tuple(_port(port, f"{where}.ports[{i}]") for i, port in enumerate(_list(rule, "ports", where))),
    )


def _peer(peer: Any, where: str) -> PolicyPeer:
    peer = _mapping(peer, where, {"podSelector", "namespaceSelector", "ipBlock"})
    pods, namespaces, block = (peer.get(key) for key in ("podSelector", "namespaceSelector", "ipBlock"))
    if block is not None:
        if pods is not None or namespaces is not None:
            raise InvalidPolicy(f"{where}: ipBlock stands alone, without selectors")
        return PolicyPeer(block=_block(block, f"{where}.ipBlock"))
    if pods is None and namespaces is None:
        raise InvalidPolicy(f"{where}: a peer needs podSelector, namespaceSelector or ipBlock")
    return PolicyPeer(
        None if pods is None else Selector.from_document(pods), None if namespaces is None else Selector.from_document(namespaces)
    )


def _block(block: Any, where: str) -> IPBlock:
    block = _mapping(block, where, {"cidr", "except"})
    cidr = _network(block.get("cidr"), f"{where}.cidr")
    excluded = tuple(_network(each, f"{where}.except[{i}]") for i, each in enumerate(_list(block, "except", where)))
    for each in excluded:
        # Validation of the API: an except must be strictly within the cidr.
        is_within = (
            each.subnet_of(cidr)
            if isinstance(each, IPv4Network) and isinstance(cidr, IPv4Network)
            else isinstance(each, IPv6Network) and isinstance(cidr, IPv6Network) and each.subnet_of(cidr)
        )
        if not is_within or each == cidr:
            raise InvalidPolicy(f"{where}: except {each} must be a strict part of {cidr}")
    return IPBlock(cidr, excluded)


def _network(text: Any, where: str) -> Network:
    try:
        # Host bits may be set: the API takes 10.1.2.3/24 and means 10.1.2.0/24.
        if not isinstance(text, str) or "/" not in text:
            raise ValueError
        return ip_network(text, strict=False)
    except ValueError:
        raise InvalidPolicy(f"{where}: {text!r} is no CIDR such as 192.0.2.0/24") from None


def _port(port: Any, where: str) -> PolicyPort:
    port = _mapping(port or {}, where, {"protocol", "port", "endPort"})
    protocol, number, end = port.get("protocol") or "TCP", port.get("port"), port.get("endPort")
    if protocol not in ("TCP", "UDP", "SCTP"):
        raise InvalidPolicy(f"{where}.protocol is TCP, UDP or SCTP, not {protocol!r}")
    if number is not None and not _is_port(number) and not (isinstance(number, str) and number):
        raise InvalidPolicy(f"{where}.port is a number from 1 to 65535 or a name, not {number!r}")
    if end is not None and (not _is_port(end) or not _is_port(number) or end < number):
        raise InvalidPolicy(f"{where}.endPort needs a number as port and must not be below it")
    return PolicyPort(Protocol(protocol), number, end)


def _is_port(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 65535


def _mapping(value: Any, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidPolicy(f"{where} is a mapping, not {value!r}")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise InvalidPolicy(f"{where} has {', '.join(sorted(known))}, not {', '.join(unknown)}")
    return value


def _list(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    entries = value.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise InvalidPolicy(f"{where}.{key} is a list, not {entries!r}")
    return entries

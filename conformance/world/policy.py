"""NetworkPolicy (networking.k8s.io/v1) as a value, read from the real API document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from conformance.world.labels import InvalidSelector, Selector
from conformance.world.place import Address
from conformance.world.verdict import Direction, Protocol

Network = IPv4Network | IPv6Network

_Read = TypeVar("_Read")


class InvalidPolicy(ValueError):
    """A document that is no NetworkPolicy, or one that the API would refuse: all its faults.

    `faults` are pairs of the field (`spec.ingress[0].ports[1]`, or as near to it as is known) and what is wrong, which
    names the field too.
    """

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(text for _, text in faults))
        self.faults = faults


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
            raise InvalidPolicy(("kind", "a policy is a document of kind NetworkPolicy"))
        if document.get("apiVersion") != "networking.k8s.io/v1":
            raise InvalidPolicy(("apiVersion", f"apiVersion is networking.k8s.io/v1, not {document.get('apiVersion')!r}"))
        _, (namespace, name), parts = _together(
            lambda: _mapping(document, "", {"apiVersion", "kind", "metadata", "spec"}),
            lambda: _names(document.get("metadata")),
            lambda: _spec(document.get("spec")),
        )
        return cls(namespace, name, *parts)


def _together(*readers: Callable[[], Any]) -> list[Any]:
    """What all of them return; what all of them raise, at once."""
    found: list[Any] = []
    faults: list[tuple[str, str]] = []
    for read in readers:
        try:
            found.append(read())
        except InvalidPolicy as fault:
            faults += fault.faults
    if faults:
        raise InvalidPolicy(*faults)
    return found


def _every(read: Callable[[Any, str], _Read], entries: list[Any], where: str) -> tuple[_Read, ...]:
    return tuple(_together(*(partial(read, entry, f"{where}[{index}]") for index, entry in enumerate(entries))))


def _names(metadata: Any) -> tuple[str, str]:
    if not isinstance(metadata, Mapping):
        raise InvalidPolicy(("metadata", f"metadata is a mapping, not {metadata!r}"))
    namespace, name = _together(*(partial(_name, metadata.get(key), f"metadata.{key}") for key in ("namespace", "name")))
    return namespace, name


def _name(name: Any, where: str) -> str:
    if isinstance(name, bool):
        raise InvalidPolicy((where, f"{where} is a boolean in YAML: quote it"))
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name):
        raise InvalidPolicy((where, f"{where} is a name of small letters, digits, hyphens and dots, not {name!r}"))
    return name


def _spec(spec: Any) -> tuple[Selector, frozenset[Direction], tuple[Rule, ...], tuple[Rule, ...]]:
    spec = _mapping(spec or {}, "spec")
    _, subjects, ingress, egress, named = _together(
        lambda: _mapping(spec, "spec", {"podSelector", "policyTypes", "ingress", "egress"}),
        lambda: _selector(spec.get("podSelector") or {}, "spec.podSelector"),
        lambda: _every(_ingress_rule, _list(spec, "ingress", "spec"), "spec.ingress"),
        lambda: _every(_egress_rule, _list(spec, "egress", "spec"), "spec.egress"),
        lambda: _every(_type, _list(spec, "policyTypes", "spec"), "spec.policyTypes"),
    )
    return subjects, frozenset(named or directions_without_types(egress)), ingress, egress


def directions_without_types(egress: Sequence[object]) -> tuple[Direction, ...]:
    """For which directions a policy isolates that names no policyTypes, by its egress rules.

    "If no policyTypes are specified on a NetworkPolicy then by default Ingress will always be set and Egress will be set if the
    NetworkPolicy has any egress rules."
    """
    return (Direction.INGRESS, Direction.EGRESS) if egress else (Direction.INGRESS,)


def _type(each: Any, where: str) -> Direction:
    if each not in ("Ingress", "Egress"):
        raise InvalidPolicy((where, f"{where} is Ingress or Egress, not {each!r}"))
    return Direction(each.lower())


def _ingress_rule(rule: Any, where: str) -> Rule:
    return _rule(rule, where, "from")


def _egress_rule(rule: Any, where: str) -> Rule:
    return _rule(rule, where, "to")


def _rule(rule: Any, where: str, peers: str) -> Rule:
    rule = _mapping(rule or {}, where)
    _, who, ports = _together(
        lambda: _mapping(rule, where, {peers, "ports"}),
        lambda: _every(_peer, _list(rule, peers, where), f"{where}.{peers}"),
        lambda: _every(_port, _list(rule, "ports", where), f"{where}.ports"),
    )
    return Rule(who, ports)


def _peer(peer: Any, where: str) -> PolicyPeer:
    peer = _mapping(peer, where, {"podSelector", "namespaceSelector", "ipBlock"})
    pods, namespaces, block = (peer.get(key) for key in ("podSelector", "namespaceSelector", "ipBlock"))
    if block is not None:
        if pods is not None or namespaces is not None:
            raise InvalidPolicy((where, f"{where}: ipBlock stands alone, without selectors"))
        return PolicyPeer(block=_block(block, f"{where}.ipBlock"))
    if pods is None and namespaces is None:
        raise InvalidPolicy((where, f"{where}: a peer needs podSelector, namespaceSelector or ipBlock"))
    return PolicyPeer(
        *_together(
            lambda: None if pods is None else _selector(pods, f"{where}.podSelector"),
            lambda: None if namespaces is None else _selector(namespaces, f"{where}.namespaceSelector"),
        )
    )


def _selector(document: Any, where: str) -> Selector:
    try:
        return Selector.from_document(document)
    except InvalidSelector as fault:
        raise InvalidPolicy((where, f"{where}: {fault}")) from None


def _block(block: Any, where: str) -> IPBlock:
    block = _mapping(block, where, {"cidr", "except"})
    cidr, excluded = _together(
        lambda: _network(block.get("cidr"), f"{where}.cidr"), lambda: _every(_network, _list(block, "except", where), f"{where}.except")
    )
    for index, each in enumerate(excluded):
        # Validation of the API: an except must be strictly within the cidr.
        if each.version != cidr.version or not each.subnet_of(cidr) or each == cidr:
            raise InvalidPolicy((f"{where}.except[{index}]", f"{where}: except {each} must be a strict part of {cidr}"))
    return IPBlock(cidr, excluded)


def _network(text: Any, where: str) -> Network:
    try:
        # Host bits may be set: the API takes 10.1.2.3/24 and means 10.1.2.0/24.
        if not isinstance(text, str) or "/" not in text:
            raise ValueError
        return ip_network(text, strict=False)
    except ValueError:
        raise InvalidPolicy((where, f"{where}: {text!r} is no CIDR such as 192.0.2.0/24")) from None


def _port(port: Any, where: str) -> PolicyPort:
    port = _mapping(port or {}, where, {"protocol", "port", "endPort"})
    protocol, number, end = port.get("protocol") or "TCP", port.get("port"), port.get("endPort")
    faults = []
    if protocol not in ("TCP", "UDP", "SCTP"):
        faults.append((f"{where}.protocol", f"{where}.protocol is TCP, UDP or SCTP, not {protocol!r}"))
    if number is not None and not _is_port(number) and not _is_port_name(number):
        quoted = " in quotes, which make it a name" if isinstance(number, str) and number.isdecimal() else ""
        faults.append((f"{where}.port", f"{where}.port is a number from 1 to 65535 or a name, not {number!r}{quoted}"))
    if end is not None and (not _is_port(end) or not _is_port(number) or end < number):
        faults.append((f"{where}.endPort", f"{where}.endPort needs a number as port and must not be below it"))
    if faults:
        raise InvalidPolicy(*faults)
    return PolicyPort(Protocol(protocol), number, end)


def _is_port(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 65535


def _is_port_name(name: Any) -> bool:
    """What the API takes as the name of a port: an IANA service name, with a letter in it."""
    return isinstance(name, str) and len(name) <= 15 and bool(re.fullmatch(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*", name))


def _mapping(value: Any, where: str, known: set[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidPolicy((where, f"{where} is a mapping, not {value!r}"))
    unknown = [str(key) for key in value if known is not None and key not in known]
    if known is not None and unknown:
        raise InvalidPolicy(
            *((f"{where}.{key}".lstrip("."), f"{where or 'a policy'} has {', '.join(sorted(known))}, not {key}") for key in unknown)
        )
    return value


def _list(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    entries = value.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise InvalidPolicy((f"{where}.{key}", f"{where}.{key} is a list, not {entries!r}"))
    return entries

"""Who and what stands for the rest: hosts outside, and ports of which nobody speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise

from conformance.world.place import Address, OutsideHost, Pod, Port
from conformance.world.policy import IPBlock, NetworkPolicy, Rule
from conformance.world.verdict import Direction, Protocol

ANYWHERE = "anywhere outside"
"""The reference of the host that stands for the rest of the world."""

ANY_PORT = 6
"""A port that stands for all those of which nobody speaks: no application has it."""

_REST = (ip_address("192.0.0.171"), ip_address("100::7"))
"""Addresses of the rest of the world: kept for special purposes, so that nobody writes a block for them alone."""


def rules_of(policies: Iterable[NetworkPolicy]) -> Iterator[Rule]:
    """The rules that count, of both directions."""
    for policy in policies:
        for direction in Direction:
            yield from policy.rules(direction)


def hosts_of(policies: Iterable[NetworkPolicy]) -> tuple[OutsideHost, ...]:
    """An outside host in each block of these policies, called as the block, and one that stands for the rest of the world."""
    blocks = dict.fromkeys(peer.block for rule in rules_of(policies) for peer in rule.peers if peer.block is not None)
    inside = ((block, _inside(block)) for block in blocks)
    rest = OutsideHost(ANYWHERE, (), _REST)
    return (rest, *(OutsideHost(str(block), (), (address,)) for block, address in inside if address is not None))


def _inside(block: IPBlock) -> Address | None:
    """An address that a block holds, if one is easily found: its first ones, its last, or one beside an exception."""
    beside = [each for network in block.excluded for each in (int(network[0]) - 1, int(network[-1]) + 1)]
    for number in (int(block.cidr[0]) + 1, int(block.cidr[0]), int(block.cidr[-1]), *beside):
        if 0 <= number < 1 << block.cidr.max_prefixlen:
            address = type(block.cidr.network_address)(number)
            if block.holds(address):
                return address
    return None


def edges_of(policies: Iterable[NetworkPolicy]) -> tuple[OutsideHost, ...]:
    """Hosts outside at every edge of a range, the first in it and the first behind it: no two addresses that blocks tell apart
    have all of these on the same side."""
    blocks = dict.fromkeys(peer.block for rule in rules_of(policies) for peer in rule.peers if peer.block is not None)
    found: dict[Address, None] = dict.fromkeys(_REST)
    for network in (each for block in blocks for each in (block.cidr, *block.excluded)):
        found[network[0]] = None
        if int(network[-1]) + 1 < 1 << network.max_prefixlen:
            found[network[-1] + 1] = None
    return tuple(OutsideHost(str(address), (), (address,)) for address in found)


@dataclass(frozen=True, slots=True)
class NamedPorts:
    """The ports that rules name by number, as stretches that no rule cuts: the first port of each, and its last number.

    `rest` has a port for each protocol that stands for all those that no rule names, if there are such.
    """

    stretches: Mapping[Port, int]
    rest: frozenset[Port]

    @property
    def every(self) -> tuple[Port, ...]:
        """One port of each stretch, and those of the rest."""
        return (*self.stretches, *sorted(self.rest, key=str))


def named_ports(policies: Iterable[NetworkPolicy]) -> NamedPorts:
    """The ports that these policies name."""
    spans: dict[Protocol, set[tuple[int, int]]] = {each: set() for each in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)}
    for rule in rules_of(policies):
        for port in rule.ports:
            if isinstance(port.port, int):
                spans[port.protocol].add((port.port, port.end or port.port))
    stretches, rest = {}, set()
    for protocol, own in spans.items():
        cuts = sorted({1, 65536, *(edge for first, last in own for edge in (first, last + 1))})
        free = [ANY_PORT, *cuts[:-1]]
        for first, behind in pairwise(cuts):
            if any(start <= first <= last for start, last in own):
                stretches[Port(first, protocol)] = behind - 1
        unnamed = next((each for each in free if not any(start <= each <= last for start, last in own)), None)
        rest |= {Port(unnamed, protocol)} if unnamed is not None else set()
    return NamedPorts(stretches, frozenset(rest))


def plain_ports(place: Pod | OutsideHost) -> tuple[Port, ...]:
    """The ports that a place serves, without their names."""
    return tuple(dict.fromkeys(Port(each.number, each.protocol) for each in place.serves))

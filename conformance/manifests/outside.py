"""Who and what stands for the rest: hosts outside, and ports of which nobody speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

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


def named_ports(policies: Iterable[NetworkPolicy]) -> tuple[Port, ...]:
    """The ports that rules name by number, of ranges both ends, and one of each protocol that stands for all others."""
    found: dict[Port, None] = {}
    for rule in rules_of(policies):
        for port in rule.ports:
            if isinstance(port.port, int):
                found |= dict.fromkeys(Port(number, port.protocol) for number in (port.port, port.end or port.port))
    return (*found, *(Port(ANY_PORT, protocol) for protocol in (Protocol.TCP, Protocol.UDP)))


def plain_ports(place: Pod | OutsideHost) -> tuple[Port, ...]:
    """The ports that a place serves, without their names."""
    return tuple(dict.fromkeys(Port(each.number, each.protocol) for each in place.serves))

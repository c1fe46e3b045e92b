"""Rules about ipBlock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_interface, ip_network
from typing import Any

from conformance.lint.scene import Spot, Subject
from conformance.manifests.ground import Ranges
from conformance.manifests.inventory import Inventory, PolicyObject
from conformance.manifests.parts import at
from conformance.scenario.source import Keys
from conformance.world.policy import Network


def blocks_of(policy: PolicyObject) -> Iterator[tuple[Keys, Network, list[tuple[Keys, Network]]]]:
    """Each ipBlock as it is written, also in a policy that the API refuses: its place, cidr, and each except with its place."""
    for direction, word in (("ingress", "from"), ("egress", "to")):
        for keys in _each((("spec", direction),), policy):
            for peer in _each(((*keys, word),), policy):
                block = (*peer, "ipBlock")
                cidr = _network(at(policy.source, *block, "cidr"))
                if cidr is not None:
                    parts = ((each, _network(at(policy.source, *each))) for each in _each(((*block, "except"),), policy))
                    yield block, cidr, [(each, network) for each, network in parts if network is not None]


def _each(above: Iterable[Keys], policy: PolicyObject) -> Iterator[Keys]:
    for keys in above:
        found = at(policy.source, *keys)
        yield from ((*keys, number) for number in range(len(found) if isinstance(found, list) else 0))


def _network(text: Any) -> Network | None:
    try:
        return ip_network(text, strict=False) if isinstance(text, str) and "/" in text else None
    except ValueError:
        return None


def except_outside_cidr(policy: PolicyObject) -> Iterator[Spot]:
    """An except that lies outside its cidr takes nothing away; the API refuses it."""
    for _, cidr, excluded in blocks_of(policy):
        for keys, network in excluded:
            if not _is_in(network, cidr):
                yield Spot(keys, f"except {network} lies outside {cidr}: it takes nothing away, and the API refuses it")


def except_excludes_all(policy: PolicyObject) -> Iterator[Spot]:
    """Exceptions that leave nothing of the cidr."""
    for keys, cidr, excluded in blocks_of(policy):
        inside = [network for _, network in excluded if _is_in(network, cidr)]
        if _is_covered(cidr, inside):
            told = "this except leaves" if len(inside) == 1 else "these exceptions together leave"
            yield Spot((*keys, "except"), f"{told} nothing of {cidr}: this peer is nobody", at_key=True)


def host_bits(subject: Subject) -> Iterator[Spot]:
    """`10.1.2.3/24` means `10.1.2.0/24`."""
    for keys, cidr, excluded in blocks_of(subject.object):
        for where, network in (((*keys, "cidr"), cidr), *excluded):
            text = str(at(subject.object.source, *where))
            if ip_interface(text).ip != network.network_address:
                yield Spot(where, f"{text} means {network}: the bits behind the prefix do not count")


def ip_block_over_pods(subject: Subject) -> Iterator[Spot]:
    """A block that covers addresses of pods: whether it matches them is left to the plugin."""
    inventory, ranges = subject.scene.inventory, subject.scene.ranges
    for keys, cidr, excluded in blocks_of(subject.object):
        over = [each for each in pod_ranges(inventory, ranges) if _touches(cidr, [network for _, network in excluded], each)]
        if over:
            named = f"{over[0]}, where pods have their addresses" if ranges.is_known else f"{over[0]}, an address of a pod"
            if not ranges.is_known and not _addresses(inventory):
                named = f"{over[0]}, where pods usually have their addresses (--pod-cidr says where)"
            text = (
                f"{cidr} covers {named}: whether an ipBlock matches pods is left to the plugin; except the range, or name pods by selectors"
            )
            yield Spot((*keys, "cidr"), text)


def pod_ranges(inventory: Inventory, ranges: Ranges) -> tuple[Network, ...]:
    """Where pods are: what somebody said, else the addresses that a cluster gave them, else the usual ranges."""
    return ranges.networks if ranges.is_known else _addresses(inventory) or ranges.networks


def _addresses(inventory: Inventory) -> tuple[Network, ...]:
    return tuple(ip_network(address) for each in inventory.workloads if not each.is_host_network for address in each.addresses)


def _touches(cidr: Network, excluded: list[Network], where: Network) -> bool:
    if cidr.version != where.version or not cidr.overlaps(where):
        return False
    return not _is_covered(max(cidr, where, key=lambda each: each.prefixlen), excluded)


def _is_in(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type] # of one version


def _is_covered(network: Network, by: Iterable[Network]) -> bool:
    same: list[Any] = [each for each in by if each.version == network.version]
    found: Iterable[IPv4Network | IPv6Network] = collapse_addresses(same)
    return any(_is_in(network, each) for each in found)

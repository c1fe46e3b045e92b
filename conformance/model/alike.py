"""Which pods and hosts behave alike, whatever the policies ask of them: the classes of a large world."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.model.match import labels_of
from conformance.world.labels import Selector
from conformance.world.place import LEGACY_ANNOTATION, Address, OutsideHost, Place, Pod, World
from conformance.world.policy import IPBlock, NetworkPolicy, PolicyPeer, Rule
from conformance.world.verdict import Direction, Family


@dataclass(frozen=True, slots=True)
class Alike:
    """Places that no policy tells apart: `members` are their references, `first` is one of them.

    `blocks` are the numbers of the ip blocks that cover an address of theirs.
    """

    members: tuple[str, ...]
    first: Place
    blocks: frozenset[int]


@dataclass(frozen=True, slots=True)
class Words:
    """All that policies can tell places apart by.

    `keys` of pods' labels, `namespace_selectors`, `port_names`, `blocks` with their numbers, and the real names of the namespaces
    that have policies (or the annotation of old).
    """

    keys: frozenset[str]
    namespace_selectors: tuple[Selector, ...]
    port_names: frozenset[str]
    blocks: Mapping[IPBlock, int]
    namespaces: frozenset[str]


def rules_of(policies: Iterable[NetworkPolicy]) -> Iterator[Rule]:
    """The rules that count, of both directions."""
    for policy in policies:
        for direction in Direction:
            yield from policy.rules(direction)


def words_of(world: World, policies: tuple[NetworkPolicy, ...]) -> Words:
    """What these policies can tell places apart by."""
    rules = tuple(rules_of(policies))
    peers = dict.fromkeys(peer for rule in rules for peer in rule.peers)
    selectors = [policy.subjects for policy in policies] + [peer.pods for peer in peers if peer.pods is not None]
    legacy = {each.name for each in world.namespaces.values() if LEGACY_ANNOTATION in each.annotations}
    return Words(
        frozenset(requirement.key for selector in selectors for requirement in selector.requirements),
        tuple(dict.fromkeys(peer.namespaces for peer in peers if peer.namespaces is not None)),
        frozenset(port.port for rule in rules for port in rule.ports if isinstance(port.port, str)),
        _numbered(peers),
        frozenset(policy.namespace for policy in policies) | legacy,
    )


def _numbered(peers: Iterable[PolicyPeer]) -> dict[IPBlock, int]:
    blocks = dict.fromkeys(peer.block for peer in peers if peer.block is not None)
    return {block: number for number, block in enumerate(blocks)}


def classes_of(world: World, words: Words) -> tuple[Alike, ...]:
    """The classes, in the order in which the world names their first members.

    Nodes matter only where somebody is in a node's network: a world with one such pod has its classes per node.
    """
    coverage = Coverage(words.blocks)
    has_nodes = any(pod.is_host_network for pod in world.pods.values())
    seen: dict[Hashable, tuple[list[str], Place, frozenset[int]]] = {}
    namespaces = _namespaces(world, words)
    for place in world.places():
        blocks = coverage.of(place.addresses)
        key = _key(place, words, namespaces, has_nodes=has_nodes), blocks
        seen.setdefault(key, ([], place, blocks))[0].append(place.ref)
    return tuple(Alike(tuple(members), first, blocks) for members, first, blocks in seen.values())


def _namespaces(world: World, words: Words) -> dict[str, Hashable]:
    """What tells each namespace from others: itself where it has policies, else the selectors that name it."""
    labels = labels_of(world)
    names = dict.fromkeys(pod.namespace for pod in world.pods.values())
    return {
        name: name
        if name in words.namespaces
        else frozenset(number for number, selector in enumerate(words.namespace_selectors) if selector.matches(labels(name)))
        for name in names
    }


def _key(place: Place, words: Words, namespaces: Mapping[str, Hashable], *, has_nodes: bool) -> Hashable:
    if isinstance(place, OutsideHost):
        return None
    labels = frozenset((key, value) for key, value in place.labels.items() if key in words.keys)
    ports = frozenset((port.name, port.number, port.protocol) for port in place.serves if port.name in words.port_names)
    return namespaces[place.namespace], labels, ports, place.is_host_network, place.node if has_nodes else None


class Coverage:
    """Which blocks cover an address: one look-up for each length of prefix that occurs, however many blocks there are."""

    def __init__(self, blocks: Mapping[IPBlock, int]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, list[tuple[IPBlock, int]]]] = {}
        for block, number in blocks.items():
            cidr = block.cidr
            shift = cidr.max_prefixlen - cidr.prefixlen
            there = self._by_length.setdefault((cidr.version, shift), {})
            there.setdefault(int(cidr.network_address) >> shift, []).append((block, number))

    def of(self, addresses: Iterable[Address]) -> frozenset[int]:
        """The numbers of the blocks that cover one of the addresses."""
        return frozenset(number for address in addresses for number in self._of(address))

    def _of(self, address: Address) -> Iterator[int]:
        value = int(address)
        for (version, shift), there in self._by_length.items():
            if version == address.version:
                yield from (number for block, number in there.get(value >> shift, ()) if block.holds(address))


def is_of(block: IPBlock, family: Family) -> bool:
    """Whether a block speaks of this family."""
    return (block.cidr.version == 4) is (family is Family.IPV4)


def is_in_node_network(place: Place) -> bool:
    """Whether it is a pod with its node's address."""
    return isinstance(place, Pod) and place.is_host_network

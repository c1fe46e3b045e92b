"""Nodes and arrows: workloads that behave alike are one node, and an arrow says what a rule lets through."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.manifests.ground import Ranges, isolates, world_of
from conformance.manifests.inventory import Inventory
from conformance.manifests.outside import NamedPorts, hosts_of, named_ports, plain_ports, rules_of
from conformance.model.classes import ClassTable
from conformance.model.match import Match, labels_of, other_of, peer_match
from conformance.world.expectation import Reading
from conformance.world.place import Place, Pod, Port, World, family_of
from conformance.world.policy import NetworkPolicy, PolicyPeer
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict

OUTSIDE = "outside the cluster"
"""The group of the nodes that are in no namespace."""

EVERYBODY = "everybody"
ALL_PORTS, OTHER_PORTS = "all ports", "all other ports"

HOW_TO_READ = (
    "An arrow is what a rule lets through. Where there is none, two may talk only if the one that asks is not isolated for egress "
    "and the one that is asked is not isolated for ingress."
)

MOST_NODES, MOST_ARROWS = 60, 250
"""More than so many cannot be read: the others are counted."""


@dataclass(frozen=True, slots=True)
class Node:
    """Workloads of one namespace that no policy tells apart, or hosts outside.

    `members` are their names; `ports` what they declare; `isolated` the directions for which policies isolate them (None: no pods).
    """

    group: str
    members: tuple[str, ...]
    ports: tuple[str, ...] = ()
    isolated: frozenset[Direction] | None = None

    @property
    def state(self) -> str:
        """For which directions it is isolated, in words; "" where the question makes no sense."""
        if self.isolated is None:
            return ""
        return f"isolated: {', '.join(sorted(self.isolated, reverse=True))}" if self.isolated else "not isolated"


@dataclass(frozen=True, slots=True)
class Arrow:
    """What rules let through between two nodes (their numbers). `is_open`: the specification leaves it to the plugin."""

    source: int
    target: int
    label: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes, arrows, and sentences: how to read it, and what is not drawn."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    sentences: tuple[str, ...]


def drawing_of(inventory: Inventory, ranges: Ranges) -> Drawing:
    """The drawing of an inventory's workloads under its policies."""
    policies = inventory.sound()
    world = world_of(inventory, ranges, hosts_of(policies))
    table = ClassTable(world, policies)
    groups: dict[object, list[Place]] = {}
    for place in world.places():
        group = place.namespace if isinstance(place, Pod) else OUTSIDE
        families = frozenset(map(family_of, place.addresses))
        groups.setdefault((table.class_of(place.ref), group, plain_ports(place), families), []).append(place)
    places = list(groups.values())
    several = {each.ref for each in inventory.workloads if each.replicas > 1}
    nodes = [_node(each, frozenset(d for d in Direction if any(isolates(p, each[0], d) for p in policies))) for each in places]
    arrows = list(_arrows(places, nodes, table, named_ports(policies), several))
    nodes, arrows = _with_everybody(*_merged(nodes, arrows))
    return _cut(nodes, arrows, tuple(_left_out(inventory, world)))


def _node(places: Sequence[Place], isolated: frozenset[Direction]) -> Node:
    first = places[0]
    ports = tuple(map(str, plain_ports(first)))
    if not isinstance(first, Pod):
        return Node(OUTSIDE, tuple(each.ref for each in places))
    return Node(first.namespace, tuple(each.name for each in places if isinstance(each, Pod)), ports, isolated)


def _arrows(
    places: Sequence[Sequence[Place]], nodes: Sequence[Node], table: ClassTable, named: NamedPorts, several: Iterable[str]
) -> Iterator[Arrow]:
    """What a rule lets through: where neither end is isolated, no rule has a word."""
    for one, sources in enumerate(places):
        for other, targets in enumerate(places):
            is_guarded = Direction.EGRESS in (nodes[one].isolated or ()) or Direction.INGRESS in (nodes[other].isolated or ())
            if not is_guarded or (one == other and len(sources) == 1 and sources[0].ref not in several):
                continue
            reach = _Reach(table, sources[0], targets[0], named)
            for verdict in (Verdict.ALLOWED, Verdict.OPEN):
                label = reach.label(verdict)
                if label:
                    yield Arrow(one, other, label, verdict is Verdict.OPEN)


class _Reach:
    """What the model says of all ports between two places."""

    def __init__(self, table: ClassTable, source: Place, target: Place, named: NamedPorts) -> None:
        self.serves, self.named = plain_ports(target), named
        ports = tuple(dict.fromkeys((*self.serves, *named.every)))
        families = {family_of(each) for each in source.addresses} & {family_of(each) for each in target.addresses}
        self.verdicts: dict[Family, dict[Port, Verdict]] = {
            family: {port: table.verdict(Question(source.ref, target.ref, port.number, port.protocol, family)) for port in ports}
            for family in Family
            if family in families
        }

    def label(self, verdict: Verdict) -> str:
        """The ports with this verdict, by family where these differ; "" where there are none."""
        labels = {family: self._ports({port for port in found if found[port] is verdict}, found) for family, found in self.verdicts.items()}
        if len(set(labels.values())) <= 1:
            return next(iter(labels.values()), "")
        names = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
        return ", ".join(f"{label} ({names[family]})" for family, label in labels.items() if label)

    def _ports(self, found: Collection[Port], every: Iterable[Port]) -> str:
        """Some of all ports: where one stands for the rest and others are missing, it is the `other` ports that are meant."""
        rest = {port.protocol for port in found if port in self.named.rest}
        missing = {port.protocol for port in every if port not in found}
        if {Protocol.TCP, Protocol.UDP, Protocol.SCTP} <= rest and not missing:
            return ALL_PORTS
        # Of ports that nobody serves there an arrow would say too much, where it is known which are served.
        if self.serves:
            return ", ".join(str(port) for port in self.serves if port in found)
        named = [port for port in every if port in found and port.protocol not in rest]
        if {Protocol.TCP, Protocol.UDP, Protocol.SCTP} <= rest:
            return OTHER_PORTS
        words = (f"all {'other ' if protocol in missing else ''}{protocol}" for protocol in sorted(rest))
        return ", ".join([*words, *_ranges(named, self.named)])


def _ranges(found: Sequence[Port], named: NamedPorts) -> Iterator[str]:
    """Ports of stretches as a policy would say them: those that follow each other are one range."""
    ranges: list[tuple[Port, int]] = []
    for port in found:
        last = named.stretches[port]
        if ranges and ranges[-1][0].protocol is port.protocol and ranges[-1][1] + 1 == port.number:
            ranges[-1] = ranges[-1][0], last
        else:
            ranges.append((port, last))
    return (str(first) if first.number == last else f"{first.number}-{last}/{first.protocol}" for first, last in ranges)


def _merged(nodes: Sequence[Node], arrows: Sequence[Arrow]) -> tuple[list[Node], list[Arrow]]:
    """Nodes of one namespace with the same arrows from and to the same others become one, until there are no such."""
    kept, left = list(nodes), list(arrows)
    while True:
        ways: dict[int, set[object]] = {number: set() for number in range(len(kept))}
        for arrow in left:
            ways[arrow.source].add(("to", arrow.target, arrow.label, arrow.is_open))
            ways[arrow.target].add(("from", arrow.source, arrow.label, arrow.is_open))
        groups: dict[object, list[int]] = {}
        for number, node in enumerate(kept):
            groups.setdefault((node.group, node.isolated, frozenset(ways[number])), []).append(number)
        if len(groups) == len(kept):
            return kept, left
        place = {number: new for new, numbers in enumerate(groups.values()) for number in numbers}
        kept = [_together([kept[number] for number in numbers]) for numbers in groups.values()]
        left = list(dict.fromkeys(replace(each, source=place[each.source], target=place[each.target]) for each in left))


def _together(nodes: Sequence[Node]) -> Node:
    members = tuple(member for node in nodes for member in node.members)
    return replace(nodes[0], members=members, ports=tuple(dict.fromkeys(port for node in nodes for port in node.ports)))


def _with_everybody(nodes: list[Node], arrows: list[Arrow]) -> tuple[list[Node], list[Arrow]]:
    """One arrow from (or to) everybody instead of one from each who is not isolated, where all of them say the same."""
    for direction in (Direction.EGRESS, Direction.INGRESS):
        free = {number for number, node in enumerate(nodes) if direction not in (node.isolated or ()) and node.members != (EVERYBODY,)}
        folded: dict[tuple[int, str, bool], list[Arrow]] = {}
        for arrow in arrows:
            mine, other = (arrow.source, arrow.target) if direction is Direction.EGRESS else (arrow.target, arrow.source)
            if mine in free:
                folded.setdefault((other, arrow.label, arrow.is_open), []).append(arrow)
        number = len(nodes)
        gone: set[Arrow] = set()
        new = []
        for (other, label, is_open), found in folded.items():
            if len(found) > 2 and len(found) >= len(free - {other}):
                gone |= set(found)
                new.append(Arrow(number, other, label, is_open) if direction is Direction.EGRESS else Arrow(other, number, label, is_open))
        if new:
            nodes = [*nodes, Node(OUTSIDE, (EVERYBODY,))]
            arrows = [*(arrow for arrow in arrows if arrow not in gone), *new]
    return nodes, arrows


def _cut(nodes: Sequence[Node], arrows: Sequence[Arrow], left_out: tuple[str, ...]) -> Drawing:
    """No more than can be read; hosts outside with which nobody has to do are left out."""
    used = {number for arrow in arrows for number in (arrow.source, arrow.target)}
    kept = [number for number, node in enumerate(nodes) if number in used or node.isolated is not None]
    sentences = [HOW_TO_READ]
    if any(node.members == (EVERYBODY,) for node in nodes):
        sentences.append("Everybody: all who are not isolated themselves for that direction, in the cluster and outside.")
    if any(arrow.is_open for arrow in arrows):
        sentences.append("Dashed arrows are open: the specification leaves them to the plugin.")
    if len(kept) > MOST_NODES:
        busy = sorted(kept, key=lambda number: (number not in used, not nodes[number].isolated, number))
        total = sum(len(nodes[number].members) for number in busy[MOST_NODES:])
        sentences.append(f"Not drawn: {len(kept) - MOST_NODES} more nodes ({total} workloads), with their arrows.")
        kept = sorted(busy[:MOST_NODES])
    place = {number: new for new, number in enumerate(kept)}
    shown = [
        replace(each, source=place[each.source], target=place[each.target]) for each in arrows if {each.source, each.target} <= set(place)
    ]
    if len(shown) > MOST_ARROWS:
        sentences.append(f"Not drawn: {len(shown) - MOST_ARROWS} more arrows.")
    return Drawing(tuple(nodes[number] for number in kept), tuple(shown[:MOST_ARROWS]), (*sentences, *left_out))


def _left_out(inventory: Inventory, world: World) -> Iterator[str]:
    idle = {
        str(peer) for policy in inventory.sound() for peer in _peers(policy) if peer.block is None and not _is_anybody(policy, peer, world)
    }
    if idle:
        yield f"Not drawn: peers of which nobody is known here ({few(sorted(idle))})."
    in_node_network = [each.ref for each in inventory.workloads if each.is_host_network]
    if in_node_network:
        yield f"In their node's network, where much is left to the plugin ({len(in_node_network)}): {few(in_node_network)}."
    if replaced := inventory.replaced():
        yield f"Not drawn: policies that a later one of their name replaces ({len(replaced)}: {few([each.where for each in replaced])})."
    if foreign := inventory.foreign():
        yield f"Not drawn: policies of other APIs ({len(foreign)}: {few(sorted({each.kind for each in foreign}))})."
    yield from (f"{sentence[:1].upper()}{sentence[1:]}." for sentence in inventory.unknown)


def _peers(policy: NetworkPolicy) -> Iterator[PolicyPeer]:
    return (peer for rule in rules_of([policy]) for peer in rule.peers)


def _is_anybody(policy: NetworkPolicy, peer: PolicyPeer, world: World) -> bool:
    labels = labels_of(world)
    others = (other_of(pod, Family.IPV4, reading=Reading.APART) for pod in world.pods.values())
    return any(peer_match(peer, policy.namespace, labels, other) is Match.YES for other in others)


def few(words: Sequence[str], most: int = 4) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def by_group(nodes: Sequence[Node]) -> Mapping[str, list[int]]:
    """The numbers of the nodes of each namespace; those outside first."""
    found: dict[str, list[int]] = {OUTSIDE: []}
    for number, node in enumerate(nodes):
        found.setdefault(node.group, []).append(number)
    return {group: numbers for group, numbers in found.items() if numbers}

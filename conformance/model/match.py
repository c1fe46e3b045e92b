"""Whether a rule names the other end of a connection, and its port.

Quotes are from the Kubernetes documentation of NetworkPolicy (concepts, services-networking, network-policies).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from conformance.world.expectation import Reading
from conformance.world.labels import Labels
from conformance.world.place import Address, OutsideHost, Pod, Port, World, family_of
from conformance.world.policy import IPBlock, PolicyPeer, PolicyPort, Rule
from conformance.world.verdict import Family, Protocol

NAME_LABEL = "kubernetes.io/metadata.name"

LabelsOf = Callable[[str], Labels]
"""The labels of a namespace, by its real name."""


class Match(Enum):
    """UNDEFINED: the specification leaves it to the plugin."""

    NO = 0
    UNDEFINED = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Other:
    """The other end of a connection, as the policies of one end see it.

    `ref` is for people, `key` tells it from all others of a world (the family aside). `pod` is what selectors see (None: nobody
    whom a selector could mean). `addresses` are what blocks see, `through` those of the door before it, both of `family` alone
    (None: an address of the cluster that nobody knows). `is_node`: it has the address of its node, `node`.
    """

    key: tuple[str, str]
    ref: str
    family: Family
    pod: Pod | None = None
    addresses: tuple[Address, ...] | None = ()
    through: tuple[Address, ...] = ()
    is_inside: bool = True
    is_node: bool = False
    node: str | None = None

    @property
    def serves(self) -> tuple[Port, ...]:
        """The container ports, which give the names of ports their meaning. Hosts and nodes have none."""
        return () if self.pod is None else self.pod.serves


def labels_of(world: World) -> LabelsOf:
    """A namespace that is not in the world (that of the name servers) has the label that every namespace has.

    "The Kubernetes control plane sets an immutable label kubernetes.io/metadata.name on all namespaces".
    """
    known = {namespace.name: namespace.labels for namespace in world.namespaces.values()}
    return lambda name: known.get(name) or {NAME_LABEL: name}


def peers_match(rule: Rule, namespace: str, labels: LabelsOf, other: Other) -> tuple[Match, str]:
    """Whether the peers of a rule (of a policy in this namespace) name the other end, and the words for what names it."""
    if not rule.peers:
        # API reference: an empty or missing from (to) "matches all sources (destinations), not restricted by source".
        return Match.YES, "everybody"
    found = [(peer_match(peer, namespace, labels, other), peer) for peer in rule.peers]
    # Entries of one list are alternatives: "OR".
    best = max((match for match, _ in found), key=lambda match: match.value)
    doubt = f", which covers an address of {other.ref} in the cluster" if best is Match.UNDEFINED else ""
    return best, ", ".join(f"{peer}{doubt}" for match, peer in found if match is best)


def peer_match(peer: PolicyPeer, namespace: str, labels: LabelsOf, other: Other) -> Match:
    """Whether one peer of a policy in this namespace names the other end."""
    if peer.block is not None:
        return _covers(peer.block, other)
    pod = other.pod
    if pod is None:
        return Match.NO
    # Without a namespaceSelector, podSelector "selects particular Pods in the same namespace as the NetworkPolicy".
    is_there = pod.namespace == namespace if peer.namespaces is None else peer.namespaces.matches(labels(pod.namespace))
    # "a single to/from entry that specifies both namespaceSelector and podSelector selects particular Pods within
    # particular namespaces"
    return Match.YES if is_there and (peer.pods is None or peer.pods.matches(pod.labels)) else Match.NO


def _covers(block: IPBlock, other: Other) -> Match:
    if other.addresses is None:
        # "the 'source IP' that the NetworkPolicy acts on may be the IP of a LoadBalancer or of the Pod's node, etc."
        return Match.UNDEFINED if (block.cidr.version == 4) is (other.family is Family.IPV4) else Match.NO
    if any(block.holds(address) for address in other.addresses):
        # "These should be cluster-external IPs, since Pod IPs are ephemeral and unpredictable": whether a block that covers
        # a pod's or a node's address matches it is the plugin's affair.
        return Match.UNDEFINED if other.is_inside else Match.YES
    # Where an address is rewritten, "it is not defined whether this happens before or after NetworkPolicy processing".
    return Match.UNDEFINED if any(block.holds(address) for address in other.through) else Match.NO


def ports_match(rule: Rule, number: int, protocol: Protocol, serves: tuple[Port, ...]) -> bool:
    """Whether the rule's ports name this one; a port's name means what the destination's container calls so (`serves`)."""
    # API reference: if ports is "empty or missing, this rule matches all ports (traffic not restricted by port)".
    return not rule.ports or any(_port_matches(port, number, protocol, serves) for port in rule.ports)


def _port_matches(port: PolicyPort, number: int, protocol: Protocol, serves: tuple[Port, ...]) -> bool:
    if port.protocol is not protocol:
        return False
    if port.port is None:
        return True
    if isinstance(port.port, str):
        return any((each.name, each.number, each.protocol) == (port.port, number, protocol) for each in serves)
    # endPort: "the range includes both ends".
    return port.port <= number <= (port.port if port.end is None else port.end)


def other_of(place: Pod | OutsideHost, family: Family, *, reading: Reading, through: tuple[Address, ...] = ()) -> Other:
    """A pod or host as the policies of the other end see it.

    `reading` is the plugin's of pods in their node's network. `through`: the addresses of the door through which it is asked.
    """
    addresses = tuple([each for each in place.addresses if family_of(each) is family])
    if isinstance(place, OutsideHost):
        return Other((place.ref, ""), place.ref, family, None, addresses, is_inside=False)
    if not place.is_host_network:
        return Other((place.ref, str(through) if through else ""), place.ref, family, place, addresses, through)
    # "it ignores hostNetwork pods when matching podSelector and namespaceSelector. Traffic to/from hostNetwork pods is treated
    # the same as all other traffic to/from the node IP."
    pod = place if reading is Reading.APART else None
    return Other((place.ref, f"{through} {reading}"), place.ref, family, pod, addresses, through, is_node=True, node=place.node)

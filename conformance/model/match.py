"""Whether a rule names the other end of a connection, and its port."""

from __future__ import annotations

from enum import Enum

from conformance.world.place import Place, Pod, World
from conformance.world.policy import NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.question import Question
from conformance.world.verdict import Family


class Match(Enum):
    """UNDEFINED: the specification leaves it to the plugin."""

    NO = 0
    UNDEFINED = 1
    YES = 2


def peer_match(world: World, policy: NetworkPolicy, rule: Rule, other: Place, family: Family) -> tuple[Match, str]:
    """Whether the rule's peers name the other end over this family, and the words for what names it."""
    if not rule.peers:
        # API reference: an empty or missing from (to) "matches all sources (destinations), not restricted by source".
        return Match.YES, "everybody"
    found = [(_one(world, policy, peer, other, family), peer) for peer in rule.peers]
    # Entries of one list are alternatives: "OR".
    best = max((match for match, _ in found), key=lambda match: match.value)
    return best, ", ".join(_doubt(peer, other) if best is Match.UNDEFINED else str(peer) for match, peer in found if match is best)


def _one(world: World, policy: NetworkPolicy, peer: PolicyPeer, other: Place, family: Family) -> Match:
    if peer.block is not None:
        address = world.address(other.ref, family)
        if address is None or not peer.block.holds(address):
            return Match.NO
        # "These should be cluster-external IPs, since Pod IPs are ephemeral and unpredictable": whether a block that covers
        # a pod's or a node's address matches it is the plugin's affair.
        return Match.UNDEFINED if isinstance(other, Pod) else Match.YES
    if not isinstance(other, Pod):
        return Match.NO
    # Without a namespaceSelector, podSelector "selects particular Pods in the same namespace as the NetworkPolicy".
    is_there = (
        other.namespace == policy.namespace
        if peer.namespaces is None
        else peer.namespaces.matches(world.labels_of_namespace(other.namespace))
    )
    # "a single to/from entry that specifies both namespaceSelector and podSelector selects particular Pods within
    # particular namespaces"
    if not is_there or (peer.pods is not None and not peer.pods.matches(other.labels)):
        return Match.NO
    # A plugin may tell hostNetwork pods by their labels or, "the most common", see only their node's address.
    return Match.UNDEFINED if other.is_host_network else Match.YES


def _doubt(peer: PolicyPeer, other: Place) -> str:
    if peer.block is not None:
        return f"{peer}, which covers the address of {other.ref} in the cluster"
    return f"{peer}, though {other.ref} is in its node's network"


def port_matches(rule: Rule, question: Question, destination: Place) -> bool:
    """Whether the rule's ports name the question's; a port's name means what the destination's container calls so."""
    # API reference: if ports is "empty or missing, this rule matches all ports (traffic not restricted by port)".
    return not rule.ports or any(_port(port, question, destination) for port in rule.ports)


def _port(port: PolicyPort, question: Question, destination: Place) -> bool:
    if port.protocol is not question.protocol:
        return False
    if port.port is None:
        return True
    if isinstance(port.port, str):
        names = ((each.name, each.number, each.protocol) for each in destination.serves) if isinstance(destination, Pod) else ()
        return (port.port, question.port, question.protocol) in names
    # endPort: "the range includes both ends".
    return port.port <= question.port <= (port.port if port.end is None else port.end)

"""IPv6 and dual stack."""

from __future__ import annotations

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.nouns import Endpoint, Flow, Packet, Reply, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import IPBlock, NetworkPolicy, PolicyPeer
from conformance.world.verdict import AnswerKind, Direction, Family


@static()
class Ipv6NotEnforced(Plane):
    """IPv6 is let through, whatever policies say."""

    def passes(self, side: Side) -> bool:
        return side.flow.family is Family.IPV6 or super().passes(side)


@static()
class Ipv6PeersMissing(Plane):
    """Over IPv6 no selector of a peer matches anybody."""

    def peer_matches(self, policy: NetworkPolicy, peer: PolicyPeer, side: Side) -> bool:
        is_missing = side.flow.family is Family.IPV6 and peer.block is None
        return not is_missing and super().peer_matches(policy, peer, side)


@static()
class Ipv6RangesIgnored(Plane):
    """IPv6 ranges hold nobody."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        return block.cidr.version == 4 and super().block_holds(block, side)


@static()
class Ipv4RangesIgnoredBesideIpv6(Plane):
    """Where a policy has IPv6 ranges, its IPv4 ranges hold nobody."""

    def policy_admits(self, policy: NetworkPolicy, side: Side) -> bool:
        blocks = [peer.block for rule in policy.rules(side.direction) for peer in rule.peers if peer.block is not None]
        is_lost = side.flow.family is Family.IPV4 and {block.cidr.version for block in blocks} == {4, 6}
        return not is_lost and super().policy_admits(policy, side)


@static()
class RangesOfOneFamilyOpenTheOther(Plane):
    """A rule with ranges of one family alone admits everybody over the other."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        is_other = (block.cidr.version == 6) != (side.flow.family is Family.IPV6)
        return (is_other and self.is_alone(block, side)) or super().block_holds(block, side)

    def is_alone(self, block: IPBlock, side: Side) -> bool:
        """Whether no rule has ranges of the other family beside this one."""
        rules = [rule for policy in self.policies.values() for rule in policy.rules(side.direction)]
        mine = [[peer.block for peer in rule.peers if peer.block is not None] for rule in rules]
        return all({each.cidr.version for each in blocks} == {block.cidr.version} for blocks in mine if block in blocks)


@over_time(90)
class OnlyIpv6Refilled(Plane):
    """After a pod was created again under its name, only its IPv6 address is a peer."""

    def __init__(self, *arguments: object) -> None:
        self.names: set[tuple[str, str]] = set()
        super().__init__(*arguments)

    def own(self, pod: Endpoint) -> None:
        super().own(pod)
        if pod.key in self.names:
            for address in pod.addresses:
                if ":" not in address:
                    self.owners.pop(address, None)
        self.names.add(pod.key)


@over_time(92)
class NeighboursNotFound(Plane):
    """A policy drops neighbour discovery: over IPv6 an isolated pod reaches nobody with whom it had not talked before."""

    def is_let_through(self, flow: Flow) -> bool:
        is_strange = flow.family is Family.IPV6 and flow.destination.uid not in flow.source.contacts
        if is_strange and not flow.source.is_outside and not flow.destination.is_outside:
            ends = ((flow.source, Direction.EGRESS), (flow.destination, Direction.INGRESS))
            if any(self.can_be_isolated(pod) and self.isolating(pod, direction) for pod, direction in ends):
                return False
        return super().is_let_through(flow)

    def deliver(self, packet: Packet) -> Reply:
        reply = super().deliver(packet)
        if reply.kind is AnswerKind.CONNECTED and reply.uid is not None and ":" in packet.address:
            self.endpoints[packet.source].contacts.add(reply.uid)
            self.endpoints[reply.uid].contacts.add(packet.source)
        return reply

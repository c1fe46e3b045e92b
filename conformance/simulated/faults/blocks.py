"""ipBlock: excepts, ranges that overlap, ranges that cover the cluster."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import static
from conformance.simulated.nouns import Side, parsed
from conformance.simulated.plane import Plane
from conformance.world.policy import IPBlock, NetworkPolicy, PolicyPeer, Rule


def _blocks(rules: Sequence[Rule]) -> list[IPBlock]:
    return [peer.block for rule in rules for peer in rule.peers if peer.block is not None]


@static(35, 36, 37)
class ExceptCompiledAsDeny(Plane):
    """An except of one policy drops what another policy or rule admits."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        blocks = _blocks([rule for policy in policies for rule in policy.rules(side.direction)])
        is_denied = any(self.is_in(side.other_address, each) for block in blocks for each in block.excluded)
        return not is_denied and super().verdict(side, policies)


@static(38)
class ExceptsOfRuleShared(Plane):
    """The excepts of one range of a rule apply to all peers of that rule."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        is_out = any(self.is_in(side.other_address, each) for block in _blocks([rule]) for each in block.excluded)
        return not is_out and super().peers_match(policy, rule, side)


@static(38)
class ExceptsOfPolicyShared(Plane):
    """The excepts of all ranges of a policy are one list, which applies to all its rules."""

    def policy_admits(self, policy: NetworkPolicy, side: Side) -> bool:
        blocks = _blocks(policy.rules(side.direction))
        is_out = any(self.is_in(side.other_address, each) for block in blocks for each in block.excluded)
        return not is_out and super().policy_admits(policy, side)


@static()
class ExceptsIgnored(Plane):
    """Excepts have no effect."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        return self.is_in(side.other_address, block.cidr)


@static()
class FirstExceptOnly(Plane):
    """Only the first except of a range counts."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        return super().block_holds(IPBlock(block.cidr, block.excluded[:1]), side)


@static()
class ExceptsOfSecondRangeIgnored(Plane):
    """In a rule with several ranges only the excepts of the first one count."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        has_been, peers = set[int](), []
        for peer in rule.peers:
            version = peer.block.cidr.version if peer.block else 0
            peers.append(PolicyPeer(block=IPBlock(peer.block.cidr)) if peer.block and version in has_been else peer)
            has_been.add(version)
        return super().peers_match(policy, Rule(tuple(peers), rule.ports), side)


@static(40)
class LongestRangeOnly(Plane):
    """Of the ranges of a policy that hold an address only the longest counts, with the ports of its rule."""

    def policy_admits(self, policy: NetworkPolicy, side: Side) -> bool:
        rules = policy.rules(side.direction)
        longest = max((block.cidr.prefixlen for block in _blocks(rules) if self.is_in(side.other_address, block.cidr)), default=0)
        kept = []
        for rule in rules:
            peers = tuple(peer for peer in rule.peers if peer.block is None or peer.block.cidr.prefixlen >= longest)
            if peers or not rule.peers:
                kept.append(Rule(peers, rule.ports))
        return any(self.rule_admits(policy, rule, side) for rule in kept)


@static(42)
class RangeOverPodsDropped(Plane):
    """A range that covers the addresses of pods is left out, for hosts outside the cluster too."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        covers = any(self.is_in(address, block.cidr) for address in self.owners)
        return not covers and super().block_holds(block, side)


@static(89)
class RangeOverNodesDropped(Plane):
    """A range that covers the address of a node is left out, for hosts outside the cluster too."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        covers = any(self.is_in(address, block.cidr) for node in self.nodes.values() for address in node.addresses)
        return not covers and super().block_holds(block, side)


@static()
class SingleAddressIgnored(Plane):
    """A range of one address holds nobody."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        return block.cidr.num_addresses > 1 and super().block_holds(block, side)


@static()
class WholeRangeIgnored(Plane):
    """The range of all addresses, 0.0.0.0/0 or ::/0, holds nobody."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        return block.cidr.prefixlen > 0 and super().block_holds(block, side)


@static()
class RangesRoundedUp(Plane):
    """Ranges are made as wide as the next whole byte of their prefix."""

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        cidr = block.cidr
        wide = cidr.supernet(new_prefix=cidr.prefixlen // 8 * 8)
        return parsed(side.other_address) in wide and not any(self.is_in(side.other_address, each) for each in block.excluded)


@static()
class LastRangeOnly(Plane):
    """Of the ranges of a rule only the last one of each family counts."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        last = {peer.block.cidr.version: peer for peer in rule.peers if peer.block is not None}
        kept = tuple(peer for peer in rule.peers if peer.block is None or last[peer.block.cidr.version] is peer)
        return super().peers_match(policy, Rule(kept, rule.ports), side)

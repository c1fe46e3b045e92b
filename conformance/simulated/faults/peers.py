"""Peers of mixed kinds, empty sets, and filters that get lost."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.simulated.faults.fault import over_time, static
from conformance.simulated.nouns import Endpoint, PodSpec, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy, PolicyPeer, Rule
from conformance.world.verdict import Direction


@static(23)
class MixedPeersAnded(Plane):
    """Peers of several kinds in one rule have to match all together."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        kinds = {(peer.block is None, peer.namespaces is None) for peer in rule.peers}
        if len(kinds) < 2:
            return super().peers_match(policy, rule, side)
        return all(self.peer_matches(policy, peer, side) for peer in rule.peers)


@static(24)
class BlockWithPortsLosesSource(Plane):
    """A rule of ranges with ports admits everybody on these ports."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        is_lost = rule.ports and any(peer.block is not None for peer in rule.peers)
        return bool(is_lost) or super().peers_match(policy, rule, side)


@static(25)
class NamespacePeerLostBesidePodPeer(Plane):
    """Beside a peer with a podSelector alone, peers with a namespaceSelector are lost."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        plain = tuple(peer for peer in rule.peers if peer.namespaces is None and peer.block is None)
        kept = tuple(peer for peer in rule.peers if peer.namespaces is None)
        return super().peers_match(policy, Rule(kept, rule.ports) if plain else rule, side)


@static()
class SelectorsOfPeerOred(Plane):
    """A peer with both selectors admits pods that match either of them."""

    def peer_matches(self, policy: NetworkPolicy, peer: PolicyPeer, side: Side) -> bool:
        other = side.other
        if peer.namespaces is None or peer.pods is None or other is None:
            return super().peer_matches(policy, peer, side)
        is_namesake = other.namespace == policy.namespace and self.is_pod_meant(peer, other)
        return self.is_in_namespaces(policy, peer, other) or is_namesake


@static()
class PodSelectorIgnoredBesideNamespaces(Plane):
    """Of a peer with both selectors only the namespaceSelector counts."""

    def is_pod_meant(self, peer: PolicyPeer, other: Endpoint) -> bool:
        return peer.namespaces is not None or super().is_pod_meant(peer, other)


@static()
class NamespaceSelectorIgnoredBesidePods(Plane):
    """Of a peer with both selectors only the podSelector counts, in every namespace."""

    def is_in_namespaces(self, policy: NetworkPolicy, peer: PolicyPeer, other: Endpoint) -> bool:
        return (peer.namespaces is not None and peer.pods is not None) or super().is_in_namespaces(policy, peer, other)


@static()
class FirstPeerOnly(Plane):
    """Only the first peer of a rule counts."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return super().peers_match(policy, Rule(rule.peers[:1], rule.ports), side)


@static()
class SixteenPeersOnly(Plane):
    """Only the first 16 peers of a rule count."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return super().peers_match(policy, Rule(rule.peers[:16], rule.ports), side)


@static(81)
class BlockPeerAdmitsAnybody(Plane):
    """A range as the only kind of peer of an ingress rule leaves an unrestricted accept."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        is_unknown = rule.peers and all(peer.block is not None for peer in rule.peers) and side.direction is Direction.INGRESS
        return bool(is_unknown) or super().peers_match(policy, rule, side)


@static()
class PeersThatNameNobodyAdmitAnybody(Plane):
    """A rule whose selectors match no pod at all admits everybody."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        is_plain = bool(rule.peers) and all(peer.block is None for peer in rule.peers)
        return (is_plain and not self.members(policy, rule)) or super().peers_match(policy, rule, side)

    def members(self, policy: NetworkPolicy, rule: Rule) -> set[int]:
        """The pods that a rule's selectors match."""
        pods = [pod for pod in self.endpoints.values() if not pod.is_outside and not pod.is_host_network]
        return {
            pod.uid
            for pod in pods
            if any(self.is_in_namespaces(policy, peer, pod) and self.is_pod_meant(peer, pod) for peer in rule.peers if peer.block is None)
        }


@over_time(78)
class LastPeerGoneDropsFilter(PeersThatNameNobodyAdmitAnybody):
    """When the last pod that a rule names goes away or loses its label, the rule admits everybody."""

    def __init__(self, *arguments: object) -> None:
        self.had_members: set[tuple[NetworkPolicy, Rule]] = set()
        super().__init__(*arguments)

    def changed(self) -> None:
        super().changed()
        for policy in self.policies.values():
            for rule in (*policy.ingress, *policy.egress):
                if rule.peers and super().members(policy, rule):
                    self.had_members.add((policy, rule))

    def members(self, policy: NetworkPolicy, rule: Rule) -> set[int]:
        found = super().members(policy, rule)
        return found or (set() if (policy, rule) in self.had_members else {0})


@over_time()
class LaterPodsAreNoPeers(Plane):
    """Pods that start after a policy was created are no peers of it until it changes."""

    def __init__(self, *arguments: object) -> None:
        self.known: dict[NetworkPolicy, frozenset[int]] = {}
        super().__init__(*arguments)

    def policy_applied(self, document: Mapping[str, object]) -> None:
        policy = self.compiled(document)
        self.known[policy] = frozenset(self.endpoints)
        super().policy_applied(document)

    def peer_matches(self, policy: NetworkPolicy, peer: PolicyPeer, side: Side) -> bool:
        is_late = side.other is not None and side.other.uid not in self.known.get(policy, frozenset(self.endpoints))
        return not (is_late and peer.block is None) and super().peer_matches(policy, peer, side)


@over_time(6)
class PendingPodFreezesPeers(Plane):
    """While a pod without an address waits to be scheduled, pods that start are not added to the peers of policies."""

    def __init__(self, *arguments: object) -> None:
        self.pending: dict[int, float] = {}
        super().__init__(*arguments)

    def pod_pending(self, spec: PodSpec) -> None:
        self.pending[spec.uid] = self.clock.now()
        super().pod_pending(spec)

    def pod_deleted(self, spec: PodSpec) -> None:
        self.pending.pop(spec.uid, None)
        super().pod_deleted(spec)

    def own(self, pod: Endpoint) -> None:
        self.pending.pop(pod.uid, None)
        if all(self.clock.now() - since < 0.35 for since in self.pending.values()):
            super().own(pod)


@static()
class BlocksIgnoredBesideSelectors(Plane):
    """Beside peers with selectors, ranges are lost."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        kept = tuple(peer for peer in rule.peers if peer.block is None)
        return super().peers_match(policy, Rule(kept, rule.ports) if kept else rule, side)

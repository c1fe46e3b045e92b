"""Restarts of the plugin's agents and of nodes."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import over_time
from conformance.simulated.knowledge import Document
from conformance.simulated.nouns import Endpoint, Flow, Packet, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy, Rule
from conformance.world.verdict import AnswerKind, Direction, Protocol


class _Restarting(Plane):
    """Something is so for a moment after the agents were restarted."""

    LENGTH = 0.7

    def __init__(self, *arguments: object) -> None:
        self.until = -1.0
        super().__init__(*arguments)

    @property
    def is_new(self) -> bool:
        """Whether the moment is not over."""
        return self.clock.now() < self.until

    def plugin_restarted(self) -> None:
        self.until = self.clock.now() + self.LENGTH
        self.later(self.LENGTH, lambda: None)
        super().plugin_restarted()


@over_time(95)
class GapAtRestart(_Restarting):
    """For 0.7 s after a restart of the agents, what policies admit is denied, open connections included."""

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        return not self.is_new and super().verdict(side, policies)


@over_time()
class LeakAtRestart(_Restarting):
    """For 0.7 s after a restart of the agents nothing is enforced."""

    def passes(self, side: Side) -> bool:
        return self.is_new or super().passes(side)


@over_time(96)
class PeersEmptyAtRestart(_Restarting):
    """The sets of peers are emptied at a restart of the agents, and filled again 0.7 s later."""

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return not (rule.peers and self.is_new) and super().peers_match(policy, rule, side)


@over_time()
class PoliciesForgottenAtRestart(Plane):
    """After a restart of the agents the policies that were there are not enforced until they change."""

    def plugin_restarted(self) -> None:
        self.policies.clear()
        super().plugin_restarted()


@over_time()
class ConnectionsCutAtRestart(Plane):
    """A restart of the agents cuts the open connections."""

    def __init__(self, *arguments: object) -> None:
        self.last = -1.0
        super().__init__(*arguments)

    def plugin_restarted(self) -> None:
        self.last = self.clock.now()
        super().plugin_restarted()

    def carry(self, packet: Packet, opened: float, uid: int) -> AnswerKind:
        is_cut = packet.protocol is Protocol.TCP and opened < self.last
        return AnswerKind.TIMED_OUT if is_cut else super().carry(packet, opened, uid)


@over_time(55)
class RestartedNodeCutOff(Plane):
    """After a restart of a node its pods and those of other nodes do not reach each other."""

    def __init__(self, *arguments: object) -> None:
        self.lost: set[str] = set()
        super().__init__(*arguments)

    def node_restarted(self, node: str) -> None:
        self.lost.add(node)
        super().node_restarted(node)

    def is_carried(self, flow: Flow) -> bool:
        ends = {flow.source.node, flow.destination.node}
        return not (len(ends) > 1 and ends & self.lost) and super().is_carried(flow)


@over_time()
class RestartedNodeForgetsPolicies(Plane):
    """On a node that was restarted the policies that were there before are not enforced until they change."""

    def __init__(self, *arguments: object) -> None:
        self.forgotten: set[tuple[str, NetworkPolicy]] = set()
        super().__init__(*arguments)

    def node_restarted(self, node: str) -> None:
        self.forgotten.update((node, policy) for policy in self.policies.values())
        super().node_restarted(node)

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        return [policy for policy in super().isolating(subject, direction) if (subject.node, policy) not in self.forgotten]


@over_time()
class ManyChangesLoseOne(Plane):
    """After a hundred changes of policies the plugin hears of no more of them."""

    def __init__(self, *arguments: object) -> None:
        self.count = 0
        super().__init__(*arguments)

    def policy_applied(self, document: Document) -> None:
        self.count += 1
        if self.count <= 100:
            super().policy_applied(document)

    def policy_deleted(self, namespace: str, name: str) -> None:
        self.count += 1
        if self.count <= 100:
            super().policy_deleted(namespace, name)

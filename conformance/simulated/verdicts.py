"""Who isolates whom, and what a policy admits: the sentences of the specification, one small method each.

Written for the test bench alone, so that an error of the suite's model is not repeated here. Static faults override these methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.simulated.knowledge import Knowledge
from conformance.simulated.nouns import Endpoint, Flow, Side, parsed
from conformance.world.labels import Labels, Requirement, Selector
from conformance.world.place import LEGACY_ANNOTATION
from conformance.world.policy import IPBlock, Network, NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.verdict import Direction, Protocol

NOTHING: Mapping[str, str] = {}


class Verdicts(Knowledge):
    """What the plugin lets pass."""

    # --- an end of a flow ---

    def isolating(self, subject: Endpoint, direction: Direction) -> Sequence[NetworkPolicy]:
        """The policies that isolate a pod in a direction."""
        return [policy for policy in self.policies.values() if direction in policy.types and self.selects(policy, subject)]

    def is_isolated_by_annotation(self, subject: Endpoint, direction: Direction) -> bool:
        """Whether the annotation of the time before networking.k8s.io/v1 isolates it."""
        if direction is Direction.EGRESS:
            return False
        return "DefaultDeny" in self.annotations.get(subject.namespace, NOTHING).get(LEGACY_ANNOTATION, "")

    def can_be_isolated(self, subject: Endpoint) -> bool:
        """Whether policies are enforced on it: pods in the node's network are left alone, as most plugins do."""
        return not subject.is_outside and not subject.is_host_network

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        """Whether a policy speaks of a pod."""
        return policy.namespace == subject.namespace and self.selector_matches(policy.subjects, self.subject_labels(subject))

    def passes(self, side: Side) -> bool:
        """Whether one end lets a flow pass."""
        if not self.can_be_isolated(side.subject):
            return True
        key = side.subject.uid, side.direction
        policies = self.isolated.get(key)
        if policies is None:
            policies = self.isolated[key] = self.isolating(side.subject, side.direction)
        if not policies and not self.is_isolated_by_annotation(side.subject, side.direction):
            return True
        return self.is_exempt(side) or self.verdict(side, policies)

    def is_exempt(self, side: Side) -> bool:
        """What comes from a pod's own node is let in, whatever policies say."""
        own = self.nodes[side.subject.node].addresses
        return side.direction is Direction.INGRESS and side.other_address in own

    def verdict(self, side: Side, policies: Sequence[NetworkPolicy]) -> bool:
        """What the policies that isolate a pod say together: any rule of any of them."""
        return any(self.policy_admits(policy, side) for policy in policies)

    def policy_admits(self, policy: NetworkPolicy, side: Side) -> bool:
        """Whether any rule of a policy admits it."""
        return any(self.rule_admits(policy, rule, side) for rule in self.rules(policy, side.direction))

    def rules(self, policy: NetworkPolicy, direction: Direction) -> Sequence[Rule]:
        """The rules of a policy in a direction."""
        return policy.rules(direction)

    def rule_admits(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        """Whether a rule names the other end and the port."""
        return self.peers_match(policy, rule, side) and self.ports_match(rule, side)

    # --- peers ---

    def peers_match(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        """Whether any peer of a rule names the other end; a rule without peers names everybody."""
        return not rule.peers or any(self.peer_matches(policy, peer, side) for peer in rule.peers)

    def peer_matches(self, policy: NetworkPolicy, peer: PolicyPeer, side: Side) -> bool:
        """Whether one peer names the other end."""
        if peer.block is not None:
            return self.block_holds(peer.block, side)
        other = side.other
        return other is not None and self.is_in_namespaces(policy, peer, other) and self.is_pod_meant(peer, other)

    def is_in_namespaces(self, policy: NetworkPolicy, peer: PolicyPeer, other: Endpoint) -> bool:
        """Whether a pod is in the namespaces that a peer means."""
        if peer.namespaces is None:
            return other.namespace == policy.namespace
        return self.selector_matches(peer.namespaces, self.namespace_labels(other))

    def is_pod_meant(self, peer: PolicyPeer, other: Endpoint) -> bool:
        """Whether a pod has the labels that a peer means."""
        return peer.pods is None or self.selector_matches(peer.pods, self.peer_labels(other))

    def block_holds(self, block: IPBlock, side: Side) -> bool:
        """Whether a range holds the other end's address, and none of its excepts does."""
        return self.is_in(side.other_address, block.cidr) and not any(self.is_in(side.other_address, each) for each in block.excluded)

    def is_in(self, address: str, network: Network) -> bool:
        """Whether an address is in a range."""
        return parsed(address) in network

    # --- ports ---

    def ports_match(self, rule: Rule, side: Side) -> bool:
        """Whether any port of a rule names the flow's; a rule without ports names all."""
        return not rule.ports or any(self.port_matches(port, rule, side) for port in rule.ports)

    def port_matches(self, port: PolicyPort, rule: Rule, side: Side) -> bool:  # noqa: ARG002 - faults look at the rule
        """Whether one entry names the flow's protocol and port."""
        return self.protocol_matches(port, side.flow) and self.number_matches(port, side)

    def protocol_matches(self, port: PolicyPort, flow: Flow) -> bool:
        """Whether the protocols are the same."""
        return port.protocol is flow.protocol

    def number_matches(self, port: PolicyPort, side: Side) -> bool:
        """Whether an entry names the flow's port: by number, range, name, or not at all."""
        if port.port is None:
            return True
        if isinstance(port.port, str):
            return side.flow.port in self.numbers_of(port.port, port.protocol, side)
        return self.is_in_range(port.port, port.port if port.end is None else port.end, side.flow.port)

    def is_in_range(self, first: int, last: int, port: int) -> bool:
        """Whether a port is in a range; both ends belong to it."""
        return first <= port <= last

    def numbers_of(self, name: str, protocol: Protocol, side: Side) -> Sequence[int]:
        """What the destination's containers call so. A pod in its node's network is no pod to this plugin, but its node."""
        destination = side.flow.destination
        ports = () if destination.is_host_network else destination.ports
        return [port.number for port in ports if port.name == name and port.protocol is protocol]

    # --- labels ---

    def subject_labels(self, pod: Endpoint) -> Labels:
        """A pod's labels, where it is the subject of a policy."""
        return pod.labels

    def peer_labels(self, pod: Endpoint) -> Labels:
        """A pod's labels, where it is a peer."""
        return pod.labels

    def namespace_labels(self, pod: Endpoint) -> Labels:
        """The labels of a pod's namespace."""
        return self.namespaces.get(pod.namespace, NOTHING)

    def selector_matches(self, selector: Selector, labels: Labels) -> bool:
        """Whether all requirements hold."""
        return all(self.requirement_holds(each, labels) for each in selector.requirements)

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        """Whether one requirement holds; NotIn and DoesNotExist hold without the key."""
        value = labels.get(requirement.key)
        match requirement.operator:
            case "In":
                return value is not None and value in requirement.values
            case "NotIn":
                return value is None or value not in requirement.values
            case "Exists":
                return value is not None
            case _:
                return value is None

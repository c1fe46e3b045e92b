"""Named ports, ranges, protocols, many ports."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.simulated.faults.fault import static
from conformance.simulated.nouns import Flow, Side
from conformance.simulated.plane import Plane
from conformance.world.policy import NetworkPolicy, PolicyPort, Rule
from conformance.world.verdict import Direction, Protocol


@static(10)
class NamedPortHasOneNumber(Plane):
    """A named port in an egress rule means the number that the first pod with that name has, on every pod."""

    def numbers_of(self, name: str, protocol: Protocol, side: Side) -> Sequence[int]:
        if side.direction is Direction.INGRESS:
            return super().numbers_of(name, protocol, side)
        every = [port.number for pod in self.endpoints.values() for port in pod.ports if (port.name, port.protocol) == (name, protocol)]
        return every[:1]


@static(11)
class NamedPortHasAllNumbers(Plane):
    """A named port means every number that any pod has for that name."""

    def numbers_of(self, name: str, protocol: Protocol, side: Side) -> Sequence[int]:
        return [port.number for pod in self.endpoints.values() for port in pod.ports if (port.name, port.protocol) == (name, protocol)]


@static(12)
class EgressNamedPortOpensAll(Plane):
    """An egress rule with a named port opens all ports."""

    def number_matches(self, port: PolicyPort, side: Side) -> bool:
        return (side.direction is Direction.EGRESS and isinstance(port.port, str)) or super().number_matches(port, side)


@static(13)
class IngressNamedPortOpensAll(Plane):
    """An ingress rule with a named port opens all ports."""

    def number_matches(self, port: PolicyPort, side: Side) -> bool:
        return (side.direction is Direction.INGRESS and isinstance(port.port, str)) or super().number_matches(port, side)


@static(14)
class EgressNamedPortNeedsPeers(Plane):
    """A named port in an egress rule without peers is left out."""

    def port_matches(self, port: PolicyPort, rule: Rule, side: Side) -> bool:
        is_lost = side.direction is Direction.EGRESS and isinstance(port.port, str) and not rule.peers
        return not is_lost and super().port_matches(port, rule, side)


@static()
class NamedPortIsTheAskers(Plane):
    """A named port in an egress rule is looked up on the pod that asks."""

    def numbers_of(self, name: str, protocol: Protocol, side: Side) -> Sequence[int]:
        ports = side.subject.ports
        return [port.number for port in ports if port.name == name and port.protocol is protocol]


@static()
class NamedPortIgnoresProtocol(Plane):
    """A named port opens its number for a protocol under which no container has that name."""

    def numbers_of(self, name: str, protocol: Protocol, side: Side) -> Sequence[int]:
        return [port.number for port in side.flow.destination.ports if port.name == name]


@static()
class UnknownNamedPortOpensAll(Plane):
    """A named port that the destination does not have opens all its ports."""

    def number_matches(self, port: PolicyPort, side: Side) -> bool:
        is_unknown = isinstance(port.port, str) and not self.numbers_of(port.port, port.protocol, side)
        return is_unknown or super().number_matches(port, side)


@static(15)
class EndPortIgnored(Plane):
    """Of a range of ports only the first one is opened."""

    def is_in_range(self, first: int, last: int, port: int) -> bool:
        return port == first


@static()
class RangeEndExclusive(Plane):
    """The last port of a range is not opened."""

    def is_in_range(self, first: int, last: int, port: int) -> bool:
        return port == first or first <= port < last


@static()
class RangeOpensBelow(Plane):
    """A range of ports also opens all ports below its first one."""

    def is_in_range(self, first: int, last: int, port: int) -> bool:
        return port <= last if first != last else port == first


@static(16)
class EmptyPortEntryLost(Plane):
    """An entry of ports without a number is lost beside one with a number."""

    def ports_match(self, rule: Rule, side: Side) -> bool:
        numbered = tuple(port for port in rule.ports if port.port is not None)
        return super().ports_match(Rule(rule.peers, numbered or rule.ports), side)


@static(17)
class ProtocolAloneOpensAll(Plane):
    """An entry of ports with a protocol and no number opens all protocols."""

    def protocol_matches(self, port: PolicyPort, flow: Flow) -> bool:
        return port.port is None or super().protocol_matches(port, flow)


@static()
class ProtocolAloneOpensNothing(Plane):
    """An entry of ports with a protocol other than TCP and no number opens nothing."""

    def number_matches(self, port: PolicyPort, side: Side) -> bool:
        return not (port.port is None and port.protocol is not Protocol.TCP) and super().number_matches(port, side)


@static()
class UdpTreatedAsTcp(Plane):
    """A rule for a UDP port opens the TCP port of that number, and a rule for a TCP port the UDP port."""

    def protocol_matches(self, port: PolicyPort, flow: Flow) -> bool:
        return {port.protocol, flow.protocol} <= {Protocol.TCP, Protocol.UDP} or super().protocol_matches(port, flow)


@static()
class UdpNotEnforced(Plane):
    """UDP is let through, whatever policies say."""

    def passes(self, side: Side) -> bool:
        return side.flow.protocol is Protocol.UDP or super().passes(side)


@static()
class SctpNotEnforced(Plane):
    """SCTP is let through, whatever policies say."""

    def passes(self, side: Side) -> bool:
        return side.flow.protocol is Protocol.SCTP or super().passes(side)


@static(93)
class SctpRulesDropped(Plane):
    """Ports of rules that are for SCTP are left out."""

    def protocol_matches(self, port: PolicyPort, flow: Flow) -> bool:
        return port.protocol is not Protocol.SCTP and super().protocol_matches(port, flow)


@static()
class FirstPortOnly(Plane):
    """Only the first entry of a rule's ports counts."""

    def ports_match(self, rule: Rule, side: Side) -> bool:
        return super().ports_match(Rule(rule.peers, rule.ports[:1]), side)


@static()
class SixteenPortsOnly(Plane):
    """Only the first 16 entries of a rule's ports count."""

    def ports_match(self, rule: Rule, side: Side) -> bool:
        return super().ports_match(Rule(rule.peers, rule.ports[:16]), side)


@static()
class PortsOfEgressIgnored(Plane):
    """Egress rules admit their peers on every port."""

    def ports_match(self, rule: Rule, side: Side) -> bool:
        return side.direction is Direction.EGRESS or super().ports_match(rule, side)


@static()
class ManyPortsOpenAll(Plane):
    """A policy with more than 40 entries of ports in a rule opens all ports there."""

    def rule_admits(self, policy: NetworkPolicy, rule: Rule, side: Side) -> bool:
        return super().rule_admits(policy, Rule(rule.peers, rule.ports if len(rule.ports) <= 40 else ()), side)

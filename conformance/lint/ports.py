"""Rules about ports: those that nobody serves, names that mean two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.lint.near import near
from conformance.lint.scene import Clause, Spot, Subject, clauses_of
from conformance.manifests.inventory import Workload
from conformance.model.match import ports_match
from conformance.world.policy import PolicyPort, Rule
from conformance.world.verdict import Direction


def port_nobody_serves(subject: Subject) -> Iterator[Spot]:
    """A port that none of those declares at whom it is asked: the subjects (ingress), or the peers (egress).

    A container may serve what it does not declare, so nothing is said where one of them declares no port at all.
    """
    for clause in clauses_of(subject.policy):
        there = _asked(subject, clause)
        if not clause.does_count or not there or not all(each.ports for each in there):
            continue
        for number, port in enumerate(clause.rule.ports):
            if not any(_serves(each, port) for each in there):
                yield Spot((*clause.port(number), "port"), _sentence(subject, port, there))


def port_name_twice(subject: Subject) -> Iterator[Spot]:
    """A named port that is two ports of one pod: the API takes a name in two containers, and says nowhere which of them is meant."""
    for clause in clauses_of(subject.policy):
        named = [(number, port) for number, port in enumerate(clause.rule.ports) if isinstance(port.port, str)]
        for number, port in named if clause.does_count else ():
            for each in _asked(subject, clause):
                same = [own.number for own in each.ports if (own.name, own.protocol) == (port.port, port.protocol)]
                if len(same) > 1:
                    told = " and ".join(f"{own}/{port.protocol}" for own in sorted(same))
                    text = f"{port.port} is {told} of {each.ref}: which of them is meant is left to the plugin"
                    yield Spot((*clause.port(number), "port"), text)
                    break


def _asked(subject: Subject, clause: Clause) -> tuple[Workload, ...]:
    """Those at whom a rule's ports are asked; none where they are not all known."""
    scene, policy = subject.scene, subject.policy
    if clause.direction is Direction.INGRESS:
        return scene.subjects(policy)
    found: dict[str, Workload] = {}
    for peer in clause.rule.peers:
        named = None if peer.block is not None else scene.named_by(policy, peer)
        if named is None:
            return ()
        found |= {each.ref: each for each in named}
    return tuple(found.values())


def _serves(workload: Workload, port: PolicyPort) -> bool:
    rule = Rule(ports=(port,))
    return any(ports_match(rule, each.number, each.protocol, workload.ports) for each in workload.ports)


def _sentence(subject: Subject, port: PolicyPort, there: Sequence[Workload]) -> str:
    who = there[0].ref if len(there) == 1 else f"none of {', '.join(each.ref for each in there[:3])}{' and others' if there[3:] else ''}"
    has = sorted({str(each) for workload in there for each in workload.ports})
    told = ", ".join(has[:6]) + (f" and {len(has) - 6} more" if has[6:] else "")
    hint = _hint(subject, port, there)
    verb = "has no" if len(there) == 1 else "has a"
    return f"{who} {verb} port {port} (declared: {told}){f': {hint}' if hint else ''}"


def _hint(subject: Subject, port: PolicyPort, there: Sequence[Workload]) -> str:
    """What is probably the matter: a Service's port, another protocol, a slip in a name."""
    served = [each for workload in there for each in workload.ports]
    if isinstance(port.port, str):
        other = near(port.port, {each.name for each in served if each.name})
        return f"is {other} meant?" if other else ""
    if any(each.number == port.port for each in served):
        return f"{port.port} is served by another protocol"
    for service in subject.scene.inventory.services:
        targets = [str(each.target) for each in service.ports if each.number == port.port]
        if targets and any(service.is_for(each) for each in there):
            return f"{port.port} is the port of Service {service.ref}; policies see the port of the pods, {targets[0]}"
    return ""

"""Rules that need nothing but the policy: what it says is not what it looks like."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.lint.scene import Clause, Spot, Subject, clauses_of
from conformance.manifests.inventory import PolicyObject
from conformance.manifests.parts import at
from conformance.scenario.source import repeated
from conformance.world.policy import PolicyPeer
from conformance.world.verdict import Direction


def types_contradict(subject: Subject) -> Iterator[Spot]:
    """Rules of a direction that policyTypes does not name."""
    policy = subject.policy
    for direction, rules in ((Direction.INGRESS, policy.ingress), (Direction.EGRESS, policy.egress)):
        if rules and direction not in policy.types:
            kind = str(direction).capitalize()
            text = f"these {direction} rules never count: policyTypes does not name {kind}"
            yield Spot(("spec", str(direction)), text, at_key=True)


def types_left_out(subject: Subject) -> Iterator[Spot]:
    """Without policyTypes a policy isolates for ingress, and for egress only where it has egress rules."""
    source, policy = subject.object.source, subject.policy
    if at(source, "spec", "policyTypes") or not isinstance(at(source, "spec", "egress"), list):
        return
    if not policy.egress:
        text = "egress: [] without policyTypes isolates nobody for egress: name Egress in policyTypes"
        yield Spot(("spec", "egress"), text, at_key=True)
    elif at(source, "spec", "ingress") is None:
        text = (
            "without policyTypes this policy isolates for ingress, too, and admits nobody: policyTypes: [Egress] would leave ingress alone"
        )
        yield Spot(("spec", "egress"), text, at_key=True)


def or_instead_of_and(subject: Subject) -> Iterator[Spot]:
    """An entry with podSelector alone beside one with namespaceSelector alone."""
    for clause in clauses_of(subject.policy):
        pair = split_pair(clause)
        if pair:
            pods, spaces = (clause.rule.peers[number] for number in pair)
            if _is_either_meant(subject, pods, spaces):
                continue
            text = (
                f"two entries mean either: {pods} of {subject.policy.namespace}, or {spaces}; "
                "pods with these labels in those namespaces are one entry with both selectors (no hyphen before the second)"
            )
            yield Spot(clause.peer(max(pair)), text)


def _is_either_meant(subject: Subject, pods: PolicyPeer, spaces: PolicyPeer) -> bool:
    """Whether pods with these labels are in the own namespace, and none in those namespaces, of which all is known."""
    scene, both = subject.scene, PolicyPeer(pods.pods, spaces.namespaces)
    scope = scene.scope(subject.policy, both)
    is_known = bool(scope) and all(map(scene.is_known, scope or ()))
    return is_known and bool(scene.named_by(subject.policy, pods)) and not scene.named_by(subject.policy, both)


def split_pair(clause: Clause) -> tuple[int, ...]:
    """The numbers of the first peer with podSelector alone and of the first with namespaceSelector alone; empty without both."""
    every = list(enumerate(clause.rule.peers))
    pods = [number for number, peer in every if peer.namespaces is None and peer.pods is not None and peer.pods.requirements]
    spaces = [number for number, peer in every if peer.pods is None and peer.namespaces is not None]
    return (pods[0], spaces[0]) if pods and spaces else ()


def empty_peers(subject: Subject) -> Iterator[Spot]:
    """`from: []`."""
    yield from _empty(subject, peers=True)


def empty_ports(subject: Subject) -> Iterator[Spot]:
    """`ports: []`."""
    yield from _empty(subject, peers=False)


def _empty(subject: Subject, *, peers: bool) -> Iterator[Spot]:
    for clause in clauses_of(subject.policy):
        word, means = (clause.word, "everybody, not nobody") if peers else ("ports", "all ports, not none")
        rule = at(subject.object.source, *clause.keys)
        if isinstance(rule, dict) and word in rule and not rule[word]:
            hint = f"leave {word} out to say so" if rule[word] is not None else "is something missing behind it?"
            yield Spot((*clause.keys, word), f"an empty {word} means {means}: {hint}", at_key=True)


def key_twice(policy: PolicyObject) -> Iterator[Spot]:
    """A key that stands twice in one mapping: only the last one counts."""
    for keys, again in repeated(policy.source.root):
        text = f"{keys[-1]} stands again in line {again.start_mark.line + 1}, and only the last one counts: this one is gone"
        yield Spot(keys, text, at_key=True)


def name_twice(subject: Subject) -> Iterator[Spot]:
    """Two policies of one namespace and name: whichever is applied last counts."""
    mine = subject.object
    first = next(each for each in subject.scene.inventory.policies if each.ref == mine.ref)
    if first is not mine:
        yield Spot(("metadata", "name"), f"{mine.ref} stands at {first.where}, too: the one that is applied last counts")

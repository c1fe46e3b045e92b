"""The verdict of every question, and who decided it.

Quotes are from the Kubernetes documentation of NetworkPolicy (concepts, services-networking, network-policies).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.model.match import Match, peer_match, port_matches
from conformance.world.expectation import Expectation, Reason
from conformance.world.place import LEGACY_ANNOTATION, OutsideHost, Place, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.question import Question
from conformance.world.verdict import Direction, Protocol, Verdict


@dataclass(frozen=True, slots=True)
class _Side:
    """What one end of a connection says of it."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


def expected(world: World, policies: Iterable[NetworkPolicy], questions: Iterable[Question]) -> dict[Question, Expectation]:
    """What must become of each question, in their order; reasons name policies by the references of the world.

    Policies are as the cluster has them: with the real names of namespaces. Raises KeyError where a question speaks of a
    place that is not in the world.
    """
    oracle = _Oracle(world, tuple(policies))
    return {question: oracle.decide(question) for question in questions}


class _Oracle:
    def __init__(self, world: World, policies: tuple[NetworkPolicy, ...]) -> None:
        self.world, self.policies = world, policies
        self.word_of = {namespace.name: namespace.ref for namespace in world.namespaces.values()}
        self.isolating_of = {
            (pod.ref, direction): tuple(self._isolating(pod, direction)) for pod in world.pods.values() for direction in Direction
        }

    def _isolating(self, pod: Pod, direction: Direction) -> Iterator[NetworkPolicy]:
        # "A pod is isolated for egress if there is any NetworkPolicy that both selects the pod and has "Egress" in its
        # policyTypes"; the same for ingress. A policy selects pods of its own namespace.
        for policy in self.policies:
            if policy.namespace == pod.namespace and direction in policy.types and policy.subjects.matches(pod.labels):
                yield policy

    def decide(self, question: Question) -> Expectation:
        source, destination = self.world.place(question.source), self.world.place(question.destination)
        # "both the egress policy on the source pod and the ingress policy on the destination pod need to allow the
        # connection. If either side does not allow the connection, it will not happen."
        sides = (
            self.side(question, source, destination, Direction.EGRESS),
            self.side(question, destination, source, Direction.INGRESS),
        )
        verdicts = {side.verdict for side in sides}
        verdict = next(each for each in (Verdict.BLOCKED, Verdict.OPEN, Verdict.ALLOWED) if each in verdicts)
        reasons = tuple(reason for side in sides if verdict in (Verdict.ALLOWED, side.verdict) for reason in side.reasons)
        because = "; ".join(reason.text for reason in reasons) if verdict is Verdict.OPEN else ""
        return Expectation(verdict, reasons, because)

    def side(self, question: Question, subject: Place, other: Place, direction: Direction) -> _Side:
        """What the policies of one end, the subject, say of its connection with the other end."""
        if isinstance(subject, OutsideHost):
            return _Side(Verdict.ALLOWED, (Reason(direction, f"{subject.ref} is outside: no policy isolates it"),))
        isolating = self.isolating_of[subject.ref, direction]
        legacy = self._is_isolated_by_annotation(subject, direction)
        if not isolating and not legacy:
            # "By default, a pod is non-isolated for ingress; all inbound connections are allowed."
            return _Side(Verdict.ALLOWED, (Reason(direction, f"no policy isolates {subject.ref}"),))
        open_because = self._undefined(question, subject)
        if open_because:
            return _Side(Verdict.OPEN, (Reason(direction, open_because),))
        if direction is Direction.INGRESS and isinstance(other, Pod) and other.is_host_network and other.node == subject.node:
            # "the only allowed connections into the pod are those from the pod's node and those allowed by the ingress list"
            return _Side(Verdict.ALLOWED, (Reason(direction, f"{other.ref} is on the node of {subject.ref}"),))
        return self._by_rules(question, subject, other, direction, isolating)

    def _is_isolated_by_annotation(self, subject: Pod, direction: Direction) -> bool:
        namespace = self.world.namespaces[self.word_of[subject.namespace]]
        return direction is Direction.INGRESS and "DefaultDeny" in namespace.annotations.get(LEGACY_ANNOTATION, "")

    def _undefined(self, question: Question, subject: Pod) -> str:
        if question.protocol is Protocol.ICMP:
            # "For other protocols, such as ARP or ICMP, the behaviour is undefined. The same applies to allow rules."
            return f"{subject.ref} is isolated, and what a policy does to ICMP is undefined"
        if subject.is_host_network:
            # "NetworkPolicy behaviour for hostNetwork pods is undefined"
            return f"{subject.ref} is in the node's network, and what a policy does to it is undefined"
        return ""

    def _by_rules(
        self, question: Question, subject: Pod, other: Place, direction: Direction, isolating: tuple[NetworkPolicy, ...]
    ) -> _Side:
        """The union of all rules of all policies that isolate the subject.

        "the connections allowed in that direction from that pod is the union of what the applicable policies allow"
        """
        admitting: list[Reason] = []
        doubtful: list[Reason] = []
        refusing: list[Reason] = []
        destination = subject if direction is Direction.INGRESS else other
        for policy in isolating:
            ref, nearly = self._word(policy), []
            for number, rule in enumerate(policy.rules(direction)):
                match, text = peer_match(self.world, policy, rule, other, question.family)
                if match is Match.NO:
                    continue
                if not port_matches(rule, question, destination):
                    nearly.append(f"rule {number} names {other.ref}, but not {question.lane}")
                    continue
                where, said = (admitting, "admits") if match is Match.YES else (doubtful, "may admit")
                ports = ", ".join(map(str, rule.ports)) or "all ports"
                where.append(Reason(direction, f"rule {number} of {ref} {said} {text} on {ports}", ref, number))
            why = "; ".join(nearly) or f"no rule of it names {other.ref}"
            refusing.append(Reason(direction, f"{ref} isolates {subject.ref}: {why}", ref))
        if admitting:
            return _Side(Verdict.ALLOWED, tuple(admitting))
        if doubtful:
            return _Side(Verdict.OPEN, tuple(doubtful))
        legacy = Reason(direction, f"the annotation {LEGACY_ANNOTATION} isolates {subject.ref}")
        return _Side(Verdict.BLOCKED, tuple(refusing) or (legacy,))

    def _word(self, policy: NetworkPolicy) -> str:
        return f"{self.word_of.get(policy.namespace, policy.namespace)}/{policy.name}"

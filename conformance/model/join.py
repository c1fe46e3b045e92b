"""Several opinions of one question become one expectation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.model.side import Side
from conformance.world.door import Door
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.place import Pod
from conformance.world.verdict import Verdict


def both(egress: Side, ingress: Side) -> Expectation:
    """Of a connection that both ends must allow: blocked where one blocks it, else open where one leaves it open."""
    if egress.verdict is ingress.verdict:
        because = f"{egress.because}; {ingress.because}" if egress.because else ""
        return Expectation(egress.verdict, egress.reasons + ingress.reasons, because)
    decisive = next(side for verdict in (Verdict.BLOCKED, Verdict.OPEN) for side in (egress, ingress) if side.verdict is verdict)
    return Expectation(decisive.verdict, decisive.reasons, decisive.because)


def one_of(door: Door, each: Sequence[tuple[Pod, Expectation]]) -> Expectation:
    """Of a door behind which these pods stand, one of which the cluster chooses."""
    verdicts = {found.verdict for _, found in each}
    if verdicts == {Verdict.BLOCKED}:
        return Expectation(Verdict.BLOCKED, _reasons(found for _, found in each))
    reached = [(pod, found) for pod, found in each if found.verdict is not Verdict.BLOCKED]
    responders = frozenset(pod.identity for pod, _ in reached)
    if verdicts == {Verdict.ALLOWED}:
        return Expectation(Verdict.ALLOWED, _reasons(found for _, found in each), responders=responders)
    because = [found.open_because for _, found in each if found.verdict is Verdict.OPEN]
    if len(verdicts) > 1:
        may = ", ".join(pod.ref for pod, _ in reached)
        chosen = f"of the pods behind {door.ref} these may be reached: {may}; which one is asked is the cluster's choice"
        because.insert(0, chosen if Verdict.BLOCKED in verdicts else f"which pod behind {door.ref} is asked is the cluster's choice")
    reasons = _reasons(found for _, found in each if found.verdict is not Verdict.ALLOWED)
    return Expectation(Verdict.OPEN, reasons, "; ".join(because), responders=responders)


def after(lookup: Side, found: Expectation) -> Expectation:
    """Of a question that is asked when its name has been resolved."""
    if lookup.verdict is Verdict.ALLOWED:
        return replace(found, reasons=(*lookup.reasons, *found.reasons)) if found.verdict is Verdict.ALLOWED else found
    if Verdict.BLOCKED in (lookup.verdict, found.verdict):
        return found if found.verdict is Verdict.BLOCKED else Expectation(Verdict.BLOCKED, lookup.reasons)
    because = f"{lookup.because}; {found.open_because}" if found.open_because else lookup.because
    reasons = (*lookup.reasons, *(found.reasons if found.open_because else ()))
    return Expectation(Verdict.OPEN, reasons, because, responders=found.responders)


def either_reading(apart: Expectation, as_node: Expectation) -> Expectation:
    """Of a question to which pods in their node's network belong.

    "NetworkPolicy behaviour for hostNetwork pods is undefined, but it should be limited to 2 possibilities"
    """
    responders = apart.responders | as_node.responders
    if apart.verdict is as_node.verdict:
        return replace(apart, responders=responders)
    readings = ((Reading.APART, apart.verdict), (Reading.AS_NODE, as_node.verdict))
    said = ", ".join(f"{verdict} by one that {reading}" for reading, verdict in readings)
    because = f"what a plugin does with pods in their node's network is undefined: {said}"
    return Expectation(Verdict.OPEN, _reasons((apart, as_node)), because, responders=responders, readings=readings)


def _reasons(found: Iterable[Expectation]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reason for each in found for reason in each.reasons))

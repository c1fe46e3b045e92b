"""Whether a cluster's own policies let its names be resolved, before any of ours is there."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.model.match import Other
from conformance.model.side import Sides
from conformance.world.expectation import Reading
from conformance.world.place import Namespace, Pod, World
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction, Family, Protocol, Verdict

_DNS = ((53, Protocol.UDP),)
_API = ((443, Protocol.TCP), (6443, Protocol.TCP))
"""Of the Service, and of the API server behind it: plugins differ in which one they look at."""


def why_not_resolved(servers: Iterable[Pod], asking: Namespace, policies: Iterable[NetworkPolicy]) -> str:
    """Why pods of a namespace do not learn the addresses behind names, in half a sentence that says what to do.

    "" where nothing forbids it: a pod without labels may ask every name server (`servers`) on 53/UDP, and these their API server,
    from which they have the names. What a block could allow counts as allowed: nobody knows these addresses here.
    """
    sides = Sides(World({asking.ref: asking}, {}), policies)
    probe = Pod(f"{asking.ref}/probe", asking.name, "probe")
    forbidden: list[str] = []
    by: dict[str, None] = {}
    for direction, other, lanes, what in (
        (Direction.INGRESS, probe, _DNS, "be asked on port 53 by pods of other namespaces"),
        (Direction.EGRESS, None, _API, "reach the API server"),
    ):
        found = [name for server in servers for name in _forbidding(sides, server, direction, other, lanes)]
        by |= dict.fromkeys(found)
        forbidden += [what] if found else []
    if not forbidden:
        return ""
    return f"the name servers may not {' and may not '.join(forbidden)} ({', '.join(by)}): add a policy that allows it"


def _forbidding(sides: Sides, server: Pod, direction: Direction, other: Pod | None, lanes: Iterable[tuple[int, Protocol]]) -> Iterable[str]:
    """The policies that together forbid a name server all of these ports; none where one of them may be free."""
    ends = [Other(("", ""), other.ref if other else "the API server", family, other, None) for family in Family]
    found = [sides.side(server, direction, end, *lane, reading=Reading.APART) for end in ends for lane in lanes]
    if any(side.verdict is not Verdict.BLOCKED for side in found):
        return ()
    return dict.fromkeys(f"policy {reason.policy}" for side in found for reason in side.reasons)

"""How many pods of a scenario stand on a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.scenario.fictive import placement
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Scenario


def most_on_a_node(scenario: Scenario, workers: Sequence[str]) -> int:
    """The most pods of it that are on one of these workers (names of nodes, one at least) at a time, whatever its steps add and remove.

    A pod that waits for a node that there is not takes no room.
    """
    there = [now := Presence.at_first(scenario.layout)]
    there += [now := now.after(step.action) for step in scenario.steps]
    nodes = placement(scenario.layout, workers)
    placed = {ref: nodes[ref] for ref, plan in scenario.layout.pods() if not plan.is_pending}
    counts = (Counter(placed[ref] for ref in refs if ref in placed) for refs in {each.pods for each in there})
    return max(max(count.values(), default=0) for count in counts)

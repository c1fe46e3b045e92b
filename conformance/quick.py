"""The quick part of the catalogue: few scenarios that together see every fault of the test bench that the whole of it sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.catalogue_page import SeenFault
from conformance.scenario.scenario import Scenario

HEAD = """# The quick part of the catalogue (-m quick): together these see every fault of the test bench that the others see, but for
# disruptive ones. Written by: cni-conformance catalogue --quick > scenarios/quick.yaml
"""


def quick(scenarios: Iterable[Scenario], faults: Sequence[SeenFault]) -> tuple[str, ...]:
    """The names, sorted. One after the other the scenario that sees most of what is not seen yet, for each step that it has to do."""
    candidates = sorted((each for each in scenarios if not each.is_disruptive), key=lambda each: each.name)
    sights = {each.name: {fault.name for fault in faults if each.name in fault.seen_by} for each in candidates}
    left = set().union(*sights.values())
    chosen = []
    while left:
        best = max(candidates, key=lambda each: len(sights[each.name] & left) / (1 + len(each.steps)))
        chosen.append(best.name)
        left -= sights[best.name]
    return tuple(sorted(chosen))


def quick_file(names: Iterable[str]) -> str:
    """The text of the file that lists them."""
    return HEAD + "".join(f"- {name}\n" for name in names)

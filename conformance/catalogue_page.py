"""docs/catalogue.md: what the catalogue asks, by class, and which faults each scenario sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.report.markdown import in_cell
from conformance.scenario.scenario import Scenario

NAMED = 5
"""So many faults of a scenario are named; of the others it is said how many they are."""

HEAD = """# The catalogue

{count} scenarios in {groups} classes of faults. `cni-conformance catalogue > docs/catalogue.md` writes this page, from the scenario files
and from the table of `cni-conformance sensitivity`, which switches on the faults of a simulated plugin, one at a time, and notes
which scenarios fail by them.

Of what a scenario sees, those faults come first that the fewest scenarios see. What each of them is stands [below](#the-faults).
"""

FAULTS = """## The faults

{count} behaviours that plugins have had, or that are next to one. *Seen by*: so many scenarios fail by it; where they are few, their names.
"""


class InvalidTable(ValueError):
    """A text is not a table of `cni-conformance sensitivity`."""


@dataclass(frozen=True, slots=True)
class SeenFault:
    """A fault, its sentence, and the names of the scenarios that see it."""

    name: str
    about: str
    seen_by: tuple[str, ...]


def read_table(text: str) -> tuple[SeenFault, ...]:
    """The faults of a table as `sensitivity --json` writes it. Raises InvalidTable."""
    try:
        faults = json.loads(text)["faults"]
        return tuple(SeenFault(name, fault["about"], tuple(fault["seen_by"])) for name, fault in faults.items())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidTable(f"no table of `cni-conformance sensitivity` ({error})") from None


def catalogue_page(scenarios: Iterable[Scenario], classes: Mapping[str, str], faults: Sequence[SeenFault]) -> str:
    """The page. `classes` are names with a sentence; classes without a scenario are left out."""
    by_class: dict[str, list[Scenario]] = {name: [] for name in classes}
    for scenario in sorted(scenarios, key=lambda one: one.name):
        by_class.setdefault(scenario.fault_class, []).append(scenario)
    found = {name: each for name, each in by_class.items() if each}
    parts = [HEAD.format(count=sum(map(len, found.values())), groups=len(found))]
    parts.append("\n".join(f"- [{name}](#{name}): {classes.get(name, '')} ({len(each)})" for name, each in found.items()))
    sights = _sights(faults)
    for name, each in found.items():
        parts.append(f"## {name}\n\n{classes.get(name, '')}")
        parts.append("\n".join(_entry(scenario, sights.get(scenario.name, ())) for scenario in each))
    parts += [FAULTS.format(count=len(faults)), _fault_table(faults)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _sights(faults: Iterable[SeenFault]) -> dict[str, list[str]]:
    """The faults that each scenario sees: those first that the fewest see."""
    found: dict[str, list[str]] = {}
    for fault in sorted(faults, key=lambda fault: (len(fault.seen_by), fault.name)):
        for scenario in fault.seen_by:
            found.setdefault(scenario, []).append(fault.name)
    return found


def _entry(scenario: Scenario, faults: Sequence[str]) -> str:
    marks = [*(f"needs {name}" for name in scenario.needs), *(["disruptive"] if scenario.is_disruptive else [])]
    file = f"{scenario.group}/{scenario.path.name}"
    lines = [f"- **[{scenario.name}](../scenarios/{file})**" + (f" ({', '.join(marks)})" if marks else "") + f": {scenario.about}"]
    lines.append(f"  From {', '.join(map(_origin, scenario.origin))}." if scenario.origin else "")
    lines.append(f"  Sees {_few(faults, NAMED)}." if faults else "  Sees none of the faults.")
    # Two blanks at the end of a line are Markdown's line break.
    return "  \n".join(line for line in lines if line)


def _origin(text: str) -> str:
    """A thread of GitHub as a link; anything else as it is."""
    thread = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", text)
    return f"[{text}](https://github.com/{thread[1]}/issues/{thread[2]})" if thread else text


def _few(names: Sequence[str], most: int) -> str:
    """Names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _fault_table(faults: Iterable[SeenFault]) -> str:
    rows = ["| fault | what it is | seen by |", "|---|---|---|"]
    for fault in sorted(faults, key=lambda fault: fault.name):
        count = len(fault.seen_by)
        names = f": {', '.join(fault.seen_by)}" if 0 < count <= 2 else ""
        rows.append(f"| {fault.name} | {in_cell(fault.about)} | {count or 'nobody'}{names} |")
    return "\n".join(rows)

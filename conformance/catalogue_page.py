"""docs/catalogue.md: what the catalogue asks, by class, and which faults each scenario sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.scenario.scenario import Scenario

HEAD = """# The catalogue

{count} scenarios in {groups} classes of faults. This page is generated from the scenario files and from the table of
`cni-conformance sensitivity`, which switches faults on in a simulated plugin, one at a time, and notes which scenarios fail by
them: `cni-conformance catalogue > docs/catalogue.md`. A test fails where it is not up to date.

*Sees* are the names of those faults; `cni-conformance sensitivity --list` says what each of them is.
"""


def catalogue_page(scenarios: Iterable[Scenario], classes: Mapping[str, str], seen: Mapping[str, Sequence[str]]) -> str:
    """The page. `classes` are names with a sentence; `seen` the faults that a scenario (by name) sees."""
    by_class: dict[str, list[Scenario]] = {name: [] for name in classes}
    for scenario in scenarios:
        by_class.setdefault(scenario.fault_class, []).append(scenario)
    found = {name: each for name, each in by_class.items() if each}
    parts = [HEAD.format(count=sum(map(len, found.values())), groups=len(found))]
    parts.append("\n".join(f"- [{name}](#{name}): {classes.get(name, '')} ({len(each)})" for name, each in found.items()))
    for name, each in found.items():
        parts.append(f"## {name}\n\n{classes.get(name, '')}")
        parts.append("\n".join(_entry(scenario, seen.get(scenario.name, ())) for scenario in sorted(each, key=lambda one: one.name)))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _entry(scenario: Scenario, faults: Sequence[str]) -> str:
    marks = [*(f"needs {name}" for name in scenario.needs), *(["disruptive"] if scenario.is_disruptive else [])]
    file = f"{scenario.group}/{scenario.path.name}"
    lines = [f"- **[{scenario.name}](../scenarios/{file})**" + (f" ({', '.join(marks)})" if marks else "") + f": {scenario.about}"]
    lines.append(f"  From {', '.join(scenario.origin)}." if scenario.origin else "")
    lines.append(f"  Sees {', '.join(sorted(faults))}." if faults else "  Sees none of the faults.")
    return "\n".join(line for line in lines if line)

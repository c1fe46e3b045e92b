"""The figures of a whole catalogue on one cluster, from the record of its run alone.

cni-conformance run --setup -m "not disruptive" --report out
python benchmarks/catalogue.py out
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from conformance.judge import percentile
from conformance.record import ScenarioRecord, read
from conformance.world.measurement import StepMeasurement

PARTS = {
    "pods starting": ("world",),
    "settling": ("settling",),
    "holding": ("holding",),
    "cleaning": ("putting back",),
    "baseline": ("baseline",),
    "sending changes": ("change",),
}
"""The parts of a scenario's time that people ask for, by the phases of the record; what is left over is `other`."""

CHANGES = {"delete": "delete", "relabel": "relabel", "annotate": "relabel", "at once": "several at once"}
"""What kind of change a step is, by the first words of its action; `apply` is create or change, see `change_of`."""


def main() -> None:
    run = read(Path(sys.argv[1]))
    measured = [scenario for scenario in run.scenarios if scenario.was_measured]
    seconds = sorted(scenario.seconds for scenario in measured)
    print(f"{run.facts.plugin}, {run.facts.options.get('workers', '?')} workers, {len(measured)} scenarios in {run.facts.seconds:.1f} s")
    if not measured:
        print("nothing was measured")
        return
    print(f"a scenario: median {_time(percentile(seconds, 50))}, p99 {_time(percentile(seconds, 99))}, sum {sum(seconds):.1f} s\n")
    _table(("time to enforce", "cells", "never", "p50", "p99"), enforced(measured))
    _table(("part of the scenarios' time", "seconds", "share"), shares(measured))
    _table(("group", "scenarios", "seconds", "median", "p99"), groups(measured))
    _table(("slowest", "seconds"), [(each.name, f"{each.seconds:.1f}") for each in sorted(measured, key=lambda each: -each.seconds)[:10]])


def enforced(scenarios: Iterable[ScenarioRecord]) -> list[tuple[str, ...]]:
    """Cells that changed, by the kind of change and the new verdict: how many, how many never, p50 and p99 in seconds."""
    found: dict[tuple[str, str], list[float | None]] = {}
    for scenario in scenarios:
        kinds = {step.number: change_of(scenario, step) for step in scenario.measurement.steps}
        for each in scenario.judgement.enforcements:
            for now in ("all", each.direction):
                found.setdefault((kinds[each.step], now), []).append(each.seconds)
    return [
        (f"{kind}, {now}", str(len(times)), str(times.count(None)), _time(percentile(here, 50)), _time(percentile(here, 99)))
        for (kind, now), times in sorted(found.items())
        for here in [[each for each in times if each is not None]]
    ]


def change_of(scenario: ScenarioRecord, step: StepMeasurement) -> str:
    """create, change, delete, relabel, or the first word of the action. An apply changes what was in force under the same name."""
    word = step.action.partition(":")[0] if ":" in step.action else step.action.partition(" ")[0]
    if word == "put back" and "labels of" not in step.action and "annotations of" not in step.action:
        return "delete"
    if word != "apply":
        return CHANGES.get(word, word)
    before, now = (scenario.settings[at].policies if at < len(scenario.settings) else () for at in (step.number - 1, step.number))
    there = {_name(scenario, key) for key in before}
    return "change" if any(_name(scenario, key) in there for key in now if key not in before) else "create"


def _name(scenario: ScenarioRecord, key: str) -> tuple[str, str]:
    metadata = yaml.safe_load(scenario.policies.get(key, "{}")).get("metadata", {})
    return metadata.get("namespace", ""), metadata.get("name", key)


def shares(scenarios: Iterable[ScenarioRecord]) -> list[tuple[str, ...]]:
    """The parts of all scenarios' time, the largest first."""
    phases: dict[str, float] = {}
    total = 0.0
    for scenario in scenarios:
        total += scenario.seconds
        for phase in scenario.phases:
            phases[phase.name] = phases.get(phase.name, 0.0) + phase.seconds
    parts: Mapping[str, float] = {part: sum(phases.get(name, 0.0) for name in names) for part, names in PARTS.items()}
    rows = sorted([*parts.items(), ("other", max(0.0, total - sum(parts.values())))], key=lambda row: -row[1])
    return [(part, f"{seconds:.1f}", f"{seconds / total:.1%}" if total else "-") for part, seconds in rows]


def groups(scenarios: Iterable[ScenarioRecord]) -> list[tuple[str, ...]]:
    """By group: how many scenarios, their time in seconds, and of one scenario median and p99."""
    found: dict[str, list[float]] = {}
    for scenario in scenarios:
        found.setdefault(scenario.group, []).append(scenario.seconds)
    rows = sorted(found.items(), key=lambda row: -sum(row[1]))
    return [
        (group, str(len(times)), f"{sum(times):.1f}", _time(percentile(times, 50)), _time(percentile(times, 99))) for group, times in rows
    ]


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Plain text: the first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]))
    print()


if __name__ == "__main__":
    main()

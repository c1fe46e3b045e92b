"""The figures of a run, from its record alone: where its time went, and how long scenarios and changes took.

cni-conformance run --setup --report out
python benchmarks/figures.py out
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from conformance.judge import percentile
from conformance.record import read
from conformance.world.verdict import Verdict


def main() -> None:
    run = read(Path(sys.argv[1]))
    phases = {phase.name: phase.seconds for phase in run.facts.phases}
    total = run.facts.seconds
    print(f"{run.facts.plugin} with {run.facts.options.get('workers')} workers, {platform.machine()}")
    for name, seconds in phases.items():
        print(f"{name:<22} {seconds:8.1f} s  {seconds / total:6.1%} of the run")
    print(f"{'run':<22} {total:8.1f} s")
    measured = [scenario for scenario in run.scenarios if scenario.was_measured]
    seconds = [scenario.seconds for scenario in measured]
    print(
        f"{len(measured)} scenarios: median {percentile(seconds, 50):.1f} s, p99 {percentile(seconds, 99):.1f} s, sum {sum(seconds):.0f} s"
    )
    parts: dict[str, float] = {}
    for scenario in measured:
        for phase in scenario.phases:
            parts[phase.name] = parts.get(phase.name, 0.0) + phase.seconds
    for name, part in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {name:<20} {part / sum(seconds):6.1%}")
    for verdict in (Verdict.BLOCKED, Verdict.ALLOWED):
        times = [each for scenario in measured for each in scenario.judgement.times(verdict)]
        if times:
            print(f"newly {verdict}: p50 {percentile(times, 50):.2f} s, p99 {percentile(times, 99):.2f} s, {len(times)} cells")


if __name__ == "__main__":
    main()

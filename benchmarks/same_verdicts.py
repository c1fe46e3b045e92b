"""Do several runs say the same? Prints every scenario whose outcome differs between records, and exits 1 where one does.

for run in 1 2 3 4 5; do cni-conformance run --name work -m "not disruptive" --report out/$run; done
python benchmarks/same_verdicts.py out/*
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from conformance.record import read


def main() -> None:
    runs = [read(Path(path)) for path in sys.argv[1:]]
    outcomes: dict[str, list[str]] = {}
    for run in runs:
        print(f"{run.facts.seconds:7.1f} s  {dict(Counter(str(each.outcome) for each in run.scenarios))}")
        for each in run.scenarios:
            outcomes.setdefault(f"{each.group}/{each.name}", []).append(str(each.outcome))
    differing = {name: found for name, found in sorted(outcomes.items()) if len(set(found)) > 1 or len(found) < len(runs)}
    for name, found in differing.items():
        print(f"{name}: {', '.join(found)}")
    print(f"{len(outcomes) - len(differing)} of {len(outcomes)} scenarios have the same outcome in all {len(runs)} runs")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()

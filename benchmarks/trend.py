"""What `trend` costs: the first time, and when its index is there. A script makes the records in a folder that it removes.

    python benchmarks/trend.py                 # 10,000 records of 4 scenarios each
    python benchmarks/trend.py 1000 250        # 1,000 records of 250

The scenarios have no tracks, so a record is small. Of a large one no more than its head is read: in the end one is made as large as a real
one (24 MB), and read alone. The other figures are whole processes, from start to end, which write the page as Markdown.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conformance.judge import Enforcement, Finding, FindingKind, Judgement
from conformance.record import Facts, Plugin, Run, ScenarioRecord
from conformance.record.head import read_overview
from conformance.world.question import Question
from conformance.world.verdict import Family, Outcome, Verdict

QUESTION = Question("shop/other", "shop/api", 80)
LARGE = 24_000_000


def scenario(name: str, *, has_failed: bool, chance: random.Random) -> ScenarioRecord:
    enforced = tuple(
        Enforcement(1, QUESTION, verdict, round(chance.uniform(0.1, 0.6), 6)) for verdict in (Verdict.BLOCKED, Verdict.ALLOWED)
    )
    findings = (Finding(FindingKind.WRONGLY_ALLOWED, "shop/other reaches shop/api", 1, QUESTION),) if has_failed else ()
    judgement = Judgement(Outcome.FAILED if has_failed else Outcome.PASSED, "as it is", findings, (), enforced)
    return ScenarioRecord(name, judgement, file=f"peers/{name}.yaml", group="peers")


def make(folder: Path, records: int, scenarios: int) -> int:
    """Writes the records: a night every hour, six plugins, a version in thirty nights; returns their bytes."""
    chance, total = random.Random(5), 0  # noqa: S311 # nothing is secret here
    facts = Facts("0.1.0", Plugin("cilium", "Cilium", "1"), families=tuple(Family), cluster={"provider": "kind"}, planned=scenarios)
    for number in range(records):
        plugin = f"plugin-{number % 6}"
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        found = tuple(scenario(f"scenario-{each:03}", has_failed=chance.random() < 0.02, chance=chance) for each in range(scenarios))
        of_night = replace(
            facts,
            plugin=Plugin(plugin, plugin.title(), f"1.{number // 180}"),
            cluster={**facts.cluster, "Kubernetes": f"v1.{30 + number // 1000}"},
            started=started.isoformat(),
            ended=(started + timedelta(minutes=30)).isoformat(),
        )
        path = folder / plugin / started.strftime("%Y-%m-%d-%H") / "record.json"
        path.parent.mkdir(parents=True)
        path.write_text(Run(of_night, found).to_json())
        total += path.stat().st_size
    return total


def timed(folder: Path, cache: Path) -> tuple[float, int]:
    """Seconds of a whole process, and its peak memory in MB."""
    words = ["cni-conformance", "trend", str(folder), "-o", str(cache / "trend.md")]
    began = time.perf_counter()
    process = subprocess.Popen(words, env=os.environ | {"CNI_CONFORMANCE_CACHE": str(cache)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the command failed")
    return time.perf_counter() - began, usage.ru_maxrss // 1024


def head(path: Path) -> float:
    """Seconds to read a record as large as a real one."""
    text = path.read_text()
    path.write_text(text.replace('\n   "sentence": "as it is"', '\n   "sentence": "' + "x" * LARGE + '"', 1))
    began = time.perf_counter()
    read_overview(path)
    return time.perf_counter() - began


def main() -> None:
    records, scenarios = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (10_000, 4)
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "nights", Path(place) / "cache"
        cache.mkdir()
        size = make(folder, records, scenarios)
        print(f"{records} records of {scenarios} scenarios, {size / records / 1000:.1f} kB each")
        first, memory = timed(folder, cache)
        again = min((timed(folder, cache) for _ in range(3)), key=lambda each: each[0])
        index = sum(path.stat().st_size for path in (cache / "trend").iterdir())
        print(f"first {first:.2f} s ({memory} MB), after {again[0]:.2f} s ({again[1]} MB): {first / again[0]:.1f} : 1")
        print(f"index {index / 1e6:.1f} MB")
        large = next(folder.rglob("record.json"))
        print(f"a record of {LARGE / 1e6:.0f} MB: {head(large) * 1000:.1f} ms")


if __name__ == "__main__":
    main()

"""Comparing ten plugins in 250 scenarios: time and peak memory of each format, in a process of its own.

    python benchmarks/compare.py RECORD [RECORD ...]

Ten records are made from those that are given: 250 scenarios each, or all where there are fewer; plugins renamed; a tenth of
the scenarios of one record stand in for another's. They are compared by the command that people use. Times are the
processor's, beside the clock's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PLUGINS, SCENARIOS = 10, 250
FORMATS = ("terminal", "markdown", "json", "html")


def records(sources: list[Path], folder: Path) -> list[Path]:
    """Ten records in the folder, each a plugin of its own."""
    documents = [json.loads((path / "record.json" if path.is_dir() else path).read_text()) for path in sources]
    found = []
    for number in range(PLUGINS):
        mine, other = (documents[(number + shift) % len(documents)] for shift in (0, 1))
        document = mine | {"scenarios": mixed(mine["scenarios"][:SCENARIOS], other["scenarios"], number)}
        facts = document["facts"]
        document["facts"] = facts | {"plugin": facts["plugin"] | {"name": f"plugin-{number}"}, "planned": len(document["scenarios"])}
        document.pop("overview", None)
        found.append(folder / f"{number}.json")
        found[-1].write_text(json.dumps(document))
    return found


def mixed(scenarios: list[Any], others: list[Any], number: int) -> list[Any]:
    by_name = {each["name"]: each for each in others}
    return [by_name.get(each["name"], each) if place % PLUGINS == number else each for place, each in enumerate(scenarios)]


def measure(paths: list[Path], form: str, output: Path) -> str:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [
        sys.executable,
        "-c",
        "from conformance.cli import main; main()",
        "compare",
        *map(str, paths),
        "--format",
        form,
        "-o",
        str(output),
    ]
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took, size = time.monotonic() - began, output.stat().st_size / 1e6
    return (
        f"{form:<9} {seconds:.2f} s of the processor, {took:.2f} s by the clock, {size:.2f} MB, peak so far {after.ru_maxrss / 1024:.0f} MB"
    )


def main() -> None:
    sources = [Path(each) for each in sys.argv[1:]]
    if not sources:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = records(sources, folder)
        total = sum(path.stat().st_size for path in paths) / 1e6
        print(f"{len(paths)} records of up to {SCENARIOS} scenarios, {total:.0f} MB together")
        for form in FORMATS:
            print(measure(paths, form, folder / form))


if __name__ == "__main__":
    main()

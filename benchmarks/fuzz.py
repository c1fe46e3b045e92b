"""How many random policies the fuzzer needs until it sees each static fault of the simulated plugin.

    python benchmarks/fuzz.py --out fuzz.jsonl             # goes on where the file ends
    python benchmarks/fuzz.py --policies 200 --fault NAME  # a quick look

A case is measured once without a fault, and again in full with each fault under which anything is answered differently.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from conformance.fuzz.grammar import Language
from conformance.fuzz.ground import layout_for
from conformance.sensitivity import look
from conformance.settings import Settings
from conformance.simulated.faults import FAULTS
from conformance.target import Target

PORTION = 10
"""So many cases are one piece of work, and one line of the file."""

Line = dict[str, Any]


@cache
def language() -> Language:
    target = Target.simulated(Settings(cluster="simulated"))
    return Language(layout_for(target), target.families)


def measured(work: tuple[int, int, Sequence[str]]) -> Line:
    """What the cases from `first` on see of these faults: the first case of each, by its number."""
    seed, first, names = work
    began, found, broken = time.process_time(), dict[str, int](), list[str]()
    cases = [language().case(seed, number) for number in range(first, first + PORTION)]
    for number, case in enumerate(cases, first):
        seen = look(case.scenario(), [FAULTS[name] for name in names if name not in found])
        found |= dict.fromkeys(seen.faults, number)
        broken += [f"{case.name}: {seen.broken}"] if seen.broken else []
    cpu = time.process_time() - began
    return {"seed": seed, "first": first, "policies": [len(case.policies) for case in cases], "found": found, "broken": broken, "cpu": cpu}


def pieces(options: argparse.Namespace, names: Sequence[str], lines: list[Line]) -> Iterator[Line]:
    """The lines that are still wanted, until everything is found or so many policies are made."""
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        while sum(sum(line["policies"]) for line in lines) < options.policies:
            left = [name for name in names if all(name not in line["found"] for line in lines)]
            if not left:
                return
            next_case = len(lines) * PORTION
            work = [(options.seed, next_case + number * PORTION, left) for number in range(options.workers)]
            yield from pool.map(measured, work)


def told(options: argparse.Namespace, names: Sequence[str], lines: Sequence[Line]) -> str:
    """The table, the faults found first at the top, and the share."""
    counts = list(accumulate(count for line in lines for count in line["policies"]))
    first: dict[str, int] = {}
    for line in lines:
        for name, case in line["found"].items():
            if counts[case] <= options.policies:
                first[name] = min(first.get(name, counts[case]), counts[case])
    rows = sorted(names, key=lambda name: (first.get(name, options.policies + 1), name))
    width = max(map(len, rows))
    table = [f"{name:<{width}}  {first.get(name, 'not found')}" for name in rows]
    made, found, cpu = counts[-1], sum(name in first for name in names), sum(line["cpu"] for line in lines)
    table.append(
        f"seed {options.seed}: {found} of {len(names)} faults ({found / len(names):.0%}) in {min(made, options.policies)} policies"
    )
    if first:
        table.append(f"half of those that were found within {median(first.values()):.0f} policies")
    table.append(f"{made} policies in {cpu:.0f} CPU-seconds, {made / cpu:.1f} a second, each with the faults that were left")
    return "\n".join([*table, *(text for line in lines for text in line["broken"])])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--policies", type=int, default=2000)
    words.add_argument("--fault", dest="names", action="append", choices=sorted(FAULTS), metavar="NAME")
    words.add_argument("--out", type=Path, help="a file with one line for each piece of work; what it holds is not done again")
    words.add_argument("-n", dest="workers", type=int, default=1)
    options = words.parse_args()
    names = options.names or [name for name, fault in FAULTS.items() if fault.is_static]
    lines: list[Line] = []
    if options.out is not None and options.out.exists():
        stored = [json.loads(text) for text in options.out.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in stored if line["seed"] == options.seed]
    for line in pieces(options, names, lines):
        lines.append(line)
        if options.out is not None:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
    print(told(options, names, lines))


if __name__ == "__main__":
    main()

"""What reading a record costs, and the HTML page of a run, from start to end of the command, and when a browser shows it.

    python benchmarks/report.py reports/out            # the record's first 250 scenarios
    python benchmarks/report.py reports/out 100

Reading is told by ratios of the processor's time: to what Python's own `json` takes for the same text, which builds nothing of ours.
Seconds and peak memory of the page are those of a whole process. The browser is Debian's chromium, each time a new one; its time to
first picture is its own `first-contentful-paint`, counted from the navigation on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from conformance.record import Run, read
from conformance.record.digest import read_digest
from conformance.record.opening import open_record

COMMAND = str(Path(sys.executable).with_name("cni-conformance"))
TIMES = 5
PAINT = """new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') done(entry.startTime);
}).observe({type: 'paint', buffered: true}))"""


def shortened(record: Path, scenarios: int, to: Path) -> int:
    """Writes the first scenarios of a record as one of their own; returns how many they are."""
    run = read(record)
    found = run.scenarios[:scenarios]
    to.write_text(Run(replace(run.facts, planned=len(found)), found).to_json())
    return len(found)


def reading(record: Path) -> dict[str, float]:
    """The processor's seconds for the ways of reading, the least of some tries each."""
    ways: dict[str, Callable[[], object]] = {
        "json.loads": lambda: len(json.loads(record.read_text())),
        "the whole run": lambda: len(read(record).scenarios),
        "scenario by scenario": lambda: sum(1 for _ in open_record(record)),
        "its digest": lambda: len(read_digest(record).scenarios),
    }
    found = {}
    for name, way in ways.items():
        tries = []
        for _ in range(TIMES):
            began = time.process_time()
            way()
            tries.append(time.process_time() - began)
        found[name] = min(tries)
    return found


def made(record: Path, page: Path) -> tuple[float, float, float]:
    """Makes the page; returns seconds, seconds of the processor, and peak memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen([COMMAND, "report", str(record), "--format", "html", "--output", str(page)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"report ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def painted(page: Path) -> tuple[float, float]:
    """Opens the page in a new browser; returns the seconds to its first picture, and until all of it is there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        first = tab.evaluate(PAINT)
        whole = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        browser.close()
    return first / 1000, whole / 1000


def main() -> None:
    record, wanted = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250
    with tempfile.TemporaryDirectory() as folder:
        part, page = Path(folder) / "record.json", Path(folder) / "report.html"
        # In a process of its own: a new process is counted with what its parent had in memory.
        with ProcessPoolExecutor(1, get_context("spawn")) as another:
            scenarios = another.submit(shortened, record, wanted, part).result()
            seconds = another.submit(reading, part).result()
        costs = [made(part, page) for _ in range(TIMES)]
        wall, processor, memory = (median(each) for each in zip(*costs, strict=True))
        looks = [painted(page) for _ in range(TIMES)]
        first, whole = (median(each) for each in zip(*looks, strict=True))
        print(f"{scenarios} scenarios, record {part.stat().st_size / 1e6:.1f} MB, page {page.stat().st_size / 1e6:.2f} MB (wanted: 5)")
    for name, each in seconds.items():
        print(f"reading, {name}: {each:.2f} s of the processor, {each / seconds['json.loads']:.2f} times json.loads")
    print(f"made in {wall:.2f} s (wanted: 2), {processor:.2f} s of the processor, peak memory {memory:.0f} MB (wanted: 150)")
    print(f"first picture after {first:.2f} s (wanted: 1), all of it after {whole:.2f} s; median of {TIMES}; load {os.getloadavg()[0]:.0f}")


if __name__ == "__main__":
    main()

"""What a fleet of many clusters costs on the machine that renders and fetches it: no cluster is needed.

python benchmarks/fleet.py RECORD [CLUSTERS [SHARDS]]

The record is made as large as one of the whole catalogue, by taking its scenarios several times.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.compare import compare, to_json
from conformance.fleet.fleet import Fleet, Member, Part
from conformance.fleet.render import manifests, objects
from conformance.fleet.results import RECORD, Arrival, result_of, results_of
from conformance.inside.emitted import emitted, lines_of, packed
from conformance.record import Run, ShardFacts, read
from conformance.record.digest import read_digest
from conformance.shard import Shard, fingerprint

KUBECONFIG = 5_600
"""Bytes of a kubeconfig with certificates, as kubeadm writes it."""

SCENARIOS = 430
"""Of the whole catalogue."""

MERGED, WRITTEN, COMPARED = 3, 12, 20
"""Clusters that are really merged and written, and records that are really compared: the rest is told by the figures for one."""


def main() -> None:
    run = grown(read(Path(sys.argv[1])))
    clusters, shards = (int(word) for word in (*sys.argv[2:4], *("1000", "4")[len(sys.argv) - 2 :]))
    render(clusters, shards)
    log(run)
    with tempfile.TemporaryDirectory() as folder:
        merge(run, shards, Path(folder))
        side_by_side(run, Path(folder))
        compared(run, Path(folder))


def grown(run: Run) -> Run:
    """The same with so many scenarios as the catalogue has."""
    copies = [replace(each, name=f"{each.name}-{number}") for number in range(SCENARIOS) for each in run.scenarios][:SCENARIOS]
    return Run(replace(run.facts, planned=SCENARIOS), tuple(sorted(copies, key=lambda each: (each.file, each.name))))


def render(clusters: int, shards: int) -> None:
    """The manifests of a whole fleet."""
    members = tuple(Member(f"cluster-{number}", "k" * KUBECONFIG, f"cluster-{number}", "cilium", shards) for number in range(clusters))
    fleet = Fleet("night", "cni-conformance", "registry.example/cni-conformance:0.1", members, parallelism=200)
    with timed(f"render {clusters} clusters in {clusters * shards} parts"):
        text = manifests(fleet)
    every = list(objects(fleet))
    sizes = [(len(json.dumps(each)), each["kind"]) for each in every]
    template = next(len(json.dumps(each["spec"]["template"])) for each in every if each["kind"] == "Job")
    print(f"  {len(text) / 1e6:.1f} MB, {len(every)} objects, {len(fleet.jobs)} Jobs")
    print(f"  the largest object {max(sizes)}, the template of a pod {template} bytes")


def log(run: Run) -> None:
    """A record's way through the log of a pod."""
    text = run.to_json().encode()
    with timed(f"pack a record of {len(run.scenarios)} scenarios, {len(text) / 1e6:.1f} MB"):
        content = packed(text)
    lines = "\n".join(lines_of("cluster-1.1-of-1", content))
    with timed(f"find it again ({len(content) / 1e3:.0f} kB packed) in a log of {len(lines) / 1e3:.0f} kB"):
        emitted(lines)


def merge(run: Run, shards: int, folder: Path) -> None:
    """The records of a cluster's shards to one with its reports."""
    member = Member("cluster", "", shards=shards)
    parts = [Part(member, Shard(number, shards)) for number in range(1, shards + 1)]
    came = [Arrival(part, packed(_shard(run, part.shard).to_json().encode())) for part in parts]
    with timed(f"write, merge and report {shards} shards of a cluster", MERGED):
        for number in range(MERGED):
            result_of(replace(member, name=f"cluster-{number}"), came, folder)
    files = [path for path in (folder / "cluster-0").rglob("*") if path.is_file()]
    print(f"  {sum(path.stat().st_size for path in files) / 1e6:.1f} MB in {len(files)} files a cluster")


def side_by_side(run: Run, folder: Path) -> None:
    """Clusters in one part each: one after the other, and as `fleet fetch` does it."""
    content = packed(run.to_json().encode())
    arrivals = [Arrival(Part(Member(f"one-{number}", ""), Shard(1, 1)), content) for number in range(WRITTEN)]
    seconds = []
    for how in (lambda: [result_of(each.part.member, [each], folder) for each in arrivals], lambda: results_of(arrivals, folder)):
        began = time.perf_counter()
        how()
        seconds.append(time.perf_counter() - began)
    one, many = (each / WRITTEN for each in seconds)
    print(f"write {WRITTEN} clusters: {one:.2f} s each in a row, {many:.2f} s each by {os.cpu_count()} processors: {one / many:.2f}x")


def _shard(run: Run, shard: Shard) -> Run:
    scenarios = run.scenarios[shard.number - 1 :: shard.total]
    facts = ShardFacts(shard, len(run.scenarios), fingerprint(sorted(each.name for each in run.scenarios)), "")
    return Run(replace(run.facts, shard=facts, planned=len(scenarios)), scenarios)


def compared(run: Run, folder: Path) -> None:
    """Whole records side by side."""
    paths = []
    for number in range(COMPARED):
        cluster = {**run.facts.cluster, "cluster": f"cluster-{number}"}
        mine = Run(replace(run.facts, cluster=cluster), run.scenarios)
        paths.append(folder / f"{number}" / RECORD)
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(packed(mine.to_json().encode()))
    with timed(f"read {COMPARED} records to compare them", COMPARED):
        digests = [read_digest(path) for path in paths]
    with timed(f"compare {COMPARED} records"):
        text = to_json(compare(digests))
    print(f"  {len(text) / 1e6:.1f} MB as JSON")


@contextmanager
def timed(what: str, times: int = 1) -> Iterator[None]:
    """Prints how long the block took, what one of so many did, and the process's peak memory until now."""
    began, spent = time.perf_counter(), time.process_time()
    yield
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    each = f", {cpu / times * 1000:.0f} ms each" if times > 1 else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {seconds:.2f} s, {cpu:.2f} s of processor{each}; peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()

"""What a round of questions costs: its time, the processors and the memory of the suite and of its agents.

    cni-conformance cluster up --cni cilium --name bench
    python benchmarks/rounds.py --name bench

Nine pods in three namespaces, each with two ports over TCP and UDP; everybody asks everybody, itself included, over IPv4:
324 questions a round. First all are allowed, then an ingress deny-all in each namespace blocks all but a pod's own.
The agents tell their own processor time and peak memory.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import secrets
import statistics
import sys
import time
from pathlib import Path

from conformance.cluster import kind
from conformance.cluster.clean import remove_run
from conformance.cluster.client import Cluster
from conformance.live import LiveWorld
from conformance.probe.sampling import sample
from conformance.probe.session import Probes
from conformance.scenario.scenario import Layout, NamespacePlan, PodPlan
from conformance.settings import Settings
from conformance.target import Target
from conformance.world.expectation import Expectation
from conformance.world.place import Port
from conformance.world.question import Question
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Protocol, Verdict
from conformance.worlds import Worlds

PORTS = tuple(Port(number, protocol) for number in (80, 81) for protocol in (Protocol.TCP, Protocol.UDP))
LAYOUT = Layout(None, {space: NamespacePlan({}, {pod: PodPlan({"pod": pod}, PORTS) for pod in "abc"}) for space in "xyz"}, {})


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--name", default="cni-conformance", help="the kind cluster that stands already")
    options.add_argument("--rounds", type=int, default=200)
    wanted = options.parse_args()
    standing = kind.known(wanted.name)
    if standing is None:
        print(f"there is no cluster {wanted.name}: cni-conformance cluster up --name {wanted.name}", file=sys.stderr)
        return 2
    times, run = Times(), f"bench{secrets.token_hex(3)}"
    cluster = Cluster.connect(standing.kubeconfig, None, times)
    worlds = Worlds(cluster, Target.of_kind(standing, None, Settings()), times, run, 0)
    versions = f"Kubernetes {cluster.facts().version}, {standing.plugin}, Python {platform.python_version()}"
    print(f"{_machine()}, {versions}, {standing.workers} workers")
    try:
        live = worlds.take(LAYOUT)
        refs = list(live.everybody.pods)
        questions = [Question(a, b, port.number, port.protocol) for a in refs for b in refs for port in PORTS]
        _allowed(live, questions, wanted.rounds, times)
        _blocked(live, cluster, questions, max(20, wanted.rounds // 10), times)
        print(f"suite, peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (limit 150)")
        print(f"agent, peak memory: {max(hello['memory'] for hello in _hello(live.probes)) / 1024:.1f} MB (limit 25)")
    finally:
        worlds.close()
        remove_run(cluster, run)
    return 0


def _allowed(live: LiveWorld, questions: list[Question], rounds: int, times: Times) -> None:
    _settle(live, questions, dict.fromkeys(questions, Verdict.ALLOWED), times)
    agents, suite, answered, took = _cpu(live.probes), time.process_time(), 0, []
    for _ in range(rounds):
        found = live.probes.ask(questions, times.question)
        took.append(found.took)
        answered += sum(answer.kind is AnswerKind.CONNECTED for answer in found.answers.values())
    suite, agents = time.process_time() - suite, _cpu(live.probes) - agents
    print(f"{rounds} rounds of {len(questions)} questions, all allowed: {_times(took)} (limit: median 0.150 s)")
    print(f"answered: {answered} of {rounds * len(questions)}")
    rate = rounds * len(questions) / (suite + agents)
    print(f"questions per CPU-second of suite ({suite:.2f} s) and agents ({agents:.2f} s) together: {rate:,.0f} (limit 1,000)")


def _blocked(live: LiveWorld, cluster: Cluster, questions: list[Question], rounds: int, times: Times) -> None:
    for namespace in live.everybody.namespaces.values():
        deny = {"podSelector": {}, "policyTypes": ["Ingress"]}
        metadata = {"name": "deny", "namespace": namespace.name}
        cluster.apply_policy({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": deny})
    expected = {question: Verdict.ALLOWED if question.source == question.destination else Verdict.BLOCKED for question in questions}
    settled = _settle(live, questions, expected, times)
    took = [live.probes.ask(questions, times.question).took for _ in range(rounds)]
    blocked = sum(verdict is Verdict.BLOCKED for verdict in expected.values())
    print(f"the deny-all was enforced everywhere {settled:.2f} s after the API server had accepted it")
    limit = 1.2 * times.question
    print(f"{rounds} rounds, {blocked} of {len(questions)} blocked, timeout {times.question} s: {_times(took)} (limit {limit:.3f} s)")


def _settle(live: LiveWorld, questions: list[Question], expected: dict[Question, Verdict], times: Times) -> float:
    identities = {place.ref: place.identity for place in live.everybody.places()}
    table = {question: Expectation(expected[question]) for question in questions}
    seen = sample(live.probes.ask, table, identities, times, live.probes.clock)
    if seen.settled_at is None:
        raise SystemExit(f"the world did not become what it should in {seen.ended:.0f} s: nothing to measure")
    return seen.settled_at


def _times(took: list[float]) -> str:
    ordered = sorted(took)
    return f"median {statistics.median(ordered):.3f} s, p99 {ordered[int(len(ordered) * 0.99)]:.3f} s, longest {ordered[-1]:.3f} s"


def _hello(probes: Probes) -> list[dict[str, float]]:
    return [probe.ask_who() for probe in probes.probes.values()]


def _cpu(probes: Probes) -> float:
    return sum(hello["cpu"] for hello in _hello(probes))


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}"


if __name__ == "__main__":
    sys.exit(main())

"""What a large world costs: pods starting, streams, rounds, and the memory of the suite and of its agents.

    cni-conformance cluster up --cni cilium --name big --world pods=300,namespaces=30
    python benchmarks/large_rounds.py --name big --world pods=300,namespaces=30

The questions are the sample that `run --world` asks; first all are allowed, then a default deny in every namespace blocks all.
"""

from __future__ import annotations

import argparse
import platform
import resource
import secrets
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from rounds import _cpu, _hello, _machine, _settle, _times  # beside this file

from conformance.cluster import kind
from conformance.cluster.clean import remove_run
from conformance.cluster.client import Cluster
from conformance.large import scenarios_of
from conformance.live import LiveWorld
from conformance.plan import Plan, plan
from conformance.probe.session import Probes
from conformance.scenario.scenario import Sample
from conformance.settings import Settings
from conformance.size import WorldSize
from conformance.target import Target
from conformance.world.question import Question
from conformance.world.times import Times
from conformance.world.verdict import AnswerKind, Verdict
from conformance.worlds import Worlds


def main() -> int:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--name", default="cni-conformance", help="the kind cluster that stands already")
    options.add_argument("--world", default="pods=300,namespaces=30")
    options.add_argument("--questions", metavar="N[,N…]", help="so many in a round, one number after the other, instead of the world's")
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--only-allowed", action="store_true", help="for a plugin that enforces nothing")
    wanted = options.parse_args()
    standing = kind.known(wanted.name)
    if standing is None:
        print(f"there is no cluster {wanted.name}", file=sys.stderr)
        return 2
    size = WorldSize.of(wanted.world)
    scenario, times, run = scenarios_of(size)[0], Times().for_pods(size.pods), f"bench{secrets.token_hex(3)}"
    cluster = Cluster.connect(standing.kubeconfig, None, times)
    target = Target.of_kind(standing, None, Settings())
    worlds = Worlds(cluster, target, times, run, 0)
    print(f"{_machine()}, {standing.plugin}, Python {platform.python_version()}, {standing.workers} workers; {size}")
    print(f"the suite before: {_state()}")
    try:
        live = _world(worlds, scenario.layout)
        counts = [int(each) for each in wanted.questions.split(",")] if wanted.questions else [size.questions]
        plans = [plan(replace(scenario, sample=Sample(count, size.seed)), live.everybody, target.families) for count in counts]
        for planned in plans:
            _allowed(live, list(planned.steps[0].expected), wanted.rounds, times)
        if not wanted.only_allowed:
            _blocked(live, cluster, plans, wanted.rounds, times)
        agents = [hello["memory"] for hello in _hello(live.probes)]
        print(f"agents, peak memory: {max(agents) / 1024:.1f} MB at most")
        print(f"the suite after: {_state()}, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    finally:
        began = time.monotonic()
        worlds.close()
        remove_run(cluster, run)
        print(f"removed after {time.monotonic() - began:.0f} s")
    return 0


def _world(worlds: Worlds, layout: object) -> LiveWorld:
    """Pods and streams, each with its time."""
    whole, opened, opening = time.monotonic(), [0.0, 0.0], Probes.open

    def timed(*arguments: object) -> Probes:
        began, spent = time.monotonic(), time.process_time()
        found = opening(*arguments)  # type: ignore[arg-type]
        opened[:] = [time.monotonic() - began, time.process_time() - spent]
        return found

    Probes.open = timed  # type: ignore[method-assign,assignment]
    live = worlds.take(layout)  # type: ignore[arg-type]
    pods = time.monotonic() - whole - opened[0]
    print(f"pods ready after {pods:.0f} s, streams open {opened[0]:.1f} s later (CPU {opened[1]:.1f} s)")
    print(f"the suite with {len(live.probes.probes)} streams: {_state()}")
    return live


def _allowed(live: LiveWorld, questions: list[Question], rounds: int, times: Times) -> None:
    _settle(live, questions, dict.fromkeys(questions, Verdict.ALLOWED), times)
    _rounds("all allowed", live, questions, rounds, times)


def _blocked(live: LiveWorld, cluster: Cluster, plans: list[Plan], rounds: int, times: Times) -> None:
    began = time.monotonic()
    for document in plans[0].documents.values():
        cluster.apply_policy(document)
    print(f"{len(plans[0].documents)} policies applied in {time.monotonic() - began:.1f} s")
    for planned in plans:
        questions = list(planned.steps[1].expected)
        settled = _settle(live, questions, dict.fromkeys(questions, Verdict.BLOCKED), times)
        print(f"enforced in all of them {settled:.1f} s after that")
        _rounds("all blocked", live, questions, rounds, times)


def _rounds(what: str, live: LiveWorld, questions: list[Question], rounds: int, times: Times) -> None:
    agents, suite, took, broken = _cpu(live.probes), time.process_time(), [], 0
    for _ in range(rounds):
        found = live.probes.ask(questions, times.question)
        took.append(found.took)
        broken += sum(answer.kind is AnswerKind.BROKEN for answer in found.answers.values())
    suite, agents = (time.process_time() - suite) / rounds, (_cpu(live.probes) - agents) / rounds
    print(
        f"{rounds} rounds of {len(questions)} questions, {what}: {_times(took)}; CPU of a round: suite {suite:.2f} s, agents {agents:.2f} s"
    )
    print(f"not measured: {broken} of {rounds * len(questions)}")


def _state() -> str:
    words = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    files = len(list(Path("/proc/self/fd").iterdir()))
    return f"{int(words['VmRSS'].split()[0]) / 1024:.0f} MB, {files} files, {threading.active_count()} threads"


if __name__ == "__main__":
    sys.exit(main())

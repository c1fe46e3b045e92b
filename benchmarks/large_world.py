"""The expected table of a large world: time, peak memory, and how both grow with pods and with classes.

    python benchmarks/large_world.py

Each row is taken in a process of its own; times are the processor's, so that a busy machine does not count. The world:
namespaces of 50 pods with five kinds of labels and one label that differs for every pod; five policies a namespace (selectors of
both kinds, ip blocks, named ports, ranges); three ports, two families.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from ipaddress import ip_address, ip_network

from conformance.model.classes import ClassTable
from conformance.model.decide import expected
from conformance.world.labels import Requirement, Selector
from conformance.world.place import Namespace, OutsideHost, Pod, Port, World
from conformance.world.policy import IPBlock, NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol

PORTS = (Port(80, name="http"), Port(443), Port(53, Protocol.UDP, "dns"))
ASKED = 200_000


def large_world(pods: int, namespaces: int) -> World:
    spaces = {f"n{number}": Namespace(f"n{number}", f"n{number}", {"team": f"t{number % 20}"}) for number in range(namespaces)}
    found = {}
    for number in range(pods):
        space, kind = f"n{number % namespaces}", number // namespaces % 5
        labels = {"app": f"a{kind}", "tier": f"t{kind % 2}", "instance": str(number)}
        addresses = (ip_address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), ip_address(f"fd00::{number + 1:x}"))
        found[f"{space}/p{number}"] = Pod(f"{space}/p{number}", space, f"p{number}", labels, PORTS, addresses, f"node-{number % 100}")
    hosts = {f"outside/{name}": OutsideHost(f"outside/{name}", PORTS, (ip_address(f"198.18.{n}.1"),)) for n, name in enumerate(("a", "b"))}
    return World(spaces, found, hosts)


def some_policies(number: int, namespaces: int) -> list[NetworkPolicy]:
    choice = random.Random(4)  # noqa: S311 - the same policies every time

    def label(key: str, below: int) -> Selector:
        return Selector((Requirement(key, "In", frozenset({f"{key[0]}{choice.randrange(below)}"})),))

    def peer() -> PolicyPeer:
        kind = choice.randrange(4)
        if kind == 3:
            return PolicyPeer(block=IPBlock(ip_network(f"198.18.{choice.randrange(200)}.0/24")))
        return PolicyPeer(label("app", 5) if kind != 1 else None, label("team", 20) if kind else None)

    def rules() -> tuple[Rule, ...]:
        ports = (
            PolicyPort(Protocol.TCP, 80),
            PolicyPort(Protocol.TCP, "http"),
            PolicyPort(Protocol.TCP, 400, 500),
            PolicyPort(Protocol.UDP),
        )
        return tuple(
            Rule(tuple(peer() for _ in range(choice.randrange(4))), tuple(choice.sample(ports, choice.randrange(3))))
            for _ in range(1 + choice.randrange(2))
        )

    types = [frozenset(each) for each in ({Direction.INGRESS}, {Direction.EGRESS}, set(Direction))]
    return [
        NetworkPolicy(f"n{each % namespaces}", f"p{each}", label("app", 5), choice.choice(types), rules(), rules())
        for each in range(number)
    ]


def measure(pods: int, namespaces: int, policies: int) -> dict[str, float]:
    world, in_force = large_world(pods, namespaces), some_policies(policies, namespaces)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    table = ClassTable(world, in_force)
    for family in Family:
        for port in PORTS:
            table.lane(port.number, port.protocol, family)
    made = time.process_time()
    choice, refs = random.Random(5), list(world.pods)  # noqa: S311 - the same questions every time
    questions = [
        Question(choice.choice(refs), choice.choice(refs), port.number, port.protocol, choice.choice(tuple(Family)))
        for port in choice.choices(PORTS, k=ASKED)
    ]
    asked = time.process_time()
    answers = [table.verdict(question) for question in questions]
    done = time.process_time()
    some = questions[:500]
    if answers[:500] != [each.verdict for each in expected(world, in_force, some).values()]:
        raise SystemExit("the classes do not say what the model says")
    return {
        "classes": len(table.classes),
        "seconds": made - start,
        "per_second": ASKED / (done - asked),
        "world_mb": before / 1024,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(*map(int, sys.argv[1:]))))
        return
    print(f"{'pods':>7} {'namespaces':>10} {'policies':>8} {'classes':>7} {'all lanes':>10} {'answers/s':>10} {'the world':>9} {'peak':>7}")
    for size in (
        (10_000, 200, 1_000),
        (20_000, 200, 1_000),
        (40_000, 200, 1_000),
        (10_000, 100, 500),
        (10_000, 400, 2_000),
        (10_000, 800, 4_000),
    ):
        words = [sys.executable, __file__, *map(str, size)]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        print(
            f"{size[0]:>7} {size[1]:>10} {size[2]:>8} {found['classes']:>7} {found['seconds']:>8.2f} s {found['per_second']:>10,.0f}"
            f" {found['world_mb']:>6.0f} MB {found['peak_mb']:>4.0f} MB"
        )


if __name__ == "__main__":
    main()

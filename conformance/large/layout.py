"""The layout of a large world: teams with namespaces, in which applications of some tiers run."""

from __future__ import annotations

import random
from itertools import cycle, islice

from conformance.scenario.layout import Layout, NamespacePlan, PodPlan
from conformance.size import WorldSize
from conformance.world.place import Port
from conformance.world.verdict import Protocol

TEAMS = ("billing", "search", "shop", "platform", "data")
ENVIRONMENTS = ("stage", "prod", "prod")
TIERS = {
    "web": (Port(8080, name="http"),),
    "api": (Port(8080, name="http"), Port(9090, name="metrics")),
    "db": (Port(5432, name="sql"), Port(9090, name="metrics")),
    "job": (Port(8125, Protocol.UDP, "events"),),
}
"""What the pods of a tier serve."""

_VERSIONS = ("v1", "v1", "v2")


def layout_of(size: WorldSize) -> Layout:
    """Namespaces `n00`, `n01`, … with as many pods each (one more or less), their labels dealt with the seed of the size.

    A namespace has `team` and `env`; a pod `app`, `tier`, `version`, and each tier is there where a namespace has four pods.
    """
    dice = random.Random(f"layout/{size.seed}")  # noqa: S311 - the same labels every time
    digits = len(str(size.namespaces - 1))
    namespaces = {}
    for number in range(size.namespaces):
        count = size.pods // size.namespaces + (number < size.pods % size.namespaces)
        turn = number // len(TEAMS)  # each team has both environments in the end, and each environment is there from the start
        labels = {"team": TEAMS[number % len(TEAMS)], "env": ENVIRONMENTS[(number + 2 * turn) % len(ENVIRONMENTS)]}
        namespaces[f"n{number:0{digits}}"] = NamespacePlan(labels, _pods(count, f"app{number % 7}", dice))
    return Layout(None, namespaces)


def _pods(count: int, app: str, dice: random.Random) -> dict[str, PodPlan]:
    tiers = list(islice(cycle(TIERS), count))
    dice.shuffle(tiers)  # else a tier would be on one node only
    found = {}
    for number, tier in enumerate(tiers):
        labels = {"app": app, "tier": tier, "version": dice.choice(_VERSIONS)}
        found[f"{tier}-{number}"] = PodPlan(labels, TIERS[tier])
    return found

"""Whether a cluster, and this process, has room for the worlds of a run."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Sequence
from itertools import accumulate

from conformance.cluster.contract import NodeFacts
from conformance.scenario.crowd import most_on_a_node
from conformance.scenario.scenario import Scenario
from conformance.settings import Settings
from conformance.size import OTHERS

_FILES = 300
"""Files that a process of a run has open beside a stream for each pod."""


class NoRoom(Exception):
    """The cluster does not hold so many pods. The message says how many, and what to do."""


def make_sure_of_room(there: Iterable[NodeFacts], settings: Settings, together: Sequence[Scenario]) -> None:
    """Whether worlds of these scenarios (the largest first) can stand on the nodes of a cluster at a time. Raises NoRoom."""
    nodes = [node for node in there if node.takes_pods]
    most = pods_held(nodes)
    needed = [most_on_a_node(each, [node.name for node in nodes]) for each in together] if nodes else []
    if most is not None and sum(needed) > most // len(nodes):
        remedy = "remove it and let this run make one" if settings.provider == "kind" else "add nodes, or raise their kubelets' maxPods"
        room = f"this cluster has room for {most} probe pods on {_counted(nodes)}"
        if settings.world:
            raise NoRoom(f"--world {settings.size()}: {room}: ask for fewer, or {remedy}")
        raise NoRoom(f"{_wanted(together, needed, most // len(nodes), room)}, or {remedy}")


def _wanted(together: Sequence[Scenario], needed: Sequence[int], most: int, room: str) -> str:
    """Who needs more than there is, and what helps: one scenario alone, or too many of them at a time."""
    there = f"and {room}, {most} on a node"
    if max(needed) > most:
        name = together[needed.index(max(needed))].name
        return f"{name} has {max(needed)} pods on a node, {there}: leave it out (-k 'not {name}')"
    fitting = sum(total <= most for total in accumulate(needed))
    return f"{len(needed)} processes may have {sum(needed)} pods on a node at a time, {there}: make them fewer (-n {fitting})"


def pods_held(nodes: Iterable[NodeFacts]) -> int | None:
    """How many probe pods fit, as many on each node, beside some of others; None where nobody says."""
    limits = [[limit for limit in (node.room, node.spare) if limit] for node in nodes]
    known = [min(each) for each in limits if each]
    # A small node has few of others: it is not to be refused for what is not there.
    return (min(known) - min(OTHERS, min(known) // 4)) * len(limits) if known else None


def _counted(nodes: list[NodeFacts]) -> str:
    return "its only node" if len(nodes) == 1 else f"its {len(nodes)} nodes"


def allow_files(together: Iterable[Scenario]) -> None:
    """Takes for this process the open files that a world of any of these scenarios needs, as far as it may."""
    wanted = _FILES + max((sum(1 for _ in each.layout.pods()) for each in together), default=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

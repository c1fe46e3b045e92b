"""Whether a cluster, and this process, has room for a large world."""

from __future__ import annotations

import resource
from collections.abc import Iterable

from conformance.cluster.contract import NodeFacts
from conformance.size import OTHERS, WorldSize
from conformance.target import Target
from conformance.world.times import Times

_FILES = 300
"""Files that a process of a run has open beside a stream for each pod."""


class NoRoom(Exception):
    """The cluster does not hold so many pods. The message says how many, and what to do."""


def make_sure_of_room(target: Target, times: Times, size: WorldSize) -> None:
    """Raises NoRoom, BrokenCluster. Takes for this process the open files that it will need, as far as it may."""
    cluster = target.connect(times)
    try:
        nodes = [node for node in cluster.nodes().values() if node.takes_pods]
    finally:
        cluster.close()
    most = pods_held(nodes)
    if most is not None and size.pods > most:
        remedy = "remove it and let this run make one" if target.provider == "kind" else "add nodes, or raise their kubelets' maxPods"
        raise NoRoom(f"--world {size}: this cluster has room for {most} probe pods on {_counted(nodes)}: ask for fewer, or {remedy}")
    _allow_files(size.pods + _FILES)


def pods_held(nodes: Iterable[NodeFacts]) -> int | None:
    """How many probe pods fit, as many on each node, beside some of others; None where nobody says."""
    limits = [[limit for limit in (node.room, node.spare) if limit] for node in nodes]
    known = [min(each) - OTHERS for each in limits if each]
    return max(0, min(known)) * len(limits) if known else None


def _counted(nodes: list[NodeFacts]) -> str:
    return "its only node" if len(nodes) == 1 else f"its {len(nodes)} nodes"


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

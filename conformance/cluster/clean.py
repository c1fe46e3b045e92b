"""Removing what runs have created, by their label; and finding what killed runs have left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from conformance.cluster import apply
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import BrokenRequest, Connection, Document
from conformance.cluster.contract import WorldNames
from conformance.cluster.owner import ANNOTATION, Owner

RUN, WORLD = "cni-conformance/run", "cni-conformance/world"
"""The labels of a namespace that belongs to a run; nothing else is ever removed."""

STALE = 6 * 3600.0
"""Seconds after which a run on another machine counts as over. We cannot see its process, and no run takes that long."""

_POLL = 0.25


class Connected(Protocol):
    """A cluster with its connection."""

    @property
    def connection(self) -> Connection:
        """To the API server."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A run that is over and whose namespaces are still there."""

    run: str
    namespaces: tuple[str, ...]
    because: str

    def __str__(self) -> str:
        count = "1 namespace" if len(self.namespaces) == 1 else f"{len(self.namespaces)} namespaces"
        return f"run {self.run}: {count} ({', '.join(self.namespaces)}): {self.because}"


def remove_world(cluster: Connected, names: WorldNames) -> None:
    """Delete the namespaces of one world. Returns when the API server has accepted it. Raises BrokenCluster."""
    _delete(cluster, f"{RUN}={names.run},{WORLD}={names.world}")


def remove_run(cluster: Connected, run: str) -> None:
    """Delete all namespaces of a run and wait until they are gone.

    Raises BrokenCluster with those that are still there after `times.removal` seconds, and what holds them.
    """
    limit = cluster.connection.times.removal
    deadline = time.monotonic() + limit
    _end_pods(cluster, _delete(cluster, f"{RUN}={run}"))
    while _delete(cluster, f"{RUN}={run}"):
        if time.monotonic() > deadline:
            left = [f"{_name(each)} ({_held_by(each)})" for each in _namespaces(cluster, f"{RUN}={run}")]
            if left:
                raise BrokenCluster(f"namespaces of run {run} are still there after {limit:.0f} s: {', '.join(left)}")
        time.sleep(_POLL)


def leftovers(cluster: Connected, *, known_only: bool = False) -> tuple[Leftover, ...]:
    """The runs that have left namespaces, sorted; with `known_only` without those of which no owner can be read. Raises BrokenCluster.

    A run is over when every process that created its namespaces is. On this machine we look. Of a run elsewhere (or in
    another container) we know only the age: it counts as over after `STALE` seconds.
    """
    by_run: dict[str, list[Document]] = {}
    for namespace in _namespaces(cluster, RUN):
        by_run.setdefault(namespace["metadata"]["labels"][RUN], []).append(namespace)
    found = []
    for run, namespaces in sorted(by_run.items()):
        because = over(namespaces, datetime.now(UTC))
        if because and not (known_only and None in map(_owner, namespaces)):
            found.append(Leftover(run, tuple(sorted(map(_name, namespaces))), because))
    return tuple(found)


def runs(cluster: Connected) -> tuple[str, ...]:
    """All runs that have namespaces, those under way included, sorted. Raises BrokenCluster."""
    return tuple(sorted({each["metadata"]["labels"][RUN] for each in _namespaces(cluster, RUN)}))


def over(namespaces: Iterable[Document], now: datetime) -> str:
    """Why a run with these namespaces is over; "" where it may be under way."""
    is_elsewhere = False
    for namespace in namespaces:
        owner = _owner(namespace)
        is_alive = owner.is_alive() if owner else None
        if is_alive:
            return ""
        if is_alive is None:
            is_elsewhere = True
            age = (now - datetime.fromisoformat(namespace["metadata"]["creationTimestamp"])).total_seconds()
            if age < STALE:
                return ""
    return f"it was started elsewhere more than {STALE / 3600:.0f} hours ago" if is_elsewhere else "the process that created them has ended"


def _owner(namespace: Document) -> Owner | None:
    return Owner.read(namespace["metadata"].get("annotations", {}).get(ANNOTATION, ""))


def _delete(cluster: Connected, selector: str) -> list[Document]:
    """Ask for the removal of all namespaces that are there, and return them."""
    found = _namespaces(cluster, selector)
    for namespace in found:
        if "deletionTimestamp" in namespace["metadata"]:
            continue
        try:
            cluster.connection.call(f"delete namespace {_name(namespace)}", cluster.connection.core.delete_namespace, _name(namespace))
        except BrokenRequest as refusal:
            if refusal.status not in (404, 409):  # gone, or being removed
                raise
    return found


def _end_pods(cluster: Connected, namespaces: Iterable[Document]) -> None:
    """Ask for the removal of the pods in namespaces that go. Kubernetes begins with what is in them 5 s after it was asked: by then the
    pods have ended."""
    connection = cluster.connection
    for name in map(_name, namespaces):
        apply.delete_pods(connection, connection.call(f"list the pods of {name}", connection.core.list_namespaced_pod, name)["items"])


def _namespaces(cluster: Connected, selector: str) -> list[Document]:
    connection = cluster.connection
    found: list[Document] = connection.call("list namespaces", connection.core.list_namespace, label_selector=selector)["items"]
    return found


def _name(namespace: Document) -> str:
    return str(namespace["metadata"]["name"])


def _held_by(namespace: Document) -> str:
    """What the namespace controller says that it still waits for."""
    said = [each.get("message", "") for each in namespace.get("status", {}).get("conditions") or () if each.get("status") == "True"]
    return "; ".join(said) or "no reason given"

"""A bounded load on the plugin, all taken back at its end: policies that come and go, labels that change, short-lived pods."""

from __future__ import annotations

from collections import deque

from conformance.changes.load import AT_ONCE, Load
from conformance.cluster.contract import Document
from conformance.live import LiveWorld
from conformance.scenario.scenario import Churn
from conformance.template.load import GROUPS, SPACE, load_policy

_STANDING = 20
"""Policies that stand at the same time: each new one sends the oldest away."""

_ROOM = 8
"""Places for pods on a node that are left to others."""


def churn(action: Churn, live: LiveWorld) -> None:
    """Does all of it. Raises BrokenCluster; BrokenPlugin where a pod gets no network or an address that another one has."""
    load = Load(live)
    try:
        if action.policies or action.relabels:
            _rules(action, load)
        if action.pods:
            _pods(action.pods, load)
    finally:
        load.end()


def _rules(action: Churn, load: Load) -> None:
    """Policies and labels at their rates. Where the API server is slower than that, there are fewer of them in the time."""
    live, clock = load.live, load.live.cluster.clock
    load.start(live.node("a"), GROUPS)
    began, standing = clock.now(), deque[Document]()
    due = sorted([*_times("policy", action.policies, action.seconds), *_times("labels", action.relabels, action.seconds)])
    for at, what, number in due:
        now = clock.now() - began
        if now > action.seconds:
            break
        clock.wait(max(0.0, at - now))
        if what == "labels":
            _relabel(load, number)
            continue
        standing.append(load_policy(load.names, number))
        live.cluster.apply_policy(standing[-1])
        if len(standing) > _STANDING:
            _delete(standing.popleft(), live)
    for policy in standing:
        _delete(policy, live)


def _times(what: str, a_minute: int, seconds: int) -> list[tuple[float, str, int]]:
    """When each is due, in seconds."""
    return [(number * 60 / a_minute, what, number) for number in range(a_minute * seconds // 60)]


def _delete(policy: Document, live: LiveWorld) -> None:
    live.cluster.delete_policy(policy["metadata"]["namespace"], policy["metadata"]["name"])


def _relabel(load: Load, number: int) -> None:
    """The namespace's label and a pod's in turn."""
    space = load.names.namespace(SPACE)
    if number % 2:
        load.live.cluster.relabel_namespace(space, {"turn": f"t{number % 3}"})
    else:
        load.live.cluster.relabel_pod(space, f"l{number % GROUPS}", {"group": f"g{number // 2 % GROUPS}"})


def _pods(count: int, load: Load) -> None:
    """Pods that live until all of their batch run, one batch after the other, on the first node."""
    live = load.live
    node = live.node("a")
    facts = live.cluster.nodes().get(node)
    there = sum(pod.node == node for pod in live.everybody.pods.values())
    at_once = max(1, min(AT_ONCE, facts.room - there - _ROOM)) if facts and facts.room else AT_ONCE
    while count > 0:
        batch = min(at_once, count)
        load.stop(list(load.start(node, batch)))
        count -= batch

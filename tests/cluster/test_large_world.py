"""A large world on a real cluster, as small as one can be that asks a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import Ended, outcomes

from conformance.cluster.kind_cluster import KindCluster

Run = Callable[..., tuple[Ended, dict[str, Any]]]


def test_a_sized_world_is_measured_by_a_sample(cilium: KindCluster, run: Run) -> None:  # 35 s
    ended, record = run(cilium, "--world", "pods=20,namespaces=4,questions=200", "-k", "teams")

    assert (0, {"teams-across-namespaces": "passed"}) == (ended.code, outcomes(record)), ended.text
    (scenario,) = record["scenarios"]
    assert 200 == len(scenario["questions"])
    assert set(scenario["world"]["pods"]) == {source for source, *_ in scenario["questions"]}
    assert "20 pods in 4 namespaces, 200 of " in record["facts"]["cluster"]["world"]


def test_more_pods_than_a_cluster_holds_are_refused_before_any_is_made(cilium: KindCluster, run: Run) -> None:  # 8 s
    ended, record = run(cilium, "--world", "pods=900,namespaces=90")

    assert (2, {}) == (ended.code, record)
    assert "this cluster has room for 108 probe pods on its 2 nodes: ask for fewer, or remove it and let this run make one" in ended.text

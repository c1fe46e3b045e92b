"""The suite's own load on a cluster: light pods, and policies that mean only them, in a namespace of their own."""

from __future__ import annotations

from typing import Any

from conformance.template.manifest import rendered
from conformance.template.names import Names

SPACE = "load-of-the-suite"
"""The namespace's word; no layout has it, and it goes with the world that it belongs to."""

GROUPS = 5
"""Light pods have one of so many values of the label `group`, so that policies have something to select."""


def load_namespace(names: Names) -> dict[str, Any]:
    """The namespace of a world's load."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.namespace(SPACE), "labels": names.labels}}


def light_pods(names: Names, image: str, node: str, first: int, count: int) -> dict[str, dict[str, Any]]:
    """So many light pods for a node, by reference; their names are numbered from `first`."""
    found = {}
    for number in range(first, first + count):
        labels = {"group": f"g{number % GROUPS}"}
        found[f"{SPACE}/l{number}"] = rendered(
            "light", name=f"l{number}", namespace=names.namespace(SPACE), labels=labels, node=node, image=image
        )
    return found


def load_policy(names: Names, number: int) -> dict[str, Any]:
    """A policy for one group of the load, whose peers are the next group and all pods of a namespace with a label."""
    peers = [
        {"podSelector": {"matchLabels": {"group": f"g{(number + 1) % GROUPS}"}}},
        {"namespaceSelector": {"matchLabels": {"turn": f"t{number % 3}"}}},
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"p{number}", "namespace": names.namespace(SPACE)},
        "spec": {
            "podSelector": {"matchLabels": {"group": f"g{number % GROUPS}"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": peers, "ports": [{"port": 1000 + number % 500, "protocol": "TCP"}]}],
        },
    }

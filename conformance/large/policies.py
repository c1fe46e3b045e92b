"""The policies of a large world, as documents by key: a key is the policy's name and its namespace, `deny-n00`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.scenario.layout import Layout

Document = dict[str, Any]
Policies = dict[str, Document]

_EVERYBODY: Document = {}


def deny_everything(layout: Layout) -> Policies:
    """In each namespace a default deny for both directions."""
    return _each(layout, "deny", {"podSelector": _EVERYBODY, "policyTypes": ["Ingress", "Egress"]})


def tiers(layout: Layout) -> Policies:
    """In each namespace: web for everybody, api for its own web and job, db for its own api, metrics for its own namespace."""
    return {
        **_each(layout, "deny-in", {"podSelector": _EVERYBODY, "policyTypes": ["Ingress"]}),
        **_each(layout, "web", _ingress("web", [], _ports("http"))),
        **_each(layout, "api", _ingress("api", [_tier("web"), _tier("job")], _ports("http"))),
        **_each(layout, "db", _ingress("db", [_tier("api")], _ports(5432))),
        **_each(layout, "metrics", {**_for_all(), "ingress": [{"from": [{"podSelector": _EVERYBODY}], "ports": _ports(9090)}]}),
    }


def teams(layout: Layout) -> Policies:
    """Each namespace takes its own team's pods, and data's jobs from anywhere; v2 of an api only what is in prod."""
    found: Policies = {}
    for name, namespace in layout.namespaces.items():
        own = {"namespaceSelector": {"matchLabels": {"team": namespace.labels["team"]}}}
        jobs = {"namespaceSelector": {"matchLabels": {"team": "data"}}, **_tier("job")}
        prod = {"namespaceSelector": {"matchLabels": {"env": "prod"}}}
        newer = {"matchLabels": {"tier": "api"}, "matchExpressions": [{"key": "version", "operator": "NotIn", "values": ["v1"]}]}
        found |= _each([name], "team", {**_for_all(), "ingress": [{"from": [own]}, {"from": [jobs], "ports": _ports(9090, 8080)}]})
        found |= _each([name], "newer", {"podSelector": newer, "policyTypes": ["Ingress"], "ingress": [{"from": [prod]}]})
    return found


def egress(layout: Layout) -> Policies:
    """In stage nobody leaves the namespace but to stage; a db goes nowhere, wherever it is."""
    stage = [name for name, namespace in layout.namespaces.items() if namespace.labels["env"] == "stage"]
    peers = [{"podSelector": _EVERYBODY}, {"namespaceSelector": {"matchLabels": {"env": "stage"}}, **_tier("web")}]
    inside = {"podSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]}, "policyTypes": ["Egress"]}
    return {
        **_each(stage, "inside", {**inside, "egress": [{"to": peers}]}),
        **_each(layout, "db-out", {"podSelector": {"matchLabels": {"tier": "db"}}, "policyTypes": ["Egress"], "egress": []}),
    }


def _each(names: Iterable[str] | Layout, key: str, spec: Document) -> Policies:
    """The same policy in each of these namespaces."""
    every = names.namespaces if isinstance(names, Layout) else names
    return {
        f"{key}-{name}": {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": key, "namespace": name},
            "spec": spec,
        }
        for name in every
    }


def _ingress(tier: str, peers: list[Document], ports: list[Document]) -> Document:
    rule: Document = {"ports": ports, **({"from": peers} if peers else {})}
    return {"podSelector": {"matchLabels": {"tier": tier}}, "policyTypes": ["Ingress"], "ingress": [rule]}


def _for_all() -> Document:
    return {"podSelector": _EVERYBODY, "policyTypes": ["Ingress"]}


def _tier(tier: str) -> Document:
    return {"podSelector": {"matchLabels": {"tier": tier}}}


def _ports(*ports: int | str) -> list[Document]:
    return [{"port": port, "protocol": "TCP"} for port in ports]

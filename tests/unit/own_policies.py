"""Manifests for the tests of people's own policies: short ones as texts, and those of a layout of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.manifests.inventory import Inventory
from conformance.manifests.reading import Gathered, read_bytes, read_documents
from conformance.manifests.taking import inventory
from conformance.scenario.fictive import fictive_world
from conformance.scenario.layout import Layout, PodPlan, ServiceKind, ServicePlan
from conformance.scenario.policies import policy_document
from conformance.scenario.scenario import Scenario
from conformance.world.verdict import Family, Protocol

EXAMPLE = Path(__file__).parents[2] / "fixtures" / "examples" / "three-tiers"
"""The example application: application.yaml, policies.yaml, and mistake.yaml."""


def read(*texts: str, namespaces: tuple[str, ...] = ()) -> Inventory:
    """The inventory of texts without faults; they are called 1.yaml, 2.yaml …"""
    gathered = Gathered()
    for number, text in enumerate(texts, 1):
        read_bytes(Path(f"{number}.yaml"), text.encode(), gathered)
    found, faults = inventory(gathered, namespaces)
    assert () == faults
    return found


def workload(ref: str, labels: str = "", ports: str = "", kind: str = "Deployment", **spec: Any) -> str:
    """A document: `workload("shop/api", "app: api", "http=8080/TCP 9090/TCP")`."""
    namespace, _, name = ref.partition("/")
    declared = ", ".join(_port(each) for each in ports.split())
    more = "".join(f"\n      {key}: {value}" for key, value in spec.items() if key != "replicas")
    replicas = f"\n  replicas: {spec['replicas']}" if "replicas" in spec else ""
    return f"""---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:{replicas}
  template:
    metadata: {{labels: {{{labels}}}}}
    spec:{more}
      containers: [{{name: main, ports: [{declared}]}}]
"""


def _port(text: str) -> str:
    name, _, plain = text.rpartition("=")
    number, _, protocol = plain.partition("/")
    return f"{{{f'name: {name}, ' if name else ''}containerPort: {number}, protocol: {protocol or 'TCP'}}}"


def namespace(name: str, labels: str = "") -> str:
    """A document."""
    return f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


def policy(ref: str, spec: str) -> str:
    """A document; `spec` is YAML in flow style, or lines that are indented by two."""
    space, _, name = ref.partition("/")
    body = f"\n{spec}" if spec.startswith("  ") else f" {spec}"
    return f"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {space}}}\nspec:{body}\n"


def of_scenario(scenario: Scenario) -> Inventory:
    """What a scenario of the catalogue has, as if it were somebody's own: all policies of the file together."""
    gathered = Gathered()
    read_documents(_documents(scenario.layout), gathered)
    world = fictive_world(scenario.layout)
    documents = {}
    for text in scenario.policies.values():
        document = policy_document(text, world, Family)
        documents[document["metadata"]["namespace"], document["metadata"]["name"]] = dict(document)
    read_documents(documents.values(), gathered)
    found, faults = inventory(gathered)
    assert () == faults
    return found


def _documents(layout: Layout) -> Iterator[dict[str, Any]]:
    for name, space in layout.namespaces.items():
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(space.labels)}}
        for pod, plan in space.pods.items():
            yield _pod(name, pod, plan)
        for service, each in space.services.items():
            yield _service(name, service, each)


def _pod(space: str, name: str, plan: PodPlan) -> dict[str, Any]:
    ports = [
        {"containerPort": port.number, "protocol": str(port.protocol), **({"name": port.name} if port.name else {})}
        for port in plan.serves
        if port.protocol is not Protocol.ICMP
    ]
    spec = {"hostNetwork": plan.is_host_network, "containers": [{"name": "probe", "ports": ports}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space, "labels": dict(plan.labels)}, "spec": spec}


def _service(space: str, name: str, plan: ServicePlan) -> dict[str, Any]:
    ports = [{"port": port.number, "protocol": str(port.protocol), "targetPort": port.target} for port in plan.ports]
    head = {"clusterIP": "None"} if plan.kind is ServiceKind.HEADLESS else {}
    spec = {"selector": dict(plan.selects), "ports": ports, **head}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec}

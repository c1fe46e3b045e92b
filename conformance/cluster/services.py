"""Services of a world: created, and what the cluster gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from conformance.cluster.apply import create_object, delete_object
from conformance.cluster.connection import Connection, Document
from conformance.cluster.contract import ServiceFacts
from conformance.world.verdict import Protocol


def create(connection: Connection, services: Mapping[str, Document]) -> dict[str, ServiceFacts]:
    """Create Services (manifests by reference); the API server chooses addresses and node ports at once. Raises BrokenCluster."""
    return {ref: facts(_create(connection, service)) for ref, service in services.items()}


def remove(connection: Connection, services: Iterable[Document]) -> None:
    """Delete Services. They are gone when the API server has accepted it. Raises BrokenCluster."""
    for service in services:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        delete_object(connection, f"delete Service {namespace}/{name}", connection.core.delete_namespaced_service, name, namespace)


def facts(service: Document) -> ServiceFacts:
    """What a Service, as the API server has it, was given."""
    given = service["spec"].get("clusterIPs") or ()
    ports = service["spec"].get("ports") or ()
    return ServiceFacts(
        tuple(ip_address(each) for each in given if each != "None"),
        {(each["port"], Protocol(each.get("protocol", "TCP"))): each["nodePort"] for each in ports if each.get("nodePort")},
    )


def _create(connection: Connection, service: Document) -> Document:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    made = create_object(connection, f"create Service {namespace}/{name}", connection.core.create_namespaced_service, namespace, service)
    return made or connection.call(f"read Service {namespace}/{name}", connection.core.read_namespaced_service, name, namespace)

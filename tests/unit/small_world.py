"""Small worlds for tests: pods on one line each."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from conformance.world.place import OUTSIDE, Namespace, OutsideHost, Pod, Port, World
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Protocol

WEB = (Port(80),)


def pod(ref: str, number: int, *, node: str = "a", serves: Iterable[Port] = WEB, **labels: str) -> Pod:
    namespace, _, name = ref.partition("/")
    addresses = (ip_address(f"10.244.0.{number}"), ip_address(f"fd00:10::{number:x}"))
    return Pod(ref, f"real-{namespace}", name, labels, tuple(serves), addresses, node)


def host(name: str, number: int, *, serves: Iterable[Port] = WEB, can_ask: bool = True) -> OutsideHost:
    addresses = (ip_address(f"198.18.{number}.1"), ip_address(f"fd00:18:{number}::1"))
    return OutsideHost(f"{OUTSIDE}/{name}", tuple(serves), addresses, can_ask)


def world(*places: Pod | OutsideHost, **namespaces: dict[str, str]) -> World:
    """A world of these places; labels of namespaces by reference."""
    pods = {each.ref: each for each in places if isinstance(each, Pod)}
    refs = dict.fromkeys(ref.partition("/")[0] for ref in pods)
    found = {ref: Namespace(ref, f"real-{ref}", {**namespaces.get(ref, {}), "kubernetes.io/metadata.name": f"real-{ref}"}) for ref in refs}
    return World(found, pods, {each.ref: each for each in places if isinstance(each, OutsideHost)})


def policy(ref: str, **spec: Any) -> NetworkPolicy:
    """A policy by `namespace/name` (the world's word for the namespace)."""
    namespace, _, name = ref.partition("/")
    return NetworkPolicy.from_document(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": f"real-{namespace}"},
            "spec": spec,
        }
    )


def in_host_network(place: Pod) -> Pod:
    return replace(place, is_host_network=True)


SCTP, ICMP = (Port(80, Protocol.SCTP),), (Port(0, Protocol.ICMP),)

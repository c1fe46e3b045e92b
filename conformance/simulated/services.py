"""Services of the test bench: their addresses and node ports, and the name servers that know them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import count

from conformance.cluster.contract import Document, ServiceFacts
from conformance.simulated import ground
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.nouns import Service, family_of, parsed
from conformance.simulated.plane import Plane
from conformance.simulated.pods import Phase, Pod
from conformance.world.place import Pod as PodNoun
from conformance.world.place import Port
from conformance.world.verdict import Family, Protocol

SYSTEM, DNS = "kube-system", {"k8s-app": "kube-dns"}
"""The name servers' namespace and labels."""

REQUEST = 0.001
"""Seconds that a request takes."""


class Services:
    """The API server's Services; `pods` gives all pods that there are."""

    def __init__(self, plane: Plane, clock: SimulatedClock, pods: Callable[[], Iterable[Pod]]) -> None:
        self._plane, self._clock, self._pods = plane, clock, pods
        self._services: dict[tuple[str, str], Service] = {}
        self._places = count(ground.NAME_SERVER + 1)

    def create(self, document: Document) -> ServiceFacts:
        """Creates one from its manifest, with addresses and node ports of its own."""
        self._clock.wait(REQUEST)
        metadata, spec, place = document["metadata"], document["spec"], next(self._places)
        has_address = spec.get("clusterIP") != "None"
        addresses = tuple(str(network[place]) for network in ground.SERVICE_RANGES) if has_address else ()
        has_node_ports = spec.get("type") == "NodePort"
        ports = []
        for port in spec.get("ports") or ():
            node_port = port.get("nodePort") or (ground.FIRST_NODE_PORT + next(self._places) if has_node_ports else None)
            ports.append((port["port"], Protocol(port.get("protocol", "TCP")), port.get("targetPort", port["port"]), node_port))
        self.serve(Service(metadata["namespace"], metadata["name"], spec.get("selector") or {}, tuple(ports), addresses))
        given = {(number, protocol): node_port for number, protocol, _, node_port in ports if node_port is not None}
        return ServiceFacts(tuple(map(parsed, addresses)), given)

    def serve(self, service: Service) -> None:
        """From now on it is there."""
        self._services[service.namespace, service.name] = service
        self._plane.service_changed(service)

    def remove(self, namespace: str, name: str) -> None:
        """Removes one, if it is there."""
        self._clock.wait(REQUEST)
        if self._services.pop((namespace, name), None):
            self._plane.service_deleted(namespace, name)

    def drop(self, namespace: str) -> None:
        """Forgets those of a namespace that goes; the plugin hears of the namespace."""
        self._services = {key: service for key, service in self._services.items() if key[0] != namespace}

    def resolve(self, name: str, family: Family) -> str | None:
        """What a name server says: `web.shop.svc.cluster.local` is a Service's address, of a headless one those of its pods."""
        words = name.split(".")
        service = self._services.get((words[1], words[0])) if len(words) > 1 else None
        if service is None:
            return None
        if service.addresses:
            return next((each for each in service.addresses if family_of(each) is family), None)
        for pod in self._pods():
            is_meant = pod.spec.namespace == service.namespace and service.selects.items() <= pod.labels.items()
            if is_meant and pod.phase is Phase.READY:
                return next((each for each in pod.addresses if family_of(each) is family), None)
        return None


def name_servers() -> dict[str, Document]:
    """The manifests of the name servers' pods, by name: two on the control plane, as kubeadm places them."""
    pods = {}
    for name in ("coredns-0", "coredns-1"):
        config = json.dumps({"identity": f"{SYSTEM}/{name}", "serves": [[53, "UDP"], [53, "TCP"]]})
        ports = [{"containerPort": 53, "protocol": protocol, "name": port} for protocol, port in (("UDP", "dns"), ("TCP", "dns-tcp"))]
        pods[name] = {
            "metadata": {"namespace": SYSTEM, "name": name, "labels": DNS},
            "spec": {"nodeName": ground.CONTROL_PLANE, "containers": [{"command": [config], "ports": ports}]},
        }
    return pods


def name_server(pod: Pod) -> PodNoun:
    """A name server's pod as the model knows it."""
    spec, ports = pod.spec, (Port(53, Protocol.UDP, "dns"), Port(53, Protocol.TCP, "dns-tcp"))
    return PodNoun(
        f"{spec.namespace}/{spec.name}", spec.namespace, spec.name, pod.labels, ports, tuple(map(parsed, pod.addresses)), spec.node
    )

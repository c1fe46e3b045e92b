"""What the plugin knows, and what it does when something changes. Faults over time override these methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from conformance.simulated.clock import Action, SimulatedClock
from conformance.simulated.nouns import Endpoint, PodSpec, Service
from conformance.world.policy import NetworkPolicy
from conformance.world.verdict import Direction, Protocol

Document = Mapping[str, Any]
Key = tuple[str, str]


SPARE = 60
"""Addresses that a node has for its pods: few, so that they come again soon."""


class NoNetwork(Exception):
    """The plugin cannot give a pod a network. The text says why."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node: its own addresses and the ranges of its pods."""

    name: str
    addresses: tuple[str, ...]
    ranges: tuple[IPv4Network | IPv6Network, ...]


class Knowledge:
    """Everything that was told to the plugin, brought up to date at once.

    `owners` says whose an address is for policies, `routes` where packets to it go. `version` grows with every change that can
    change an answer; `isolated` remembers, until the next one, who is isolated by which policies.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock, self.version = clock, 0
        self.nodes: dict[str, NodeSpec] = {}
        self.namespaces: dict[str, Mapping[str, str]] = {}
        self.annotations: dict[str, Mapping[str, str]] = {}
        self.endpoints: dict[int, Endpoint] = {}
        self.owners: dict[str, Endpoint] = {}
        self.routes: dict[str, Endpoint] = {}
        self.services: dict[Key, Service] = {}
        self.policies: dict[Key, NetworkPolicy] = {}
        self.given: set[str] = set()
        self.spare = SPARE
        self.isolated: dict[tuple[int, Direction], Sequence[NetworkPolicy]] = {}

    def changed(self) -> None:
        """Answers may be others from now on."""
        self.version += 1
        self.isolated = {}

    def later(self, seconds: float, action: Action) -> None:
        """Does something in so many seconds; answers may be others then."""

        def act() -> None:
            action()
            self.changed()

        self.clock.later(seconds, act)

    # --- nodes and namespaces ---

    def node_added(self, node: NodeSpec) -> None:
        """A node has joined. Its own addresses belong to nobody but it."""
        self.nodes[node.name] = node
        self.changed()

    def namespace_changed(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """A namespace is new, or has other labels or annotations."""
        self.namespaces[name], self.annotations[name] = labels, annotations
        self.changed()

    def namespace_deleted(self, name: str) -> None:
        """A namespace has gone, and its policies and Services with it."""
        self.namespaces.pop(name, None)
        self.annotations.pop(name, None)
        self.policies = {key: policy for key, policy in self.policies.items() if policy.namespace != name}
        self.services = {key: service for key, service in self.services.items() if key[0] != name}
        self.changed()

    # --- pods ---

    def host_added(self, spec: PodSpec) -> None:
        """A host outside the cluster is there."""
        host = self.endpoints[spec.uid] = Endpoint(spec, self.clock.now())
        self.routes.update(dict.fromkeys(host.addresses, host))
        self.changed()

    def pod_pending(self, spec: PodSpec) -> None:
        """A pod's object is there; it has no address yet."""

    def pod_started(self, spec: PodSpec) -> tuple[str, ...]:
        """CNI ADD: the pod's addresses. Its first process starts when this has returned. Raises NoNetwork."""
        pod = self.endpoints[spec.uid] = Endpoint(spec, self.clock.now())
        if pod.is_host_network:
            pod.addresses = self.nodes[pod.node].addresses
        else:
            pod.addresses = self.give(pod)
            self.routes.update(dict.fromkeys(pod.addresses, pod))
            self.own(pod)
        self.changed()
        return pod.addresses

    def own(self, pod: Endpoint) -> None:
        """From now on the pod's addresses stand for it in policies."""
        self.owners.update(dict.fromkeys(pod.addresses, pod))

    def disown(self, pod: Endpoint) -> None:
        """The pod's addresses stand for it no longer."""
        for address in pod.addresses:
            if self.owners.get(address) is pod:
                del self.owners[address]

    def pod_listens(self, uid: int, ports: frozenset[tuple[int, Protocol]]) -> None:
        """A pod's main process serves these ports. Nothing that a plugin would hear of."""
        self.endpoints[uid].listening = ports
        self.changed()

    def pod_ready(self, uid: int) -> None:
        """A pod is Ready: it stands behind its Services."""
        self.endpoints[uid].is_ready = True
        self.changed()

    def pod_labelled(self, uid: int, labels: Mapping[str, str]) -> None:
        """A pod has other labels."""
        self.endpoints[uid].labels = labels
        self.changed()

    def pod_ended(self, uid: int) -> None:
        """CNI DEL: a pod's processes have ended and its network goes; its object may stay."""
        pod = self.endpoints.pop(uid)
        self.disown(pod)
        if not pod.is_host_network:
            for address in pod.addresses:
                if self.routes.get(address) is pod:
                    del self.routes[address]
            self.take_back(pod)
        self.changed()

    def pod_deleted(self, spec: PodSpec) -> None:
        """A pod's object has gone; its processes ended before."""

    def give(self, pod: Endpoint) -> tuple[str, ...]:
        """The lowest free address of each range of its node. Raises NoNetwork."""
        found = []
        for network in self.nodes[pod.node].ranges:
            # The first two addresses are the network's and the gateway's; the others are spare for pods.
            address = next((each for number in range(2, self.spare + 2) if (each := str(network[number])) not in self.given), None)
            if address is None:
                raise NoNetwork(f"node {pod.node} has no free address in {network}")
            found.append(address)
        self.given.update(found)
        return tuple(found)

    def take_back(self, pod: Endpoint) -> None:
        """The pod's addresses are free again."""
        self.given.difference_update(pod.addresses)

    # --- Services and policies ---

    def service_changed(self, service: Service) -> None:
        """A Service is new or changed."""
        self.services[service.namespace, service.name] = service
        self.changed()

    def service_deleted(self, namespace: str, name: str) -> None:
        """A Service has gone."""
        self.services.pop((namespace, name), None)
        self.changed()

    def key_of(self, namespace: str, name: str) -> Key:
        """The name under which the plugin keeps a policy."""
        return namespace, name

    def compiled(self, document: Document) -> NetworkPolicy:
        """What the plugin makes of a policy's text."""
        return NetworkPolicy.from_document(document)

    def policy_applied(self, document: Document) -> None:
        """A policy is new or changed."""
        policy = self.compiled(document)
        self.policies[self.key_of(policy.namespace, policy.name)] = policy
        self.changed()

    def policy_deleted(self, namespace: str, name: str) -> None:
        """A policy has gone."""
        self.policies.pop(self.key_of(namespace, name), None)
        self.changed()

    # --- trouble ---

    def plugin_restarted(self) -> None:
        """The plugin's agents were ended, and are there again. What the kernel holds stays as it was."""
        self.changed()

    def node_restarted(self, node: str) -> None:  # noqa: ARG002 - faults look at it
        """A node was restarted; its pods were ended before and are started after this."""
        self.changed()

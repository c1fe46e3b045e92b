"""A cluster under test in memory: the API server's part. The data plane is the plane's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import BrokenPlugin, Document, Facts, NodeFacts, Pods, ServiceFacts, WorldNames
from conformance.cluster.hosts import HostAccess
from conformance.cluster.streams import BrokenStream
from conformance.simulated import ground
from conformance.simulated.agent import Agent, AgentStream, Asker
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.nouns import PodSpec, Service, parsed
from conformance.simulated.plane import Plane
from conformance.simulated.pods import Kubelet, Phase, Pod, spec_of
from conformance.simulated.services import DNS, REQUEST, SYSTEM, Services, name_server, name_servers
from conformance.template.names import LABEL_RUN, LABEL_WORLD
from conformance.world.place import Observed
from conformance.world.place import Pod as PodNoun
from conformance.world.policy import NetworkPolicy
from conformance.world.times import Times
from conformance.world.verdict import Protocol

NAME_LABEL = "kubernetes.io/metadata.name"
_LOOK = 0.05
_PODS_OF_A_NODE = 50


class SimulatedCluster:
    """See ClusterUnderTest. `make_plane` makes the plugin: a faultless one, or one with a fault. Each node takes `pods` at least."""

    inspection = None

    def __init__(self, make_plane: Callable[[SimulatedClock], Plane], times: Times, pods: int = 0) -> None:
        self.clock, self._times = SimulatedClock(), times
        self.plane = make_plane(self.clock)
        self._more = max(0, pods - _PODS_OF_A_NODE)
        self.plane.spare += self._more
        self._nodes = {node.name: node for node in ground.nodes(self.plane.spare)}
        self._namespaces: dict[str, Document] = {}
        self._pods: dict[tuple[str, str], Pod] = {}
        self._uids = count(1)
        self._services = Services(self.plane, self.clock, lambda: self._pods.values())
        self._resolver = str(ground.SERVICE_RANGES[0][ground.NAME_SERVER])
        self._kubelet = Kubelet(self.plane, self.clock, self._resolver, self._services.resolve, self._gone)
        for node in self._nodes.values():
            self.plane.node_added(node)
        self._start_name_servers()

    def _start_name_servers(self) -> None:
        self._create_namespace({"metadata": {"name": SYSTEM}})
        pods = name_servers()
        self.create_pods(pods)
        self.pods_ready(pods)
        addresses = tuple(str(network[ground.NAME_SERVER]) for network in ground.SERVICE_RANGES)
        ports = ((53, Protocol.UDP, 53, None), (53, Protocol.TCP, 53, None))
        self._services.serve(Service(SYSTEM, "kube-dns", DNS, ports, addresses))

    # --- what is known ---

    def close(self) -> None:
        """See ClusterUnderTest."""

    def facts(self) -> Facts:
        """See ClusterUnderTest."""
        return Facts("simulated", "in memory", "simulated", self.nodes())

    def nodes(self) -> dict[str, NodeFacts]:
        """See ClusterUnderTest."""
        return {
            node.name: NodeFacts(
                node.name,
                tuple(map(parsed, node.addresses)),
                is_ready=True,
                takes_pods=node.name in ground.WORKERS,
                room=_PODS_OF_A_NODE + self._more,
                spare=self.plane.spare,
            )
            for node in self._nodes.values()
        }

    def name_servers(self) -> tuple[PodNoun, ...]:
        """See ClusterUnderTest."""
        return tuple(name_server(pod) for (namespace, _), pod in self._pods.items() if namespace == SYSTEM)

    def policies_of(self, namespace: str) -> tuple[NetworkPolicy, ...]:
        """See ClusterUnderTest."""
        return tuple(policy for policy in self.plane.policies.values() if policy.namespace == namespace)

    def missing_rights(self) -> list[str]:
        """See ClusterUnderTest."""
        return []

    # --- worlds and pods ---

    def create_world(self, namespaces: tuple[Document, ...], pods: Pods) -> None:
        """See ClusterUnderTest."""
        for namespace in namespaces:
            self._create_namespace(namespace)
        self.create_pods(pods)

    def _create_namespace(self, namespace: Document) -> None:
        self.clock.wait(REQUEST)
        metadata = namespace["metadata"]
        name = metadata["name"]
        if name in self._namespaces:
            raise BrokenCluster(f"cannot create namespace {name}: it is there already (409)")
        labels = {**(metadata.get("labels") or {}), NAME_LABEL: name}
        self._namespaces[name] = {"labels": labels, "annotations": dict(metadata.get("annotations") or {})}
        self.plane.namespace_changed(name, labels, {})

    def remove_world(self, names: WorldNames) -> None:
        """See ClusterUnderTest."""
        self._remove({LABEL_RUN: names.run, LABEL_WORLD: names.world})

    def remove_run(self, run: str) -> None:
        """See ClusterUnderTest."""
        self._remove({LABEL_RUN: run})

    def _remove(self, labels: Mapping[str, str]) -> None:
        gone = [name for name, each in self._namespaces.items() if all(each["labels"].get(key) == value for key, value in labels.items())]
        for name in gone:
            del self._namespaces[name]
            self._end([pod for (namespace, _), pod in self._pods.items() if namespace == name])
            self._services.drop(name)
        self.clock.wait(1.0)
        for name in gone:
            self.plane.namespace_deleted(name)

    def create_pods(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        for document in pods.values():
            self.clock.wait(REQUEST)
            key = document["metadata"]["namespace"], document["metadata"]["name"]
            if key in self._pods:
                raise BrokenCluster(f"cannot create pod {'/'.join(key)}: it is there already (409)")
            spec = spec_of(document, next(self._uids), self._node_for(document))
            pod = self._pods[key] = Pod(spec, document, dict(spec.labels))
            self._kubelet.create(pod)

    def _node_for(self, document: Document) -> str:
        spec = document["spec"]
        wanted: str | None = spec.get("nodeName") or (spec.get("nodeSelector") or {}).get("kubernetes.io/hostname")
        load = {name: sum(pod.spec.node == name for pod in self._pods.values()) for name in ground.WORKERS}
        return wanted or min(load, key=lambda name: load[name])

    def pods_ready(self, pods: Pods) -> dict[str, Observed]:
        """See ClusterUnderTest."""
        self._until(pods, lambda pod: pod.phase is Phase.READY, "does not run")
        return {ref: self._checked(self._pod(document)) for ref, document in pods.items()}

    def _checked(self, pod: Pod) -> Observed:
        if not pod.spec.is_host_network:
            for other in self._pods.values():
                is_twin = other is not pod and other.has_network and not other.spec.is_host_network
                if is_twin and (both := set(other.addresses) & set(pod.addresses)):
                    raise BrokenPlugin(f"{'/'.join(_key(pod))} and {'/'.join(_key(other))} have the same address {', '.join(sorted(both))}")
        return _observed(pod)

    def delete_pods(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        found = [self._pods.get(_name(document)) for document in pods.values()]
        self._end([pod for pod in found if pod is not None])

    def pods_gone(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        self._until(pods, lambda pod: pod.phase is Phase.GONE, "does not go")

    def pods_completed(self, pods: Pods) -> None:
        """See ClusterUnderTest."""
        self._until(pods, lambda pod: pod.phase is Phase.COMPLETED, "does not end")

    def _until(self, pods: Pods, is_so: Callable[[Pod], bool], what: str) -> None:
        """Waits until something holds for these pods, those that are gone left out."""
        until = self.clock.now() + self._times.pods
        while True:
            waiting = [pod for document in pods.values() if (pod := self._pods.get(_name(document))) and not is_so(pod)]
            if not waiting:
                return
            broken = next((pod for pod in waiting if pod.why_not), None)
            if broken is not None:
                raise BrokenPlugin(f"pod {'/'.join(_key(broken))} {what}: {broken.why_not}")
            if self.clock.now() > until:
                raise BrokenCluster(f"pod {'/'.join(_key(waiting[0]))} {what} after {self._times.pods:.0f} s")
            self.clock.wait(_LOOK)

    def _end(self, pods: Sequence[Pod]) -> None:
        for pod in pods:
            self.clock.wait(REQUEST)
            self._kubelet.end(pod, Phase.GONE)

    def _gone(self, pod: Pod) -> None:
        if self._pods.get(_key(pod)) is pod:
            del self._pods[_key(pod)]

    def _pod(self, document: Document) -> Pod:
        pod = self._pods.get(_name(document))
        if pod is None:
            raise BrokenCluster(f"pod {'/'.join(_name(document))} is gone")
        return pod

    def state_of_pod(self, namespace: str, name: str, patience: float) -> str:  # noqa: ARG002 - the contract's
        """See ClusterUnderTest."""
        pod = self._pods.get((namespace, name))
        if pod is None:
            return f"pod {namespace}/{name} is gone: somebody deleted it"
        return "" if pod.phase is Phase.READY else f"pod {namespace}/{name} is {pod.phase}"

    def init_report(self, namespace: str, name: str) -> str:
        """See ClusterUnderTest."""
        pod = self._pods.get((namespace, name))
        return pod.last_words if pod else ""

    def attach(self, namespace: str, name: str) -> AgentStream:
        """See ClusterUnderTest."""
        pod = self._pods.get((namespace, name))
        if pod is None or pod.agent is None or pod.agent.is_over:
            raise BrokenStream(f"cannot attach to pod {namespace}/{name}: nothing runs in it")
        return AgentStream(pod.agent)

    def run_on_host(self, access: HostAccess, program: Sequence[str]) -> AgentStream:
        """See ClusterUnderTest."""
        config: dict[str, Any] = json.loads(program[-1])
        uid, addresses = next(self._uids), tuple(config["bind"])
        self.plane.host_added(PodSpec(uid, "", access.name, identity=config["identity"], is_outside=True, addresses=addresses))
        asker = Asker(uid, self.plane, self._resolver, self._services.resolve)
        agent = Agent(asker, config, self.clock, addresses, lambda: self.plane.pod_ended(uid))
        self.plane.pod_listens(uid, agent.serves)
        return AgentStream(agent)

    # --- Services and policies ---

    def create_services(self, services: Mapping[str, Document]) -> dict[str, ServiceFacts]:
        """See ClusterUnderTest."""
        return {ref: self._services.create(document) for ref, document in services.items()}

    def remove_services(self, services: Mapping[str, Document]) -> None:
        """See ClusterUnderTest."""
        for document in services.values():
            self._services.remove(*_name(document))

    def apply_policy(self, policy: Document) -> None:
        """See ClusterUnderTest."""
        self.clock.wait(REQUEST)
        self.plane.policy_applied(policy)

    def delete_policy(self, namespace: str, name: str) -> None:
        """See ClusterUnderTest."""
        self.clock.wait(REQUEST)
        self.plane.policy_deleted(namespace, name)

    def relabel_pod(self, namespace: str, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        self.clock.wait(REQUEST)
        pod = self._pod({"metadata": {"namespace": namespace, "name": name}})
        pod.labels = _merged(pod.labels, changes)
        if pod.has_network:
            self.plane.pod_labelled(pod.spec.uid, pod.labels)

    def relabel_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        self._change_namespace(name, "labels", changes)

    def annotate_namespace(self, name: str, changes: Mapping[str, str | None]) -> None:
        """See ClusterUnderTest."""
        self._change_namespace(name, "annotations", changes)

    def _change_namespace(self, name: str, what: str, changes: Mapping[str, str | None]) -> None:
        self.clock.wait(REQUEST)
        namespace = self._namespaces[name]
        namespace[what] = _merged(namespace[what], changes)
        self.plane.namespace_changed(name, namespace["labels"], namespace["annotations"])

    # --- trouble ---

    def restart_plugin(self) -> None:
        """See ClusterUnderTest."""
        self.plane.plugin_restarted()
        self.clock.wait(2.0)

    def restart_node(self, name: str) -> None:
        """See ClusterUnderTest."""
        pods = [pod for pod in self._pods.values() if pod.spec.node == name]
        self._end(pods)
        self.clock.wait(1.0)
        self.plane.node_restarted(name)
        self.clock.wait(5.0)


def _name(document: Document) -> tuple[str, str]:
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _key(pod: Pod) -> tuple[str, str]:
    return pod.spec.namespace, pod.spec.name


def _observed(pod: Pod) -> Observed:
    return Observed(tuple(map(parsed, pod.addresses)), pod.spec.node)


def _merged(old: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**old, **changes}.items() if value is not None}

"""Pods of the test bench: from a manifest to a process that runs, and to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from conformance.cluster.contract import Document
from conformance.simulated.agent import INIT_LEAST, INIT_MOST, Agent, Asker, Resolve, Starts, line_of
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.knowledge import NoNetwork
from conformance.simulated.nouns import PodSpec
from conformance.simulated.plane import Plane
from conformance.world.place import Port
from conformance.world.verdict import Protocol

ADD, PROCESS, DELETE = 0.3, 0.2, 0.05
"""Seconds until a new pod has its network, from there until its process listens, and until an ended one has lost its network."""

_LOOK = 0.1


class Phase(StrEnum):
    """How far a pod is."""

    PENDING = "Pending"
    RUNNING = "Running"
    READY = "Ready"
    COMPLETED = "Succeeded"
    GONE = "gone"


@dataclass
class Pod:
    """A pod's object and what runs for it. `why_not`: why it got no network."""

    spec: PodSpec
    document: Document
    labels: dict[str, str]
    phase: Phase = Phase.PENDING
    addresses: tuple[str, ...] = ()
    agent: Agent | None = None
    last_words: str = ""
    why_not: str = ""
    has_network: bool = False
    is_deleted: bool = field(default=False)


class Kubelet:
    """Starts and ends the processes of pods, in the order and with the events of a real one."""

    def __init__(self, plane: Plane, clock: SimulatedClock, resolver: str, resolve: Resolve, gone: Callable[[Pod], None]) -> None:
        self._plane, self._clock, self._resolver, self._resolve, self._gone = plane, clock, resolver, resolve, gone

    def create(self, pod: Pod) -> None:
        """A pod's object is there."""
        self._plane.pod_pending(pod.spec)
        if pod.spec.node in self._plane.nodes:  # else no node takes it
            self._clock.later(ADD, lambda: self._add(pod))

    def end(self, pod: Pod, phase: Phase) -> None:
        """A pod's process ends; its network goes a little later, and its object where it was deleted."""
        if pod.agent is not None:
            pod.agent.close()
        pod.is_deleted = pod.is_deleted or phase is Phase.GONE
        pod.why_not = ""  # that it got no network matters no more
        self._clock.later(DELETE, lambda: self._del(pod, phase))

    def _add(self, pod: Pod) -> None:
        if pod.is_deleted:
            return
        try:
            pod.addresses = self._plane.pod_started(pod.spec)
        except NoNetwork as fault:
            pod.why_not = str(fault)
            return
        pod.has_network, pod.phase = True, Phase.RUNNING
        config = _config(pod.document["spec"].get("initContainers") or ())
        if config is not None:
            self._initialize(pod, config)
        else:
            self._start(pod)

    def _initialize(self, pod: Pod, config: Mapping[str, Any]) -> None:
        """The init container's life: it tries until all that is to be reached was, and leaves its report."""
        first = config["first"]
        asker = Asker(pod.spec.uid, self._plane, self._resolver, self._resolve)
        starts = Starts(asker, self._clock, [line_of(words) for words in first["ask"]], first.get("every", 0.05))
        began = self._clock.now()

        def look() -> None:
            lasted = self._clock.now() - began
            if lasted < INIT_LEAST or (lasted < INIT_MOST and not all(starts.counts[place][1] for place in first.get("allowed", ()))):
                self._clock.later(_LOOK, look)
                return
            pod.last_words = json.dumps({"starts": starts.report()})
            self._start(pod)

        look()

    def _start(self, pod: Pod) -> None:
        """The main process: asks from its first instant, listens a little later, and is ready then."""
        if pod.is_deleted:
            return
        config = _config(pod.document["spec"]["containers"])
        if config is not None:
            asker = Asker(pod.spec.uid, self._plane, self._resolver, self._resolve)
            pod.agent = Agent(asker, config, self._clock, pod.addresses, lambda: self.end(pod, Phase.COMPLETED))

        def ready() -> None:
            if not pod.has_network or pod.phase is not Phase.RUNNING:
                return
            if pod.agent is not None:
                self._plane.pod_listens(pod.spec.uid, pod.agent.serves)
            self._plane.pod_ready(pod.spec.uid)
            pod.phase = Phase.READY

        self._clock.later(PROCESS, ready)

    def _del(self, pod: Pod, phase: Phase) -> None:
        if pod.has_network:
            pod.has_network = False
            try:
                self._plane.pod_ended(pod.spec.uid)
            except NoNetwork as fault:
                pod.why_not = str(fault)
                return
        pod.phase = phase
        if phase is Phase.GONE:
            self._plane.pod_deleted(pod.spec)
            self._gone(pod)


def spec_of(document: Document, uid: int, node: str) -> PodSpec:
    """What the kubelet tells the plugin of a pod, from its manifest."""
    metadata, spec = document["metadata"], document["spec"]
    config = _config(spec["containers"])
    ports = [port for container in spec["containers"] for port in container.get("ports") or ()]
    return PodSpec(
        uid=uid,
        namespace=metadata["namespace"],
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        ports=tuple(Port(port["containerPort"], Protocol(port.get("protocol", "TCP")), port.get("name")) for port in ports),
        node=node,
        is_host_network=bool(spec.get("hostNetwork")),
        host_ports={
            (port["hostPort"], Protocol(port.get("protocol", "TCP"))): port["containerPort"] for port in ports if port.get("hostPort")
        },
        identity=config["identity"] if config else f"{metadata['namespace']}/{metadata['name']}",
    )


def _config(containers: Any) -> Mapping[str, Any] | None:
    """The configuration of the agent in the first container: the last word of its command. None: no agent."""
    for container in containers:
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        try:
            found = json.loads(words[-1]) if words else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
    return None

"""What of an inventory becomes a scenario, and what does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.importing.naming import LABEL_KEY, LABEL_VALUE, PORT_NAME, Namer, renamed
from conformance.manifests.inventory import Inventory, PolicyObject, Service, Workload
from conformance.manifests.outside import rules_of
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.layout import RESERVED, Layout, NamespacePlan, PodPlan, ServiceKind, ServicePlan
from conformance.world.door import DoorPort
from conformance.world.labels import Labels, Selector
from conformance.world.place import Port
from conformance.world.verdict import Direction


@dataclass(slots=True)
class LeftOut:
    """What was not taken, or was changed: sentences with names behind them."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sentence: str, name: str) -> None:
        """One more of a kind."""
        self.names.setdefault(sentence, []).append(name)

    def sentences(self, most: int = 6) -> Iterator[str]:
        """`workloads have host ports, which are not taken (2): shop/api, shop/web`."""
        for sentence, names in self.names.items():
            more = f" and {len(names) - most} more" if len(names) > most else ""
            yield f"{sentence} ({len(names)}): {', '.join(names[:most])}{more}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A layout, the documents of the policies by their keys, and what is neither in one nor in the other."""

    layout: Layout
    policies: Mapping[str, dict[str, Any]]
    left_out: LeftOut


class _Choosing:
    """One inventory on its way."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory, self.left_out = inventory, LeftOut()
        policies = inventory.sound()
        peers = [peer for rule in rules_of(policies) for peer in rule.peers]
        selectors = [policy.subjects for policy in policies] + [peer.pods for peer in peers if peer.pods is not None]
        self.pod_keys = _keys(selectors) | {key for each in inventory.services for key in each.selects or ()}
        self.space_keys = _keys(peer.namespaces for peer in peers if peer.namespaces is not None) - {NAME_LABEL}
        self.spaces = Namer(RESERVED)

    def chosen(self) -> Chosen:
        namespaces = {}
        taken: dict[str, list[Workload]] = {}
        for each in self.inventory.workloads:
            if each.is_host_network:
                self.left_out.add("workloads in their node's network are not taken", each.ref)
            else:
                taken.setdefault(each.namespace, []).append(each)
        for name, workloads in taken.items():
            short = self.spaces.short(name)
            if short != name:
                self.left_out.add("namespaces have another name here", f"{name} is {short}")
            pods = dict(self._pods(workloads))
            services = dict(self._services(name, workloads, pods))
            namespaces[short] = NamespacePlan(self._space_labels(name), pods, services)
        policies = dict(self._policies(set(taken)))
        self._others()
        return Chosen(Layout(None, namespaces), policies, self.left_out)

    def _pods(self, workloads: Iterable[Workload]) -> Iterator[tuple[str, PodPlan]]:
        namer = Namer()
        for each in workloads:
            if each.host_ports:
                self.left_out.add("workloads have host ports, which are not taken", each.ref)
            plan = PodPlan(self._labels(each.ref, each.labels, self.pod_keys), tuple(self._ports(each)))
            if not plan.serves and self._is_to_be_asked(each):
                self.left_out.add("policies admit somebody to workloads that declare no port: nobody asks them", each.ref)
            name = namer.short(each.ref.partition("/")[2])
            if name != each.name:
                self.left_out.add("workloads have another name here", f"{each.ref} is {name}")
            yield name, plan
            if (
                each.kind == "StatefulSet" and each.replicas > 1
            ):  # its pods usually talk to each other, and one pod alone would not be asked
                yield namer.short(f"{name}/2"), plan

    def _is_to_be_asked(self, workload: Workload) -> bool:
        """Whether a policy admits somebody to it."""
        return any(
            policy.rules(Direction.INGRESS) and policy.namespace == workload.namespace and policy.subjects.matches(workload.labels)
            for policy in self.inventory.sound()
        )

    def _labels(self, ref: str, labels: Labels, keys: Collection[str]) -> dict[str, str]:
        """Those by which something selects: others would only be read by strangers, or by webhooks of the test cluster."""
        found = {}
        for key, value in labels.items():
            if key in keys and LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value):
                found[key] = value
            elif key in keys:
                self.left_out.add("labels are none that Kubernetes takes", f"{key} of {ref}")
        return found

    def _space_labels(self, name: str) -> dict[str, str]:
        space = self.inventory.spaces[name]
        if space.labels is None and self.space_keys:
            self.left_out.add("namespaces' labels are not known", name)
        return self._labels(name, space.labels or {}, self.space_keys)

    def _ports(self, workload: Workload) -> Iterator[Port]:
        """What its containers declare, and what Services ask of it by number."""
        asked = [
            Port(port.target, port.protocol)
            for service in self.inventory.services
            if service.is_for(workload)
            for port in service.ports
            if isinstance(port.target, int)
        ]
        seen: set[object] = set()
        for port in (*workload.ports, *asked):
            if (port.number, port.protocol) in seen:
                continue
            name = port.name if port.name and PORT_NAME.fullmatch(port.name) and port.name not in seen else None
            if port.name and name is None:
                self.left_out.add("names of ports are not taken", f"{port.name} of {workload.ref}")
            seen |= {(port.number, port.protocol), name}
            yield Port(port.number, port.protocol, name)

    def _services(self, namespace: str, workloads: list[Workload], pods: Mapping[str, PodPlan]) -> Iterator[tuple[str, ServicePlan]]:
        namer = Namer()
        for each in self.inventory.services:
            if each.namespace != namespace:
                continue
            if each.kind == "ExternalName" or not any(each.is_for(workload) for workload in workloads):
                self.left_out.add("Services behind which none of the pods stands are not taken", each.ref)
                continue
            if not each.ports:
                self.left_out.add("Services without ports are not taken", each.ref)
            plan = self._service(each, pods)
            if plan is not None:
                yield namer.short(each.name), plan

    def _service(self, service: Service, pods: Mapping[str, PodPlan]) -> ServicePlan | None:
        served = [port for plan in pods.values() for port in plan.serves]
        kind = {"NodePort": ServiceKind.NODE_PORT, "Headless": ServiceKind.HEADLESS}.get(service.kind, ServiceKind.CLUSTER_IP)
        ports = []
        for port in service.ports:
            there = next((each for each in served if each.protocol is port.protocol and port.target in (each.number, each.name)), None)
            if there is None:
                self.left_out.add("ports of Services lead to no port that is known", f"{port.number} of {service.ref}")
            elif kind is ServiceKind.HEADLESS:  # a name, under which the pods' own port is asked
                ports.append(DoorPort(there.number, port.protocol, there.number))
            else:
                ports.append(port)
        if service.kind == "LoadBalancer":
            self.left_out.add("Services of type LoadBalancer are asked at their cluster address only", service.ref)
        selects = self._labels(service.ref, service.selects or {}, self.pod_keys)
        return ServicePlan(selects, tuple(dict.fromkeys(ports)), kind) if ports and selects else None

    def _policies(self, namespaces: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        namer, spaces = Namer(), {name: self.spaces.short(name) for name in namespaces}
        last = {each.ref: each for each in self.inventory.policies}
        names: set[str] = set()
        for each in last.values():
            if each.namespace not in namespaces:
                self.left_out.add("policies of namespaces without workloads are not taken", each.ref)
            elif "{{" in str(each.source.value) or "{%" in str(each.source.value) or "{#" in str(each.source.value):
                self.left_out.add("policies with signs that a scenario file fills in are not taken", each.ref)
            else:
                yield namer.short(each.ref if each.name in names else each.name), _document(each, spaces)
                names.add(each.name)

    def _others(self) -> None:
        for policy in self.inventory.replaced():
            self.left_out.add("policies are replaced by a later one of their name", f"{policy.ref} at {policy.where}")
        for each in self.inventory.passed:
            if each.is_policy:
                self.left_out.add("policies of other APIs are not taken", f"{each.kind} {each.name}")


def _document(policy: PolicyObject, spaces: Mapping[str, str]) -> dict[str, Any]:
    """Name, namespace and spec of a policy, nothing else of its metadata."""
    metadata = {"name": policy.name, "namespace": spaces[policy.namespace]}
    spec = renamed(policy.source.value.get("spec") or {}, spaces)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _keys(selectors: Iterable[Selector]) -> set[str]:
    return {requirement.key for selector in selectors for requirement in selector.requirements}


def choose(inventory: Inventory) -> Chosen:
    """What of an inventory a scenario can have; its policies are all sound."""
    return _Choosing(inventory).chosen()

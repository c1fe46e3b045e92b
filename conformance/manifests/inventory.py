"""What manifests have, as nouns: workloads, Services, policies and namespaces, each with the object that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from conformance.manifests.reading import Passed
from conformance.scenario.source import Keys, Source
from conformance.world.door import DoorPort
from conformance.world.labels import Labels
from conformance.world.place import Address, Port
from conformance.world.policy import NetworkPolicy

SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Namespaces that are left out unless they are named."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods of one make. `ref` is namespace/name, with the kind behind it where two kinds share a name.

    `ports` are those that its containers declare. `node` and `addresses` are those of its first pod, where a cluster has
    said them. `also` are the names of pods that are its own. `host_ports` are the ports of nodes that lead to it.
    """

    ref: str
    kind: str
    namespace: str
    name: str
    labels: Labels
    ports: tuple[Port, ...]
    source: Source
    replicas: int = 1
    is_host_network: bool = False
    host_ports: tuple[int, ...] = ()
    addresses: tuple[Address, ...] = ()
    node: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A Service. `selects` None: it has no selector (its ends are named by somebody else). `kind` as in the API, or Headless."""

    namespace: str
    name: str
    selects: Labels | None
    ports: tuple[DoorPort, ...]
    kind: str
    source: Source

    @property
    def ref(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def is_for(self, workload: Workload) -> bool:
        """Whether the workload's pods stand behind it."""
        wanted = self.selects
        return (
            wanted is not None
            and workload.namespace == self.namespace
            and all(workload.labels.get(key) == value for key, value in wanted.items())
        )


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace. `labels` is None where nobody says them; `is_read`: its workloads and policies were looked for, too."""

    name: str
    labels: Labels | None = None
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class PolicyObject:
    """A NetworkPolicy as it stands in a text.

    `policy` is None where the API would refuse it; `faults` are its reasons: pairs of the field and what is wrong.
    """

    namespace: str
    name: str
    source: Source
    policy: NetworkPolicy | None
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def ref(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def where(self) -> str:
        """The file and line at which it begins."""
        return f"{self.source.path}:{self.source.line(())}"

    def refusals(self) -> Iterator[tuple[Keys, str]]:
        """Why the API would refuse it: the places and the sentences of `faults`."""
        for place, text in self.faults:
            yield tuple(int(number) if number else word for word, number in re.findall(r"([\w-]+)|\[(\d+)\]", place)), text


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that was found. `passed` was passed over; `unknown` are sentences of what could not be looked at."""

    spaces: Mapping[str, Space] = field(default_factory=dict)
    workloads: tuple[Workload, ...] = ()
    services: tuple[Service, ...] = ()
    policies: tuple[PolicyObject, ...] = ()
    passed: tuple[Passed, ...] = ()
    unknown: tuple[str, ...] = ()

    def sound(self) -> tuple[NetworkPolicy, ...]:
        """The policies that the API would take, the last of each name: it replaces the others."""
        return tuple({each.ref: each.policy for each in self.policies if each.policy is not None}.values())

    def replaced(self) -> tuple[PolicyObject, ...]:
        """The policies that a later one of their name replaces."""
        last = {each.ref: each for each in self.policies}
        return tuple(each for each in self.policies if last[each.ref] is not each)

    def of(self, namespace: str) -> Iterator[Workload]:
        """The workloads of a namespace."""
        return (each for each in self.workloads if each.namespace == namespace)

    def foreign(self) -> tuple[Passed, ...]:
        """Policies of other APIs, of which neither Kubernetes' specification nor the model says anything."""
        return tuple(each for each in self.passed if each.is_policy)

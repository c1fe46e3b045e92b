"""The nouns of a scenario file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from conformance.world.door import DoorKind, DoorPort
from conformance.world.labels import Labels
from conformance.world.place import OUTSIDE, Port
from conformance.world.table import Cell
from conformance.world.verdict import Protocol, Verdict

WEB = (Port(80),)
"""What a pod or host serves if its layout does not say."""

NODES = ("a", "b")
"""The workers that a layout can name."""

RESERVED = (OUTSIDE, "svc", "nodeport-a", "nodeport-b", "hostport", "dns", "node")
"""First words of references: no namespace of a layout has one of these names."""


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod of a layout. `node` is a letter (`a` the first worker, `b` the second); None: the template chooses.

    `host_ports` are those of its served ports that its node leads to it, too. `comes_later`: it is not there before a step
    adds it. `asks_at_start`: its init container and its main process ask everybody from their first instant on.
    """

    labels: Labels = field(default_factory=dict)
    serves: tuple[Port, ...] = WEB
    node: str | None = None
    is_host_network: bool = False
    host_ports: tuple[Port, ...] = ()
    comes_later: bool = False
    asks_at_start: bool = False


class ServiceKind(StrEnum):
    """What a Service of a layout is. A NODE_PORT has a cluster address, too; a HEADLESS one has a name only."""

    CLUSTER_IP = "cluster-ip"
    NODE_PORT = "node-port"
    HEADLESS = "headless"


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A Service of a layout, for the pods of its namespace that have the labels `selects`.

    `is_asked_by_name`: it is asked by its name, too (a headless one always is).
    """

    selects: Labels
    ports: tuple[DoorPort, ...]
    kind: ServiceKind = ServiceKind.CLUSTER_IP
    comes_later: bool = False
    is_asked_by_name: bool = False

    def doors(self, ref: str) -> tuple[tuple[str, DoorKind], ...]:
        """The references of its doors, `ref` being `shop/web`: `svc/shop/web`, `nodeport-a/shop/web`, `dns/shop/web`."""
        found = [] if self.kind is ServiceKind.HEADLESS else [(f"svc/{ref}", DoorKind.SERVICE)]
        if self.kind is ServiceKind.NODE_PORT:
            found += [(f"nodeport-{node}/{ref}", DoorKind.NODE_PORT) for node in NODES]
        if self.is_asked_by_name or self.kind is ServiceKind.HEADLESS:
            found.append((f"dns/{ref}", DoorKind.NAME))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """A namespace of a layout with its pods and Services, by name."""

    labels: Labels = field(default_factory=dict)
    pods: Mapping[str, PodPlan] = field(default_factory=dict)
    services: Mapping[str, ServicePlan] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostPlan:
    """An outside host of a layout."""

    serves: tuple[Port, ...] = WEB


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is there. `name` is that of a shared layout's file, None where the scenario has its own."""

    name: str | None
    namespaces: Mapping[str, NamespacePlan]
    hosts: Mapping[str, HostPlan] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """12 letters, the same for equal content: such layouts may share a live world."""
        content = json.dumps(asdict(replace(self, name=None)), sort_keys=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def pods(self) -> Iterator[tuple[str, PodPlan]]:
        """Every pod by its reference `namespace/pod`, in the order of the file, those that come later included."""
        for name, namespace in self.namespaces.items():
            for pod, plan in namespace.pods.items():
                yield f"{name}/{pod}", plan

    def services(self) -> Iterator[tuple[str, ServicePlan]]:
        """Every Service by its reference `svc/namespace/service`, in the order of the file."""
        for name, namespace in self.namespaces.items():
            for service, plan in namespace.services.items():
                yield f"svc/{name}/{service}", plan

    def serves(self) -> Mapping[str, tuple[Port, ...]]:
        """The served ports of every pod, host and door, by reference."""
        found = {ref: plan.serves for ref, plan in self.pods()}
        found |= {f"{OUTSIDE}/{name}": plan.serves for name, plan in self.hosts.items()}
        for ref, service in self.services():
            ports = tuple(Port(port.number, port.protocol) for port in service.ports)
            found |= {door: ports for door, _ in service.doors(ref.removeprefix("svc/"))}
        return found | {f"hostport/{ref}": plan.host_ports for ref, plan in self.pods() if plan.host_ports}

    @property
    def is_exclusive(self) -> bool:
        """Whether two live worlds of it cannot stand side by side: a pod serves on its node's own ports."""
        return any(plan.is_host_network and plan.serves for _, plan in self.pods())

    @property
    def needs_raw_sockets(self) -> bool:
        """Whether its pods must craft packets: SCTP is asked by a hand-made handshake."""
        return any(port.protocol is Protocol.SCTP for ports in self.serves().values() for port in ports)


@dataclass(frozen=True, slots=True)
class Apply:
    """Create or change these policies, by their keys in the file."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"apply {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete these policies, by their keys in the file."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"delete {', '.join(self.names)}"


Changes = Mapping[str, Mapping[str, str | None]]
"""By reference (`shop` a namespace, `shop/api` a pod): keys with their new values; None removes the key."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """Change labels of pods and namespaces."""

    changes: Changes

    def __str__(self) -> str:
        return f"relabel {_written(self.changes)}"


@dataclass(frozen=True, slots=True)
class Annotate:
    """Change annotations of namespaces."""

    changes: Changes

    def __str__(self) -> str:
        return f"annotate {_written(self.changes)}"


@dataclass(frozen=True, slots=True)
class Add:
    """Create these pods and Services of the layout (`shop/late`, `svc/shop/web`), which are not there."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"add {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete these pods and Services, and wait until they are gone."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"remove {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete these pods and create them under the same names again."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"recreate {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Complete:
    """End these pods with success. Their objects stay, as those of a finished Job do."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"complete {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Reuse:
    """Create each pod (key) so that it gets an address of another one (value) that has ended, on that one's node."""

    pairs: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(f"add {new} with the address of {old}" for new, old in self.pairs.items())


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the plugin's agents (`plugin`) or a node (`node/a`)."""

    what: str

    def __str__(self) -> str:
        return f"restart {self.what}"


@dataclass(frozen=True, slots=True)
class Churn:
    """A bounded load, all taken back at its end: policies created and deleted, labels changed, short-lived pods (in all).

    `policies` and `relabels` are numbers per minute, for `seconds`.
    """

    policies: int = 0
    relabels: int = 0
    pods: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        rates = [f"{number} {what} a minute" for number, what in ((self.policies, "policies"), (self.relabels, "relabels")) if number]
        parts = [f"{' and '.join(rates)} for {self.seconds} s"] if rates else []
        parts += [f"{self.pods} short-lived pods"] if self.pods else []
        return f"churn: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Together:
    """Several changes one after the other, without waiting for the plugin in between; all of them `times` times."""

    actions: tuple[Action, ...]
    times: int = 1

    def __str__(self) -> str:
        return f"at once: {'; '.join(map(str, self.actions))}" + (f", {self.times} times" if self.times > 1 else "")


Action = Apply | Delete | Relabel | Annotate | Add | Remove | Recreate | Complete | Reuse | Restart | Churn | Together


@dataclass(frozen=True, slots=True)
class Claim:
    """What a person says of some cells: of one (`cell`), or of all (`cell` None). Verdict None: not asked.

    `line` and `column` are its place in the file, from 1.
    """

    verdict: Verdict | None
    cell: Cell | None = None
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A change, and what is expected after it. Later claims override earlier ones. `line` is the step's, from 1."""

    action: Action
    expect: tuple[Claim, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file. `policies` are the texts as they stand in it, by key; `group` is its folder.

    `fault_class` is the class of faults that it is about (a key of classes.yaml), `origin` where it comes from: threads
    (`cilium/cilium#24779`), rows of the specification, recipes, suites. `watch` are the cells that are asked all the time beside
    the rounds; `sizes` are asked in addition, in bytes. `judges_source`: a pod must see the asker's own address ("without NAT").
    `runs_alone`: it changes something for the whole cluster. `is_disruptive`: it hurts others there (restarts, loads).
    """

    name: str
    about: str
    because: str
    layout: Layout
    policies: Mapping[str, str]
    steps: tuple[Step, ...]
    path: Path
    group: str
    recipe: str | None = None
    needs: tuple[str, ...] = ()
    runs_alone: bool = False
    fault_class: str = ""
    origin: tuple[str, ...] = ()
    watch: tuple[Cell, ...] = ()
    sizes: Mapping[Protocol, tuple[int, ...]] = field(default_factory=dict)
    judges_source: bool = False
    is_disruptive: bool = False


def _written(changes: Changes) -> str:
    parts = (f"{ref} {key}" + ("-" if value is None else f"={value}") for ref, keys in changes.items() for key, value in keys.items())
    return ", ".join(parts)

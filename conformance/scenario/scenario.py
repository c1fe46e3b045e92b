"""The nouns of a scenario file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.world.labels import Labels
from conformance.world.place import OUTSIDE, Port
from conformance.world.table import Cell
from conformance.world.verdict import Protocol, Verdict

WEB = (Port(80),)
"""What a pod or host serves if its layout does not say."""


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod of a layout. `node` is a letter (`a` the first worker, `b` the second); None: the template chooses."""

    labels: Labels = field(default_factory=dict)
    serves: tuple[Port, ...] = WEB
    node: str | None = None


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """A namespace of a layout with its pods, by name."""

    labels: Labels = field(default_factory=dict)
    pods: Mapping[str, PodPlan] = field(default_factory=dict)


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
        content = {
            "namespaces": {
                name: {
                    "labels": dict(plan.labels),
                    "pods": {pod: [dict(each.labels), list(map(str, each.serves)), each.node] for pod, each in plan.pods.items()},
                }
                for name, plan in self.namespaces.items()
            },
            "hosts": {name: list(map(str, plan.serves)) for name, plan in self.hosts.items()},
        }
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    def pods(self) -> Iterator[tuple[str, PodPlan]]:
        """Every pod by its reference `namespace/pod`, in the order of the file."""
        for name, namespace in self.namespaces.items():
            for pod, plan in namespace.pods.items():
                yield f"{name}/{pod}", plan

    def serves(self) -> Mapping[str, tuple[Port, ...]]:
        """The served ports of every pod and host, by reference."""
        found = {ref: plan.serves for ref, plan in self.pods()}
        return found | {f"{OUTSIDE}/{name}": plan.serves for name, plan in self.hosts.items()}

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


Action = Apply | Delete | Relabel | Annotate


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

    `runs_alone`: it changes something for the whole cluster.
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


def _written(changes: Changes) -> str:
    parts = (f"{ref} {key}" + ("-" if value is None else f"={value}") for ref, keys in changes.items() for key, value in keys.items())
    return ", ".join(parts)

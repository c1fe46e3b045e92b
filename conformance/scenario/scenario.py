"""The nouns of a scenario file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.scenario.action import (
    Action,
    Add,
    Annotate,
    Apply,
    Changes,
    Churn,
    Complete,
    Delete,
    Recreate,
    Relabel,
    Remove,
    Restart,
    Reuse,
    Together,
    Wait,
)
from conformance.scenario.layout import (
    NODES,
    RESERVED,
    WEB,
    HostPlan,
    Layout,
    NamespacePlan,
    PodPlan,
    ServiceKind,
    ServicePlan,
)
from conformance.world.table import Cell
from conformance.world.verdict import Protocol, Verdict

__all__ = [
    "NODES",
    "RESERVED",
    "WEB",
    "Action",
    "Add",
    "Annotate",
    "Apply",
    "Changes",
    "Churn",
    "Claim",
    "Complete",
    "Delete",
    "HostPlan",
    "Layout",
    "NamespacePlan",
    "PodPlan",
    "Recreate",
    "Relabel",
    "Remove",
    "Restart",
    "Reuse",
    "Sample",
    "Scenario",
    "ServiceKind",
    "ServicePlan",
    "Step",
    "Together",
    "Wait",
]


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
class Sample:
    """At most so many questions are asked between the pods of a world, chosen with a seed (`model.choice`)."""

    questions: int
    seed: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file. `policies` are the texts as they stand in it, by key; `group` is its folder.

    `fault_class` is the class of faults that it is about (a key of classes.yaml), `origin` where it comes from: threads
    (`cilium/cilium#24779`), rows of the specification, recipes, suites. `watch` are the cells that are asked all the time beside
    the rounds; `sizes` are asked in addition, in bytes. `judges_source`: a pod must see the asker's own address ("without NAT").
    `runs_alone`: it changes something for the whole cluster. `is_disruptive`: it hurts others there (restarts, loads). `sample`: its
    pods are too many for all questions; some are asked, the same ones in all steps, and no hosts and doors.
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
    sample: Sample | None = None

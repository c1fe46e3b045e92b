"""What a run of one scenario measured: all that a judge needs, and nothing of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.world.expectation import ExpectedTable
from conformance.world.question import Question
from conformance.world.timeline import Timeline, Track

WATCH_EVERY = 0.1
"""Seconds between two attempts, and between two messages, of a watched cell."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watched cell did during a step, asked every `WATCH_EVERY` seconds whatever else was going on.

    `attempts`: a new connection (a datagram from a new port) each time. `connection`: messages over one long connection (TCP:
    opened when the cell could first be reached and again after it was cut; UDP: datagrams from one port), CONNECTED where the
    message was answered, REFUSED where the connection was reset. Times as in a timeline.

    `was_crossed`: the step had several changes, and the state between two of them decides the cell otherwise than those before and
    after: a gap, a leak or a cut there is nobody's fault.
    """

    attempts: Track = ()
    connection: Track = ()
    was_crossed: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """What a pod's own first processes reached before it was ready: a new connection about every 50 ms.

    `first` is when it first connected, in seconds after the first attempt (None: never), `lasted` how long it tried.
    `is_init`: counted by the init container, else by the pod's main process from its first instant.
    """

    attempts: int
    connected: int
    first: float | None
    lasted: float
    is_init: bool


@dataclass(frozen=True, slots=True)
class StepMeasurement:
    """One step: step 0 is the baseline without any policy.

    `action` is for people (`apply api-allow`). `identities` maps each destination's reference to the identity that must
    answer. `contradictions` are the cells in which the hand-written expectation and the model differ, a sentence each:
    the scenario is in error. `broken` is the cause, where the step could not be carried out; `failed` where the plugin is to
    blame for that (a pod that gets no network, an address given twice). `watched` and `starts`: what was measured beside the
    rounds, by the question that stands for it.

    `renewed` are the references of pods and Services that the step removed, created or created again, and of pods whose node
    it restarted: a watched cell may have a gap there. `are_policies_old`: nothing but that has changed, so that the plugin
    had handled all policies and labels before these pods started.
    """

    number: int
    action: str
    expected: ExpectedTable
    timeline: Timeline
    identities: Mapping[str, str]
    contradictions: tuple[str, ...] = ()
    broken: str = ""
    failed: str = ""
    watched: Mapping[Question, Watched] = field(default_factory=dict)
    starts: Mapping[Question, tuple[Start, ...]] = field(default_factory=dict)
    renewed: frozenset[str] = frozenset()
    are_policies_old: bool = True


@dataclass(frozen=True, slots=True)
class Measurement:
    """All steps of a scenario, as far as it came. `broken` is the cause where the world broke outside of a step.

    `residue`: what was left after the world was put back, a sentence each (found by the next baseline).
    """

    steps: tuple[StepMeasurement, ...] = ()
    broken: str = ""
    residue: tuple[str, ...] = field(default=())

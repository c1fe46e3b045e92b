"""What a run of one scenario measured: all that a judge needs, and nothing of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.world.expectation import ExpectedTable
from conformance.world.timeline import Timeline


@dataclass(frozen=True, slots=True)
class StepMeasurement:
    """One step: step 0 is the baseline without any policy.

    `action` is for people (`apply api-allow`). `identities` maps each destination's reference to the identity that must
    answer. `contradictions` are the cells in which the hand-written expectation and the model differ, a sentence each:
    the scenario is in error. `broken` is the cause, where the step could not be carried out.
    """

    number: int
    action: str
    expected: ExpectedTable
    timeline: Timeline
    identities: Mapping[str, str]
    contradictions: tuple[str, ...] = ()
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All steps of a scenario, as far as it came. `broken` is the cause where the world broke outside of a step.

    `residue`: what was left after the world was put back, a sentence each (found by the next baseline).
    """

    steps: tuple[StepMeasurement, ...] = ()
    broken: str = ""
    residue: tuple[str, ...] = field(default=())

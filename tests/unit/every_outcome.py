"""A run made by hand that contains every outcome and every kind of finding at once, in several groups and with several capabilities."""

from __future__ import annotations

from dataclasses import replace

from sample_run import facts, whole_run

from conformance.record import Run
from conformance.world.verdict import Outcome

GROUPS = ("recipes", "ports", "changes")
"""The groups, in turn; what was not measured stays where it is."""

NEEDS: tuple[tuple[str, ...], ...] = ((), ("ipv6",), ("sctp", "end-port"))
"""What they need, in turn."""


def run() -> Run:
    """All of it."""
    scenarios = tuple(
        each
        if each.outcome in (Outcome.SKIPPED, Outcome.NOT_SUPPORTED)
        else replace(each, group=GROUPS[number % len(GROUPS)], needs=NEEDS[number % len(NEEDS)], origin=("a recipe",), fault_class="labels")
        for number, each in enumerate(whole_run().scenarios)
    )
    return Run(replace(facts(len(scenarios)), left_out=15, left_out_disruptive=15), scenarios)

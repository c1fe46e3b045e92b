"""A run as OpenMetrics text, for what draws curves and raises alarms: outcomes, leaks, outages, times to enforce."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest

from conformance.judge import FindingKind, percentile
from conformance.record.digest import EnforcementDigest, change_of
from conformance.report.baseline import Change
from conformance.report.page import printable
from conformance.report.telling import Telling
from conformance.world.verdict import Outcome

PREFIX = "cni_conformance"

QUANTILES = (50, 90, 99, 100)
"""Percentiles (nearest rank) of the times to enforce, as the label `quantile` from 0 to 1."""

RUN = ("plugin", "plugin_version")
"""The labels of every sample: curves of several plugins in one place must not mix."""


def openmetrics(telling: Telling) -> str:
    """The run in the text format of OpenMetrics 1.0; ends with `# EOF`. All are gauges: a run is over, nothing counts on.

    Types that only OpenMetrics has (info, stateset) are not used: so the older text format's readers (a node exporter's) take it, too.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(telling))
    return str(generate_latest(registry), "utf-8")  # type: ignore[no-untyped-call] # the library's types end here


class _Run:
    """What the library asks for its metrics."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        plugin = telling.facts.plugin
        self._run = (printable(plugin.name), printable(plugin.version))

    def describe(self) -> Iterable[Metric]:
        """Nothing before it is asked."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics, in the order in which a person would read them."""
        telling, facts, numbers = self._telling, self._telling.facts, self._telling.numbers
        yield self._info()
        yield self._gauge("run_duration", "How long the run took.", {(): facts.seconds}, unit="seconds")
        if (started := _timestamp(facts.started)) is not None:
            yield self._gauge("run_start_time", "When the run began.", {(): started}, unit="seconds")
        yield self._gauge("run_complete", "Whether the run came to its end (1) or was cut short (0).", {(): not telling.was_cut_short})
        outcomes = {(each.value,): numbers.outcomes.get(each, 0) for each in Outcome}
        yield self._gauge("scenarios", "Scenarios by outcome.", outcomes, "outcome")
        yield self._gauge("left_out_scenarios", "Scenarios that were there and not selected.", {(): facts.left_out})
        cells = {("judged",): numbers.judged, ("open",): numbers.left_open}
        yield self._gauge("cells", "Cells of all steps: judged, and left open by the specification.", cells, "state")
        yield self._gauge("wrongly_allowed_cells", "Leaks: cells that must be blocked and are reached.", {(): numbers.leaks})
        yield self._gauge("wrongly_blocked_cells", "Outages: cells that must be reached and are blocked.", {(): numbers.outages})
        findings = {(each.value,): numbers.findings.get(each, 0) for each in FindingKind}
        yield self._gauge("findings", "What is wrong in scenarios that failed or are in error, by kind.", findings, "kind")
        yield self._gauge("transients", "Cells that were wrong for a while during a change: no failure.", {(): numbers.transients})
        yield from self._enforced()
        yield from self._news()
        yield self._outcomes()
        seconds = {(printable(each.name), printable(each.group)): each.seconds for each in telling.scenarios}
        yield self._gauge("scenario_duration", "How long the scenario took.", seconds, "scenario", "group", unit="seconds")

    def _gauge(self, name: str, about: str, values: Mapping[Any, float], *labels: str, unit: str = "") -> Metric:
        family = GaugeMetricFamily(f"{PREFIX}_{name}", about, labels=(*RUN, *labels), unit=unit)
        for own, value in values.items():
            family.add_metric((*self._run, *own), float(value))
        return family

    def _info(self) -> Metric:
        facts = self._telling.facts
        cluster = {"provider": facts.cluster.get("provider", ""), "kubernetes": facts.cluster.get("Kubernetes", "")}
        known = {"suite_version": facts.suite, "families": " ".join(facts.families), **cluster}
        values = {tuple(map(printable, known.values())): 1}
        return self._gauge("run_info", "What was measured, and with what.", values, *known)

    def _outcomes(self) -> Metric:
        values = {
            (printable(each.name), printable(each.group), outcome.value): outcome is each.outcome
            for each in self._telling.scenarios
            for outcome in Outcome
        }
        about = "What became of each scenario: 1 for its outcome, 0 for the others."
        return self._gauge("scenario_outcome", about, values, "scenario", "group", "outcome")

    def _enforced(self) -> Iterator[Metric]:
        times: dict[tuple[str, str], list[EnforcementDigest]] = {}
        for scenario in self._telling.scenarios:
            for each in scenario.enforcements:
                kinds = printable(change_of(scenario.actions.get(each.step, "")))
                times.setdefault((f"newly-{each.now}", kinds), []).append(each)
        times = dict(sorted(times.items()))
        by = ("direction", "change")
        reached = {key: sorted(each.seconds for each in cells if each.seconds is not None) for key, cells in times.items()}
        quantiles = {
            (*key, f"{percent / 100:g}"): value
            for key, found in reached.items()
            for percent in QUANTILES
            if (value := percentile(found, percent)) is not None
        }
        about = "From the API server's acceptance of a change until a cell did what it asks: quantiles over the cells that did."
        yield self._gauge("time_to_enforce", about, quantiles, *by, "quantile", unit="seconds")
        yield self._gauge("changed_cells", "Cells whose verdict a step changed.", {key: len(cells) for key, cells in times.items()}, *by)
        never = {key: len(cells) - len(reached[key]) for key, cells in times.items()}
        yield self._gauge("never_enforced_cells", "Those of them that never did what the change asks.", never, *by)

    def _news(self) -> Iterator[Metric]:
        if (news := self._telling.news) is not None:
            counts = Counter(each.change for each in news.changed)
            changes = {(each.value,): counts[each] for each in Change}
            yield self._gauge("changes_since_baseline", "Scenarios by what became of them since the baseline.", changes, "change")


def _timestamp(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None

"""A run as short JSON for scripts: what became of each scenario, without what was measured. The record itself has everything."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from conformance.record.digest import ScenarioDigest
from conformance.report.baseline import News
from conformance.report.summary import Enforced
from conformance.report.telling import Telling
from conformance.world.verdict import Outcome, Verdict

FORMAT, VERSION = "cni-conformance/summary", 1


def summary_json(telling: Telling) -> str:
    """The summary as plain ASCII JSON: facts, numbers, scenarios with their findings, and what is new since a baseline, or null."""
    from conformance.record.document import facts_document  # the record's own form of them

    numbers = telling.numbers
    document = {
        "format": FORMAT,
        "version": VERSION,
        "headline": telling.headline,
        "facts": facts_document(telling.facts),
        "was_cut_short": telling.was_cut_short,
        "outcomes": {outcome: numbers.outcomes.get(outcome, 0) for outcome in Outcome},
        "findings": dict(sorted(numbers.findings.items())),
        "wrongly_allowed": numbers.leaks,
        "wrongly_blocked": numbers.outages,
        "cells_judged": numbers.judged,
        "cells_open": numbers.left_open,
        "time_to_enforce": {
            f"newly-{verdict}": _enforced(times)
            for verdict, times in ((Verdict.BLOCKED, numbers.newly_blocked), (Verdict.ALLOWED, numbers.newly_allowed))
        },
        "scenarios": [_scenario(each) for each in telling.scenarios],
        "since_baseline": _news(telling.news),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _enforced(times: Enforced) -> dict[str, Any]:
    return asdict(times)


def _scenario(scenario: ScenarioDigest) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "group": scenario.group,
        "file": scenario.file,
        "outcome": scenario.outcome,
        "sentence": scenario.sentence,
        "seconds": scenario.seconds,
        "needs": list(scenario.needs),
        "findings": [
            {"kind": each.kind, "step": each.step, "cell": each.question or None, "sentence": each.sentence} for each in scenario.findings
        ],
    }


def _news(news: News | None) -> dict[str, Any] | None:
    if news is None:
        return None
    return {
        "sentence": news.sentence,
        "is_red": news.is_red,
        "was_cut_short": news.was_cut_short,
        "plugin": str(news.then.plugin),
        "started": news.then.started,
        "changed": [
            {"name": each.name, "change": each.change, "then": each.then, "now": each.now, "sentence": each.sentence, "more": each.more}
            for each in news.changed
        ],
        "same": news.same,
    }

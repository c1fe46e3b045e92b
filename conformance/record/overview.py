"""What a run comes to, near the top of its record: who looks through thousands of records reads no more of them than that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.judge import percentile
from conformance.record.digest import Digest
from conformance.record.part import InvalidRecord, Part
from conformance.world.verdict import Outcome, Verdict

LONGEST = 300
"""Characters of a sentence here; the scenario itself has it in full."""

_DIRECTIONS = {f"newly-{verdict}": verdict for verdict in (Verdict.BLOCKED, Verdict.ALLOWED)}
_WRONG = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class EnforcedTimes:
    """Times to enforce in one direction over a whole run, in seconds (None: there are none). `never`: cells that did not get there."""

    cells: int = 0
    never: int = 0
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What became of each scenario, by its name.

    `sentences` say why, of those that failed or are in error, cut at LONGEST. `findings` counts them by kind in the same scenarios.
    `enforced` has the times by the new verdict, BLOCKED or ALLOWED.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)
    enforced: Mapping[Verdict, EnforcedTimes] = field(default_factory=dict)


def overview_document(scenarios: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The overview of the documents of a run's scenarios, as JSON. Raises InvalidRecord where one is damaged."""
    outcomes: dict[str, list[str]] = {}
    sentences: dict[str, str] = {}
    findings: Counter[str] = Counter()
    cells: list[tuple[str, float | None]] = []
    for position, scenario in enumerate(scenarios):
        try:
            name, outcome = scenario["name"], Outcome(scenario["outcome"])
            outcomes.setdefault(outcome, []).append(name)
            if outcome in _WRONG:
                sentences[name] = _cut(scenario["sentence"])
                findings.update(finding["kind"] for finding in scenario["findings"])
            cells += [(now, seconds) for _, _, now, seconds, _ in scenario["time_to_enforce"]["cells"]]
        except (KeyError, TypeError, ValueError):
            raise InvalidRecord(f"the record is damaged: record.scenarios[{position}] is no scenario with all its keys") from None
    return {
        "outcomes": {outcome: outcomes[outcome] for outcome in Outcome if outcome in outcomes},
        "sentences": sentences,
        "findings": dict(sorted(findings.items())),
        "enforced": {key: _times([seconds for now, seconds in cells if now == verdict]) for key, verdict in _DIRECTIONS.items()},
    }


def overview_of(digest: Digest) -> Overview:
    """The same of a digest."""
    wrong = digest.of(*_WRONG)
    findings = Counter(str(finding.kind) for each in wrong for finding in each.findings)
    enforced = {}
    for verdict in _DIRECTIONS.values():
        times = _times([cell.seconds for each in digest.scenarios for cell in each.enforcements if cell.now is verdict])
        enforced[verdict] = EnforcedTimes(**times)
    return Overview(
        {each.name: each.outcome for outcome in Outcome for each in digest.of(outcome)},
        {each.name: _cut(each.sentence) for each in wrong},
        dict(sorted(findings.items())),
        enforced,
    )


def read_overview_document(part: Part) -> Overview:
    """From what `overview_document` made. Raises InvalidRecord."""
    outcomes: dict[str, Outcome] = {}
    for word, names in part["outcomes"].items():
        if word not in list(Outcome):
            raise names.fault("the names of scenarios by an outcome that there is")
        for name in names.texts():
            if name in outcomes:
                raise InvalidRecord(f"the record is damaged: {part.path}.outcomes has the scenario {name} twice")
            outcomes[name] = Outcome(word)
    return Overview(
        outcomes,
        part["sentences"].pairs(),
        {kind: number.integer() for kind, number in part["findings"].items()},
        {verdict: _read_times(part["enforced"][key]) for key, verdict in _DIRECTIONS.items()},
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _times(seconds: list[float | None]) -> dict[str, Any]:
    known = [each for each in seconds if each is not None]
    return {"cells": len(seconds), "never": len(seconds) - len(known), "p50": percentile(known, 50), "p99": percentile(known, 99)}


def _read_times(part: Part) -> EnforcedTimes:
    cells, never, p50, p99 = (part[key] for key in ("cells", "never", "p50", "p99"))
    return EnforcedTimes(cells.integer(), never.integer(), p50.number_or_none(), p99.number_or_none())

"""Nights by hand: each scenario is a strip of marks, one a night, as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import sample_run

from conformance.judge import Enforcement, Finding, FindingKind, Judgement
from conformance.record import Facts, Plugin, Run, ScenarioRecord, write
from conformance.record.overview import EnforcedTimes
from conformance.trend.night import LETTERS, Night
from conformance.trend.section import Section, section
from conformance.trend.words import MARKS
from conformance.world.verdict import Outcome, Verdict

LETTER_OF = {mark: letter for letter, mark in MARKS.items()}
OUTCOME_OF = {LETTER_OF[mark]: outcome for outcome, letter in LETTERS.items() for mark in MARKS.values() if LETTER_OF[mark] == letter}
LEAK = "shop/other reaches shop/api on 80/TCP over ipv4, which must be blocked"

Versions = tuple[str, str, str]
"""Of plugin, Kubernetes and suite."""


def days(number: int, first: str = "2026-11-01") -> list[str]:
    return [str(date.fromisoformat(first) + timedelta(days=each)) for each in range(number)]


def nights(
    strips: Mapping[str, str],
    versions: Sequence[Versions] | None = None,
    dates: Sequence[str] | None = None,
    missing: Mapping[int, str] | None = None,
    clusters: Mapping[int, Mapping[str, str]] | None = None,
    p99: Sequence[float | None] = (),
) -> list[Night]:
    number = len(next(iter(strips.values())))
    versions = versions or [("1.15.18", "v1.34.4", "0.2.0")] * number
    found = []
    for place, (day, (plugin, kubernetes, suite)) in enumerate(zip(dates or days(number), versions, strict=True)):
        there = {name: LETTER_OF[strip[place]] for name, strip in strips.items() if strip[place] != "-"}
        slow = p99[place] if p99 else 0.4
        enforced = {} if slow is None else {"blocked": EnforcedTimes(3, 0, slow / 2, slow), "allowed": EnforcedTimes(3, 1, 0.1, 0.2)}
        found.append(
            Night(
                paths=(f"{day}/record.json",),
                plugin="cilium",
                title="Cilium",
                version=plugin,
                suite=suite,
                started=f"{day}T01:00:00.000+00:00",
                seconds=1800.0,
                families=("ipv4", "ipv6"),
                cluster={"provider": "kind", "Kubernetes": kubernetes, **((clusters or {}).get(place) or {})},
                missing=(missing or {}).get(place, ""),
                shard=None,
                findings={FindingKind.WRONGLY_ALLOWED: list(there.values()).count("f")},
                enforced=enforced,
                names=tuple(there),
                letters="".join(there.values()),
            )
        )
    return found


def told(strips: Mapping[str, str], *args: object, **more: object) -> Section:
    """The section of these nights."""
    found = nights(strips, *args, **more)  # type: ignore[arg-type] # the same arguments
    wrong = {name: LEAK for name, letter in zip(found[-1].names, found[-1].letters, strict=True) if letter in "fe"}
    return section("cilium", found, wrong)


def scenario(name: str, outcome: Outcome, seconds: float = 0.4) -> ScenarioRecord:
    question = sample_run.QUESTIONS[0]
    enforced = tuple(Enforcement(1, question, verdict, seconds) for verdict in (Verdict.BLOCKED, Verdict.ALLOWED))
    findings = (Finding(FindingKind.WRONGLY_ALLOWED, LEAK, 1, question),) if outcome is Outcome.FAILED else ()
    return ScenarioRecord(name, Judgement(outcome, LEAK if findings else f"it {outcome}", findings, (), enforced), file=f"{name}.yaml")


def facts(day: str, planned: int, **more: object) -> Facts:
    times = {"started": f"{day}T01:00:00.000+00:00", "ended": f"{day}T01:30:00.000+00:00"}
    return replace(sample_run.facts(planned), **{**times, **more})  # type: ignore[arg-type] # keys of Facts


def record(folder: Path, day: str, outcomes: Mapping[str, Outcome], name: str = "record.json", **more: object) -> Path:
    """A record on the disk, in a folder of its day."""
    path = folder / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Run(facts(day, len(outcomes), **more), tuple(scenario(each, outcome) for each, outcome in outcomes.items())), path)
    return path


CALICO = Plugin("calico", "Calico", "3.29.1")

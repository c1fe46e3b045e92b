"""What the text formats are made from: a run of which no scenario need stay in memory once it was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.judge import FindingKind
from conformance.record import Facts, Run, ScenarioRecord
from conformance.record.digest import ScenarioDigest, scenario_digest
from conformance.report.baseline import News
from conformance.report.explain import explain
from conformance.report.summary import Summary, Tally, headline_of
from conformance.world.verdict import Outcome

WIDTH = 120
"""Columns of an explanation that is part of a file."""

PROBLEMS = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class Told:
    """One scenario: what became of it, and where it failed or is in error, the explanation as plain text (else "")."""

    digest: ScenarioDigest
    text: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """A run for people and machines. `news`: what is new since the baseline, where one was given."""

    facts: Facts
    numbers: Summary
    told: tuple[Told, ...] = ()
    news: News | None = None

    @property
    def headline(self) -> str:
        """Whether this plugin enforces what it must, in one sentence."""
        return headline_of(self.facts, self.numbers)

    @property
    def scenarios(self) -> tuple[ScenarioDigest, ...]:
        """What became of each scenario, in the record's order."""
        return tuple(each.digest for each in self.told)

    @property
    def was_cut_short(self) -> bool:
        """Whether the run ended before it was through."""
        return not self.facts.ended or len(self.told) < self.facts.planned

    def of(self, *outcomes: Outcome) -> tuple[ScenarioDigest, ...]:
        """The scenarios with one of these outcomes."""
        return tuple(each for each in self.scenarios if each.outcome in outcomes)

    def problems(self) -> list[Told]:
        """The scenarios that failed or are in error, the worst first."""
        return [self.told[place] for place in self.problem_places()]

    def problem_places(self) -> list[int]:
        """Their places in the record."""
        found = (place for place, each in enumerate(self.told) if each.digest.outcome in PROBLEMS)
        return sorted(found, key=lambda place: _badness(self.told[place].digest))


class Teller:
    """Listens while scenarios pass by. `explains`: whether anybody will read the explanations, which take the most time."""

    def __init__(self, facts: Facts, *, explains: bool = True) -> None:
        self._facts, self._explains = facts, explains
        self._tally = Tally()
        self._told: list[Told] = []

    def through(self, scenarios: Iterable[ScenarioRecord]) -> Iterator[ScenarioRecord]:
        """The same scenarios, each once it is told."""
        for scenario in scenarios:
            self._tally.add(scenario)
            text = explain(scenario, width=WIDTH) if self._explains and scenario.outcome in PROBLEMS else ""
            self._told.append(Told(scenario_digest(scenario), text))
            yield scenario

    def telling(self, news: News | None = None) -> Telling:
        """What was heard so far."""
        return Telling(self._facts, self._tally.summary(), tuple(self._told), news)


def tell(run: Run, news: News | None = None, *, explains: bool = True) -> Telling:
    """The telling of a run that is in memory anyway."""
    teller = Teller(run.facts, explains=explains)
    for _ in teller.through(run.scenarios):
        pass
    return teller.telling(news)


def _badness(scenario: ScenarioDigest) -> tuple[bool, int, int]:
    """Most leaks first, then most outages; errors after all failures."""
    leaks, outages = (scenario.count(kind) for kind in (FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED))
    return scenario.outcome is Outcome.ERROR, -leaks, -outages

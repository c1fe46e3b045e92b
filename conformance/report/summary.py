"""The numbers of a run, and the one sentence that answers the question for which it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from conformance.judge import FindingKind, percentile
from conformance.judge.finding import counted
from conformance.record import Facts, Run, ScenarioRecord
from conformance.world.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Enforced:
    """Times to enforce in one direction over a whole run, in seconds. `never` counts the cells that did not get there."""

    cells: int
    never: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a run.

    `findings` counts cells by kind in scenarios that failed or are in error; what fails as known is not in it. A cell is a
    question of one step. `judged` and `left_open` count the cells of measured steps, without the baselines. `resolution`
    is the median time between two looks at a table, in seconds: a time to enforce is not known better than that. `kept` and
    `cut` count watched connections that stood when a step began, by what became of them. `reached` are the leaks that the
    rounds saw: cells, as in `blocked`, and nothing that a watch or a starting pod saw beside them.
    """

    outcomes: Mapping[Outcome, int]
    findings: Mapping[FindingKind, int]
    judged: int
    left_open: int
    blocked: int
    transients: int
    newly_blocked: Enforced
    newly_allowed: Enforced
    resolution: float | None
    kept: int = 0
    cut: int = 0
    reached: int = 0

    @classmethod
    def of(cls, run: Run) -> Summary:
        """The numbers of this run."""
        tally = Tally()
        for scenario in run.scenarios:
            tally.add(scenario)
        return tally.summary()

    @property
    def leaks(self) -> int:
        """Cells that were wrongly allowed."""
        return self.findings.get(FindingKind.WRONGLY_ALLOWED, 0)

    @property
    def outages(self) -> int:
        """Cells that were wrongly blocked."""
        return self.findings.get(FindingKind.WRONGLY_BLOCKED, 0)


class Tally:
    """The numbers of a run, counted scenario by scenario: none of them need stay in memory."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._findings: Counter[FindingKind] = Counter()
        self._verdicts: Counter[Verdict] = Counter()
        self._established: Counter[bool] = Counter()
        self._transients = self._reached = 0
        self._enforced: dict[Verdict, list[float | None]] = {Verdict.BLOCKED: [], Verdict.ALLOWED: []}
        self._looks: list[float] = []

    def add(self, scenario: ScenarioRecord) -> None:
        """Counts a scenario."""
        judgement = scenario.judgement
        self._outcomes[scenario.outcome] += 1
        for step in scenario.measurement.steps:
            if step.number and step.timeline.rounds:
                self._verdicts.update(expectation.verdict for expectation in step.expected.values())
                self._looks += (later - earlier for earlier, later in pairwise(step.timeline.rounds))
        self._established.update(each.was_kept for each in judgement.established)
        self._transients += len(judgement.transients)
        for each in judgement.enforcements:
            self._enforced[each.now].append(each.seconds)
        if scenario.outcome in (Outcome.FAILED, Outcome.ERROR):
            self._findings.update(finding.kind for finding in judgement.findings)
            leaks = [finding for finding in judgement.findings if finding.kind is FindingKind.WRONGLY_ALLOWED]
            self._reached += sum(not finding.is_beside for finding in leaks)

    def summary(self) -> Summary:
        """The numbers so far."""
        verdicts = self._verdicts
        return Summary(
            outcomes=self._outcomes,
            findings=self._findings,
            judged=verdicts[Verdict.ALLOWED] + verdicts[Verdict.BLOCKED],
            left_open=verdicts[Verdict.OPEN],
            blocked=verdicts[Verdict.BLOCKED],
            transients=self._transients,
            newly_blocked=_enforced(self._enforced[Verdict.BLOCKED]),
            newly_allowed=_enforced(self._enforced[Verdict.ALLOWED]),
            resolution=percentile(self._looks, 50),
            kept=self._established[True],
            cut=self._established[False],
            reached=self._reached,
        )


def _enforced(cells: list[float | None]) -> Enforced:
    times = [seconds for seconds in cells if seconds is not None]
    return Enforced(len(cells), len(cells) - len(times), percentile(times, 50), percentile(times, 99))


def headline(run: Run, numbers: Summary) -> str:
    """Whether this plugin enforces what it must, in one sentence."""
    return headline_of(run.facts, numbers)


def headline_of(facts: Facts, numbers: Summary) -> str:
    """The same sentence from facts and numbers alone."""
    plugin, there = str(facts.plugin), sum(numbers.outcomes.values())
    passed, failed, errors, known = (
        numbers.outcomes.get(each, 0) for each in (Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.KNOWN_DEVIATION)
    )
    unsaid = f"; {counted(errors, 'scenario')} could not be measured" if errors else ""
    unsaid += f"; the run was cut short, {_missing(facts, there)}" if not facts.ended or there < facts.planned else ""
    if not (measured := passed + failed + known):
        return f"Nothing was measured: nothing can be said about {plugin}{unsaid}."
    if failed:
        if numbers.blocked and numbers.reached >= numbers.blocked:
            return f"{plugin} enforces no policy: all {numbers.blocked} cells that must be blocked are reached{unsaid}."
        counts = [f"{counted(numbers.leaks, 'cell')} wrongly allowed", f"{counted(numbers.outages, 'cell')} wrongly blocked"]
        others = sum(number for kind, number in numbers.findings.items() if kind.is_failure) - numbers.leaks - numbers.outages
        counts += [f"{counted(others, 'other finding')}"] if others else []
        where = f"in {failed} of {counted(measured, 'scenario')}"
        return f"{plugin} does not enforce what it must: {', '.join(counts)}, {where}{unsaid}."
    but = f", but for {counted(known, 'known deviation')}" if known else ""
    enforces = f"{plugin} enforces what it must{but}" if not unsaid else f"{plugin} enforces what it was asked{but}"
    left_out = "".join(
        f", {number} {each}" for each in (Outcome.NOT_SUPPORTED, Outcome.SKIPPED) if (number := numbers.outcomes.get(each, 0))
    )
    return f"{enforces}: {counted(passed, 'scenario')} passed{left_out}{unsaid}."


def left_out(number: int, total: int, disruptive: int) -> str:
    """What was there and was not selected, in one line."""
    which = f", {disruptive} of them disruptive" if disruptive else ""
    return f"{number} of {counted(total, 'scenario')} left out{which}"


def _missing(facts: Facts, there: int) -> str:
    return f"{there} of {facts.planned} scenarios are in the record" if facts.planned else "what was finished is in the record"

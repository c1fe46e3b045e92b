"""The numbers of a run, and the one sentence that answers the question for which it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from conformance.judge import FindingKind, percentile
from conformance.judge.finding import counted
from conformance.record import Run, ScenarioRecord
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
        measured = [step for each in run.scenarios for step in each.measurement.steps if step.number and step.timeline.rounds]
        verdicts = Counter(expectation.verdict for step in measured for expectation in step.expected.values())
        wrong = run.of(Outcome.FAILED, Outcome.ERROR)
        established = Counter(each.was_kept for scenario in run.scenarios for each in scenario.judgement.established)
        return cls(
            outcomes=Counter(each.outcome for each in run.scenarios),
            findings=Counter(finding.kind for each in wrong for finding in each.judgement.findings),
            judged=verdicts[Verdict.ALLOWED] + verdicts[Verdict.BLOCKED],
            left_open=verdicts[Verdict.OPEN],
            blocked=verdicts[Verdict.BLOCKED],
            transients=sum(len(each.judgement.transients) for each in run.scenarios),
            newly_blocked=_enforced(run, Verdict.BLOCKED),
            newly_allowed=_enforced(run, Verdict.ALLOWED),
            resolution=percentile((later - earlier for step in measured for earlier, later in pairwise(step.timeline.rounds)), 50),
            kept=established[True],
            cut=established[False],
            reached=sum(
                finding.kind is FindingKind.WRONGLY_ALLOWED and not finding.is_beside
                for each in wrong
                for finding in each.judgement.findings
            ),
        )

    @property
    def leaks(self) -> int:
        """Cells that were wrongly allowed."""
        return self.findings.get(FindingKind.WRONGLY_ALLOWED, 0)

    @property
    def outages(self) -> int:
        """Cells that were wrongly blocked."""
        return self.findings.get(FindingKind.WRONGLY_BLOCKED, 0)


def _enforced(run: Run, now: Verdict) -> Enforced:
    cells = [each for scenario in run.scenarios for each in scenario.judgement.enforcements if each.now is now]
    times = [each.seconds for each in cells if each.seconds is not None]
    return Enforced(len(cells), len(cells) - len(times), percentile(times, 50), percentile(times, 99))


def headline(run: Run, numbers: Summary) -> str:
    """Whether this plugin enforces what it must, in one sentence."""
    plugin = str(run.facts.plugin)
    measured = run.of(Outcome.PASSED, Outcome.FAILED, Outcome.KNOWN_DEVIATION)
    failed, errors, known = (numbers.outcomes.get(each, 0) for each in (Outcome.FAILED, Outcome.ERROR, Outcome.KNOWN_DEVIATION))
    unsaid = f"; {counted(errors, 'scenario')} could not be measured" if errors else ""
    unsaid += f"; the run was cut short, {_missing(run)}" if run.was_cut_short else ""
    if not measured:
        return f"Nothing was measured: nothing can be said about {plugin}{unsaid}."
    if failed:
        if numbers.blocked and numbers.reached >= numbers.blocked:
            return f"{plugin} enforces no policy: all {numbers.blocked} cells that must be blocked are reached{unsaid}."
        counts = [f"{counted(numbers.leaks, 'cell')} wrongly allowed", f"{counted(numbers.outages, 'cell')} wrongly blocked"]
        others = sum(number for kind, number in numbers.findings.items() if kind.is_failure) - numbers.leaks - numbers.outages
        counts += [f"{counted(others, 'other finding')}"] if others else []
        where = f"in {failed} of {counted(len(measured), 'scenario')}"
        return f"{plugin} does not enforce what it must: {', '.join(counts)}, {where}{unsaid}."
    but = f", but for {counted(known, 'known deviation')}" if known else ""
    enforces = f"{plugin} enforces what it must{but}" if not unsaid else f"{plugin} enforces what it was asked{but}"
    passed = counted(numbers.outcomes.get(Outcome.PASSED, 0), "scenario")
    left_out = "".join(
        f", {number} {each}" for each in (Outcome.NOT_SUPPORTED, Outcome.SKIPPED) if (number := numbers.outcomes.get(each, 0))
    )
    return f"{enforces}: {passed} passed{left_out}{unsaid}."


def left_out(number: int, total: int, disruptive: int) -> str:
    """What was there and was not selected, in one line."""
    which = f", {disruptive} of them disruptive" if disruptive else ""
    return f"{number} of {counted(total, 'scenario')} left out{which}"


def _missing(run: Run) -> str:
    planned = run.facts.planned
    return f"{len(run.scenarios)} of {planned} scenarios are in the record" if planned else "what was finished is in the record"


def worst_first(run: Run) -> list[ScenarioRecord]:
    """Failed scenarios, those with most leaks first, then most outages; then those in error; in the record's order otherwise."""

    def badness(scenario: ScenarioRecord) -> tuple[bool, int, int]:
        judgement = scenario.judgement
        leaks, outages = (judgement.count(kind) for kind in (FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED))
        return scenario.outcome is Outcome.ERROR, -leaks, -outages

    return sorted(run.of(Outcome.FAILED, Outcome.ERROR), key=badness)

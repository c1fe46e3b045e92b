"""Cases are measured until the time is up; each one that disagrees with the model is shrunk and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.cluster.broken import BrokenCluster
from conformance.fuzz.case import Case, renamed
from conformance.fuzz.grammar import Language
from conformance.fuzz.shrink import shrink
from conformance.fuzz.write import scenario_file
from conformance.judge import Finding
from conformance.plan import plan
from conformance.record import ScenarioRecord
from conformance.scenario.check import needed
from conformance.scenario.fault import InvalidScenario
from conformance.scenario.fictive import fictive_world
from conformance.stage import Stage
from conformance.world.question import Question
from conformance.world.verdict import Outcome

MOST_ERRORS = 5
"""So many cases in a row that cannot be measured say that the cluster is broken."""


@dataclass(frozen=True, slots=True)
class Catch:
    """A disagreement. `is_repeatable`: it was seen again when it was asked again; else it was written as it was found."""

    case: Case
    sentence: str
    path: Path
    is_repeatable: bool


@dataclass
class Hunt:
    """One hunt with one seed. `is_over(grace)` says whether the time is up (with a grace for what is under way).

    `say` gets a sentence for people. `most` policies are made at most (0: no such limit).
    """

    language: Language
    seed: int
    folder: Path
    is_over: Callable[[bool], bool]
    say: Callable[[str], None]
    most: int = 0
    stops_at_first: bool = False
    policies: int = 0
    cases: int = 0
    catches: list[Catch] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _errors: list[str] = field(default_factory=list)
    _is_stopped: bool = False

    def run(self, stages: Sequence[Stage]) -> None:
        """Hunts on all stages at the same time. Raises BrokenCluster where nothing can be measured any more."""
        with ThreadPoolExecutor(len(stages), "hunt") as pool:
            hunters = [pool.submit(self._hunt, stage) for stage in stages]
            try:
                for hunter in hunters:
                    hunter.result()
            except BaseException:
                self._is_stopped = True
                raise

    def _hunt(self, stage: Stage) -> None:
        while (case := self._next()) is not None:
            record = stage.play(case.scenario())
            self._count(record)
            if record.outcome is Outcome.FAILED:
                self._caught(case, record, stage)

    def _next(self) -> Case | None:
        with self._lock:
            if self._is_stopped or self.is_over(False) or (self.most and self.policies >= self.most):  # noqa: FBT003 - without grace
                return None
            case = self.language.case(self.seed, self.cases)
            self.cases += 1
            self.policies += len(case.policies)
            return case

    def _count(self, record: ScenarioRecord) -> None:
        """What cannot be measured is said; too much of it ends the hunt."""
        if record.outcome not in (Outcome.ERROR, Outcome.SKIPPED, Outcome.NOT_SUPPORTED):
            self._errors.clear()
            return
        self._errors.append(record.sentence)
        self.say(f"{record.name} could not be measured: {record.sentence}")
        if len(self._errors) >= MOST_ERRORS:
            self._is_stopped = True
            raise BrokenCluster(f"{MOST_ERRORS} cases in a row could not be measured, the last: {record.sentence}")

    def _caught(self, case: Case, record: ScenarioRecord, stage: Stage) -> None:
        self.say(f"{case.name}: {record.sentence}")
        again = stage.play(case.scenario())
        smallest, last = case, record
        if is_repeatable := again.outcome is Outcome.FAILED:
            smallest, last = self._shrunk(case, again, stage)
        smallest = renamed(smallest)
        if any(same(smallest, other.case) for other in self.catches):
            self.say(f"{case.name}: the same again as {next(each.case.name for each in self.catches if same(smallest, each.case))}")
            return
        path = self.folder / f"{case.name}.yaml"
        path.write_text(self._file(smallest, last), encoding="utf-8")
        self.catches.append(Catch(smallest, last.sentence, path, is_repeatable))
        self.say(f"{case.name}: written to {path}" + ("" if is_repeatable else " as it was found: it did not happen again"))
        self._is_stopped |= self.stops_at_first

    def _shrunk(self, case: Case, record: ScenarioRecord, stage: Stage) -> tuple[Case, ScenarioRecord]:
        last = record

        def still_disagrees(smaller: Case) -> bool:
            nonlocal last
            if self._is_stopped or self.is_over(True) or not is_sound(smaller, self.language):  # noqa: FBT003 - with grace
                return False
            found = stage.play(smaller.scenario())
            if found.outcome is not Outcome.FAILED:
                return False
            last = found
            return True

        return shrink(case, still_disagrees), last

    def _file(self, case: Case, record: ScenarioRecord) -> str:
        scenario = case.scenario()
        planned = plan(scenario, fictive_world(case.layout), self.language.families)
        wrong: dict[int, list[Question]] = {}
        for finding in failures(record):
            if finding.step is not None and finding.question is not None:
                wrong.setdefault(finding.step, []).append(finding.question)
        first = next(iter(failures(record)))
        origin = f"fuzz: seed {self.seed}, {case.name}"
        return scenario_file(case, planned, wrong, first.sentence.partition("; in ")[0], origin, needed(scenario))


def failures(record: ScenarioRecord) -> list[Finding]:
    """The findings that make it a failure."""
    return [finding for finding in record.judgement.findings if finding.kind.is_failure]


def same(one: Case, other: Case) -> bool:
    """Whether two cases differ in their names only."""
    return replace(one, name="") == replace(other, name="")


def is_sound(case: Case, language: Language) -> bool:
    """Whether a case is of this language, one that a cluster would take, and asks something in each step.

    Smaller cases must be of the language, too: else what is new would be shrunk to what is known.
    """
    if not language.has(case):
        return False
    try:
        planned = plan(case.scenario(), fictive_world(case.layout), language.families)
    except (InvalidScenario, KeyError):
        return False
    return all(step.expected for step in planned.steps)

"""What is left of a run when its tracks are left out: enough to compare runs, to follow them over months, and to say what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance.judge import FindingKind, percentile
from conformance.record.run import Facts, Run, ScenarioRecord
from conformance.world.verdict import AnswerKind, Outcome, Verdict

if TYPE_CHECKING:
    from conformance.record.opening import OpenRecord


class FindingDigest(NamedTuple):
    """One thing that is wrong. `question` is the cell as text (`shop/a -> shop/b 80/TCP ipv4`), "" where it is about no cell;
    `answer` what came back last, None where nothing was asked. `step` and `is_beside` as in a Finding.
    """

    kind: FindingKind
    step: int | None
    question: str
    sentence: str
    answer: AnswerKind | None
    is_beside: bool


class EnforcementDigest(NamedTuple):
    """A cell whose verdict a step changed: its number, the new verdict, seconds until it was so (None: never)."""

    step: int
    now: Verdict
    seconds: float | None


class Counts(NamedTuple):
    """Numbers of one scenario. Cells are those of measured steps without the baseline; `left_open`, `judged` and `blocked` (which must
    be) by what is expected of them. `transients` are cells, `kept` and `cut` watched connections that stood when a step began.
    """

    judged: int = 0
    left_open: int = 0
    blocked: int = 0
    transients: int = 0
    kept: int = 0
    cut: int = 0


NOTHING = Counts()
"""The numbers of a scenario that measured nothing."""


@dataclass(frozen=True, slots=True)
class ScenarioDigest:
    """What became of one scenario. The words are those of ScenarioRecord.

    `actions`: what each step did, by its number. `open`: by step and cell (as text), what came back in the end where the specification
    leaves it open.
    """

    name: str
    outcome: Outcome
    sentence: str = ""
    file: str = ""
    group: str = ""
    about: str = ""
    fault_class: str = ""
    needs: tuple[str, ...] = ()
    is_disruptive: bool = False
    seconds: float = 0.0
    actions: Mapping[int, str] = field(default_factory=dict)
    findings: tuple[FindingDigest, ...] = ()
    open: Mapping[tuple[int, str], AnswerKind] = field(default_factory=dict)
    enforcements: tuple[EnforcementDigest, ...] = ()
    counts: Counts = NOTHING

    def count(self, kind: FindingKind) -> int:
        """How many findings there are of a kind."""
        return sum(finding.kind is kind for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Digest:
    """A run without its tracks. `path` is where it was read from; `resolution` the median time between two looks at a table, in seconds
    (None: no table was looked at twice): a time to enforce is not known better than that.
    """

    path: Path
    facts: Facts
    scenarios: tuple[ScenarioDigest, ...] = ()
    resolution: float | None = None

    def of(self, *outcomes: Outcome) -> tuple[ScenarioDigest, ...]:
        """The scenarios with one of these outcomes."""
        return tuple(scenario for scenario in self.scenarios if scenario.outcome in outcomes)

    @property
    def was_cut_short(self) -> bool:
        """Whether it ended before it was through: its process died, or scenarios are missing."""
        return not self.facts.ended or len(self.scenarios) < self.facts.planned


def read_digest(path: Path) -> Digest:
    """The digest of a record: a file, a report folder, or the parts of a killed run. Raises InvalidRecord, with the file's name."""
    from conformance.record.opening import collector_at_rest, open_record  # they are heavier than a digest

    with collector_at_rest():
        return digest_of_parts(open_record(path), path)


def digest_of_parts(record: OpenRecord, path: Path) -> Digest:
    """The digest of a record that was opened, found at `path`. Raises InvalidRecord, with the file's name."""
    from conformance.record.digest_reader import read_parts  # it knows this module

    return read_parts(record, path)


def digest_of(run: Run, path: Path = Path()) -> Digest:
    """The digest of a run."""
    rounds = (each for scenario in run.scenarios for each in rounds_of(scenario))
    return Digest(path, run.facts, tuple(map(scenario_digest, run.scenarios)), resolution_of(rounds))


def scenario_digest(record: ScenarioRecord) -> ScenarioDigest:
    """The digest of one scenario."""
    judgement, steps = record.judgement, record.measurement.steps
    verdicts = Counter(
        expectation.verdict for step in steps if step.number and step.timeline.rounds for expectation in step.expected.values()
    )
    established = Counter(each.was_kept for each in judgement.established)
    return ScenarioDigest(
        name=record.name,
        outcome=record.outcome,
        sentence=record.sentence,
        file=record.file,
        group=record.group,
        about=record.about,
        fault_class=record.fault_class,
        needs=record.needs,
        is_disruptive=record.is_disruptive,
        seconds=record.seconds,
        actions={step.number: step.action for step in steps},
        findings=tuple(
            FindingDigest(
                each.kind,
                each.step,
                str(each.question or ""),
                each.sentence,
                each.answer.kind if each.answer else None,
                each.is_beside,
            )
            for each in judgement.findings
        ),
        open={
            (step.number, str(question)): track[-1].answer.kind
            for step in steps
            for question, expectation in step.expected.items()
            if expectation.verdict is Verdict.OPEN and (track := step.timeline.tracks.get(question))
        },
        enforcements=tuple(EnforcementDigest(each.step, each.now, each.seconds) for each in judgement.enforcements),
        counts=counts_of(verdicts, len(judgement.transients), established[True], established[False]),
    )


def rounds_of(record: ScenarioRecord) -> list[Sequence[float]]:
    """The times of the rounds of each step, the baseline left out."""
    return [step.timeline.rounds for step in record.measurement.steps if step.number]


def counts_of(verdicts: Mapping[Verdict, int], transients: int, kept: int, cut: int) -> Counts:
    """The numbers of a scenario from how many cells there are of each expected verdict, and the rest."""
    allowed, blocked, left_open = (verdicts.get(each, 0) for each in (Verdict.ALLOWED, Verdict.BLOCKED, Verdict.OPEN))
    return Counts(allowed + blocked, left_open, blocked, transients, kept, cut)


def resolution_of(rounds: Iterable[Sequence[float]]) -> float | None:
    """The median time between two looks, of all steps' rounds."""
    return percentile((later - earlier for each in rounds for earlier, later in pairwise(each)), 50)


def change_of(action: str) -> str:
    """The kind of change that a step is, by the first words of its action: `apply`, `delete`, `relabel`, `put back`, …"""
    return action.partition(":")[0] if ":" in action else action.partition(" ")[0]

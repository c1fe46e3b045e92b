"""A digest straight from the text of a record: what is not needed is skipped, not built. Ten times as fast as reading the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from conformance.judge import FindingKind
from conformance.record.digest import (
    Digest,
    EnforcementDigest,
    FindingDigest,
    ScenarioDigest,
    counts_of,
    resolution_of,
    rounds_of,
    scenario_digest,
)
from conformance.record.document import VERSION
from conformance.record.opening import OpenRecord, named
from conformance.world.question import Question
from conformance.world.verdict import AnswerKind, Family, Outcome, Protocol, Verdict

Row = tuple[str, str, int, Protocol, Family, int]
Latency = tuple[int, float]


class _Finding(msgspec.Struct):
    kind: FindingKind
    sentence: str
    step: int | None
    cell: int | None
    answer: Latency | None
    beside: bool


class _TimeToEnforce(msgspec.Struct):
    cells: list[tuple[int, int, Verdict, float | None, float | None]]


class _Step(msgspec.Struct):
    number: int
    action: str
    cells: list[int]
    expected: list[int | None]
    rounds: list[float]
    tracks: msgspec.Raw


class _Scenario(msgspec.Struct, rename={"fault_class": "class", "is_disruptive": "disruptive"}):
    name: str
    outcome: Outcome
    sentence: str
    file: str
    group: str
    about: str
    fault_class: str
    needs: tuple[str, ...]
    is_disruptive: bool
    seconds: float
    findings: list[_Finding]
    time_to_enforce: _TimeToEnforce
    transients: list[msgspec.Raw]
    established: list[tuple[int, int, float | None]]
    questions: msgspec.Raw
    expectations: list[tuple[Verdict, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw]]
    answers: list[tuple[AnswerKind, msgspec.Raw, msgspec.Raw, msgspec.Raw]]
    steps: list[_Step]


_scenario = msgspec.json.Decoder(_Scenario)
_questions = msgspec.json.Decoder(list[Row])
_tracks = msgspec.json.Decoder(list[list[tuple[int, int, int, int, float]] | None])


def read_parts(record: OpenRecord, path: Path) -> Digest:
    """The digest of a record that was opened, found at `path`. Raises InvalidRecord, with the file's name.

    What the fast way does not understand (an earlier version, half a surrogate pair, a fault) the one reader that knows them all reads.
    """
    rounds: list[Sequence[float]] = []
    scenarios = []
    for part in record.parts:
        try:
            if record.version != VERSION or not isinstance(part.value, msgspec.Raw):
                raise _Unknown
            scenarios.append(_digest(_scenario.decode(part.value), rounds))
        except (_Unknown, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError):
            with named(record.path):
                scenario = record.scenario(part)
            scenarios.append(scenario_digest(scenario))
            rounds += rounds_of(scenario)
    return Digest(path, record.facts, tuple(scenarios), resolution_of(rounds))


class _Unknown(Exception):
    """Not for the fast way."""


def _digest(scenario: _Scenario, rounds: list[Sequence[float]]) -> ScenarioDigest:
    """The digest of one scenario; the rounds of its steps are added to `rounds`. Raises IndexError and msgspec's errors."""
    measured = [step for step in scenario.steps if step.number and step.rounds]
    places = Counter(place for step in measured for place in step.expected if place is not None)
    verdicts: Counter[Verdict] = Counter()
    for place, number in places.items():
        verdicts[scenario.expectations[_sound(place)][0]] += number
    cuts = [cut_at for _, _, cut_at in scenario.established]
    found = ScenarioDigest(
        name=scenario.name,
        outcome=scenario.outcome,
        sentence=scenario.sentence,
        file=scenario.file,
        group=scenario.group,
        about=scenario.about,
        fault_class=scenario.fault_class,
        needs=scenario.needs,
        is_disruptive=scenario.is_disruptive,
        seconds=scenario.seconds,
        actions={step.number: step.action for step in scenario.steps},
        findings=_findings(scenario),
        open=_open(scenario),
        enforcements=tuple(EnforcementDigest(step, now, seconds) for step, _, now, seconds, _ in scenario.time_to_enforce.cells),
        counts=counts_of(verdicts, len(scenario.transients), cuts.count(None), len(cuts) - cuts.count(None)),
    )
    rounds += [step.rounds for step in measured]  # only now: a fault before this sends the scenario to the other reader
    return found


def _findings(scenario: _Scenario) -> tuple[FindingDigest, ...]:
    if not scenario.findings:
        return ()
    questions = _Questions(scenario.questions)
    return tuple(
        FindingDigest(
            each.kind,
            each.step,
            "" if each.cell is None else questions[each.cell],
            each.sentence,
            None if each.answer is None else scenario.answers[_sound(each.answer[0])][0],
            each.beside,
        )
        for each in scenario.findings
    )


def _open(scenario: _Scenario) -> Mapping[tuple[int, str], AnswerKind]:
    is_open = [verdict is Verdict.OPEN for verdict, *_ in scenario.expectations]
    if not any(is_open):
        return {}
    questions, found = _Questions(scenario.questions), {}
    for step in scenario.steps:
        there = [at for at, place in enumerate(step.expected) if place is not None and is_open[_sound(place)]]
        tracks = _tracks.decode(step.tracks) if there else []
        for at in there:
            if track := tracks[at]:
                found[step.number, questions[step.cells[at]]] = scenario.answers[_sound(track[-1][3])][0]
    return found


class _Questions:
    """The texts of a scenario's questions, by their places: few are needed."""

    def __init__(self, rows: msgspec.Raw) -> None:
        self._rows = _questions.decode(rows)

    def __getitem__(self, place: int) -> str:
        return str(Question(*self._rows[_sound(place)]))


def _sound(place: int) -> int:
    """A place in a table. Raises IndexError for one that Python would count from the end."""
    if place < 0:
        raise IndexError(place)
    return place

"""What became of a fleet: the records of each member, its shards merged, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.fleet.fleet import Member, Part
from conformance.inside.emitted import packed
from conformance.inside.fetching import gravest
from conformance.record import Facts, InvalidRecord, Run, read
from conformance.record.merge import InvalidMerge, merge
from conformance.record.opening import NAME, PACKED
from conformance.report import write_reports
from conformance.world.verdict import Outcome

FAILED, BROKEN = 1, 3
"""Exit codes, as those of `run`."""

RECORD = NAME + PACKED
"""Records of many clusters are kept packed: a ninth of their size."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of a part. `packed` is its record as it was emitted, None where there is none: then `why` says it in a sentence.

    `exit_code` is that of the pod which measured it last.
    """

    part: Part
    packed: bytes | None = None
    why: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a member: `outcomes` of all scenarios that are there, `facts` None where there are none.

    `lost` counts the parts without a record. `troubles` are pairs, whose and what it is, beside what the scenarios themselves came to.
    """

    member: Member
    facts: Facts | None = None
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    troubles: tuple[tuple[str, str], ...] = ()
    exit_code: int = 0
    lost: int = 0
    is_whole: bool = False


def folder_of(part: Part, folder: Path) -> Path:
    """Where the record of a part goes."""
    own = folder / part.member.name
    return own / f"shard-{part.shard.number}" if part.shard.total > 1 else own


def result_of(member: Member, arrivals: Sequence[Arrival], folder: Path) -> Result:
    """Writes the records of a member's parts, and where all are there the whole one with its reports. Raises OSError."""
    runs, troubles, codes = list[tuple[str, Run]](), list[tuple[str, str]](), list[int]()
    for each in arrivals:
        where = folder_of(each.part, folder)
        try:
            runs.append((where.name, _kept(each, where)))
            codes.append(each.exit_code)
        except InvalidRecord as fault:
            troubles.append((str(each.part), str(fault)))
            codes.append(BROKEN if each.packed is not None else each.exit_code or BROKEN)
    lost = len(troubles)
    if not lost:
        try:
            return _whole(member, runs, codes, folder / member.name)
        except InvalidMerge as fault:
            troubles, codes = [(member.name, str(fault))], [BROKEN]
    outcomes = Counter(scenario.outcome for _, run in runs for scenario in run.scenarios)
    return Result(member, runs[0][1].facts if runs else None, outcomes, tuple(troubles), gravest(codes), lost)


def _kept(arrival: Arrival, folder: Path) -> Run:
    """The run of a part, whose record is in the folder now. Raises InvalidRecord (also where none has arrived), OSError."""
    if arrival.packed is None:
        raise InvalidRecord(arrival.why)
    _put(arrival.packed, folder)
    return read(folder)


def _put(content: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_bytes(content)


def _whole(member: Member, runs: Sequence[tuple[str, Run]], codes: Sequence[int], own: Path) -> Result:
    """Of all parts of a member, and the exit codes of their pods. Raises InvalidMerge, OSError."""
    run = runs[0][1]
    if member.shards > 1:
        run = merge(runs)
        _put(packed(run.to_json().encode()), own)
    write_reports(run, own)
    outcomes = Counter(each.outcome for each in run.scenarios)
    code, troubles = FAILED if outcomes[Outcome.FAILED] else BROKEN if outcomes[Outcome.ERROR] else 0, list[tuple[str, str]]()
    if run.was_cut_short:
        code = BROKEN
        troubles.append((member.name, f"cut short: {len(run.scenarios)} of {run.facts.planned} scenarios are in its record"))
    elif (worst := gravest(codes)) not in (code, 0) and not (worst == BROKEN and outcomes[Outcome.ERROR]):
        troubles.append((member.name, f"a pod ended with exit code {worst}, which no scenario explains: its log does"))
        code = worst
    return Result(member, run.facts, outcomes, tuple(troubles), code, is_whole=not run.was_cut_short)

"""What became of a fleet: the records of each member, its shards merged, and what is missing."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, SOMETHING_FAILED
from conformance.fleet.fleet import Member, Part
from conformance.inside.bundles import FOLDER, bring
from conformance.inside.emitted import packed
from conformance.inside.fetching import gravest
from conformance.inside.folders import keep
from conformance.inside.processes import in_processes
from conformance.record import Facts, InvalidRecord, Run
from conformance.record.merge import InvalidMerge, merge
from conformance.record.opening import NAME, PACKED
from conformance.report import write_reports
from conformance.world.verdict import Outcome

RECORD = NAME + PACKED
"""Records of many clusters are kept packed: a ninth of their size."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of a part. `packed` is its record as it was emitted, None where there is none: then `why` says it in a sentence.

    `exit_code` is that of the pod which measured it last; `diagnostics` are packed too, by scenario.
    """

    part: Part
    packed: bytes | None = None
    why: str = ""
    exit_code: int = 0
    diagnostics: Mapping[str, bytes] = field(default_factory=dict)


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


def results_of(arrivals: Sequence[Arrival], folder: Path) -> list[Result]:
    """What became of each member, in their order, by as many processes as there are processors: reports are work. Raises OSError."""
    came: dict[Member, list[Arrival]] = {}
    for each in arrivals:
        came.setdefault(each.part.member, []).append(each)
    return in_processes(sum(each.packed is not None for each in arrivals), result_of, came, came.values(), repeat(folder))


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
            codes.append(BROKEN_WORLD if each.packed is not None else each.exit_code or BROKEN_WORLD)
    lost = len(troubles)
    if not lost:
        try:
            return _whole(member, runs, codes, folder / member.name)
        except InvalidMerge as fault:
            troubles, codes = [(member.name, str(fault))], [BROKEN_WORLD]
    outcomes = Counter(scenario.outcome for _, run in runs for scenario in run.scenarios)
    return Result(member, runs[0][1].facts if runs else None, outcomes, tuple(troubles), gravest(codes), lost)


def _kept(arrival: Arrival, folder: Path) -> Run:
    """The run of a part, whose record is in the folder now. Raises InvalidRecord (also where none has arrived), OSError."""
    if arrival.packed is None:
        raise InvalidRecord(arrival.why)
    run = keep(arrival.packed, folder / RECORD)
    bring(run, arrival.diagnostics, folder)
    return run


def _whole(member: Member, runs: Sequence[tuple[str, Run]], codes: Sequence[int], own: Path) -> Result:
    """Of all parts of a member, and the exit codes of their pods. Raises InvalidMerge, OSError."""
    run = runs[0][1]
    if member.shards > 1:
        run = merge(runs)
        (own / RECORD).write_bytes(packed(run.to_json().encode()))
        for name, _ in runs:
            if (diagnostics := own / name / FOLDER).is_dir():
                shutil.copytree(diagnostics, own / FOLDER, dirs_exist_ok=True)
    write_reports(run, own)
    outcomes = Counter(each.outcome for each in run.scenarios)
    code = SOMETHING_FAILED if outcomes[Outcome.FAILED] else BROKEN_WORLD if outcomes[Outcome.ERROR] else ALL_PASSED
    troubles = list[tuple[str, str]]()
    if run.was_cut_short:
        code = BROKEN_WORLD
        troubles.append((member.name, f"cut short: {len(run.scenarios)} of {run.facts.planned} scenarios are in its record"))
    elif (worst := gravest(codes)) not in (code, ALL_PASSED) and not (worst == BROKEN_WORLD and outcomes[Outcome.ERROR]):
        troubles.append((member.name, f"a pod ended with exit code {worst}, which no scenario explains: its log does"))
        code = worst
    return Result(member, run.facts, outcomes, tuple(troubles), code, is_whole=not run.was_cut_short)

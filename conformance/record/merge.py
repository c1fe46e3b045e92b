"""The records of all shards as the record of one whole run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.record.run import Facts, Phase, Run, ShardFacts
from conformance.shard import Shard, fingerprint

_ONE_NIGHT = timedelta(hours=12)
"""Shards that began further apart may be of two nights; or one of them was measured again."""


class InvalidMerge(ValueError):
    """Records that are not the shards of one run. The text says which of them, and why."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A record, what to call it, and which shard it is."""

    name: str
    run: Run
    shard: ShardFacts

    def __str__(self) -> str:
        return f"{self.name} (shard {self.shard.part})"


def merge(records: Sequence[tuple[str, Run]]) -> Run:
    """One run of the runs of all its shards, in any order; each with the name (of its file) that an error calls it by.

    The scenarios are those of a whole run, in its order. It started when the first shard did and ended when the last did; `seconds` and
    `phases` are the sums over the shards, as if one process had done them one after the other. Facts of the cluster and options that
    differ stand side by side. Raises InvalidMerge: no shard, cut short, of another run, missing, doubled.
    """
    parts = [_part(name, run) for name, run in records]
    if not parts:
        raise InvalidMerge("there is no record to merge")
    for part in parts[1:]:
        _insist_on_same_run(parts[0], part)
    _insist_on_each_once(parts)
    parts.sort(key=lambda part: part.shard.part)
    run = Run(
        _facts(parts), tuple(sorted((each for part in parts for each in part.run.scenarios), key=lambda each: (each.file, each.name)))
    )
    _insist_on_selection(parts, run)
    return run


def far_apart(records: Iterable[tuple[str, Run]]) -> str:
    """Which of them began so long after the first that they may be of another night, in one sentence; "" where none did."""
    began = sorted((when, name) for name, run in records if (when := _began(run)) is not None)
    if not began or began[-1][0] - began[0][0] < _ONE_NIGHT:
        return ""
    (first, name), (last, other) = began[0], began[-1]
    both = f"{name} began on {first:%Y-%m-%d %H:%M} and {other} on {last:%Y-%m-%d %H:%M}"
    return f"{both}: if these are two nights, this is the record of neither"


def _began(run: Run) -> datetime | None:
    """When a run began; None where its record does not say it."""
    try:
        when = datetime.fromisoformat(run.facts.started)
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _part(name: str, run: Run) -> _Part:
    if run.facts.shard is None:
        raise InvalidMerge(f"{name} is no shard: it was measured without --shard, and there is nothing to merge it with")
    part = _Part(name, run, run.facts.shard)
    if run.was_cut_short:
        has = f"{len(run.scenarios)} of its {run.facts.planned} scenarios are in it"
        raise InvalidMerge(f"{part} was cut short, {has}: run this shard again")
    return part


def _insist_on_same_run(first: _Part, other: _Part) -> None:
    """Raises InvalidMerge where the two are not parts of one run."""
    for (what, mine), theirs in zip(_identity(first).items(), _identity(other).values(), strict=True):
        if mine != theirs:
            values = f": {mine} and {theirs}" if isinstance(mine, str) else ""
            raise InvalidMerge(f"{first} and {other} do not belong together: they have different {what}{values}")


def _identity(part: _Part) -> Mapping[str, Any]:
    """What all shards of a run have in common, in the order in which a difference is worth telling."""
    facts, shard = part.run.facts, part.shard
    return {
        "plugins": f"{facts.plugin.name} {facts.plugin.version}".strip(),
        "versions of cni-conformance": facts.suite,
        "numbers of shards": str(shard.part.total),
        "selections (-k, -m, files)": (shard.selected, shard.selection),
        "catalogues": (shard.catalogue, facts.left_out),
        "families": " ".join(facts.families),
        "capabilities": " ".join(sorted(facts.capabilities)),
    }


def _insist_on_each_once(parts: Sequence[_Part]) -> None:
    """Raises InvalidMerge for a shard that is there twice, and for those that are not there."""
    there: dict[Shard, _Part] = {}
    for part in parts:
        if (twin := there.setdefault(part.shard.part, part)) is not part:
            both = f"{part.name} is given twice" if twin.name == part.name else f"{twin.name} and {part.name} are the same shard"
            raise InvalidMerge(f"{both} ({part.shard.part}): give each shard once")
    total = parts[0].shard.part.total
    missing = [str(shard) for shard in (Shard(number, total) for number in range(1, total + 1)) if shard not in there]
    if missing:
        which = f"shard {missing[0]} is missing" if len(missing) == 1 else f"shards {', '.join(missing)} are missing"
        raise InvalidMerge(f"{which}: all {total} shards of a run are merged at once")


def _insist_on_selection(parts: Sequence[_Part], run: Run) -> None:
    """Raises InvalidMerge where the shards together are not what was selected: each scenario once, none more, none less."""
    homes: dict[str, _Part] = {}
    for part in parts:
        for scenario in part.run.scenarios:
            if scenario.name in homes:
                raise InvalidMerge(f"the scenario {scenario.name} is in {homes[scenario.name]} and in {part}: it belongs to one shard")
            homes[scenario.name] = part
    if fingerprint(sorted(homes)) != parts[0].shard.selection:
        raise InvalidMerge(f"{parts[0].name} and the others hold {len(homes)} scenarios that are not the {run.facts.planned} selected ones")


def _facts(parts: Sequence[_Part]) -> Facts:
    every, first = [part.run.facts for part in parts], parts[0].run.facts
    phases: Counter[str] = Counter()
    for facts in every:
        phases.update({phase.name: phase.seconds for phase in facts.phases})
    enforces = {facts.does_enforce for facts in every}
    options = _side_by_side([{key: _without_own(text) for key, text in facts.options.items()} for facts in every])
    return Facts(
        suite=first.suite,
        plugin=first.plugin,
        started=min(facts.started for facts in every),
        ended=max(facts.ended for facts in every),
        seconds=sum(facts.seconds for facts in every),
        families=first.families,
        cluster=_side_by_side([facts.cluster for facts in every]),
        capabilities=first.capabilities,
        options=options | {"shards": str(len(parts))},
        phases=tuple(Phase(name, seconds) for name, seconds in phases.items()),
        planned=parts[0].shard.selected,
        does_enforce=enforces.pop() if len(enforces) == 1 else False if False in enforces else None,
        left_out=first.left_out,
        left_out_disruptive=first.left_out_disruptive,
    )


def _without_own(words: str) -> str:
    """The words of a command line but for those that every shard has of its own."""
    return re.sub(r"(^| )--(shard|report)=\S+", "", words).strip()


def _side_by_side(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """By key the texts of all tables, each different one once."""
    found: dict[str, list[str]] = {}
    for table in tables:
        for key, text in table.items():
            found.setdefault(key, []).append(text)
    return {key: " | ".join(dict.fromkeys(texts)) for key, texts in found.items()}

"""Nights of the same kind, put together: copies once, the shards of a run as one night."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from conformance.trend.night import Night

_ONE_RUN = timedelta(hours=24)
"""Shards that began within this time may be of one run."""


def without_copies(nights: Iterable[Night]) -> tuple[list[Night], int]:
    """Each night once, and how many records say the same as another one (a copy; a whole record beside its shards)."""
    found: dict[tuple[tuple[str, ...], str], list[Night]] = {}
    kept, copies = [], 0
    for night in nights:
        same = found.setdefault((night.kind, night.started), [])
        if any(_is_same(night, other) for other in same):
            copies += len(night.paths)
        else:
            same.append(night)
            kept.append(night)
    return kept, copies


def _is_same(one: Night, other: Night) -> bool:
    return one.versions == other.versions and dict(zip(one.names, one.letters, strict=True)) == dict(
        zip(other.names, other.letters, strict=True)
    )


def with_shards_together(nights: Sequence[Night]) -> list[Night]:
    """The same nights in the same order, but the shards of one run are one night. It is not whole while a shard is missing."""
    groups: list[list[Night]] = []
    runs: dict[object, list[Night]] = {}
    for night in nights:
        if night.shard is None:
            groups.append([night])
            continue
        part, selection = night.shard
        run = (night.kind, night.versions, selection, part.partition("/")[2])
        if run not in runs or _is_of_another(runs[run], night):
            runs[run] = []
            groups.append(runs[run])
        runs[run].append(night)
    return [group[0] if group[0].shard is None else _together(group) for group in groups]


def _is_of_another(shards: Sequence[Night], night: Night) -> bool:
    first, this = (datetime.fromisoformat(each.started) for each in (shards[0], night))
    return this - first > _ONE_RUN or night.shard in [shard.shard for shard in shards]


def _together(shards: Sequence[Night]) -> Night:
    """Times to enforce of several shards are not known: percentiles cannot be added."""
    first = shards[0]
    total = int(first.shard[0].partition("/")[2]) if first.shard else 1
    findings = sum((Counter(shard.findings) for shard in shards), Counter[str]())
    reasons = [f"{len(shards)} of {total} shards"] if len(shards) < total else []
    reasons += dict.fromkeys(shard.missing for shard in shards if shard.missing)
    return replace(
        first,
        paths=tuple(path for shard in shards for path in shard.paths),
        seconds=max(shard.seconds for shard in shards),
        missing=", ".join(reasons),
        findings=dict(sorted(findings.items())),
        enforced={},
        names=tuple(name for shard in shards for name in shard.names),
        letters="".join(shard.letters for shard in shards),
    )

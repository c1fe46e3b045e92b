"""A comparison as one self-contained page: the matrix of scenarios and records first, then what is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from conformance.compare import words
from conformance.compare.nouns import Became, Compared, Comparison, Distribution, OpenPoint, Row, Share, Where
from conformance.judge.finding import counted
from conformance.report.html.shell import document
from conformance.report.html.templates import asset, render
from conformance.world.verdict import Outcome, Verdict

CELLS = 5
"""Cells that differ which are listed for one scenario; a count says how many are missing."""

NAMES = 200
"""Names of a list of scenarios that are not shared."""

_WIDTH, _HEIGHT, _GAP = 14, 30, 6
"""Of a bar of a distribution, in pixels; the last one (never) stands apart by the gap."""


class _Cell(NamedTuple):
    """What became of a scenario in one record: the outcome as a badge, and what was wrong."""

    outcome: str
    troubles: str


class _Section(NamedTuple):
    """Scenarios that differ in one way, or (kind "") agree."""

    kind: str
    heading: str
    meaning: str
    rows: Sequence[dict[str, object]]


def html(comparison: Comparison) -> str:
    """The page. It makes no request, and what a record says is text in it, never markup."""
    sentence = words.headline(comparison)
    body = render(
        "compare.html",
        sentence=sentence,
        records=[_record(*each) for each in zip(comparison.records, words.facts_of(comparison.records), strict=True)],
        labels=comparison.labels,
        kinds=[(str(kind), words.WORDS[kind].heading) for kind in comparison.by_difference()],
        group_names=sorted({row.group for row in comparison.rows}),
        sections=list(_sections(comparison)),
        total=len(comparison.rows),
        agreement=words.agreement(comparison),
        groups=[_share(share) for share in sorted(comparison.groups, key=lambda share: -share.differing)],
        capabilities=[_share(share) for share in comparison.capabilities],
        open_sentence=words.open_sentence(comparison),
        open_points=[_open_point(point) for point in comparison.open_points],
        times_sentence=words.times_sentence(comparison),
        directions=list(_directions(comparison)),
        bins=words.bin_names(),
        not_shared=list(_not_shared(comparison)),
    )
    return document(sentence, body, script=asset("compare.js"), style=asset("compare.css"))


def _record(record: Compared, facts: Mapping[str, str]) -> dict[str, object]:
    return {"label": record.label, "facts": facts, "outcomes": _outcomes(record.outcomes)}


def _outcomes(counts: Mapping[Outcome, int]) -> list[tuple[str, int]]:
    return [(str(outcome), counts[outcome]) for outcome in words.OUTCOME_ORDER if counts.get(outcome)]


def _sections(comparison: Comparison) -> Iterator[_Section]:
    for kind, rows in comparison.by_difference().items():
        who = words.who_has(comparison, kind, rows)
        title = f"{words.WORDS[kind].heading}: {counted(len(rows), 'scenario')}" + (f" ({who})" if who else "")
        yield _Section(str(kind), title, words.WORDS[kind].meaning, [_row(comparison, row) for row in rows])
    alike = sorted((row for row in comparison.rows if not row.differences), key=_has_passed)
    if alike:
        yield _Section("", f"All agree: {counted(len(alike), 'scenario')}", "", [_row(comparison, row) for row in alike])


def _has_passed(row: Row) -> bool:
    return all(each is None or each.outcome is Outcome.PASSED for each in row.became)


def _row(comparison: Comparison, row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "group": row.group,
        "about": row.about,
        "kinds": " ".join(row.differences),
        "cells": [_became(each) for each in row.became],
        "where": words.where_or_why(row) if row.differences else "",
        "differing": [(words.place(each), _seen(comparison, row, each)) for each in row.where[:CELLS]],
        "more": max(0, row.cells - CELLS),
        "sentences": _sentences(comparison, row) if row.differences else [],
    }


def _became(became: Became | None) -> _Cell:
    return _Cell("", "not in it") if became is None else _Cell(str(became.outcome), words.troubles(became))


def _seen(comparison: Comparison, row: Row, where: Where) -> str:
    """`leak: ptp, bridge; as expected: cilium`."""
    found: dict[str, list[str]] = {}
    for place, label in enumerate(comparison.labels):
        found.setdefault(words.seen_there(where, row.became[place], place), []).append(label)
    troubles_first = sorted(found, key=lambda what: what in (words.AS_EXPECTED, words.NOT_JUDGED))
    return "; ".join(f"{what}: {', '.join(found[what])}" for what in troubles_first)


def _sentences(comparison: Comparison, row: Row) -> list[tuple[str, str]]:
    """What each record says of a scenario that did not pass there; records that say the same stand together."""
    found: dict[str, list[str]] = {}
    for label, each in zip(comparison.labels, row.became, strict=True):
        if each is not None and each.outcome is not Outcome.PASSED:
            found.setdefault(each.sentence, []).append(label)
    return [(", ".join(labels), sentence) for sentence, labels in found.items()]


def _share(share: Share) -> dict[str, object]:
    return {
        "name": share.name,
        "scenarios": share.scenarios,
        "differing": share.differing,
        "outcomes": [_outcomes(each) for each in share.outcomes],
        "has": share.has,
    }


def _open_point(point: OpenPoint) -> dict[str, object]:
    decided = [(str(verdict or ""), words.decided(verdict, answer)) for verdict, answer in zip(point.verdicts, point.answers, strict=True)]
    return {"scenario": point.scenario, "about": point.about, "decided": decided, "cells": words.first_cell(point)}


def _directions(comparison: Comparison) -> Iterator[dict[str, object]]:
    for now in (Verdict.BLOCKED, Verdict.ALLOWED):
        every = [times for times in comparison.times if times.now is now]
        rows = [
            {
                "change": times.change,
                "records": [(label, _distribution(each)) for label, each in zip(comparison.labels, times.distributions, strict=True)],
            }
            for times in every
        ]
        if rows:
            yield {"name": f"newly {now}", "all": rows[:1], "by_change": rows[1:]}


def _distribution(each: Distribution) -> dict[str, object]:
    names = [*words.bin_names(), "never"]
    counts = [*each.bins, each.never]
    return {
        "cells": each.cells,
        "never": each.never,
        "times": [words.seconds(value) if each.cells else "-" for value in (each.p50, each.p90, each.p99, each.longest)],
        "bars": list(_bars(counts, each.cells)),
        "told": ", ".join(f"{name}: {number}" for name, number in zip(names, counts, strict=True) if number) or "no cell",
        "width": len(counts) * _WIDTH + _GAP,
        "height": _HEIGHT,
    }


def _bars(counts: Sequence[int], total: int) -> Iterator[tuple[int, float, int, float, bool]]:
    """x, y, width and height of each bar that is not empty, and whether it is the one of the cells that never got there."""
    for place, number in enumerate(counts):
        if number:
            is_never = place == len(counts) - 1
            height = max(1.5, round(_HEIGHT * number / total, 1))
            yield place * _WIDTH + (_GAP if is_never else 0), _HEIGHT - height, _WIDTH - 1, height, is_never


def _not_shared(comparison: Comparison) -> Iterator[tuple[str, str, Sequence[str], int]]:
    """Label, what it is about the names, the names, and how many more there are."""
    for record in comparison.records:
        for what, names in (("has alone", record.own), ("does not have", record.lacks)):
            if names:
                yield record.label, f"{what} {counted(len(names), 'scenario')}", names[:NAMES], max(0, len(names) - NAMES)

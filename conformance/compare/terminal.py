"""A comparison for the person in front of a terminal, or for the log of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.compare.nouns import Became, Comparison, Difference, Distribution, Row
from conformance.compare.words import (
    OUTCOME_ORDER,
    WORDS,
    agreement,
    bin_names,
    blocks,
    decided,
    direction,
    facts_of,
    first_cell,
    headline,
    open_sentence,
    seconds,
    times_sentence,
    troubles,
    where_or_why,
    who_has,
)
from conformance.judge.finding import counted
from conformance.report.explain import STYLE
from conformance.report.page import printable
from conformance.view import MARKS
from conformance.world.table import NOT_ASKED, SYMBOL_OF
from conformance.world.verdict import AnswerKind, Outcome, Verdict

ROWS = 15
"""Rows of one table; a last line says how many are missing."""

LOG_WIDTH = 160
"""Columns where there is no terminal: whoever reads a log scrolls."""

MOST_WIDE = 3
"""Records whose outcomes are written in words; of more they are marks."""

_LONGEST = 100

Cell = str | Text


def print_comparison(comparison: Comparison, console: Console, *, rows: int = ROWS) -> None:
    """The comparison, what differs first. `rows`: how many of each table."""
    if not console.is_terminal:
        console.width = max(console.width, LOG_WIDTH)
    console.print(Text(printable(headline(comparison)), style="bold red" if comparison.differing else "bold green"))
    _put_records(comparison, console)
    for kind, differing in comparison.by_difference().items():
        _put_differing(comparison, kind, differing, console, rows)
    _say(console, "agreement", agreement(comparison))
    _put_groups(comparison, console)
    _put_capabilities(comparison, console)
    _put_open_points(comparison, console, rows)
    _put_times(comparison, console)
    _put_not_shared(comparison, console, rows)


def _heading(console: Console, text: str, more: str = "") -> None:
    console.print()
    console.print(Text.assemble((printable(text), "bold"), ("  " + printable(more) if more else "", "dim")))


def _say(console: Console, heading: str, text: str) -> None:
    _heading(console, heading)
    console.print(Text(printable(text)))


def _put(console: Console, head: Sequence[str], rows: Iterable[Sequence[Cell]], most: int | None = None) -> None:
    every = list(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in head:
        table.add_column(Text(_short(name)), overflow="fold", min_width=min(32, console.width // 4) if name == "scenario" else None)
    for row in every[:most]:
        table.add_row(*(each if isinstance(each, Text) else Text(_short(each)) for each in row))
    console.print(table)
    if most is not None and len(every) > most:
        console.print(Text(f"… and {len(every) - most} more: --format html or json has all", style="dim"))


def _short(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _is_narrow(comparison: Comparison) -> bool:
    return len(comparison.records) > MOST_WIDE


def _heads(comparison: Comparison) -> list[str]:
    """What stands above the column of each record: its label, or where there are many its number in the table of records."""
    return [str(number) if _is_narrow(comparison) else label for number, label in enumerate(comparison.labels, 1)]


def _put_records(comparison: Comparison, console: Console) -> None:
    console.print()
    rows: list[list[Cell]] = []
    every = facts_of(comparison.records)
    for number, (record, facts) in enumerate(zip(comparison.records, every, strict=True), 1):
        outcomes = _counts(record.outcomes, is_narrow=_is_narrow(comparison))
        rows.append([str(number), record.label, outcomes, *facts.values()])
    _put(console, ["", "record", "scenarios", *every[0]], rows)
    if _is_narrow(comparison):
        console.print(Text(", ".join(f"{MARKS[outcome][0]} {outcome}" for outcome in OUTCOME_ORDER), style="dim"))


def _put_differing(comparison: Comparison, kind: Difference, differing: Sequence[Row], console: Console, most: int) -> None:
    _heading(console, f"{WORDS[kind].heading}: {counted(len(differing), 'scenario')}", who_has(comparison, kind, differing))
    console.print(Text(WORDS[kind].meaning, style="dim"))
    head = ["scenario", *_heads(comparison), "where, or why"]
    narrow = _is_narrow(comparison)
    rows: list[list[Cell]] = [
        [
            f"{row.group}/{row.name}" if row.group else row.name,
            *(_became(each, is_narrow=narrow) for each in row.became),
            where_or_why(row),
        ]
        for row in differing
    ]
    _put(console, head, rows, most)


def _became(became: Became | None, *, is_narrow: bool) -> Text:
    """`✗ 458 leaks`; where there is little room `✗458`, the number of findings."""
    if became is None:
        return Text("-", style="dim")
    mark, style = MARKS[became.outcome]
    if is_narrow:
        return Text(f"{mark}{sum(became.troubles.values()) or ''}", style=style)
    return Text(f"{mark} {troubles(became) or became.outcome}", style=style)


def _counts(outcomes: Mapping[Outcome, int], *, is_narrow: bool) -> Text:
    """`12 passed  2 failed`; where there is little room `12✓ 2✗`."""
    parts: list[tuple[str, str] | str] = []
    for outcome in OUTCOME_ORDER:
        if number := outcomes.get(outcome):
            parts += [(f"{number}{MARKS[outcome][0]}" if is_narrow else f"{number} {outcome}", STYLE[outcome]), " " if is_narrow else "  "]
    return Text.assemble(*parts[:-1]) if parts else Text("-", style="dim")


def _put_groups(comparison: Comparison, console: Console) -> None:
    shares = sorted(comparison.groups, key=lambda share: -share.differing)
    narrow = _is_narrow(comparison)
    rows: list[list[Cell]] = [
        [
            share.name or "(no group)",
            f"{share.differing} of {share.scenarios}",
            *(_counts(each, is_narrow=narrow) for each in share.outcomes),
        ]
        for share in shares
    ]
    _put(console, ["group", "differ", *_heads(comparison)], rows)


def _put_capabilities(comparison: Comparison, console: Console) -> None:
    _heading(console, "capabilities", "what each cluster has, and the scenarios that need it")
    rows: list[list[Cell]] = []
    for share in comparison.capabilities:
        offers = [
            Text("yes  ").append_text(_counts(each, is_narrow=_is_narrow(comparison))) if has else Text("no", style="yellow")
            for has, each in zip(share.has, share.outcomes, strict=True)
        ]
        rows.append([share.name, *offers])
    _put(console, ["capability", *_heads(comparison)], rows)


def _put_open_points(comparison: Comparison, console: Console, most: int) -> None:
    _say(console, "open points", open_sentence(comparison))
    if comparison.open_points:
        rows: list[list[Cell]] = [
            [
                point.scenario,
                *(_decided(*pair, is_narrow=_is_narrow(comparison)) for pair in zip(point.verdicts, point.answers, strict=True)),
                first_cell(point),
            ]
            for point in comparison.open_points
        ]
        _put(console, ["scenario", *_heads(comparison), "cells"], rows, most)


def _decided(verdict: Verdict | None, answer: AnswerKind | None, *, is_narrow: bool) -> str:
    """In words, or as the tables of a run show it."""
    return decided(verdict, answer) if not is_narrow else NOT_ASKED if verdict is None else SYMBOL_OF[verdict]


def _put_times(comparison: Comparison, console: Console) -> None:
    _say(console, "time to enforce", times_sentence(comparison))
    if not comparison.times:
        return
    rows: list[list[Cell]] = []
    every = [times for times in comparison.times if not times.change or not _is_narrow(comparison)]
    for times in every:
        name = f"{direction(times)}, {times.change or 'any change'}"
        for label, each in zip(comparison.labels, times.distributions, strict=True):
            rows.append([name, label, *_distribution(each)])
            name = ""
    _put(console, ["", "record", "cells", "never", "p50", "p90", "p99", "longest", "distribution"], rows)
    if len(every) < len(comparison.times):
        console.print(Text("by kind of change: --format html, markdown or json", style="dim"))
    console.print(Text(f"distribution: a bar for each of {', '.join(bin_names())} | never", style="dim"))


def _distribution(each: Distribution) -> list[Cell]:
    if not each.cells:
        return [Text("0", style="dim"), *["-"] * 5, ""]
    times = [seconds(value) for value in (each.p50, each.p90, each.p99, each.longest)]
    return [str(each.cells), Text(str(each.never), style="bold red" if each.never else "dim"), *times, blocks(each)]


def _put_not_shared(comparison: Comparison, console: Console, most: int) -> None:
    lines = []
    for record in comparison.records:
        for what, names in (("has alone", record.own), ("does not have", record.lacks)):
            if names:
                shown = ", ".join(map(_short, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
                lines.append(f"{_short(record.label)} {what} {counted(len(names), 'scenario')}: {shown}")
    if lines:
        _heading(console, "not shared")
        for line in lines:
            console.print(Text(line), soft_wrap=not console.is_terminal)

"""The results of a fleet for people: a sentence, then a row for each cluster, those that need somebody first."""

from __future__ import annotations

import io
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.fleet.results import RECORD, Result
from conformance.judge.finding import counted
from conformance.report.explain import STYLE
from conformance.report.page import printable
from conformance.world.verdict import Outcome

WIDTH = 160
"""Columns where there is no terminal that has its own."""

FILE = "fleet.txt"
"""In the folder: the table with all clusters."""

ROWS = 40
"""Clusters that a terminal shows."""

NAMED = 8
"""Clusters that a line names one by one."""

_SHORT = {Outcome.NOT_SUPPORTED: "n/a", Outcome.KNOWN_DEVIATION: "known"}


def print_results(results: Sequence[Result], folder: Path, console: Console, rows: int = ROWS) -> None:
    """Prints the table, and how the whole records are compared. `rows`: how many clusters at most."""
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH, color_system=None)
    style = "bold red" if any(each.exit_code for each in results) else "bold green"
    _say(console, headline(results), style)
    console.print()
    shown = sorted(results, key=lambda each: not each.exit_code)
    console.print(_table(shown[:rows], results))
    if len(shown) > rows:
        _say(console, f"… and {len(shown) - rows} more: {folder / FILE} has all", "dim")
    for what, why in _troubles(results)[:rows]:
        console.print()
        _say(console, what, "bold")
        for line in why.splitlines():
            _say(console, f"  {line}")
    if line := comparing(results, folder):
        console.print()
        _say(console, line, "dim")


def plain(results: Sequence[Result], folder: Path) -> str:
    """The same as text, with all clusters."""
    file = io.StringIO()
    print_results(results, folder, Console(file=file, width=WIDTH, color_system=None), len(results))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def headline(results: Sequence[Result]) -> str:
    """How many clusters became what."""
    kinds = Counter(_kind(each) for each in results)
    parts = [f"{kinds[kind]} {kind}" for kind in ("failed", "in error", "not whole", "passed") if kinds[kind]]
    return f"{counted(len(results), 'cluster')}: {', '.join(parts)}"


def comparing(results: Sequence[Result], folder: Path) -> str:
    """The command that compares all whole records, "" where there is only one."""
    there = [folder / each.member.name for each in results if each.is_whole]
    if len(there) < 2:
        return ""
    paths = shlex.join(map(str, there)) if len(there) <= NAMED else f"{shlex.quote(str(folder))}/*/{RECORD}"
    return f"where they differ: cni-conformance compare {paths}"


def _kind(result: Result) -> str:
    if not result.is_whole:
        return "not whole"
    return "failed" if result.outcomes.get(Outcome.FAILED) else "in error" if result.exit_code else "passed"


def _table(shown: Sequence[Result], results: Sequence[Result]) -> Table:
    """Columns only for what there is."""
    there = [outcome for outcome in Outcome if any(each.outcomes.get(outcome) for each in results)]
    has_missing = any(not each.is_whole for each in results)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in ("cluster", "plugin", "Kubernetes"):
        table.add_column(name, overflow="fold")
    for outcome in there:
        table.add_column(_SHORT.get(outcome, str(outcome)), justify="right")
    if has_missing:
        table.add_column("missing")
    for each in shown:
        counts = [_count(each, outcome) for outcome in there]
        table.add_row(*_facts(each), *counts, *([_missing(each)] if has_missing else []))
    return table


def _missing(result: Result) -> str:
    """How much. Where nothing is lost and there is no whole all the same, the sentence below the table says why."""
    if result.is_whole:
        return ""
    return f"{result.lost} of {result.member.shards} shards" if result.lost and result.member.shards > 1 else "yes"


def _facts(result: Result) -> tuple[Text, Text, Text]:
    name = Text(result.member.name, style="bold red" if result.exit_code else "")
    if result.facts is None:
        return name, Text(result.member.cni, style="dim"), Text("")
    return name, Text(printable(str(result.facts.plugin))), Text(printable(result.facts.cluster.get("Kubernetes", "")))


def _count(result: Result, outcome: Outcome) -> Text:
    if result.facts is None:
        return Text("")
    number = result.outcomes.get(outcome, 0)
    return Text(str(number), style=STYLE[outcome] if number else "dim")


def _troubles(results: Sequence[Result]) -> list[tuple[str, str]]:
    """What trouble there is, and whose; those of the same kind are together."""
    whose: dict[str, list[str]] = {}
    for result in results:
        for what, why in result.troubles:
            whose.setdefault(why, []).append(what)
    return [(_named(names), why) for why, names in whose.items()]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "; ".join(names[:NAMED]) + more


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)

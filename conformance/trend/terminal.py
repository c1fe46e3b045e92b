"""A trend for the person in front of a terminal."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.report.explain import STYLE
from conformance.report.page import printable
from conformance.trend.chapters import STRIP, Chapter, chapters, history, times
from conformance.trend.section import Section
from conformance.trend.trend import Trend
from conformance.trend.words import LEGEND, headline, overall, remarks
from conformance.world.verdict import Outcome

WIDTH = 160
"""Columns where there is no terminal that has its own."""

LISTED, NIGHTS = 20, 14
"""How many rows a list has, and how many nights are shown."""

_COLOURS = {**{str(outcome): style for outcome, style in STYLE.items()}, "unsteady": "bold yellow"}
_MARKS = {"F": STYLE[Outcome.FAILED], "E": STYLE[Outcome.ERROR], "x": STYLE[Outcome.KNOWN_DEVIATION], ".": "green"}


def print_trend(trend: Trend, console: Console) -> None:
    """Prints the trend: a sentence for each plugin, then its tables; lists are cut with a count. What is no terminal gets WIDTH columns."""
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH, color_system=None)
    if len(trend.sections) > 1:
        _say(console, overall(trend), "bold")
    for section in trend.sections:
        _print_section(section, console)
    if any(len(section.nights) > 1 for section in trend.sections):
        console.print()
        _say(console, LEGEND, "dim")
    for remark in remarks(trend):
        _say(console, remark, "dim")
    for path, fault in trend.found.faults[:LISTED]:
        _say(console, f"  {path}: {fault}", "dim")
    if len(trend.found.faults) > LISTED:
        _say(console, f"  and {len(trend.found.faults) - LISTED} more", "dim")


def plain(trend: Trend) -> str:
    """The same as text without colours."""
    file = io.StringIO()
    print_trend(trend, Console(file=file))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _print_section(section: Section, console: Console) -> None:
    style = "bold red" if section.is_red else "bold green" if section.is_green else "bold yellow"
    console.print()
    _say(console, headline(section), style)
    for chapter in (*chapters(section, LISTED), times(section), history(section, NIGHTS)):
        if chapter is not None:
            _print_chapter(chapter, console)


def _print_chapter(chapter: Chapter, console: Console) -> None:
    console.print()
    _say(console, chapter.title, _COLOURS.get(chapter.kind, "bold"))
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)
    for place in chapter.used:
        is_number = chapter.kind == "nights" and place > 3  # night and the three versions
        table.add_column(chapter.head[place], justify="right" if is_number else "left", overflow="fold")
    for row in chapter.rows:
        table.add_row(*(_strip(row[place]) if chapter.head[place] == STRIP else Text(printable(row[place])) for place in chapter.used))
    console.print(table)
    if chapter.missing:
        _say(console, f"and {chapter.missing} more: --format json has all", "dim")


def _strip(marks: str) -> Text:
    text = Text(no_wrap=True)
    for mark in marks:
        text.append(mark, style=_MARKS.get(mark, "dim"))
    return text


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)

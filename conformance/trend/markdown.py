"""A trend as Markdown for the step summary of GitHub: the biggest problems first, cut with a count."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judge.finding import counted
from conformance.report.markdown import LIMIT, cut, escaped
from conformance.trend.chapters import STRIP, Chapter, chapters, history, times
from conformance.trend.section import Section
from conformance.trend.trend import Trend
from conformance.trend.words import LEGEND, headline, overall, remarks

LISTED, NIGHTS = 50, 30
"""How many rows a list has, and how many nights are shown."""

_MARK = {
    "failed": "❌",
    "passed": "✅",
    "error": "💥",
    "known-deviation": "☑️",
    "unsteady": "🎲",
    "skipped": "⚪",
    "gone": "⚪",
    "new": "🆕",
}


def markdown(trend: Trend, limit: int = LIMIT) -> str:
    """The trend in at most `limit` bytes of UTF-8. What does not fit is left out from the end, and the last line counts it."""
    return cut(list(_blocks(trend)), limit, _missing)


def _missing(number: int) -> str:
    return f"\n**{counted(number, 'more part')} left out here for want of room: `--format json` has everything.**\n"


def _blocks(trend: Trend) -> Iterator[str]:
    """The sentences and what there is to do first, of all plugins; then the rest of each."""
    yield f"# {escaped(overall(trend))}\n"
    notes = [*remarks(trend), *(f"{path}: {fault}" for path, fault in trend.found.faults[:LISTED])]
    notes += [f"and {len(trend.found.faults) - LISTED} more"] if len(trend.found.faults) > LISTED else []
    if notes:
        yield "\n".join(f"- {escaped(note)}" for note in notes) + "\n"
    for section in trend.sections:
        yield from _section(section, is_alone=len(trend.sections) == 1)
    yield f"`{LEGEND}`\n"


def _section(section: Section, *, is_alone: bool) -> Iterator[str]:
    if not is_alone:
        yield f"## {escaped(headline(section))}\n"
    for chapter in (*chapters(section, LISTED), times(section), history(section, NIGHTS)):
        if chapter is not None:
            yield _chapter(chapter)


def _chapter(chapter: Chapter) -> str:
    head = [chapter.head[place] for place in chapter.used]
    lines = [_row(head), _row(["---"] * len(head))]
    lines += [
        _row([f"`{row[place]}`" if chapter.head[place] == STRIP else escaped(row[place]) for place in chapter.used]) for row in chapter.rows
    ]
    mark = f"{_MARK[chapter.kind]} " if chapter.kind in _MARK else ""
    more = f"\nand {chapter.missing} more: `--format json` has all\n" if chapter.missing else ""
    return f"### {mark}{chapter.title}\n\n" + "\n".join(lines) + f"\n{more}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"

"""A trend as one self-contained HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from conformance.report.html.shell import document
from conformance.report.html.templates import asset, render
from conformance.trend.chapters import STRIP, Chapter, chapters, history, times
from conformance.trend.chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Chart, charts
from conformance.trend.section import Section
from conformance.trend.trend import Trend
from conformance.trend.words import LEGEND, headline, overall, remarks

LISTED, NIGHTS = 200, 120
"""How many rows a list has, and how many nights are shown."""

_CLASSES = {".": "passed", "F": "failed", "E": "error", "x": "known-deviation", "s": "skipped", "n": "not-supported", "-": "absent"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A section as the template wants it."""

    number: int
    title: str
    sentence: str
    state: str
    chapters: tuple[Chapter, ...]
    times: Chapter | None
    charts: tuple[Chart, ...]
    history: Chapter


def html(trend: Trend) -> str:
    """The trend as HTML; the text can always be encoded as UTF-8."""
    faults = trend.found.faults
    body = render(
        "trend.html",
        sentence=overall(trend),
        sections=[_shown(number, section) for number, section in enumerate(trend.sections, 1)],
        remarks=list(remarks(trend)),
        faults=faults[:LISTED],
        more_faults=max(0, len(faults) - LISTED),
        legend=LEGEND,
        strip_column=STRIP,
        strip=_runs,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        width=WIDTH,
        height=HEIGHT,
    )
    return document(f"Trend: {overall(trend)}", body, style=asset("trend.css"))


def _shown(number: int, section: Section) -> _Shown:
    state = "failed" if section.is_red else "passed" if section.is_green else "error"
    lists = tuple(chapters(section, LISTED))
    return _Shown(
        number, section.title, headline(section), state, lists, times(section), tuple(charts(section.nights)), history(section, NIGHTS)
    )


def _runs(marks: str) -> list[tuple[str, str]]:
    """The marks of a strip as pieces of one outcome each, with the class of that outcome."""
    return [("".join(group), _CLASSES[mark]) for mark, group in groupby(marks)]

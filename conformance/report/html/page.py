"""The page of one run: one pass over its scenarios, so that only what the page needs is ever in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from conformance.record import Facts, Run, ScenarioRecord
from conformance.report.baseline import News
from conformance.report.html.overview import overview
from conformance.report.html.scenario import PROBLEMS, Row, row_of
from conformance.report.html.shared import Shared
from conformance.report.html.shell import document_parts
from conformance.report.html.templates import asset, render
from conformance.report.summary import Tally

DATA_LIMIT = 12_000_000
"""Bytes of tables and pictures in one page. Scenarios beyond, the worst kept first, have their row only, and a count says so."""

_SCRIPTS = ("run-data.js", "run-cell.js", "run-grid.js", "run-track.js", "run-graph.js", "run-step.js", "run-scenario.js", "run-list.js")


def html(run: Run, *, news: News | None = None, limit: int = DATA_LIMIT) -> str:
    """The run as one self-contained HTML page that makes no request; with `news` it begins with them. `limit` as DATA_LIMIT."""
    return "".join(html_parts(run.facts, run.scenarios, news=news, limit=limit))


def write_html(run: Run, path: Path, *, news: News | None = None, limit: int = DATA_LIMIT) -> None:
    """Writes the page into a file, piece by piece. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(html_parts(run.facts, run.scenarios, news=news, limit=limit))


def html_parts(facts: Facts, scenarios: Iterable[ScenarioRecord], *, news: News | None = None, limit: int = DATA_LIMIT) -> Iterator[str]:
    """The same page piece by piece. The scenarios are looked at once, one after the other, before the first piece."""
    shared, tally, rows = Shared(), Tally(), []
    for scenario in scenarios:
        tally.add(scenario)
        rows.append(row_of(scenario, shared))
    script = "(() => {\n'use strict';\n" + "".join(asset(name) for name in _SCRIPTS) + "})();\n"
    body = _body(facts, rows, tally, shared, news, limit)
    return document_parts(f"{facts.plugin}: cni-conformance", body, script=script, style=asset("run.css"))


def _body(facts: Facts, rows: list[Row], tally: Tally, shared: Shared, news: News | None, limit: int) -> Iterator[Markup]:
    yield overview(facts, rows, tally.summary(), news)
    sections = [(key, title, _sorted(key, rows)) for key, title in PROBLEMS.items()]
    ordered = [row for _, _, found in sections for row in found]
    kept = _fitting(ordered, limit)
    measured = sum(bool(row.data) for row in rows)
    groups = sorted({row.group for row in rows})
    needs = sorted({name for row in rows for name in row.needs})
    yield render("run-filter.html", total=len(rows), left_out=measured - len(kept), groups=groups, needs=needs)
    numbers = {id(row): number for number, row in enumerate(ordered)}
    for key, title, found in sections:
        if found:
            numbered = [(numbers[id(row)], row, id(row) in kept) for row in found]
            yield render("run-section.html", key=key, title=title, rows=numbered)
    yield from (_data(f"d{numbers[id(row)]}", row.data) for row in ordered if id(row) in kept)
    yield _data("shared", shared.document())


def _sorted(problem: str, rows: Sequence[Row]) -> list[Row]:
    """The scenarios of a section: most leaks first, then most outages, then most of the rest; else in the record's order."""
    return sorted((row for row in rows if row.problem == problem), key=lambda row: (-row.leaks, -row.outages, -row.others))


def _fitting(rows: Iterable[Row], limit: int) -> set[int]:
    """The identities of the rows whose data fit, in this order."""
    kept, left = set(), limit
    for row in rows:
        if row.data and len(row.data) <= left:
            kept.add(id(row))
            left -= len(row.data)
    return kept


def _data(name: str, text: str) -> Markup:
    return Markup(f'<script type="application/json" id="{name}">{text}</script>\n')  # noqa: S704 # script_json made it

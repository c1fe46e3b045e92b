"""How all formats of a report that are wanted are made in one reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from conformance.formats import Format
from conformance.record import Facts, ScenarioRecord
from conformance.report.baseline import News
from conformance.report.junit import junit
from conformance.report.machine import summary_json
from conformance.report.markdown import markdown
from conformance.report.profiles import profiles
from conformance.report.telling import Teller, Telling

AFTER_A_RUN = (Format.HTML, Format.MARKDOWN, Format.JUNIT, Format.OPENMETRICS, Format.CONFORMANCE)
"""What `run --report` writes beside the record."""


class Target(Protocol):
    """Where a report is put."""

    def put(self, path: Path, parts: Iterable[str]) -> None:
        """The text of one file, in parts."""


class Kept:
    """Keeps the text of what is put: for standard output, once all is well."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, path: Path, parts: Iterable[str]) -> None:  # noqa: ARG002 - a target has it
        """Half a surrogate pair becomes its code."""
        self.text += "".join(parts).encode("utf-8", "backslashreplace").decode()


def put(
    files: Target, wanted: Mapping[Format, Path], facts: Facts, scenarios: Iterable[ScenarioRecord], news: News | None = None
) -> Telling:
    """Puts a report in each of these formats (but for TERMINAL) under these paths, and returns what was told.

    The scenarios are taken one by one, once. Raises OSError, and what the scenarios raise.
    """
    teller = Teller(facts, explains=any(each.explains for each in wanted))
    passing = teller.through(scenarios)
    if Format.HTML in wanted:
        files.put(wanted[Format.HTML], _html(facts, passing, news))
    for _ in passing:
        pass  # what nobody else has taken
    telling = teller.telling(news)
    for each, path in wanted.items():
        if each not in (Format.HTML, Format.TERMINAL):
            files.put(path, (text(each, telling),))
    return telling


def text(wanted: Format, telling: Telling) -> str:
    """A report in one of the formats that are a text of what was told. Raises KeyError for HTML and TERMINAL."""
    if wanted is Format.OPENMETRICS:
        from conformance.report.openmetrics import openmetrics  # its library takes its time to load

        return openmetrics(telling)
    return _TEXTS[wanted](telling)


_TEXTS = {Format.MARKDOWN: markdown, Format.JUNIT: junit, Format.CONFORMANCE: profiles, Format.JSON: summary_json}


def _html(facts: Facts, scenarios: Iterable[ScenarioRecord], news: News | None) -> Iterator[str]:
    from conformance.report.html import html_parts  # templates are loaded only for those who want a page

    return html_parts(facts, scenarios, news=news)

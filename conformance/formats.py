"""The formats of a report, and what their files are called. Light: the command line names them before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Format(StrEnum):
    """What a report may be written as."""

    HTML = "html"
    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    OPENMETRICS = "openmetrics"
    CONFORMANCE = "conformance"
    JSON = "json"

    @property
    def file(self) -> str:
        """The name of its file in the folder of a report."""
        return _FILES[self]

    @property
    def explains(self) -> bool:
        """Whether it has the explanations of what went wrong as plain text."""
        return self in (Format.MARKDOWN, Format.JUNIT)


_FILES: Mapping[Format, str] = {
    Format.HTML: "report.html",
    Format.TERMINAL: "summary.txt",
    Format.MARKDOWN: "summary.md",
    Format.JUNIT: "junit.xml",
    Format.OPENMETRICS: "metrics.txt",
    Format.CONFORMANCE: "conformance.yaml",
    Format.JSON: "summary.json",
}

"""Every presentation of a run, each a function of its record alone."""

from __future__ import annotations

from pathlib import Path

from conformance.record import Run
from conformance.report.baseline import News
from conformance.report.explain import explain
from conformance.report.files import Files
from conformance.report.formats import AFTER_A_RUN, put
from conformance.report.junit import junit
from conformance.report.markdown import markdown
from conformance.report.telling import tell
from conformance.report.terminal import print_run

__all__ = ["explain", "junit", "markdown", "print_run", "tell", "write_reports"]


def write_reports(run: Run, folder: Path, news: News | None = None) -> tuple[Path, ...]:
    """Writes the reports of `AFTER_A_RUN` into the folder (made where it is not there), all or none. Returns their paths.

    Raises OSError.
    """
    with Files() as files:
        put(files, {each: folder / each.file for each in AFTER_A_RUN}, run.facts, run.scenarios, news)
    return tuple(files.paths)

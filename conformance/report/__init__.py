"""Every presentation of a run, each a function of its record alone."""

from __future__ import annotations

from pathlib import Path

from conformance.record import Run
from conformance.report.explain import explain
from conformance.report.junit import junit
from conformance.report.markdown import markdown
from conformance.report.terminal import print_run

__all__ = ["explain", "junit", "markdown", "print_run", "write_reports"]


def write_reports(run: Run, folder: Path) -> tuple[Path, ...]:
    """Writes `summary.md` and `junit.xml` into the folder (made where it is not there). Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / "summary.md": markdown(run), folder / "junit.xml": junit(run)}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return tuple(files)

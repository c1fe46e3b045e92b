"""The commands that take several records: `compare` and `merge`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from conformance.cli import put, refuse, view_of

if TYPE_CHECKING:
    from conformance.compare import Comparison

COMPARED, DIFFERENT = range(2)
"""Exit codes. That records differ is no error, unless one asks for it."""

FORMATS = ("terminal", "html", "markdown", "json")


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: what the ending of -o says (.html, .md, .json), else terminal."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it there, not to the terminal.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the records differ.")
@click.pass_context
def compare(context: click.Context, records: tuple[Path, ...], form: str | None, output: Path | None, exit_code: bool) -> None:  # noqa: FBT001 - click calls it
    """Compare records (files, or folders with a record.json): several plugins, or several versions of one.

    \b
    Exit code 0 compared · 1 with --exit-code: they differ · 2 they cannot be compared
    """
    from conformance.compare import InvalidComparison, html, markdown, print_comparison, to_json
    from conformance.compare import compare as compared
    from conformance.record import InvalidRecord
    from conformance.record.digest import read_digest

    try:
        comparison = compared([read_digest(path) for path in records])
    except (InvalidRecord, InvalidComparison) as fault:
        refuse(str(fault))
    form = form or _form_of(output)
    if form == "terminal" and output is None:
        print_comparison(comparison, view_of(context).console)
    else:
        written: dict[str, Callable[[Comparison], str]] = {"html": html, "markdown": markdown, "json": to_json, "terminal": _plain}
        put(written[form](comparison), output)
        if output is not None:
            click.echo(f"comparison: {output}")
    sys.exit(DIFFERENT if exit_code and comparison.differing else COMPARED)


def _form_of(output: Path | None) -> str:
    endings = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}
    return endings.get(output.suffix.lower(), "terminal") if output is not None else "terminal"


def _plain(comparison: Comparison) -> str:
    """What the terminal would show, without colour."""
    from io import StringIO

    from conformance.compare import print_comparison

    text = StringIO()
    print_comparison(comparison, Console(file=text, no_color=True, highlight=False))
    return text.getvalue()


@click.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Folder for the record and its reports."
)
def merge(records: tuple[Path, ...], output: Path) -> None:
    """Put the records of all shards of a run together: one record, as of one whole run.

    \b
    Exit code 0 merged · 2 these are not all shards of one run
    """
    from conformance.record import InvalidRecord, read, write
    from conformance.record import merge as merging
    from conformance.report import write_reports

    whole = (output / "record.json").resolve()
    if shard := next((path for path in records if whole in (path.resolve(), (path / "record.json").resolve())), None):
        refuse(f"{output} holds the shard {shard}, which would be written over: give another folder")
    try:
        shards = [(str(path), read(path)) for path in records]
        run = merging.merge(shards)
    except (InvalidRecord, merging.InvalidMerge) as fault:
        refuse(str(fault))
    try:
        output.mkdir(parents=True, exist_ok=True)
        write(run, output / "record.json")
        _bring_diagnostics(records, output)
        write_reports(run, output)
    except OSError as fault:
        refuse(f"{output} cannot be written: {fault.strerror or fault}")
    if warning := merging.far_apart(shards):
        click.echo(f"note: {warning}", err=True)
    click.echo(f"{len(records)} shards, {len(run.scenarios)} scenarios: {output / 'record.json'}")


def _bring_diagnostics(records: tuple[Path, ...], output: Path) -> None:
    """What the shards found out about their failures comes along; every scenario is in one shard. Raises OSError."""
    from conformance.diagnostics import FOLDER

    for record in records:
        found = (record if record.is_dir() else record.parent) / FOLDER
        if found.is_dir() and found.resolve() != (output / FOLDER).resolve():
            shutil.copytree(found, output / FOLDER, symlinks=True, dirs_exist_ok=True)

"""The command that looks through a folder of records: `trend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli import put, refuse, view_of

if TYPE_CHECKING:
    from conformance.trend import Trend

FORMATS = {"terminal": ".txt", "html": ".html", "markdown": ".md", "json": ".json"}
"""The formats, each with the ending of a file that is enough to ask for it."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--plugin", metavar="NAME", default="", help="Only the nights of this plugin.")
@click.option("--since", metavar="DATE", default="", help="Only nights from this day on (UTC), as 2026-11-21.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: as FILE ends, else terminal.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to this file instead.")
@click.pass_context
def trend(context: click.Context, folder: Path, plugin: str, since: str, form: str | None, output: Path | None) -> None:
    """The nights of a plugin, from a folder of records: what broke when, between which versions, and what is flaky.

    \b
    Records are looked for in all folders below DIR. What was read once is not read again: an index is kept in the user's cache.
    Exit code 0 · 2 there is nothing to read, or FILE cannot be written
    """
    from conformance.cluster.state import cache_folder
    from conformance.trend import InvalidDate, InvalidFolder, look

    form = form or next((each for each, ending in FORMATS.items() if output is not None and output.suffix == ending), "terminal")
    try:
        found = look(folder, cache_folder(), plugin, since)
    except (InvalidFolder, InvalidDate) as fault:
        refuse(*str(fault).split("\n"))
    if output is None and form == "terminal":
        _print(context, found)
        return
    text = _text(found, form)
    put(text if text.endswith("\n") else f"{text}\n", output)


def _text(found: Trend, form: str) -> str:
    """The trend in one of FORMATS."""
    if form == "html":
        from conformance.trend.html import html

        return html(found)
    if form == "markdown":
        from conformance.trend.markdown import markdown

        return markdown(found)
    if form == "json":
        from conformance.trend.document import to_json

        return to_json(found)
    from conformance.trend.terminal import plain

    return plain(found)


def _print(context: click.Context, found: Trend) -> None:
    from conformance.trend.terminal import print_trend

    print_trend(found, view_of(context).console)

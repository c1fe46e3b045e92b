"""The command that writes the catalogue's page."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.cli import loaded
from conformance.exit_code import WRONG_USAGE


@click.command()
@click.option(
    "--table",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("docs/sensitivity.json"),
    show_default=True,
    metavar="FILE",
    help="Which scenarios see which faults, as `sensitivity --json` writes it.",
)
@click.option("--quick", "is_quick", is_flag=True, help="Instead: few scenarios that together see every fault (scenarios/quick.yaml).")
def catalogue(table: Path, *, is_quick: bool) -> None:
    """Print the page of the whole catalogue (docs/catalogue.md): what each scenario asks, and the faults that it sees."""
    from conformance.catalogue_page import InvalidTable, catalogue_page, read_table
    from conformance.quick import quick, quick_file
    from conformance.scenario.load import classes

    try:
        faults = read_table(table.read_text(encoding="utf-8"))
    except (OSError, InvalidTable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        click.echo(f"{table}: {reason}; `cni-conformance sensitivity --json {table}` writes it", err=True)
        sys.exit(WRONG_USAGE)
    scenarios = loaded(())
    click.echo(quick_file(quick(scenarios, faults)) if is_quick else catalogue_page(scenarios, classes(), faults), nl=False)

"""The command that proves what the catalogue sees."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli import loaded, view_of
from conformance.exit_code import ALL_PASSED, SOMETHING_FAILED, WRONG_USAGE

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.sensitivity import Seen, Sensitivity
    from conformance.simulated.faults import Fault


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--fault", "names", multiple=True, metavar="NAME", help="Only this fault. May be given several times.")
@click.option("--list", "is_list", is_flag=True, help="Show the faults, with the reports of real plugins that they stand for.")
@click.option("--json", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write the table there.")
@click.option("-n", "workers", type=int, default=0, metavar="WORKERS", help="Processes; default: one for each processor.")
@click.pass_context
def sensitivity(
    context: click.Context,
    scenarios: tuple[Path, ...],
    names: tuple[str, ...],
    is_list: bool,  # noqa: FBT001 - click calls it
    file: Path | None,
    workers: int,
) -> None:
    """Switch on every fault of the simulated plugin, and see which scenarios fail. Needs no cluster.

    \b
    Exit code 0 every fault is seen, and every scenario sees one · 1 not so · 2 wrong usage
    """
    from conformance.sensitivity import sensitivity as looked
    from conformance.simulated.faults import FAULTS, UnknownFault, named

    console = view_of(context).console
    try:
        faults = [named(name) for name in names] or list(FAULTS.values())
    except UnknownFault as unknown:
        click.echo(str(unknown), err=True)
        sys.exit(WRONG_USAGE)
    if is_list:
        _list(faults)
        return

    def done(seen: Seen) -> None:
        if console.is_terminal:
            console.print(f"{seen.scenario}: {len(seen.faults)} faults", markup=False)

    table = looked(loaded(scenarios), faults, done, workers)
    if file is not None:
        file.write_text(table.to_json(), encoding="utf-8")
    _show(table, console)
    # A part of the catalogue need not see everything, nor all of it what one fault does.
    lacks = table.broken or (table.unseen and (names or not scenarios)) or (table.blind and not names and not scenarios)
    sys.exit(SOMETHING_FAILED if lacks else ALL_PASSED)


def _list(faults: Sequence[Fault]) -> None:
    for fault in faults:
        rows = f" [{', '.join(map(str, fault.rows))}]" if fault.rows else ""
        click.echo(f"{fault.name}{rows}\n    {fault.about}")


def _show(table: Sensitivity, console: Console) -> None:
    for name, seen_by in table.by_fault().items():
        few = ", ".join(seen_by[:3]) + (f", and {len(seen_by) - 3} more" if len(seen_by) > 3 else "")
        console.print(f"{name}: {few or 'no scenario sees it'}", markup=False, soft_wrap=True)
    for each in table.broken:
        console.print(f"without any fault {each.scenario} does not pass: {each.broken}", markup=False, soft_wrap=True)
    for scenario in table.blind:
        console.print(f"{scenario} sees no fault", markup=False)
    console.print(
        f"{len(table.faults)} faults, {len(table.unseen)} seen by nobody; {len(table.seen)} scenarios, {len(table.blind)} see none"
    )

"""The command line: `cni-conformance`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from conformance import data
from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, SOMETHING_FAILED, WRONG_USAGE
from conformance.settings import OPTIONS, InvalidSettings, Settings
from conformance.view import View

Command = Callable[..., Any]


def with_settings(*flags: str) -> Callable[[Command], Command]:
    """The options of `conformance.settings` (all, or those named); the command gets them as one `settings`."""

    def decorate(command: Command) -> Command:
        def gathered(**values: Any) -> Any:
            own = {option.key: values.pop(option.key, option.unset) for option in OPTIONS}
            try:
                settings = Settings.of(own)
            except InvalidSettings as error:
                raise click.UsageError(str(error)) from None
            return command(settings=settings, **values)

        gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
        gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined] # click's way to carry them
        for option in reversed(OPTIONS):
            if flags and option.flag not in flags:
                continue
            if isinstance(option.default, bool):
                gathered = click.option(option.flag, option.key, help=option.help, is_flag=True)(gathered)
            else:
                many = isinstance(option.default, tuple)
                gathered = click.option(
                    option.flag, option.key, help=option.help, metavar=option.metavar, default=option.unset, multiple=many
                )(gathered)
        return gathered

    return decorate


def view_of(context: click.Context) -> View:
    """The view that the common options ask for."""
    common = context.find_root().params
    color = False if common["no_color"] or os.environ.get("NO_COLOR") else None
    return View(Console(no_color=color is False or None, highlight=False), is_quiet=common["quiet"])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-q", "--quiet", is_flag=True, help="Only what went wrong, and the summary.")
@click.option("--no-color", is_flag=True, help="No colour (so does the environment's NO_COLOR).")
@click.version_option(package_name="cni-conformance")
def main(quiet: bool, no_color: bool) -> None:  # noqa: FBT001 - click calls it
    """Does this CNI plugin do what Kubernetes' NetworkPolicies say? Who really reaches whom, measured and explained."""


def _emitted_name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    from conformance.inside.emitted import InvalidName, check_name

    try:
        return None if name is None else check_name(name)
    except InvalidName as fault:
        raise click.BadParameter(str(fault)) from None


@main.command()
@with_settings()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("-k", "expression", metavar="EXPR", help="Only scenarios whose names match, as pytest's -k: 'deny and not egress'.")
@click.option("-m", "marks", metavar="MARK", help="Only groups or capabilities, as pytest's -m: 'recipes and not outside-host'.")
@click.option("-n", "workers", metavar="WORKERS", default="auto", help="Processes that measure at the same time; 0: in this one.")
@click.option("-x", "stop_early", is_flag=True, help="Stop at the first scenario that does not pass.")
@click.option("--lf", "last_failed", is_flag=True, help="Only the scenarios that failed in the last run.")
@click.option("-v", "--verbose", is_flag=True, help="Show pytest's own report too.")
@click.option(
    "--emit",
    metavar="NAME",
    callback=_emitted_name,
    help="At the end, also of an interrupted run, write packed record and diagnostics to standard output, under this name, for `fetch`.",
)
@click.option("--sonobuoy", is_flag=True, help="At the end, put the reports where Sonobuoy collects them, and write its `done` file.")
@click.pass_context
def run(context: click.Context, /, settings: Settings, **choice: Any) -> None:
    """Measure scenarios (files or folders; default: the whole catalogue) on a cluster.

    \b
    Exit code 0 all passed · 1 something failed · 2 wrong usage · 3 the world was broken
              4 nothing enforces policies here · 130 interrupted
    """
    from conformance.door import run_pytest

    sys.exit(run_pytest(settings, view_of(context), **choice))


def check_choice(choice: Mapping[str, Any]) -> None:
    """Raises InvalidSettings for `workers`, `expression` and `marks` of `run` that pytest would refuse, for pods too late."""
    from _pytest.mark import expression

    if not re.fullmatch("auto|[0-9]{1,4}", choice["workers"]):
        raise InvalidSettings(f"-n {choice['workers']}: a number of processes, or auto")
    for option, text in (("-k", choice["expression"]), ("-m", choice["marks"])):
        try:
            if text:
                expression.Expression.compile(text)
        except getattr(expression, "ParseError", SyntaxError) as fault:
            raise InvalidSettings(f"{option} {text}: {fault}") from None


@main.command("list")
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def list_(context: click.Context, scenarios: tuple[Path, ...]) -> None:
    """The scenarios, by group, with what each says."""
    console, group = view_of(context).console, ""
    for scenario in loaded(scenarios):
        if scenario.group != group:
            group = scenario.group
            console.print(f"\n{group}", style="bold", markup=False)
        marks = ", ".join(filter(None, (scenario.fault_class, "disruptive" if scenario.is_disruptive else "")))
        needs = f"  (needs {', '.join(scenario.needs)})" if scenario.needs else ""
        head = f"  {scenario.name}{f'  [{marks}]' if marks else ''}{needs}"
        console.print(f"{head}\n      {scenario.about}", markup=False, soft_wrap=not console.is_terminal)


@main.command()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path))
def check(scenarios: tuple[Path, ...]) -> None:
    """Check the catalogue: every fault of every file, with line and caret. Needs no cluster."""
    from conformance.expect import contradictions
    from conformance.scenario.check import check as faults_of
    from conformance.scenario.fault import told

    found = loaded(scenarios)
    faults = (*faults_of(found), *contradictions(found))
    if faults:
        _fail(told(faults), WRONG_USAGE)
    click.echo("1 scenario is sound" if len(found) == 1 else f"{len(found)} scenarios are sound")


@main.command()
@click.argument("scenario")
def expect(scenario: str) -> None:
    """The expected tables of a scenario (its name, or a file) with the rules that decide. Needs no cluster."""
    from conformance.expect import explain

    found = [each for each in loaded(()) if each.name == scenario] if not Path(scenario).exists() else list(loaded((Path(scenario),)))
    if not found:
        _fail(f"there is no scenario {scenario}: `cni-conformance list` shows their names", WRONG_USAGE)
    for each in found:
        click.echo(explain(each))


@main.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--report", metavar="DIR", type=click.Path(path_type=Path), help="Folder for the reports made from it.")
@click.pass_context
def judge(context: click.Context, record: Path, report: Path | None) -> None:
    """Judge a stored record again: no cluster, the same reports and exit code.

    \b
    Exit code 0 all passed · 1 something failed · 2 wrong usage · 3 something is in error, or the run was cut short
    """
    from conformance.record import InvalidRecord, read, rejudge
    from conformance.report import write_reports
    from conformance.report.terminal import print_run
    from conformance.world.verdict import Outcome

    try:
        judged = rejudge(read(record))
    except InvalidRecord as error:
        _fail(str(error), WRONG_USAGE)
    print_run(judged, view_of(context).console)
    try:
        if report is not None:
            write_reports(judged, report)
    except OSError as fault:
        _fail(f"{report} cannot be written: {fault.strerror}", WRONG_USAGE)
    is_broken = judged.was_cut_short or bool(judged.of(Outcome.ERROR))
    sys.exit(SOMETHING_FAILED if judged.of(Outcome.FAILED) else BROKEN_WORLD if is_broken else ALL_PASSED)


def loaded(paths: tuple[Path, ...]) -> tuple[Any, ...]:
    """The scenarios of these files and folders (none: the whole catalogue). Ends the program where one has faults."""
    from conformance.scenario.catalogue import load_all
    from conformance.scenario.fault import told

    scenarios, faults = load_all(paths or (data.folder("scenarios"),))
    if faults:
        _fail(told(faults), WRONG_USAGE)
    return scenarios


def refuse(*lines: str) -> NoReturn:
    """Ends the program for wrong usage: says why, without anything that would move a cursor or not encode."""
    from conformance.report.page import printable

    click.echo("\n".join(map(printable, lines)), err=True)
    sys.exit(WRONG_USAGE)


def put(text: str, output: Path | None) -> None:
    """Writes what a command has made to a file, whose folder is made where it is missing, or (None) to standard output.

    Ends the program where the file cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")  # half a surrogate pair, which JSON can say and UTF-8 cannot
    if output is None:
        click.echo(data, nl=False)
        return
    try:
        if not output.parent.exists():
            output.parent.mkdir(parents=True)
        output.write_bytes(data)
    except OSError as fault:
        refuse(f"{output} cannot be written: {fault.strerror}")


def _fail(text: str, exit_code: int) -> Any:
    click.echo(text, err=True)
    sys.exit(exit_code)


def _register() -> None:
    from conformance.cli_catalogue import catalogue
    from conformance.cli_cluster import clean, cluster, doctor
    from conformance.cli_compare import compare, merge
    from conformance.cli_fleet import fleet
    from conformance.cli_fuzz import fuzz
    from conformance.cli_job import fetch, job
    from conformance.cli_policies import explain, graph, import_, lint
    from conformance.cli_report import report
    from conformance.cli_simulated import sensitivity
    from conformance.cli_trend import trend

    measuring = (cluster, doctor, clean, fuzz, sensitivity, catalogue, job, fetch, fleet)
    reading = (report, compare, merge, trend, lint, explain, graph, import_)
    for command in (*measuring, *reading):
        main.add_command(command)


_register()

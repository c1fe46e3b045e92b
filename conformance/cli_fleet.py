"""The commands of `fleet`: many clusters, measured by Jobs of a hub."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from conformance.cli import check_choice, main, refuse, run, view_of
from conformance.cli_cluster import plain_errors
from conformance.cli_job import insist_on_new
from conformance.exit_code import BROKEN_WORLD
from conformance.settings import OPTIONS, InvalidSettings, Settings

if TYPE_CHECKING:
    from conformance.cluster.connection import Connection
    from conformance.fleet.fleet import Fleet
    from conformance.fleet.results import Result
    from conformance.view import View

_THEIRS = frozenset(("family", "force", "disruptive", "probe_image", "times", "outside", "world"))
"""Settings that the words of a fleet's file may change."""

_OURS = {option.key: "" for option in OPTIONS if option.key not in _THEIRS} | {
    "cluster": "kubeconfig and context",
    "cni": "cni",
    "shard": "shards",
    "emit": "",
    "sonobuoy": "",
}
"""The others, each with the keys that say it instead."""


@click.group()
def fleet() -> None:
    """Many clusters: the file of a fleet becomes Indexed Jobs on a hub cluster, and their records one table."""


@fleet.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def render(context: click.Context, file: Path) -> None:
    """Print the manifests of a fleet, for `kubectl apply -f -` on the hub. They hold credentials.

    \b
    Exit code 0 rendered · 2 the file has faults
    """
    from conformance.fleet.render import InvalidSize, manifests

    fleet = _loaded(file)
    try:
        click.echo(manifests(fleet), nl=False)
    except InvalidSize as fault:
        refuse(f"{file}: {fault}")
    if not view_of(context).is_quiet:
        click.echo(_told(fleet), err=True)


@fleet.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="A new folder: one of its own for each cluster."
)
@click.option("--context", "name", metavar="CONTEXT", help="The hub's context in the kubeconfig. Default: the current one.")
@click.option("--wait", "patience", metavar="SECONDS", type=click.IntRange(min=0), default=0, help="Wait so long for the Jobs to end.")
@click.pass_context
def fetch(context: click.Context, file: Path, output: Path, name: str | None, patience: int) -> None:
    """Bring the records of a fleet back, put the shards of each cluster together, and print one table.

    
    Exit code 0 all is there and passed · 1 something failed · 2 wrong usage · 3 something is missing or in error
              4 nothing enforces policies in a cluster
    """
    from conformance.cluster.connection import Connection
    from conformance.cluster.jobs import NoSuchJob
    from conformance.fleet.arriving import OtherFleet
    from conformance.fleet.table import print_results
    from conformance.inside.fetching import gravest
    from conformance.world.times import Times

    fleet, view = _loaded(file, with_kubeconfigs=False), view_of(context)
    insist_on_new(output)
    with plain_errors():
        connection = Connection.of(None, name, Times())
        try:
            results = _results(connection, fleet, output, patience, view)
        except (NoSuchJob, OtherFleet) as fault:
            refuse(str(fault))
        except OSError as fault:
            refuse(f"{output} cannot be written: {fault.strerror}")
        finally:
            connection.close()
    print_results(results, output, view.console)
    sys.exit(gravest(each.exit_code for each in results))


def _results(connection: Connection, fleet: Fleet, output: Path, patience: float, view: View) -> list[Result]:
    """Everything that is there, written into the folder. Raises OtherFleet, NoSuchJob, BrokenCluster, OSError."""
    from conformance.fleet.arriving import arrivals
    from conformance.fleet.results import results_of
    from conformance.fleet.table import FILE, plain

    results: list[Result] = []
    for came in arrivals(connection, fleet, patience, view.say):
        results += results_of(came, output)
    output.mkdir(parents=True, exist_ok=True)
    (output / FILE).write_text(plain(results, output), encoding="utf-8")
    return results


@fleet.command()
@click.argument("words", type=click.Path(path_type=Path))
def measure(words: Path) -> None:
    """What the pods of a fleet do: `cni-conformance run` with the words of a file."""
    try:
        said = shlex.split(words.read_text(encoding="utf-8"))
    except OSError as fault:
        refuse(f"{words} cannot be read: {fault.strerror}")
    except ValueError as fault:
        refuse(f"{words} holds no words of a command: {fault}")
    if said[:1] != ["run"]:
        refuse(f"{words} holds no words of `cni-conformance run`")
    if not Path(os.environ.get("KUBECONFIG", words)).is_file():
        click.echo("there is no kubeconfig: the Secret that the fleet's file names for this cluster is not on the hub, or lacks the key")
        sys.exit(BROKEN_WORLD)  # no final end: somebody may be about to put it there
    click.echo(f"cni-conformance {shlex.join(said)}")
    main.main(said, prog_name="cni-conformance")


def _loaded(file: Path, *, with_kubeconfigs: bool = True) -> Fleet:
    from conformance.fleet.file import InvalidFleet, load

    try:
        return load(file, wrong_words, with_kubeconfigs=with_kubeconfigs)
    except InvalidFleet as fault:
        refuse(*str(fault).splitlines())


def _told(fleet: Fleet) -> str:
    """What was rendered, in a line or two."""
    from conformance.judge.finding import counted

    parts, pods = sum(len(job.parts) for job in fleet.jobs), sum(job.parallelism for job in fleet.jobs)
    jobs = f"Job {fleet.name}" if len(fleet.jobs) == 1 else f"{len(fleet.jobs)} Jobs"
    clusters = counted(len(fleet.members), "cluster")
    lines = [f"{clusters} in {counted(parts, 'part')}: {jobs} in namespace {fleet.namespace}, {counted(pods, 'pod')} at a time"]
    if pods > fleet.parallelism:
        lines.append(f"every Job has one pod at least: parallelism {fleet.parallelism} is less than there are Jobs")
    return "\n".join(lines)


def wrong_words(words: Sequence[str], shards: int) -> str:
    """What is wrong with words for `run` in the file of a fleet, for a cluster with so many shards; "" for nothing."""
    try:
        context = run.make_context("run", list(words), help_option_names=[])
    except click.ClickException as fault:
        return f"`cni-conformance run` does not take these words: {_in_one_line(fault.format_message())}"
    found = context.params
    if found["scenarios"]:
        return f"{found['scenarios'][0]} is no option, and the pods have no files of yours: select with -k and -m"
    if found["last_failed"]:
        return "--lf makes no sense here: a pod does not know the last run"
    for option, said_by in _OURS.items():
        # What is said last counts, so the default is no word for the file either.
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            flag = "--" + option.replace("_", "-")
            return f"{flag} is said by other keys: {said_by}" if said_by else f"{flag} makes no sense here: the fleet sees to it"
    try:
        check_choice(found)
        return _wrong_settings(Settings.of(found), shards)
    except InvalidSettings as fault:
        return f"`cni-conformance run` does not take these words: {fault}"


def _in_one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _wrong_settings(settings: Settings, shards: int) -> str:
    if shards > 1 and settings.disruptive:
        return f"--disruptive takes one shard, not {shards}: what restarts in one shard is what another one measures on the same cluster"
    if shards > 1 and settings.world:
        return f"--world takes one shard, not {shards}: it is one world, of which no part can be measured elsewhere"
    if shards > 1 and settings.outside:
        return f"--outside takes one shard, not {shards}: two shards would serve on the same ports of these hosts"
    return ""

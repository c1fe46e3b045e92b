"""The commands for a run inside of a cluster: its manifests, and its record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli import check_choice, refuse, run, view_of
from conformance.cli_cluster import plain_errors
from conformance.cluster.plugin import names
from conformance.exit_code import BROKEN_WORLD
from conformance.settings import OPTIONS, InvalidSettings, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.inside.fetching import Part

_OURS = ("--cluster", "--report", "--emit", "--probe-image", "--sonobuoy")
_NOT_IN_A_POD = ("--cni-manifest", "--name", "--kube-proxy", "--setup", "--keep", "--baseline", "--fault", "--lf")


_PATIENCE = 10.0
"""Seconds for an API server that does not answer: somebody is waiting."""


@click.group()
def job() -> None:
    """A run as a Job inside of the cluster that it measures."""


@job.command()
@click.option("--image", metavar="IMAGE", help="The suite's image. Default: docker.io/cni-conformance/suite with this version.")
@click.option("-n", "--namespace", metavar="NAMESPACE", default="cni-conformance", show_default=True, help="Of the Job; it is made too.")
@click.option("--name", metavar="JOB", default="cni-conformance", show_default=True, help="What the Job is called.")
@click.option("--sonobuoy", is_flag=True, help="The definition of a Sonobuoy plugin instead.")
@click.argument("words", nargs=-1, metavar="[-- WORDS OF RUN]")
def render(image: str | None, namespace: str, name: str, words: tuple[str, ...], *, sonobuoy: bool) -> None:
    """Write the manifests: namespace, service account, exactly the rights, and the Job. For `kubectl apply -f -`.

    \b
    cni-conformance job render | kubectl apply -f -
    cni-conformance job render --image registry.example/suite:1 -- -m 'not disruptive' --cni calico
    """
    from conformance.inside import job as inside
    from conformance.inside import sonobuoy as plugin

    for option, each in (("--namespace", namespace), ("--name", name)):
        if fault := inside.name_fault(each):
            refuse(f"{option} {each}: {fault}")
    if image and (fault := inside.image_fault(image)):
        refuse(f"--image {image}: {fault}")
    _check_words(words)
    image = image or inside.default_image()
    click.echo(
        plugin.definition(image, name, words) if sonobuoy else inside.as_yaml(inside.manifests(image, namespace, name, words)), nl=False
    )


def _check_words(words: tuple[str, ...]) -> None:
    """What `run` would refuse in the pod, and what makes no sense there. Ends the program."""
    given = {word.partition("=")[0] for word in words}
    if given & {"-h", "--help"}:
        refuse("--help is for people: cni-conformance run --help")
    for option in _OURS:
        if option in given:
            refuse(f"{option} is the Job's own: it measures the cluster that it runs in, with the suite's image, and writes to its log")
    for option in _NOT_IN_A_POD:
        if option in given:
            refuse(f"{option} makes no sense in a pod: it makes no cluster, and has no files of yours")
    try:
        found = run.make_context("run", list(words)).params
        Settings.of({option.key: found[option.key] for option in OPTIONS})
        check_choice(found)
    except click.UsageError as fault:
        refuse(f"run would refuse these words: {fault.format_message()}")
    except InvalidSettings as fault:
        refuse(f"run would refuse these words: {fault}")
    if found["scenarios"]:
        refuse(f"{found['scenarios'][0]} is not in the suite's image, which has the catalogue: choose from it with -k or -m")
    if found["cni"] and found["cni"] not in names():
        refuse(f"--cni {found['cni']}: the suite's image knows {', '.join(names())}")


@click.command()
@click.argument("name", metavar="JOB")
@click.option("-n", "--namespace", metavar="NAMESPACE", default="cni-conformance", show_default=True, help="Of the Job.")
@click.option("--context", "kube_context", metavar="CONTEXT", help="Of the kubeconfig. Default: the current one.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="A new folder for record and reports. Default: reports/JOB"
)
@click.option("--wait", "patience", metavar="SECONDS", type=click.IntRange(0), default=0, help="Wait so long for the Job to end.")
@click.pass_context
def fetch(context: click.Context, name: str, namespace: str, kube_context: str | None, output: Path | None, patience: int) -> None:
    """Fetch the record of a Job from the log of its pod, also after the pod has ended, and make its reports.

    Of an Indexed Job the newest whole record of each index, each in a folder of its own.

    \b
    Exit code that of the run (of several the gravest) · 3 there is no whole record, or not yet · 2 no such Job
    """
    from conformance.cluster.connection import Connection
    from conformance.cluster.jobs import NoSuchJob
    from conformance.inside import fetching
    from conformance.inside.job import is_name_of_job
    from conformance.world.times import Times

    for option, each in (("JOB", name), ("--namespace", namespace)):
        if not is_name_of_job(each):
            refuse(f"{option} {each}: small letters, digits, hyphens and dots")
    view, folder = view_of(context), output or Path("reports") / name
    insist_on_new(folder)
    with plain_errors():
        connection = Connection.of(None, kube_context, Times(retry=_PATIENCE))
        try:
            job = fetching.ended(connection, namespace, name, patience, view.say)
            found = fetching.parts(connection, job)
        except NoSuchJob as fault:
            refuse(str(fault))
        finally:
            connection.close()
        codes = _write(found, folder, view.console, is_indexed=job.is_indexed)
    sys.exit(fetching.gravest(codes))


def insist_on_new(output: Path) -> None:
    """Ends the program where the folder holds anything: what is there of another night would pass for this one's."""
    try:
        if output.exists() and any(output.iterdir()):
            refuse(f"{output} is not empty: give a new folder, so that nothing of another night is taken for this one's")
    except OSError as fault:
        refuse(f"{output} cannot be written: {fault.strerror}")


def _write(found: Sequence[Part], output: Path, console: Console, *, is_indexed: bool) -> list[int]:
    """Record and reports of each part, and what is to be said of it; returns their exit codes.

    Ends the program where they cannot be written.
    """
    try:
        return _write_indices(found, output, console) if is_indexed else [_write_whole(found[0], output, console)]
    except OSError as fault:
        refuse(f"{output} cannot be written: {fault.strerror}")


def _write_whole(part: Part, output: Path, console: Console) -> int:
    """Raises OSError."""
    from conformance.diagnostics import taken_of
    from conformance.inside.folders import write
    from conformance.record import InvalidRecord
    from conformance.report.terminal import print_run

    if part.record is None:
        click.echo(part.why, err=True)
        return part.exit_code
    try:
        run, missing = write(part.record, output)
    except InvalidRecord as fault:
        click.echo(str(fault), err=True)
        return BROKEN_WORLD
    print_run(run, console)
    for sentence in filter(None, (f"record and reports: {output}", taken_of(run), missing)):
        console.print(sentence, markup=False, soft_wrap=True)
    return part.exit_code


def _write_indices(found: Sequence[Part], output: Path, console: Console) -> list[int]:
    """Raises OSError."""
    from conformance.inside.folders import folders, write_one
    from conformance.inside.processes import in_processes

    rows = list(folders(found, output))
    came = in_processes(sum(part.record is not None for part in found), write_one, *zip(*rows, strict=True))
    codes = list[int]()
    for (part, folder), (fault, missing) in zip(rows, came, strict=True):
        if fault:
            click.echo(fault, err=True)
        else:
            console.print(f"record and reports: {folder}{f'; {missing}' if missing else ''}", markup=False, soft_wrap=True)
        codes.append(BROKEN_WORLD if fault and part.record else part.exit_code)
    return codes

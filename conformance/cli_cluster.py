"""The commands that make, look at and clean a cluster."""

from __future__ import annotations

import secrets
import sys
from typing import Any

import click
from rich.console import Console

from conformance.cli import view_of, with_settings
from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, INTERRUPTED, NOTHING_ENFORCES
from conformance.settings import Settings
from conformance.view import View

MAKING = ("--cni", "--cni-manifest", "--name", "--family", "--kube-proxy", "--setup", "--world", "--probe-image")
"""The options that say which cluster is made."""


@click.group()
def cluster() -> None:
    """A kind cluster with a plugin: up, down, status."""


@cluster.command()
@with_settings(*MAKING)
@click.pass_context
def up(context: click.Context, settings: Settings) -> None:
    """Make a cluster and keep it; `run` with the same --name uses it."""
    from conformance import provision

    view = view_of(context)
    with plain_errors():
        made = provision.up(settings, provision.plugin_of(settings), view)
    view.console.print(f"cluster {made.name} is up. Use it: export KUBECONFIG={made.kubeconfig}", markup=False, soft_wrap=True)
    view.console.print(f"Remove it: cni-conformance cluster down --name {made.name}", markup=False, soft_wrap=True)


@cluster.command()
@with_settings("--name")
@click.pass_context
def down(context: click.Context, settings: Settings) -> None:
    """Remove a cluster, a half-made one too, and with the last one the engine that --setup brought."""
    from conformance import provision

    with plain_errors():
        provision.down(settings.name, view_of(context))


@cluster.command()
@with_settings("--name")
@click.pass_context
def image(context: click.Context, settings: Settings) -> None:
    """Make the suite's own image and give it to the nodes of a kind cluster; prints what it is called."""
    from conformance import provision

    with plain_errors():
        reference = provision.suite_image(settings.name, View(Console(stderr=True, highlight=False), is_quiet=view_of(context).is_quiet))
    click.echo(reference)


@cluster.command()
def status() -> None:
    """The clusters that are known here."""
    from conformance.cluster import kind

    with plain_errors():
        found = kind.status()
    for each in found:
        if each.cluster is None:
            click.echo(f"{each.name}: half-made; remove it: cni-conformance cluster down --name {each.name}")
        else:
            answers = "answers" if each.is_answering else "does not answer"
            click.echo(f"{each.name}: {each.cluster.plugin}, {each.cluster.family}, {each.cluster.workers} workers, {answers}")
    if not found:
        click.echo("no cluster is known here")


@cluster.command()
@click.option("--markdown", "is_page", is_flag=True, help="The whole page about them instead (docs/plugins.md).")
def plugins(*, is_page: bool) -> None:
    """The plugins that --cni knows."""
    from conformance.cluster.plugin import load, names
    from conformance.plugins_page import plugins_page
    from conformance.scenario.load import capabilities

    with plain_errors():
        found = [load(name) for name in names()]
    if is_page:
        click.echo(plugins_page(found, capabilities()), nl=False)
        return
    width = max(len(plugin.name) for plugin in found)
    for plugin in found:
        click.echo(f"{plugin.name:<{width}}  {plugin.title} {plugin.version}: {plugin.about}")


@click.command()
@with_settings(*MAKING, "--cluster", "--keep", "--times")
@click.pass_context
def doctor(context: click.Context, settings: Settings) -> None:
    """Can this cluster run the suite, and does anything enforce policies here?

    \b
    Exit code 0 yes · 3 it cannot run the suite · 4 nothing enforces policies here
    """
    from conformance import provision
    from conformance.cleaning import sweep
    from conformance.doctor import examine

    view = view_of(context)
    with plain_errors():
        provided = provision.provide(settings, view)
        run = f"doc{secrets.token_hex(2)}"
        try:
            found = examine(provided.target, settings.waiting_times(), run)
            sweep(provided.target, settings.waiting_times(), run)
        finally:
            provided.release()
    for each in found.checks:
        mark, style = ("✓", "green") if each.is_fine else ("✗", "red")
        view.console.print(f"{mark} {each.name}: {each.sentence}", style=style, markup=False)
    sys.exit(BROKEN_WORLD if not found.can_run else NOTHING_ENFORCES if found.enforces is False else ALL_PASSED)


@click.command()
@with_settings("--cluster")
@click.pass_context
def clean(context: click.Context, settings: Settings) -> None:
    """Remove what killed runs left: half-made clusters and the engine on this machine, worlds in a cluster."""
    from conformance import cleaning

    with plain_errors():
        removed = cleaning.clean(settings, view_of(context))
    click.echo("\n".join(f"removed {each}" for each in removed) or "nothing was left behind")


class plain_errors:  # noqa: N801 - reads as a word where it is used
    """What a user can cause ends as one sentence, and an exit code."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        from conformance.provision import CannotRun, translated

        if kind is None or error is None:
            return
        known = error if isinstance(error, CannotRun) else translated(error)
        if known is not None:
            click.echo(str(known), err=True)
            sys.exit(known.exit_code)
        if isinstance(error, KeyboardInterrupt):
            sys.exit(INTERRUPTED)

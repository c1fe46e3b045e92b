"""The commands for people's own policies: lint, explain, graph, import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from conformance.cli import Command, put, refuse
from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, SOMETHING_FAILED

OPEN = 4
"""The exit code of `explain` where the specification leaves the answer to the plugin."""

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Given:
    """What a command is to look at, as its words and options say."""

    paths: tuple[Path, ...]
    context: str | None
    namespaces: tuple[str, ...]
    pod_cidrs: tuple[str, ...] = ()


def of_given(*, has_ranges: bool = True) -> Callable[[Command], Command]:
    """The words and options that say what is looked at; the command gets them as one `given`."""

    def decorate(command: Command) -> Command:
        def gathered(**values: Any) -> Any:
            own = (values.pop("paths"), values.pop("context"), values.pop("namespaces"), values.pop("pod_cidrs", ()))
            given = Given(*own)
            if bool(given.paths) == (given.context is not None):
                raise click.UsageError(
                    "name files or folders with manifests (- reads them from the standard input), or --from-cluster CONTEXT"
                )
            return command(given=given, **values)

        gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
        gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined] # click's way to carry them
        if has_ranges:
            text = "Where pods have their addresses. Default: those that a cluster gave them, else 10.244.0.0/16 and fd00:10:244::/56."
            gathered = click.option("--pod-cidr", "pod_cidrs", metavar="CIDR", multiple=True, help=text)(gathered)
        text = "Only this namespace; may be given several times. Alone, it is that of manifests that name none, too."
        gathered = click.option("-n", "--namespace", "namespaces", metavar="NAMESPACE", multiple=True, help=text)(gathered)
        text = "Read a cluster: a context of the kubeconfig. Nothing is changed, and Secrets are not read."
        return click.option("--from-cluster", "context", metavar="CONTEXT", help=text)(gathered)

    return decorate


def _paths(command: Command) -> Command:
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(command)


@click.command()
@of_given()
@_paths
@click.option("--level", type=click.Choice(["error", "warning", "note"]), default="note", show_default=True, help="The least that counts.")
@click.option("--format", "form", type=click.Choice(["terminal", "json", "github"]), default="terminal", show_default=True)
@click.option("--ignore", "ignored", metavar="RULE", multiple=True, help="Leave a rule out; may be given several times.")
def lint(given: Given, level: str, form: str, ignored: tuple[str, ...]) -> None:
    """What is probably not meant in NetworkPolicies (files or folders with manifests), each with its line.

    \b
    Exit code 0 nothing found · 1 something · 2 wrong usage, or a file that cannot be read · 3 the cluster cannot be read
    """
    from conformance.lint.rules import RULES
    from conformance.lint.rules import lint as find
    from conformance.lint.scene import Level
    from conformance.lint.tell import github, to_json, told

    unknown = sorted(set(ignored) - {rule.name for rule in RULES})
    if unknown:
        raise click.UsageError(f"there is no rule {unknown[0]}; there are: {', '.join(rule.name for rule in RULES)}")
    inventory = _inventory(given)
    found = find(inventory, _ranges(given), ignored)
    least = Level[level.upper()]
    tell = to_json if form == "json" else github if form == "github" else told
    click.echo(tell(found, least))
    sys.exit(SOMETHING_FAILED if any(each.rule.level >= least for each in found.findings) else ALL_PASSED)


def _ranges(given: Given) -> Any:
    from conformance.manifests.ground import InvalidRange, Ranges

    try:
        return Ranges.of(given.pod_cidrs)
    except InvalidRange as wrong:
        raise click.UsageError(f"--pod-cidr: {wrong}") from None


def _inventory(given: Given, *, needs_policies: bool = True, needs_sound: bool = False) -> Any:
    """What was given. Ends the program where it cannot be read, or where there is nothing in it.

    `needs_sound`: also where the API would refuse a policy.
    """
    from conformance.manifests.reading import Gathered, Passed, read_bytes, read_documents, read_paths
    from conformance.manifests.taking import inventory

    unknown: list[str] = []
    if given.context is not None:
        gathered = Gathered()
        objects = _read_cluster(given)
        read_documents(objects.documents, gathered)
        gathered.passed += [Passed(kind, name, is_policy=True) for kind, name in objects.foreign]
        unknown = objects.unknown
    else:
        gathered = read_paths(path for path in given.paths if path != STDIN)
        if STDIN in given.paths:
            read_bytes(Path("standard input"), sys.stdin.buffer.read(), gathered)
    found, faults = inventory(gathered, given.namespaces, unknown)
    if needs_sound:
        faults = (*faults, *(fault for each in found.policies for fault in _doubts(each)))
    if faults:
        _fail_with(faults)
    if needs_policies and not found.policies:
        where = f" of namespace {', '.join(given.namespaces)}" if given.namespaces else ""
        _fail(f"there is no NetworkPolicy{where} in {_named(given)}")
    return found


def _doubts(policy: Any) -> Iterator[Any]:
    """Why a policy has no meaning: what the API would refuse, and what stands twice."""
    from conformance.lint.form import key_twice

    yield from (policy.source.fault(text, keys) for keys, text in policy.refusals())
    yield from (policy.source.fault(spot.text, spot.keys, at_key=True) for spot in key_twice(policy))


@click.command()
@of_given()
@_paths
@click.argument("source", metavar="A")
@click.argument("destination", metavar="B")
@click.argument("port")
def explain(given: Given, source: str, destination: str, port: str) -> None:
    """Who decides whether A reaches B on PORT, in words: explain manifests/ shop/front shop/api 80/TCP

    A and B are workloads or pods (shop/front), or addresses outside the cluster; B may be a Service (svc/shop/api). PORT is
    80/TCP, 80, or a name.

    \b
    Exit code 0 allowed · 1 blocked · 2 wrong usage, or a file that cannot be read · 3 the cluster cannot be read
              4 open: the specification leaves it to the plugin
    """
    from conformance.decision import InvalidQuestion, decide
    from conformance.world.verdict import Verdict

    inventory = _inventory(given, needs_policies=False, needs_sound=True)
    try:
        decision = decide(inventory, _ranges(given), source, destination, port)
    except InvalidQuestion as wrong:
        _fail(str(wrong))
    click.echo(_safe(decision.text))
    sys.exit({Verdict.ALLOWED: ALL_PASSED, Verdict.BLOCKED: SOMETHING_FAILED, Verdict.OPEN: OPEN}[decision.verdict])


@click.command()
@of_given()
@_paths
@click.option(
    "--format", "form", type=click.Choice(["svg", "mermaid", "dot"]), help="Default: by the name of FILE (.svg .mmd .md .dot), else svg."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Default: the standard output.")
def graph(given: Given, form: str | None, output: Path | None) -> None:
    """Draw who may talk to whom, by the model. Workloads that behave alike are one node.

    \b
    Exit code 0 drawn · 2 wrong usage, or a file that cannot be read or written · 3 the cluster cannot be read
    """
    from conformance.graph.relations import drawing_of
    from conformance.graph.svg import svg
    from conformance.graph.text import dot, mermaid

    inventory = _inventory(given, needs_policies=False, needs_sound=True)
    if not inventory.workloads:
        _fail(f"there is no workload (Deployment, Pod …) in {_named(given)}: nothing to draw")
    form = form or {".mmd": "mermaid", ".md": "mermaid", ".dot": "dot", ".gv": "dot"}.get(output.suffix if output else "", "svg")
    drawing = drawing_of(inventory, _ranges(given))
    text = mermaid(drawing) if form == "mermaid" else dot(drawing) if form == "dot" else svg(drawing)
    if form == "mermaid" and output is not None and output.suffix == ".md":
        text = f"```mermaid\n{text}```\n"
    put(text, output)


@click.command("import")
@of_given(has_ranges=False)
@_paths
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Called as the scenario: my-app.yaml."
)
@click.option("--force", "is_forced", is_flag=True, help="Replace a file that is there already.")
def import_(given: Given, output: Path | None, *, is_forced: bool) -> None:
    """Make a scenario file from manifests: names, labels, ports and policies, and nothing else.

    \b
    Exit code 0 written · 2 wrong usage, or a file that cannot be read or written · 3 the cluster cannot be read
    """
    from conformance.importing.file import NothingToImport, import_of
    from conformance.importing.naming import slug

    name = slug(output.stem) if output else "imported"
    if output is not None and (output.stem != name or output.suffix != ".yaml" or len(name) > 80):
        _fail(f"{output}: such a file is called in small letters, digits and hyphens, as the scenario in it: {name[:80] or 'my-app'}.yaml")
    if output is not None and output.exists() and not is_forced:
        _fail(f"{output} is there already, and somebody may have read its table: --force replaces it")
    inventory = _inventory(given, needs_sound=True)
    try:
        made = import_of(inventory, name, "a cluster" if given.context is not None else "manifests")
    except NothingToImport as wrong:
        _fail(f"{_named(given)}: {wrong}")
    put(made.text, output)
    if output is not None:
        _check(output)
    words = [f"{output or name}: {made.summary}.", *(f"Not as in the manifests: {each}." for each in made.left_out)]
    click.echo(_safe("\n".join(words)), err=output is None)


def _check(output: Path) -> None:
    """What `cni-conformance check` would say of a file that was just written."""
    from conformance.scenario.catalogue import load_all

    _, faults = load_all((output,))
    if faults:
        _fail_with(faults)


def _named(given: Given) -> str:
    return given.context or ", ".join(map(str, given.paths))


def _read_cluster(given: Given) -> Any:
    from conformance.cluster.broken import BrokenCluster
    from conformance.cluster.connection import Connection
    from conformance.cluster.objects import read_objects
    from conformance.world.times import Times

    try:
        connection = Connection.of(None, given.context, Times())
        try:
            return read_objects(connection, given.namespaces)
        finally:
            connection.close()
    except BrokenCluster as trouble:
        click.echo(_safe(str(trouble)), err=True)
        sys.exit(BROKEN_WORLD)


def _safe(text: str) -> str:
    """The text without anything that would move a cursor or not encode, line by line."""
    from conformance.report.page import printable

    return "\n".join(map(printable, text.splitlines()))


def _fail_with(faults: Any) -> None:
    from conformance.scenario.fault import told

    _fail(told(faults))


def _fail(text: str) -> NoReturn:
    refuse(*text.splitlines())

"""The command `report`: records as something to read, or to be read by another program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli import refuse, view_of
from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, SOMETHING_FAILED
from conformance.formats import Format

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.record.digest import Digest
    from conformance.record.opening import OpenRecord
    from conformance.report.baseline import News
    from conformance.report.files import Files

STANDARD = Path("-")
"""Standard input, or output."""

Targets = Mapping[Format, Path]


class Formats(click.ParamType):  # type: ignore[type-arg] # generic in newer releases only
    """One format, or several with commas between them."""

    name = "format"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Format, ...]:
        """The formats, each once."""
        found = []
        for word in str(value).split(","):
            try:
                found.append(Format(word.strip()))
            except ValueError:
                self.fail(f"{word.strip()!r} is no format: there are {', '.join(Format)}", param, ctx)
        return tuple(found)


@click.command()
@click.argument("records", nargs=-1, required=True, metavar="RECORD...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--format",
    "formats",
    type=Formats(),
    multiple=True,
    metavar="FORMAT",
    help=f"{', '.join(Format)}. Several with commas, or by several --format. Default: terminal.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE|DIR",
    help="The file, for one record in one format; else (or with a / at its end) the folder, in which each of several records gets one of "
    "its own. Default, and -: standard output (one record, one format).",
)
@click.option("--baseline", metavar="RECORD", type=click.Path(path_type=Path), help="Say what is new since this earlier run.")
@click.pass_context
def report(
    context: click.Context, records: tuple[Path, ...], formats: tuple[tuple[Format, ...], ...], output: str | None, baseline: Path | None
) -> None:
    """Make reports from records (record.json, also packed as .gz; the folder of a run; - is standard input). Needs no cluster.

    Either all files are written, or none.

    \b
    Exit code 0 made (with --baseline: and nothing is worse) · 2 wrong usage, or a record that cannot be read
              with --baseline: 1 something fails that did not · 3 something could not be measured that could be, or it was cut short
    """
    from conformance.record import InvalidRecord
    from conformance.record.digest import read_digest
    from conformance.record.opening import collector_at_rest

    records = tuple(dict.fromkeys(records))  # one that is given twice is one
    wanted = tuple(dict.fromkeys(each for several in formats for each in several)) or (Format.TERMINAL,)
    plan = _plan(records, wanted, None if output in (None, "-") else output)
    view = view_of(context)
    try:
        with collector_at_rest():
            then = None if baseline is None else read_digest(baseline)
            told = _make(plan, then, view.console)
    except InvalidRecord as fault:
        refuse(str(fault))
    except OSError as fault:
        refuse(f"{output or fault.filename} cannot be written: {fault.strerror}")
    if output not in (None, "-"):
        for paths, news in told:
            lines = [news.sentence] if news else []
            view.console.print("\n".join([*lines, *map(str, paths)]), markup=False, highlight=False, soft_wrap=True)
    sys.exit(_exit_code([news for _, news in told if news is not None]))


def _exit_code(all_news: Iterable[News]) -> int:
    found = list(all_news)
    if any(news.has_new_failures for news in found):
        return SOMETHING_FAILED
    return BROKEN_WORLD if any(news.is_red for news in found) else ALL_PASSED


def _make(plan: Mapping[Path, Targets], then: Digest | None, console: Console) -> list[tuple[Sequence[Path], News | None]]:
    """Makes everything; returns for each record its files and what is new in it. Raises InvalidRecord, OSError."""
    from conformance.record.digest import digest_of_parts
    from conformance.report.baseline import news as compared
    from conformance.report.files import Files

    made: list[tuple[Sequence[Path], News | None]] = []
    with Files() as files:
        for path, targets in plan.items():
            record = _opened(path)
            news = None if then is None else compared(digest_of_parts(record, path), then)
            _put(record, targets, files, news, console)
            made.append((list(targets.values()), news))
    return made


def _put(record: OpenRecord, targets: Targets, files: Files, news: News | None, console: Console) -> None:
    """One record in all its formats."""
    from conformance.report.formats import Kept, put
    from conformance.report.terminal import print_told, run_page

    kept, printed = Kept(), STANDARD in targets.values()
    telling = put(kept if printed else files, targets, record.facts, record, news)
    problems = (record.scenario(record.parts[place]) for place in telling.problem_places())
    if Format.TERMINAL not in targets:
        click.echo(kept.text, nl=False)
    elif printed:
        print_told(telling, problems, console)
    else:
        files.put(targets[Format.TERMINAL], (str(run_page(telling, problems, None)), "\n"))


def _opened(path: Path) -> OpenRecord:
    from conformance.record.opening import OpenRecord, divided, named, open_record, unpacked

    if path != STANDARD:
        return open_record(path)
    with named(Path("standard input")):
        return OpenRecord(*divided(unpacked(sys.stdin.buffer.read())), Path("standard input"))


def _plan(records: Sequence[Path], formats: Sequence[Format], wanted: str | None) -> dict[Path, dict[Format, Path]]:
    """Where each record goes in each format (None: to standard output). Ends the program where that makes no sense."""
    is_one = len(records) == len(formats) == 1
    if wanted is None:
        if not is_one:
            refuse("standard output holds one record in one format: give a folder with -o")
        return {records[0]: {formats[0]: STANDARD}}
    if not wanted:
        refuse("-o names no file and no folder")  # a variable that was empty
    output = Path(wanted)
    if is_one and not output.is_dir() and not wanted.endswith("/"):
        return {records[0]: {formats[0]: output}}
    if output.exists() and not output.is_dir():
        refuse(f"{output} is a file: several records or formats need a folder")
    folders = {record: output / name if len(records) > 1 else output for record, name in _names(records).items()}
    return {record: {each: folder / each.file for each in formats} for record, folder in folders.items()}


def _names(records: Iterable[Path]) -> dict[Path, str]:
    """A name for the folder of each record: that of its own folder, or of its file; numbered where two are called the same."""
    found: dict[Path, str] = {}
    for record in records:
        whole = record.resolve()
        own = whole.name.removesuffix(".parts").removesuffix(".gz").removesuffix(".json")
        name = "standard-input" if record == STANDARD else whole.parent.name if own == "record" and not record.is_dir() else own
        taken = sum(each == name or each.startswith(f"{name}-") for each in found.values())
        found[record] = f"{name}-{taken + 1}" if taken else name
    return found

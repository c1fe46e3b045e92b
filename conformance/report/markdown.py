"""A run as Markdown for the step summary of GitHub: the biggest problems first, cut with a count, never in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from conformance.judge.finding import counted
from conformance.record import Facts
from conformance.record.digest import ScenarioDigest
from conformance.report.baseline import MOST_NAMES, Change, News, names, told
from conformance.report.page import printable
from conformance.report.summary import Enforced, left_out
from conformance.report.telling import Telling, Told
from conformance.shard import part_of
from conformance.world.verdict import Outcome

LIMIT = 1_000_000
"""Bytes. GitHub refuses a step summary of more than 1 MiB as a whole."""

MARK = {
    Outcome.PASSED: "✅",
    Outcome.FAILED: "❌",
    Outcome.ERROR: "💥",
    Outcome.KNOWN_DEVIATION: "☑️",
    Outcome.NOT_SUPPORTED: "⚪",
    Outcome.SKIPPED: "⚪",
}
"""A mark for each outcome; the word always stands beside it."""


def markdown(telling: Telling, limit: int = LIMIT) -> str:
    """The run in at most `limit` bytes of UTF-8.

    Where there is no room for everything, tables go first, so that every problem keeps its name and sentence; then whole sections, from
    the end. Last lines count both.
    """
    top = [block for block in (_news(telling.news), _head(telling)) if block]
    outcomes = (Outcome.KNOWN_DEVIATION, Outcome.NOT_SUPPORTED, Outcome.SKIPPED)
    others = [_others(outcome, found) for outcome in outcomes if (found := telling.of(outcome))]
    sections, bare = _problems(telling.problems(), limit - sum(map(_size, [*top, *others])))
    last = _without_tables(bare) if bare else ""
    return cut([*top, *sections, *others], limit - len(last.encode()), _missing) + last


def _problems(problems: Sequence[Told], room: int) -> tuple[list[str], int]:
    """A section for each problem, the first of them whole as far as there is `room` in bytes, and how many of them have no tables."""
    found = [(_problem(each), _problem(each, has_tables=False)) for each in problems]
    left = room - sum(_size(short) for _, short in found)
    if left >= sum(_size(whole) - _size(short) for whole, short in found):
        return [whole for whole, _ in found], 0
    left -= len(_without_tables(len(found)).encode()) + len(_missing(len(found)).encode())
    sections = []
    for whole, short in found:
        more = _size(whole) - _size(short)
        sections.append(whole if more <= left else short)
        left -= more if more <= left else 0
    return sections, sum(section is short for section, (_, short) in zip(sections, found, strict=True))


def _size(block: str) -> int:
    return len(block.encode()) + 1


def _news(news: News | None) -> str:
    """What is new first; what is not worse is named in a line each, up to MOST_NAMES."""
    if news is None:
        return ""
    title = f"## {MARK[Outcome.FAILED if news.is_red else Outcome.PASSED]} {escaped(news.sentence)}\n\n"
    trouble = news.of(*(each for each in Change if each.is_new_trouble))
    rows = [(f"**{kind}** {escaped(name)}", escaped(why)) for kind, name, why in told(trouble)]
    others = [each for each in Change if not each.is_new_trouble and news.of(each)]
    lines = [f"- {each} ({len(news.of(each))}): {escaped(names(news.of(each), MOST_NAMES))}\n" for each in others]
    return title + (_table(("new", "why"), rows) + "\n" if rows else "") + "".join(lines)


def cut(blocks: Sequence[str], limit: int, missing: Callable[[int], str]) -> str:
    """The blocks in at most `limit` bytes of UTF-8. What does not fit is left out from the end; `missing` says how many blocks that are."""
    kept: list[str] = []
    left = limit - len(missing(len(blocks)).encode())
    for block in blocks:
        left -= _size(block)
        if left < 0:
            return "\n".join([*kept, missing(len(blocks) - len(kept))])
        kept.append(block)
    return "\n".join(kept)


def _missing(number: int) -> str:
    return f"\n**{counted(number, 'more section')} left out here for want of room: record.json has everything.**\n"


def _without_tables(number: int) -> str:
    return f"\n**The tables of {counted(number, 'scenario')} are left out here for want of room: record.json has everything.**\n"


def _head(telling: Telling) -> str:
    numbers, facts = telling.numbers, telling.facts
    rows = [
        ("scenarios", ", ".join(f"{MARK[outcome]} {number} {outcome}" for outcome, number in sorted(numbers.outcomes.items(), key=_order))),
        ("cells judged", f"{numbers.judged}" + (f" ({numbers.left_open} more are open)" if numbers.left_open else "")),
        ("wrongly allowed (leaks)", f"**{numbers.leaks}**"),
        ("wrongly blocked (outages)", f"**{numbers.outages}**"),
        ("time to enforce, newly blocked", _enforced(numbers.newly_blocked)),
        ("time to enforce, newly allowed", _enforced(numbers.newly_allowed)),
        *([("time between two looks", f"{numbers.resolution:.2f} s")] if numbers.resolution is not None else []),
        *([("established connections", f"{numbers.kept} kept, {numbers.cut} cut")] if numbers.kept or numbers.cut else []),
        *([("part", part_of(facts.shard.part, facts.planned, facts.selected))] if facts.shard else []),
        *([("left out", _left_out(facts))] if facts.left_out else []),
        ("duration", f"{facts.seconds:.1f} s"),
        *((escaped(label), escaped(text)) for label, text in facts.cluster.items()),
    ]
    return f"## {escaped(telling.headline)}\n\n" + _table(("", ""), rows)


def _left_out(facts: Facts) -> str:
    return left_out(facts.left_out, facts.selected + facts.left_out, facts.left_out_disruptive)


def _order(item: tuple[Outcome, int]) -> int:
    return list(Outcome).index(item[0])


def _enforced(times: Enforced) -> str:
    if times.p50 is None or times.p99 is None:
        return f"{counted(times.cells, 'cell')}, none ever" if times.cells else "no cell"
    of, never = (f"{times.cells - times.never} of ", f", {times.never} never") if times.never else ("", "")
    return f"p50 {times.p50:.2f} s, p99 {times.p99:.2f} s ({of}{counted(times.cells, 'cell')}{never})"


def _problem(problem: Told, *, has_tables: bool = True) -> str:
    scenario, text = problem.digest, problem.text
    # A fence longer than any in the text cannot be closed by it.
    fence = "`" * max([3, *(len(found) + 1 for found in re.findall("`+", text))])
    title = f"### {MARK[scenario.outcome]} {scenario.outcome}: {escaped(scenario.name)}\n\n{escaped(scenario.sentence)}\n"
    if not has_tables:
        return title
    summary = "<details><summary>tables, cells, policies</summary>"
    return f"{title}\n{summary}\n\n{fence}text\n{_encodable(text)}\n{fence}\n\n</details>\n"


def _others(outcome: Outcome, scenarios: Iterable[ScenarioDigest]) -> str:
    rows = [(escaped(scenario.name), escaped(scenario.sentence)) for scenario in scenarios]
    return f"### {MARK[outcome]} {outcome}: {len(rows)}\n\n" + _table(("scenario", "why"), rows)


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |" for left, right in [head, ("---", "---"), *rows]]
    return "\n".join(lines) + "\n"


def in_cell(text: str) -> str:
    """Markdown of our own that keeps to its cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


def escaped(text: str) -> str:
    """The text as it is, in one line: nothing in it is Markdown or HTML, nor the end of a table's cell."""
    line = re.sub(r"([\\`*_\[\]#|~$])", r"\\\1", printable(text))
    line = re.sub(r"^(\s*\d*)([-+.)])", r"\1\\\2", line)  # it is no list either
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

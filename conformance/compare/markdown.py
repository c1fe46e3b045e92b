"""A comparison as Markdown for the step summary of GitHub: what differs first, cut with a count, never in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.compare.nouns import Became, Comparison, Difference, Distribution, Row, Share
from conformance.compare.words import (
    OUTCOME_ORDER,
    WORDS,
    agreement,
    bin_names,
    blocks,
    decided,
    direction,
    facts_of,
    first_cell,
    headline,
    open_sentence,
    seconds,
    times_sentence,
    troubles,
    where_or_why,
    who_has,
)
from conformance.judge.finding import counted
from conformance.report.markdown import LIMIT, MARK, cut, escaped, in_cell
from conformance.world.verdict import Outcome

ROWS = 50
"""Rows of one table, and names of one list; a last line says how many are missing."""

_LONGEST = 120


def markdown(comparison: Comparison, limit: int = LIMIT) -> str:
    """The comparison in at most `limit` bytes of UTF-8. What does not fit is left out from the end, and a last line says how much."""
    sections = [_head(comparison)]
    sections += [_differing(comparison, kind, rows) for kind, rows in comparison.by_difference().items()]
    sections += [_agreement(comparison), _capabilities(comparison), _open_points(comparison), _times(comparison)]
    sections += [each for each in (_not_shared(comparison),) if each]
    return cut(sections, limit, _missing)


def _missing(number: int) -> str:
    return f"\n**{counted(number, 'more section')} left out here for want of room: the HTML page and the JSON have everything.**\n"


def _text(text: str) -> str:
    return escaped(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], most: int = ROWS) -> str:
    every = list(rows)
    lines = [head, ["---"] * len(head), *every[:most]]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    return text + (f"\n… and {counted(len(every) - most, 'more row')}: the HTML page and the JSON have all.\n" if len(every) > most else "")


def _labels(comparison: Comparison) -> list[str]:
    return [_text(label) for label in comparison.labels]


def _head(comparison: Comparison) -> str:
    facts = facts_of(comparison.records)
    rows = [[escaped(key), *(_text(each[key]) for each in facts)] for key in facts[0]]
    rows += [
        [f"{MARK[outcome]} {outcome}", *(str(record.outcomes.get(outcome, 0)) for record in comparison.records)]
        for outcome in OUTCOME_ORDER
    ]
    return f"## {escaped(headline(comparison))}\n\n" + _table(["", *_labels(comparison)], rows)


def _differing(comparison: Comparison, kind: Difference, rows: Sequence[Row]) -> str:
    who = who_has(comparison, kind, rows)
    title = f"### {WORDS[kind].heading}: {counted(len(rows), 'scenario')}" + (f" ({escaped(who)})" if who else "")
    lines = [[_name(row), *(_became(each) for each in row.became), _text(where_or_why(row))] for row in rows]
    return f"{title}\n\n{WORDS[kind].meaning}\n\n" + _table(["scenario", *_labels(comparison), "where, or why"], lines)


def _name(row: Row) -> str:
    return _text(f"{row.group}/{row.name}" if row.group else row.name)


def _became(became: Became | None) -> str:
    if became is None:
        return "-"
    what = troubles(became)
    return f"{MARK[became.outcome]} {became.outcome}" + (f": {what}" if what else "")


def _agreement(comparison: Comparison) -> str:
    rows = [
        [_text(share.name or "(no group)"), str(share.scenarios), str(share.differing), *map(_passed, share.outcomes)]
        for share in sorted(comparison.groups, key=lambda share: -share.differing)
    ]
    head = ["group", "scenarios", "differ", *_labels(comparison)]
    return f"### Agreement\n\n{agreement(comparison)}\n\n" + _table(head, rows)


def _passed(outcomes: Mapping[Outcome, int]) -> str:
    return _counts(outcomes) or "-"


def _counts(outcomes: Mapping[Outcome, int]) -> str:
    """`12 passed, 2 failed`."""
    return ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in OUTCOME_ORDER if outcomes.get(outcome))


def _capabilities(comparison: Comparison) -> str:
    rows = [[_text(share.name), str(share.scenarios), *_offered(share)] for share in comparison.capabilities]
    return "### Capabilities\n\n" + _table(["capability", "scenarios", *_labels(comparison)], rows)


def _offered(share: Share) -> list[str]:
    return [
        f"{'has it' if has else '**has it not**'}" + (f": {counts}" if (counts := _counts(outcomes)) else "")
        for has, outcomes in zip(share.has, share.outcomes, strict=True)
    ]


def _open_points(comparison: Comparison) -> str:
    rows = [
        [_text(point.scenario), *(decided(*pair) for pair in zip(point.verdicts, point.answers, strict=True)), _text(first_cell(point))]
        for point in comparison.open_points
    ]
    table = "\n" + _table(["scenario", *_labels(comparison), "cells"], rows) if rows else ""
    return f"### Open points\n\n{open_sentence(comparison)}\n{table}"


def _times(comparison: Comparison) -> str:
    head = ["", "record", "cells", "never", "p50", "p90", "p99", "longest", "distribution"]
    rows = [
        [f"{direction(times)}, {_text(times.change) or 'any change'}", label, *_distribution(each)]
        for times in comparison.times
        for label, each in zip(_labels(comparison), times.distributions, strict=True)
    ]
    text = f"### Time to enforce\n\n{escaped(times_sentence(comparison))}\n"
    if not rows:
        return text
    bins = f"A distribution is a bar for each of: {', '.join(bin_names())}; then, behind the line, never."
    return f"{text}\n{bins}\n\n" + _table(head, rows, most=2 * ROWS)


def _distribution(each: Distribution) -> list[str]:
    if not each.cells:
        return ["0", *["-"] * 5, ""]
    times = [seconds(value) for value in (each.p50, each.p90, each.p99, each.longest)]
    bars = in_cell(blocks(each))
    return [str(each.cells), f"**{each.never}**" if each.never else "0", *times, f"`{bars}`"]


def _not_shared(comparison: Comparison) -> str:
    lines = []
    for record in comparison.records:
        for what, names in (("has alone", record.own), ("does not have", record.lacks)):
            if names:
                shown = ", ".join(map(_text, names[:ROWS])) + (f" and {len(names) - ROWS} more" if len(names) > ROWS else "")
                lines.append(f"- **{_text(record.label)}** {what} {counted(len(names), 'scenario')}: {shown}")
    return "### Not shared\n\n" + "\n".join(lines) + "\n" if lines else ""

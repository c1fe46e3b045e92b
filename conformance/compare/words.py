"""What a comparison is called in sentences: the same words on a terminal, in Markdown and on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from conformance.compare.nouns import OF_OUTCOME, Became, Compared, Comparison, Difference, Distribution, OpenPoint, Row, Times, Where
from conformance.compare.times import BOUNDS
from conformance.judge.finding import counted
from conformance.world.verdict import AnswerKind, Outcome, Verdict

MOST_NAMED = 4
"""Records that a sentence names; more of them are only counted."""


_LONGEST_ACTION = 40
"""Characters of what was done in a step, in a table: the cell behind it is to be read, too."""


class Words(NamedTuple):
    """How to speak of a difference: beside a number, as the reason in a sentence, as a heading, and what it means."""

    short: str
    by: str
    heading: str
    meaning: str


WORDS: Mapping[Difference, Words] = {
    Difference.LEAK: Words("leak", "by a leak", "Leaks", "Wrongly allowed by some, not by others."),
    Difference.OUTAGE: Words("outage", "by an outage", "Outages", "Wrongly blocked by some, not by others."),
    Difference.WRONG_POD: Words("wrong pod", "by a wrong pod", "Wrong pods", "With some another pod answered than the one that was asked."),
    Difference.WRONG_SOURCE: Words(
        "wrong source", "by a wrong source", "Wrong sources", "With some a pod saw another address than the asker's own."
    ),
    Difference.NETWORK: Words("network", "by the network itself", "The network itself", "Some lose what needs no policy at all."),
    Difference.ILLEGAL: Words(
        "illegal", "by an illegal answer", "Illegal answers", "Some do in an open cell what the specification rules out."
    ),
    Difference.CUT: Words("cut", "by a cut connection", "Cut connections", "With some an established connection did not survive."),
    Difference.UNSTABLE: Words("unstable", "by being unstable", "Unstable", "With some an answer changed that had to stay."),
    Difference.STALE: Words(
        "stale deviation",
        "by a stale deviation",
        "Stale deviations",
        "What some are known to fail did not fail: the entry is to be removed.",
    ),
    Difference.ERROR: Words("error", "by an error", "Errors", "In some records the world was broken: nothing is said about that plugin."),
    Difference.NOT_SUPPORTED: Words(
        "not supported", "by what is not supported", "Not supported", "Some clusters do not have what the scenario needs."
    ),
    Difference.SKIPPED: Words("skipped", "by being skipped", "Skipped", "Left out of some records by whoever ran them."),
    Difference.KNOWN: Words("known", "by what is known", "Known of some only", "All fail alike; only for some it is a known deviation."),
    Difference.OTHER_CELLS: Words("other cells", "by the cells", "Other cells", "All fail in the same ways, in different cells."),
    Difference.OPEN: Words(
        "open point",
        "by an open point",
        "Open points",
        "Otherwise alike: they decide differently what the specification leaves to the plugin.",
    ),
}

AS_EXPECTED, NOT_JUDGED = "as expected", "not judged"

OUTCOME_ORDER = tuple(Outcome)


def headline(comparison: Comparison) -> str:
    """Where the records differ, in one sentence."""
    total, differing = len(comparison.rows), len(comparison.differing)
    who = named(comparison.labels) if len(comparison.records) <= MOST_NAMED else f"{len(comparison.records)} records"
    reasons = ", ".join(_reason(comparison, kind, rows) for kind, rows in comparison.by_difference().items())
    what = f"differ in {differing} of {counted(total, 'scenario')}: {reasons}" if differing else f"agree in {_all(total)}"
    alone = sum(len(record.own) for record in comparison.records)
    unsaid = f"; {counted(alone, 'more scenario')} {'is' if alone == 1 else 'are'} in one record only" if alone else ""
    short = [record.label for record in comparison.records if record.was_cut_short]
    unsaid += f"; cut short: {named(short)}" if short else ""
    return f"{who} {what}{unsaid}."


def _reason(comparison: Comparison, kind: Difference, rows: Sequence[Row]) -> str:
    """`364 by a leak (ptp)`; nobody is named where they are many."""
    who = [label for _, label in counts_of(comparison, kind, rows)]
    return f"{len(rows)} {WORDS[kind].by}" + (f" ({named(who)})" if who and len(comparison.records) <= MOST_NAMED else "")


def _all(total: int) -> str:
    return "the one scenario that they share" if total == 1 else f"all {total} scenarios"


def named(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def has_it(became: Became | None, kind: Difference) -> bool:
    """Whether a record has the trouble, or the outcome, that the difference is about."""
    return became is not None and (kind in became.troubles or OF_OUTCOME.get(became.outcome) is kind)


def counts_of(comparison: Comparison, kind: Difference, rows: Sequence[Row]) -> list[tuple[int, str]]:
    """In how many of the rows each record has it, most first; records that have it in none are left out."""
    counts = [sum(has_it(row.became[place], kind) for row in rows) for place in range(len(comparison.records))]
    return sorted((pair for pair in zip(counts, comparison.labels, strict=True) if pair[0]), key=lambda pair: -pair[0])


def who_has(comparison: Comparison, kind: Difference, rows: Sequence[Row]) -> str:
    """`ptp in 364, cilium in 2`; "" for a difference that is of all."""
    return ", ".join(f"{label} in {count}" for count, label in counts_of(comparison, kind, rows))


def troubles(became: Became) -> str:
    """`458 leaks, 2 unstable`; "" where nothing is wrong."""
    return ", ".join(
        counted(number, WORDS[kind].short) if kind in (Difference.LEAK, Difference.OUTAGE) else f"{number} {WORDS[kind].short}"
        for kind, number in became.troubles.items()
    )


def place(where: Where, longest: int | None = None) -> str:
    """The cell and its step; of what was done there `longest` characters at the most."""
    action = where.action if longest is None or len(where.action) <= longest else where.action[: longest - 1] + "…"
    step = "" if where.step is None else f"step {where.step}" + (f" ({action})" if action else "")
    return ": ".join(filter(None, (step, where.question or "the whole step" if step else where.question))) or "the whole scenario"


def where_or_why(row: Row) -> str:
    """The first cell that differs, and how many more; for a scenario that some did not judge, why they did not."""
    if row.differences[0] is Difference.OPEN:
        return _first(row.opened)
    if row.where:
        return place(row.where[0], _LONGEST_ACTION) + (f", and {counted(row.cells - 1, 'more cell')}" if row.cells > 1 else "")
    sentences = (each.sentence for each in row.became if each is not None and OF_OUTCOME.get(each.outcome) is row.differences[0])
    return next(sentences, "")


def seen_there(where: Where, became: Became | None, number: int) -> str:
    """What one record (its number) has in a cell that differs."""
    kind = where.seen[number]
    if kind is not None:
        return WORDS[kind].short
    if became is None or became.outcome in OF_OUTCOME:
        return NOT_JUDGED
    return AS_EXPECTED


def decided(verdict: Verdict | None, answer: AnswerKind | None) -> str:
    """How an open cell is decided: `allowed`, `blocked (timed-out)`."""
    if verdict is None or answer is None:
        return "not measured"
    return str(verdict) if verdict is Verdict.ALLOWED else f"{verdict} ({answer})"


def first_cell(point: OpenPoint) -> str:
    """The first cell of an open point, and how many more there are."""
    return _first(point.cells)


def _first(cells: Sequence[tuple[int, str]]) -> str:
    step, question = cells[0]
    more = f", and {counted(len(cells) - 1, 'more cell')}" if len(cells) > 1 else ""
    return f"step {step}: {question}{more}"


def agreement(comparison: Comparison) -> str:
    """In how many scenarios all agree, and on what."""
    alike = comparison.alike()
    number = sum(alike.values())
    if not number:
        return "There is no scenario in which all agree."
    parts = ", ".join(f"{alike[outcome]} {outcome}" for outcome in OUTCOME_ORDER if outcome in alike)
    return f"In {number} of {counted(len(comparison.rows), 'scenario')} all agree: {parts}."


def open_sentence(comparison: Comparison) -> str:
    """How many open cells are decided in one way or several."""
    differ = sum(len(point.cells) for point in comparison.open_points)
    total = differ + comparison.open_alike
    if not total:
        return "No open cell was measured by two of them."
    if not differ:
        return f"They decide all {total} open cells alike."
    scenarios = len({point.scenario for point in comparison.open_points})
    where = f"in {counted(scenarios, 'scenario')}: the specification leaves them to the plugin"
    return f"They decide {differ} of {counted(total, 'open cell')} differently, {where}."


def times_sentence(comparison: Comparison) -> str:
    """Of what the times are, and how well they are known."""
    if not comparison.timed:
        return "No scenario was judged in all records: times cannot be set side by side."
    return f"Of the {counted(comparison.timed, 'scenario')} that all records have judged.{_resolution(comparison)}"


def _resolution(comparison: Comparison) -> str:
    known = [(each.resolution, each.label) for each in comparison.records if each.resolution is not None]
    if not known:
        return ""
    each_one = ", ".join(f"{label} {seconds(value)}" for value, label in known)
    span = f"{seconds(min(known)[0])} to {seconds(max(known)[0])}"
    return f" A time is not known better than the time between two looks at a table: {each_one if len(known) <= MOST_NAMED else span}."


def direction(times: Times) -> str:
    """`newly blocked`, `newly allowed`."""
    return f"newly {times.now}"


def seconds(value: float | None) -> str:
    """`<1 ms`, `12 ms`, `1.24 s`; a dash for None."""
    if value is None:
        return "-"
    if value < 0.0005:
        return "<1 ms"
    return f"{value * 1000:.0f} ms" if value < 0.0995 else f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"


def bin_names() -> list[str]:
    """What each bin of a distribution holds."""
    bounds = [f"{bound * 1000:g} ms" if bound < 1 else f"{bound:g} s" for bound in BOUNDS]
    return [f"below {bounds[0]}", *(f"{low} to {high}" for low, high in pairwise(bounds)), f"{bounds[-1]} or more"]


_BLOCKS = "▁▂▃▄▅▆▇█"


def blocks(distribution: Distribution) -> str:
    """The bins as bars of one line, then the cells that never got there: `█▂▁·▁▁▂··|▁`. A dot is an empty bin."""
    if not distribution.cells:
        return ""
    bars = [
        "·" if not number else _BLOCKS[min(len(_BLOCKS) - 1, number * len(_BLOCKS) // distribution.cells)]
        for number in (*distribution.bins, distribution.never)
    ]
    return f"{''.join(bars[:-1])}|{bars[-1]}"


def facts_of(records: Sequence[Compared]) -> list[dict[str, str]]:
    """For each record what a reader wants to know of it before anything else; without what none of them tells."""
    every = [_facts(record) for record in records]
    return [{key: text for key, text in facts.items() if any(each[key] for each in every)} for facts in every]


def _facts(record: Compared) -> dict[str, str]:
    facts = record.facts
    minutes, rest = divmod(round(facts.seconds), 60)
    shard = f", shard {facts.shard.part}" if facts.shard else ""
    return {
        "plugin": str(facts.plugin),
        "Kubernetes": facts.cluster.get("Kubernetes", ""),
        "families": ", ".join(facts.families),
        "kube-proxy": facts.cluster.get("kube-proxy", ""),
        "suite": facts.suite,
        "started": f"{facts.started[:16].replace('T', ' ')} UTC" if facts.started else "",
        "took": f"{minutes} min {rest:02d} s" + (" (cut short)" if record.was_cut_short else "") + shard,
        "file": record.path,
    }

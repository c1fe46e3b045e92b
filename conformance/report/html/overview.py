"""The top of a page: the sentence, the numbers, and how it went by group and by capability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from markupsafe import Markup

from conformance.judge import FindingKind
from conformance.record import Facts
from conformance.report.baseline import Change, News, told
from conformance.report.html.scenario import Row
from conformance.report.html.templates import render
from conformance.report.page import printable
from conformance.report.summary import Enforced, Summary, headline_of, left_out
from conformance.shard import part_of
from conformance.world.verdict import Outcome

ORDER = (Outcome.FAILED, Outcome.ERROR, Outcome.KNOWN_DEVIATION, Outcome.NOT_SUPPORTED, Outcome.SKIPPED, Outcome.PASSED)
"""The outcomes, those first that somebody must look at."""

MOST_NEWS = 30
"""Scenarios that are named for each kind of change; a count says how many more there are."""

CORE = "core"
"""What scenarios need that need no capability."""


@dataclass(slots=True)
class Share:
    """How the scenarios of a group went, or those that need a capability. `note` says what else is known of it."""

    name: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    leaks: int = 0
    outages: int = 0
    note: str = ""

    def add(self, row: Row) -> None:
        """Counts a scenario; leaks and outages of known deviations are not counted, as in the sentence at the top."""
        self.outcomes[row.outcome] += 1
        if row.outcome in (Outcome.FAILED, Outcome.ERROR):
            self.leaks += row.leaks
            self.outages += row.outages

    @property
    def total(self) -> int:
        """How many scenarios."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its name. `tint` is a class of the house style, or ""."""

    label: str
    number: str
    note: str = ""
    tint: str = ""


def overview(facts: Facts, rows: Sequence[Row], numbers: Summary, news: News | None = None) -> Markup:
    """All that stands above the list of scenarios; with `news` what is new since another run."""
    used = [outcome for outcome in ORDER if numbers.outcomes.get(outcome)]
    return render(
        "run-overview.html",
        facts=facts,
        headline=headline_of(facts, numbers),
        sign=_sign(numbers),
        news=news,
        changes=[] if news is None else _changes(news, {row.name for row in rows}),
        total=len(rows),
        outcomes=[(outcome, numbers.outcomes[outcome]) for outcome in used],
        used=used,
        tiles=_tiles(numbers),
        tables=(("group", "By group", by_group(rows)), ("capability", "By capability", by_capability(facts, rows))),
        details=_details(facts, numbers),
    )


def _changes(news: News, there: Set[str]) -> list[tuple[Change, list[tuple[str, str, bool]], int]]:
    """For each kind of change the first scenarios as (name, why, is it on the page), and how many more there are."""
    found = []
    for change in Change:
        of = news.of(change)
        rows = [(printable(name), why, printable(name) in there) for _, name, why in told(of[:MOST_NEWS])]
        if of:
            found.append((change, rows, len(of) - len(rows)))
    return found


def by_group(rows: Iterable[Row]) -> list[Share]:
    """The groups: most failures and errors first, then by name."""
    shares: dict[str, Share] = {}
    for row in rows:
        shares.setdefault(row.group, Share(row.group)).add(row)
    return sorted(shares.values(), key=_badness)


def by_capability(facts: Facts, rows: Sequence[Row]) -> list[Share]:
    """What needs no capability, and every capability that a scenario needs or the run had: most failures and errors first.

    Those that the run had are left out where no scenario needs any: a large world does not.
    """
    had = facts.capabilities if any(row.needs for row in rows) else ()
    shares = {name: Share(name, note="the run had it") for name in map(printable, had)}
    for row in rows:
        for name in row.needs or (CORE,):
            shares.setdefault(name, Share(name, note="" if name == CORE else "the run did not have it")).add(row)
    return sorted(shares.values(), key=_badness)


def _badness(share: Share) -> tuple[int, int, str]:
    wrong = share.outcomes[Outcome.FAILED] + share.outcomes[Outcome.ERROR]
    return -wrong, int(not share.total), share.name


def _sign(numbers: Summary) -> Outcome:
    """The outcome that says in one word how the run went."""
    for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.PASSED, Outcome.KNOWN_DEVIATION):
        if numbers.outcomes.get(outcome):
            return outcome
    return Outcome.SKIPPED


def _tiles(numbers: Summary) -> list[Tile]:
    unstable = sum(numbers.findings.get(kind, 0) for kind in (FindingKind.UNSTABLE, FindingKind.CUT))
    failures = sum(number for kind, number in numbers.findings.items() if kind.is_failure)
    others = failures - numbers.leaks - numbers.outages - unstable
    not_looked = f"{numbers.left_open} more are open" if numbers.left_open else ""
    return [
        Tile("leaks", f"{numbers.leaks:,}", "cells wrongly allowed", "wrong" if numbers.leaks else "right"),
        Tile("outages", f"{numbers.outages:,}", "cells wrongly blocked", "wrong" if numbers.outages else "right"),
        Tile("unstable", f"{unstable:,}", "flapped, or connections cut", "wrong" if unstable else "right"),
        *([Tile("other findings", f"{others:,}", "wrong pod or source, network, …", "wrong")] if others else []),
        Tile("cells judged", f"{numbers.judged:,}", not_looked),
        _enforced("newly blocked", numbers.newly_blocked),
        _enforced("newly allowed", numbers.newly_allowed),
    ]


def _enforced(label: str, times: Enforced) -> Tile:
    name = f"{label} after"
    cells = f"{times.cells:,} {'cell' if times.cells == 1 else 'cells'}"
    if not times.cells:
        return Tile(name, "-", "no cell changed so")
    if times.p50 is None or times.p99 is None:
        return Tile(name, "never", f"none of {cells}")
    if 2 * times.never > times.cells:  # then the median of the others is not how it is
        return Tile(name, "never", f"{times.never:,} of {cells}; the others: median {times.p50:.2f} s, 99 %: {times.p99:.2f} s")
    never = f"{times.never:,} of {cells} never" if times.never else cells
    return Tile(name, f"{times.p50:.2f} s", f"median; 99 %: {times.p99:.2f} s; {never}")


def _details(facts: Facts, numbers: Summary) -> list[tuple[str, str]]:
    enforces = {True: "yes", False: "no", None: "not asked"}[facts.does_enforce]
    rows = [
        ("plugin", str(facts.plugin)),
        ("began", facts.started),
        ("ended", facts.ended or "the run was cut short"),
        ("took", f"{facts.seconds:.1f} s" + "".join(f", {each.name} {each.seconds:.1f} s" for each in facts.phases)),
        ("families", ", ".join(facts.families)),
        ("anything enforces policies here", enforces),
        *facts.cluster.items(),
        ("capabilities", ", ".join(facts.capabilities)),
        ("part", part_of(facts.shard.part, facts.planned, facts.selected) if facts.shard else ""),
        ("left out", left_out(facts.left_out, facts.selected + facts.left_out, facts.left_out_disruptive) if facts.left_out else ""),
        ("time between two looks", "" if numbers.resolution is None else f"{numbers.resolution:.2f} s, half of them"),
        ("transients", f"{numbers.transients:,} cells wrong for a while during a change, right in the end: no failure"),
        ("established connections", f"{numbers.kept} kept, {numbers.cut} cut" if numbers.kept or numbers.cut else ""),
        *((f"option {label}", text) for label, text in facts.options.items()),
        ("suite", f"cni-conformance {facts.suite}"),
    ]
    return [(label, text) for label, text in rows if text]

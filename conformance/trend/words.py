"""The sentences of a trend: the same in every format."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from conformance.judge.finding import counted
from conformance.trend.columns import Flaky, Stretch
from conformance.trend.night import FAILED, KNOWN, PASSED, Night
from conformance.trend.section import Change, Section, Waiting, other_changes
from conformance.trend.trend import Trend

OLDEST = 30
"""Nights that a strip shows."""

MARKS = {"p": ".", "f": "F", "e": "E", "k": "x", "s": "s", "n": "n", " ": "-"}
"""The letters of pytest, for the letters of a night."""

_THEN = {PASSED: "passed then", FAILED: "failed then", KNOWN: "a known deviation then"}

LEGEND = (
    ". passed, F failed, E error, x known deviation, s skipped, n not supported, - not in the record; the last night stands at the right"
)


def headline(section: Section) -> str:
    """Last night of a plugin in one sentence: what is new, and what changed."""
    last, end = section.last, len(section.nights) - 1
    when = f"last night ({section.dates[end]})" if end else f"the only night ({section.dates[end]})"
    failing = sum(each.last == end for each in section.still)
    parts = [_new_failures(section)] if section.broke and end else []
    parts += [f"{counted(last.count('f'), 'scenario')} failed"] if section.broke and not end else []
    parts += [f"{failing} still failing, the first since {section.dates[section.still[0].first]}"] if failing else []
    parts += [f"{counted(len(section.fixed), 'scenario')} fixed"] if section.fixed else []
    parts += [f"{counted(len(section.in_error), 'scenario')} could not be measured"] if section.in_error else []
    if not section.is_red:
        parts += [f"{last.count(PASSED)} passed"] if last.count(PASSED) else []
        parts += [counted(last.count(KNOWN), "known deviation")] if last.count(KNOWN) else []
    colour = "is red" if section.is_red else "is green" if section.is_green else "says too little"
    missing = f" (not whole: {last.missing})" if last.missing else ""
    return f"{section.title}: {when} {colour}: {'; '.join(parts) or 'nothing was measured'}{missing}."


def _new_failures(section: Section) -> str:
    goods = sorted({section.dates[each.good] for each in section.broke if each.good is not None})
    since = f" since {goods[0]}" if goods else ""
    found = {section.changes_of(each) for each in section.broke if each.good is not None}
    between = f", {_between(next(iter(found)))}" if len(found) == 1 else ""
    unsteady = sum(each.name in section.flaky_names for each in section.broke)
    flaky = f" ({unsteady} of a flaky scenario)" if unsteady else ""
    return f"{counted(len(section.broke), 'new failure')}{flaky}{since}{between}"


def _between(changed: tuple[Change, ...]) -> str:
    if not changed:
        return "with nothing of plugin, Kubernetes and suite changed"
    return "between " + ", and between ".join(f"{each.what} {each.before or 'unknown'} and {each.after or 'unknown'}" for each in changed)


def overall(trend: Trend) -> str:
    """All plugins of a folder in one sentence."""
    if len(trend.sections) == 1:
        return headline(trend.sections[0])
    new, red, green = (
        sum(test) for test in zip(*((each.has_new_failures, each.is_red, each.is_green) for each in trend.sections), strict=True)
    )
    return f"{len(trend.sections)} plugins: {new} with new failures last night, {red} red, {green} green."


def began(section: Section, stretch: Stretch) -> str:
    """When a scenario broke, and what changed then."""
    first = section.dates[stretch.first]
    if stretch.good is None:
        return f"failed when it was first measured, {first}"
    when = f"last good {section.dates[stretch.good]}" + (f", failed {first}" if stretch.first < len(section.nights) - 1 else "")
    good, bad = section.nights[stretch.good], section.nights[stretch.first]
    return f"{when}; {_changed(good, bad, section.changes_of(stretch))}{_gap(good, bad, stretch.unmeasured)}"


def ended(section: Section, stretch: Stretch) -> str:
    """How long a scenario failed, and what changed when it was fixed."""
    first, last = section.dates[stretch.first], section.dates[stretch.last]
    nights = f"failed in {counted(stretch.failed, 'night')}, {first}" + (f" to {last}" if last != first else "")
    if stretch.fixed is None:
        return nights
    if section.columns[stretch.name][stretch.fixed] == KNOWN:
        return f"{nights}; a known deviation since {section.dates[stretch.fixed]}"
    changed = _changed(section.nights[stretch.last], section.nights[stretch.fixed], section.changes_that_fixed(stretch))
    return f"{nights}; fixed {section.dates[stretch.fixed]}: {changed}"


def _changed(before: Night, after: Night, found: tuple[Change, ...]) -> str:
    if found:
        return ", ".join(map(str, found))
    others = other_changes(before, after)
    but = f", but {', '.join(map(str, others))}" if others else ""
    unknown = " (which version of the plugin it was is unknown)" if after.version in ("", "unknown") else ""
    return f"nothing of plugin, Kubernetes and suite changed{unknown}{but}"


def _gap(good: Night, first: Night, unmeasured: int) -> str:
    if unmeasured:
        return f"; not measured in {counted(unmeasured, 'night')} between"
    days = (date.fromisoformat(first.date) - date.fromisoformat(good.date)).days - 1
    return f"; no record of {counted(days, 'day')} between" if days > 0 else ""


def rate(each: Flaky) -> str:
    """How often a flaky scenario fails."""
    return f"{each.rate:.0%}: failed in {each.failed} of {each.measured} nights, changed {each.flips} times with nothing changed between"


def waited(section: Section, waiting: Waiting) -> str:
    """Since when a scenario is not measured."""
    since = section.dates[waiting.since]
    if waiting.last is None:
        return f"since {since}; never measured"
    return f"since {since}; last measured {section.dates[waiting.last]}: {_THEN[section.columns[waiting.name][waiting.last]]}"


def still(section: Section, stretch: Stretch) -> str:
    """Since when a scenario fails that has not been right since."""
    last = section.dates[stretch.last]
    unseen = f"; not measured since {last}" if stretch.last < len(section.nights) - 1 else ""
    return f"{began(section, stretch)}; failed in {counted(stretch.failed, 'night')}{unseen}"


def strip(column: str) -> str:
    """The last nights of a scenario, one mark each."""
    return "".join(MARKS[letter] for letter in column[-OLDEST:])


def seconds(value: float | None) -> str:
    """`1.20 s`, `3 ms`."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 0.0995 else f"{value:.2f} s"


def remarks(trend: Trend) -> Iterable[str]:
    """What was not looked at, and why: nothing is left out in silence."""
    found = trend.found
    if found.faults:
        yield f"{counted(len(found.faults), 'record')} could not be read, and {'is' if len(found.faults) == 1 else 'are'} not in this page"
    if trend.copies:
        yield f"{counted(trend.copies, 'record')} left aside: the same as another one"
    if trend.older:
        yield f"{counted(trend.older, 'night')} before {trend.since} left aside"
    if found.others:
        yield f"{counted(found.others, 'other JSON file')} left aside: no record"
    for folder in found.closed:
        yield f"the folder {folder} may not be read"
    yield from trend.notes

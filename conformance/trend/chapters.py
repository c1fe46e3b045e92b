"""What a section says, as tables: every format shows the same chapters in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from conformance.trend.columns import Flaky, Stretch
from conformance.trend.night import NEWLY, Night
from conformance.trend.section import Section, Waiting
from conformance.trend.words import began, ended, rate, seconds, still, strip, waited

STRIP = "last nights"
"""The column that has a mark for each night."""

_WHY, _WHEN = ("scenario", STRIP, "since when", "why"), ("scenario", STRIP, "when")

NAMED = 40
"""Of so many new scenarios the names are shown."""

SPARKS, SPARKED = "▁▂▃▄▅▆▇█", 60
"""A sparkline's marks, and how many nights one shows."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A table. `kind` is for the eye (an outcome, or a word of its own), `missing` counts the rows that are not shown."""

    kind: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    missing: int = 0

    @property
    def used(self) -> tuple[int, ...]:
        """The places of the columns in which anything stands."""
        return tuple(place for place in range(len(self.head)) if any(row[place] not in ("", "0") for row in self.rows))


def chapters(section: Section, limit: int) -> Iterator[Chapter]:
    """The lists of a section that are not empty, each with `limit` rows or fewer: what changed last night, then what goes on."""
    rows = _Rows(section)
    parts: tuple[tuple[str, str, tuple[str, ...], Sequence[Any], Callable[[Any], tuple[str, ...]]], ...] = (
        ("failed", "Broke last night" if len(section.nights) > 1 else "Failed", _WHY, section.broke, rows.broke),
        ("passed", "Fixed last night", _WHEN, section.fixed, rows.ended),
        ("known-deviation", "A known deviation since last night", _WHEN, section.became_known, rows.ended),
        ("error", "In error last night, which says nothing of the plugin", _WHY, section.in_error, rows.in_error),
        ("skipped", "No longer measured since last night", _WHEN, section.idle, rows.waiting),
        ("failed", "Still failing", _WHY, section.still, rows.still),
        ("unsteady", "Flaky", ("scenario", STRIP, "rate", "last changed"), section.flaky, rows.flaky),
        ("gone", "Not in last night's record", _WHEN, section.gone, rows.waiting),
        ("past", "Failed before, and fixed", ("scenario", "how it broke", "how long, and how it was fixed"), section.past, rows.past),
    )
    for kind, title, head, items, row in parts:
        if items:
            yield Chapter(kind, f"{title}: {len(items)}", head, tuple(map(row, items[:limit])), max(0, len(items) - limit))
    if section.new:  # after a night of a few scenarios they are many, and their nights say nothing
        named = section.new[: min(limit, NAMED)]
        title = f"New, in no earlier record: {len(section.new)}"
        yield Chapter("new", title, ("scenarios",), ((", ".join(named),),), len(section.new) - len(named))


class _Rows:
    def __init__(self, section: Section) -> None:
        self._section, self._unsteady = section, section.flaky_names

    def _start(self, name: str) -> tuple[str, str]:
        return f"{name} (flaky)" if name in self._unsteady else name, strip(self._section.columns[name])

    def _why(self, name: str) -> str:
        return self._section.sentences.get(name, "")

    def broke(self, each: Stretch) -> tuple[str, ...]:
        return *self._start(each.name), began(self._section, each), self._why(each.name)

    def still(self, each: Stretch) -> tuple[str, ...]:
        return *self._start(each.name), still(self._section, each), self._why(each.name)

    def ended(self, each: Stretch) -> tuple[str, ...]:
        return *self._start(each.name), ended(self._section, each)

    def past(self, each: Stretch) -> tuple[str, ...]:
        return each.name, began(self._section, each), ended(self._section, each)

    def waiting(self, each: Waiting) -> tuple[str, ...]:
        return *self._start(each.name), waited(self._section, each)

    def in_error(self, each: Waiting) -> tuple[str, ...]:
        return *self.waiting(each), self._why(each.name)

    def flaky(self, each: Flaky) -> tuple[str, ...]:
        return each.name, self._start(each.name)[1], rate(each), self._section.dates[each.last]


def times(section: Section) -> Chapter | None:
    """The time to enforce over the last nights; None where no night has any."""
    rows = []
    for direction in NEWLY:
        for percent in ("p50", "p99"):
            values = series(section.nights, direction, percent)
            known = [value for value in values if value is not None]
            if known:
                last = seconds(values[-1])
                rows.append((f"newly {direction}, {percent}", sparkline(values), last, seconds(median(known)), seconds(max(known))))
    shown = min(SPARKED, len(section.nights))
    head = ("time to enforce", f"last {shown} nights" if shown > 1 else "the night", "last night", "median of all", "worst")
    return Chapter("times", "Time to enforce", head, tuple(rows)) if rows else None


def series(nights: Sequence[Night], direction: str, percent: str) -> list[float | None]:
    """One of the times to enforce of each night, in seconds; None where there was none."""
    return [None if (each := night.enforced.get(direction)) is None else (each.p50 if percent == "p50" else each.p99) for night in nights]


def sparkline(values: Sequence[float | None]) -> str:
    """A mark for each of the last values, from 0 to the largest of them; a gap where there is none."""
    shown = values[-SPARKED:]
    most = max((value for value in shown if value is not None), default=0) or 1
    return "".join(" " if value is None else SPARKS[min(len(SPARKS) - 1, int(value / most * len(SPARKS)))] for value in shown)


_COUNTS = (("passed", "p"), ("failed", "f"), ("error", "e"), ("known", "k"))

HISTORY = (
    *("night", "plugin", "Kubernetes", "suite"),
    *(name for name, _ in _COUNTS),
    *("not measured", "broke", "fixed", "leaks", "outages", "blocked in p50 / p99", "allowed in p50 / p99", "not whole"),
)
"""The columns of the nights."""


def history(section: Section, limit: int) -> Chapter:
    """The nights, the last first."""
    shown = range(len(section.nights) - 1, max(-1, len(section.nights) - 1 - limit), -1)
    rows = tuple(_night(section, number) for number in shown)
    return Chapter("nights", f"Nights: {len(section.nights)}", HISTORY, rows, len(section.nights) - len(rows))


def _night(section: Section, number: int) -> tuple[str, ...]:
    night = section.nights[number]
    counts = [night.count(letter) for _, letter in _COUNTS]
    enforced = []
    for direction in NEWLY:
        each = night.enforced.get(direction)
        enforced.append(f"{seconds(each.p50)} / {seconds(each.p99)}" if each and each.p50 is not None else "-")
    return (
        section.dates[number],
        *_versions(section, number),
        *map(str, counts),
        str(len(night.letters) - sum(counts)),
        str(section.broken_by_night.get(number, 0)),
        str(section.fixed_by_night.get(number, 0)),
        str(night.leaks),
        str(night.outages),
        *enforced,
        night.missing,
    )


def _versions(section: Section, number: int) -> Iterator[str]:
    """The versions of a night; where one has changed, from which."""
    before = section.nights[max(0, number - 1)].versions
    for old, new in zip(before, section.nights[number].versions, strict=True):
        yield f"{old or 'unknown'} → {new or 'unknown'}" if old != new else new or "unknown"

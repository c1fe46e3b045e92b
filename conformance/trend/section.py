"""The nights of one plugin: what changed last night, what is still broken and since when, what is flaky."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.trend.columns import Flaky, Stretch, columns_of, flaky, stretches
from conformance.trend.night import ABSENT, ERROR, FAILED, KNOWN, MEASURED, PASSED, Night


@dataclass(frozen=True, slots=True)
class Change:
    """Something that two nights do not share: `what` (the plugin's name, Kubernetes, suite, a fact of the cluster), before and after."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before or 'unknown'} → {self.after or 'unknown'}"


def changes(before: Night, after: Night) -> tuple[Change, ...]:
    """Which of plugin, Kubernetes and suite changed between two nights."""
    pairs = zip((after.called, "Kubernetes", "suite"), before.versions, after.versions, strict=True)
    return tuple(Change(what, old, new) for what, old, new in pairs if old != new)


def other_changes(before: Night, after: Night) -> tuple[Change, ...]:
    """Which further facts of the cluster differ: where nothing else has changed, they are what is left to suspect."""
    facts = [fact for fact in (before.cluster | after.cluster) if fact not in ("Kubernetes", "cluster", "nodes")]  # type: ignore[operator]
    pairs = ((fact, before.cluster.get(fact, ""), after.cluster.get(fact, "")) for fact in facts)
    return tuple(Change(fact, old, new) for fact, old, new in pairs if old != new)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A scenario that was not measured last night. `letter` says what it was instead, `since` is the first such night in a row, and
    `last` the last night in which it was measured (None: never).
    """

    name: str
    letter: str
    since: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """The nights of one plugin, oldest first, and what there is to say; numbers are those of nights.

    `dates` are what nights are called: their day, with the time where two have the same. `columns` has the letters of each scenario.

    Of the stretches in which scenarios failed: `broke` began last night, `still` goes on from before (as far as it was measured), `fixed`
    ended last night (`became_known`: for its failure is a known deviation now), `past` ended before, and is of no flaky scenario.
    `in_error` was not measured and `gone` is not in last night's record; `idle` was measured the night before, and last night it was
    skipped or not supported. `new` is in no earlier night. `sentences` say why, of last night.
    `broken_by_night` and `fixed_by_night` count stretches by the night in which they began or ended.
    """

    title: str
    nights: tuple[Night, ...]
    dates: tuple[str, ...]
    columns: Mapping[str, str]
    broke: tuple[Stretch, ...]
    still: tuple[Stretch, ...]
    fixed: tuple[Stretch, ...]
    became_known: tuple[Stretch, ...]
    past: tuple[Stretch, ...]
    flaky: tuple[Flaky, ...]
    in_error: tuple[Waiting, ...]
    idle: tuple[Waiting, ...]
    gone: tuple[Waiting, ...]
    new: tuple[str, ...]
    sentences: Mapping[str, str]
    broken_by_night: Mapping[int, int]
    fixed_by_night: Mapping[int, int]

    @property
    def last(self) -> Night:
        """Last night."""
        return self.nights[-1]

    @property
    def flaky_names(self) -> frozenset[str]:
        """The scenarios that are flaky."""
        return frozenset(each.name for each in self.flaky)

    @property
    def has_new_failures(self) -> bool:
        """Whether something failed last night that did not before; of an only night nobody knows."""
        return bool(self.broke) and len(self.nights) > 1

    @property
    def is_red(self) -> bool:
        """Whether something failed last night."""
        return FAILED in self.last.letters

    @property
    def is_green(self) -> bool:
        """Whether last night something passed, and nothing failed or is in error."""
        return not self.is_red and ERROR not in self.last.letters and PASSED in self.last.letters

    def changes_of(self, stretch: Stretch) -> tuple[Change, ...]:
        """What changed between the last good and the first bad night."""
        return () if stretch.good is None else changes(self.nights[stretch.good], self.nights[stretch.first])

    def changes_that_fixed(self, stretch: Stretch) -> tuple[Change, ...]:
        """What changed between the last bad night and that in which it did not fail any more."""
        return () if stretch.fixed is None else changes(self.nights[stretch.last], self.nights[stretch.fixed])


def section(title: str, nights: Sequence[Night], sentences: Mapping[str, str]) -> Section:
    """Everything that there is to say of these nights (one or more, oldest first); `sentences` are those of the last."""
    columns = columns_of(nights)
    versions = [night.versions for night in nights]
    end = len(nights) - 1
    found = [stretch for name, column in columns.items() for stretch in stretches(name, column)]
    unsteady = [each for name, column in columns.items() if (each := flaky(name, column, versions)) is not None]
    unsteady.sort(key=lambda each: (-each.last, -each.rate))
    names = {each.name for each in unsteady}
    waiting = [_waiting(name, column) for name, column in columns.items() if column[-1] not in MEASURED]
    ended = [each for each in found if each.fixed == end]
    is_whole = not nights[end].missing
    failing = [each for each in found if each.fixed is None and not (is_whole and columns[each.name][end] == ABSENT)]
    failing.sort(key=lambda each: each.first)
    past = [each for each in found if each.fixed is not None and each.fixed < end and each.name not in names]
    return Section(
        title,
        tuple(nights),
        _dates(nights),
        columns,
        broke=tuple(each for each in failing if each.first == end),
        still=tuple(each for each in failing if each.first < end),
        fixed=tuple(each for each in ended if columns[each.name][end] != KNOWN),
        became_known=tuple(each for each in ended if columns[each.name][end] == KNOWN),
        past=tuple(sorted(past, key=lambda each: -(each.fixed or 0))),
        flaky=tuple(unsteady),
        in_error=tuple(each for each in waiting if each.letter == ERROR),
        idle=tuple(each for each in waiting if each.letter not in (ERROR, ABSENT) and each.last == end - 1),
        gone=tuple(sorted((each for each in waiting if each.letter == ABSENT), key=lambda each: -each.since)),
        new=tuple(name for name, column in columns.items() if end and column[-1] != ABSENT and not column[:-1].strip()),
        sentences=sentences,
        broken_by_night=Counter(each.first for each in found if each.good is not None),
        fixed_by_night=Counter(each.fixed for each in found if each.fixed is not None),
    )


def _dates(nights: Sequence[Night]) -> tuple[str, ...]:
    number = Counter(night.date for night in nights)
    return tuple(night.date if number[night.date] == 1 else night.started[:16].replace("T", " ") for night in nights)


def _waiting(name: str, column: str) -> Waiting:
    letter = column[-1]
    last = max(column.rfind(each) for each in MEASURED)
    return Waiting(name, letter, len(column.rstrip(letter)), last if last >= 0 else None)

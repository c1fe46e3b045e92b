"""The nights of each scenario as a string of letters: scenarios whose nights are all alike, nearly all, cost nothing to look through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from conformance.trend.night import ABSENT, FAILED, KNOWN, MEASURED, PASSED, Night


def columns_of(nights: Sequence[Night]) -> dict[str, str]:
    """For each scenario one letter a night, ABSENT where a night does not have it. Sorted by name."""
    found: dict[str, bytearray] = {}
    begin = 0
    for names, group in groupby(nights, key=lambda night: night.names):
        rows = [night.letters for night in group]
        for name, letters in zip(names, zip(*rows, strict=True), strict=True):
            if name not in found:
                found[name] = bytearray(ABSENT.encode() * len(nights))
            found[name][begin : begin + len(rows)] = "".join(letters).encode()
        begin += len(rows)
    return {name: found[name].decode() for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nights, by number, in which a scenario failed whenever it was measured.

    `good` is the last night before in which it did not fail (None: it failed when it was first measured), `first` and `last` the
    nights at both ends in which it failed, `fixed` the first night after in which it did not (None: there is none yet). `failed` counts
    the nights in which it failed, `unmeasured` those between `good` and `first` in which it was not measured.
    """

    name: str
    good: int | None
    first: int
    last: int
    fixed: int | None
    failed: int
    unmeasured: int


def stretches(name: str, column: str) -> Iterator[Stretch]:
    """Where a scenario failed, in order of time."""
    if FAILED not in column:
        return
    good: int | None = None
    run: list[int] = []
    for number, letter in [*((number, letter) for number, letter in enumerate(column) if letter in MEASURED), (None, PASSED)]:
        if letter == FAILED and number is not None:
            run.append(number)
            continue
        if run:
            yield Stretch(name, good, run[0], run[-1], number, len(run), 0 if good is None else run[0] - good - 1)
            run = []
        good = number


@dataclass(frozen=True, slots=True)
class Flaky:
    """A scenario whose verdict went and came back while nothing changed.

    Of the `measured` nights of those versions it failed in `failed`; the verdict changed `flips` times, last in night `last`.
    """

    name: str
    failed: int
    measured: int
    flips: int
    last: int

    @property
    def rate(self) -> float:
        """How often it failed, from 0 to 1."""
        return self.failed / self.measured


def flaky(name: str, column: str, versions: Sequence[object]) -> Flaky | None:
    """Whether a scenario is flaky: two changes of its verdict or more in nights with the same versions. A known deviation fails, too."""
    if FAILED not in column and KNOWN not in column:
        return None
    failed = measured = flips = last = 0
    nights = ((number, letter) for number, letter in enumerate(column) if letter in MEASURED)
    for _, group in groupby(nights, key=lambda each: versions[each[0]]):
        verdicts = [(number, letter == PASSED) for number, letter in group]
        changes = [later for (_, before), (later, after) in pairwise(verdicts) if before is not after]
        if len(changes) > 1:
            failed += sum(not has_passed for _, has_passed in verdicts)
            measured += len(verdicts)
            flips += len(changes)
            last = changes[-1]
    return Flaky(name, failed, measured, flips, last) if flips else None

"""Times to enforce of several records, side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from conformance.compare.nouns import Distribution, Times
from conformance.judge import percentile
from conformance.record.digest import ScenarioDigest, change_of
from conformance.world.verdict import Verdict

BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""The times at which one bin ends and the next begins, in seconds: the first holds what is below 10 ms, the last what took 30 s or more."""

_Key = tuple[Verdict, str]


def times_of(records: Sequence[Iterable[ScenarioDigest]]) -> Iterator[Times]:
    """Of the scenarios of each record: each direction, first after any change, then after each kind of change, the frequent ones first."""
    cells = [_cells(scenarios) for scenarios in records]
    for now in (Verdict.BLOCKED, Verdict.ALLOWED):
        changes = {change for each in cells for verdict, change in each if verdict is now}
        for change in sorted(changes, key=lambda each: (each != "", -sum(len(mine.get((now, each), ())) for mine in cells), each)):
            yield Times(now, change, tuple(distribution(mine.get((now, change), ())) for mine in cells))


def _cells(scenarios: Iterable[ScenarioDigest]) -> dict[_Key, list[float | None]]:
    found: dict[_Key, list[float | None]] = defaultdict(list)
    for scenario in scenarios:
        changes = {number: change_of(action) for number, action in scenario.actions.items()}
        for each in scenario.enforcements:
            found[each.now, ""].append(each.seconds)
            found[each.now, changes.get(each.step, "other")].append(each.seconds)
    return found


def distribution(cells: Sequence[float | None]) -> Distribution:
    """Of these cells: seconds, None for one that never got there."""
    times = sorted(seconds for seconds in cells if seconds is not None)
    bins = [0] * (len(BOUNDS) + 1)
    for seconds in times:
        bins[bisect_right(BOUNDS, seconds)] += 1
    p50, p90, p99 = (percentile(times, percent) for percent in (50, 90, 99))
    return Distribution(len(cells), len(cells) - len(times), p50, p90, p99, times[-1] if times else None, tuple(bins))

"""Several digests become one comparison: pure, offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from conformance.compare.nouns import Compared, Comparison, InvalidComparison, Row, Share
from conformance.compare.rows import JUDGED, open_points, row_of
from conformance.compare.times import times_of
from conformance.record import Facts
from conformance.record.digest import Digest, ScenarioDigest

CORE = "core"
"""What needs no capability."""

_LONGEST_NAME = 40

_Scenarios = Sequence[ScenarioDigest | None]


def compare(digests: Sequence[Digest]) -> Comparison:
    """The records side by side: the scenarios that two of them or more have.

    Raises InvalidComparison: one record only, one run twice, a record that shares no scenario with any other.
    """
    _insist_on_several(digests)
    by_name = [{scenario.name: scenario for scenario in digest.scenarios} for digest in digests]
    counts = Counter(name for names in by_name for name in names)
    shared = {name for name, count in counts.items() if count > 1}
    _insist_on_something_shared(digests, by_name, shared)
    columns = _columns(by_name, shared)
    families = set.intersection(*({str(family) for family in digest.facts.families} for digest in digests))
    rows = tuple(row_of(column, families) for column in columns)
    points, alike = zip(*map(open_points, columns), strict=True)
    timed = [column for column in columns if all(each is not None and each.outcome in JUDGED for each in column)]
    return Comparison(
        records=_records(digests, by_name, shared),
        rows=rows,
        groups=_shares(rows, lambda row: (row.group,)),
        capabilities=_capabilities(digests, rows),
        open_points=tuple(point for each in points for point in each),
        open_alike=sum(alike),
        times=tuple(times_of([[each for column in timed if (each := column[place])] for place in range(len(digests))])),
        timed=len(timed),
    )


def _insist_on_several(digests: Sequence[Digest]) -> None:
    """Raises InvalidComparison for fewer than two records, and for a run that is there twice."""
    if len(digests) < 2:
        raise InvalidComparison("compare needs two records or more")
    for place, digest in enumerate(digests):
        for other in digests[:place]:
            if other.path.resolve() == digest.path.resolve():
                raise InvalidComparison(f"{digest.path} is given twice: give each record once")
            if other.facts == digest.facts and other.scenarios == digest.scenarios:
                raise InvalidComparison(f"{other.path} and {digest.path} hold the same run: give each run once")


def _insist_on_something_shared(digests: Sequence[Digest], by_name: Sequence[Mapping[str, object]], shared: set[str]) -> None:
    """Raises InvalidComparison where a record has nothing that could be compared."""
    for digest, names in zip(digests, by_name, strict=True):
        if not shared.intersection(names):
            if len(digests) == 2:
                raise InvalidComparison(f"{digests[0].path} and {digests[1].path} share no scenario: there is nothing to compare")
            raise InvalidComparison(f"{digest.path} shares no scenario with the others: there is nothing to compare it by")


def _columns(by_name: Sequence[Mapping[str, ScenarioDigest]], shared: set[str]) -> list[_Scenarios]:
    """Each shared scenario in every record, in the order of the catalogue's files."""

    def place(name: str) -> tuple[str, str]:
        return next(names[name].file for names in by_name if name in names), name

    return [[names.get(name) for names in by_name] for name in sorted(shared, key=place)]


def _records(digests: Sequence[Digest], by_name: Sequence[Mapping[str, object]], shared: set[str]) -> tuple[Compared, ...]:
    everything = {name for names in by_name for name in names}
    return tuple(
        Compared(
            label=label,
            path=str(digest.path),
            facts=digest.facts,
            outcomes=Counter(scenario.outcome for scenario in digest.scenarios),
            was_cut_short=digest.was_cut_short,
            resolution=digest.resolution,
            own=tuple(sorted(set(names) - shared)),
            lacks=tuple(sorted(everything - set(names))),
        )
        for digest, names, label in zip(digests, by_name, labels(digests), strict=True)
    )


def labels(digests: Sequence[Digest]) -> tuple[str, ...]:
    """A unique name for each record, as short as it can be: the plugin's, with what sets it apart from others of that name, or a number.

    Of version, families, mode of kube-proxy, Kubernetes, suite, shard and start of the run only what differs is said, until all are told
    apart.
    """
    found = [_cut(digest.facts.plugin.name) or "unnamed" for digest in digests]
    for told in zip(*(_aspects(digest.facts) for digest in digests), strict=True):
        alike: dict[str, list[int]] = {}
        for place, name in enumerate(found):
            alike.setdefault(name, []).append(place)
        for places in alike.values():
            if len({told[place] for place in places}) > 1:
                for place in places:
                    found[place] = f"{found[place]} {told[place]}".strip()
    counts = Counter(found)
    unique = tuple(name if counts[name] == 1 else f"{name} #{place}" for place, name in enumerate(found, 1))
    return unique if len(set(unique)) == len(unique) else tuple(f"{name} #{place}" for place, name in enumerate(found, 1))


def _aspects(facts: Facts) -> tuple[str, ...]:
    """What may set a record apart from others of the same plugin, what people ask for first."""
    return (
        _cut(facts.plugin.version),
        "dual" if len(facts.families) > 1 else " ".join(facts.families),
        _cut(facts.cluster.get("kube-proxy", "")),
        f"Kubernetes {_cut(facts.cluster.get('Kubernetes') or 'unknown')}",
        f"suite {_cut(facts.suite or 'unknown')}",
        f"shard {facts.shard.part}" if facts.shard else "",
        facts.started[:19].replace("T", " "),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _capabilities(digests: Sequence[Digest], rows: Sequence[Row]) -> tuple[Share, ...]:
    """What needs nothing, then each capability that a record has or a scenario needs: those that not all have first."""
    shares = {share.name: share for share in _shares(rows, lambda row: row.needs or (CORE,))}
    found = []
    for name in sorted({*shares, *(each for digest in digests for each in digest.facts.capabilities)} - {CORE}):
        has = tuple(name in digest.facts.capabilities for digest in digests)
        share = shares.get(name) or Share(name, 0, 0, tuple(Counter() for _ in digests))
        found.append(Share(name, share.scenarios, share.differing, share.outcomes, has))
    core = [Share(CORE, each.scenarios, each.differing, each.outcomes, (True,) * len(digests)) for each in (shares.get(CORE),) if each]
    return (*core, *sorted(found, key=lambda each: len(set(each.has)) == 1))


def _shares(rows: Sequence[Row], keys_of: Callable[[Row], Sequence[str]]) -> tuple[Share, ...]:
    """The rows by each key that they have, in the order in which the keys come up."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        for key in keys_of(row):
            groups.setdefault(key, []).append(row)
    return tuple(
        Share(
            name,
            len(mine),
            sum(bool(row.differences) for row in mine),
            tuple(Counter(each.outcome for row in mine if (each := row.became[place])) for place in range(len(rows[0].became))),
        )
        for name, mine in groups.items()
    )

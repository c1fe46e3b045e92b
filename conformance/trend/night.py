"""One night of a plugin: what a record comes to, small enough that ten thousand of them fit into the memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conformance.record import Facts, InvalidRecord
from conformance.record.overview import EnforcedTimes, Overview
from conformance.world.verdict import FindingKind, Outcome, Verdict

LETTERS = {
    Outcome.PASSED: "p",
    Outcome.FAILED: "f",
    Outcome.ERROR: "e",
    Outcome.SKIPPED: "s",
    Outcome.NOT_SUPPORTED: "n",
    Outcome.KNOWN_DEVIATION: "k",
}
"""What became of a scenario, as one letter: the nights of a scenario are a string."""

PASSED, FAILED, ERROR, KNOWN, ABSENT = "p", "f", "e", "k", " "

MEASURED = frozenset((PASSED, FAILED, KNOWN))
"""Letters that say something of the plugin."""


@dataclass(frozen=True, slots=True)
class Night:
    """One run of one plugin. `letters` has one of LETTERS for each of `names`.

    `paths` are its records, relative to the folder: one, or several shards. `started` is ISO 8601 in UTC, `cluster` the facts of the
    cluster, `seconds` how long it took. `missing` says in a few words why it is not whole, "" where all that there was to select was
    measured. `shard` is the part and the whole that a shard is one of, as its record has them. `findings` counts by kind.
    """

    paths: tuple[str, ...]
    plugin: str
    title: str
    version: str
    suite: str
    started: str
    seconds: float
    families: tuple[str, ...]
    cluster: Mapping[str, str]
    missing: str
    shard: tuple[str, str] | None
    findings: Mapping[str, int]
    enforced: Mapping[str, EnforcedTimes]
    names: tuple[str, ...] = field(default=(), repr=False)
    letters: str = field(default="", repr=False)

    @property
    def date(self) -> str:
        """The day on which it began, in UTC."""
        return self.started[:10]

    @property
    def called(self) -> str:
        """What people call the plugin."""
        return self.title or self.plugin

    @property
    def kubernetes(self) -> str:
        """The version of Kubernetes, "" where the record does not tell."""
        return self.cluster.get("Kubernetes", "")

    @property
    def versions(self) -> tuple[str, str, str]:
        """Of plugin, Kubernetes and suite."""
        return self.version, self.kubernetes, self.suite

    @property
    def kind(self) -> tuple[str, ...]:
        """What nights must share to be compared: plugin, families, mode of kube-proxy, provider of the cluster."""
        return self.plugin, " and ".join(self.families), self.cluster.get("kube-proxy", ""), self.cluster.get("provider", "")

    @property
    def leaks(self) -> int:
        """Cells that were wrongly allowed."""
        return self.findings.get(FindingKind.WRONGLY_ALLOWED, 0)

    @property
    def outages(self) -> int:
        """Cells that were wrongly blocked."""
        return self.findings.get(FindingKind.WRONGLY_BLOCKED, 0)

    def count(self, letter: str) -> int:
        """How many scenarios have this letter."""
        return self.letters.count(letter)


def night_of(path: str, facts: Facts, overview: Overview) -> Night:
    """The night of a record. Raises InvalidRecord where it does not say when it began."""
    return Night(
        paths=(path,),
        plugin=facts.plugin.name,
        title=facts.plugin.title,
        version=facts.plugin.version,
        suite=facts.suite,
        started=_in_utc(facts.started),
        seconds=facts.seconds,
        families=tuple(facts.families),
        cluster=dict(facts.cluster),
        missing=_missing(facts, len(overview.outcomes)),
        shard=_shard(facts),
        findings=dict(overview.findings),
        enforced={str(verdict): times for verdict, times in overview.enforced.items()},
        names=tuple(overview.outcomes),
        letters="".join(LETTERS[outcome] for outcome in overview.outcomes.values()),
    )


def _in_utc(started: str) -> str:
    try:
        time = datetime.fromisoformat(started)
    except ValueError:
        raise InvalidRecord("the record does not say when its run began") from None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat(timespec="milliseconds")


def _missing(facts: Facts, finished: int) -> str:
    if not facts.ended or finished < facts.planned:
        return f"cut short: {finished} of {facts.planned} scenarios"
    return f"{facts.left_out} scenarios left out" if facts.left_out else ""


def _shard(facts: Facts) -> tuple[str, str] | None:
    if facts.shard is None:
        return None
    return str(facts.shard.part), f"{facts.shard.selection} {facts.shard.catalogue}"


def to_row(night: Night) -> list[Any]:
    """Everything but names and letters, as JSON for the index."""
    times = [[verdict, each.cells, each.never, each.p50, each.p99] for verdict, each in night.enforced.items()]
    return [
        night.paths,
        night.plugin,
        night.title,
        night.version,
        night.suite,
        night.started,
        night.seconds,
        night.families,
        night.cluster,
        night.missing,
        night.shard,
        night.findings,
        times,
    ]


def from_row(row: list[Any], names: tuple[str, ...], letters: str) -> Night:
    """From what `to_row` made. Raises ValueError or TypeError where it is something else."""
    paths, plugin, title, version, suite, started, seconds, families, cluster, missing, shard, findings, times = row
    if len(names) != len(letters):
        raise ValueError("each name has one letter")
    enforced = {verdict: EnforcedTimes(*each) for verdict, *each in times}
    shard = None if shard is None else (shard[0], shard[1])
    facts = (plugin, title, version, suite, started, seconds, tuple(families), cluster, missing, shard, findings, enforced)
    return Night(tuple(paths), *facts, names, letters)


NEWLY = (str(Verdict.BLOCKED), str(Verdict.ALLOWED))
"""The keys of `enforced`, in the order to show them."""

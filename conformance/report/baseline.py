"""What is new since another run of the same scenarios. Pure, from two digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.judge import FindingKind
from conformance.judge.finding import counted
from conformance.record import Facts
from conformance.record.digest import Digest, ScenarioDigest
from conformance.world.verdict import Outcome

SHOWN, MOST_NAMES = 5, 20
"""Scenarios that a sentence names, and a line about what is not worse; the rest is a count."""


class Change(StrEnum):
    """What became of a scenario since the baseline, the worst first.

    NEW_FAILURE: it fails and did not (or was not there). WORSE: it failed then as well, but has a kind of finding or a leaking cell that
    it did not have. NEW_ERROR: it could not be measured, and could be. STILL_FAILING, STILL_ERROR: as then. FIXED: it failed or could not
    be measured, and is fine now, or is known to deviate. GONE: it was measured then and is not now (of a shard nobody expects the others'
    scenarios). NEW: it was not there, and does not fail now.
    """

    NEW_FAILURE = "new failure"
    WORSE = "worse"
    NEW_ERROR = "new error"
    STILL_FAILING = "still failing"
    STILL_ERROR = "still in error"
    FIXED = "fixed"
    GONE = "not measured now"
    NEW = "not there then"

    @property
    def is_new_trouble(self) -> bool:
        """Whether a run is red by it."""
        return self in (Change.NEW_FAILURE, Change.WORSE, Change.NEW_ERROR)


@dataclass(frozen=True, slots=True)
class Changed:
    """One scenario that changed, or is still red. `then` and `now`: its outcomes, None where it is not in that run.

    `sentence` is the one of now (of then, where it is gone); `more` says what is worse about it, or why it may have failed before.
    """

    name: str
    change: Change
    then: Outcome | None
    now: Outcome | None
    sentence: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the run of which `then` are the facts. `changed`: the worst first, in the record's order otherwise.

    `same` counts the scenarios that are in both and of which there is nothing to say.

    `was_cut_short`: this run has not all of its scenarios; `is_from_cut_short`: that one had not.
    """

    then: Facts
    now: Facts
    changed: tuple[Changed, ...]
    same: int
    was_cut_short: bool = False
    is_from_cut_short: bool = False

    def of(self, *changes: Change) -> tuple[Changed, ...]:
        """The scenarios with one of these changes."""
        return tuple(each for each in self.changed if each.change in changes)

    def change_of(self, name: str) -> Change | None:
        """What became of a scenario; None: nothing to say."""
        return next((each.change for each in self.changed if each.name == name), None)

    @property
    def has_new_failures(self) -> bool:
        """Whether anything fails that did not, or fails worse."""
        return bool(self.of(Change.NEW_FAILURE, Change.WORSE))

    @property
    def has_new_errors(self) -> bool:
        """Whether anything could not be measured that could be."""
        return bool(self.of(Change.NEW_ERROR))

    @property
    def is_red(self) -> bool:
        """Whether there is new trouble, or a run of which nobody knows the rest."""
        return self.has_new_failures or self.has_new_errors or self.was_cut_short

    @property
    def sentence(self) -> str:
        """What is new, named, in one sentence; then what is not new, counted."""
        named = [
            f"{len(found)} {each}{'s' if len(found) > 1 and each is not Change.WORSE else ''}: {names(found)}"
            for each in (Change.NEW_FAILURE, Change.WORSE, Change.NEW_ERROR)
            if (found := self.of(each))
        ]
        rest = ", ".join(f"{len(found)} {each}" for each in Change if not each.is_new_trouble and (found := self.of(each)))
        cut = "the run was cut short" if self.was_cut_short else ""
        return f"Since {self.since}: {'; '.join([*(named or ['nothing is worse']), *filter(None, [cut, rest])])}."

    @property
    def since(self) -> str:
        """The run that this is compared with, `Cilium 1.15.19 of 2026-11-20 03:00`, and what makes it hard to compare."""
        then, now = self.then, self.now
        started = f" of {then.started[:16].replace('T', ' ')}" if then.started else ""
        others = [
            "another plugin" if then.plugin.name != now.plugin.name else "",
            f"over {' and '.join(then.families)}" if then.families and set(then.families) != set(now.families) else "",
            f"its shard {then.shard.part} only" if then.shard and (now.shard is None or then.shard.part != now.shard.part) else "",
            "cut short" if self.is_from_cut_short else "",
        ]
        return ", ".join([f"{then.plugin}{started}", *filter(None, others)])


def news(now: Digest, then: Digest) -> News:
    """What is new in `now` since `then`. Scenarios are the same where their names are."""
    before = {each.name: each for each in then.scenarios}
    there = {each.name for each in now.scenarios}
    found = [(each, _compared(each, before.get(each.name))) for each in now.scenarios]
    gone = [
        Changed(each.name, Change.GONE, each.outcome, None, each.sentence)
        for each in then.scenarios
        if now.facts.shard is None and each.name not in there and _was_measured(each)
    ]
    changed = [each for _, each in found if each is not None]
    order = list(Change)
    same = sum(each is None and scenario.name in before for scenario, each in found)
    by_order = tuple(sorted([*changed, *gone], key=lambda each: order.index(each.change)))
    return News(then.facts, now.facts, by_order, same, now.was_cut_short, then.was_cut_short)


def _compared(now: ScenarioDigest, then: ScenarioDigest | None) -> Changed | None:
    change, more = _change(now, then)
    return None if change is None else Changed(now.name, change, None if then is None else then.outcome, now.outcome, now.sentence, more)


def _change(now: ScenarioDigest, then: ScenarioDigest | None) -> tuple[Change | None, str]:
    before = None if then is None else then.outcome
    match now.outcome:
        case Outcome.FAILED if then is not None and before is Outcome.FAILED:
            more = _worse(now, then)
            return (Change.WORSE, more) if more else (Change.STILL_FAILING, "")
        case Outcome.FAILED:
            return Change.NEW_FAILURE, _unknown_before(then)
        case Outcome.ERROR:
            return (Change.STILL_ERROR if before is Outcome.ERROR else Change.NEW_ERROR), ""
        case Outcome.PASSED | Outcome.KNOWN_DEVIATION if before in (Outcome.FAILED, Outcome.ERROR):
            return Change.FIXED, ""
        case Outcome.SKIPPED | Outcome.NOT_SUPPORTED if then is not None and _was_measured(then):
            return Change.GONE, ""
    return (Change.NEW if then is None else None), ""


def _unknown_before(then: ScenarioDigest | None) -> str:
    """Why a failure may be older than the baseline; "" where it did not fail then."""
    if then is None:
        return "not there then"
    return "" if _was_measured(then) and then.outcome is not Outcome.ERROR else "not measured then"


def _was_measured(scenario: ScenarioDigest) -> bool:
    return scenario.outcome not in (Outcome.SKIPPED, Outcome.NOT_SUPPORTED)


def _worse(now: ScenarioDigest, then: ScenarioDigest) -> str:
    """What it fails in that it did not fail in then: kinds of findings, and cells that leak. Which cells are cut off, or unstable,
    differs from night to night; a cell that leaks does not do so by chance.
    """
    had = {finding.kind for finding in then.findings}
    kinds = dict.fromkeys(finding.kind for finding in now.findings if finding.kind.is_failure and finding.kind not in had)
    leaked = set(_leaks(then))
    cells = [cell for cell in _leaks(now) if cell not in leaked] if FindingKind.WRONGLY_ALLOWED in had else []
    worse = [f"now also {' and '.join(kinds)}"] if kinds else []
    return ", ".join([*worse, f"leaks in {counted(len(cells), 'more cell')}"] if cells else worse)


def _leaks(scenario: ScenarioDigest) -> Mapping[tuple[int | None, str], None]:
    return dict.fromkeys((each.step, each.question) for each in scenario.findings if each.kind is FindingKind.WRONGLY_ALLOWED)


def names(found: Sequence[Changed], most: int = SHOWN) -> str:
    """The names of up to `most` scenarios, what there is to say about them (once, where it is the same), how many more there are."""
    remarks = {each.more for each in found}
    of_all = f" ({remarks.pop()})" if len(remarks) == 1 and "" not in remarks else ""
    shown = [each.name if of_all or not each.more else f"{each.name} ({each.more})" for each in found[:most]]
    return ", ".join(shown) + (f" and {len(found) - most} more" if len(found) > most else "") + of_all


def told(found: Iterable[Changed]) -> list[tuple[str, str, str]]:
    """Rows for a table: the change, the scenario, why."""
    return [(each.change.value, each.name, f"{each.more}: {each.sentence}" if each.more else each.sentence) for each in found]

"""One scenario in several records: what became of it in each, and how these differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from conformance.compare.nouns import OF_FINDING, OF_OUTCOME, Became, Difference, OpenPoint, Row, Where
from conformance.record.digest import ScenarioDigest
from conformance.world.verdict import AnswerKind, Outcome

CELLS = 12
"""Cells that differ which are kept of one scenario; `Row.cells` counts all of them."""

JUDGED = (Outcome.PASSED, Outcome.FAILED, Outcome.KNOWN_DEVIATION)
"""The outcomes that say something about the plugin."""

_ORDER = tuple(Difference)
_PASSING = (Difference.UNSTABLE, Difference.STALE)
"""Findings of which it is chance, or no matter, in which cells they are."""

Cell = tuple[int | None, str]
"""Number of the step and question as text."""


def became(scenario: ScenarioDigest) -> Became:
    """What became of it in one record."""
    found = Counter(OF_FINDING[each.kind] for each in scenario.findings if each.kind in OF_FINDING)
    return Became(scenario.outcome, scenario.sentence, {kind: found[kind] for kind in _ORDER if kind in found})


def row_of(scenarios: Sequence[ScenarioDigest | None], families: Iterable[str]) -> Row:
    """A scenario (one of each record, None where it does not have it). `families` are those that all records measured."""
    there = [each for each in scenarios if each is not None]
    results = tuple(None if each is None else became(each) for each in scenarios)
    wrong = [None if each is None else _wrong(each) for each in scenarios]
    differing = tuple(_differing(scenarios, wrong))
    kinds = _kinds([each for each in results if each])
    if not kinds and any(kind not in _PASSING and _is_of(cell, families) for cell, seen in differing for kind in seen if kind):
        kinds = [Difference.OTHER_CELLS]
    opened = tuple(sorted(cell for cell, answers in open_answers(scenarios).items() if _verdicts(answers)))
    if opened:
        kinds.append(Difference.OPEN)
    actions = {number: action for each in there for number, action in each.actions.items()}
    where = tuple(Where(step, actions.get(step, "") if step is not None else "", question, seen) for (step, question), seen in differing)
    first = there[0]
    kept = sorted(where, key=lambda each: kinds[0] not in each.seen) if kinds else []  # what the row stands under comes first
    return Row(first.name, first.group, first.about, first.needs, results, tuple(kinds), tuple(kept[:CELLS]), len(kept), opened)


def _kinds(results: Sequence[Became]) -> list[Difference]:
    """How what became of a scenario differs, worst first."""
    judged = [each for each in results if each.outcome in JUDGED]
    found = [kind for kind in OF_FINDING.values() if 0 < sum(kind in each.troubles for each in judged) < len(judged)]
    found += [kind for outcome, kind in OF_OUTCOME.items() if 0 < sum(each.outcome is outcome for each in results) < len(results)]
    if not found and len({each.outcome for each in judged}) > 1:
        found.append(Difference.KNOWN)
    return sorted(found, key=_ORDER.index)


def _wrong(scenario: ScenarioDigest) -> dict[Cell, Difference]:
    """By cell what is wrong there, the worst where it is several things."""
    found: dict[Cell, Difference] = {}
    for each in scenario.findings:
        if (kind := OF_FINDING.get(each.kind)) is not None:
            cell = (each.step, each.question)
            found[cell] = min(found.get(cell, kind), kind, key=_ORDER.index)
    return found


def _differing(
    scenarios: Sequence[ScenarioDigest | None], wrong: Sequence[dict[Cell, Difference] | None]
) -> Iterator[tuple[Cell, tuple[Difference | None, ...]]]:
    """Cells in which the records that judged the scenario differ, earliest step first."""
    cells = dict.fromkeys(cell for each in wrong if each for cell in each)
    is_judged = [each is not None and each.outcome in JUDGED for each in scenarios]
    for cell in sorted(cells, key=lambda each: -1 if each[0] is None else each[0]):
        seen = tuple(None if each is None else each.get(cell) for each in wrong)
        if len({kind for kind, counts in zip(seen, is_judged, strict=True) if counts}) > 1:
            yield cell, seen


def _is_of(cell: Cell, families: Iterable[str]) -> bool:
    return not cell[1] or cell[1].rpartition(" ")[2] in families


Answers = tuple[AnswerKind | None, ...]


def open_answers(scenarios: Sequence[ScenarioDigest | None]) -> dict[tuple[int, str], Answers]:
    """By open cell what came back in each record (None: not asked, or not measured), where two records or more know."""
    cells = dict.fromkeys(cell for each in scenarios if each is not None for cell in each.open)
    found = {}
    for cell in cells:
        answers = tuple(None if each is None else _measured(each.open.get(cell)) for each in scenarios)
        if sum(each is not None for each in answers) > 1:
            found[cell] = answers
    return found


def _measured(answer: AnswerKind | None) -> AnswerKind | None:
    return None if answer is AnswerKind.BROKEN else answer


def _verdicts(answers: Answers) -> bool:
    """Whether these are different verdicts: some allowed, some blocked."""
    return len({each.verdict for each in answers if each is not None}) > 1


def open_points(scenarios: Sequence[ScenarioDigest | None]) -> tuple[list[OpenPoint], int]:
    """The open cells that are decided differently, those with the same answers together; and how many are decided alike."""
    groups: dict[Answers, list[tuple[int, str]]] = {}
    alike = 0
    for cell, answers in open_answers(scenarios).items():
        if _verdicts(answers):
            groups.setdefault(answers, []).append(cell)
        else:
            alike += 1
    first = next(each for each in scenarios if each is not None)
    points = [
        OpenPoint(first.name, first.about, tuple(None if each is None else each.verdict for each in answers), answers, tuple(sorted(cells)))
        for answers, cells in groups.items()
    ]
    return points, alike

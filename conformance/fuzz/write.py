"""A case as a scenario file, ready to be committed: with the model's expectations, its seed, and its own small layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.fuzz.case import Case, text
from conformance.plan import Plan, PlannedStep
from conformance.scenario.scenario import Action, Apply, Delete, Recreate, Relabel, Together, Wait
from conformance.scenario.writing import Block, file_text, layout_document
from conformance.world.question import Question
from conformance.world.verdict import Verdict

MOST = 60
"""More cells than so many are not all written: the wrong ones then, and the model judges the others."""


def scenario_file(
    case: Case, planned: Plan, wrong: Mapping[int, Iterable[Question]], sentence: str, origin: str, needs: Iterable[str]
) -> str:
    """The text of the file. `wrong`: by step, the questions that were answered otherwise; `sentence` what was seen."""
    steps = planned.steps[1 : len(case.actions) + 1]
    own = [
        {**_action(action), "expect": _claims(step, set(wrong.get(step.number, ())))}
        for action, step in zip(case.actions, steps, strict=True)
    ]
    content = {
        "name": case.name,
        "about": _sentence(sentence),
        "because": _sentence(_reasons(steps, wrong)),
        "class": "rules",
        "origin": [origin],
        **({"needs": wanted} if (wanted := sorted(needs)) else {}),
        **({"sizes": {str(protocol): list(sizes) for protocol, sizes in case.sizes.items()}} if case.sizes else {}),
        "layout": layout_document(case.layout),
        "policies": {key: Block(text(document)) for key, document in case.policies.items()},
        "steps": own,
    }
    return file_text(content)


def _sentence(said: str) -> str:
    """On one line, with a full stop."""
    line = re.sub(r"\s+", " ", said).strip()
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _reasons(steps: Iterable[PlannedStep], wrong: Mapping[int, Iterable[Question]]) -> str:
    """Why the model expects something else in the first wrong cell."""
    for step in steps:
        for question in wrong.get(step.number, ()):
            if question in step.expected:
                return "; ".join(map(str, step.expected[question].reasons))
    return "The model is complete for the API"


def _claims(step: PlannedStep, wrong: set[Question]) -> Any:
    """The cells of a step: all that are decided, or the wrong ones where they are too many; both families are one."""
    verdicts: dict[str, set[Verdict]] = {}
    for question, expectation in step.expected.items():
        verdicts.setdefault(f"{question.source} -> {question.destination} {question.lane}", set()).add(expectation.verdict)
    cells = {cell: next(iter(found)) for cell, found in verdicts.items() if len(found) == 1}
    if set(cells.values()) == {Verdict.ALLOWED} and len(cells) == len(verdicts):
        return "all allowed"
    if set(cells.values()) == {Verdict.BLOCKED} and len(cells) == len(verdicts):
        return "all blocked"
    if len(cells) > MOST:
        kept = {f"{question.source} -> {question.destination} {question.lane}" for question in wrong}
        cells = {cell: verdict for cell, verdict in cells.items() if cell in kept} or dict(list(cells.items())[:MOST])
    return {cell: str(verdict) for cell, verdict in cells.items()}


def _action(action: Action) -> dict[str, Any]:
    """A step's change as it stands in a file."""
    match action:
        case Apply(names):
            return {"apply": list(names)}
        case Delete(names):
            return {"delete": list(names)}
        case Relabel(changes):
            return {"relabel": {ref: dict(keys) for ref, keys in changes.items()}}
        case Recreate(refs):
            return {"recreate": list(refs)}
        case Wait(seconds):
            return {"wait": seconds}
        case Together(parts, times):
            return {"together": [_action(part) for part in parts]} | ({"times": times} if times > 1 else {})
    raise ValueError(f"the grammar makes no {type(action).__name__}")

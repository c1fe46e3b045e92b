"""What pods reach from their first instant on: how agents are told to count it, and what they have counted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from conformance.cluster.broken import BrokenCluster
from conformance.probe.answering import line_of
from conformance.world.measurement import Start
from conformance.world.place import World
from conformance.world.question import Question

EVERY = 0.05
"""Seconds between two attempts at the same target."""


def start_config(world: World, questions: Mapping[Question, bool], *, is_init: bool) -> dict[str, Any]:
    """What the configuration of a pod's agent says of its start: whom to ask (all questions of this one pod), and who of these is
    expected to be reached.

    Raises KeyError for a destination that has no address yet: nobody could be asked.
    """
    lines = []
    for question in questions:
        line = line_of(world, question)
        if line is None:
            raise KeyError(str(question))
        lines.append(line)
    allowed = [place for place, is_allowed in enumerate(questions.values()) if is_allowed]
    return {"first": {"ask": lines, "every": EVERY, "allowed": allowed}, **({"mode": "init"} if is_init else {})}


def init_starts(message: str, questions: Collection[Question]) -> dict[Question, Start]:
    """What an init container has left as its last words. Raises BrokenCluster where it has left something else."""
    try:
        return starts_of(json.loads(message)["starts"], questions, is_init=True)
    except (ValueError, TypeError, KeyError) as trouble:
        raise BrokenCluster(f"the init container did not say what it had reached, but {message[:200]!r}") from trouble


def starts_of(counted: Sequence[Sequence[Any]], questions: Collection[Question], *, is_init: bool) -> dict[Question, Start]:
    """An agent's counts, in the order of its configuration. Raises ValueError where they are of other questions."""
    return {
        question: Start(attempts, connected, first, lasted, is_init)
        for question, (attempts, connected, first, lasted) in zip(questions, counted, strict=True)
    }

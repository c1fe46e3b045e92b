"""The size of a large world, as `--world` has it: how many pods and namespaces, and which of all questions are asked."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

_MOST = 100_000
_KEYS = ("pods", "namespaces", "seed", "questions")


class InvalidSize(ValueError):
    """A text that is no size of a world. It says what is wrong and what one looks like."""


@dataclass(frozen=True, slots=True)
class WorldSize:
    """So many pods in so many namespaces. Everything that is left to chance is decided by `seed`: labels, and who asks whom.

    `questions`: at most so many are asked in each round.
    """

    pods: int
    namespaces: int
    seed: int
    questions: int

    @classmethod
    def of(cls, text: str) -> WorldSize:
        """From `pods=500,namespaces=50,seed=1,questions=6000`; only `pods` must be there. Raises InvalidSize."""
        values: dict[str, int] = {}
        for word in text.split(","):
            key, is_given, number = (part.strip() for part in word.partition("="))
            if not is_given or key not in _KEYS:
                raise InvalidSize(f"{word.strip()!r} is not one of {', '.join(f'{each}=NUMBER' for each in _KEYS)}")
            if key in values:
                raise InvalidSize(f"{key} stands twice")
            values[key] = _number(key, number)
        if "pods" not in values:
            raise InvalidSize("it lacks the number of pods: pods=500,namespaces=50")
        pods = values["pods"]
        namespaces = values.get("namespaces", max(1, pods // 10))
        if namespaces > pods:
            raise InvalidSize(f"{namespaces} namespaces for {pods} pods: each namespace has one pod at least")
        return cls(pods, namespaces, values.get("seed", 1), values.get("questions", usual_questions(pods)))

    def __str__(self) -> str:
        return f"pods={self.pods},namespaces={self.namespaces},seed={self.seed},questions={self.questions}"


def usual_questions(pods: int) -> int:
    """How many questions a round has where nobody says: every pod has a part in ten, which cost its node a few milliseconds."""
    return max(1_000, 5 * pods)


OTHERS = 10
"""Pods of others on each node, roughly: those of the system."""


def per_node(pods: int, workers: int) -> int:
    """How many pods a node must take so that so many probes find room on equal nodes."""
    return ceil(pods / workers) + OTHERS


def _number(key: str, text: str) -> int:
    least = {"pods": 2, "seed": 0}.get(key, 1)
    most = 2**32 if key == "seed" else 100 * _MOST if key == "questions" else _MOST
    if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
        raise InvalidSize(f"{key}={text}: it is a whole number from {least} to {most}")
    return int(text)

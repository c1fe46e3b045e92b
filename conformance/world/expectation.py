"""What a model says of a question: the verdict, and who decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.world.question import Answer, Question
from conformance.world.verdict import Direction, Verdict


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of a judgement. `policy` is namespace/name; `rule` counts from 0; both None where no policy speaks."""

    direction: Direction
    text: str
    policy: str | None = None
    rule: int | None = None

    def __str__(self) -> str:
        return f"{self.direction}: {self.text}"


class Reading(StrEnum):
    """What a plugin may do with pods in their node's network: "undefined, but it should be limited to 2 possibilities"."""

    APART = "tells pods in the node's network apart"
    AS_NODE = "treats pods in the node's network as their node"


@dataclass(frozen=True, slots=True)
class Expectation:
    """The verdict of a cell with the reasons for it.

    An open cell has `open_because` and, where the text limits the choice, the `legal` verdicts. `responders` are the
    identities of which one must answer (the backends of a door that may be reached); empty: the destination itself. `seen` is
    the address that the responder must see the question come from; "" where any will do. `readings`: an open cell that
    depends on how the plugin reads pods in their node's network, with the verdict of each reading (which may be open itself):
    one reading must fit all such cells.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    open_because: str = ""
    legal: frozenset[Verdict] = frozenset({Verdict.ALLOWED, Verdict.BLOCKED})
    responders: frozenset[str] = frozenset()
    seen: str = ""
    readings: tuple[tuple[Reading, Verdict], ...] = ()


ExpectedTable = Mapping[Question, Expectation]
"""The model's truth table, in the order of the questions."""


def agrees(expectation: Expectation, answer: Answer, responder: str) -> bool:
    """Whether an answer is what was expected; `responder` is the identity that should answer where the expectation names none.

    A broken answer never agrees. An open cell agrees with every legal verdict. The wrong pod answering does not agree, nor
    one that saw another source address than it must.
    """
    seen = answer.kind.verdict
    if seen is None or (seen is Verdict.ALLOWED and not answers_rightly(expectation, answer, responder)):
        return False
    return seen in expectation.legal if expectation.verdict is Verdict.OPEN else seen is expectation.verdict


def answers_rightly(expectation: Expectation, answer: Answer, responder: str) -> bool:
    """Whether one answered who may, and saw the address that it must see."""
    is_right_one = answer.responder in (expectation.responders or (responder,))
    return is_right_one and expectation.seen in ("", answer.source_seen)

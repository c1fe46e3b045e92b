"""The model against an evaluator that shares no code with it, in thousands of random worlds.

`CNI_CONFORMANCE_WORLDS=100000` sets how many (nightly); 5,000 by default.
"""

import os
from typing import Any

import plain_evaluator
from hypothesis import HealthCheck, given, settings
from random_worlds import described, read, world_of

from conformance.model.decide import expected
from conformance.world.expectation import Expectation, Reading
from conformance.world.place import World
from conformance.world.question import Question, questions_of
from conformance.world.verdict import Family, Verdict

WORLDS = int(os.environ.get("CNI_CONFORMANCE_WORLDS", "5000"))

Opinion = tuple[Verdict, frozenset[str], tuple[tuple[Reading, Verdict], ...]]


def second(plain: dict[str, Any], documents: list[dict[str, Any]], question: Question, world: World) -> Opinion:
    """Verdict, who may answer (doors), and the verdicts of both readings of hostNetwork pods where they differ."""
    asked = (question.source, question.destination, question.port, str(question.protocol), str(question.family))
    found = list(plain_evaluator.outcomes(plain, documents, asked))
    by_reading = {reading: verdict({reached for apart, _, reached in found if apart is (reading is Reading.APART)}) for reading in Reading}
    is_split = len(set(by_reading.values())) > 1
    readings = tuple(by_reading.items()) if is_split else ()
    who = {world.pods[who].identity for _, who, reached in found if reached} if question.destination in plain["doors"] else set()
    return verdict({reached for _, _, reached in found}), frozenset(who), readings


def verdict(reached: set[bool]) -> Verdict:
    return Verdict.OPEN if len(reached) > 1 else Verdict.ALLOWED if True in reached else Verdict.BLOCKED


def first(expectation: Expectation) -> Opinion:
    return expectation.verdict, expectation.responders, expectation.readings


@settings(max_examples=WORLDS, suppress_health_check=list(HealthCheck))
@given(described())
def test_the_model_agrees_with_a_plain_transcription(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    plain, documents = drawn
    world = world_of(plain)
    questions = questions_of(world, Family)

    found = {question: first(each) for question, each in expected(world, read(documents), questions).items()}

    assert {question: second(plain, documents, question, world) for question in questions} == found

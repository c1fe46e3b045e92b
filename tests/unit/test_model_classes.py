"""A large world's table by classes says of every pair what the model says."""

from typing import Any

import pytest
from hypothesis import given, settings
from random_worlds import described, read, world_of
from small_world import host, pod, policy, world

from conformance.model.classes import ClassTable
from conformance.model.decide import expected
from conformance.world.place import World
from conformance.world.question import Question, questions_of
from conformance.world.verdict import Family, Protocol, Verdict

BLUE = {"namespaceSelector": {"matchLabels": {"team": "blue"}}}


@settings(max_examples=300)
@given(described())
def test_the_table_of_classes_is_the_expected_table(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    plain, documents = drawn
    there, policies = world_of(plain), read(documents)
    questions = questions_of(there, Family)
    table = ClassTable(there, policies)

    wanted = expected(there, policies, questions)

    assert {question: each.verdict for question, each in wanted.items()} == {question: table.verdict(question) for question in questions}
    assert wanted == {question: table.expectation(question) for question in questions}


def many(copies: int) -> World:
    """Three kinds of pods in two namespaces without policies and one with, each so many times."""
    pods = [
        pod(f"{space}/{app}{number}", 1, app=app, unread=str(number))
        for space in ("x", "y", "z")
        for app in "abc"
        for number in range(copies)
    ]
    return world(*pods, host("alpha", 1), host("beta", 2), x={"team": "red"}, y={"team": "blue"}, z={"team": "blue"})


POLICIES = [
    policy(
        "x/first", podSelector={"matchLabels": {"app": "a"}}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "b"}}}, BLUE]}]
    ),
    policy("x/second", podSelector={"matchLabels": {"app": "c"}}, policyTypes=["Egress"], egress=[{"to": [BLUE], "ports": [{"port": 80}]}]),
]


def test_classes_hold_who_cannot_be_told_apart() -> None:
    table = ClassTable(many(2), POLICIES)

    assert [
        ("x/a0", "x/a1"),
        ("x/b0", "x/b1"),
        ("x/c0", "x/c1"),
        ("y/a0", "y/a1", "z/a0", "z/a1"),
        ("y/b0", "y/b1", "z/b0", "z/b1"),
        ("y/c0", "y/c1", "z/c0", "z/c1"),
        ("outside/alpha", "outside/beta"),
    ] == [each.members for each in table.classes]
    assert table.class_of("y/a0") == table.class_of("z/a1")


def test_more_pods_of_the_same_kinds_are_no_more_classes() -> None:
    assert len(ClassTable(many(2), POLICIES).classes) == len(ClassTable(many(40), POLICIES).classes)


def test_a_lane_tells_by_classes_who_reaches_whom() -> None:
    table = ClassTable(many(2), POLICIES)
    lane = table.lane(80, Protocol.TCP, Family.IPV4)
    number = {name: table.class_of(name) for name in ("x/a0", "x/b0", "x/c0", "y/a0", "outside/alpha")}

    assert lane is table.lane(80, Protocol.TCP, Family.IPV4)
    assert Verdict.ALLOWED == lane.verdict(number["x/b0"], number["x/a0"])
    assert Verdict.BLOCKED == lane.verdict(number["outside/alpha"], number["x/a0"])
    assert Verdict.ALLOWED == lane.verdict(number["x/c0"], number["y/a0"])
    assert Verdict.BLOCKED == lane.verdict(number["x/c0"], number["x/b0"])
    assert 0 == lane.egress[number["x/c0"]].allowed >> number["x/b0"] & 1


def test_who_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        ClassTable(many(1), ()).verdict(Question("x/a0", "x/nobody", 80))

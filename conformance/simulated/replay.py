"""What the suite did with a plane, written down, so that it can be done with another one without the suite.

The suite's course depends on nothing but the plane's answers and the clock. So where another plane gives the same answers to the
same questions at the same times, the suite would have done the same with it and come to the same judgement. And where a question
of a step is answered wrongly, and is again and again until the step's time is up, it would have come to a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import Any, NamedTuple

from conformance.simulated.agent import TURNS
from conformance.simulated.clock import SimulatedClock
from conformance.simulated.knowledge import Knowledge, NoNetwork
from conformance.simulated.nouns import Packet, Reply
from conformance.simulated.plane import Plane
from conformance.simulated.verdicts import Verdicts
from conformance.world.verdict import AnswerKind

TOLD = (
    "node_added", "namespace_changed", "namespace_deleted", "host_added", "pod_pending", "pod_started", "pod_listens", "pod_ready",
    "pod_labelled", "pod_ended", "pod_deleted", "service_changed", "service_deleted", "policy_applied", "policy_deleted",
    "plugin_restarted", "node_restarted", "carry",
)  # fmt: skip
"""All that a plane is told, and the questions that are asked once. `ask` is written down apart."""

METHODS = frozenset(
    name for kind in (Knowledge, Verdicts, Plane) for name, value in vars(kind).items() if callable(value) and name[0] != "_"
)
"""All methods of a plane."""

_AGAIN = 0.25
"""Seconds after which a wrong answer is looked at again."""

_ROUNDING = 1e-6


class Sight(Enum):
    """What is seen of another plane: nothing, a failure for sure, or something of which only the suite can tell."""

    NOTHING = "nothing"
    SOMETHING = "something"
    FAILURE = "failure"


class Entry(NamedTuple):
    """One call with its time, its result, and the version of the plane that gave it."""

    at: float
    method: str
    arguments: tuple[Any, ...]
    result: Any
    version: int


@dataclass(frozen=True, slots=True)
class Rounds:
    """A step's rounds, from `began` to `ended`: which packets (turn 0) must be answered, and which must not.

    Packets of open cells are not in it. The suite would go on asking until `deadline` where the table does not agree.
    """

    began: float
    ended: float
    deadline: float
    verdicts: Mapping[Packet, bool]

    def is_wrong(self, packet: Packet, reply: Reply) -> bool:
        """Whether an answer is the opposite of what must be."""
        is_answered = self.verdicts.get(packet._replace(turn=0))
        return is_answered is not None and (reply.kind is AnswerKind.CONNECTED) is not is_answered


@dataclass(slots=True)
class Course:
    """All that was done with a faultless plane, and the rounds of the steps after the baseline.

    `methods`: those of its methods that were called, by itself too. `judges_source`: the address that a responder sees matters.
    """

    entries: list[Entry] = field(default_factory=list)
    rounds: list[Rounds] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    judges_source: bool = False

    def rounds_at(self, at: float) -> Rounds | None:
        """The rounds of a time; None while something is changed, and in the baseline."""
        return next((each for each in self.rounds if each.began - _ROUNDING <= at <= each.ended), None)

    def matters(self, reply: Reply) -> Reply:
        """What the suite makes of a reply."""
        return reply if self.judges_source else reply._replace(seen=None)

    def moments(self) -> Iterator[list[Entry]]:
        """The entries, those of one time together."""
        return (list(entries) for _, entries in groupby(self.entries, key=lambda entry: entry.at))


class RecordedPlane(Plane):
    """A faultless plane that writes down what is done with it."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock)
        self.course = Course()
        for method in METHODS:
            setattr(self, method, self._noted(method, getattr(self, method)))
        for method in (*TOLD, "ask"):
            setattr(self, method, self._recorded(method, getattr(self, method)))

    def _noted(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            self.course.methods.add(method)
            return call(*arguments, **named)

        return noted

    def _recorded(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*arguments: Any) -> Any:
            at = self.clock.now()
            result = call(*arguments)
            self.course.entries.append(Entry(at, method, arguments, result, self.version))
            return result

        return recorded


def own_methods(kind: type[Plane]) -> frozenset[str]:
    """The methods of a faultless plane that a faulty one has of its own, those of its bases included."""
    names = {name for base in kind.__mro__ if issubclass(base, Plane) and base is not Plane for name in vars(base)}
    return frozenset(name for name in names if name == "__init__" or (hasattr(Plane, name) and not hasattr(object, name)))


def sight(course: Course, kind: type[Plane]) -> Sight:
    """What the suite would see of a faulty plane, as far as it is sure."""
    if not own_methods(kind) & course.methods:
        return Sight.NOTHING  # it never came to do anything of its own
    clock = SimulatedClock()
    plane = kind(clock)
    compared: set[tuple[Any, int, int]] = set()
    for moment in course.moments():
        clock.until(moment[0].at)
        other: list[tuple[Packet, Reply]] = []
        for _, method, arguments, result, version in moment:
            key = arguments[0] if method == "ask" else None, version, plane.version
            if method == "ask" and key in compared:
                continue
            compared.add(key)
            try:
                found = getattr(plane, method)(*arguments)
            except NoNetwork:
                return Sight.SOMETHING
            if method == "ask" and found != result:
                other += others(course, arguments[0], found, result)
            elif found != result:
                return Sight.SOMETHING
        if other:
            return weighed(course, moment[0].at, plane, other)
    return Sight.NOTHING


def others(course: Course, packets: Iterable[Packet], found: Iterable[Reply], result: Iterable[Reply]) -> list[tuple[Packet, Reply]]:
    """The packets with another reply than the faultless plane's, `result`, and that reply."""
    every = zip(packets, found, result, strict=True)
    return [(packet, reply) for packet, reply, before in every if reply != before and course.matters(reply) != course.matters(before)]


def weighed(course: Course, at: float, plane: Plane, other: Iterable[tuple[Packet, Reply]], *, changes_with_time: bool = True) -> Sight:
    """What these answers of another plane mean: a failure, if one of them is wrong and stays so until the step's time is up."""
    rounds = course.rounds_at(at)
    if rounds is None:
        return Sight.SOMETHING
    wrong = [packet for packet, reply in other if rounds.is_wrong(packet, reply)]
    while wrong and at <= rounds.deadline:
        wrong = [packet for packet in wrong if all(rounds.is_wrong(each, plane.send(each)) for each in _turns(plane, packet))]
        if not changes_with_time:
            break
        at += _AGAIN
        plane.clock.until(at)
    return Sight.FAILURE if wrong else Sight.SOMETHING


def _turns(plane: Plane, packet: Packet) -> Iterable[Packet]:
    """The packet as other rounds would send it: each may be led to another backend."""
    return (packet._replace(turn=turn) for turn in range(TURNS)) if plane.is_door(packet.address) else (packet,)

"""Many faults at once: those that depend on no time and keep no memory differ from a faultless plane in single answers only.

One faultless plane is led through the course. For each packet it is noted which methods its answer came from. A fault that has
none of these of its own gives the same answer; the others are asked, as twins: planes of their kind with the same knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from conformance.simulated.clock import SimulatedClock
from conformance.simulated.nouns import Packet, Reply
from conformance.simulated.plane import Plane
from conformance.simulated.replay import Course, Sight, others, own_methods, weighed
from conformance.simulated.verdicts import Verdicts

_Kind = TypeVar("_Kind", bound=Plane)

_NO_ANSWERS = {"__init__", "changed", "ask", "send", "deliver", "carry", "is_door", "forget_answers"}
"""Methods of planes that are no part of an answer, or of every one."""

QUERIES = frozenset(
    name for kind in (Verdicts, Plane) for name, value in vars(kind).items() if callable(value) and name[0] != "_"
) - _NO_ANSWERS  # fmt: skip
"""The methods that an answer comes from. None of them changes what a plane knows."""


def is_twin(kind: type[Plane]) -> bool:
    """Whether a faulty plane keeps no memory of its own, and knows all that a faultless one knows."""
    return own_methods(kind) <= QUERIES


def twin(plane: Plane, kind: type[_Kind]) -> _Kind:
    """A plane of another kind that knows what this one knows now."""
    other = object.__new__(kind)
    vars(other).update(vars(plane))
    other.forget_answers()
    return other


class _Traced(Plane):
    """A faultless plane that notes which methods an answer came from."""

    names: set[str]

    def trace(self, packet: Packet) -> frozenset[str]:
        """The methods from which the answer to a packet comes."""
        self.names = set()
        self.forget_answers()
        self.deliver(packet)
        return frozenset(self.names)


def _noting(name: str) -> Callable[..., Any]:
    method = getattr(Plane, name)

    def noting(self: _Traced, *arguments: Any, **named: Any) -> Any:
        self.names.add(name)
        return method(self, *arguments, **named)

    return noting


for _name in QUERIES:
    setattr(_Traced, _name, _noting(_name))


class Bench:
    """A faultless plane on its way through a course, and the faults that have not shown yet, with their methods by name."""

    def __init__(self, course: Course, kinds: Mapping[str, type[Plane]]) -> None:
        self._course, self._plane = course, Plane(SimulatedClock())
        self._kinds = dict(kinds)
        self._touched: dict[frozenset[str], tuple[str, ...]] = {}
        self._version = -1
        self._asked: set[Packet] = set()
        self._twins: dict[str, Plane] = {}
        self._tracer = twin(self._plane, _Traced)

    def sights(self) -> dict[str, Sight]:
        """What the suite would see of each fault."""
        found = dict.fromkeys(self._kinds, Sight.NOTHING)
        for moment in self._course.moments():
            at, wrong = moment[0].at, dict[str, list[tuple[Packet, Reply]]]()
            self._plane.clock.until(at)
            for _, method, arguments, _, _ in moment:
                if method == "ask":
                    self._ask(arguments[0], wrong)
                elif method == "carry":
                    self._ask(arguments[:1], wrong)
                else:
                    getattr(self._plane, method)(*arguments)
            for name, other in wrong.items():
                found[name] = weighed(self._course, at, self._twins[name], other, changes_with_time=False)
                del self._kinds[name]
                self._touched.clear()
        return found

    def _ask(self, packets: Iterable[Packet], wrong: dict[str, list[tuple[Packet, Reply]]]) -> None:
        """Asks the twins that may answer otherwise; adds their answers that are others to `wrong`."""
        if self._plane.version != self._version:
            self._version, self._asked, self._twins = self._plane.version, set(), {}
            self._tracer = twin(self._plane, _Traced)
        for packet in packets:
            if packet in self._asked:
                continue
            self._asked.add(packet)
            names, reply = self._tracer.trace(packet), self._plane.send(packet)
            for name in self._touching(names):
                if name not in self._twins:
                    self._twins[name] = twin(self._plane, self._kinds[name])
                found = self._twins[name].send(packet)
                if found != reply and (other := others(self._course, (packet,), (found,), (reply,))):
                    wrong.setdefault(name, []).extend(other)

    def _touching(self, names: frozenset[str]) -> tuple[str, ...]:
        """The faults that have one of these methods of their own."""
        if names not in self._touched:
            self._touched[names] = tuple(name for name, kind in self._kinds.items() if own_methods(kind) & names)
        return self._touched[names]

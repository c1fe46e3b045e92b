"""Watched cells: what the agents ask by themselves all the time, on the session's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.probe.answering import Line, line_of, owner, servers_of
from conformance.probe.circle import Circle
from conformance.world.measurement import WATCH_EVERY, Watched
from conformance.world.place import World
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Track
from conformance.world.verdict import AnswerKind, Protocol

_PATIENCE = 0.5
"""Seconds that an attempt or a message waits for its answer."""

_TOO_LATE = _PATIENCE / 2
"""Seconds of these in which one end was not let run, so that the silence says nothing."""

_TRIES = 3
"""Looks at an agent's clock; the quickest counts."""

_KEYS = ("attempts", "connection")

Spans = dict[Question, dict[str, list[Span]]]


@dataclass
class Watching:
    """What is watched in a circle, and what it has seen since `take` was called last. Times are on the circle's clock."""

    circle: Circle
    questions: tuple[Question, ...] = ()
    _aimed: dict[str, tuple[str, Mapping[str, Line]]] = field(default_factory=dict)
    _offsets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _spans: Spans = field(default_factory=dict)
    _lateness: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def aim(self, world: World) -> None:
        """Tell the sources whom to ask from now on; those that know it already go on undisturbed."""
        wanted: dict[str, dict[str, Line]] = {}
        for question in self.questions:
            line = line_of(world, question)
            if line is not None:
                wanted.setdefault(question.source, {})[str(question)] = line
        requests = {}
        for ref, probe in self.circle.probes.items():
            lines = wanted.get(ref, {})
            if self._aimed.get(ref, ("", {})) not in ((probe.instance, lines), ("", lines)):
                requests[ref] = {"watch": [[key, *line] for key, line in lines.items()], "every": WATCH_EVERY}
                self._aimed[ref] = probe.instance, lines
        self.circle.ask(requests)

    def collect(self, world: World, refs: Collection[str] | None = None) -> None:
        """Fetch what these probes have seen (None: all that are concerned)."""
        if not self.questions:
            return
        servers = [(question, [ref for ref, _ in servers_of(world, question)]) for question in self.questions if _is_there(world, question)]
        concerned = dict.fromkeys(ref for question, behind in servers for ref in (question.source, *behind) if ref in self.circle.probes)
        probes = [ref for ref in concerned if refs is None or ref in refs]
        self.circle.open((self.circle.probes[ref] for ref in probes), 0.0)
        offsets = {ref: offset for ref in probes if (offset := self._offset(ref)) is not None}
        _, replies = self.circle.ask({ref: {"watched": True} for ref in offsets}, 2 * _PATIENCE)
        by_key = {str(question): question for question in self.questions}
        for ref, reply in replies.items():
            late = [(since - offsets[ref], until - offsets[ref]) for since, until in reply.get("late", ())]
            self._lateness.setdefault(ref, []).extend(late)
            for key in reply["watched"].keys() & by_key.keys():  # others were watched before
                for what in _KEYS:
                    mine = self._spans.setdefault(by_key[key], {}).setdefault(what, [])
                    mine += [_span(words, offsets[ref]) for words in reply["watched"][key][what]]
        self._excuse(servers)

    def take(self, world: World, began: float) -> dict[Question, Watched]:
        """All that was fetched since the last time. `began` is the time that counts as 0."""
        taken, self._spans, self._lateness = self._spans, {}, {}
        found = {}
        for question in self.questions:
            attempts, connection = (_track(_named(world, question, taken.get(question, {}).get(what, ())), began) for what in _KEYS)
            found[question] = Watched(attempts, connection)
        return found

    def _offset(self, ref: str) -> float | None:
        """What to take from an agent's time to get the circle's: by the middle of the quickest question for it."""
        probe = self.circle.probes[ref]
        for _ in range(_TRIES):
            began, replies = self.circle.ask({ref: {"clock": True}})
            if ref not in replies:
                return None
            took = self.circle.clock.now() - began
            best = self._offsets.get(probe.instance)
            if best is None or took < best[0]:
                self._offsets[probe.instance] = took, float(replies[ref]["now"]) - began - took / 2
        return self._offsets[probe.instance][1]

    def _excuse(self, servers: Iterable[tuple[Question, list[str]]]) -> None:
        """Attempts that were lost while the asking or an answering agent was not let run say nothing."""
        for question, behind in servers:
            late = [(ref, since, until) for ref in (question.source, *behind) for since, until in self._lateness.get(ref, ())]
            for what, spans in self._spans.get(question, {}).items():
                self._spans[question][what] = [part for span in spans for part in _excused(span, late)]


def _is_there(world: World, question: Question) -> bool:
    return line_of(world, question) is not None


def _span(words: Sequence[Any], offset: float) -> Span:
    since, until, count, kind, responder, seen, detail = words
    return Span(since - offset, until - offset, Answer(AnswerKind(kind), responder, seen, detail=detail), count)


def _excused(span: Span, late: Sequence[tuple[str, float, float]]) -> Iterator[Span]:
    """The span, with a broken one where an end of it was too late."""
    if span.answer.kind is not AnswerKind.TIMED_OUT or not late:
        yield span
        return
    step = (span.until - span.since) / max(1, span.count - 1)
    for number in range(span.count):
        at = span.since + number * step
        whose = next((ref for ref, since, until in late if min(until, at + _PATIENCE) - max(since, at) >= _TOO_LATE), None)
        broken = Answer(AnswerKind.BROKEN, detail=f"{whose} was not let run: its node is too busy, or somebody stopped it")
        yield Span(at, at, span.answer if whose is None else broken)


def _named(world: World, question: Question, spans: Iterable[Span]) -> Iterator[Span]:
    """An echo tells its responder by address only."""
    for span in spans:
        is_echo = question.protocol is Protocol.ICMP and span.answer.responder is not None
        yield replace(span, answer=Answer(span.answer.kind, owner(world, question, str(span.answer.responder)))) if is_echo else span


def _track(spans: Iterable[Span], began: float) -> Track:
    """Equal answers in a row become one span; times count from `began`."""
    found: list[Span] = []
    for span in spans:
        since, until = span.since - began, span.until - began
        if found and found[-1].answer.is_same_as(span.answer):
            found[-1] = Span(found[-1].since, until, span.answer, found[-1].count + span.count)
        else:
            found.append(Span(since, until, span.answer, span.count))
    return tuple(found)

"""The cells of one scenario, packed: most cells of a step say one of a few things, so each cell is the number of what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.judge import Enforcement
from conformance.record import ScenarioRecord
from conformance.report.html.shared import Shared, packed, seconds, width_for
from conformance.report.tables import DIFFERENCE
from conformance.world.expectation import Expectation, agrees
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Track
from conformance.world.verdict import AnswerKind, Family, Verdict

MOST_TRACKS = 300
"""Tracks of one step that a page has; a count says how many more there are."""
MOST_SPANS = 60
"""Spans of one track that a page has; the last of them says how many follow."""

TRANSIENT, BESIDE = "t", "*"
"""Marks of a cell that is not wrong in its table: it was wrong for a while; something was found on it beside the rounds."""

NOTHING, NOBODY = -1, -2
"""In the row of an answer: what it must be, or nothing; it does not say who it is."""

_VERDICTS = {verdict: number for number, verdict in enumerate(Verdict)}
_KINDS = {kind: number for number, kind in enumerate(AnswerKind)}


class Cells:
    """The tables of one scenario that its steps name by number: places, lanes, questions, expectations and answers.

    The reader of a record gives equal questions and expectations of a scenario as one object. They are known here by their
    identity first: comparing them by value, two hundred thousand times, is most of the time that a page would take.
    """

    def __init__(self, record: ScenarioRecord, shared: Shared) -> None:
        self.record, self.shared = record, shared
        self._places: dict[str, int] = {}
        self._lanes: dict[tuple[str, Family], int] = {}
        self._sequences: dict[tuple[int, ...], int] = {}
        self._rows: list[list[list[int]]] = []
        self._expectations: dict[int, int] = {}
        self._expectation_rows: list[list[Any]] = []
        self._answers: dict[tuple[int, int, int, int], int] = {}
        self._own: dict[str, frozenset[str]] = {}
        self._agreed: dict[tuple[int, int], bool] = {}
        self._marks = _marks(record)
        self._enforcements = _by_step(record)

    def document(self) -> dict[str, Any]:
        """The tables, to be read after all steps were packed."""
        sequences = [self._packed_questions(row) for row in self._rows]
        return {
            "places": [self.shared.text(place) for place in self._places],
            "lanes": [[self.shared.text(lane), int(family is Family.IPV6)] for lane, family in self._lanes],
            "digits": [width_for(len(self._places)), width_for(len(self._lanes)), width_for(len(self._expectation_rows))],
            "sequences": sequences,
            "expectations": self._expectation_rows,
            "answers": [list(row) for row in self._answers],
        }

    def where(self, question: Question) -> list[int]:
        """The numbers of source, destination, and port with protocol, size and family."""
        source, destination = (self._places.setdefault(ref, len(self._places)) for ref in question.pair)
        return [source, destination, self._lanes.setdefault((question.lane, question.family), len(self._lanes))]

    def step(self, step: StepMeasurement) -> dict[str, Any]:
        """The cells of a step: `cells` are numbers of `says`, and `expects` numbers of expectations, in the order of `asks`.

        A row of `says`: [last answer, mark, when it first agreed] or, for a changed cell, [last answer, mark, when it first agreed
        (null: never), whether it is newly blocked, when it did not agree yet or null]. `expects` has the digits of the document.
        """
        questions, tracks = list(step.expected), step.timeline.tracks
        by_id = {id(question): track for question, track in tracks.items()}
        marks, changed = self._marks.get(step.number, {}), self._enforcements.get(step.number, {})
        says: dict[tuple[Any, ...], int] = {}
        numbers, expects, long = [], [], dict[int, Track]()
        for position, (question, expectation) in enumerate(step.expected.items()):
            track = by_id.get(id(question)) or tracks.get(question, ())
            identity = step.identities.get(question.destination, "")
            expected = self._expectations.get(id(expectation), NOTHING)
            if expected < 0:
                expected = self._new_expectation(expectation)
            answer = self.answer(question, track[-1].answer, identity) if track else NOTHING
            # Most steps have neither marks nor changes, and a look into an empty table still hashes the question.
            mark = marks.get(question, "") if marks else ""
            enforcement = changed.get(question) if changed else None
            first = self._first(question, expectation, expected, track, identity, answer) if enforcement is None else None
            numbers.append(says.setdefault(_said(answer, mark, first, enforcement), len(says)))
            expects.append(expected)
            if len(track) > 1:
                long[position] = track
        width = width_for(len(says))
        rows = [[seconds(each) if isinstance(each, float) else each for each in key] for key in says]
        document = {"asks": self._sequence(questions), "width": width, "cells": packed(numbers, width), "expects": expects, "says": rows}
        return document | self._tracks(step, questions, long)

    def _tracks(self, step: StepMeasurement, questions: list[Question], long: Mapping[int, Track]) -> dict[str, Any]:
        """Tracks of more than one span, by the position of their cell."""
        found = {}
        for position, track in list(long.items())[:MOST_TRACKS]:
            question = questions[position]
            found[str(position)] = self.spans(question, track, step.identities.get(question.destination, ""))
        return {"tracks": found, "more_tracks": max(0, len(long) - MOST_TRACKS)}

    def packed_expectations(self, step: dict[str, Any]) -> None:
        """Packs the expectations of a step that `step` made, when the scenario's are all known."""
        step["expects"] = packed(step["expects"], width_for(len(self._expectation_rows)))

    def answer(self, question: Question, answer: Answer, identity: str) -> int:
        """The number of an answer: [kind, who answered, source address seen, detail], NOTHING or NOBODY where they say so."""
        responder = seen = NOTHING
        if answer.kind is AnswerKind.CONNECTED:
            if answer.responder != identity:
                responder = self.shared.text(answer.responder) if answer.responder else NOBODY
            if answer.source_seen is not None and answer.source_seen not in self._own_addresses(question.source):
                seen = self.shared.text(answer.source_seen)
        detail = self.shared.text(answer.detail) if answer.detail else NOTHING
        return self._answers.setdefault((_KINDS[answer.kind], responder, seen, detail), len(self._answers))

    def spans(self, question: Question, track: Track, identity: str) -> list[list[Any]]:
        """A track as rows [since, until, answer, count]; where spans are missing, a last row [how many]."""
        rows = [self._span(question, span, identity) for span in track[:MOST_SPANS]]
        return [*rows, [len(track) - MOST_SPANS]] if len(track) > MOST_SPANS else rows

    def _span(self, question: Question, span: Span, identity: str) -> list[Any]:
        return [seconds(span.since), seconds(span.until), self.answer(question, span.answer, identity), span.count]

    def _first(self, question: Question, expectation: Expectation, expected: int, track: Track, identity: str, last: int) -> float | None:
        """When the cell first agreed; `last` is the number of its last answer."""
        is_plain = not expectation.responders and not expectation.seen
        for number, span in enumerate(track, 1):
            key = (expected, last if number == len(track) else self.answer(question, span.answer, identity))
            does_agree = self._agreed.get(key) if is_plain else None
            if does_agree is None:
                does_agree = self._agreed[key] = agrees(expectation, span.answer, identity)
            if does_agree:
                return span.since
        return None

    def _sequence(self, questions: list[Question]) -> int:
        number = self._sequences.setdefault(tuple(map(id, questions)), len(self._sequences))
        if number == len(self._rows):
            self._rows.append([self.where(question) for question in questions])
        return number

    def _packed_questions(self, rows: list[list[int]]) -> str:
        wide, narrow = width_for(len(self._places)), width_for(len(self._lanes))
        return "".join(packed([row[column] for row in rows], width) for column, width in enumerate((wide, wide, narrow)))

    def _new_expectation(self, expectation: Expectation) -> int:
        number = self._expectations[id(expectation)] = len(self._expectation_rows)
        self._expectation_rows.append(self._expectation_row(expectation))
        return number

    def _expectation_row(self, expectation: Expectation) -> list[Any]:
        """[verdict, [reasons], why open, [legal verdicts], [who may answer], address that must be seen], short where that is all."""
        row = [_VERDICTS[expectation.verdict], [self.shared.reason(reason) for reason in expectation.reasons]]
        if expectation.verdict is not Verdict.OPEN and not expectation.responders and not expectation.seen:
            return row
        return [
            *row,
            self.shared.text(expectation.open_because) if expectation.open_because else NOTHING,
            sorted(_VERDICTS[each] for each in expectation.legal),
            [self.shared.text(each) for each in sorted(expectation.responders)],
            self.shared.text(expectation.seen) if expectation.seen else NOTHING,
        ]

    def _own_addresses(self, ref: str) -> frozenset[str]:
        found = self._own.get(ref)
        if found is None:
            world = self.record.world
            place = None if world is None else world.pods.get(ref) or world.hosts.get(ref)
            found = self._own[ref] = frozenset() if place is None else frozenset(map(str, place.addresses))
        return found


def _said(answer: int, mark: str, first: float | None, enforcement: Enforcement | None) -> tuple[Any, ...]:
    if enforcement is None:
        return answer, mark, first
    return answer, mark, enforcement.seconds, int(enforcement.now is Verdict.BLOCKED), enforcement.after


def _by_step(record: ScenarioRecord) -> Mapping[int, Mapping[Question, Enforcement]]:
    found: dict[int, dict[Question, Enforcement]] = {}
    for each in record.judgement.enforcements:
        found.setdefault(each.step, {})[each.question] = each
    return found


def _marks(record: ScenarioRecord) -> Mapping[int, Mapping[Question, str]]:
    """The mark of each cell that has one, by the number of the step."""
    found: dict[int, dict[Question, str]] = {}
    for transient in record.judgement.transients:
        found.setdefault(transient.step, {})[transient.question] = TRANSIENT
    for finding in sorted(record.judgement.findings, key=lambda finding: not finding.is_beside):
        if finding.step is not None and finding.question is not None:
            mark = BESIDE if finding.is_beside else DIFFERENCE.get(finding.kind, BESIDE)
            found.setdefault(finding.step, {})[finding.question] = mark
    return found

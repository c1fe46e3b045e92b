"""Values to JSON documents; `reader` is the way back.

Every question, reason, expectation and answer stands once in a table of its scenario; steps, tracks and findings name
them by index. Times are rounded to the microsecond. docs/record.md explains the format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from conformance.judge import Finding, Judgement, percentile
from conformance.record.part import InvalidRecord
from conformance.record.run import Facts, Phase, Plugin, ScenarioRecord, ShardFacts
from conformance.record.world_document import world_document
from conformance.world.expectation import Expectation, Reason
from conformance.world.measurement import Start, StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Timeline, Track
from conformance.world.verdict import Verdict

FORMAT = "cni-conformance/record"
VERSION = 2

Document = dict[str, Any]
Value = TypeVar("Value")


def _time(seconds: float) -> float:
    return round(seconds, 6)


def _time_or_none(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


class Table(Generic[Value]):
    """Values that stand once each, in the order in which they first came up."""

    def __init__(self, write: Callable[[Value], Any]) -> None:
        self._write = write
        self._index: dict[Value, int] = {}

    def index(self, value: Value) -> int:
        """The place of a value, which is added where it is new."""
        return self._index.setdefault(value, len(self._index))

    def rows(self) -> list[Any]:
        """The table as JSON."""
        return [self._write(value) for value in self._index]


class _Tables:
    """The four tables of a scenario while it is written."""

    def __init__(self) -> None:
        self.questions: Table[Question] = Table(
            lambda each: [each.source, each.destination, each.port, each.protocol.value, each.family.value, each.size]
        )
        self.reasons: Table[Reason] = Table(lambda each: [each.direction.value, each.text, each.policy, each.rule])
        self.expectations: Table[Expectation] = Table(
            lambda each: [
                each.verdict.value,
                [self.reasons.index(reason) for reason in each.reasons],
                each.open_because,
                sorted(verdict.value for verdict in each.legal),
                sorted(each.responders),
                each.seen,
                [[reading.value, verdict.value] for reading, verdict in each.readings],
            ]
        )
        self.answers: Table[tuple[str, str | None, str | None, str]] = Table(list)

    def answer(self, answer: Answer) -> int:
        return self.answers.index((answer.kind.value, answer.responder, answer.source_seen, answer.detail))

    def answer_with_latency(self, answer: Answer) -> list[Any]:
        return [self.answer(answer), _time(answer.latency)]

    def rows(self) -> Document:
        # Expectations name reasons: they are written first, so that no reason comes too late.
        expectations = self.expectations.rows()
        return {
            "questions": self.questions.rows(),
            "expectations": expectations,
            "reasons": self.reasons.rows(),
            "answers": self.answers.rows(),
        }


def facts_document(facts: Facts) -> Document:
    """The facts of a run as JSON."""
    return {
        "suite": facts.suite,
        "plugin": _plugin_document(facts.plugin),
        "started": facts.started,
        "ended": facts.ended,
        "seconds": _time(facts.seconds),
        "families": [family.value for family in facts.families],
        "cluster": dict(facts.cluster),
        "capabilities": list(facts.capabilities),
        "options": dict(facts.options),
        "phases": _phases(facts.phases),
        "planned": facts.planned,
        "does_enforce": facts.does_enforce,
        "left_out": facts.left_out,
        "left_out_disruptive": facts.left_out_disruptive,
        "shard": _shard_document(facts.shard),
    }


def _plugin_document(plugin: Plugin) -> Document:
    return {
        "name": plugin.name,
        "title": plugin.title,
        "version": plugin.version,
        "organization": plugin.organization,
        "url": plugin.url,
        "contact": list(plugin.contact),
    }


def _shard_document(shard: ShardFacts | None) -> Document | None:
    if shard is None:
        return None
    return {"part": str(shard.part), "selected": shard.selected, "selection": shard.selection, "catalogue": shard.catalogue}


def scenario_document(record: ScenarioRecord) -> Document:
    """One scenario as plain JSON: objects, arrays, texts, numbers, true, false and null."""
    tables = _Tables()
    measurement, judgement = record.measurement, record.judgement
    steps = [_step_document(step, tables) for step in measurement.steps]
    findings = [_finding_document(finding, tables) for finding in judgement.findings]
    transients = [
        [
            each.step,
            tables.questions.index(each.question),
            tables.answer_with_latency(each.answer),
            *map(_time, (each.since, each.until)),
            each.count,
        ]
        for each in judgement.transients
    ]
    established = [[each.step, tables.questions.index(each.question), _time_or_none(each.cut_at)] for each in judgement.established]
    enforced = _enforced_document(judgement, tables)
    return {
        "name": record.name,
        "outcome": record.outcome.value,
        "sentence": record.sentence,
        "file": record.file,
        "group": record.group,
        "about": record.about,
        "because": record.because,
        "recipe": record.recipe,
        "class": record.fault_class,
        "origin": list(record.origin),
        "disruptive": record.is_disruptive,
        "diagnostics": record.diagnostics,
        **({"sample": record.sample} if record.sample else {}),
        "needs": list(record.needs),
        "families": [family.value for family in record.families],
        "started": record.started,
        "seconds": _time(record.seconds),
        "worker": record.worker,
        "phases": _phases(record.phases),
        "policies": dict(record.policies),
        "world": None if record.world is None else world_document(record.world),
        "settings": [
            {"policies": list(each.policies), "relabelled": {ref: dict(labels) for ref, labels in each.relabelled.items()}}
            for each in record.settings
        ],
        "known_deviations": [
            {
                "scenario": each.scenario,
                "because": each.because,
                "source": each.source,
                "cells": list(each.cells),
                "kinds": [kind.value for kind in each.kinds],
                "sometimes": each.sometimes,
            }
            for each in record.deviations
        ],
        "findings": findings,
        "time_to_enforce": enforced,
        "transients": transients,
        "established": established,
        "broken": measurement.broken,
        "residue": list(measurement.residue),
        **tables.rows(),
        "steps": steps,
    }


def _phases(phases: tuple[Phase, ...]) -> list[list[Any]]:
    return [[phase.name, _time(phase.seconds)] for phase in phases]


def _step_document(step: StepMeasurement, tables: _Tables) -> Document:
    timeline = step.timeline
    questions = list(dict.fromkeys([*step.expected, *timeline.tracks]))
    rounds = [_time(each) for each in timeline.rounds]
    return {
        "number": step.number,
        "action": step.action,
        "broken": step.broken,
        "failed": step.failed,
        "contradictions": list(step.contradictions),
        "identities": dict(step.identities),
        "cells": [tables.questions.index(question) for question in questions],
        "expected": [tables.expectations.index(step.expected[question]) if question in step.expected else None for question in questions],
        "rounds": rounds,
        "ended": _time(timeline.ended),
        "settled_at": _time_or_none(timeline.settled_at),
        "held": _time(timeline.held),
        "tracks": _track_documents(timeline, questions, rounds, tables),
        "watched": [
            [
                tables.questions.index(question),
                _watched_document(each.attempts, tables),
                _watched_document(each.connection, tables),
                each.was_crossed,
            ]
            for question, each in step.watched.items()
        ],
        "starts": [
            [tables.questions.index(question), [_start_document(each) for each in starts]] for question, starts in step.starts.items()
        ],
        "renewed": sorted(step.renewed),
        "are_policies_old": step.are_policies_old,
    }


def _watched_document(track: Track, tables: _Tables) -> list[list[Any]]:
    """Spans with times of their own: between rounds, too."""
    return [[_time(span.since), _time(span.until), span.count, tables.answer(span.answer), _time(span.answer.latency)] for span in track]


def _start_document(start: Start) -> list[Any]:
    return [start.attempts, start.connected, _time_or_none(start.first), _time(start.lasted), start.is_init]


def _track_documents(timeline: Timeline, questions: list[Question], rounds: list[float], tables: _Tables) -> list[Any]:
    # A span begins and ends with a round: two small numbers instead of two long times.
    number = {time: place for place, time in reversed([*enumerate(rounds), *enumerate(timeline.rounds)])}

    def span_document(span: Span) -> list[Any]:
        first, last = number.get(span.since), number.get(span.until)
        if first is None or last is None:
            raise InvalidRecord(
                f"a span from {span.since} s to {span.until} s begins or ends between two rounds: that is a fault of the suite"
            )
        return [first, last, span.count, tables.answer(span.answer), _time(span.answer.latency)]

    tracks = (timeline.tracks.get(question) for question in questions)
    return [None if track is None else [span_document(span) for span in track] for track in tracks]


def _finding_document(finding: Finding, tables: _Tables) -> Document:
    return {
        "kind": finding.kind.value,
        "sentence": finding.sentence,
        "step": finding.step,
        "cell": None if finding.question is None else tables.questions.index(finding.question),
        "reasons": [tables.reasons.index(reason) for reason in finding.reasons],
        "answer": None if finding.answer is None else tables.answer_with_latency(finding.answer),
        "since": _time_or_none(finding.since),
        "beside": finding.is_beside,
    }


def _enforced_document(judgement: Judgement, tables: _Tables) -> Document:
    """Every cell, and per direction what people ask for; the latter is written for them and not read again."""
    document: Document = {}
    for verdict in (Verdict.BLOCKED, Verdict.ALLOWED):
        times = judgement.times(verdict)
        document[f"newly-{verdict}"] = {
            "cells": sum(each.now is verdict for each in judgement.enforcements),
            "never": sum(each.now is verdict and each.seconds is None for each in judgement.enforcements),
            "p50": _time_or_none(percentile(times, 50)),
            "p99": _time_or_none(percentile(times, 99)),
        }
    document["cells"] = [
        [each.step, tables.questions.index(each.question), each.now.value, _time_or_none(each.seconds), _time_or_none(each.after)]
        for each in judgement.enforcements
    ]
    return document

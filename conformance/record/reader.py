"""JSON documents back to values; `document` is the way there. Every fault is an InvalidRecord that says where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from conformance.judge import Enforcement, Established, Finding, FindingKind, Judgement, Transient
from conformance.record.part import Part
from conformance.record.run import Facts, Phase, Plugin, ScenarioRecord, Setting
from conformance.record.world_document import read_world
from conformance.world.deviation import InvalidDeviation, KnownDeviation
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.measurement import Measurement, Start, StepMeasurement, Watched
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Timeline, Track
from conformance.world.verdict import AnswerKind, Direction, Family, Outcome, Protocol, Verdict

Value = TypeVar("Value")


def read_facts(part: Part) -> Facts:
    """The facts of a run. Raises InvalidRecord."""
    plugin = part["plugin"]
    return Facts(
        suite=part["suite"].text(),
        plugin=Plugin(plugin["name"].text(), plugin["title"].text(), plugin["version"].text()),
        started=part["started"].text(),
        ended=part["ended"].text(),
        seconds=part["seconds"].number(),
        families=tuple(each.word(Family) for each in part["families"].parts()),
        cluster=part["cluster"].pairs(),
        capabilities=part["capabilities"].texts(),
        options=part["options"].pairs(),
        phases=_read_phases(part["phases"]),
        planned=part["planned"].integer(),
        does_enforce=None if part["does_enforce"].value is None else part["does_enforce"].boolean(),
        left_out=part["left_out"].integer(),
        left_out_disruptive=part["left_out_disruptive"].integer(),
    )


class _Reader:
    """The four tables of a scenario while it is read."""

    def __init__(self, part: Part) -> None:
        self.questions = [
            Question(source.text(), destination.text(), port.integer(), protocol.word(Protocol), family.word(Family), size.integer())
            for source, destination, port, protocol, family, size in (row.row(6) for row in part["questions"].parts())
        ]
        self.reasons = [
            Reason(direction.word(Direction), text.text(), policy.text_or_none(), None if rule.value is None else rule.integer())
            for direction, text, policy, rule in (row.row(4) for row in part["reasons"].parts())
        ]
        self.expectations = [
            Expectation(
                verdict.word(Verdict),
                tuple(self.at(self.reasons, reason) for reason in reasons.parts()),
                open_because.text(),
                frozenset(each.word(Verdict) for each in legal.parts()),
                frozenset(responders.texts()),
                seen.text(),
                tuple((reading.word(Reading), each.word(Verdict)) for reading, each in (pair.row(2) for pair in readings.parts())),
            )
            for verdict, reasons, open_because, legal, responders, seen, readings in (row.row(7) for row in part["expectations"].parts())
        ]
        self.answers = [
            (kind.word(AnswerKind), responder.text_or_none(), source_seen.text_or_none(), detail.text())
            for kind, responder, source_seen, detail in (row.row(4) for row in part["answers"].parts())
        ]

    @staticmethod
    def at(table: list[Value], part: Part) -> Value:
        index = part.integer()
        if index >= len(table):
            raise part.fault(f"below {len(table)}, the length of its table")
        return table[index]

    def question(self, part: Part) -> Question:
        return self.at(self.questions, part)

    def answer(self, part: Part) -> Answer:
        index, latency = part.row(2)
        kind, responder, source_seen, detail = self.at(self.answers, index)
        return Answer(kind, responder, source_seen, latency.number(), detail)

    def step(self, part: Part) -> StepMeasurement:
        questions = [self.question(each) for each in part["cells"].parts()]
        expected = part["expected"].row(len(questions))
        return StepMeasurement(
            number=part["number"].integer(),
            action=part["action"].text(),
            expected={
                question: self.at(self.expectations, each)
                for question, each in zip(questions, expected, strict=True)
                if each.value is not None
            },
            timeline=self.timeline(part, questions),
            identities=part["identities"].pairs(),
            contradictions=part["contradictions"].texts(),
            broken=part["broken"].text(),
            failed=part["failed"].text(),
            watched={
                self.question(question): Watched(self.watched(attempts), self.watched(connection), crossed.boolean())
                for question, attempts, connection, crossed in (row.row(4) for row in part["watched"].parts())
            },
            starts={
                self.question(question): tuple(_read_start(each) for each in starts.parts())
                for question, starts in (row.row(2) for row in part["starts"].parts())
            },
            renewed=frozenset(part["renewed"].texts()),
            are_policies_old=part["are_policies_old"].boolean(),
        )

    def watched(self, part: Part) -> Track:
        found = []
        for since, until, count, answer, latency in (row.row(5) for row in part.parts()):
            kind, responder, source_seen, detail = self.at(self.answers, answer)
            found.append(
                Span(since.number(), until.number(), Answer(kind, responder, source_seen, latency.number(), detail), count.integer())
            )
        return tuple(found)

    def timeline(self, part: Part, questions: list[Question]) -> Timeline:
        rounds = tuple(each.number() for each in part["rounds"].parts())
        tracks = part["tracks"].row(len(questions))
        return Timeline(
            {question: self.track(each, rounds) for question, each in zip(questions, tracks, strict=True) if each.value is not None},
            rounds,
            part["ended"].number(),
            part["settled_at"].number_or_none(),
            part["held"].number(),
        )

    def track(self, part: Part, rounds: tuple[float, ...]) -> Track:
        # The one hot loop of reading: no Part for each number, but the same care.
        spans = []
        for each in part.parts():
            try:
                first, last, count, answer, latency = each.value
                if min(first, last, answer) < 0:
                    raise IndexError
                kind, responder, source_seen, detail = self.answers[answer]
                spans.append(Span(rounds[first], rounds[last], Answer(kind, responder, source_seen, float(latency), detail), int(count)))
            except (TypeError, ValueError, IndexError):
                raise each.fault("[first round, last round, count, answer, latency]") from None
        return tuple(spans)

    def finding(self, part: Part) -> Finding:
        return Finding(
            part["kind"].word(FindingKind),
            part["sentence"].text(),
            None if part["step"].value is None else part["step"].integer(),
            None if part["cell"].value is None else self.question(part["cell"]),
            tuple(self.at(self.reasons, each) for each in part["reasons"].parts()),
            None if part["answer"].value is None else self.answer(part["answer"]),
            part["since"].number_or_none(),
            part["beside"].boolean(),
        )

    def judgement(self, part: Part) -> Judgement:
        return Judgement(
            part["outcome"].word(Outcome),
            part["sentence"].text(),
            tuple(self.finding(each) for each in part["findings"].parts()),
            tuple(
                Transient(step.integer(), self.question(question), self.answer(answer), since.number(), until.number(), count.integer())
                for step, question, answer, since, until, count in (row.row(6) for row in part["transients"].parts())
            ),
            tuple(
                Enforcement(step.integer(), self.question(question), now.word(Verdict), seconds.number_or_none(), after.number_or_none())
                for step, question, now, seconds, after in (row.row(5) for row in part["time_to_enforce"]["cells"].parts())
            ),
            tuple(
                Established(step.integer(), self.question(question), cut_at.number_or_none())
                for step, question, cut_at in (row.row(3) for row in part["established"].parts())
            ),
        )


def read_scenario_document(document: Any) -> ScenarioRecord:
    """A scenario from what `scenario_document` made. Raises InvalidRecord."""
    return read_scenario(Part(document, "scenario"))


def read_scenario(part: Part) -> ScenarioRecord:
    """One scenario. Raises InvalidRecord."""
    reader = _Reader(part)
    return ScenarioRecord(
        name=part["name"].text(),
        judgement=reader.judgement(part),
        measurement=Measurement(tuple(reader.step(each) for each in part["steps"].parts()), part["broken"].text(), part["residue"].texts()),
        file=part["file"].text(),
        group=part["group"].text(),
        about=part["about"].text(),
        because=part["because"].text(),
        recipe=part["recipe"].text_or_none(),
        needs=part["needs"].texts(),
        families=tuple(each.word(Family) for each in part["families"].parts()),
        policies=part["policies"].pairs(),
        world=None if part["world"].value is None else read_world(part["world"]),
        settings=tuple(_read_setting(each) for each in part["settings"].parts()),
        deviations=tuple(_read_deviation(each) for each in part["known_deviations"].parts()),
        started=part["started"].text(),
        seconds=part["seconds"].number(),
        phases=_read_phases(part["phases"]),
        worker=part["worker"].text(),
        fault_class=part["class"].text(),
        origin=part["origin"].texts(),
        is_disruptive=part["disruptive"].boolean(),
    )


def _read_deviation(part: Part) -> KnownDeviation:
    kinds = tuple(each.word(FindingKind) for each in part["kinds"].parts())
    scenario, because, source = (part[key].text() for key in ("scenario", "because", "source"))
    deviation = KnownDeviation(scenario, because, source, part["cells"].texts(), kinds, part["sometimes"].boolean())
    try:
        deviation.lanes()
    except InvalidDeviation:
        raise part["cells"].fault("cells written as 'shop/other -> shop/api 80/TCP'") from None
    return deviation


def _read_start(part: Part) -> Start:
    attempts, connected, first, lasted, is_init = part.row(5)
    return Start(attempts.integer(), connected.integer(), first.number_or_none(), lasted.number(), is_init.boolean())


def _read_setting(part: Part) -> Setting:
    relabelled: Mapping[str, Mapping[str, str | None]] = {
        ref: {label: value.text_or_none() for label, value in labels.items()} for ref, labels in part["relabelled"].items()
    }
    return Setting(part["policies"].texts(), relabelled)


def _read_phases(part: Part) -> tuple[Phase, ...]:
    return tuple(Phase(name.text(), seconds.number()) for name, seconds in (each.row(2) for each in part.parts()))

"""JSON documents back to values; `document` is the way there. Every fault is an InvalidRecord that says where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.judge import Enforcement, Established, Finding, FindingKind, Judgement, Transient
from conformance.record.part import Part
from conformance.record.run import Facts, Phase, Plugin, ScenarioRecord, Setting, ShardFacts
from conformance.record.world_document import read_world
from conformance.shard import InvalidShard, Shard
from conformance.world.deviation import InvalidDeviation, KnownDeviation
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.measurement import Measurement, Start, StepMeasurement, Watched
from conformance.world.question import Answer, Question
from conformance.world.timeline import Span, Timeline, Track
from conformance.world.verdict import AnswerKind, Direction, Family, Outcome, Protocol, Verdict


def read_facts(part: Part) -> Facts:
    """The facts of a run. Raises InvalidRecord."""
    return Facts(
        suite=part["suite"].text(),
        plugin=_read_plugin(part["plugin"]),
        started=part["started"].text(),
        ended=part["ended"].text(),
        seconds=part["seconds"].number(),
        families=tuple(part["families"].words(Family)),
        cluster=part["cluster"].pairs(),
        capabilities=part["capabilities"].texts(),
        options=part["options"].pairs(),
        phases=_read_phases(part["phases"]),
        planned=part["planned"].integer(),
        does_enforce=None if part["does_enforce"].value is None else part["does_enforce"].boolean(),
        left_out=part["left_out"].integer(),
        left_out_disruptive=part["left_out_disruptive"].integer(),
        shard=_read_shard(part),
    )


def _read_plugin(part: Part) -> Plugin:
    """The records of earlier releases do not say whose it is."""
    there = part.mapping()
    return Plugin(
        part["name"].text(),
        part["title"].text(),
        part["version"].text(),
        part["organization"].text() if "organization" in there else "",
        part["url"].text() if "url" in there else "",
        part["contact"].texts() if "contact" in there else (),
    )


def _read_shard(facts: Part) -> ShardFacts | None:
    """The records of earlier releases do not have it."""
    if facts.mapping().get("shard") is None:
        return None
    shard = facts["shard"]
    try:
        part = Shard.of(shard["part"].text())
    except InvalidShard:
        raise shard["part"].fault("a shard, written as 3/8") from None
    return ShardFacts(part, shard["selected"].integer(), shard["selection"].text(), shard["catalogue"].text())


class _Reader:
    """The four tables of a scenario while it is read."""

    def __init__(self, part: Part) -> None:
        source, destination, port, protocol, family, size = part["questions"].columns(6)
        asked = source.texts(), destination.texts(), port.integers(), protocol.words(Protocol), family.words(Family), size.integers()
        self.questions = list(map(Question, *asked))
        direction, text, policy, rule = part["reasons"].columns(4)
        said = direction.words(Direction), text.texts(), policy.texts_or_none()
        self.reasons = list(map(Reason, *said, rule.integers_or_none()))
        verdict, reasons, open_because, legal, responders, seen, readings = part["expectations"].columns(7)
        self.expectations = list(
            map(
                Expectation,
                verdict.words(Verdict),
                [tuple(each.all_at(self.reasons)) for each in reasons.parts()],
                open_because.texts(),
                [frozenset(each.words(Verdict)) for each in legal.parts()],
                [frozenset(each.texts()) for each in responders.parts()],
                seen.texts(),
                [_read_readings(each) for each in readings.parts()],
            )
        )
        kind, responder, source_seen, detail = part["answers"].columns(4)
        back = kind.words(AnswerKind), responder.texts_or_none(), source_seen.texts_or_none(), detail.texts()
        self.answers = list(zip(*back, strict=True))

    def question(self, part: Part) -> Question:
        return part.at(self.questions)

    def answer(self, part: Part) -> Answer:
        index, latency = part.row(2)
        kind, responder, source_seen, detail = index.at(self.answers)
        return Answer(kind, responder, source_seen, latency.number(), detail)

    def step(self, part: Part) -> StepMeasurement:
        questions = part["cells"].all_at(self.questions)
        return StepMeasurement(
            number=part["number"].integer(),
            action=part["action"].text(),
            expected=self.expected(part["expected"], questions),
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

    def expected(self, part: Part, questions: list[Question]) -> dict[Question, Expectation]:
        found = part.of_length(len(questions)).all_at_or_none(self.expectations)
        return {question: each for question, each in zip(questions, found, strict=True) if each is not None}

    def watched(self, part: Part) -> Track:
        found = []
        for since, until, count, answer, latency in (row.row(5) for row in part.parts()):
            kind, responder, source_seen, detail = answer.at(self.answers)
            found.append(
                Span(since.number(), until.number(), Answer(kind, responder, source_seen, latency.number(), detail), count.integer())
            )
        return tuple(found)

    def timeline(self, part: Part, questions: list[Question]) -> Timeline:
        rounds = part["rounds"].numbers()
        return Timeline(
            self.tracks(part["tracks"].of_length(len(questions)), questions, rounds),
            rounds,
            part["ended"].number(),
            part["settled_at"].number_or_none(),
            part["held"].number(),
        )

    def tracks(self, part: Part, questions: list[Question], rounds: tuple[float, ...]) -> dict[Question, Track]:
        # The hot loop of reading: no Part for each number, but the same care.
        answers, found = self.answers, {}
        for place, (question, spans) in enumerate(zip(questions, part.value, strict=True)):
            if spans is None:
                continue
            if not isinstance(spans, list):
                raise Part(spans, place, part).fault("an array")
            track = []
            for row in spans:
                try:
                    first, last, count, answer, latency = row
                    if first < 0 or last < 0 or answer < 0:
                        raise IndexError
                    kind, responder, source_seen, detail = answers[answer]
                    seen = Answer(kind, responder, source_seen, float(latency), detail)
                    track.append(Span(rounds[first], rounds[last], seen, int(count)))
                except (TypeError, ValueError, IndexError):
                    at = Part(row, len(track), Part(spans, place, part))
                    raise at.fault("[first round, last round, count, answer, latency]") from None
            found[question] = tuple(track)
        return found

    def finding(self, part: Part) -> Finding:
        return Finding(
            part["kind"].word(FindingKind),
            part["sentence"].text(),
            None if part["step"].value is None else part["step"].integer(),
            None if part["cell"].value is None else self.question(part["cell"]),
            tuple(part["reasons"].all_at(self.reasons)),
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
        families=tuple(part["families"].words(Family)),
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
        diagnostics=part["diagnostics"].text() if "diagnostics" in part.mapping() else "",
        sample=part["sample"].text() if "sample" in part.mapping() else "",
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


def _read_readings(part: Part) -> tuple[tuple[Reading, Verdict], ...]:
    reading, verdict = part.columns(2)
    return tuple(zip(reading.words(Reading), verdict.words(Verdict), strict=True))


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

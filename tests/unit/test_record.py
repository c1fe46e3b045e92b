"""The record: what goes in comes out again, in the same order, and a damaged one is one clear sentence."""

import copy
import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import execnet
import jsonschema
import pytest
import sample_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.data import folder
from conformance.judge import Enforcement, Established, Finding, FindingKind, Judgement, Transient
from conformance.record import (
    FORMAT,
    VERSION,
    Facts,
    InvalidRecord,
    Phase,
    Plugin,
    Run,
    ScenarioRecord,
    Setting,
    Writer,
    read,
    rejudge,
    write,
)
from conformance.world.deviation import KnownDeviation
from conformance.world.door import Door, DoorKind, DoorPort
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.measurement import Measurement, Start, StepMeasurement, Watched
from conformance.world.place import Namespace, Node, OutsideHost, Pod, Port, World
from conformance.world.question import Answer, Question
from conformance.world.timeline import Round, Span, Timeline
from conformance.world.verdict import AnswerKind, Direction, Family, Outcome, Protocol, Verdict

TEXT = st.text(st.characters(), max_size=8)
TIMES = st.integers(0, 10**8).map(lambda microseconds: microseconds / 1_000_000)
MAYBE_TEXT = st.none() | TEXT
MAYBE_TIME = st.none() | TIMES
COUNT = st.integers(0, 9)
LABELS = st.dictionaries(TEXT, TEXT, max_size=2)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


QUESTIONS = st.builds(
    Question,
    st.sampled_from(["x/a", "x/b", "outside/alpha"]),
    st.sampled_from(["x/a", "x/b"]),
    st.integers(0, 65535),
    st.sampled_from(Protocol),
    st.sampled_from(Family),
    st.sampled_from([0, 1400]),
)
REASONS = st.builds(Reason, st.sampled_from(Direction), TEXT, MAYBE_TEXT, st.none() | COUNT)
READINGS = some(st.tuples(st.sampled_from(Reading), st.sampled_from(Verdict)))
EXPECTATIONS = st.builds(
    Expectation,
    st.sampled_from(Verdict),
    some(REASONS),
    TEXT,
    st.frozensets(st.sampled_from(Verdict)),
    st.frozensets(TEXT, max_size=2),
    TEXT,
    READINGS,
)
ANSWERS = st.builds(Answer, st.sampled_from(AnswerKind), MAYBE_TEXT, MAYBE_TEXT, TIMES, TEXT)


TRACKS = some(st.builds(Span, TIMES, TIMES, ANSWERS, COUNT))
WATCHED = st.dictionaries(QUESTIONS, st.builds(Watched, TRACKS, TRACKS), max_size=2)
STARTS = st.dictionaries(QUESTIONS, some(st.builds(Start, COUNT, COUNT, MAYBE_TIME, TIMES, st.booleans())), max_size=2)


@st.composite
def timelines(draw: st.DrawFn, questions: list[Question]) -> Timeline:
    times = draw(st.lists(TIMES, max_size=3, unique=True).map(sorted))
    rounds = [
        Round(at, 0.1, {question: draw(ANSWERS) for question in draw(st.lists(st.sampled_from(questions), unique=True))})
        for at in (times if questions else [])
    ]
    return Timeline.of(rounds, ended=draw(TIMES), settled_at=draw(MAYBE_TIME), held=draw(TIMES))


@st.composite
def steps(draw: st.DrawFn) -> StepMeasurement:
    expected = draw(st.dictionaries(QUESTIONS, EXPECTATIONS, max_size=3))
    asked = [*expected, *draw(st.lists(QUESTIONS, max_size=1))]
    return StepMeasurement(
        draw(COUNT),
        draw(TEXT),
        expected,
        draw(timelines(asked)),
        draw(LABELS),
        draw(some(TEXT)),
        draw(TEXT),
        draw(TEXT),
        draw(WATCHED),
        draw(STARTS),
        draw(st.frozensets(TEXT, max_size=2)),
        draw(st.booleans()),
    )


ADDRESSES = some(st.ip_addresses())
PORTS = some(st.builds(Port, st.integers(0, 65535), st.sampled_from(Protocol), MAYBE_TEXT))
PODS = st.builds(Pod, TEXT, TEXT, TEXT, LABELS, PORTS, ADDRESSES, MAYBE_TEXT, st.booleans())
DOOR_PORTS = some(st.builds(DoorPort, st.integers(0, 65535), st.sampled_from(Protocol), TEXT | COUNT, st.none() | COUNT))
DOORS = st.builds(Door, TEXT, st.sampled_from(DoorKind), TEXT, DOOR_PORTS, st.none() | LABELS, MAYBE_TEXT, ADDRESSES, TEXT, MAYBE_TEXT)
WORLDS = st.builds(
    World,
    st.dictionaries(TEXT, st.builds(Namespace, TEXT, TEXT, LABELS, LABELS), max_size=2),
    st.dictionaries(TEXT, PODS, max_size=2),
    st.dictionaries(TEXT, st.builds(OutsideHost, TEXT, PORTS, ADDRESSES, st.booleans()), max_size=2),
    st.dictionaries(TEXT, st.builds(Node, TEXT, ADDRESSES), max_size=2),
    st.dictionaries(TEXT, DOORS, max_size=2),
    some(PODS),
)
JUDGEMENTS = st.builds(
    Judgement,
    st.sampled_from(Outcome),
    TEXT,
    some(
        st.builds(
            Finding,
            st.sampled_from(FindingKind),
            TEXT,
            st.none() | COUNT,
            st.none() | QUESTIONS,
            some(REASONS),
            st.none() | ANSWERS,
            MAYBE_TIME,
            st.booleans(),
        )
    ),
    some(st.builds(Transient, COUNT, QUESTIONS, ANSWERS, TIMES, TIMES, COUNT)),
    some(st.builds(Enforcement, COUNT, QUESTIONS, st.sampled_from(Verdict), MAYBE_TIME, MAYBE_TIME)),
    some(st.builds(Established, COUNT, QUESTIONS, MAYBE_TIME)),
)
PHASES = some(st.builds(Phase, TEXT, TIMES))
DEVIATIONS = some(st.builds(KnownDeviation, TEXT, TEXT, TEXT, some(st.just("x/a -> x/b 80/TCP")), some(st.sampled_from(FindingKind))))
SCENARIOS = st.builds(
    ScenarioRecord,
    TEXT,
    JUDGEMENTS,
    st.builds(Measurement, some(steps()), TEXT, some(TEXT)),
    recipe=MAYBE_TEXT,
    needs=some(TEXT),
    families=some(st.sampled_from(Family)),
    policies=LABELS,
    world=st.none() | WORLDS,
    settings=some(st.builds(Setting, some(TEXT), st.dictionaries(TEXT, st.dictionaries(TEXT, MAYBE_TEXT, max_size=2), max_size=2))),
    deviations=DEVIATIONS,
    started=TEXT,
    seconds=TIMES,
    phases=PHASES,
    worker=TEXT,
    file=TEXT,
    group=TEXT,
    about=TEXT,
    because=TEXT,
    fault_class=TEXT,
    origin=some(TEXT),
    is_disruptive=st.booleans(),
)
FACTS = st.builds(
    Facts,
    TEXT,
    st.builds(Plugin, TEXT, TEXT, TEXT),
    TEXT,
    TEXT,
    TIMES,
    some(st.sampled_from(Family)),
    LABELS,
    some(TEXT),
    LABELS,
    PHASES,
    COUNT,
    st.none() | st.booleans(),
    COUNT,
    COUNT,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(FACTS, st.lists(SCENARIOS, max_size=2, unique_by=lambda each: each.name).map(tuple))
def test_what_goes_in_comes_out_again(facts: Facts, scenarios: tuple[ScenarioRecord, ...]) -> None:
    run = Run(facts, scenarios)

    assert Run.from_json(run.to_json()) == run


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(SCENARIOS)
def test_a_scenario_travels_as_plain_json(scenario: ScenarioRecord) -> None:
    document = scenario.to_document()

    assert ScenarioRecord.from_document(json.loads(json.dumps(document))) == scenario


def test_a_document_has_only_the_types_that_xdist_can_send() -> None:
    for scenario in sample_run.whole_run().scenarios:
        document = scenario.to_document()

        assert execnet.loads(execnet.dumps(document)) == document


def test_every_outcome_and_every_finding_comes_out_again() -> None:
    run = sample_run.whole_run()

    assert Run.from_json(run.to_json()) == run
    assert {scenario.outcome for scenario in run.scenarios} == set(Outcome)
    assert {finding.kind for scenario in run.scenarios for finding in scenario.judgement.findings} == set(FindingKind)


def test_the_same_run_makes_the_same_text() -> None:
    assert sample_run.run().to_json() == Run.from_json(sample_run.run().to_json()).to_json()


def test_the_order_of_questions_is_kept() -> None:
    run = Run.from_json(sample_run.run().to_json())

    assert list(run.scenarios[0].measurement.steps[1].expected) == list(sample_run.QUESTIONS)


def test_times_are_kept_to_the_microsecond() -> None:
    record = ScenarioRecord("s", Judgement(Outcome.PASSED, ""), seconds=1.23456789)

    assert 1.234568 == ScenarioRecord.from_document(record.to_document()).seconds


def test_a_record_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((folder("fixtures") / "record.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(json.loads(sample_run.whole_run().to_json()))


def test_the_schema_refuses_what_no_record_has() -> None:
    schema = json.loads((folder("fixtures") / "record.schema.json").read_text(encoding="utf-8"))
    document = json.loads(sample_run.run().to_json())
    document["scenarios"][0]["outcome"] = "fine"

    with pytest.raises(jsonschema.ValidationError, match="'fine' is not one of"):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_each_row_of_a_table_is_one_line() -> None:
    lines = sample_run.run().to_json().splitlines()

    assert '    ["shop/api", "shop/front", 80, "TCP", "ipv4", 0],' in lines
    assert ["{", ' "format": "cni-conformance/record",', ' "version": 2,'] == lines[:3]


SAMPLE = sample_run.run().to_json()


def damaged(path: str, value: Any) -> str:
    """The text of the sample record with another value at a path; `None` as value removes a key where the path ends with `-`."""
    document = json.loads(SAMPLE)
    at = document
    *way, last = path.removesuffix("-").split(".")
    for key in way:
        at = at[int(key) if key.isdigit() else key]
    if path.endswith("-"):
        del at[last]
    else:
        at[int(last) if last.isdigit() else last] = value
    return json.dumps(document)


STEP = "scenarios.1.steps.1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "the record is damaged: record is not JSON (Expecting value in line 1, column 1)", id="nothing"),
        pytest.param("{", "record is not JSON (Expecting property name enclosed in double quotes in line 1, column 2)", id="half of it"),
        pytest.param("[" * 100_000, "record has a number or a nesting that no record has", id="too deep"),
        pytest.param('{"seconds": NaN}', "record has a number or a nesting that no record has", id="no number"),
        pytest.param('{"seconds": ' + "1" * 5000 + "}", "record has a number or a nesting that no record has", id="a number without end"),
        pytest.param("[]", "the record is damaged: record is [], not an object", id="no object"),
        pytest.param("{}", 'this is no record of cni-conformance: it has no "format": "cni-conformance/record"', id="something else"),
        pytest.param(
            damaged("version", 3), "the record has version 3 and this cni-conformance reads up to 2: install a newer one", id="newer"
        ),
        pytest.param(damaged("version", "1"), "record.version is '1', not a whole number", id="version as text"),
        pytest.param(damaged("version", value=True), "record.version is True, not a whole number", id="version as truth"),
        pytest.param(damaged("facts-", None), "record has no 'facts'", id="no facts"),
        pytest.param(damaged("facts.suite", 1), "record.facts.suite is 1, not a text", id="a number for a text"),
        pytest.param(damaged("facts.seconds", "1"), "record.facts.seconds is '1', not a number", id="a text for a number"),
        pytest.param(damaged("facts.planned", -1), "record.facts.planned is -1, not a whole number", id="a negative count"),
        pytest.param(damaged("facts.does_enforce", 1), "record.facts.does_enforce is 1, not true or false", id="a number for a truth"),
        pytest.param(
            damaged("facts.families", ["ipv5"]), "record.facts.families[0] is 'ipv5', not one of ipv4, ipv6", id="an unknown word"
        ),
        pytest.param(damaged("facts.cluster", []), "record.facts.cluster is [], not an object", id="an array for an object"),
        pytest.param(damaged("facts.phases.0", ["cluster"]), "record.facts.phases[0] is ['cluster'], not an array of 2", id="a short row"),
        pytest.param(damaged("scenarios", {}), "record.scenarios is {}, not an array", id="an object for an array"),
        pytest.param(damaged("scenarios.0.name-", None), "record.scenarios[0] has no 'name'", id="a scenario without a name"),
        pytest.param(
            damaged("scenarios.0.outcome", "fine"),
            "record.scenarios[0].outcome is 'fine', not one of passed, failed,",
            id="unknown outcome",
        ),
        pytest.param(
            damaged("scenarios.0.world.pods.shop/api.addresses", ["x"]),
            ".pods.shop/api.addresses[0] is 'x', not an address",
            id="no address",
        ),
        pytest.param(
            damaged(f"{STEP}.cells.0", 999), f"record.{STEP.replace('.1', '[1]')}.cells[0] is 999, not below", id="outside of its table"
        ),
        pytest.param(damaged(f"{STEP}.expected", []), "expected is [], not an array of", id="too few expectations"),
        pytest.param(
            damaged(f"{STEP}.tracks.0.0", [0, 999, 1, 0, 0.1]), "tracks[0][0] is [0, 999, 1, 0, 0.1], not [first round,", id="no such round"
        ),
        pytest.param(
            damaged(f"{STEP}.tracks.0.0", [-1, 0, 1, 0, 0.1]),
            "tracks[0][0] is [-1, 0, 1, 0, 0.1], not [first round,",
            id="a negative round",
        ),
        pytest.param(
            damaged(f"{STEP}.tracks.0.0", [0, 0, "x", 0, 0.1]),
            "tracks[0][0] is [0, 0, 'x', 0, 0.1], not [first round,",
            id="a text as count",
        ),
        pytest.param(damaged(f"{STEP}.tracks.0.0", 5), "tracks[0][0] is 5, not [first round,", id="no row"),
        pytest.param(damaged(f"{STEP}.tracks.0", 5), "tracks[0] is 5, not an array", id="no spans"),
        pytest.param(
            damaged("facts.shard", {"part": "9/8", "selected": 1, "selection": "", "catalogue": ""}),
            "record.facts.shard.part is '9/8', not a shard, written as 3/8",
            id="no shard",
        ),
        pytest.param(
            damaged("scenarios.4.known_deviations.0.cells", ["x"]),
            "cells is ['x'], not cells written as",
            id="a known deviation without an arrow",
        ),
        pytest.param(damaged("scenarios.0.class-", None), "record.scenarios[0] has no 'class'", id="a scenario without a class"),
        pytest.param(damaged("scenarios.0.questions.0.5", -1), "questions[0][5] is -1, not a whole number", id="a negative size"),
        pytest.param(damaged("scenarios.0.about", ["x" * 100]), "…, not a text", id="a long value is cut"),
    ],
)
def test_a_damaged_record_is_one_clear_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        Run.from_json(text)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inside for found in _paths(each, (*path, key)))]


SMALL = json.loads(Run(sample_run.facts(1), sample_run.scenarios()[6:7]).to_json())
PATHS = _paths(SMALL)[1:]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from([None, [], {}, "", "x", -1, 10**6, 0.5, True, [[]], {"a": 1}]))
def test_no_damage_makes_anything_but_a_run_or_a_sentence(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(SMALL)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value

    assert _run_or_sentence(json.dumps(document))


def _run_or_sentence(text: str) -> Run | str:
    try:
        return Run.from_json(text)
    except InvalidRecord as fault:
        return str(fault)


def test_a_span_between_two_rounds_is_a_fault_of_the_suite() -> None:
    question = Question("x/a", "x/b", 80)
    track = (Span(0.5, 0.5, Answer(AnswerKind.TIMED_OUT)),)
    step = StepMeasurement(0, "", {question: Expectation(Verdict.ALLOWED)}, Timeline({question: track}, (0.0, 1.0)), {})

    with pytest.raises(InvalidRecord, match="begins or ends between two rounds"):
        ScenarioRecord("s", Judgement(Outcome.PASSED, ""), Measurement((step,))).to_document()


def test_a_time_that_is_no_number_is_refused_before_it_is_written(tmp_path: Path) -> None:
    endless = ScenarioRecord("s", Judgement(Outcome.PASSED, ""), seconds=float("inf"))

    with pytest.raises(InvalidRecord, match="infinite or no number"):
        Run(sample_run.facts(), (endless,)).to_json()
    with Writer(tmp_path / "record.json", sample_run.facts()) as writer, pytest.raises(InvalidRecord, match="infinite or no number"):
        writer.add(endless)


def test_a_run_is_judged_again_from_its_record() -> None:
    run = sample_run.whole_run()

    assert rejudge(Run.from_json(run.to_json())) == run


def test_judging_again_corrects_a_judgement_but_leaves_what_was_not_measured() -> None:
    run = sample_run.run()
    forged = Run(
        run.facts,
        tuple(
            ScenarioRecord(each.name, Judgement(Outcome.PASSED, "all is well"), each.measurement) if each.was_measured else each
            for each in run.scenarios
        ),
    )

    again = rejudge(forged)

    assert [Outcome.FAILED, Outcome.FAILED] == [each.outcome for each in again.scenarios[1:3]]
    assert again.of(Outcome.NOT_SUPPORTED, Outcome.SKIPPED) == run.of(Outcome.NOT_SUPPORTED, Outcome.SKIPPED)


def test_the_outcome_and_its_sentence_are_the_judgement_s() -> None:
    record = ScenarioRecord("s", Judgement(Outcome.PASSED, "all is well"))

    assert (Outcome.PASSED, "all is well") == (record.outcome, record.sentence)


@pytest.mark.parametrize(
    ("plugin", "text"),
    [(Plugin("cilium", "Cilium", "1.15.19"), "Cilium 1.15.19"), (Plugin("ptp"), "ptp"), (Plugin("ptp", "", "1.0"), "ptp 1.0")],
)
def test_a_plugin_is_called_by_title_and_version(plugin: Plugin, text: str) -> None:
    assert str(plugin) == text


@pytest.mark.parametrize(
    ("ended", "planned", "is_short"),
    [
        pytest.param("2026-11-21T09:00:00Z", 1, False, id="all there"),
        pytest.param("", 1, True, id="no end"),
        pytest.param("2026-11-21T09:00:00Z", 2, True, id="a scenario is missing"),
    ],
)
def test_whether_a_run_was_cut_short(ended: str, planned: int, *, is_short: bool) -> None:
    assert Run(Facts("1", Plugin("p"), ended=ended, planned=planned), sample_run.scenarios()[:1]).was_cut_short is is_short


def version_1(text: str) -> str:
    """The record as version 1 had it."""
    document = json.loads(text)
    document["version"] = 1
    for key in ("left_out", "left_out_disruptive"):
        del document["facts"][key]
    for scenario in document["scenarios"]:
        for key in ("class", "origin", "disruptive", "established"):
            del scenario[key]
        scenario["questions"] = [row[:5] for row in scenario["questions"]]
        scenario["expectations"] = [row[:4] for row in scenario["expectations"]]
        for step in scenario["steps"]:
            for key in ("failed", "watched", "starts", "renewed", "are_policies_old"):
                del step[key]
        for finding in scenario["findings"]:
            del finding["beside"]
        for deviation in scenario["known_deviations"]:
            del deviation["kinds"], deviation["sometimes"]
        if scenario["world"] is not None:
            del scenario["world"]["doors"], scenario["world"]["name_servers"]
            for namespace in scenario["world"]["namespaces"].values():
                del namespace["annotations"]
    return json.dumps(document)


def test_a_record_of_version_1_is_read_and_judged() -> None:
    run = sample_run.run()

    assert rejudge(Run.from_json(version_1(run.to_json()))) == run


def test_the_parts_of_a_run_of_version_1_are_read(tmp_path: Path) -> None:
    document = json.loads(version_1(Run(sample_run.facts(1), sample_run.scenarios()[:1]).to_json()))
    (scenario,) = document.pop("scenarios")
    (tmp_path / "record.json.parts").write_text(f"{json.dumps(document)}\n{json.dumps(scenario)}\n", encoding="utf-8")

    assert read(tmp_path).scenarios == sample_run.scenarios()[:1]


OLD = json.loads(version_1(Run(sample_run.facts(1), sample_run.scenarios()[:1]).to_json()))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([path for path in _paths(OLD)[1:] if len(path) < 6]), st.sampled_from([None, [], {}, "x", -1, [[]], [1], {"a": 1}]))
def test_no_damage_of_an_old_record_makes_anything_but_a_run_or_a_sentence(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(OLD)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value

    assert _run_or_sentence(json.dumps(document))


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        pytest.param("questions", {}, "questions is {}, not an array", id="no table"),
        pytest.param("questions", [7], "questions[0] is 7, not an array", id="no row"),
        pytest.param("steps", None, "steps is None, not an array", id="no steps"),
        pytest.param("world", [], "world is [], not an object", id="no world"),
        pytest.param("world", {"namespaces": []}, "world.namespaces is [], not an object", id="no namespaces"),
    ],
)
def test_what_is_damaged_in_a_record_of_version_1_is_named(key: str, value: Any, sentence: str) -> None:
    document = copy.deepcopy(OLD)
    document["scenarios"][0][key] = value

    with pytest.raises(InvalidRecord) as caught:
        Run.from_json(json.dumps(document))

    assert sentence in str(caught.value)


@pytest.mark.parametrize("value", [None, [], 5])
def test_a_damaged_scenario_of_version_1_is_named(value: Any) -> None:
    with pytest.raises(InvalidRecord, match=r"record\.scenarios\[0\] is .*, not an object"):
        Run.from_json(json.dumps({**OLD, "scenarios": [value]}))


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_record_is_written_and_read(tmp_path: Path) -> None:
    run = sample_run.run()
    write(run, tmp_path / "record.json")

    assert read(tmp_path / "record.json") == run
    assert read(tmp_path) == run
    assert ["record.json"] == [path.name for path in tmp_path.iterdir()]


def test_the_writer_makes_the_record_in_the_order_of_the_files(tmp_path: Path) -> None:
    run, path = sample_run.run(), tmp_path / "out" / "record.json"
    with Writer(path, sample_run.facts()) as writer:
        for scenario in reversed(run.scenarios):
            writer.add(scenario)
        finished = writer.finish(run.facts)

    assert finished.facts == run.facts
    assert [each.file for each in finished.scenarios] == sorted(each.file for each in run.scenarios)
    assert read(path) == finished
    assert ["record.json"] == [each.name for each in path.parent.iterdir()]


def test_a_killed_run_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    one, two, *_ = sample_run.scenarios()
    facts = Facts("0.1.0", Plugin("cilium"), planned=5)
    writer = Writer(tmp_path / "record.json", facts)
    writer.add(one)
    writer.add(two)
    # No finish, no close: this is what a kill leaves. And the line that was being written is torn.
    parts = tmp_path / "record.json.parts"
    parts.write_text(parts.read_text(encoding="utf-8") + '{"name": "torn', encoding="utf-8")

    for path in (tmp_path, tmp_path / "record.json", parts):
        assert read(path) == Run(facts, (one, two))
    assert read(tmp_path).was_cut_short


def test_of_a_scenario_that_was_replaced_the_last_one_counts_also_after_a_kill(tmp_path: Path) -> None:
    one, two, *_ = sample_run.scenarios()
    facts = Facts("0.1.0", Plugin("cilium"), planned=2)
    other = ScenarioRecord(one.name, Judgement(Outcome.ERROR, "its worker crashed"), file=one.file, group=one.group)
    writer = Writer(tmp_path / "record.json", facts)
    writer.add(one)
    writer.add(two)
    writer.replace(other)

    assert Run(facts, (other, two)) == read(tmp_path)
    assert writer.finish(sample_run.facts()) == read(tmp_path)
    assert {one.name: Outcome.ERROR, two.name: two.outcome} == {each.name: each.outcome for each in read(tmp_path).scenarios}


def test_the_next_run_keeps_what_a_killed_one_left(tmp_path: Path) -> None:
    path, (one, *_) = tmp_path / "record.json", sample_run.scenarios()
    facts = Facts("0.1.0", Plugin("cilium"))
    Writer(path, facts).add(one)

    with Writer(path, facts) as writer:
        writer.finish(sample_run.facts(0))

    assert read(tmp_path / "record.json.cut-short.parts") == Run(facts, (one,))
    assert read(path) == Run(sample_run.facts(0))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "record.json: the record cannot be read: No such file or directory", id="no file"),
        pytest.param(b"\xff\xfe", "record.json: the record is damaged: it is not text in UTF-8", id="not text"),
        pytest.param(b"{}", 'record.json: this is no record of cni-conformance: it has no "format"', id="another file"),
    ],
)
def test_a_file_that_is_no_record_is_named(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidRecord) as caught:
        read(path)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("", "the record is empty: its run was killed before it began", id="empty"),
        pytest.param('{"format": "x', "the record is empty: its run was killed before it began", id="torn in the first line"),
        pytest.param(f'{{"format": "{FORMAT}", "version": {VERSION}}}\n', "record has no 'facts'", id="a head without facts"),
    ],
)
def test_damaged_parts_are_named(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "record.json.parts"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InvalidRecord, match=r"record\.json\.parts: ") as caught:
        read(path)

    assert sentence in str(caught.value)


def test_a_damaged_line_of_the_parts_is_named_by_its_number(tmp_path: Path) -> None:
    with Writer(tmp_path / "record.json", sample_run.facts()):
        pass
    path = tmp_path / "record.json.parts"
    path.write_text(path.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")

    with pytest.raises(InvalidRecord, match="line 2 has no 'questions'"):
        read(path)


def test_hostile_text_is_kept_as_it_is(tmp_path: Path) -> None:
    nasty = "\ud800 \x1b[31m \x00 </script> " + "x" * 1_000_000
    run = Run(sample_run.facts(1), (ScenarioRecord(nasty, Judgement(Outcome.PASSED, nasty)),))
    write(run, tmp_path / "record.json")

    assert read(tmp_path) == run


def test_addresses_of_both_families_come_out_again() -> None:
    host = OutsideHost("outside/alpha", (Port(53, Protocol.UDP, "dns"),), (ip_address("192.0.2.1"), ip_address("2001:db8::1")))
    record = ScenarioRecord("s", Judgement(Outcome.PASSED, ""), world=World({}, {}, {"outside/alpha": host}))

    assert ScenarioRecord.from_document(record.to_document()).world == record.world


def test_what_has_more_parts_than_a_line_has_letters_is_laid_out_all_the_same(tmp_path: Path) -> None:
    run = sample_run.run()
    many = replace(run, facts=replace(run.facts, options={f"option {number}": "" for number in range(200)}))
    write(many, tmp_path / "record.json")

    assert read(tmp_path / "record.json") == many

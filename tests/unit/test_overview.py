"""The overview of a record: what the scenarios come to, read from its first lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sample_run

from conformance.judge import Judgement
from conformance.record import InvalidRecord, Run, ScenarioRecord, head, write
from conformance.record.digest import digest_of
from conformance.record.head import read_overview
from conformance.record.overview import LONGEST, overview_document, overview_of
from conformance.record.store import Writer
from conformance.world.verdict import Outcome, Verdict


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record.json"
    write(sample_run.whole_run(), path)
    return path


def test_it_names_each_scenario_by_its_outcome_and_says_why_it_failed(record: Path) -> None:
    facts, overview = read_overview(record)
    run = sample_run.whole_run()
    assert run.facts == facts
    assert {each.name: each.outcome for each in run.scenarios} == dict(overview.outcomes)
    assert {each.name for each in run.of(Outcome.FAILED, Outcome.ERROR)} == set(overview.sentences)
    assert (4, 3) == (overview.findings["wrongly-allowed"], overview.findings["wrongly-blocked"])
    assert (144, 9) == (overview.enforced[Verdict.BLOCKED].cells, overview.enforced[Verdict.BLOCKED].never)


def test_the_document_says_what_the_digest_says(record: Path) -> None:
    assert overview_of(digest_of(sample_run.whole_run())) == read_overview(record)[1]


def without_overview(text: str) -> str:
    document = json.loads(text)
    del document["overview"]
    return json.dumps(document)


@pytest.mark.parametrize(
    "rewritten",
    [
        pytest.param(without_overview, id="an older record"),
        pytest.param(lambda text: json.dumps(json.loads(text)), id="in one line"),
        pytest.param(lambda text: json.dumps(json.loads(text), indent=4), id="laid out by somebody else"),
        pytest.param(lambda text: json.dumps(json.loads(text), sort_keys=True), id="in another order"),
    ],
)
def test_a_record_that_is_laid_out_otherwise_says_the_same(record: Path, rewritten) -> None:
    expected = read_overview(record)
    record.write_text(rewritten(record.read_text()))
    assert expected == read_overview(record)


def test_the_parts_of_a_killed_run_say_what_was_finished(tmp_path: Path) -> None:
    run = sample_run.run()
    with Writer(tmp_path / "record.json", run.facts) as writer:
        for scenario in run.scenarios[:3]:
            writer.add(scenario)
    _, overview = read_overview(tmp_path / "record.json.parts")
    assert [each.name for each in run.scenarios[:3]] == sorted(overview.outcomes, key=[each.name for each in run.scenarios].index)


def test_nothing_but_the_head_is_read(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "read_digest", lambda path: pytest.fail("the whole record was read"))
    assert 18 == len(read_overview(record)[1].outcomes)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(lambda text: text[: len(text) // 2], "the record is damaged", id="half of it"),
        pytest.param(lambda text: text[:300], "the record is damaged", id="only its beginning"),
        pytest.param(lambda text: "", "the record is damaged", id="nothing"),
        pytest.param(
            lambda text: text.replace('"passed": ["limit-traffic"]', '"fine": ["limit-traffic"]', 1),
            "by an outcome that there is",
            id="an outcome that is none",
        ),
        pytest.param(
            lambda text: text.replace('"passed": ["limit-traffic"]', '"passed": ["limit-traffic", "limit-traffic"]', 1),
            "overview.outcomes has the scenario limit-traffic twice",
            id="a scenario twice",
        ),
        pytest.param(lambda text: text.replace('"cells": 144', '"cells": -1', 1), "not a whole number", id="a number that is none"),
        pytest.param(lambda text: text.replace('"version": 2', '"version": 99', 1), "install a newer one", id="a newer version"),
        pytest.param(lambda text: text.replace('"sentences": {', '"sentences": {{', 1), "is not JSON", id="no JSON"),
    ],
)
def test_a_damaged_record_is_refused_with_its_name(record: Path, damage, sentence: str) -> None:
    record.write_text(damage(record.read_text()))
    with pytest.raises(InvalidRecord, match=sentence) as fault:
        read_overview(record)
    assert str(fault.value).startswith(f"{record}: ")


def test_bytes_that_are_no_text_are_refused(record: Path) -> None:
    record.write_bytes(record.read_bytes().replace(b"Cilium", b"\xff\xfe", 1))
    with pytest.raises(InvalidRecord, match="the record is damaged"):
        read_overview(record)


def test_a_record_whose_scenarios_begin_late_is_read_as_a_whole(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "_FIRST", 100)
    expected = read_overview(record)
    monkeypatch.setattr(head, "_MOST", 300)
    assert expected == read_overview(record)


@pytest.mark.parametrize(
    "scenario", [{}, {"name": "a", "outcome": "fine"}, {"name": "a", "outcome": "passed", "time_to_enforce": {"cells": [1]}}]
)
def test_scenarios_that_are_damaged_have_no_overview(scenario: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord, match=r"record\.scenarios\[0\] is no scenario with all its keys"):
        overview_document([scenario])


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="cannot be read"):
        read_overview(tmp_path / "record.json")


def test_a_long_sentence_is_cut_here_and_whole_in_its_scenario(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    write(Run(sample_run.facts(1), (ScenarioRecord("a", Judgement(Outcome.ERROR, long)),)), tmp_path / "record.json")
    assert "x" * (LONGEST - 1) + "…" == read_overview(tmp_path / "record.json")[1].sentences["a"]

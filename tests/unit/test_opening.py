"""A record as it lies on the disk: packed, cut, with what UTF-8 cannot say; and its digest, which builds no more than it needs."""

import gc
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import every_outcome
import hostile_run
import pytest
import sample_run

from conformance.record import InvalidRecord, Run, read, write
from conformance.record import digest_reader as fast
from conformance.record.digest import Digest, change_of, digest_of, read_digest
from conformance.record.opening import OpenRecord, collector_at_rest, divided, open_record
from conformance.record.part import Part
from conformance.world.verdict import AnswerKind, Verdict

RUN = every_outcome.run()
TEXT = RUN.to_json()


def with_one_twice() -> bytes:
    """The record with its first scenario once more at the end."""
    document = json.loads(TEXT)
    document["scenarios"].append(document["scenarios"][0])
    return json.dumps(document).encode()


TWICE = f"has the scenario {RUN.scenarios[0].name} twice ("


@pytest.fixture
def record(tmp_path: Path) -> Path:
    (tmp_path / "record.json").write_text(TEXT, encoding="utf-8")
    return tmp_path / "record.json"


# --- opening ----------------------------------------------------------------------------------------------------------


def test_scenarios_are_made_one_by_one_as_often_as_one_asks(record: Path) -> None:
    opened = open_record(record)

    assert (RUN.facts, len(RUN.scenarios)) == (opened.facts, len(opened))
    assert RUN.scenarios == tuple(opened) == tuple(opened)


def test_a_packed_record_is_read_from_its_file_and_its_folder(record: Path) -> None:
    packed = record.with_name("record.json.gz")
    packed.write_bytes(gzip.compress(record.read_bytes()))
    record.unlink()

    assert RUN == read(packed) == read(packed.parent)
    assert digest_of(RUN, packed) == read_digest(packed)


def test_a_record_that_was_packed_to_fill_the_memory_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(TEXT.encode())
    path = tmp_path / "r.json.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    monkeypatch.setattr("conformance.record.opening.LARGEST", size)
    assert RUN == read(path)
    monkeypatch.setattr("conformance.record.opening.LARGEST", size - 1)
    with pytest.raises(InvalidRecord) as caught:
        read(path)
    assert f"{path}: this is no record: it is packed with gzip, and unpacked larger than {size - 1:,} bytes, which none is" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("r.json.gz", TEXT.encode(), "it is packed with gzip, and cannot be unpacked", id="not packed"),
        pytest.param(
            "r.json.gz", gzip.compress(TEXT.encode())[:500], "it is packed with gzip, and cannot be unpacked", id="half a packed file"
        ),
        pytest.param("r.json", TEXT[:5000].encode(), "record is not JSON (", id="half a file"),
        pytest.param("r.json", b"", "record is not JSON (Expecting value in line 1, column 1)", id="an empty file"),
        pytest.param("r.json", b"[1]", "record is [1], not an object", id="JSON, but no object"),
        pytest.param("r.json", b'{"scenarios": []}', 'it has no "format": "cni-conformance/record"', id="another JSON"),
        pytest.param("r.json", TEXT.replace('"version": 2', '"version": 3').encode(), "has version 3 and this", id="a newer version"),
        pytest.param("r.json", TEXT.replace('"scenarios":', '"scenes":').encode(), "record has no 'scenarios'", id="no scenarios"),
        pytest.param("r.json", TEXT.replace('"seconds": 72.4', '"seconds": NaN').encode(), "a number or a nesting that", id="not a number"),
        pytest.param("r.json", with_one_twice(), TWICE, id="a scenario twice"),
        pytest.param(
            "r.json",
            with_one_twice().replace(b'"sentence": "', b'"sentence": "\\ud800', 1),
            TWICE,
            id="a scenario twice, in a record that has half a surrogate pair",
        ),
        pytest.param("r.json", ("[" * 100_000).encode(), "a number or a nesting that no record has", id="a deep nesting"),
    ],
)
def test_what_is_no_record_is_one_sentence_with_the_file_s_name(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    for reading in (read, read_digest, open_record):
        with pytest.raises(InvalidRecord) as caught:
            reading(path)  # type: ignore[operator] # each is a function of a path

        assert str(caught.value).startswith(f"{path}: ")
        assert sentence in str(caught.value)


def test_a_scenario_that_is_damaged_is_found_when_it_is_its_turn(record: Path) -> None:
    document = json.loads(TEXT)
    document["scenarios"][3]["outcome"] = "fine"
    record.write_text(json.dumps(document), encoding="utf-8")
    scenarios = iter(open_record(record))

    assert RUN.scenarios[:3] == tuple(next(scenarios) for _ in range(3))
    with pytest.raises(InvalidRecord, match=r"record\.json: .*record\.scenarios\[3\]\.outcome is 'fine', not one of"):
        next(scenarios)


@pytest.mark.parametrize("name", ["record.json", "record.json.parts"])
def test_what_json_can_say_and_utf_8_cannot_comes_out_as_it_was(tmp_path: Path, name: str) -> None:
    run = Run(sample_run.facts(1), tuple(replace(each, about="half: \ud83d, other half: \ude00") for each in sample_run.scenarios()[:1]))
    text = run.to_json()
    if name.endswith(".parts"):
        document = json.loads(text)
        head = {key: document[key] for key in ("format", "version", "facts")}
        text = "".join(f"{json.dumps(each)}\n" for each in (head, *document["scenarios"]))
    (tmp_path / name).write_text(text, encoding="utf-8")

    assert text.isascii()
    assert run.scenarios == read(tmp_path / name).scenarios
    assert digest_of(run).scenarios == read_digest(tmp_path / name).scenarios


def test_a_text_may_hold_what_is_not_ascii(record: Path) -> None:
    record.write_text(TEXT.replace("Only pods", "Nur Pöds ☺"), encoding="utf-8")

    assert "Nur Pöds ☺ of the bookstore reach its API." == read(record).scenarios[0].about


def test_a_record_from_a_text_has_no_file() -> None:
    with pytest.raises(InvalidRecord, match=r"^the record is damaged"):
        tuple(OpenRecord(*divided(TEXT.replace('"outcome": "error"', '"outcome": 5').encode())))


def test_the_collector_of_garbage_is_at_rest_and_works_again() -> None:
    with collector_at_rest():
        assert not gc.isenabled()
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reading", "sentence"),
    [
        pytest.param(["a", 1], Part.texts, "x[1] is 1, not a text", id="texts"),
        pytest.param([None, 1], Part.texts_or_none, "x[1] is 1, not a text", id="texts or null"),
        pytest.param([1, True], Part.integers, "x[1] is True, not a whole number", id="true is no number"),
        pytest.param([1, -1], Part.integers, "x[1] is -1, not a whole number", id="negative"),
        pytest.param([None, 0.5], Part.integers_or_none, "x[1] is 0.5, not a whole number", id="numbers or null"),
        pytest.param(10**400, Part.number, "x is 1000", id="a number that is too large"),
        pytest.param([0.5, "1"], Part.numbers, "x[1] is '1', not a number", id="numbers"),
        pytest.param(["allowed", "maybe"], lambda part: part.words(Verdict), "x[1] is 'maybe', not one of allowed", id="words"),
        pytest.param([0, 2], lambda part: part.all_at("ab"), "x[1] is 2, not below 2", id="places"),
        pytest.param([None, 2], lambda part: part.all_at_or_none("ab"), "x[1] is 2, not below 2", id="places or null"),
        pytest.param([[1, 2], [3]], lambda part: part.columns(2), "x[1] is [3], not an array of 2", id="columns"),
        pytest.param([[1, 2], 3], lambda part: part.columns(2), "x[1] is 3, not an array of 2", id="no row"),
        pytest.param([["a", 2], ["b", "c"]], lambda part: part.columns(2)[1].integers(), "x[1][1] is 'c', not a whole", id="a column"),
        pytest.param({}, lambda part: part.of_length(0), "x is {}, not an array of 0", id="no array"),
    ],
)
def test_a_fault_in_many_values_names_the_one(value: Any, reading: Callable[[Part], Any], sentence: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        reading(Part(value, "x"))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("value", "reading", "found"),
    [
        pytest.param([1, 0.5], Part.numbers, (1.0, 0.5), id="whole numbers are numbers"),
        pytest.param([], lambda part: part.columns(2)[0].texts(), (), id="no rows"),
        pytest.param([1, None, 0], lambda part: part.all_at_or_none("ab"), ["b", None, "a"], id="places with gaps"),
        pytest.param([], lambda part: part.all_at([]), [], id="no places"),
    ],
)
def test_many_values_are_read_at_once(value: Any, reading: Callable[[Part], Any], found: Any) -> None:
    assert found == reading(Part(value, "x"))


# --- the digest -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [RUN, sample_run.whole_run(), hostile_run.run(), Run(sample_run.facts(0))])
def test_a_digest_from_the_text_is_that_of_the_run(tmp_path: Path, run: Run) -> None:
    write(run, tmp_path / "record.json")

    assert digest_of(run, tmp_path) == read_digest(tmp_path)


def test_a_sound_record_is_digested_without_building_its_scenarios(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(OpenRecord, "scenario")

    assert digest_of(RUN, record) == read_digest(record)


def test_a_digest_has_what_was_seen_where_the_specification_leaves_it_open() -> None:
    found = {name: each.open for each in digest_of(RUN).scenarios if (name := each.name) in ("an-open-cell", "flaps")}

    assert {
        (1, "outside/alpha -> shop/other 80/TCP ipv4"): AnswerKind.CONNECTED,
        (1, "outside/alpha -> shop/other 80/TCP ipv6"): AnswerKind.CONNECTED,
    } == found["an-open-cell"]
    assert {} == found["flaps"]


def _damaged(change: Callable[[Any], None]) -> str:
    document = json.loads(TEXT)
    change(next(each for each in document["scenarios"] if each["name"] == "an-open-cell"))
    return json.dumps(document)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda each: each["steps"][1]["expected"].__setitem__(0, 999), id="no such expectation"),
        pytest.param(lambda each: each["steps"][1]["expected"].__setitem__(0, -1), id="counted from the end"),
        pytest.param(lambda each: each["findings"][0].__setitem__("cell", 999), id="no such question"),
        pytest.param(lambda each: each["findings"][0].__setitem__("answer", [-1, 0.1]), id="no such answer"),
        pytest.param(lambda each: each.__setitem__("outcome", "fine"), id="no such outcome"),
        pytest.param(lambda each: each["steps"][1].__setitem__("tracks", []), id="no tracks"),
    ],
)
def test_a_damaged_record_has_no_digest_but_the_reader_s_sentence(record: Path, change: Callable[[Any], None]) -> None:
    record.write_text(_damaged(change), encoding="utf-8")
    with pytest.raises(InvalidRecord) as told:
        read(record)

    with pytest.raises(InvalidRecord) as caught:
        read_digest(record)

    assert str(told.value) == str(caught.value)


def test_a_cell_that_was_never_asked_has_no_answer(record: Path) -> None:
    record.write_text(
        _damaged(lambda each: each["steps"][1].__setitem__("tracks", [None] * len(each["steps"][1]["cells"]))), encoding="utf-8"
    )
    digest = read_digest(record)

    assert digest_of(read(record), record) == digest
    assert {} == next(each.open for each in digest.scenarios if each.name == "an-open-cell")


def test_an_earlier_version_is_digested_by_the_reader_that_knows_it(record: Path) -> None:
    from test_record import version_1

    run = sample_run.run()
    record.write_text(version_1(run.to_json()), encoding="utf-8")

    assert digest_of(run, record) == read_digest(record)


def test_a_digest_knows_its_outcomes_and_whether_it_is_whole() -> None:
    digest = digest_of(RUN)

    assert [8, 6] == [len(digest.of(each)) for each in ("failed", "error")]  # type: ignore[arg-type] # words of Outcome
    assert not digest.was_cut_short
    assert replace(digest, scenarios=digest.scenarios[1:]).was_cut_short
    assert Digest(Path(), replace(RUN.facts, ended="")).was_cut_short


@pytest.mark.parametrize(
    ("action", "kind"), [("apply deny", "apply"), ("at once: delete a; apply b", "at once"), ("put back: delete a", "put back"), ("", "")]
)
def test_the_kind_of_a_change_is_its_first_words(action: str, kind: str) -> None:
    assert kind == change_of(action)


def test_the_fast_reader_asks_for_no_key_that_a_record_does_not_have() -> None:
    # Else every scenario would go the slow way, and nothing would say so.
    document = json.loads(TEXT)["scenarios"][1]
    asked = set(fast._Scenario.__struct_encode_fields__)  # noqa: SLF001 - the one place that sees the keys

    assert asked <= document.keys()

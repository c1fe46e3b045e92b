"""The records of a folder: each is read once, and what is no record does no harm."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from trend_nights import CALICO, LEAK, record

from conformance.record import Facts, ShardFacts
from conformance.record.head import read_overview
from conformance.record.overview import Overview
from conformance.shard import Shard
from conformance.trend import InvalidDate, InvalidFolder, Trend, look
from conformance.world.verdict import Family, Outcome

GOOD = {"a": Outcome.PASSED, "b": Outcome.PASSED}
BAD = {"a": Outcome.PASSED, "b": Outcome.FAILED}


class Reader:
    """Reads, and remembers what."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.paths = folder, []

    def __call__(self, path: Path) -> tuple[Facts, Overview]:
        self.paths.append(str(path.relative_to(self.folder)))
        return read_overview(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in ("2026-11-01", "2026-11-02"):
        record(tmp_path / "nights", day, GOOD)
    record(tmp_path / "nights", "2026-11-03", BAD)
    return tmp_path / "nights"


def read_again(folder: Path, cache: Path | None = None) -> tuple[Trend, list[str]]:
    reader = Reader(folder)
    trend = look(folder, cache or folder.parent / "cache", read=reader)
    return trend, sorted(reader.paths)


def strips(trend: Trend) -> dict[str, str]:
    return dict(trend.sections[0].columns)


def index_of(folder: Path) -> Path:
    (index,) = (folder.parent / "cache" / "trend").iterdir()
    return index


def test_nothing_is_read_twice(folder: Path) -> None:
    first, read = read_again(folder)
    assert 3 == len(read) == first.found.read
    again, read = read_again(folder)
    assert ([], 0) == (read, again.found.read)
    assert (strips(first), first.sections[0].sentences) == (strips(again), again.sections[0].sentences)
    assert {"a": "ppp", "b": "ppf"} == strips(again)
    assert {"b": LEAK} == dict(again.sections[0].sentences)


def test_a_new_record_is_read_and_no_other(folder: Path) -> None:
    read_again(folder)
    record(folder, "2026-11-04", GOOD)
    trend, read = read_again(folder)
    assert ["2026-11-04/record.json"] == read
    assert {"a": "pppp", "b": "ppfp"} == strips(trend)


def test_a_changed_record_is_read_again(folder: Path) -> None:
    read_again(folder)
    record(folder, "2026-11-02", {**BAD, "more": Outcome.PASSED})
    trend, read = read_again(folder)
    assert ["2026-11-02/record.json"] == read
    assert {"a": "ppp", "b": "pff", "more": " p "} == strips(trend)


def test_a_deleted_record_is_forgotten(folder: Path) -> None:
    read_again(folder)
    shutil.rmtree(folder / "2026-11-02")
    assert ({"a": "pp", "b": "pf"}, []) == (strips(read_again(folder)[0]), read_again(folder)[1])
    with sqlite3.connect(index_of(folder)) as database:
        assert [(2,)] == database.execute("SELECT count(*) FROM files").fetchall()


def test_a_moved_record_is_read_at_its_new_place(folder: Path) -> None:
    read_again(folder)
    (folder / "2026-11-02").rename(folder / "elsewhere")
    trend, read = read_again(folder)
    assert ["elsewhere/record.json"] == read
    assert {"a": "ppp", "b": "ppf"} == strips(trend)


def test_another_folder_has_an_index_of_its_own(folder: Path) -> None:
    read_again(folder)
    assert 1 == read_again(folder / "2026-11-01", folder.parent / "cache")[0].found.read
    assert [] == read_again(folder)[1]


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda path: path.write_bytes(b"this is no database at all" * 100), id="something else"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="cut off"),
        pytest.param(lambda path: execute(path, "PRAGMA user_version = 99"), id="another version"),
        pytest.param(lambda path: execute(path, "DROP TABLE files"), id="a table is missing"),
        pytest.param(lambda path: execute(path, "UPDATE files SET night = '[1, 2]'"), id="a night that is none"),
        pytest.param(lambda path: execute(path, "UPDATE files SET night = '{'"), id="no JSON"),
        pytest.param(lambda path: execute(path, "UPDATE files SET names = 77"), id="names that are not there"),
        pytest.param(lambda path: execute(path, "UPDATE files SET letters = 'p'"), id="too few letters"),
    ],
)
def test_a_damaged_index_is_made_anew(folder: Path, harm) -> None:
    read_again(folder)
    harm(index_of(folder))
    trend, read = read_again(folder)
    assert (3, {"a": "ppp", "b": "ppf"}, ()) == (len(read), strips(trend), trend.notes)
    assert [] == read_again(folder)[1]


def execute(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)


def test_where_no_index_can_be_kept_everything_is_read_and_the_reader_is_told_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for _ in range(2):
        trend, read = read_again(folder, tmp_path / "file")
        assert 3 == len(read)
        assert 1 == len(trend.notes)
        assert trend.notes[0].startswith("no index is kept, and every record is read each time: ")
        assert {"b": LEAK} == dict(trend.sections[0].sentences)


def test_an_index_that_another_process_holds_is_waited_for_and_then_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_again(folder)
    record(folder, "2026-11-04", GOOD)
    monkeypatch.setattr("conformance.trend.index._PATIENCE", 0.01)
    other = sqlite3.connect(index_of(folder), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    trend, read = read_again(folder)
    assert (["2026-11-04/record.json"], {"a": "pppp", "b": "ppfp"}) == (read, strips(trend))
    assert trend.notes[0].startswith("the index could not be written, and some records are read again next time: ")
    other.execute("ROLLBACK")
    other.close()
    assert ["2026-11-04/record.json"] == read_again(folder)[1]
    assert [] == read_again(folder)[1]


def test_many_at_once_do_each_other_no_harm(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: strips(read_again(folder)[0]), range(24)))
    assert [{"a": "ppp", "b": "ppf"}] * 24 == found
    assert [] == read_again(folder)[1]


def test_damaged_newer_and_foreign_files_are_counted_and_do_no_harm(folder: Path) -> None:
    (folder / "half.json").write_text((folder / "2026-11-01" / "record.json").read_text()[:-1000])
    (folder / "newer.json").write_text('{"format": "cni-conformance/record", "version": 9, "facts": {}}')
    (folder / "2026-11-05").mkdir()
    (folder / "2026-11-05" / "record.json").write_text("")
    (folder / "package.json").write_text('{"name": "something else"}')
    (folder / "notes.txt").write_text("no JSON")
    trend, _ = read_again(folder)
    assert {"a": "ppp", "b": "ppf"} == strips(trend)
    assert ["2026-11-05/record.json", "half.json", "newer.json"] == [path for path, _ in trend.found.faults]
    assert 1 == trend.found.others
    assert "install a newer one" in trend.found.faults[2][1]


def test_a_damaged_record_is_looked_at_each_time_for_a_newer_suite_may_read_it(folder: Path) -> None:
    (folder / "newer.json").write_text('{"format": "cni-conformance/record", "version": 9, "facts": {}}')
    assert [["newer.json"]] * 2 == [read_again(folder)[1][-1:] for _ in range(2)]


def test_a_record_that_says_no_time_is_damaged(folder: Path) -> None:
    record(folder, "2026-11-04", GOOD, started="")
    assert (("2026-11-04/record.json", "the record does not say when its run began"),) == read_again(folder)[0].found.faults


def test_a_pipe_is_not_waited_for_and_a_link_to_nowhere_is_none(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    (folder / "nowhere.json").symlink_to("nothing")
    assert 3 == read_again(folder)[0].found.read


def test_a_time_of_another_zone_is_told_in_utc(folder: Path) -> None:
    record(folder, "2026-11-04", GOOD, started="2026-11-04T01:00:00+02:00")
    assert "2026-11-03T23:00:00.000+00:00" == read_again(folder)[0].sections[0].last.started


def test_a_copy_counts_once(folder: Path) -> None:
    shutil.copytree(folder / "2026-11-02", folder / "copy")
    trend, _ = read_again(folder)
    assert ({"a": "ppp", "b": "ppf"}, 1) == (strips(trend), trend.copies)


def test_two_runs_of_one_night_are_two(folder: Path) -> None:
    record(folder, "2026-11-03", GOOD, "again.json", started="2026-11-03T05:00:00Z")
    trend, _ = read_again(folder)
    assert ({"a": "pppp", "b": "ppfp"}, 0) == (strips(trend), trend.copies)


def test_each_plugin_has_a_section_and_new_failures_come_first(folder: Path) -> None:
    record(folder / "other", "2026-11-03", GOOD, plugin=CALICO)
    assert ["cilium", "calico"] == [section.title for section in read_again(folder)[0].sections]
    assert ["calico"] == [section.title for section in look(folder, folder.parent / "cache", plugin="calico").sections]


@pytest.mark.parametrize(
    ("more", "titles"),
    [
        pytest.param({"families": (Family.IPV4,)}, ["cilium (ipv4 and ipv6)", "cilium (ipv4)"], id="families"),
        pytest.param(
            {"cluster": {"provider": "kind", "kube-proxy": "iptables"}}, ["cilium (nftables)", "cilium (iptables)"], id="kube-proxy"
        ),
        pytest.param(
            {"cluster": {"provider": "simulated", "kube-proxy": "nftables"}}, ["cilium (kind)", "cilium (simulated)"], id="provider"
        ),
    ],
)
def test_a_plugin_under_other_conditions_is_another_section(folder: Path, more, titles: list[str]) -> None:
    record(folder / "other", "2026-11-03", GOOD, **more)
    assert titles == [section.title for section in read_again(folder)[0].sections]


def shard(text: str) -> ShardFacts:
    return ShardFacts(Shard.of(text), 4, "selection", "catalogue")


def test_shards_of_a_run_are_one_night(folder: Path) -> None:
    for number, outcomes in enumerate(({"a": Outcome.PASSED}, {"b": Outcome.PASSED, "c": Outcome.FAILED}), 1):
        record(folder, "2026-11-04", outcomes, f"{number}.json", started=f"2026-11-04T0{number}:00:00Z", shard=shard(f"{number}/2"))
    trend, _ = read_again(folder)
    last = trend.sections[0].last
    assert {"a": "pppp", "b": "ppfp", "c": "   f"} == strips(trend)
    assert (("2026-11-04/1.json", "2026-11-04/2.json"), "") == (last.paths, last.missing)
    assert {"c": LEAK} == dict(trend.sections[0].sentences)


def test_a_night_of_which_a_shard_is_missing_is_not_whole(folder: Path) -> None:
    record(folder, "2026-11-04", {"a": Outcome.PASSED}, "1.json", shard=shard("1/2"))
    assert "1 of 2 shards" == read_again(folder)[0].sections[0].last.missing


def test_the_same_shard_twice_is_two_nights(folder: Path) -> None:
    for hour in (1, 5):
        record(folder, "2026-11-04", {"a": Outcome.PASSED}, f"{hour}.json", started=f"2026-11-04T0{hour}:00:00Z", shard=shard("1/2"))
    assert {"a": "ppppp", "b": "ppf  "} == strips(read_again(folder)[0])


def test_a_whole_record_beside_its_shards_is_a_copy(folder: Path) -> None:
    record(folder, "2026-11-04", {"a": Outcome.PASSED}, "1.json", shard=shard("1/2"))
    record(folder, "2026-11-04", {"b": Outcome.PASSED}, "2.json", shard=shard("2/2"))
    record(folder, "2026-11-04", GOOD, "merged.json")
    trend, _ = read_again(folder)
    assert {"a": "pppp", "b": "ppfp"} == strips(trend)
    assert trend.copies in (1, 2)


def test_nights_before_a_day_are_left_aside_and_counted(folder: Path) -> None:
    trend = look(folder, folder.parent / "cache", since="2026-11-02")
    assert ({"a": "pp", "b": "pf"}, 1) == (strips(trend), trend.older)


def test_a_cut_short_run_is_a_night_that_is_not_whole(folder: Path) -> None:
    path = record(folder, "2026-11-04", GOOD, ended="")
    lines = [json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key not in ("scenarios", "overview")})]
    lines += [json.dumps(json.loads(path.read_text())["scenarios"][0]), '{"half of a li']
    path.unlink()
    path.with_name("record.json.parts").write_text("\n".join(lines))
    trend, _ = read_again(folder)
    assert ({"a": "pppp", "b": "ppf "}, "cut short: 1 of 2 scenarios") == (strips(trend), trend.sections[0].last.missing)


NOTHING = {
    "no folder": ({"folder": "nowhere"}, "there is no such folder"),
    "a file": ({"folder": "file"}, "it is no folder"),
    "an empty folder": ({"folder": "empty"}, "no record is in it: give the folder into which `run --report` writes"),
    "only foreign files": ({"folder": "foreign"}, r"no record is in it \(but 1 other JSON file\)"),
    "only damaged records": ({"folder": "damaged"}, "none of its records can be read:\n  record.json: the record is damaged"),
    "another plugin": ({"plugin": "calico"}, "no record of the plugin calico is in it, but of cilium"),
    "no night since then": ({"since": "2026-12-01"}, "no record of 2026-12-01 or later is in it, the last is of 2026-11-03"),
    "no day": ({"since": "yesterday"}, "--since yesterday: a day is written as 2026-11-21"),
    "a month that is none": ({"since": "2026-13-01"}, "--since 2026-13-01: a day is written as 2026-11-21"),
}


@pytest.mark.parametrize(("arguments", "sentence"), NOTHING.values(), ids=NOTHING)
def test_where_there_is_nothing_to_say_the_reader_is_told_why(folder: Path, tmp_path: Path, arguments, sentence: str) -> None:
    (tmp_path / "file").write_text("")
    for name in ("empty", "foreign", "damaged"):
        (tmp_path / name).mkdir()
    (tmp_path / "foreign" / "package.json").write_text("{}")
    (tmp_path / "damaged" / "record.json").write_text("{")
    words = {"folder": "nights", **arguments}
    with pytest.raises((InvalidFolder, InvalidDate), match=sentence):
        look(tmp_path / words.pop("folder"), tmp_path / "cache", **words)


def test_hostile_names_are_kept_as_they_are(folder: Path) -> None:
    name = "\ud800<script>\x1b[31m\n" + "x" * 100_000
    record(folder, "2026-11-04", {name: Outcome.FAILED}, plugin=replace(CALICO, name=name, version="\udfff"))
    for _ in range(2):
        trend, _ = read_again(folder)
        assert {name: {name: "f"}, "cilium": {"a": "ppp", "b": "ppf"}} == {each.title: dict(each.columns) for each in trend.sections}


def test_a_file_name_that_is_no_text_does_no_harm(folder: Path) -> None:
    (folder / "2026-11-02").rename(folder / os.fsdecode(b"\xff\xfe"))
    for expected in (3, 0):
        trend, read = read_again(folder)
        assert ({"a": "ppp", "b": "ppf"}, expected) == (strips(trend), len(read))

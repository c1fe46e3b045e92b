"""Diagnostics leave a pod as packed texts, as many as its log has room for, and nothing in them writes elsewhere than beside the record."""

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_run
from rich.console import Console

from conformance import diagnostics, door
from conformance.inside import bundles
from conformance.inside.bundles import ABOUT, FOLDER, InvalidBundle, bring, bundled, fitting, unbundled
from conformance.inside.emitted import emitted, packed
from conformance.record import Run
from conformance.view import View

MOST, WITH_RECORD = 20_000, 60_000
"""Limits small enough that tests are short."""

FILES = {ABOUT: b"# flaps\n", "world/shop/pods.yaml": "kind: Pod # ä\n".encode(), "capture/source-pod.pcap": bytes(range(256))}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(bundles, "MOST", MOST)
    monkeypatch.setattr(bundles, "WITH_RECORD", WITH_RECORD)


def filled(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def taken(folder: Path, **sizes: int) -> Path:
    """Diagnostics that cannot be packed smaller, of scenarios one after the other."""
    for age, (name, size) in enumerate(sizes.items()):
        filled(folder / name, {ABOUT: b"#", "noise": os.urandom(size).hex().encode()})
        os.utime(folder / name / ABOUT, (age, age))
    return folder


def run_of(*names: str, **paths: str) -> Run:
    """A run whose scenarios have diagnostics: where a run puts them, or where a row says."""
    pattern, where = sample_run.whole_run(), {name: f"{FOLDER}/{name}" for name in names} | paths
    return Run(pattern.facts, tuple(replace(pattern.scenarios[0], name=name, diagnostics=path) for name, path in where.items()))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_they_are_called_as_a_run_calls_them():
    assert (diagnostics.FOLDER, diagnostics.bundle.ABOUT) == (FOLDER, ABOUT)


def test_all_files_of_a_folder_come_back_as_they_were_also_what_is_no_text(tmp_path):
    assert FILES == unbundled(bundled(filled(tmp_path)))


def test_what_is_text_can_be_read_without_this_program(tmp_path):
    assert "kind: Pod # ä\n" == json.loads(gzip.decompress(bundled(filled(tmp_path))))["world/shop/pods.yaml"]


def test_where_there_are_none_none_are_packed(tmp_path):
    assert ({}, []) == fitting(tmp_path / FOLDER, 0)


ROOM: list[Any] = [
    pytest.param({"b": 10, "a": 10}, 0, ["b", "a"], [], id="all find room, in the order in which they were taken"),
    pytest.param({"c": MOST * 3 // 4, "b": MOST // 2, "a": 10}, 0, ["c", "a"], ["b"], id="what is too large leaves room for a later one"),
    pytest.param({"c": 2 * MOST, "b": 10}, 0, ["b"], ["c"], id="the first is larger than the room"),
    pytest.param({"c": 2_000, "b": 10_000}, WITH_RECORD - 8_000, ["c"], ["b"], id="a record that leaves little room"),
    pytest.param({"c": 10}, WITH_RECORD, [], ["c"], id="a record that leaves none"),
    pytest.param({"c": 10}, 2 * WITH_RECORD, [], ["c"], id="a record that is too large by itself"),
    pytest.param({"Not a name": 10, "c": 10}, 0, ["c"], ["Not a name"], id="a folder of somebody else"),
]


@pytest.mark.parametrize(("sizes", "record", "kept", "left"), ROOM)
def test_those_of_the_first_failures_are_kept(sizes, record, kept, left, tmp_path):
    found, others = fitting(taken(tmp_path, **sizes), record)
    assert (kept, left) == (list(found), others)
    assert min(MOST, max(0, WITH_RECORD - record)) >= sum(map(len, found.values()))


def test_what_cannot_be_read_is_left_out(tmp_path, monkeypatch):
    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("conformance.inside.bundles.bundled", refused)
    assert ({}, ["c"]) == fitting(taken(tmp_path, c=10), 0)


def test_the_record_is_emitted_first_then_diagnostics_then_what_has_no_room(tmp_path, capsys):
    (tmp_path / "record.json").write_text("{}")
    taken(tmp_path / FOLDER, first=10, large=2 * MOST, third=10)
    door._emit("night", tmp_path, View(Console(width=200)))  # noqa: SLF001 - what the end of every run in a pod does
    lines = capsys.readouterr().out.splitlines()
    first = [line.partition(" size")[0][11:] for line in lines if line.startswith("-----BEGIN")]
    assert [f"CNI-CONFORMANCE {what}" for what in ("RECORD name=night", "DIAGNOSTICS name=first", "DIAGNOSTICS name=third")] == first
    assert "the diagnostics of 1 scenario (large) have no room in this log" == lines[-1]
    found = emitted("\n".join(lines))
    assert ("night", packed(b"{}"), {"first", "third"}) == (found.name, found.packed, set(found.diagnostics))


def text(files: object) -> bytes:
    return packed(json.dumps(files).encode())


BAD = [
    pytest.param(b"no gzip", "damaged", id="not packed"),
    pytest.param(text({"a": ""})[:-4], "damaged", id="cut"),
    pytest.param(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + b"\xff" * 20, "damaged", id="packed and broken"),
    pytest.param(packed(b"no JSON"), "damaged", id="another text"),
    pytest.param(packed(b"[" * 100_000), "damaged", id="a text without a bottom"),
    pytest.param(text(["a"]), "damaged", id="a list"),
    pytest.param(text({"a": {"b": "c"}}), "damaged", id="a folder"),
    pytest.param(text({"a": "\ud800"}), "damaged", id="half a pair that stands for no byte"),
    pytest.param(packed(b" " * 2_000_000), "unpacked they are larger", id="larger than any"),
    pytest.param(text({str(number): "" for number in range(10_001)}), "have files", id="more files than any"),
    pytest.param(text({"a": "", "a/b": ""}), "a folder too", id="a file that is a folder"),
    *(
        pytest.param(text({path: ""}), "have files", id=f"the path {path[:20]!r}")
        for path in (
            *("", ".", "..", "/etc/passwd", "../record.json", "a/../../b", "a//b", "a/", ".hidden", "a/.git/config", "a\\b", "C:b"),
            *("a\n", "a\x00", "a b", "~/a", "ä", "x" * 256, "/".join("abcdefghi")),
        )
    ),
]


@pytest.mark.parametrize(("content", "sentence"), BAD)
def test_what_no_run_has_written_is_refused(content, sentence):
    with pytest.raises(InvalidBundle, match=sentence):
        unbundled(content, 1_000_000)


def test_they_lie_where_a_run_has_them_and_the_links_of_its_reports_lead(tmp_path):
    run = run_of("flaps")
    assert "" == bring(run, {"flaps": bundled(filled(tmp_path / "pod"))}, tmp_path / "out")
    assert FILES == files_in(tmp_path / "out" / run.scenarios[0].diagnostics)


def test_where_they_did_not_come_their_page_says_why(tmp_path):
    sentence = bring(run_of("one", "two", "three"), {"one": bundled(filled(tmp_path / "pod")), "two": b"x"}, tmp_path)
    assert "the diagnostics of 2 scenarios (two, three) did not come out of the pod" == sentence
    assert {
        ABOUT: b"# two: diagnostics\n\nThey did not come out of the pod: they are damaged.\n",
    } == files_in(tmp_path / FOLDER / "two")
    assert b"its log had no room for them" in (tmp_path / FOLDER / "three" / ABOUT).read_bytes()


def test_all_together_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "LARGEST", 1000)
    large = text({ABOUT: "x" * 700})
    assert "the diagnostics of 1 scenario (two) did not come out of the pod" == bring(
        run_of("one", "two"), {"one": large, "two": large}, tmp_path
    )
    assert b"larger than those of any run" in (tmp_path / FOLDER / "two" / ABOUT).read_bytes()


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run_of(flaps="diagnostics/other"), id="a path that is another scenario's"),
        pytest.param(run_of(flaps="../diagnostics/flaps"), id="a path that leads elsewhere"),
        pytest.param(run_of(flaps=""), id="none were taken"),
        pytest.param(run_of("../flaps"), id="a name that leads elsewhere"),
    ],
)
def test_what_its_record_does_not_name_is_not_written(run, tmp_path):
    content = bundled(filled(tmp_path / "pod"))
    assert "" == bring(run, {"flaps": content, "other": content, "../flaps": content}, tmp_path / "out")
    assert not (tmp_path / "out").exists()

"""A trend in each of its formats, and the command."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from trend_nights import CALICO, LEAK, days, nights, record, told

from conformance.cli import main
from conformance.trend import Section, Trend
from conformance.trend.chapters import history, sparkline, times
from conformance.trend.chart import charts
from conformance.trend.document import to_json
from conformance.trend.html import html
from conformance.trend.markdown import markdown
from conformance.trend.reading import Found
from conformance.trend.section import section
from conformance.trend.terminal import plain, print_trend
from conformance.world.verdict import Outcome

OLDER, OLD, NEW = ("1.15.17", "v1.34.4", "0.2.0"), ("1.15.18", "v1.34.4", "0.2.0"), ("1.15.19", "v1.35.0", "0.2.0")
SCRIPT = "<script>document.title='harm'</script>"
HOSTILE = f"{SCRIPT}\x1b[31m\ud800|`*_\n# no heading" + "x" * 1_000_000

STRIPS = {
    "all-is-well": "........",
    "broke": ".......F",
    "broke-and-is-flaky": "..F..F.F",
    "came-today": "-------.",
    "failed-for-a-week": ".FFFFFFF",
    "fixed": ".FFFFFF.",
    "gone": ".......-",
    "in-error": "......EE",
    "known": "xxxxxxxx",
    "now-known": "......Fx",
    "now-skipped": ".......s",
    "was-broken": ".F......",
}


def trend(*sections: Section, **more: object) -> Trend:
    return Trend("nights", sections, Found(()), **more)  # type: ignore[arg-type] # keys of Trend


@pytest.fixture
def week() -> Section:
    return told(STRIPS, [OLDER] * 2 + [OLD] * 5 + [NEW], [*days(5), *days(3, "2026-11-08")], p99=[0.4, 0.5, 0.4, None, 0.4, 0.4, 0.4, 1.2])


@pytest.fixture
def whole(week: Section) -> Trend:
    found = Found((), (("half.json", "the record is damaged"), ("newer.json", "install a newer one")), 3, 8, ("closed",))
    return Trend("nights", (week,), found, 1, "2026-11-01", 5, ("no index is kept",))


def test_the_markdown_is_as_it_was(whole: Trend) -> None:
    assert (Path(__file__).parent / "trend.md").read_text(encoding="utf-8") == markdown(whole)


FORMATS = {"Markdown": markdown, "HTML": html, "text": plain}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_every_page_says_everything(form, whole: Trend) -> None:
    text = form(whole).replace("\\", "").replace("&#39;", "'")
    for words in (
        *("cilium: last night (2026-11-10) is red: 2 new failures", "1 still failing, the first since 2026-11-02", "1 scenario fixed"),
        *("Broke last night: 2", "Fixed last night: 1", "A known deviation since last night: 1", "No longer measured since last night: 1"),
        *("In error last night, which says nothing of the plugin: 1", "Still failing: 1", "Flaky: 1", "Failed before, and fixed: 1"),
        *("Not in last night's record: 1", "New, in no earlier record: 1", "Time to enforce", "Nights: 8"),
        *("Cilium 1.15.18 → 1.15.19, Kubernetes v1.34.4 → v1.35.0", LEAK[:30], "1.20 s"),
        *("2 records could not be read", "1 record left aside", "5 nights before 2026-11-01", "3 other JSON files", "closed", "no index"),
        *("half.json", "install a newer one"),
    ):
        assert words in text


@pytest.mark.parametrize("form", [*FORMATS.values(), to_json], ids=[*FORMATS, "JSON"])
def test_hostile_names_do_no_harm(form) -> None:
    found = section(HOSTILE, nights({HOSTILE: ".F", "a": ".."}), {HOSTILE: HOSTILE})
    text = form(trend(found, found))
    text.encode("utf-8")
    assert "\x1b" not in text
    assert "\n# no heading" not in text
    if form is not to_json:
        assert len(text) < 200_000
    if form is not plain and form is not to_json:
        assert SCRIPT not in text


def test_the_markdown_is_cut_with_a_count(whole: Trend) -> None:
    text = markdown(whole, 2000)
    assert len(text.encode()) <= 2000
    assert "left out here for want of room: `--format json` has everything." in text.splitlines()[-1]
    assert text.startswith("# cilium: last night")


def test_several_plugins_are_told_one_by_one(week: Section) -> None:
    fine = section("calico", nights({"a": "..."}), {})
    text = plain(trend(week, fine))
    assert "2 plugins: 1 with new failures last night, 1 red, 1 green." in text
    assert "calico: last night (2026-11-03) is green: 1 passed." in text


def test_the_json_has_everything_and_is_stable(whole: Trend) -> None:
    document = json.loads(to_json(whole))
    assert to_json(whole) == to_json(whole)
    (plugin,) = document["plugins"]
    assert ("cni-conformance/trend", 1) == (document["format"], document["version"])
    assert {
        "scenario": "broke",
        "is_flaky": False,
        "sentence": LEAK,
        "last_good": "2026-11-09T01:00:00.000+00:00",
        "first_bad": "2026-11-10T01:00:00.000+00:00",
        "last_bad": "2026-11-10T01:00:00.000+00:00",
        "fixed": None,
        "nights_failed": 1,
        "nights_unmeasured_before": 0,
        "changed_when_it_broke": [
            {"what": "Cilium", "before": "1.15.18", "after": "1.15.19"},
            {"what": "Kubernetes", "before": "v1.34.4", "after": "v1.35.0"},
        ],
        "changed_when_it_was_fixed": [],
    } == plugin["broke"][0]
    assert (8, "pppppppf") == (len(plugin["nights"]), plugin["scenarios"]["broke"])
    assert [{"scenario": "broke-and-is-flaky", "nights_failed": 2, "nights_measured": 5}] == [
        {key: each[key] for key in ("scenario", "nights_failed", "nights_measured")} for each in plugin["flaky"]
    ]
    assert {"record": "half.json", "fault": "the record is damaged"} == document["left_aside"]["damaged"][0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.0, 0.5, 1.0], "▁▅█", id="from none to the most"),
        pytest.param([1.0, None, 1.0], "█ █", id="a gap"),
        pytest.param([0.0, 0.0], "▁▁", id="nothing takes any time"),
        pytest.param([None], " ", id="no time"),
        pytest.param([1.0] * 100, "█" * 60, id="the last sixty"),
    ],
)
def test_a_sparkline_is_a_mark_for_each_night(values, expected: str) -> None:
    assert expected == sparkline(values)


def test_a_night_without_times_is_a_gap_in_the_chart(week: Section) -> None:
    blocked, allowed = charts(week.nights)
    assert ("newly blocked", "newly allowed") == (blocked.title, allowed.title)
    assert [2, 2] == [line.path.count("M") for line in blocked.lines]
    assert ["p50 0.60 s", "p99 1.20 s"] == [line.label for line in blocked.lines]
    assert ["Cilium 1.15.18", "Cilium 1.15.19, Kubernetes v1.35.0"] == [turn.label for turn in blocked.turns]


def test_a_gap_in_the_nights_is_as_wide_as_it_is_long(week: Section) -> None:
    places = [place for place, _, _ in next(charts(week.nights)).lines[0].dots]
    a_day, three_days = places[1] - places[0], places[4] - places[3]
    assert pytest.approx(3 * a_day, abs=0.3) == three_days


def test_one_night_is_no_chart() -> None:
    assert [] == list(charts(nights({"a": "."})))


def test_nights_without_times_have_no_table_of_times() -> None:
    assert times(told({"a": ".."}, p99=[None, None])) is None


def test_two_runs_of_a_day_are_told_apart_by_the_hour() -> None:
    chapter = history(told({"a": "..."}, dates=["2026-11-01", "2026-11-02", "2026-11-02"]), 9)
    assert ["2026-11-02 01:00", "2026-11-02 01:00", "2026-11-01"] == [row[0] for row in chapter.rows]


def test_a_terminal_has_colours_and_its_own_width(week: Section) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard", record=True)
    print_trend(trend(week), console)
    assert "\x1b[" in console.export_text(clear=False, styles=True)
    sentences = ("cilium", ".")  # the terminal itself breaks them
    assert 100 >= max(len(line) for line in console.export_text().splitlines() if not line.startswith(sentences))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    for day, outcome in zip(days(3), (Outcome.PASSED, Outcome.PASSED, Outcome.FAILED), strict=True):
        record(tmp_path / "nights", day, {"a": outcome, "b": Outcome.PASSED})
        record(tmp_path / "nights" / "calico", day, {"a": Outcome.PASSED}, plugin=CALICO)
    return tmp_path / "nights"


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["trend", *map(str, words)])
    return result.exit_code, result.output


OUTPUTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "the terminal": ((), "2 plugins: 1 with new failures last night, 1 red, 1 green."),
    "Markdown": (("--format", "markdown"), "# 2 plugins: 1 with new failures"),
    "HTML": (("--format", "html"), "<!doctype html>"),
    "JSON": (("--format", "json"), '"format": "cni-conformance/trend"'),
    "one plugin": (("--plugin", "calico"), "calico: last night (2026-11-03) is green: 1 passed."),
    "since": (("--since", "2026-11-03", "--plugin", "cilium"), "cilium: the only night (2026-11-03) is red: 1 scenario failed."),
}


@pytest.mark.parametrize(("words", "expected"), OUTPUTS.values(), ids=OUTPUTS)
def test_the_command_prints(folder: Path, words: tuple[str, ...], expected: str) -> None:
    code, output = run(folder, *words)
    assert (0, True) == (code, expected in output)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("trend.html", "<!doctype html>", id="HTML"),
        pytest.param("trend.md", "# 2 plugins", id="Markdown"),
        pytest.param("trend.json", "{", id="JSON"),
        pytest.param("trend", "2 plugins", id="text"),
    ],
)
def test_the_command_writes_a_file_as_its_name_ends(folder: Path, tmp_path: Path, name: str, expected: str) -> None:
    assert (0, "") == run(folder, "-o", tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("nowhere",), "nowhere: there is no such folder\n", id="no folder"),
        pytest.param(("nights", "--since", "x"), "--since x: a day is written as 2026-11-21\n", id="no date"),
        pytest.param(
            ("nights", "-o", "/proc/no/where.md"),
            "/proc/no/where.md cannot be written: No such file or directory\n",
            id="no place to write",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch, words, expected: str) -> None:
    monkeypatch.chdir(folder.parent)
    assert (2, expected) == run(*words)

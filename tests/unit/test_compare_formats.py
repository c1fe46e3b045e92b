"""What a comparison looks like: Markdown, JSON, terminal and page, and the command that makes them.

The files in `golden` are what the formats must be, to the letter. Where a change is meant, look at them after
`CNI_CONFORMANCE_GOLDEN=1 pytest tests/unit/test_compare_formats.py` has written them anew.
"""

import io
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import hostile_run
import pytest
import sample_run
from click.testing import CliRunner
from compared_runs import FAILED, LEAK, cilium, digest, enforced, finding, ptp, scenario
from markdown_it import MarkdownIt
from rich.console import Console

from conformance.cli import main
from conformance.compare import Comparison, compare, html, markdown, print_comparison, to_json
from conformance.record import Run, write
from conformance.record.digest import Digest, digest_of
from conformance.world.verdict import AnswerKind, FindingKind, Outcome

GOLDEN = Path(__file__).parent / "golden"
BOTH = compare([cilium(), ptp()])


def terminal(comparison: Comparison) -> str:
    text = io.StringIO()
    print_comparison(comparison, Console(file=text, width=80, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


@pytest.mark.parametrize(("name", "written"), [("compared.md", markdown), ("compared.json", to_json), ("compared.txt", terminal)])
def test_a_format_is_as_its_golden_file(name, written):
    path = GOLDEN / name
    if os.environ.get("CNI_CONFORMANCE_GOLDEN"):
        path.write_text(written(BOTH), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written(BOTH)


def many(number: int) -> Comparison:
    """So many records; the last one leaks in many scenarios, and all have some of their own."""
    shared = [scenario(f"scenario-{place:03}", enforcements=enforced(0.1)) for place in range(120)]
    leaking = [replace(each, outcome=FAILED, findings=(finding(LEAK),)) for each in shared]
    own = [scenario(f"own-{place:03}") for place in range(60)]
    return compare([digest("leaky", *leaking, *own), *(digest(f"plugin-{place}", *shared) for place in range(1, number))])


def test_rows_that_are_left_out_are_counted():
    text = markdown(many(2))
    assert "… and 70 more rows: the HTML page and the JSON have all." in text
    assert "- **leaky** has alone 60 scenarios: own-000, " in text
    assert "own-049 and 10 more" in text
    assert "… and 105 more: --format html or json has all" in terminal(many(2))


@pytest.mark.parametrize("limit", [900, 3000, 9000])
def test_markdown_is_never_longer_than_its_limit_and_counts_what_is_missing(limit):
    text = markdown(BOTH, limit)
    missing = int(re.findall(r"\*\*(\d+) more sections? left out here for want of room", text)[0]) if limit < 9000 else 0
    assert len(text.encode()) <= limit
    assert 13 == missing + text.count("\n### ") + text.startswith("## ")


def test_every_table_of_the_markdown_has_its_columns():
    tables = MarkdownIt().enable("table").render(markdown(BOTH))
    rows = [len(re.findall("<t[hd][ >]", row)) for table in tables.split("<table>")[1:] for row in table.split("<tr>")[1:]]
    heads = [len(re.findall("<th[ >]", table)) for table in tables.split("<table>")[1:]]
    assert 12 == len(heads)
    assert set(heads) == set(rows)


def test_on_a_terminal_many_records_are_numbers():
    lines = terminal(many(5)).splitlines()
    assert next(each.split() for each in lines if each.startswith("scenario ")) == [
        "scenario",
        "1",
        "2",
        "3",
        "4",
        "5",
        "where,",
        "or",
        "why",
    ]


@pytest.mark.parametrize(("number", "kinds", "hint"), [(2, True, False), (5, False, True)])
def test_on_a_terminal_times_by_kind_of_change_are_shown_where_there_is_room(number, kinds, hint):
    text = terminal(many(number))
    assert (kinds, hint) == ("newly blocked, apply" in text, "by kind of change: --format html, markdown or json" in text)


def with_gaps() -> Comparison:
    """A record that does not have a scenario, one that was not asked it, and five who look at different times."""
    leak = scenario("a", FAILED, finding(LEAK), open={(1, "x -> y"): AnswerKind.REFUSED})
    passed = scenario("a", open={(1, "x -> y"): AnswerKind.CONNECTED})
    rows = [(leak,), (passed,), (scenario("a", Outcome.NOT_SUPPORTED),), (), (passed,)]
    return compare([digest(f"plugin-{place}", *each, scenario("other"), resolution=0.1 * (place + 1)) for place, each in enumerate(rows)])


def test_what_a_record_does_not_have_is_a_dash_and_no_agreement():
    row = "| own/a | ❌ failed: 1 leak | ✅ passed | ⚪ not-supported | - | ✅ passed |"
    assert row in markdown(with_gaps())
    assert "| a | blocked (refused) | allowed | not measured | not measured | allowed | step 1: x -&gt; y |" in markdown(with_gaps())
    assert ["own/a", "✗1", "✓", "-", "-", "✓"] == next(line.split()[:6] for line in terminal(with_gaps()).splitlines() if "own/a" in line)
    assert ["a", "X", ".", "-", "-", "."] == next(line.split()[:6] for line in terminal(with_gaps()).splitlines() if "x -> y" in line)
    assert "leak: plugin-0; as expected: plugin-1, plugin-4; not judged: plugin-2, plugin-3" in html(with_gaps())


def test_of_many_records_it_is_said_between_which_times_they_looked():
    assert "between two looks at a table: 0.10 s to 0.50 s." in terminal(with_gaps())


def test_on_a_terminal_it_is_as_wide_as_the_terminal():
    text = io.StringIO()
    print_comparison(BOTH, Console(file=text, width=100, force_terminal=True, no_color=True, highlight=False))
    lines = re.sub("\x1b\\[[0-9;]*m", "", text.getvalue()).splitlines()
    assert 100 >= max(map(len, lines))


def test_the_json_has_an_entry_for_each_record_wherever_it_says_so():
    document = json.loads(to_json(many(4)))
    assert ("cni-conformance/comparison", 1, 4) == (document["format"], document["version"], len(document["records"]))
    assert {4} == {len(each["became"]) for each in document["scenarios"]} | {
        len(where["seen"]) for each in document["scenarios"] for where in each["where"]
    }
    assert {4} == {len(each["outcomes"]) for each in (*document["groups"], *document["capabilities"])}


class Page(HTMLParser):
    """What a reader of a page may meet: tags with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_has_a_row_for_every_scenario_and_a_column_for_every_record():
    page = Page(html(BOTH))
    rows = [attributes for attributes in page.all("tr") if "data-kinds" in attributes]
    assert 9 == len(rows)
    assert ["leak", "outage", "error", "not-supported", "known", "other-cells", "open", "", ""] == [each["data-kinds"] for each in rows]
    assert 1 == len(page.all("h1"))


def test_the_page_asks_nobody_for_anything():
    page = Page(html(BOTH))
    assert ([], []) == (page.all("link"), page.all("img"))
    assert {None} == {each.get(name) for _, each in page.tags for name in ("src", "srcset", "action", "data")}
    assert {"#main"} == {each["href"] for _, each in page.tags if "href" in each}


def test_every_region_that_scrolls_has_a_name_and_can_be_reached_by_keyboard():
    regions = [each for _, each in Page(html(BOTH)).tags if each.get("role") == "region"]
    assert all(each.get("tabindex") == "0" and (each.get("aria-labelledby") or each.get("aria-label")) for each in regions)
    assert 9 == len(regions)


# --- hostile records --------------------------------------------------------------------------------------------------


def hostile() -> Comparison:
    def said(each: Digest, name: str) -> Digest:
        return replace(each, path=Path(f"{name}-{hostile_run.SCRIPT[:80].replace('/', '')}"))

    one = digest_of(hostile_run.run())
    strange = hostile_run.SCRIPT + hostile_run.STRANGE
    findings = (finding(FindingKind.WRONGLY_ALLOWED, strange), finding(FindingKind.CUT, hostile_run.LONG))
    two = replace(
        one,
        facts=replace(one.facts, started=strange),
        scenarios=tuple(replace(each, outcome=FAILED, findings=findings, group=strange, about=strange) for each in one.scenarios),
    )
    return compare([said(one, "a"), said(two, "b")])


@pytest.mark.parametrize("written", [markdown, terminal, html])
def test_what_a_cluster_says_does_a_reader_no_harm(written):
    text = written(hostile())
    assert text.encode("utf-8").decode() == text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2028]", text)
    assert len(text) < 500_000


def test_no_markup_of_a_record_becomes_markup():
    page = Page(html(hostile()))
    assert (1, [], []) == (len(page.all("script")), page.all("img"), [each for _, each in page.tags if "onerror" in each])
    assert "<script" not in MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown(hostile()))


def test_strange_characters_stand_escaped_in_the_json():
    text = to_json(hostile())
    assert text.isascii()
    assert hostile_run.SCRIPT == json.loads(text)["records"][0]["plugin"]["name"]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run = sample_run.run()
    write(run, tmp_path / "a.json")
    (tmp_path / "b").mkdir()
    write(replace(run, facts=replace(run.facts, plugin=replace(run.facts.plugin, name="calico"))), tmp_path / "b" / "record.json")
    fine = sample_run.fine_run()
    write(replace(fine, facts=replace(fine.facts, plugin=replace(fine.facts.plugin, name="fine"))), tmp_path / "fine.json")
    write(Run(fine.facts, (replace(fine.scenarios[0], name="another"),)), tmp_path / "other.json")
    worse = (replace(run.scenarios[1], name="limit-traffic"),)
    write(Run(replace(fine.facts, plugin=replace(fine.facts.plugin, name="worse")), worse), tmp_path / "worse.json")
    (tmp_path / "damaged.json").write_text('{"format": "cni-conformance/record", "version": 2}')
    (tmp_path / "newer.json").write_text('{"format": "cni-conformance/record", "version": 99}')
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "empty").mkdir()
    return tmp_path


def commanded(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["--no-color", "compare", *words])
    return result.exit_code, result.output


def test_compare_prints_for_people(folder):
    code, output = commanded("a.json", "b")
    assert (0, "cilium and calico agree in all 14 scenarios.") == (code, output.splitlines()[0])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("a.json", "b"), 0),
        (("fine.json", "worse.json"), 0),
        (("fine.json", "worse.json", "--exit-code"), 1),
        (("a.json", "b", "--exit-code"), 0),
    ],
)
def test_that_records_differ_is_an_error_only_if_one_asks_for_it(folder, words, code):
    assert code == commanded(*words)[0]


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("-o", "out/x.html"), "<!doctype html>"),
        (("-o", "x.md"), "## cilium and calico agree"),
        (("-o", "x.json"), '{\n "format": "cni-conformance/comparison"'),
        (("-o", "x.txt"), "cilium and calico agree"),
        (("-o", "x", "--format", "html"), "<!doctype html>"),
        (("-o", "x.html", "--format", "markdown"), "## cilium"),
    ],
)
def test_the_ending_of_the_file_says_the_format(folder, words, begins):
    code, output = commanded("a.json", "b", *words)
    assert (0, f"comparison: {words[1]}\n") == (code, output)
    assert (folder / words[1]).read_text().startswith(begins)


@pytest.mark.parametrize(
    ("form", "begins"), [("html", "<!doctype html>"), ("markdown", "## "), ("json", "{\n"), ("terminal", "cilium and calico")]
)
def test_without_a_file_a_format_is_printed(folder, form, begins):
    code, output = commanded("a.json", "b", "--format", form)
    assert (0, True) == (code, output.startswith(begins))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("a.json",), "compare needs two records or more"),
        (("a.json", "a.json"), "a.json is given twice: give each record once"),
        (("b", "b/record.json"), "b and b/record.json hold the same run: give each run once"),
        (("a.json", "other.json"), "a.json and other.json share no scenario: there is nothing to compare"),
        (("a.json", "no.json"), "no.json: the record cannot be read: No such file or directory"),
        (("a.json", "empty"), "empty/record.json: the record cannot be read: No such file or directory"),
        (("a.json", "damaged.json"), "damaged.json: the record is damaged: record has no 'facts'"),
        (("a.json", "newer.json"), "newer.json: the record has version 99 and this cni-conformance reads up to 2: install a newer one"),
        (("a.json", "text.json"), "text.json: the record is damaged: record is not JSON (Expecting value in line 1, column 1)"),
        (("a.json", "b", "-o", "empty"), "empty cannot be written: Is a directory"),
        (("a.json", "b", "-o", "a.json/x.html"), "a.json/x.html cannot be written: Not a directory"),
    ],
)
def test_what_a_person_can_get_wrong_is_one_sentence(folder, words, sentence):
    assert (2, f"{sentence}\n") == commanded(*words)

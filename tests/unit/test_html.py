"""The page of one run before any browser: whole, self-contained, biggest problems first, and its packed tables say what the record says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import every_outcome
import hostile_run
import pytest
import sample_run
from markupsafe import Markup

from conformance.judge import FindingKind, Judgement
from conformance.record import Run, ScenarioRecord, ShardFacts
from conformance.record.digest import digest_of
from conformance.report.baseline import news
from conformance.report.html import html, html_parts, write_html
from conformance.report.html.overview import by_capability, by_group, overview
from conformance.report.html.scenario import PROBLEMS, problem_of, row_of
from conformance.report.html.shared import MOST_LINES, Shared, labels_of, packed, script_json, width_for
from conformance.report.html.shell import document
from conformance.report.html.templates import asset, render
from conformance.report.summary import Enforced, Summary, headline
from conformance.report.tables import DIFFERENCE
from conformance.shard import Shard
from conformance.world.verdict import AnswerKind, Outcome

RUN = every_outcome.run()
PAGE = html(RUN)
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Elements(HTMLParser):
    """The elements of a page: their names and attributes, the text in them, and the data of its scripts by id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._inside != "style":
            self.text += data

    @cached_property
    def data(self) -> dict[str, Any]:
        return {str(attributes["id"]): json.loads(text) for attributes, text in self.scripts if "id" in attributes}


FOUND = Elements(PAGE)


def rows(found: Elements = FOUND) -> dict[str, str]:
    """The scenarios of a page in its order, with their ids."""
    return {str(attributes["data-name"]): str(attributes["id"]) for tag, attributes in found.elements if "data-name" in attributes}


def data_of(name: str, found: Elements = FOUND) -> dict[str, Any]:
    document: dict[str, Any] = found.data[f"d{rows(found)[name][1:]}"]
    return document


# --- the page as a whole --------------------------------------------------------------------------------------------


def test_the_sentence_stands_first() -> None:
    sentence = headline(RUN, Summary.of(RUN))
    assert sentence in FOUND.text
    assert FOUND.text.index(sentence) < FOUND.text.index("cells judged")


@pytest.mark.parametrize("scenario", RUN.scenarios, ids=lambda scenario: scenario.name)
def test_each_scenario_stands_with_its_sentence(scenario: ScenarioRecord) -> None:
    assert scenario.name in rows()
    assert scenario.sentence in FOUND.text


def test_nothing_is_asked_of_anybody() -> None:
    loading = [(tag, attributes) for tag, attributes in FOUND.elements if {"src", "srcset", "action", "data", "poster"} & set(attributes)]
    assert [] == loading
    assert [] == [tag for tag, _ in FOUND.elements if tag in ("link", "img", "iframe", "object", "base")]
    assert [] == re.findall(r"url\(|@import", asset("house.css") + asset("run.css"))
    assert all(str(attributes["href"]).startswith("#") for tag, attributes in FOUND.elements if "href" in attributes)


def test_only_the_pages_own_script_may_run() -> None:
    policy = next(str(attributes["content"]) for tag, attributes in FOUND.elements if "http-equiv" in attributes)
    assert "default-src 'none'" in policy
    assert 1 == policy.count("sha256-")
    assert 1 == sum("type" not in attributes for attributes, _ in FOUND.scripts)
    assert not [name for _, attributes in FOUND.elements for name in attributes if name.startswith("on")]


def test_the_biggest_problems_come_first() -> None:
    sections = [str(attributes["id"]) for tag, attributes in FOUND.elements if attributes.get("class") == "problem"]
    assert list(PROBLEMS) == sections
    assert ["leaks-and-outages", "a-connection-is-cut", "large-packets", "flaps"] == list(rows())[:4]


def test_a_page_is_the_same_in_pieces_and_in_a_file(tmp_path: Path) -> None:
    write_html(RUN, tmp_path / "report.html")
    assert PAGE == (tmp_path / "report.html").read_text(encoding="utf-8")
    assert PAGE == "".join(html_parts(RUN.facts, (each for each in RUN.scenarios)))


def test_a_run_without_scenarios_says_so() -> None:
    assert "The record has no scenario." in html(Run(replace(RUN.facts, planned=0)))


def test_what_does_not_fit_is_counted_and_the_worst_is_kept() -> None:
    page = Elements(html(RUN, limit=len(json.dumps(data_of("leaks-and-outages"), separators=(",", ":"))) + 10))
    assert "Tables and pictures of 15 scenarios are left out here for want of room" in page.text
    assert {rows(page)["leaks-and-outages"].replace("s", "d"), "shared"} == set(page.data)
    assert list(rows()) == list(rows(page))


# --- the numbers ----------------------------------------------------------------------------------------------------


def test_what_a_shard_left_out_is_counted_of_the_whole_catalogue() -> None:
    shard = ShardFacts(Shard(1, 8), 410, "selection", "catalogue")
    facts = replace(RUN.facts, planned=52, left_out=15, left_out_disruptive=0, shard=shard)
    assert "15 of 425 scenarios left out" in Elements(html(Run(facts, ()))).text


@pytest.mark.parametrize(
    ("times", "number", "note"),
    [
        pytest.param(Enforced(4, 0, 0.5, 2.0), "0.50 s", "median; 99 %: 2.00 s; 4 cells", id="all got there"),
        pytest.param(Enforced(4, 1, 0.5, 2.0), "0.50 s", "median; 99 %: 2.00 s; 1 of 4 cells never", id="most did"),
        pytest.param(Enforced(4, 3, 0.5, 0.5), "never", "3 of 4 cells; the others: median 0.50 s, 99 %: 0.50 s", id="most did not"),
        pytest.param(Enforced(1, 1, None, None), "never", "none of 1 cell", id="none did"),
        pytest.param(Enforced(0, 0, None, None), "-", "no cell changed so", id="none had to"),
    ],
)
def test_a_time_to_enforce_is_that_of_most_cells(times: Enforced, number: str, note: str) -> None:
    found = overview(RUN.facts, (), replace(Summary.of(RUN), newly_blocked=times))
    assert f'<dt>newly blocked after</dt><dd class="figure">{number}</dd><dd class="muted small">{note}</dd>' in found


def test_groups_are_counted_the_worst_first() -> None:
    shares = by_group([row_of(each, Shared()) for each in RUN.scenarios])
    assert ["changes", "ports", "recipes", "articles"] == [share.name for share in shares]
    assert Summary.of(RUN).leaks == sum(share.leaks for share in shares)
    assert Summary.of(RUN).outages == sum(share.outages for share in shares)
    assert dict(Summary.of(RUN).outcomes) == {each: sum(share.outcomes[each] for share in shares) for each in Summary.of(RUN).outcomes}


def test_capabilities_are_counted_with_those_that_nobody_needs() -> None:
    shares = {share.name: share for share in by_capability(RUN.facts, [row_of(each, Shared()) for each in RUN.scenarios])}
    assert {"core", "ipv4", "ipv6", "sctp", "end-port"} == set(shares)
    assert 0 == shares["ipv4"].total
    assert "the run did not have it" == shares["sctp"].note
    assert len(RUN.scenarios) == shares["core"].total + shares["ipv6"].total + shares["sctp"].total


def test_capabilities_that_the_run_had_are_left_out_where_no_scenario_needs_any() -> None:
    rows = [replace(row_of(each, Shared()), needs=()) for each in RUN.scenarios]
    assert ["core"] == [share.name for share in by_capability(RUN.facts, rows)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("leaks-and-outages", "leaks", id="leaks before outages"),
        pytest.param("large-packets", "outages", id="an outage"),
        pytest.param("flaps", "unstable", id="a flap"),
        pytest.param("a-connection-is-cut", "leaks", id="a leak beside the rounds"),
        pytest.param("another-source", "faults", id="a wrong source"),
        pytest.param("no-network", "faults", id="a fault of the network"),
        pytest.param("an-open-cell", "faults", id="an illegal outcome"),
        pytest.param("a-dead-server", "errors", id="an error"),
        pytest.param("no-longer-known", "stale", id="a known deviation that stopped failing"),
        pytest.param("known", "known", id="a known deviation"),
        pytest.param("legacy-annotation", "not-supported", id="not supported"),
        pytest.param("deselected", "skipped", id="skipped"),
        pytest.param("limit-traffic", "passed", id="passed"),
    ],
)
def test_each_problem_has_its_section(name: str, problem: str) -> None:
    assert problem == problem_of(next(each for each in RUN.scenarios if each.name == name))


def test_a_known_deviation_that_stopped_failing_does_not_hide_a_leak() -> None:
    stale = next(each for each in RUN.scenarios if each.name == "no-longer-known")
    leak = next(each for each in RUN.scenarios if each.name == "leaks-and-outages").judgement.findings
    assert "leaks" == problem_of(replace(stale, judgement=Judgement(Outcome.FAILED, "", (*stale.judgement.findings, *leak))))


def test_news_stand_at_the_top() -> None:
    before = Run(RUN.facts, tuple(each for each in sample_run.fine_run().scenarios))
    text = Elements(html(RUN, news=news(digest_of(RUN, Path()), digest_of(before, Path())))).text
    assert "Something is worse than before" in text
    assert text.index("new failure: 8") < text.index("cells judged")


@pytest.mark.parametrize(("planned", "title"), [(1, "Nothing is worse than before"), (2, "The run was cut short")])
def test_a_run_that_was_cut_short_is_not_called_as_good_as_before(planned: int, title: str) -> None:
    fine = sample_run.fine_run()
    now = replace(fine, facts=replace(fine.facts, planned=planned))
    assert title in Elements(html(now, news=news(digest_of(now, Path()), digest_of(fine, Path())))).text


@pytest.mark.parametrize(
    ("folder", "links"),
    [
        pytest.param("diagnostics/flaps", ["diagnostics/flaps"], id="a folder beside the record"),
        pytest.param("", [], id="none"),
        pytest.param("../../etc", [], id="a way out"),
        pytest.param("/etc", [], id="from the root"),
        pytest.param("javascript:alert(1)", [], id="a script"),
        pytest.param("https://example.org/x", [], id="elsewhere"),
    ],
)
def test_diagnostics_are_linked_where_they_lie_below(folder: str, links: list[str]) -> None:
    found = Elements(html(Run(RUN.facts, (replace(RUN.scenarios[0], diagnostics=folder),))))
    assert links == [attributes["href"] for _, attributes in found.elements if not str(attributes.get("href", "#")).startswith("#")]


# --- packed tables --------------------------------------------------------------------------------------------------


def unpacked(code: str, width: int) -> list[int]:
    digits = [DIGITS.index(each) for each in code]
    return [
        sum(digit << 6 * (width - 1 - place) for place, digit in enumerate(digits[at : at + width])) for at in range(0, len(digits), width)
    ]


@pytest.mark.parametrize(("numbers", "width"), [([0, 1, 63], 1), ([0, 64, 4095], 2), ([0, 4096, 262_143], 3), ([], 1)])
def test_numbers_are_packed_and_unpacked(numbers: list[int], width: int) -> None:
    assert width == width_for(max(numbers, default=0) + 1)
    assert numbers == unpacked(packed(numbers, width), width)


def cells_of(name: str) -> Iterator[tuple[int, str, dict[str, Any], list[Any]]]:
    """Each cell of a page: step, question, expectation and what it says."""
    data, texts = data_of(name), FOUND.data["shared"]["texts"]
    wide, narrow, deep = data["digits"]
    for step in data["steps"]:
        code = data["sequences"][step["asks"]]
        count = len(code) // (2 * wide + narrow)
        sources, destinations = (unpacked(code[at * count * wide : (at + 1) * count * wide], wide) for at in (0, 1))
        lanes = unpacked(code[2 * count * wide :], narrow)
        says, expects = unpacked(step["cells"], step["width"]), unpacked(step["expects"], deep)
        for source, destination, lane, say, expect in zip(sources, destinations, lanes, says, expects, strict=True):
            who, whom = (texts[data["places"][place]] for place in (source, destination))
            port, is_six = data["lanes"][lane]
            question = f"{who} -> {whom} {texts[port]} {'ipv6' if is_six else 'ipv4'}"
            verdict, reasons = data["expectations"][expect][:2]
            spoken = [texts[FOUND.data["shared"]["reasons"][reason][1]] for reason in reasons]
            yield step["number"], question, {"verdict": ("allowed", "blocked", "open")[verdict], "reasons": spoken}, step["says"][say]


@pytest.mark.parametrize("scenario", [each for each in RUN.scenarios if each.measurement.steps], ids=lambda scenario: scenario.name)
def test_cells_say_what_the_record_says(scenario: ScenarioRecord) -> None:
    kinds, answers = list(AnswerKind), data_of(scenario.name)["answers"]
    for (number, question, expected, says), (step, asked) in zip(
        cells_of(scenario.name), ((each, question) for each in scenario.measurement.steps for question in each.expected), strict=True
    ):
        assert (step.number, str(asked)) == (number, question)
        expectation, track = step.expected[asked], step.timeline.tracks.get(asked)
        assert {"verdict": expectation.verdict.value, "reasons": [each.text for each in expectation.reasons]} == expected
        assert (track[-1].answer.kind if track else None) == (kinds[answers[says[0]][0]] if says[0] >= 0 else None)


@pytest.mark.parametrize("scenario", [each for each in RUN.scenarios if each.measurement.steps], ids=lambda scenario: scenario.name)
def test_wrong_cells_have_their_marks(scenario: ScenarioRecord) -> None:
    wrong = {
        (each.step, str(each.question)): DIFFERENCE[each.kind]
        for each in scenario.judgement.findings
        if each.question is not None and not each.is_beside and each.kind in DIFFERENCE
    }
    assert wrong == {(number, question): says[1] for number, question, _, says in cells_of(scenario.name) if says[1] not in ("", "t", "*")}


def test_changed_cells_have_their_time_to_enforce() -> None:
    scenario = next(each for each in RUN.scenarios if each.name == "limit-traffic")
    times = {(each.step, str(each.question)): (each.seconds, each.after) for each in scenario.judgement.enforcements}
    assert times == {(number, question): (says[2], says[4]) for number, question, _, says in cells_of("limit-traffic") if len(says) > 3}


def test_a_cell_that_was_right_at_once_has_no_track() -> None:
    scenario = next(each for each in RUN.scenarios if each.name == "flaps")
    long = sum(len(track) > 1 for track in scenario.measurement.steps[1].timeline.tracks.values())
    assert [0, long] == [len(step["tracks"]) for step in data_of("flaps")["steps"]]


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_of_finding_is_in_the_page(kind: FindingKind) -> None:
    sentences = {each.sentence for scenario in RUN.scenarios for each in scenario.judgement.findings if each.kind is kind}
    marks = {says[1] for name in rows() if f"d{rows()[name][1:]}" in FOUND.data for _, _, _, says in cells_of(name)}
    spoken = FOUND.text + "".join(text for name in rows() if (text := json.dumps(FOUND.data.get(f"d{rows()[name][1:]}"))))
    assert DIFFERENCE.get(kind) in marks or any(sentence in spoken for sentence in sentences)


# --- hostile words --------------------------------------------------------------------------------------------------

HOSTILE = html(hostile_run.run())


def test_hostile_words_stay_words() -> None:
    found = Elements(HOSTILE)
    assert {"html", "head", "meta", "title", "style", "body"} & {tag for tag, _ in found.elements}
    assert [] == [tag for tag, _ in found.elements if tag in ("img", "iframe", "svg", "object")]
    assert 1 == sum("type" not in attributes for attributes, _ in found.scripts)
    assert hostile_run.SCRIPT in found.text


def test_a_megabyte_a_surrogate_and_two_hundred_pods_make_no_large_page() -> None:
    assert len(HOSTILE.encode()) < 1_000_000
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff]", HOSTILE)


def test_a_long_policy_is_cut_with_a_count() -> None:
    shared = Shared()
    shared.lines("a\n" * (MOST_LINES + 7))
    assert "… (7 more lines)" in json.loads(shared.document())["texts"][0]


def test_many_labels_are_cut_with_a_count() -> None:
    assert labels_of({f"k{number}": "v" for number in range(42)}).endswith("k39=v, … (2 more)")


def test_json_cannot_end_its_element() -> None:
    assert '"\\u003c/script>\\u003c!--"' == script_json("</script><!--")


# --- the shell ------------------------------------------------------------------------------------------------------


def test_a_page_without_a_script_lets_none_run() -> None:
    page = document("a < b", Markup("<p>text</p>"), style="p { color: red }")
    assert "script-src 'none'" in page
    assert "<title>a &lt; b</title>" in page
    assert "p { color: red }" in page


def test_every_template_is_put_in_escaped() -> None:
    page = render("run-section.html", key="passed", title="<b>", rows=[])
    assert "&lt;b&gt;" in page

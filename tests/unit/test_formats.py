"""Every text format of a report, of a run with every outcome at once.

The files in `golden` are what the formats must be, to the letter. Where a change is meant, look at them after
`CNI_CONFORMANCE_GOLDEN=1 pytest tests/unit/test_formats.py` has written them anew: the difference is what a reader will see.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import every_outcome
import hostile_run
import pytest
import sample_run
import yaml
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from xmlschema import XMLSchema

from conformance import data
from conformance.judge import Judgement
from conformance.record import Facts, Plugin, Run, ScenarioRecord, ShardFacts
from conformance.record.digest import digest_of
from conformance.report import junit, markdown, tell
from conformance.report.baseline import Change, news
from conformance.report.formats import AFTER_A_RUN, Format, Kept, put, text
from conformance.report.markdown import LIMIT
from conformance.report.openmetrics import openmetrics
from conformance.report.profiles import profiles
from conformance.report.telling import Telling
from conformance.report.terminal import run_page
from conformance.shard import Shard
from conformance.world.verdict import Outcome

GOLDEN = Path(__file__).parent / "golden"
RUN = every_outcome.run()


def earlier() -> Run:
    """The night before: something was fixed since, something broke, something came and something went."""
    before = {each.name: each for each in RUN.scenarios}
    passed = Judgement(Outcome.PASSED, "all is well")
    failed = replace(before["flaps"].judgement, findings=before["flaps"].judgement.findings[:1])
    changed = {
        "leaks-and-outages": replace(before["leaks-and-outages"], judgement=passed),
        "limit-traffic": replace(before["limit-traffic"], judgement=failed),
        "an-open-cell": replace(before["an-open-cell"], judgement=failed),
        "no-world": replace(before["no-world"], judgement=passed),
        "gone": replace(before["limit-traffic"], name="gone"),
    }
    kept = [changed.get(name, each) for name, each in before.items() if name != "another-source"]
    facts = replace(RUN.facts, plugin=replace(RUN.facts.plugin, version="1.15.18"), started="2026-11-20T09:00:00Z")
    return Run(facts, (*kept, changed["gone"]))


def since(run: Run = RUN) -> Telling:
    return tell(run, news(digest_of(run), digest_of(earlier())))


def on_the_terminal(telling: Telling) -> str:
    problems = {each.name: each for each in RUN.scenarios}
    return f"{run_page(telling, [problems[each.digest.name] for each in telling.problems()], None)}\n"


TELLING, SINCE = tell(RUN), since()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *(pytest.param(each.file, lambda each=each: text(each, TELLING), id=each) for each in Format if each not in ("html", "terminal")),
        pytest.param("summary.txt", lambda: on_the_terminal(TELLING), id="terminal"),
        pytest.param("since.md", lambda: markdown(SINCE), id="markdown with a baseline"),
        pytest.param("since.txt", lambda: on_the_terminal(SINCE), id="terminal with a baseline"),
    ],
)
def test_a_format_is_as_its_golden_file(name: str, written: Any) -> None:
    path = GOLDEN / name
    if os.environ.get("CNI_CONFORMANCE_GOLDEN"):
        path.write_text(written(), encoding="utf-8")

    assert written() == path.read_text(encoding="utf-8")


def test_all_formats_but_the_terminal_are_made_in_one_reading() -> None:
    taken = iter(RUN.scenarios)
    kept = Kept()
    telling = put(kept, {each: Path(each.file) for each in AFTER_A_RUN}, RUN.facts, taken)

    assert TELLING == telling
    assert list(taken) == []
    assert kept.text.endswith("".join(text(each, TELLING) for each in AFTER_A_RUN if each is not Format.HTML))


def test_where_the_diagnostics_lie_is_told() -> None:
    failed = next(each for each in RUN.scenarios if each.name == "flaps")
    telling = tell(Run(RUN.facts, (replace(failed, diagnostics="diagnostics/flaps"),)))

    for written in (markdown(telling), junit(telling)):
        assert "\n  diagnostics: diagnostics/flaps\n" in written


# --- hostile runs -----------------------------------------------------------------------------------------------------

HOSTILE = tell(hostile_run.run())


@pytest.mark.parametrize("wanted", [each for each in Format if each not in (Format.HTML, Format.TERMINAL)])
def test_what_a_cluster_says_does_a_format_no_harm(wanted: Format) -> None:
    written = text(wanted, HOSTILE)

    assert written.encode("utf-8", "backslashreplace").decode() == written
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", written)


# --- JUnit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "telling",
    [
        pytest.param(TELLING, id="every outcome"),
        pytest.param(SINCE, id="with a baseline"),
        pytest.param(HOSTILE, id="hostile"),
        pytest.param(tell(Run(Facts("1", Plugin("p")))), id="nothing at all"),
    ],
)
def test_junit_obeys_its_schema(telling: Telling) -> None:
    XMLSchema(Path(__file__).parent / "junit.xsd").validate(junit(telling))


def test_junit_has_what_is_new_among_its_properties() -> None:
    properties = dict(re.findall(r'<property name="(since baseline[^"]*)" value="([^"]*)" />', junit(SINCE)))

    assert {
        "since baseline": SINCE.news.sentence if SINCE.news else "",
        "since baseline: new failure": "leaks-and-outages another-source",
        "since baseline: worse": "an-open-cell",
        "since baseline: new error": "no-world",
        "since baseline: fixed": "limit-traffic",
        "since baseline: not measured now": "gone",
    }.items() <= properties.items()


# --- Markdown ---------------------------------------------------------------------------------------------------------


def structure(source: str) -> list[tuple[str, str]]:
    """The headings, tables, fences and raw HTML that Markdown has, in order."""
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    found = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following is not None:
            found.append((token.tag, re.sub(r"\\(.)", r"\1", following.content)))
        elif token.type in ("table_open", "fence", "html_block"):
            found.append((token.type.removesuffix("_open"), token.content.strip() if token.type == "html_block" else ""))
    return found


PROBLEM = [("html_block", "<details><summary>tables, cells, policies</summary>"), ("fence", ""), ("html_block", "</details>")]


def test_markdown_is_a_heading_a_table_and_a_section_for_each_problem_the_biggest_first() -> None:
    problems = [
        part
        for each in TELLING.problems()
        for part in [
            ("h3", f"{'❌' if each.digest.outcome is Outcome.FAILED else '💥'} {each.digest.outcome}: {each.digest.name}"),
            *PROBLEM,
        ]
    ]
    others = [("☑️ known-deviation: 1"), ("⚪ not-supported: 1"), ("⚪ skipped: 1")]

    assert [
        ("h2", TELLING.headline),
        ("table", ""),
        *problems,
        *(part for each in others for part in [("h3", each), ("table", "")]),
    ] == structure(markdown(TELLING))


def test_markdown_begins_with_what_is_new() -> None:
    found = structure(markdown(SINCE))

    assert SINCE.news is not None
    assert [("h2", f"❌ {SINCE.news.sentence}"), ("table", ""), ("h2", SINCE.headline)] == found[:3]


def test_markdown_of_a_hostile_run_has_no_markup_but_ours() -> None:
    assert {"<details><summary>tables, cells, policies</summary>", "</details>"} == {
        content for kind, content in structure(markdown(HOSTILE)) if kind == "html_block"
    }


def of_failures(number: int) -> Telling:
    failed = next(each for each in RUN.scenarios if each.name == "leaks-and-outages")
    return tell(Run(RUN.facts, tuple(replace(failed, name=f"failed-{place}") for place in range(number))))


def test_a_thousand_failures_are_all_named_in_a_step_summary_and_tables_left_out_are_counted() -> None:
    source = markdown(of_failures(1000))
    shown = source.count("<details>")

    assert LIMIT < 2**20
    assert LIMIT - 10_000 < len(source.encode()) <= LIMIT
    assert [f"❌ failed: failed-{number}" for number in range(1000)] == [text for kind, text in structure(source) if kind == "h3"]
    assert 0 < shown < 1000
    assert f"**The tables of {1000 - shown} scenarios are left out here for want of room: record.json has everything.**" in source


def test_what_has_no_room_even_without_tables_is_counted() -> None:
    source = markdown(of_failures(100), limit=10_000)
    shown = len([content for kind, content in structure(source) if kind == "h3"])

    assert len(source.encode()) <= 10_000
    assert 0 < shown < 100
    assert f"**{100 - shown} more sections left out here for want of room: record.json has everything.**" in source
    assert "**The tables of 100 scenarios are left out here" in source


# --- OpenMetrics ------------------------------------------------------------------------------------------------------

Labels = tuple[tuple[str, str], ...]


def metrics(telling: Telling) -> dict[str, dict[Labels, float]]:
    """The samples by name and labels, as a parser of somebody else reads them; those of every sample are left out."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(openmetrics(telling)):
        for sample in family.samples:
            labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key not in ("plugin", "plugin_version")))
            found.setdefault(sample.name.removeprefix("cni_conformance_"), {})[labels] = sample.value
    return found


FOUND = metrics(TELLING)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        pytest.param("scenarios", {"outcome": "failed"}, 8, id="outcomes are counted"),
        pytest.param("scenarios", {"outcome": "known-deviation"}, 1, id="each of them"),
        pytest.param("wrongly_allowed_cells", {}, 4, id="leaks"),
        pytest.param("wrongly_blocked_cells", {}, 3, id="outages are another number"),
        pytest.param("findings", {"kind": "unstable"}, 1, id="every kind of finding"),
        pytest.param("run_duration_seconds", {}, 72.4, id="the duration has its unit"),
        pytest.param("run_start_time_seconds", {}, 1795251600, id="the start is seconds since 1970"),
        pytest.param("run_complete", {}, 1, id="it came to its end"),
        pytest.param("left_out_scenarios", {}, 15, id="what was not selected"),
        pytest.param("cells", {"state": "open"}, 2, id="open cells"),
        pytest.param(
            "time_to_enforce_seconds",
            {"direction": "newly-blocked", "change": "apply", "quantile": "0.99"},
            0.3,
            id="time to enforce by direction and kind of change",
        ),
        pytest.param("never_enforced_cells", {"direction": "newly-blocked", "change": "apply"}, 9, id="what never got there"),
        pytest.param("scenario_outcome", {"scenario": "flaps", "group": "changes", "outcome": "failed"}, 1, id="the outcome"),
        pytest.param("scenario_outcome", {"scenario": "flaps", "group": "changes", "outcome": "passed"}, 0, id="and no other"),
        pytest.param("scenario_duration_seconds", {"scenario": "flaps", "group": "changes"}, 2.75, id="how long a scenario took"),
    ],
)
def test_a_metric_says(name: str, labels: dict[str, str], value: float) -> None:
    assert value == FOUND[name][tuple(sorted(labels.items()))]


def test_metrics_end_as_the_format_wants_it_and_all_name_the_plugin() -> None:
    lines = openmetrics(TELLING).splitlines()

    assert lines[-1] == "# EOF"
    assert all('plugin="cilium",plugin_version="1.15.19"' in line for line in lines if not line.startswith("#"))


def test_metrics_have_no_type_that_the_older_text_format_does_not_know() -> None:
    assert {"gauge"} == {line.split()[-1] for line in openmetrics(TELLING).splitlines() if line.startswith("# TYPE")}


def test_metrics_of_a_hostile_run_are_read_and_keep_its_names() -> None:
    names = {dict(labels)["scenario"] for labels in metrics(HOSTILE)["scenario_outcome"]}

    assert hostile_run.SCRIPT in names


def test_metrics_of_a_run_without_times_have_none() -> None:
    found = metrics(tell(Run(Facts("1", Plugin("p"), started="some day"))))

    assert ({}, False, 0) == (found.get("time_to_enforce_seconds", {}), "run_start_time_seconds" in found, found["run_complete"][()])


def test_metrics_count_what_is_new() -> None:
    assert {"new failure": 2, "worse": 1, "fixed": 1} == {
        dict(labels)["change"]: value
        for labels, value in metrics(SINCE)["changes_since_baseline"].items()
        if dict(labels)["change"] in ("new failure", "worse", "fixed")
    }


# --- the conformance report -------------------------------------------------------------------------------------------


def report(run: Run = RUN) -> Any:
    return yaml.safe_load(profiles(tell(run)))


def some(*names: str, **facts: Any) -> Run:
    whole = replace(RUN.facts, planned=len(names), left_out=0, left_out_disruptive=0)
    return Run(replace(whole, **facts), tuple(each for each in RUN.scenarios if each.name in names))


def test_a_conformance_report_has_the_shape_of_the_others() -> None:
    found = report()
    (profile,) = found["profiles"]

    assert ("ConformanceReport", "2026-11-21T09:01:12Z", "networking.k8s.io/v1") == (
        found["kind"],
        found["date"],
        found["networkPolicyAPIVersion"],
    )
    assert ["organization", "project", "url", "version", "contact"] == list(found["implementation"])
    assert {"Passed": 0, "Failed": 7, "Skipped": 0, "Errors": 4} == profile["extended"]["statistics"]
    assert (["end-port", "ipv4", "ipv6"], ["sctp"]) == (
        profile["extended"]["supportedFeatures"],
        profile["extended"]["unsupportedFeatures"],
    )


def test_whose_plugin_it_is_comes_from_the_record() -> None:
    plugin = Plugin("cilium", "Cilium", "1.15.19", "cilium", "https://cilium.io/", ("@maintainers",))

    assert {
        "organization": "cilium",
        "project": "cilium",
        "url": "https://cilium.io/",
        "version": "1.15.19",
        "contact": ["@maintainers"],
    } == report(some("limit-traffic", plugin=plugin))["implementation"]


@pytest.mark.parametrize(
    ("run", "result"),
    [
        pytest.param(some("limit-traffic"), "success", id="all passed"),
        pytest.param(some("limit-traffic", "legacy-annotation"), "success", id="what the plugin does not offer counts nowhere"),
        pytest.param(some("limit-traffic", "deselected"), "partial", id="left out by somebody"),
        pytest.param(some("limit-traffic", left_out=3), "partial", id="not selected"),
        pytest.param(some("limit-traffic", planned=2), "partial", id="cut short"),
        pytest.param(some("limit-traffic", "a-dead-server"), "partial", id="an error is no failure"),
        pytest.param(some("limit-traffic", "an-open-cell", "deselected"), "failure", id="a failure"),
        pytest.param(
            Run(some("known").facts, tuple(replace(each, needs=()) for each in some("known").scenarios)), "failure", id="a known deviation"
        ),
        pytest.param(some(), "partial", id="nothing was asked"),
    ],
)
def test_the_result_of_the_core_profile(run: Run, result: str) -> None:
    assert result == report(run)["profiles"][0]["core"]["result"]


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_the_summary_for_scripts_is_ascii_and_has_the_facts_of_the_record() -> None:
    written = text(Format.JSON, SINCE)
    document = json.loads(written)
    schema = json.loads((data.folder("fixtures") / "record.schema.json").read_text(encoding="utf-8"))

    assert written.isascii()
    assert [] == list(Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/facts"}).iter_errors(document["facts"]))
    assert ("cni-conformance/summary", 4, 3) == (document["format"], document["wrongly_allowed"], document["wrongly_blocked"])
    assert "new failure" == document["since_baseline"]["changed"][0]["change"]


def test_without_a_baseline_the_summary_says_nothing_of_one() -> None:
    assert json.loads(text(Format.JSON, TELLING))["since_baseline"] is None


# --- what is new ------------------------------------------------------------------------------------------------------

BY_NAME = {each.name: each for each in RUN.scenarios}
OUTCOMES = {
    "passed": BY_NAME["limit-traffic"],
    "failed": BY_NAME["flaps"],
    "error": BY_NAME["no-world"],
    "skipped": BY_NAME["deselected"],
    "known": BY_NAME["known"],
}


HALF = ShardFacts(Shard(1, 2), 2, "", "")


def one(which: str | None) -> Run:
    return Run(sample_run.facts(which is not None), () if which is None else (replace(OUTCOMES[which], name="it"),))


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ("passed", "passed", None),
        ("passed", "failed", Change.NEW_FAILURE),
        ("known", "failed", Change.NEW_FAILURE),
        ("error", "failed", Change.NEW_FAILURE),
        (None, "failed", Change.NEW_FAILURE),
        ("failed", "failed", Change.STILL_FAILING),
        ("passed", "error", Change.NEW_ERROR),
        ("failed", "error", Change.NEW_ERROR),
        (None, "error", Change.NEW_ERROR),
        ("error", "error", Change.STILL_ERROR),
        ("failed", "passed", Change.FIXED),
        ("failed", "known", Change.FIXED),
        ("error", "passed", Change.FIXED),
        ("passed", "skipped", Change.GONE),
        ("failed", "skipped", Change.GONE),
        ("passed", None, Change.GONE),
        ("skipped", None, None),
        ("skipped", "skipped", None),
        (None, "passed", Change.NEW),
        (None, "skipped", Change.NEW),
    ],
)
def test_what_became_of_a_scenario_since_the_baseline(then: str | None, now: str | None, change: Change | None) -> None:
    found = news(digest_of(one(now)), digest_of(one(then)))

    assert change == found.change_of("it")
    assert (change in (Change.NEW_FAILURE, Change.NEW_ERROR)) == found.is_red


@pytest.mark.parametrize(
    ("then", "news_of_it"),
    [
        ("passed", "1 new failure: it."),
        ("known", "1 new failure: it."),
        ("error", "1 new failure: it (not measured then)."),
        ("skipped", "1 new failure: it (not measured then)."),
        (None, "1 new failure: it (not there then)."),
    ],
)
def test_a_failure_that_may_be_older_than_the_baseline_says_so(then: str | None, news_of_it: str) -> None:
    assert news_of_it == news(digest_of(one("failed")), digest_of(one(then))).sentence.partition(": ")[2]


def facts_of(planned: int = 1, **other: Any) -> Facts:
    return replace(sample_run.facts(planned), **other)


@pytest.mark.parametrize(
    ("now", "then", "sentence", "is_red"),
    [
        pytest.param(facts_of(), facts_of(families=("ipv4",)), ", over ipv4: nothing is worse.", False, id="other families"),
        pytest.param(facts_of(), facts_of(families=("ipv6", "ipv4")), ": nothing is worse.", False, id="the same families"),
        pytest.param(facts_of(), facts_of(shard=HALF), ", its shard 1/2 only: nothing is worse.", False, id="a shard"),
        pytest.param(facts_of(shard=HALF), facts_of(shard=HALF), ": nothing is worse.", False, id="the same shard"),
        pytest.param(facts_of(), facts_of(3), ", cut short: nothing is worse.", False, id="a run that was cut short"),
        pytest.param(facts_of(3), facts_of(), ": nothing is worse; the run was cut short.", True, id="this run was cut short"),
        pytest.param(facts_of(ended=""), facts_of(), ": nothing is worse; the run was cut short.", True, id="this run has no end"),
    ],
)
def test_what_makes_two_runs_hard_to_compare_is_said(now: Facts, then: Facts, sentence: str, *, is_red: bool) -> None:
    found = news(digest_of(replace(one("passed"), facts=now)), digest_of(replace(one("passed"), facts=then)))
    assert (f"Since Cilium 1.15.19 of 2026-11-21 09:00{sentence}", is_red) == (found.sentence, found.is_red)


def leaking(*cells: int, kinds: str = "wrongly-allowed") -> ScenarioRecord:
    record = BY_NAME["leaks-and-outages"]
    leaks = [each for each in record.judgement.findings if each.kind == "wrongly-allowed"]
    others = [each for each in record.judgement.findings if each.kind in kinds and each.kind != "wrongly-allowed"]
    return replace(record, name="it", judgement=replace(record.judgement, findings=(*(leaks[cell] for cell in cells), *others)))


@pytest.mark.parametrize(
    ("then", "now", "more"),
    [
        pytest.param(leaking(0), leaking(0), None, id="the same"),
        pytest.param(leaking(0, 1), leaking(0), None, id="less"),
        pytest.param(leaking(0), leaking(0, 1), "leaks in 1 more cell", id="another cell leaks"),
        pytest.param(leaking(1), leaking(0), "leaks in 1 more cell", id="as many, but others"),
        pytest.param(leaking(0), leaking(0, kinds="wrongly-blocked"), "now also wrongly-blocked", id="another kind"),
        pytest.param(leaking(0, kinds="wrongly-blocked"), leaking(kinds="wrongly-blocked"), None, id="a kind less"),
    ],
)
def test_a_scenario_that_failed_already_may_fail_worse(then: ScenarioRecord, now: ScenarioRecord, more: str | None) -> None:
    facts = sample_run.facts(1)
    (changed,) = news(digest_of(Run(facts, (now,))), digest_of(Run(facts, (then,)))).changed

    assert (Change.STILL_FAILING if more is None else Change.WORSE, more or "") == (changed.change, changed.more)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        pytest.param(
            SINCE.news,
            "Since Cilium 1.15.18 of 2026-11-20 09:00: 2 new failures: leaks-and-outages, another-source (not there then); "
            "1 worse: an-open-cell (now also illegal); 1 new error: no-world; 5 still failing, 5 still in error, 1 fixed, "
            "1 not measured now.",
            id="new trouble is named",
        ),
        pytest.param(
            news(digest_of(RUN), digest_of(RUN)),
            "Since Cilium 1.15.19 of 2026-11-21 09:00: nothing is worse; 8 still failing, 6 still in error.",
            id="a red night like the one before",
        ),
        pytest.param(
            news(digest_of(one("passed")), digest_of(one("passed"))),
            "Since Cilium 1.15.19 of 2026-11-21 09:00: nothing is worse.",
            id="fine",
        ),
        pytest.param(
            news(digest_of(RUN), digest_of(Run(Facts("1", Plugin("p"))))),
            "Since p, another plugin, cut short: 8 new failures: leaks-and-outages, flaps, an-open-cell, no-longer-known, "
            "a-connection-is-cut and 3 more (not there then); 6 new errors: a-dead-server, file-and-model, "
            "a-killed-probe, a-broken-change, something-left and 1 more; 4 not there then.",
            id="nothing in common",
        ),
    ],
)
def test_what_is_new_is_one_sentence(found: Any, sentence: str) -> None:
    assert sentence == found.sentence


def test_of_a_shard_nobody_expects_the_scenarios_of_the_others() -> None:
    now = Run(facts_of(0, shard=HALF))

    assert () == news(digest_of(now), digest_of(one("passed"))).changed

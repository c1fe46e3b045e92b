"""What there is to say of a scenario's nights."""

from __future__ import annotations

import pytest
from trend_nights import days, nights, told

from conformance.trend.chapters import chapters
from conformance.trend.columns import Flaky, columns_of
from conformance.trend.section import Section, changes
from conformance.trend.words import began, ended, headline, rate, still, waited

OLD, NEW = ("1.15.18", "v1.34.4", "0.2.0"), ("1.15.19", "v1.34.4", "0.2.0")


def lists(section: Section) -> dict[str, list[str]]:
    """The names in each list that is not empty."""
    kinds = ("broke", "still", "fixed", "became_known", "past", "flaky", "in_error", "idle", "gone")
    found = {kind: [each.name for each in getattr(section, kind)] for kind in kinds} | {"new": list(section.new)}
    return {kind: names for kind, names in found.items() if names}


@pytest.mark.parametrize(
    ("strip", "expected"),
    [
        pytest.param("...", {}, id="always passed"),
        pytest.param("..F", {"broke": ["a"]}, id="broke last night"),
        pytest.param(".FF", {"still": ["a"]}, id="broke before, and is not fixed"),
        pytest.param("FFF", {"still": ["a"]}, id="never passed"),
        pytest.param("FF.", {"fixed": ["a"]}, id="fixed last night"),
        pytest.param("F..", {"past": ["a"]}, id="fixed before"),
        pytest.param(".F.", {"fixed": ["a"], "flaky": ["a"]}, id="went and came back with nothing changed"),
        pytest.param(".F..", {"flaky": ["a"]}, id="flaky, and said once"),
        pytest.param("F.F", {"broke": ["a"], "flaky": ["a"]}, id="flaky, and fails again"),
        pytest.param(".xF", {"broke": ["a"]}, id="a known deviation fails in another way"),
        pytest.param("FFx", {"became_known": ["a"]}, id="an entry explains the failure"),
        pytest.param(".x.x", {"flaky": ["a"]}, id="a deviation that fails only sometimes"),
        pytest.param("xxx", {}, id="a known deviation"),
        pytest.param("..E", {"in_error": ["a"]}, id="in error"),
        pytest.param(".EE", {"in_error": ["a"]}, id="in error for two nights"),
        pytest.param(".FE", {"still": ["a"], "in_error": ["a"]}, id="failed when it was last measured"),
        pytest.param(".EF", {"broke": ["a"]}, id="broke behind an error"),
        pytest.param("FE.", {"fixed": ["a"]}, id="fixed behind an error"),
        pytest.param("..s", {"idle": ["a"]}, id="skipped since last night"),
        pytest.param("..n", {"idle": ["a"]}, id="not supported since last night"),
        pytest.param(".nn", {}, id="not supported for longer"),
        pytest.param("..-", {"gone": ["a"]}, id="gone"),
        pytest.param(".F-", {"gone": ["a"]}, id="gone while it failed"),
        pytest.param("--.", {"new": ["a"]}, id="new"),
        pytest.param("--F", {"broke": ["a"], "new": ["a"]}, id="new, and fails"),
        pytest.param("--n", {"new": ["a"]}, id="new, and not supported"),
        pytest.param(".--.", {}, id="back after two nights"),
    ],
)
def test_the_nights_of_a_scenario_say_what_became_of_it(strip: str, expected: dict[str, list[str]]) -> None:
    assert expected == lists(told({"a": strip, "whole": "." * len(strip)}))


def test_the_only_night_has_nothing_new() -> None:
    assert {"broke": ["a"]} == lists(told({"a": "F", "b": "."}))


def test_a_night_that_is_not_whole_takes_no_failure_away() -> None:
    found = told({"a": ".F-", "b": "..."}, missing={2: "373 scenarios left out"})
    assert {"still": ["a"], "gone": ["a"]} == lists(found)
    assert "not measured since 2026-11-02" in still(found, found.still[0])


def test_what_broke_under_one_version_and_was_fixed_by_another_is_not_flaky() -> None:
    assert {"past": ["a"]} == lists(told({"a": ".F.."}, [OLD, OLD, NEW, NEW]))


@pytest.mark.parametrize(
    ("strip", "versions", "expected"),
    [
        pytest.param(".F.F.", [OLD] * 5, Flaky("a", 2, 5, 4, 4), id="one version"),
        pytest.param(".F.E.", [OLD] * 5, Flaky("a", 1, 4, 2, 2), id="an error is no verdict"),
        pytest.param("....F.", [OLD] * 3 + [NEW] * 3, Flaky("a", 1, 3, 2, 5), id="only the nights of the version under which it is"),
        pytest.param(".F..F.", [OLD] * 3 + [NEW] * 3, Flaky("a", 2, 6, 4, 5), id="under both"),
    ],
)
def test_a_rate_counts_the_nights_of_the_versions_under_which_the_verdict_came_back(strip, versions, expected) -> None:
    assert (expected,) == told({"a": strip}, versions).flaky


def test_a_flaky_scenario_is_told_with_its_rate() -> None:
    assert "40%: failed in 2 of 5 nights, changed 4 times with nothing changed between" == rate(told({"a": ".F.F."}).flaky[0])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(OLD, NEW, ["Cilium 1.15.18 → 1.15.19"], id="the plugin"),
        pytest.param(OLD, ("1.15.18", "v1.35.0", "0.2.0"), ["Kubernetes v1.34.4 → v1.35.0"], id="Kubernetes"),
        pytest.param(OLD, ("1.15.18", "v1.34.4", "0.3.0"), ["suite 0.2.0 → 0.3.0"], id="the suite"),
        pytest.param(OLD, ("1.16.0", "v1.35.0", "0.2.0"), ["Cilium 1.15.18 → 1.16.0", "Kubernetes v1.34.4 → v1.35.0"], id="two at once"),
        pytest.param(OLD, ("", "v1.34.4", "0.2.0"), ["Cilium 1.15.18 → unknown"], id="a version that is not told any more"),
        pytest.param(OLD, OLD, [], id="nothing"),
    ],
)
def test_a_change_of_versions_names_which_of_the_three_it_was(before, after, expected) -> None:
    first, second = nights({"a": ".F"}, [before, after])
    assert expected == [str(change) for change in changes(first, second)]


@pytest.mark.parametrize(
    ("strip", "more", "expected"),
    [
        pytest.param(".F", {"versions": [OLD, NEW]}, "last good 2026-11-01; Cilium 1.15.18 → 1.15.19", id="a new version"),
        pytest.param(".F", {}, "last good 2026-11-01; nothing of plugin, Kubernetes and suite changed", id="nothing changed"),
        pytest.param(
            ".F",
            {"versions": [("unknown", "v1.34.4", "0.2.0")] * 2},
            "last good 2026-11-01; nothing of plugin, Kubernetes and suite changed (which version of the plugin it was is unknown)",
            id="a version that nobody knows",
        ),
        pytest.param(
            ".F",
            {"clusters": {0: {"kernel": "6.1", "nodes": "a"}, 1: {"kernel": "6.2", "nodes": "b"}}},
            "last good 2026-11-01; nothing of plugin, Kubernetes and suite changed, but kernel 6.1 → 6.2",
            id="another fact of the cluster",
        ),
        pytest.param(
            ".F",
            {"versions": [OLD, NEW], "dates": ["2026-11-01", "2026-11-05"]},
            "last good 2026-11-01; Cilium 1.15.18 → 1.15.19; no record of 3 days between",
            id="a gap in the nights",
        ),
        pytest.param(
            ".EsF",
            {"versions": [OLD, OLD, OLD, NEW]},
            "last good 2026-11-01; Cilium 1.15.18 → 1.15.19; not measured in 2 nights between",
            id="nights in which it was not measured",
        ),
        pytest.param("F", {}, "failed when it was first measured, 2026-11-01", id="never good"),
    ],
)
def test_what_broke_is_told_with_the_last_good_night_and_what_changed(strip, more, expected) -> None:
    found = told({"a": strip}, **more)
    assert expected == began(found, found.broke[0])


def test_what_was_fixed_is_told_with_what_fixed_it() -> None:
    found = told({"a": ".FF."}, [OLD, OLD, OLD, NEW])
    assert "failed in 2 nights, 2026-11-02 to 2026-11-03; fixed 2026-11-04: Cilium 1.15.18 → 1.15.19" == ended(found, found.fixed[0])


def test_a_failure_that_became_known_is_not_called_fixed() -> None:
    found = told({"a": ".FFx"})
    assert "failed in 2 nights, 2026-11-02 to 2026-11-03; a known deviation since 2026-11-04" == ended(found, found.became_known[0])


@pytest.mark.parametrize(
    ("strip", "expected"),
    [
        pytest.param(".EE", "since 2026-11-02; last measured 2026-11-01: passed then", id="passed"),
        pytest.param("FEE", "since 2026-11-02; last measured 2026-11-01: failed then", id="failed"),
        pytest.param("xxE", "since 2026-11-03; last measured 2026-11-02: a known deviation then", id="known"),
        pytest.param("EEE", "since 2026-11-01; never measured", id="never"),
    ],
)
def test_what_is_in_error_is_told_with_when_it_was_measured(strip: str, expected: str) -> None:
    found = told({"a": strip})
    assert expected == waited(found, found.in_error[0])


@pytest.mark.parametrize(
    ("strips", "more", "expected"),
    [
        pytest.param(
            {"a": "..F", "b": "..F", "c": "..."},
            {"versions": [OLD, OLD, NEW]},
            "cilium: last night (2026-11-03) is red: 2 new failures since 2026-11-02, between Cilium 1.15.18 and 1.15.19.",
            id="new failures",
        ),
        pytest.param(
            {"a": "..F", "b": "FFF", "c": ".F.", "d": "..E"},
            {"versions": [OLD, OLD, ("1.15.19", "v1.35.0", "0.2.0")]},
            "cilium: last night (2026-11-03) is red: 1 new failure since 2026-11-02, between Cilium 1.15.18 and 1.15.19, and "
            "between Kubernetes v1.34.4 and v1.35.0; 1 still failing, the first since 2026-11-01; 1 scenario fixed; "
            "1 scenario could not be measured.",
            id="everything at once",
        ),
        pytest.param(
            {"a": ".F.F"},
            {},
            "cilium: last night (2026-11-04) is red: 1 new failure (1 of a flaky scenario) since 2026-11-03, with nothing of plugin, "
            "Kubernetes and suite changed.",
            id="a flaky scenario",
        ),
        pytest.param({"a": "F."}, {}, "cilium: last night (2026-11-02) is green: 1 scenario fixed; 1 passed.", id="fixed"),
        pytest.param({"a": "..", "b": "xx"}, {}, "cilium: last night (2026-11-02) is green: 1 passed; 1 known deviation.", id="green"),
        pytest.param(
            {"a": "..", "b": ".E"}, {},
            "cilium: last night (2026-11-02) says too little: 1 scenario could not be measured; 1 passed.", id="only an error",
        ),
        pytest.param({"a": "F", "b": "."}, {}, "cilium: the only night (2026-11-01) is red: 1 scenario failed.", id="one night"),
        pytest.param({"a": ".s"}, {}, "cilium: last night (2026-11-02) says too little: nothing was measured.", id="nothing measured"),
        pytest.param(
            {"a": "..", "b": ".-"}, {"missing": {1: "cut short: 1 of 2 scenarios"}},
            "cilium: last night (2026-11-02) is green: 1 passed (not whole: cut short: 1 of 2 scenarios).", id="cut short",
        ),
    ],
)  # fmt: skip
def test_one_sentence_says_what_last_night_was(strips, more, expected) -> None:
    assert expected == headline(told(strips, **more))


def test_nights_count_what_broke_and_what_was_fixed_in_them() -> None:
    found = told({"a": ".F.F", "b": "FF..", "c": ".F.."})
    assert {1: 2, 3: 1} == dict(found.broken_by_night)
    assert {2: 3} == dict(found.fixed_by_night)


def test_scenarios_are_columns_though_each_night_has_others_in_another_order() -> None:
    first, second = nights({"a": ".F", "b": "F-"}), nights({"c": "F", "a": "."}, dates=days(1, "2026-12-01"))
    assert {"a": "pfp", "b": "f  ", "c": "  f"} == columns_of([*first, *second])


def test_a_list_is_cut_with_a_count() -> None:
    (chapter,) = chapters(told({f"s{number:02}": ".F" for number in range(12)}), 10)
    assert ("Broke last night: 12", 10, 2) == (chapter.title, len(chapter.rows), chapter.missing)

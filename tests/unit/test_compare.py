"""A comparison says where records differ, worst first, and what they do not share."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from compared_runs import (
    ALLOWED,
    BLOCKED,
    ERROR,
    FAILED,
    KNOWN,
    LEAK,
    NOT_SUPPORTED,
    OUTAGE,
    OUTSIDE,
    PASSED,
    SKIPPED,
    TO_API,
    TO_DB,
    TO_WEB,
    cilium,
    digest,
    enforced,
    finding,
    ptp,
    scenario,
)

from conformance.compare import InvalidComparison, compare
from conformance.compare.comparing import labels
from conformance.compare.nouns import Difference, Where
from conformance.compare.rows import CELLS
from conformance.compare.times import BOUNDS, distribution
from conformance.compare.words import agreement, blocks, headline, open_sentence, seconds, times_sentence, where_or_why
from conformance.record.digest import ScenarioDigest
from conformance.world.verdict import AnswerKind, Family, FindingKind, Verdict

BOTH = compare([cilium(), ptp()])


def differences(*scenarios: ScenarioDigest | None) -> tuple[Difference, ...]:
    """Of one scenario; a second one keeps the records comparable."""
    digests = [digest(f"plugin-{place}", *filter(None, (each, scenario("other")))) for place, each in enumerate(scenarios)]
    return compare(digests).rows[0 if len([each for each in scenarios if each]) > 1 else 1].differences


def test_each_scenario_that_differs_stands_under_its_worst_difference():
    assert {
        Difference.LEAK: ["a-leak"],
        Difference.OUTAGE: ["an-outage"],
        Difference.ERROR: ["an-error"],
        Difference.NOT_SUPPORTED: ["not-there"],
        Difference.KNOWN: ["known-leak"],
        Difference.OTHER_CELLS: ["other-cells"],
        Difference.OPEN: ["open-point"],
    } == {kind: [row.name for row in rows] for kind, rows in BOTH.by_difference().items()}


def test_the_sentence_says_in_how_many_by_what_and_who():
    assert (
        "cilium and ptp differ in 7 of 9 scenarios: 1 by a leak (ptp), 1 by an outage (cilium), 1 by an error (cilium), "
        "1 by what is not supported (ptp), 1 by what is known, 1 by the cells, 1 by an open point; "
        "3 more scenarios are in one record only; cut short: ptp."
    ) == headline(BOTH)


def test_records_that_do_the_same_agree():
    one, two = (digest(name, scenario("a"), scenario("b", NOT_SUPPORTED)) for name in ("one", "two"))
    comparison = compare([one, two])
    assert ("one and two agree in all 2 scenarios.", ()) == (headline(comparison), comparison.differing)
    assert "In 2 of 2 scenarios all agree: 1 passed, 1 not-supported." == agreement(comparison)


def test_of_many_records_the_sentence_counts_them():
    digests = [digest(f"plugin-{number}", scenario("a", *([FAILED, finding(LEAK)] if number else []))) for number in range(5)]
    assert "5 records differ in 1 of 1 scenario: 1 by a leak." == headline(compare(digests))


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        ((scenario("a"), scenario("a")), ()),
        ((scenario("a"), scenario("a", FAILED, finding(LEAK))), ("leak",)),
        ((scenario("a", FAILED, finding(OUTAGE)), scenario("a", FAILED, finding(LEAK))), ("leak", "outage")),
        ((scenario("a", FAILED, finding(LEAK)), scenario("a", FAILED, finding(LEAK))), ()),
        ((scenario("a", FAILED, finding(LEAK, step=1)), scenario("a", FAILED, finding(LEAK, step=2))), ("other-cells",)),
        ((scenario("a", KNOWN, finding(LEAK)), scenario("a")), ("leak",)),
        ((scenario("a", KNOWN, finding(LEAK)), scenario("a", FAILED, finding(LEAK, TO_API))), ("known",)),
        ((scenario("a", FAILED, finding(FindingKind.UNSTABLE)), scenario("a", FAILED, finding(FindingKind.UNSTABLE, TO_API))), ()),
        ((scenario("a", FAILED, finding(FindingKind.CUT)), scenario("a", FAILED, finding(FindingKind.NETWORK, ""))), ("network", "cut")),
        ((scenario("a", ERROR), scenario("a", NOT_SUPPORTED)), ("error", "not-supported")),
        ((scenario("a", FAILED, finding(LEAK)), scenario("a", NOT_SUPPORTED), scenario("a")), ("leak", "not-supported")),
        ((scenario("a", FAILED, finding(LEAK)), scenario("a", NOT_SUPPORTED)), ("not-supported",)),
        ((scenario("a"), scenario("a", SKIPPED)), ("skipped",)),
        ((scenario("a", ERROR), scenario("a", ERROR)), ()),
        ((scenario("a"), None, scenario("a", FAILED, finding(OUTAGE))), ("outage",)),
    ],
)
def test_differences_of_a_scenario_are_those_of_the_records_that_judged_it(scenarios, expected):
    assert expected == tuple(map(str, differences(*scenarios)))


def test_cells_of_a_family_that_not_all_have_measured_are_no_difference():
    v6 = TO_DB.replace("ipv4", "ipv6")
    dual = digest("dual", scenario("a", FAILED, finding(LEAK), finding(LEAK, v6)))
    single = digest("single", scenario("a", FAILED, finding(LEAK)), families=(Family.IPV4,))
    assert ((), ()) == (compare([dual, single]).differing, compare([dual, single]).rows[0].where)


def test_the_first_cells_that_differ_are_named_with_what_each_has_there():
    row = BOTH.by_difference()[Difference.LEAK][0]
    expected = (Where(1, "apply deny", TO_DB, (None, Difference.LEAK)), Where(2, "put back: delete deny", TO_API, (None, Difference.LEAK)))
    assert (expected, 2) == (row.where, row.cells)


def test_cells_of_the_difference_that_a_scenario_stands_under_come_first():
    worse = scenario("a", FAILED, finding(FindingKind.UNSTABLE, TO_API, 1), finding(OUTAGE, TO_DB, 2))
    row = compare([digest("one", scenario("a")), digest("two", worse)]).rows[0]
    assert [(2, TO_DB), (1, TO_API)] == [(each.step, each.question) for each in row.where]


def test_of_many_cells_the_first_are_kept_and_all_are_counted():
    leaks = [finding(LEAK, f"shop/a -> shop/b {port}/TCP ipv4") for port in range(100)]
    row = compare([digest("one", scenario("a")), digest("two", scenario("a", FAILED, *leaks))]).rows[0]
    assert (CELLS, 100) == (len(row.where), row.cells)


def test_open_cells_that_are_decided_differently_stand_together():
    (point,) = BOTH.open_points
    assert ("open-point", (Verdict.BLOCKED, Verdict.ALLOWED), (BLOCKED, ALLOWED), ((1, OUTSIDE),)) == (
        point.scenario,
        point.verdicts,
        point.answers,
        point.cells,
    )
    assert "They decide 1 of 2 open cells differently, in 1 scenario: the specification leaves them to the plugin." == open_sentence(BOTH)


def open_cells(*answers: Mapping[tuple[int, str], AnswerKind]):
    return compare([digest(f"plugin-{place}", scenario("a", open=each)) for place, each in enumerate(answers)])


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (({}, {}), "No open cell was measured by two of them."),
        (({(1, TO_DB): ALLOWED}, {(2, TO_DB): BLOCKED}), "No open cell was measured by two of them."),
        (({(1, TO_DB): ALLOWED}, {(1, TO_DB): AnswerKind.BROKEN}), "No open cell was measured by two of them."),
        (({(1, TO_DB): AnswerKind.REFUSED}, {(1, TO_DB): BLOCKED}), "They decide all 1 open cells alike."),
        (
            ({(1, TO_DB): ALLOWED}, {}, {(1, TO_DB): AnswerKind.REFUSED}),
            "They decide 1 of 1 open cell differently, in 1 scenario: the specification leaves them to the plugin.",
        ),
    ],
)
def test_what_was_not_measured_decides_no_open_cell(answers, sentence):
    assert sentence == open_sentence(open_cells(*answers))


def test_capabilities_that_not_all_have_come_after_the_core_and_before_the_others():
    assert [("core", (True, True)), ("host-port", (True, False)), ("ipv4", (True, True)), ("ipv6", (True, True))] == [
        (each.name, each.has) for each in BOTH.capabilities
    ]
    host_port = BOTH.capabilities[1]
    assert (1, 1, [{PASSED: 1}, {NOT_SUPPORTED: 1}]) == (host_port.scenarios, host_port.differing, list(map(dict, host_port.outcomes)))


def test_groups_count_their_scenarios_in_every_record():
    assert [("own", 8, 6), ("ports", 1, 1)] == [(each.name, each.scenarios, each.differing) for each in BOTH.groups]
    assert {PASSED: 3, FAILED: 3, ERROR: 1, KNOWN: 1} == dict(BOTH.groups[0].outcomes[0])


def test_what_is_not_shared_is_named_for_each_record():
    assert [(("only-cilium",), ("also-only-ptp", "only-ptp")), (("also-only-ptp", "only-ptp"), ("only-cilium",))] == [
        (record.own, record.lacks) for record in BOTH.records
    ]


def test_a_scenario_is_compared_where_two_records_have_it():
    three = compare(
        [digest("one", scenario("a"), scenario("b")), digest("two", scenario("a")), digest("three", scenario("b"), scenario("c"))]
    )
    assert ["a", "b"] == [row.name for row in three.rows]
    assert [(True, True, False), (True, False, True)] == [tuple(each is not None for each in row.became) for row in three.rows]
    assert [((), ("c",)), ((), ("b", "c")), (("c",), ("a",))] == [(record.own, record.lacks) for record in three.records]


def test_scenarios_have_the_order_of_the_catalogue():
    files = {"z": "a/1.yaml", "b": "a/2.yaml", "a": "b/1.yaml"}
    scenarios = [scenario(name, file=file) for name, file in files.items()]
    assert ["z", "b", "a"] == [row.name for row in compare([digest("one", *scenarios[::-1]), digest("two", *scenarios)]).rows]


def test_times_are_those_of_the_scenarios_that_all_have_judged():
    assert 7 == BOTH.timed
    times = {(each.now, each.change): each.distributions for each in BOTH.times}
    assert [(Verdict.BLOCKED, ""), (Verdict.BLOCKED, "apply"), (Verdict.ALLOWED, ""), (Verdict.ALLOWED, "put back")] == list(times)
    cilium_blocked, ptp_blocked = times[Verdict.BLOCKED, ""]
    assert (6, 1, 0.02, 1.4, 1.4) == (
        cilium_blocked.cells,
        cilium_blocked.never,
        cilium_blocked.p50,
        cilium_blocked.p99,
        cilium_blocked.longest,
    )
    assert (6, 3, 12.0) == (ptp_blocked.cells, ptp_blocked.never, ptp_blocked.longest)
    assert [1, 0] == [each.cells for each in times[Verdict.ALLOWED, "put back"]]


def test_how_well_times_are_known_is_said():
    known = "A time is not known better than the time between two looks at a table: cilium 0.20 s."
    assert f"Of the 7 scenarios that all records have judged. {known}" == times_sentence(BOTH)


def test_without_a_scenario_that_all_have_judged_there_are_no_times():
    comparison = compare([digest("one", scenario("a", ERROR)), digest("two", scenario("a", enforcements=enforced(1.0)))])
    assert ("No scenario was judged in all records: times cannot be set side by side.", ()) == (
        times_sentence(comparison),
        comparison.times,
    )


@pytest.mark.parametrize(
    ("cells", "bins", "bars"),
    [
        ([], [0] * 9, ""),
        ([None], [0] * 9, "·········|█"),
        ([0.0, 0.0099], [2, *[0] * 8], "█········|·"),
        ([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0], [0, *[1] * 8], "·▂▂▂▂▂▂▂▂|·"),
        ([900.0, None], [*[0] * 8, 1], "········▅|▅"),
    ],
)
def test_a_distribution_counts_each_time_in_one_bin(cells, bins, bars):
    found = distribution(cells)
    assert (bins, bars, len(BOUNDS) + 1) == (list(found.bins), blocks(found), len(found.bins))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "<1 ms"), (0.0123, "12 ms"), (0.0995, "0.10 s"), (1.236, "1.24 s"), (9.996, "10.0 s"), (61.0, "61.0 s")],
)
def test_times_have_as_many_digits_as_one_reads(value, text):
    assert text == seconds(value)


MORNING, EVENING = "2026-11-21T09:00:00.123+00:00", "2026-11-21T21:00:00.123+00:00"


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("cilium", "1", MORNING), ("calico", "3", MORNING)], ("cilium", "calico")),
        ([("cilium", "1", MORNING), ("cilium", "2", MORNING), ("calico", "3", MORNING)], ("cilium 1", "cilium 2", "calico")),
        ([("cilium", "1", MORNING), ("cilium", "1", EVENING)], ("cilium 2026-11-21 09:00:00", "cilium 2026-11-21 21:00:00")),
        ([("cilium", "", MORNING), ("cilium", "1", MORNING)], ("cilium", "cilium 1")),
        ([("cilium", "1", ""), ("cilium", "1", "")], ("cilium #1", "cilium #2")),
        ([("", "", ""), ("", "", "")], ("unnamed #1", "unnamed #2")),
        ([("n" * 50, "", ""), ("n" * 60, "", "")], ("n" * 39 + "… #1", "n" * 39 + "… #2")),
        ([("a 1", "", ""), ("a", "1", ""), ("a", "2", "")], ("a 1 #1", "a 1 #2", "a 2")),
        ([("a 1", "9", ""), ("a", "1", ""), ("a", "2", "")], ("a 1 #1", "a 1 #2", "a 2")),
    ],
)
def test_every_record_has_a_name_of_its_own(runs, expected):
    found = labels([digest(name, version=version, started=started) for name, version, started in runs])
    assert (expected, len(runs)) == (found, len(set(found)))


BOTH_FAMILIES, IPV4 = (Family.IPV4, Family.IPV6), (Family.IPV4,)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([{"families": BOTH_FAMILIES}, {"families": IPV4}], ("cilium dual", "cilium ipv4"), id="families"),
        pytest.param(
            [{"cluster": {"kube-proxy": "nftables"}}, {"cluster": {"kube-proxy": "iptables"}}],
            ("cilium nftables", "cilium iptables"),
            id="mode of kube-proxy",
        ),
        pytest.param(
            [{"families": IPV4}, {"families": IPV4, "version": "2"}, {"families": BOTH_FAMILIES}],
            ("cilium 1.0 ipv4", "cilium 2", "cilium 1.0 dual"),
            id="only those that are alike are told more of",
        ),
        pytest.param(
            [{"cluster": {"Kubernetes": "v1.34.4"}}, {"cluster": {}}],
            ("cilium Kubernetes v1.34.4", "cilium Kubernetes unknown"),
            id="Kubernetes",
        ),
    ],
)
def test_records_of_one_plugin_are_told_apart_by_what_differs(runs, expected):
    assert expected == labels([digest("cilium", **run) for run in runs])


def test_records_of_two_suites_are_told_apart_by_the_suite():
    newer = replace(cilium(), facts=replace(cilium().facts, suite="0.2.0"))
    assert ("cilium suite 0.1.0", "cilium suite 0.2.0") == labels([cilium(), newer])


def test_a_scenario_that_differs_in_an_open_cell_alone_says_in_which():
    row = next(row for row in BOTH.rows if row.name == "open-point")
    assert f"step 1: {OUTSIDE}" in where_or_why(row)


@pytest.mark.parametrize(
    ("digests", "sentence"),
    [
        ([], "compare needs two records or more"),
        ([cilium()], "compare needs two records or more"),
        ([cilium(), ptp(), cilium()], "cilium.json is given twice: give each record once"),
        ([cilium(), replace(cilium(), path=Path("copy.json"))], "cilium.json and copy.json hold the same run: give each run once"),
        (
            [digest("one", scenario("a")), digest("two", scenario("b"))],
            "one.json and two.json share no scenario: there is nothing to compare",
        ),
        ([digest("one"), digest("two")], "one.json and two.json share no scenario: there is nothing to compare"),
        (
            [cilium(), ptp(), digest("new", scenario("newest"))],
            "new.json shares no scenario with the others: there is nothing to compare it by",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_sentence(digests, sentence):
    with pytest.raises(InvalidComparison) as caught:
        compare(digests)
    assert sentence == str(caught.value)


def test_two_runs_of_one_plugin_that_differ_in_their_start_are_two_runs():
    again = replace(cilium(), path=Path("later.json"), facts=replace(cilium().facts, started=EVENING))
    assert ("cilium 2026-11-21 09:00:00", "cilium 2026-11-21 21:00:00") == compare([cilium(), again]).labels


def test_a_scenario_of_one_name_in_another_file_is_the_same_scenario():
    moved = scenario("a", file="new/a.yaml", group="new")
    assert 1 == len(compare([digest("one", scenario("a")), digest("two", moved)]).rows)


def test_a_wrong_cell_without_a_question_is_of_the_whole_step():
    row = compare([digest("one", scenario("a")), digest("two", scenario("a", FAILED, finding(FindingKind.NETWORK, "", 2)))]).rows[0]
    assert (Where(2, "put back: delete deny", "", (None, Difference.NETWORK)),) == row.where


def test_a_long_action_does_not_hide_the_cell():
    actions = {1: "at once: " + "apply deny; delete deny; " * 20}
    two = scenario("a", FAILED, finding(LEAK, TO_WEB), finding(LEAK, TO_API), actions=actions)
    row = compare([digest("one", scenario("a")), digest("two", two)]).rows[0]
    assert f"step 1 (at once: apply deny; delete deny; apply…): {TO_WEB}, and 1 more cell" == where_or_why(row)


def test_one_cell_with_two_faults_counts_once_as_the_worse():
    two = scenario("a", FAILED, finding(FindingKind.UNSTABLE, TO_WEB), finding(LEAK, TO_WEB))
    row = compare([digest("one", scenario("a")), digest("two", two)]).rows[0]
    assert ((Where(1, "apply deny", TO_WEB, (None, Difference.LEAK)),), 1) == (row.where, row.cells)

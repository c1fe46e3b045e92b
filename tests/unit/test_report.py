"""The reports of one run: everything that a person needs, nothing that does harm, nothing left out in silence."""

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import sample_run
from markdown_it import MarkdownIt
from rich.console import Console

from conformance.judge import FindingKind, Judgement, judge
from conformance.record import Facts, Plugin, Run, ScenarioRecord
from conformance.report import explain, junit, markdown, print_run, tell, write_reports
from conformance.report.explain import NAME
from conformance.report.markdown import escaped
from conformance.report.page import Page, printable
from conformance.report.summary import Summary, headline
from conformance.report.tables import DIFFERENCE, MEANING, Look, looks, put_tables
from conformance.world.expectation import Expectation
from conformance.world.measurement import Measurement, StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.timeline import Timeline
from conformance.world.verdict import AnswerKind, Family, Outcome, Verdict

RUN = sample_run.run()
SCENARIO = {scenario.name: scenario for scenario in RUN.scenarios}


def printed(run: Run, *, width: int = 80, is_terminal: bool = False, colours: str | None = None, with_details: bool = True) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=is_terminal, color_system=colours)  # type: ignore[arg-type]
    print_run(run, console, with_details=with_details)
    return file.getvalue()


# --- one scenario ---------------------------------------------------------------------------------------------------


def test_a_failed_scenario_is_explained_whole() -> None:
    assert explain(SCENARIO["flaps"], width=100) == (Path(__file__).parent / "explained-flaps.txt").read_text(encoding="utf-8").rstrip("\n")


LEAKS = explain(SCENARIO["leaks-and-outages"], width=None)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("FAILED  recipes/leaks-and-outages  (recipes/02-leaks-and-outages.yaml)", id="outcome, name and file"),
        pytest.param("  Only pods of the bookstore reach its API.", id="what it is about"),
        pytest.param("  step 1: apply api-allow - never as expected; asked 301 times in 30.50 s", id="how the step went"),
        pytest.param("                       expected     observed     difference", id="the titles of the tables"),
        pytest.param("    3 shop/other       X . - . .    . . - . .    L W - = =", id="a row of the three tables"),
        pytest.param("    leak: shop/other -> shop/api  80/TCP (ipv4, ipv6)", id="both families of a leak in one line"),
        pytest.param("    leak: elsewhere/twin -> shop/api  80/TCP (ipv6)", id="a leak in one family"),
        pytest.param("    outage: shop/front -> shop/api  8080/TCP (ipv4, ipv6)", id="an outage"),
        pytest.param("      must be allowed; refused (ECONNREFUSED), from 0.00 s to the end", id="what was seen instead, since when"),
        pytest.param(
            "      must be blocked; answered by cc-7f3a-w0-shop/api, which saw it come from 10.244.1.7 and fd00:10:244:1::7, "
            "from 0.00 s to the end",
            id="who answered and which source it saw",
        ),
        pytest.param(
            "      ingress: shop/api-allow isolates shop/api, and none of its rules lets this peer in", id="the rule that decided"
        ),
        pytest.param("      ingress: rule 0 of shop/api-allow lets pods with app In (bookstore) in", id="the rule that allows"),
        pytest.param("  step 2: delete api-allow - as expected after 0.10 s, 9 changed cells within 0.00 s", id="a step that went well"),
        pytest.param("    api-allow  in force in step 1", id="when a policy was in force"),
        pytest.param("        podSelector: {matchLabels: {app: bookstore, role: api}}", id="the policy as applied"),
    ],
)
def test_an_explanation_has(line: str) -> None:
    assert line in LEAKS.splitlines()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("an-open-cell", "is open, but not for this; answered by cc-7f3a-w0-shop/other", id="illegal"),
        pytest.param("an-open-cell", "5 outside/alpha    X . ? . -    X . . . -    = = I = -", id="an open cell in the tables"),
        pytest.param(
            "no-longer-known", "known deviation: the plugin knows no named ports (https://example.org/issues/1)", id="a stale entry"
        ),
        pytest.param(
            "a-dead-server",
            "baseline: 4 cells  shop/api -> shop/front, shop/other -> shop/front, elsewhere/twin",
            id="one dead server, one finding",
        ),
        pytest.param("a-dead-server", "no measurement (its agent does not confirm that it serves)", id="the cause of a baseline"),
        pytest.param("a-dead-server", "80/TCP/ipv4: all 20 cells as expected", id="what is fine is one line"),
        pytest.param("file-and-model", "was not done: file and model expect different things", id="a contradiction"),
        pytest.param(
            "file-and-model", "    shop/front         .          -           .             .               .\n", id="what the model expects"
        ),
        pytest.param("a-killed-probe", "not measured: 10 cells  shop/other -> shop/api", id="one killed probe, one finding"),
        pytest.param("a-broken-change", "step 1: apply api-allow - could not be done", id="a broken step"),
        pytest.param("no-world", "pod shop/api did not start: the image cannot be pulled", id="no world"),
        pytest.param(
            "limit-traffic",
            "2 transients (wrong for a while during the change, no failure), the longest: shop/front -> shop/api 80/TCP ipv4 timed-out "
            "from 0.10 s to 0.20 s",
            id="transients",
        ),
        pytest.param("legacy-annotation", "NOT-SUPPORTED  articles/legacy-annotation", id="not supported"),
    ],
)
def test_each_trouble_is_explained(name: str, text: str) -> None:
    assert text in explain(SCENARIO[name], width=None) + "\n"


def test_a_sentence_is_not_said_twice() -> None:
    assert 1 == explain(SCENARIO["a-broken-change"], width=None).count("the API server did not answer for 30 s")


def test_all_findings_that_belong_to_no_step_are_told() -> None:
    measurement = SCENARIO["flaps"].measurement
    text = explain(sample_run.scenario("s", replace(measurement, residue=("a label is left",), broken="the node died")), width=None)

    assert "  not measured: the node died\n  left behind: a label is left\n" in text


def test_many_killed_probes_are_cut_with_a_count() -> None:
    gone = sample_run.broken("its node is gone")
    text = explain(
        sample_run.scenario("s", Measurement((sample_run.baseline(), sample_run.applied(lambda question, at: gone)))), width=None
    )

    assert "    not measured: 48 cells  shop/api -> shop/front, " in text
    assert ", and 8 more\n      no measurement (its node is gone), from 0.00 s to the end\n" in text


def test_a_broken_answer_without_a_cause_is_told() -> None:
    text = explain(sample_run.scenario("s", Measurement((sample_run.baseline(lambda question, at: sample_run.broken("")),))), width=None)

    assert "must be answered without any policy; no measurement, from 0.00 s to the end" in text


def test_somebody_who_does_not_say_who_it_is() -> None:
    stranger = Answer(AnswerKind.CONNECTED)
    measurement = Measurement((sample_run.baseline(), sample_run.applied(lambda question, at: stranger, settled_at=None)))
    text = explain(sample_run.scenario("s", measurement), width=None)

    assert "answered by something that does not say who it is, from 0.00 s" in text


def test_a_policy_that_was_never_applied_says_so() -> None:
    scenario = replace(SCENARIO["a-broken-change"], settings=SCENARIO["a-broken-change"].settings[:1])

    assert "api-allow  never in force" in explain(scenario)


def test_a_scenario_without_facts_is_explained_as_well() -> None:
    assert "ERROR  s\n\n  the worker crashed" == explain(ScenarioRecord("s", Judgement(Outcome.ERROR, "the worker crashed")))


def test_all_policies_of_a_scenario_that_asks_everything_are_written_out() -> None:
    policies = {f"deny-{number:02}": "spec: {podSelector: {}}" for number in range(30)} | {"the-one": "spec: {ingress: [{}]}"}
    text = explain(replace(SCENARIO["leaks-and-outages"], policies=policies))
    assert [] == [key for key in policies if key not in text]
    assert "spec: {ingress: [{}]}" in text


def test_a_step_without_rounds_was_not_asked() -> None:
    step = StepMeasurement(0, "no policy", sample_run.BASELINE, Timeline(), sample_run.IDENTITIES)
    text = explain(sample_run.scenario("s", Measurement((step,))), width=None)

    assert "step 0: the baseline, without any policy - nothing was asked" in text
    assert "baseline: shop/api -> shop/front  80/TCP (ipv4, ipv6)\n      must be answered without any policy; never asked" in text


def many(number: int) -> ScenarioRecord:
    """A scenario of so many pods in which every cell leaks."""
    places = [f"x/pod-{each}" for each in range(number)]
    questions = [Question(source, destination, 80) for source in places for destination in places if source != destination]
    allowed, blocked = dict.fromkeys(questions, Expectation(Verdict.ALLOWED)), dict.fromkeys(questions, Expectation(Verdict.BLOCKED))

    def leak(question: Question, at: float) -> Answer:
        return Answer(AnswerKind.CONNECTED, question.destination)

    identities = {place: place for place in places}
    base = StepMeasurement(0, "no policy", allowed, sample_run.timeline(allowed, leak, (0.0,), 0.0), identities)
    step = StepMeasurement(1, "apply deny", blocked, sample_run.timeline(blocked, leak, (0.0, 0.1), None), identities)
    measurement = Measurement((base, step))
    return ScenarioRecord("many", judge(measurement), measurement)


def test_many_cells_are_cut_with_a_count() -> None:
    text = explain(many(9))

    assert 12 == text.count("    leak: ")
    assert "… and 60 more pairs of places: the record has them all" in text


def test_a_table_of_200_pods_is_not_drawn_but_said() -> None:
    scenario = many(200)

    assert "a table of 200 rows and 200 columns is too large to be drawn; the wrong cells stand below." in explain(scenario, width=None)
    assert max(len(line) for line in explain(scenario, width=100).splitlines()) <= 100


# --- tables -----------------------------------------------------------------------------------------------------------


def drawn(cells: dict[Question, Look], width: int | None) -> str:
    page = Page(width)
    put_tables(page, cells)
    return str(page)


def square(number: int, *wrong: tuple[int, int]) -> dict[Question, Look]:
    return {
        Question(f"x/{row}", f"x/{column}", 80): Look("X", ".", "L") if (row, column) in wrong else Look(".", ".", "=")
        for row in range(number)
        for column in range(number)
        if row != column
    }


def test_small_tables_have_names_for_rows_and_columns() -> None:
    assert [
        "expected            observed            difference",
        "from\\to  x/0  x/1   from\\to  x/0  x/1   from\\to  x/0  x/1",
        "x/0       -    X    x/0       -    .    x/0       -    L",
        "x/1       .    -    x/1       .    -    x/1       =    -",
        "",
        "Rows ask columns (. allowed, X blocked, = as expected, L leak: wrongly allowed).",
    ] == drawn(square(2, (0, 1)), 100).splitlines()


def test_larger_tables_have_numbers_for_columns() -> None:
    lines = drawn(square(10, (0, 9)), 120).splitlines()

    assert lines[1] == "from\\to    1  2  3  4  5  6  7  8  9 10" + "    1  2  3  4  5  6  7  8  9 10" * 2
    assert " 1 x/0     -  .  .  .  .  .  .  .  .  X    -  .  .  .  .  .  .  .  .  .    -  =  =  =  =  =  =  =  =  L" == lines[2]


def test_tables_stand_one_below_the_other_where_it_is_narrow() -> None:
    titles = [line.strip() for line in drawn(square(10, (0, 9)), 60).splitlines() if line.strip() in ("expected", "observed", "difference")]

    assert ["expected", "observed", "difference"] == titles


def test_of_a_wide_table_only_the_differing_part_is_drawn() -> None:
    lines = drawn(square(60, (0, 59), (7, 8)), 80).splitlines()

    assert "Of 60 rows and 60 columns only those with a difference:" == lines[0]
    assert len([line for line in lines if " x/" in line]) <= 6


def test_a_place_has_the_same_number_in_all_tables() -> None:
    cells = square(3, (0, 1)) | {Question("x/2", "x/0", 81): Look("X", ".", "L")}
    lines = drawn(cells, 60).splitlines()

    assert "81/TCP   1            1            1" in lines
    assert "3 x/2    X            .            L" in lines
    assert 1 == len([line for line in lines if line.startswith("2 x/1")])


def test_tables_of_a_contradiction_are_drawn_even_where_nothing_was_observed() -> None:
    page = Page(80)
    put_tables(page, {Question("x/0", "x/1", port): Look(verdict, "!", "=") for port, verdict in ((80, "."), (81, "X"))}, shown=(0,))

    assert ["80/TCP  x/1", "x/0      ."] == str(page).splitlines()[1:3]
    assert "as expected" not in str(page)


def test_no_cells_are_no_table() -> None:
    assert "" == drawn({}, 80)


def test_long_and_strange_names_do_not_spoil_a_table() -> None:
    question = Question("x/" + "y" * 200, "x/\x1b[31m", 80)
    lines = drawn({question: Look("X", ".", "L")}, 80).splitlines()

    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def test_the_symbols_of_all_kinds_have_a_meaning() -> None:
    assert set(DIFFERENCE.values()) <= set(MEANING)


def test_a_cell_shows_its_last_answer() -> None:
    step = SCENARIO["leaks-and-outages"].measurement.steps[1]
    found = looks(step, [each for each in SCENARIO["leaks-and-outages"].judgement.findings if each.step == 1])

    assert found[Question("shop/other", "shop/api", 80)] == Look("X", ".", "L")
    assert found[Question("shop/front", "shop/api", 8080)] == Look(".", "X", "O")
    assert found[Question("outside/alpha", "shop/api", 80, family=Family.IPV6)] == Look("X", "X", "=")


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain ✓ text", "plain ✓ text", id="ordinary text stays"),
        pytest.param("\x1b[31mred\x07", "\\x1b[31mred\\x07", id="terminal codes"),
        pytest.param("two\nlines\tand", "two\\x0alines\\x09and", id="line breaks and tabs"),
        pytest.param("\u202eevil", "\\u202eevil", id="direction of reading"),
        pytest.param("\ud800", "\\ud800", id="half a surrogate pair"),
        pytest.param("x" * 2003, "x" * 2000 + "… (3 more characters)", id="a very long text"),
    ],
)
def test_text_is_made_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_paragraphs_are_wrapped_with_a_hanging_indent() -> None:
    page = Page(30)
    page.paragraph("one two three four five six seven", indent=2, hang=2)

    assert ["  one two three four five", "    six seven"] == str(page).splitlines()


def test_a_label_stands_in_front_of_the_first_line() -> None:
    page = Page(40)
    page.paragraph("one two three four five six seven", indent=2, hang=8, label="words")

    assert ["  words   one two three four five six", "          seven"] == str(page).splitlines()


def test_there_are_never_two_empty_lines_in_a_row() -> None:
    page = Page()
    for _ in range(2):
        page.blank()
        page.line("text")
        page.blank()

    assert "text\n\ntext" == str(page)


# --- the whole run ----------------------------------------------------------------------------------------------------


def facts(planned: int = 0) -> Facts:
    return Facts("0.1.0", Plugin("cilium", "Cilium", "1.15.19"), ended="2026-11-21T09:00:00Z", planned=planned)


def some(*names: str, planned: int = 0) -> Run:
    return Run(facts(planned), tuple(SCENARIO[name] for name in names))


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        pytest.param(some("limit-traffic"), "Cilium 1.15.19 enforces what it must: 1 scenario passed.", id="all passed"),
        pytest.param(
            some("limit-traffic", "legacy-annotation", "deselected"),
            "Cilium 1.15.19 enforces what it must: 1 scenario passed, 1 not-supported, 1 skipped.",
            id="what was left out is said",
        ),
        pytest.param(
            some("limit-traffic", "known"),
            "Cilium 1.15.19 enforces what it must, but for 1 known deviation: 1 scenario passed.",
            id="a known deviation",
        ),
        pytest.param(
            some("limit-traffic", "leaks-and-outages"),
            "Cilium 1.15.19 does not enforce what it must: 3 cells wrongly allowed, 2 cells wrongly blocked, 1 other finding, "
            "in 1 of 2 scenarios.",
            id="leaks and outages are two numbers",
        ),
        pytest.param(
            some("limit-traffic", "no-world"),
            "Cilium 1.15.19 enforces what it was asked: 1 scenario passed; 1 scenario could not be measured.",
            id="an error beside",
        ),
        pytest.param(
            some("no-world"),
            "Nothing was measured: nothing can be said about Cilium 1.15.19; 1 scenario could not be measured.",
            id="only errors",
        ),
        pytest.param(some("deselected"), "Nothing was measured: nothing can be said about Cilium 1.15.19.", id="only skipped"),
        pytest.param(
            some("limit-traffic", planned=3),
            "Cilium 1.15.19 enforces what it was asked: 1 scenario passed; the run was cut short, 1 of 3 scenarios are in the record.",
            id="cut short",
        ),
        pytest.param(
            Run(replace(facts(), ended=""), ()),
            "Nothing was measured: nothing can be said about Cilium 1.15.19; the run was cut short, what was finished is in the record.",
            id="killed at once",
        ),
        pytest.param(
            Run(facts(), (many(3),)),
            "Cilium 1.15.19 enforces no policy: all 6 cells that must be blocked are reached.",
            id="nothing enforces",
        ),
    ],
)
def test_the_first_sentence_answers_the_question(run: Run, sentence: str) -> None:
    assert headline(run, Summary.of(run)) == sentence
    assert printed(run, width=300).splitlines()[0] == sentence


def test_the_numbers_of_a_run() -> None:
    numbers = Summary.of(RUN)

    assert (3, 2, 2) == (numbers.leaks, numbers.outages, numbers.left_open)
    assert {
        Outcome.PASSED: 1,
        Outcome.FAILED: 4,
        Outcome.ERROR: 6,
        Outcome.KNOWN_DEVIATION: 1,
        Outcome.NOT_SUPPORTED: 1,
        Outcome.SKIPPED: 1,
    } == numbers.outcomes
    assert (
        21,
        0,
        0.1,
        0.1,
    ) == (numbers.newly_allowed.cells, numbers.newly_allowed.never, numbers.newly_allowed.p50, numbers.newly_allowed.p99)


def test_how_often_was_looked_is_said_with_the_times() -> None:
    assert Summary.of(some("limit-traffic")).resolution == pytest.approx(0.1)
    assert "looked every 0.10 s: no time is known better than that" in printed(some("limit-traffic"))
    assert "looked every" not in printed(some("no-world"))


def test_what_fails_as_known_is_no_leak_of_the_run() -> None:
    assert 0 == Summary.of(some("known")).leaks
    assert 2 == SCENARIO["known"].judgement.count(FindingKind.WRONGLY_ALLOWED)


def test_the_biggest_problems_come_first() -> None:
    assert [
        "leaks-and-outages",
        "flaps",
        "an-open-cell",
        "no-longer-known",
        "a-dead-server",
    ] == worst_first(RUN)[:5]


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal_no_line_is_wider_than_it(width: int) -> None:
    lines = printed(RUN, width=width, is_terminal=True).splitlines()

    assert max(len(line) for line in lines) <= width


def test_without_a_terminal_each_thing_is_one_line_without_colour() -> None:
    text = printed(RUN)

    assert "\x1b" not in text
    assert headline(RUN, Summary.of(RUN)) in text.splitlines()
    assert f"  {SCENARIO['leaks-and-outages'].sentence}" in text.splitlines()


def test_colours_change_no_character() -> None:
    plain, coloured = (printed(RUN, is_terminal=True, colours=colours) for colours in (None, "truecolor"))

    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_everything_that_was_not_judged_is_listed_with_its_reason() -> None:
    text = printed(RUN)

    for name in ("legacy-annotation", "deselected", "known"):
        assert f"    {name}: {SCENARIO[name].sentence}" in text.splitlines()


def test_without_details_each_problem_is_its_sentence() -> None:
    text = printed(RUN, with_details=False)

    assert f"error  no-world  {SCENARIO['no-world'].sentence}" in text.splitlines()
    assert "policies as applied" not in text


def test_a_version_that_is_unknown_is_no_part_of_a_sentence() -> None:
    assert "Reference plugin ptp" == str(Plugin("ptp", "Reference plugin ptp", "unknown"))


def test_a_run_of_nothing_is_printed() -> None:
    assert "newly blocked: no cell" in printed(Run(facts(), ()))


def test_a_direction_in_which_no_cell_got_there_says_so() -> None:
    assert "newly blocked: 6 cells, none ever" in printed(Run(facts(), (many(3),)))


def nasty(kind: str) -> Run:
    name = {"html": "<script>alert(1)</script>", "markdown": "a|b`c``` [x](http://y) **z**", "codes": "\x1b[2J\x00\ud800\ufffe"}[kind]
    failed = replace(SCENARIO["leaks-and-outages"], name=name, about=name, policies={name: f"# {name}\n```\n````\n"})
    return Run(replace(facts(), cluster={name: name}), (failed, replace(SCENARIO["deselected"], name=name, group=name)))


@pytest.mark.parametrize("kind", ["html", "markdown", "codes"])
def test_hostile_names_do_no_harm(kind: str, tmp_path: Path) -> None:
    run = nasty(kind)
    write_reports(run, tmp_path)

    assert "\x1b" not in printed(run)
    assert "<script>" not in rendered(run)
    ET.fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8"))  # noqa: S314 # our own


# --- Markdown ---------------------------------------------------------------------------------------------------------


def rendered(run: Run, **limits: int) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown(tell(run), **limits))


def worst_first(run: Run) -> list[str]:
    return [each.digest.name for each in tell(run).problems()]


def test_markdown_begins_with_the_answer_and_has_all_problems_worst_first() -> None:
    html = rendered(RUN)

    assert html.startswith(f"<h2>{headline(RUN, Summary.of(RUN))}</h2>")
    assert re.findall(r"<h3>. (?:failed|error): (.*)</h3>", html) == worst_first(RUN)
    assert 10 == html.count("<pre>")


def test_markdown_says_leaks_and_outages_apart() -> None:
    html = rendered(RUN).replace("\n", "")

    assert "<td>wrongly allowed (leaks)</td><td><strong>3</strong></td>" in html
    assert "<td>wrongly blocked (outages)</td><td><strong>2</strong></td>" in html


def test_markdown_of_a_run_of_nothing() -> None:
    assert "<td>no cell</td>" in rendered(Run(facts(), ()))


def test_markdown_of_a_run_in_which_nothing_got_there() -> None:
    assert "<td>6 cells, none ever</td>" in rendered(Run(facts(), (many(3),)))


def test_a_fence_cannot_be_closed_from_inside() -> None:
    assert 1 == rendered(nasty("markdown")).count("<pre>")


@pytest.mark.parametrize("limit", [2_000, 4_000, 8_000])
def test_markdown_is_cut_with_a_count(limit: int) -> None:
    text = markdown(tell(RUN), limit)
    missing = 13 - len(re.findall("^### ", text, re.MULTILINE))
    bare = len(tell(RUN).problems()) - text.count("<details>")

    assert len(text.encode()) <= limit
    assert missing == sum(map(int, re.findall(r"\*\*(\d+) more sections left out here for want of room", text)))
    assert f"**The tables of {bare} scenarios are left out here for want of room: record.json has everything.**" in text


def test_what_fits_is_not_cut() -> None:
    assert "left out" not in markdown(tell(some("limit-traffic", "flaps")))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a|b", "a|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("*a* _b_ `c` ~~d~~", "*a* _b_ `c` ~~d~~"),
        ("[x](y) ![z](w)", "[x](y) ![z](w)"),
        ("- no list", "- no list"),
        ("1. no list", "1. no list"),
        ("# no heading", "# no heading"),
        ("back\\slash $x$", "back\\slash $x$"),
    ],
)
def test_escaped_text_is_shown_as_it_is(text: str, html: str) -> None:
    assert MarkdownIt("commonmark").render(escaped(text)) == f"<p>{html}</p>\n"


# --- what was measured beside the rounds ------------------------------------------------------------------------------

OVER_TIME = {scenario.name: scenario for scenario in sample_run.over_time()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a-connection-is-cut", "    established connection shop/front -> shop/api 80/TCP ipv4: cut at 0.50 s\n", id="cut"),
        pytest.param("a-connection-is-cut", "    established connection shop/front -> shop/api 80/TCP ipv4: kept\n", id="kept"),
        pytest.param(
            "a-connection-is-cut",
            "    start, init container: shop/other -> shop/api 80/TCP ipv4 reached 3 of 20 times (first after 0.05 s)\n",
            id="a start that reached something",
        ),
        pytest.param(
            "a-connection-is-cut",
            "    start, main process: shop/other -> shop/api 80/TCP ipv4 reached 0 of 40 times (never)\n",
            id="a start that reached nothing",
        ),
        pytest.param(
            "a-connection-is-cut", "    cut: shop/front -> shop/api 80/TCP ipv4, watched all the time, lost", id="a finding of a watch"
        ),
        pytest.param(
            "a-connection-is-cut", "    leak: shop/other -> shop/api 80/TCP ipv4, asked by the init container", id="a finding of a start"
        ),
        pytest.param(
            "another-source", "    wrong source: shop/front reaches shop/api on 80/TCP over ipv4, but it is seen", id="another source"
        ),
        pytest.param("another-source", "S seen to come from another address", id="its symbol"),
        pytest.param("large-packets", "    outage: shop/front -> shop/api  80/TCP/8000B (ipv4)\n", id="a size"),
        pytest.param("no-network", "  step 2: recreate shop/api - could not be done\n", id="a step that the plugin could not do"),
    ],
)
def test_what_was_measured_beside_the_rounds_is_explained(name: str, text: str) -> None:
    assert text in explain(OVER_TIME[name], width=None) + "\n"


def test_a_step_that_is_wrong_beside_its_rounds_only_has_no_tables() -> None:
    assert "difference" not in explain(OVER_TIME["a-connection-is-cut"], width=None)


def test_kept_and_cut_connections_are_counted() -> None:
    run = Run(facts(), tuple(OVER_TIME.values()))

    assert (1, 1) == (Summary.of(run).kept, Summary.of(run).cut)
    assert "established      1 connection kept, 1 cut, over all steps" in printed(run)
    assert "<td>established connections</td><td>1 kept, 1 cut</td>" in rendered(run).replace("\n", "")
    assert "established" not in printed(some("limit-traffic"))


def test_a_leak_beside_the_rounds_does_not_make_a_plugin_that_enforces_nothing() -> None:
    record = OVER_TIME["a-connection-is-cut"]
    leak = next(finding for finding in record.judgement.findings if finding.kind is FindingKind.WRONGLY_ALLOWED)
    run = Run(facts(), (replace(record, judgement=replace(record.judgement, findings=(leak,) * 1000)),))

    assert "does not enforce what it must: 1000 cells wrongly allowed" in headline(run, Summary.of(run))


def test_all_kinds_of_findings_have_a_name_and_every_number_is_shown() -> None:
    text = printed(Run(facts(), tuple(OVER_TIME.values())))

    assert set(NAME) == set(FindingKind)
    for line in ("  cut              1", "  network          1", "  wrong source     1"):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    ("left_out", "disruptive", "sentence"),
    [(3, 2, "3 of 4 scenarios left out, 2 of them disruptive"), (1, 0, "1 of 2 scenarios left out"), (0, 0, None)],
)
def test_what_was_left_out_is_one_line(left_out: int, disruptive: int, sentence: str | None) -> None:
    run = Run(replace(facts(1), left_out=left_out, left_out_disruptive=disruptive), (SCENARIO["limit-traffic"],))

    assert (sentence is not None) == ("left out" in printed(run)) == ("left out" in markdown(tell(run)))
    if sentence is not None:
        assert f"  left out         {sentence}" in printed(run).splitlines()
        assert f"<td>left out</td><td>{sentence}</td>" in rendered(run).replace("\n", "")


def test_what_is_left_out_for_one_reason_is_one_line() -> None:
    two = tuple(replace(SCENARIO["deselected"], name=name) for name in ("one", "two"))

    assert "    one, two: left out by the person who ran it" in printed(Run(facts(), two)).splitlines()


# --- JUnit ------------------------------------------------------------------------------------------------------------


def xml(run: Run = RUN) -> ET.Element:
    return ET.fromstring(junit(tell(run)))  # noqa: S314 # our own


def case(name: str) -> ET.Element:
    return next(each for each in xml().iter("testcase") if each.get("name") == name)


def test_junit_counts_failures_errors_and_skipped_apart() -> None:
    root = xml()

    assert ["14", "4", "6"] == [root.get(key) for key in ("tests", "failures", "errors")]
    assert [
        ("cni-conformance.recipes", "12", "1"),
        ("cni-conformance.articles", "2", "2"),
    ] == [(suite.get("name"), suite.get("tests"), suite.get("skipped")) for suite in root]


def test_a_failure_has_the_sentence_as_message_and_the_tables_as_text() -> None:
    (failure,) = case("leaks-and-outages")

    assert ("failure", "wrongly-allowed wrongly-blocked wrong-responder") == (failure.tag, failure.get("type"))
    assert failure.get("message") == SCENARIO["leaks-and-outages"].sentence
    assert "expected     observed     difference" in (failure.text or "")


@pytest.mark.parametrize(
    ("name", "tag", "message"),
    [
        pytest.param("no-world", "error", "pod shop/api did not start: the image cannot be pulled", id="an error is no failure"),
        pytest.param(
            "legacy-annotation", "skipped", "not-supported: needs legacy-annotation, which cilium does not have", id="not supported"
        ),
        pytest.param("deselected", "skipped", "skipped: left out by the person who ran it", id="skipped"),
        pytest.param("known", "skipped", f"known-deviation: {SCENARIO['known'].sentence}", id="known deviation"),
    ],
)
def test_each_outcome_has_its_tag_and_reason(name: str, tag: str, message: str) -> None:
    (found,) = case(name)

    assert (found.tag, found.get("message")) == (tag, message)


def test_a_case_has_its_time_and_a_suite_its_properties() -> None:
    suite = xml()[0]
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}

    assert "2.750" == case("limit-traffic").get("time")
    assert "2026-11-21T09:00:00" == suite.get("timestamp")
    assert ("cilium", "1.34.4", "7") == (properties["plugin"], properties["Kubernetes"], properties["option seed"])


def test_a_run_without_a_start_has_no_timestamp() -> None:
    assert xml(some("deselected"))[0].get("timestamp") is None


def test_reports_are_written_into_their_folder(tmp_path: Path) -> None:
    paths = write_reports(RUN, tmp_path / "out")

    assert ["report.html", "summary.md", "junit.xml", "metrics.txt", "conformance.yaml"] == [path.name for path in paths]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    assert paths[1].read_text(encoding="utf-8") == markdown(tell(RUN))
    assert paths[2].read_text(encoding="utf-8") == junit(tell(RUN))

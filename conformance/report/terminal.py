"""A run for the person in front of a terminal, or for the log of a job."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from conformance.judge import FindingKind
from conformance.judge.finding import counted
from conformance.record import Facts, Run, ScenarioRecord
from conformance.record.digest import ScenarioDigest
from conformance.report.baseline import MOST_NAMES, Change, News, names, told
from conformance.report.explain import NAME, STYLE, put_scenario
from conformance.report.page import Page, Part
from conformance.report.summary import Enforced, Summary, left_out
from conformance.report.telling import PROBLEMS, Telling, tell
from conformance.shard import part_of
from conformance.world.verdict import Outcome

_LABEL = 17


def print_run(run: Run, console: Console, news: News | None = None, *, with_details: bool = True) -> None:
    """The summary, then every scenario that failed or is in error, worst first.

    `with_details`: each of them in full; else a sentence for each. Paragraphs are wrapped on a terminal only: a log keeps
    one line for one thing.
    """
    telling = tell(run, news, explains=False)
    problems = [run.scenarios[place] for place in telling.problem_places()]
    print_page(run_page(telling, problems, _width(console), with_details=with_details), console)


def print_told(telling: Telling, problems: Iterable[ScenarioRecord], console: Console) -> None:
    """The same of a run that is not in memory: `problems` are its problems, worst first."""
    print_page(run_page(telling, problems, _width(console)), console)


def print_page(page: Page, console: Console) -> None:
    """The lines as they are: what is wrapped is so already."""
    for line in page.lines:
        console.print(line, soft_wrap=True, highlight=False)


def _width(console: Console) -> int | None:
    return console.width if console.is_terminal else None


def run_page(telling: Telling, problems: Iterable[ScenarioRecord], width: int | None, *, with_details: bool = True) -> Page:
    """The lines that are printed. `width` in columns; None: paragraphs are not wrapped."""
    page, sentence, has_problems = Page(width), telling.headline, False
    is_fine = not telling.of(*PROBLEMS) and not telling.was_cut_short and bool(telling.of(Outcome.PASSED))
    style = "bold green" if is_fine else "bold red"
    _put_news(page, telling.news)
    page.paragraph((sentence, style))
    page.blank()
    _put_numbers(page, telling.numbers)
    _put_facts(page, telling.facts)
    _put_reasons(page, telling)
    for scenario in problems:
        if with_details or not has_problems:
            page.blank()
        has_problems = True
        if with_details:
            page.line(("─" * (page.width or 80), "dim"))
            put_scenario(page, scenario)
        else:
            page.paragraph((scenario.outcome, STYLE[scenario.outcome]), "  ", (scenario.name, "bold"), f"  {scenario.sentence}", hang=2)
    if with_details and has_problems:
        page.blank()
        page.line(("─" * (page.width or 80), "dim"))
        _put_news_sentence(page, telling.news)
        page.paragraph((sentence, style))
    return page


def _put_news_sentence(page: Page, news: News | None) -> None:
    if news is not None:
        page.paragraph((news.sentence, "bold red" if news.is_red else "bold green"))


def _put_news(page: Page, news: News | None) -> None:
    """What is new before everything else, then each of it with its reason; what is still red is only named."""
    if news is None:
        return
    _put_news_sentence(page, news)
    page.blank()
    for change in Change:
        found = news.of(change)
        if change.is_new_trouble:
            for kind, name, why in told(found):
                page.paragraph((kind, "bold red"), "  ", (name, "bold"), f"  {why}", indent=2, hang=2)
        elif found:
            page.paragraph(
                (f"{change} ({len(found)}): ", "bold" if change is Change.FIXED else "dim"), names(found, MOST_NAMES), indent=2, hang=2
            )
    page.blank()


def _row(page: Page, label: str, *parts: Part) -> None:
    page.paragraph(*parts, indent=2, hang=_LABEL, label=(label, "dim"))


def _put_numbers(page: Page, numbers: Summary) -> None:
    counts: list[Part] = []
    for outcome in Outcome:
        number = numbers.outcomes.get(outcome, 0)
        if number or outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.ERROR):
            counts += [", "] if counts else []
            counts.append((f"{number} {outcome}", STYLE[outcome] if number else "dim"))
    _row(page, "scenarios", *counts)
    is_open = f", {numbers.left_open} open (measured, not judged)" if numbers.left_open else ""
    _row(page, "cells", f"{numbers.judged} judged{is_open}")
    _row(page, "wrongly allowed", (f"{numbers.leaks} (leaks)", "bold red" if numbers.leaks else ""))
    _row(page, "wrongly blocked", (f"{numbers.outages} (outages)", "bold magenta" if numbers.outages else ""))
    for kind in FindingKind:
        if kind in numbers.findings and kind not in (FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED):
            _row(page, NAME[kind], (str(numbers.findings[kind]), "bold yellow"))
    if numbers.transients:
        _row(page, "transients", f"{numbers.transients} (cells wrong for a while during a change: no failure)")
    if numbers.kept or numbers.cut:
        _row(page, "established", f"{counted(numbers.kept, 'connection')} kept, {numbers.cut} cut, over all steps")
    _row(page, "time to enforce", f"newly blocked: {_enforced(numbers.newly_blocked)}")
    _row(page, "", f"newly allowed: {_enforced(numbers.newly_allowed)}")
    if numbers.resolution is not None:
        _row(page, "", (f"looked every {numbers.resolution:.2f} s: no time is known better than that", "dim"))


def _enforced(times: Enforced) -> str:
    if not times.cells:
        return "no cell"
    if times.p50 is None or times.p99 is None:
        return f"{counted(times.cells, 'cell')}, none ever"
    of, never = (f"{times.cells - times.never} of ", f", {times.never} never") if times.never else ("", "")
    return f"p50 {times.p50:.2f} s, p99 {times.p99:.2f} s, {of}{counted(times.cells, 'cell')}{never}"


def _put_facts(page: Page, facts: Facts) -> None:
    page.blank()
    when = f", started {facts.started[:19].replace('T', ' ')} UTC" if facts.started else ""
    families = f", {' and '.join(facts.families)}" if facts.families else ""
    _row(page, "run", f"{_duration(facts.seconds)}{when}{families}, cni-conformance {facts.suite}")
    if facts.phases:
        _row(page, "phases", ", ".join(f"{phase.name} {_duration(phase.seconds)}" for phase in facts.phases))
    for label, text in facts.cluster.items():
        _row(page, label, text)
    if facts.shard:
        _row(page, "part", part_of(facts.shard.part, facts.planned, facts.selected))
    if facts.left_out:
        _row(page, "left out", left_out(facts.left_out, facts.selected + facts.left_out, facts.left_out_disruptive))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


def _put_reasons(page: Page, telling: Telling) -> None:
    """Everything that was not judged, each with its reason: nothing is left out in silence."""
    for outcome in (Outcome.NOT_SUPPORTED, Outcome.SKIPPED, Outcome.KNOWN_DEVIATION):
        scenarios = telling.of(outcome)
        if scenarios:
            page.blank()
            page.line((f"{outcome} ({len(scenarios)})", STYLE[outcome]), indent=2)
        for sentence, those in _by_sentence(scenarios).items():
            page.paragraph(f"{', '.join(those)}: ", (sentence, "dim"), indent=4, hang=2)


def _by_sentence(scenarios: Iterable[ScenarioDigest]) -> dict[str, list[str]]:
    """The scenarios' names by the reason that they share: what is left out for one reason is one line."""
    found: dict[str, list[str]] = {}
    for scenario in scenarios:
        found.setdefault(scenario.sentence, []).append(scenario.name)
    return found

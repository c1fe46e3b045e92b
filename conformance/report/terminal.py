"""A run for the person in front of a terminal, or for the log of a job."""

from __future__ import annotations

from rich.console import Console

from conformance.judge import FindingKind
from conformance.judge.finding import counted
from conformance.record import Run, ScenarioRecord
from conformance.report.explain import NAME, STYLE, put_scenario
from conformance.report.page import Page, Part
from conformance.report.summary import Enforced, Summary, headline, left_out, worst_first
from conformance.world.verdict import Outcome

_LABEL = 17


def print_run(run: Run, console: Console, *, with_details: bool = True) -> None:
    """The summary, then every scenario that failed or is in error, worst first.

    `with_details`: each of them in full; else a sentence for each. Paragraphs are wrapped on a terminal only: a log keeps
    one line for one thing.
    """
    page = run_page(run, console.width if console.is_terminal else None, with_details=with_details)
    for line in page.lines:
        console.print(line, soft_wrap=True, highlight=False)


def run_page(run: Run, width: int | None, *, with_details: bool = True) -> Page:
    """The lines that `print_run` prints. `width` in columns; None: paragraphs are not wrapped."""
    page, numbers = Page(width), Summary.of(run)
    sentence = headline(run, numbers)
    is_fine = not run.of(Outcome.FAILED, Outcome.ERROR) and not run.was_cut_short and bool(run.of(Outcome.PASSED))
    style = "bold green" if is_fine else "bold red"
    page.paragraph((sentence, style))
    page.blank()
    _put_numbers(page, numbers)
    _put_facts(page, run)
    _put_reasons(page, run)
    problems = worst_first(run)
    for position, scenario in enumerate(problems):
        if with_details or position == 0:
            page.blank()
        if with_details:
            page.line(("─" * (page.width or 80), "dim"))
            put_scenario(page, scenario)
        else:
            page.paragraph((scenario.outcome, STYLE[scenario.outcome]), "  ", (scenario.name, "bold"), f"  {scenario.sentence}", hang=2)
    if with_details and problems:
        page.blank()
        page.line(("─" * (page.width or 80), "dim"))
        page.paragraph((sentence, style))
    return page


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
    never = f", {times.never} never" if times.never else ""
    found = "" if times.p50 is None or times.p99 is None else f"p50 {times.p50:.2f} s, p99 {times.p99:.2f} s, "
    return f"{found}{counted(times.cells, 'cell')}{never}"


def _put_facts(page: Page, run: Run) -> None:
    facts = run.facts
    page.blank()
    when = f", started {facts.started[:19].replace('T', ' ')} UTC" if facts.started else ""
    families = f", {' and '.join(facts.families)}" if facts.families else ""
    _row(page, "run", f"{_duration(facts.seconds)}{when}{families}, cni-conformance {facts.suite}")
    if facts.phases:
        _row(page, "phases", ", ".join(f"{phase.name} {_duration(phase.seconds)}" for phase in facts.phases))
    for label, text in facts.cluster.items():
        _row(page, label, text)
    if facts.left_out:
        _row(page, "left out", left_out(facts.left_out, facts.planned + facts.left_out, facts.left_out_disruptive))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


def _put_reasons(page: Page, run: Run) -> None:
    """Everything that was not judged, each with its reason: nothing is left out in silence."""
    for outcome in (Outcome.NOT_SUPPORTED, Outcome.SKIPPED, Outcome.KNOWN_DEVIATION):
        scenarios = run.of(outcome)
        if scenarios:
            page.blank()
            page.line((f"{outcome} ({len(scenarios)})", STYLE[outcome]), indent=2)
        for sentence, names in _by_sentence(scenarios).items():
            page.paragraph(f"{', '.join(names)}: ", (sentence, "dim"), indent=4, hang=2)


def _by_sentence(scenarios: tuple[ScenarioRecord, ...]) -> dict[str, list[str]]:
    """The scenarios' names by the reason that they share: what is left out for one reason is one line."""
    found: dict[str, list[str]] = {}
    for scenario in scenarios:
        found.setdefault(scenario.sentence, []).append(scenario.name)
    return found

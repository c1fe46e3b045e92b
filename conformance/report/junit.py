"""A run as JUnit XML (the xunit2 form of it): one suite for each group of scenarios."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET  # we only write

from conformance.judge import FindingKind
from conformance.record import Facts
from conformance.report.baseline import Change, News
from conformance.report.page import printable
from conformance.report.telling import Telling, Told
from conformance.world.verdict import Outcome

_SUITE = "cni-conformance"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even as a reference."""


def junit(telling: Telling) -> str:
    """The run as XML.

    A failure and an error carry the scenario's sentence as their message and the whole explanation, tables included, as
    their text. Skipped, unsupported and known to deviate are all `skipped`, each with its reason. Times are in seconds. What is new since a
    baseline stands among the properties of each suite: the schema has none for a case.
    """
    groups: dict[str, list[Told]] = {}
    for each in telling.told:
        groups.setdefault(each.digest.group or _SUITE, []).append(each)
    totals = _numbers(telling.told)
    del totals["skipped"]  # the schema has it for a suite only
    root = ET.Element("testsuites", totals)
    facts = _facts(telling.facts) | _news(telling.news)
    for group, scenarios in groups.items():
        suite = ET.SubElement(root, "testsuite", {"name": line(f"{_SUITE}.{group}"), **_numbers(scenarios)})
        if telling.facts.started:
            suite.set("timestamp", line(telling.facts.started[:19]))
        properties = ET.SubElement(suite, "properties")
        for name, value in facts.items():
            ET.SubElement(properties, "property", {"name": line(name), "value": line(value)})
        for scenario in scenarios:
            _put_case(suite, group, scenario)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _numbers(scenarios: Sequence[Told]) -> dict[str, str]:
    outcomes = [each.digest.outcome for each in scenarios]
    failures, errors, passed = (outcomes.count(outcome) for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.PASSED))
    return {
        "tests": str(len(outcomes)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(len(outcomes) - failures - errors - passed),
        "time": f"{sum(each.digest.seconds for each in scenarios):.3f}",
    }


def _facts(facts: Facts) -> dict[str, str]:
    plugin = {"plugin": facts.plugin.name, "plugin version": facts.plugin.version, "cni-conformance": facts.suite}
    return (
        plugin
        | {"families": " ".join(facts.families)}
        | dict(facts.cluster)
        | {f"option {key}": value for key, value in facts.options.items()}
    )


def _news(news: News | None) -> dict[str, str]:
    if news is None:
        return {}
    named = {f"since baseline: {change}": " ".join(each.name for each in found) for change in Change if (found := news.of(change))}
    return {"since baseline": news.sentence, **named}


def _put_case(suite: ET.Element, group: str, told: Told) -> None:
    scenario = told.digest
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": line(f"{_SUITE}.{group}"), "name": line(scenario.name), "time": f"{scenario.seconds:.3f}"},
    )
    match scenario.outcome:
        case Outcome.FAILED | Outcome.ERROR:
            tag = "failure" if scenario.outcome is Outcome.FAILED else "error"
            found = {finding.kind for finding in scenario.findings}
            trouble = ET.SubElement(
                case, tag, {"type": " ".join(kind for kind in FindingKind if kind in found), "message": line(scenario.sentence)}
            )
            trouble.text = clean(told.text)
        case Outcome.SKIPPED | Outcome.NOT_SUPPORTED | Outcome.KNOWN_DEVIATION:
            ET.SubElement(case, "skipped", {"type": scenario.outcome, "message": line(f"{scenario.outcome}: {scenario.sentence}")})
        case _:
            ET.SubElement(case, "system-out").text = line(scenario.sentence)


def line(text: str) -> str:
    """A name, a sentence: as `clean`, and nothing in it moves a cursor or turns the direction of reading; a very long one is cut."""
    return clean(printable(text))


def clean(text: str) -> str:
    """The text without what XML cannot hold: such a character becomes its code."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)

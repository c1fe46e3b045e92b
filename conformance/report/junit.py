"""A run as JUnit XML (the xunit2 form of it): one suite for each group of scenarios."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # we only write

from conformance.judge import FindingKind
from conformance.record import Run, ScenarioRecord
from conformance.report.explain import explain
from conformance.world.verdict import Outcome

_SUITE = "cni-conformance"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even as a reference."""


def junit(run: Run) -> str:
    """The run as XML.

    A failure and an error carry the scenario's sentence as their message and the whole explanation, tables included, as
    their text. Skipped, unsupported and known to deviate are all `skipped`, each with its reason. Times are in seconds.
    """
    groups: dict[str, list[ScenarioRecord]] = {}
    for scenario in run.scenarios:
        groups.setdefault(scenario.group or _SUITE, []).append(scenario)
    totals = _numbers(list(run.scenarios))
    del totals["skipped"]  # the schema has it for a suite only
    root = ET.Element("testsuites", totals)
    for group, scenarios in groups.items():
        suite = ET.SubElement(root, "testsuite", {"name": clean(f"{_SUITE}.{group}"), **_numbers(scenarios)})
        if run.facts.started:
            suite.set("timestamp", clean(run.facts.started[:19]))
        properties = ET.SubElement(suite, "properties")
        for name, value in _facts(run).items():
            ET.SubElement(properties, "property", {"name": clean(name), "value": clean(value)})
        for scenario in scenarios:
            _put_case(suite, group, scenario)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _numbers(scenarios: list[ScenarioRecord]) -> dict[str, str]:
    outcomes = [scenario.outcome for scenario in scenarios]
    failures, errors, passed = (outcomes.count(outcome) for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.PASSED))
    return {
        "tests": str(len(outcomes)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(len(outcomes) - failures - errors - passed),
        "time": f"{sum(scenario.seconds for scenario in scenarios):.3f}",
    }


def _facts(run: Run) -> dict[str, str]:
    facts = run.facts
    plugin = {"plugin": facts.plugin.name, "plugin version": facts.plugin.version, "cni-conformance": facts.suite}
    return (
        plugin
        | {"families": " ".join(facts.families)}
        | dict(facts.cluster)
        | {f"option {key}": value for key, value in facts.options.items()}
    )


def _put_case(suite: ET.Element, group: str, scenario: ScenarioRecord) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": clean(f"{_SUITE}.{group}"), "name": clean(scenario.name), "time": f"{scenario.seconds:.3f}"},
    )
    match scenario.outcome:
        case Outcome.FAILED | Outcome.ERROR:
            tag = "failure" if scenario.outcome is Outcome.FAILED else "error"
            found = {finding.kind for finding in scenario.judgement.findings}
            trouble = ET.SubElement(
                case, tag, {"type": " ".join(kind for kind in FindingKind if kind in found), "message": clean(scenario.sentence)}
            )
            trouble.text = clean(explain(scenario, width=120))
        case Outcome.SKIPPED | Outcome.NOT_SUPPORTED | Outcome.KNOWN_DEVIATION:
            ET.SubElement(case, "skipped", {"type": scenario.outcome, "message": clean(f"{scenario.outcome}: {scenario.sentence}")})
        case _:
            ET.SubElement(case, "system-out").text = clean(scenario.sentence)


def clean(text: str) -> str:
    """The text without what XML cannot hold: such a character becomes its code."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)

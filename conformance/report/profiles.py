"""A run as a conformance report in YAML, in the shape that Gateway API and the network policy API (NPEP-137) have for theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from conformance.record import Facts
from conformance.record.digest import ScenarioDigest
from conformance.report.page import printable
from conformance.report.telling import Telling
from conformance.world.verdict import Outcome

API_VERSION = "cni-conformance/v1"
"""Of this document. Gateway API's own is its group's; NetworkPolicy has no such report of its own."""

MEASURED_API = "networking.k8s.io/v1"
"""The API of which the plugin's conformance is measured."""

_FAILED = (Outcome.FAILED, Outcome.KNOWN_DEVIATION)
"""What a plugin is known to do otherwise it does otherwise: for conformance that is no excuse."""


def profiles(telling: Telling) -> str:
    """The report as YAML.

    Core are the scenarios that need no capability, extended all others. `result` is failure where any test failed, else partial where
    any was left out or could not be measured, else success. A test that needs what the plugin does not offer counts nowhere: its features
    are the unsupported ones, and it stands in `unsupportedTests`.
    """
    core, extended = _split(telling.scenarios)
    is_whole = not telling.was_cut_short and not telling.facts.left_out
    document = {
        "apiVersion": API_VERSION,
        "kind": "ConformanceReport",
        "date": telling.facts.ended or telling.facts.started,
        "networkPolicyAPIVersion": MEASURED_API,
        "mode": "default",
        "implementation": _implementation(telling.facts),
        "profiles": [
            {
                "name": "NetworkPolicy",
                "summary": telling.headline,
                "core": _status(core, is_whole=is_whole),
                "extended": _status(extended, is_whole=is_whole) | _features(extended, telling.facts.capabilities),
            }
        ],
        "run": _how(telling),
    }
    return yaml.safe_dump(_plain(document), sort_keys=False, allow_unicode=True, width=120)


def _split(scenarios: Iterable[ScenarioDigest]) -> tuple[list[ScenarioDigest], list[ScenarioDigest]]:
    core: list[ScenarioDigest] = []
    extended: list[ScenarioDigest] = []
    for each in scenarios:
        (extended if each.needs else core).append(each)
    return core, extended


def _implementation(facts: Facts) -> dict[str, Any]:
    plugin = facts.plugin
    return {
        "organization": plugin.organization,
        "project": plugin.name,
        "url": plugin.url,
        "version": plugin.version,
        "contact": list(plugin.contact),
    }


def _status(scenarios: Sequence[ScenarioDigest], *, is_whole: bool) -> dict[str, Any]:
    named = {
        "failedTests": _names(scenarios, *_FAILED),
        "knownDeviations": _names(scenarios, Outcome.KNOWN_DEVIATION),
        "skippedTests": _names(scenarios, Outcome.SKIPPED),
        "errorTests": _names(scenarios, Outcome.ERROR),
        "unsupportedTests": _names(scenarios, Outcome.NOT_SUPPORTED),
    }
    statistics = {
        "Passed": len(_names(scenarios, Outcome.PASSED)),
        "Failed": len(named["failedTests"]),
        "Skipped": len(named["skippedTests"]),
        "Errors": len(named["errorTests"]),
    }
    partial = statistics["Skipped"] or statistics["Errors"] or not is_whole or not statistics["Passed"]
    result = "failure" if statistics["Failed"] else "partial" if partial else "success"
    return {"result": result, "statistics": statistics, **{key: names for key, names in named.items() if names}}


def _names(scenarios: Iterable[ScenarioDigest], *outcomes: Outcome) -> list[str]:
    return [each.name for each in scenarios if each.outcome in outcomes]


def _features(extended: Sequence[ScenarioDigest], capabilities: Iterable[str]) -> dict[str, Any]:
    """Which capabilities the plugin offers, which it does not, and how each of those that were asked for went."""
    offered, asked = set(capabilities), {need for each in extended for need in each.needs}
    return {
        "supportedFeatures": sorted(offered),
        "unsupportedFeatures": sorted(asked - offered),
        "features": [
            {"name": name, **{key: status[key] for key in ("result", "statistics")}}
            for name in sorted(asked & offered)
            for status in [_status([each for each in extended if name in each.needs], is_whole=True)]
        ],
    }


def _how(telling: Telling) -> dict[str, Any]:
    """How it was measured: what somebody needs to do it again."""
    facts = telling.facts
    return {
        "suite": f"cni-conformance {facts.suite}",
        "started": facts.started,
        "seconds": round(facts.seconds, 3),
        "families": list(facts.families),
        "cluster": dict(facts.cluster),
        "options": dict(facts.options),
        "scenarios": len(telling.scenarios),
        "planned": facts.planned,
        "leftOut": facts.left_out,
    }


def _plain(value: Any) -> Any:
    """The same for YAML: every text is one that can be encoded and that moves no cursor."""
    match value:
        case dict():
            return {printable(key): _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case str():
            return printable(str(value))
    return value

"""Records of earlier versions in the form of this one, so that there is one reader."""

from __future__ import annotations

from typing import Any

_FACTS: dict[str, Any] = {"left_out": 0, "left_out_disruptive": 0}
_SCENARIO: dict[str, Any] = {"class": "", "origin": [], "disruptive": False, "established": []}
_STEP: dict[str, Any] = {"failed": "", "watched": [], "starts": [], "renewed": [], "are_policies_old": True}
_WORLD: dict[str, Any] = {"doors": {}, "name_servers": []}
_QUESTION, _EXPECTATION = [0], [[], "", []]
"""What version 2 added, with what it means where version 1 says nothing of it."""


def upgraded_facts(facts: Any, version: int) -> Any:
    """The facts of a run of this version as those of the present one. What is damaged stays so: the reader names it."""
    return facts if version > 1 else _with(facts, _FACTS)


def upgraded_scenario(scenario: Any, version: int) -> Any:
    """A scenario of this version as one of the present version. What is damaged stays so: the reader names it."""
    if version > 1 or not isinstance(scenario, dict):
        return scenario
    found = _with(scenario, _SCENARIO)
    found |= _lengthened(scenario, "questions", _QUESTION) | _lengthened(scenario, "expectations", _EXPECTATION)
    found |= _each(scenario, "steps", _STEP) | _each(scenario, "findings", {"beside": False})
    found |= _each(scenario, "known_deviations", {"kinds": [], "sometimes": False})
    if isinstance(world := scenario.get("world"), dict):
        namespaces = world.get("namespaces")
        found["world"] = _with(world, _WORLD)
        if isinstance(namespaces, dict):
            found["world"]["namespaces"] = {ref: _with(each, {"annotations": {}}) for ref, each in namespaces.items()}
    return found


def _with(value: Any, added: dict[str, Any]) -> Any:
    return added | value if isinstance(value, dict) else value


def _each(document: dict[str, Any], key: str, added: dict[str, Any]) -> dict[str, Any]:
    return {key: [_with(each, added) for each in document[key]]} if isinstance(document.get(key), list) else {}


def _lengthened(document: dict[str, Any], key: str, more: list[Any]) -> dict[str, Any]:
    if not isinstance(document.get(key), list):
        return {}
    return {key: [[*each, *more] if isinstance(each, list) else each for each in document[key]]}

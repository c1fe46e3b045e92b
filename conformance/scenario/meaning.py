"""What a scenario does and asks, without its words: two scenarios of one meaning measure the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from conformance.scenario.action import Action, Apply, Delete, Together
from conformance.scenario.claims import asked
from conformance.scenario.fictive import fictive_world
from conformance.scenario.policies import policy_document
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Scenario, Step
from conformance.world.place import World
from conformance.world.question import questions_of
from conformance.world.verdict import Family

ABOUT_NAMES = "names"
"""The class of faults in which the names of policies are the matter itself."""


def meaning(scenario: Scenario) -> str:
    """Letters that are the same for two scenarios that differ in their names, texts and verdicts only.

    What counts: the layout (not the name of its file), the policies (their names in the class
    `names` only), the changes, and all that is asked.
    """
    everybody = fictive_world(scenario.layout)
    content = {
        "layout": asdict(replace(scenario.layout, name=None)),
        "steps": list(_steps(scenario, everybody)),
        "watch": sorted(map(str, scenario.watch)),
        "sizes": {str(protocol): sorted(sizes) for protocol, sizes in scenario.sizes.items()},
        "judges source": scenario.judges_source,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _steps(scenario: Scenario, everybody: World) -> list[Any]:
    words = _words(scenario, everybody)
    presence, found = Presence.at_first(scenario.layout), []
    for step in scenario.steps:
        presence = presence.after(step.action)
        found.append([_change(step.action, words), _left_out(step, scenario, presence.of(everybody))])
    return found


def _words(scenario: Scenario, everybody: World) -> Mapping[str, Any]:
    """What stands for each policy by its key: which one it is (a number, in the order of the file), and what is written in it.

    As it is written, not as it is understood: an empty list and none at all may be read by different code.
    """
    documents = {key: policy_document(text, everybody, Family) for key, text in scenario.policies.items()}
    refs = {key: (document["metadata"]["namespace"], document["metadata"]["name"]) for key, document in documents.items()}
    numbers = {ref: number for number, ref in enumerate(dict.fromkeys(refs.values()))}
    name_of = {key: ref[1] if scenario.fault_class == ABOUT_NAMES else numbers[ref] for key, ref in refs.items()}
    return {key: [refs[key][0], name_of[key], document.get("spec")] for key, document in documents.items()}


def _change(action: Action, words: Mapping[str, Any]) -> Any:
    match action:
        case Apply(names) | Delete(names):
            return [type(action).__name__, [words[name] for name in names]]
        case Together(actions, times):
            return [[_change(each, words) for each in actions], times]
    return str(action)


def _left_out(step: Step, scenario: Scenario, world: World) -> list[str]:
    """What could be asked after the step, and is not."""
    if all(claim.verdict is not None for claim in step.expect):
        return []
    questions = questions_of(world, Family, scenario.sizes)
    return sorted(map(str, set(questions) - set(asked(step, questions))))

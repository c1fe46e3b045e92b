"""A random scenario as values that can be taken apart: whole API documents instead of texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from conformance.scenario.scenario import Action, Apply, Delete, Layout, Scenario, Step, Together
from conformance.world.verdict import Protocol

Document = Mapping[str, Any]

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml, where PyYAML has it


@dataclass(frozen=True, slots=True)
class Case:
    """`policies`: API documents by key, with Jinja for addresses. `actions`: one for each step. `sizes`: see Scenario."""

    name: str
    layout: Layout
    policies: Mapping[str, Document]
    actions: tuple[Action, ...]
    sizes: Mapping[Protocol, tuple[int, ...]] = field(default_factory=dict)

    def scenario(self) -> Scenario:
        """The scenario that measures it. Nothing is claimed of it: the model alone says what is expected."""
        return Scenario(
            name=self.name,
            about="Random policies do what they say.",
            because="The model is complete for the API.",
            layout=self.layout,
            policies={key: text(document) for key, document in self.policies.items()},
            steps=tuple(Step(action, ()) for action in self.actions),
            path=Path(f"{self.name}.yaml"),
            group="fuzz",
            sizes=self.sizes,
        )


def text(document: Document) -> str:
    """A policy as it stands in a scenario file."""
    written: str = yaml.dump(document, Dumper=_DUMPER, sort_keys=False, width=1000)
    return written


def named(actions: Iterable[Action]) -> set[str]:
    """The keys of all policies that these actions speak of."""
    found: set[str] = set()
    for action in actions:
        match action:
            case Apply(names) | Delete(names):
                found.update(names)
            case Together(parts):
                found |= named(parts)
    return found


def without_policy(actions: Sequence[Action], key: str) -> tuple[Action, ...]:
    """The actions without this policy; those that have nothing else to do are left out."""
    found: list[Action] = []
    for action in actions:
        match action:
            case Apply(names) if key in names:
                rest = tuple(name for name in names if name != key)
                found += [Apply(rest)] if rest else []
            case Delete(names) if key in names:
                rest = tuple(name for name in names if name != key)
                found += [Delete(rest)] if rest else []
            case Together(parts, times):
                left = without_policy(parts, key)
                found += [Together(left, times)] if left else []
            case _:
                found.append(action)
    return tuple(found)


def renamed(case: Case) -> Case:
    """The case with its policies called p0, p1, … in their order: cases that were shrunk to the same become equal.

    Those that have a name of another kind keep it: it may be what disagrees.
    """
    keys = {key: f"p{number}" for number, key in enumerate(case.policies)}
    names: dict[tuple[str, str], str] = {}
    policies = {}
    for key, document in case.policies.items():
        metadata = document["metadata"]
        old = metadata["name"]
        name = names.setdefault((metadata["namespace"], old), keys[key] if is_plain(old) else old)
        policies[keys[key]] = {**document, "metadata": {**metadata, "name": name}}
    return replace(case, policies=policies, actions=tuple(_renamed(action, keys) for action in case.actions))


def is_plain(name: str) -> bool:
    """Whether a policy is called by a number only."""
    return re.fullmatch(r"p\d+", name) is not None


def _renamed(action: Action, keys: Mapping[str, str]) -> Action:
    match action:
        case Apply(names):
            return Apply(tuple(keys[name] for name in names))
        case Delete(names):
            return Delete(tuple(keys[name] for name in names))
        case Together(parts, times):
            return Together(tuple(_renamed(part, keys) for part in parts), times)
    return action

"""One scenario file, and all that is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance import data
from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.fictive import fictive_world
from conformance.scenario.places import layout_of, port_faults
from conformance.scenario.policies import InvalidPolicyText, policy_document
from conformance.scenario.scenario import Claim, Layout, Scenario, Step
from conformance.scenario.shape import shape_faults
from conformance.scenario.source import Keys, Source, read
from conformance.scenario.steps import action_faults, action_of, claims_of
from conformance.world.verdict import Family

SCHEMA, CAPABILITIES, LAYOUTS = "schema.json", "capabilities.yaml", "layouts"


def load(path: Path) -> Scenario:
    """The scenario in this file. Raises InvalidScenario with every fault of it and of the layout that it names."""
    source, syntax = read(path)
    if source is None:
        raise InvalidScenario(syntax)
    reading = _Reading(source, path)
    reading.faults += syntax
    scenario = reading.scenario()
    if reading.faults or scenario is None:
        raise InvalidScenario(tuple(sorted(set(reading.faults), key=lambda fault: (str(fault.path), fault.line, fault.column, fault.text))))
    return scenario


def root_of(path: Path) -> Path:
    """The folder with the layouts and capabilities that a file means: the nearest above it, else the suite's own."""
    found = next((folder for folder in path.absolute().parents if is_root(folder)), None)
    return found or data.folder("scenarios")


def is_root(folder: Path) -> bool:
    """Whether scenarios lie below this folder."""
    return (folder / SCHEMA).is_file() and (folder / CAPABILITIES).is_file()


@cache
def schema() -> Mapping[str, Any]:
    """The format of scenario files, as a JSON schema."""
    content: Mapping[str, Any] = json.loads((data.folder("scenarios") / SCHEMA).read_text(encoding="utf-8"))
    return content


def capabilities(root: Path | None = None) -> Mapping[str, str]:
    """What scenarios may need, with a sentence each. Raises InvalidScenario."""
    path = (root or data.folder("scenarios")) / CAPABILITIES
    source, faults = read(path)
    if source is None or faults:
        raise InvalidScenario(faults)
    if not isinstance(source.value, dict) or not all(isinstance(each, str) for pair in source.value.items() for each in pair):
        raise InvalidScenario((source.fault("capabilities are names with a sentence each"),))
    return source.value


class _Reading:
    """A file on its way to a scenario; parts with a fault are left out, so that the others are still looked at."""

    def __init__(self, source: Source, path: Path) -> None:
        self.source, self.path, self.root = source, path, root_of(path)
        shape = shape_faults(source, schema())
        self.spoiled = [keys for keys, _ in shape]
        self.faults = [fault for _, fault in shape]
        self.value: Mapping[str, Any] = source.value if isinstance(source.value, dict) else {}

    def is_sound(self, *keys: str | int) -> bool:
        """Whether the value is there and its shape, and that of all below it, is right."""
        value: Any = self.value
        for key in keys:
            if not (key in value if isinstance(value, dict) else isinstance(value, list) and isinstance(key, int) and key < len(value)):
                return False
            value = value[key]
        return not any(spoiled[: len(keys)] == keys for spoiled in self.spoiled)

    def scenario(self) -> Scenario | None:
        """The scenario, or None where a part that it needs is missing; the faults are in `faults`."""
        layout = self.layout()
        self.needs()
        policies = {name: text for name, text in self.strings("policies").items() if isinstance(text, str)}
        self.faults += self.policy_faults(policies, layout)
        steps = tuple(self.steps(layout, set(self.strings("policies"))))
        if self.faults or layout is None:
            return None
        value, parent = self.value, self.path.absolute().parent
        return Scenario(
            name=value["name"],
            about=value["about"],
            because=value["because"],
            layout=layout,
            policies=policies,
            steps=steps,
            path=self.path,
            group=parent.relative_to(self.root.absolute()).as_posix() if parent.is_relative_to(self.root.absolute()) else parent.name,
            recipe=value.get("recipe"),
            needs=tuple(value.get("needs", ())),
            runs_alone=value.get("runs-alone", False),
        )

    def strings(self, key: str) -> Mapping[str, Any]:
        found = self.value.get(key)
        return found if isinstance(found, dict) else {}

    def layout(self) -> Layout | None:
        if not self.is_sound("layout"):
            return None
        value = self.value["layout"]
        if isinstance(value, str):
            return self.shared(value)
        return self.checked(self.source, ("layout",), value, None)

    def checked(self, source: Source, keys: Keys, value: Mapping[str, Any], name: str | None) -> Layout | None:
        faults = list(port_faults(source, keys, value))
        self.faults += faults
        return None if faults else layout_of(value, name)

    def shared(self, name: str) -> Layout | None:
        path = self.root / LAYOUTS / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(each.stem for each in (self.root / LAYOUTS).glob("*.yaml"))) or "none"
            self.faults.append(self.source.fault(f"there is no layout {name!r}; there are: {known}", ("layout",)))
            return None
        source, syntax = read(path)
        self.faults += syntax
        if source is None:
            return None
        shape = [fault for _, fault in shape_faults(source, {"$ref": "#/$defs/layoutFile", "$defs": schema()["$defs"]})]
        self.faults += shape
        return None if shape else self.checked(source, ("layout",), source.value["layout"], name)

    def needs(self) -> None:
        try:
            known = capabilities(self.root)
        except InvalidScenario as wrong:
            self.faults += wrong.faults
            return
        needs = self.value.get("needs")
        for index, name in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(name, str) and name not in known:
                self.faults.append(self.source.fault(f"there is no capability {name!r}; there are: {', '.join(known)}", ("needs", index)))

    def policy_faults(self, policies: Mapping[str, str], layout: Layout | None) -> Iterator[Fault]:
        world = None if layout is None else fictive_world(layout)
        for name, text in policies.items():
            try:
                policy_document(text, world, Family)
            except InvalidPolicyText as wrong:
                for each in wrong.faults:
                    yield self.source.fault(f"policy {name}: {each.text}", ("policies", name), line=each.line, column=each.column)

    def steps(self, layout: Layout | None, policies: set[str]) -> Iterator[Step]:
        applied: set[str] = set()
        steps = self.value.get("steps")
        for index, value in enumerate(steps if isinstance(steps, list) else ()):
            keys: Keys = ("steps", index)
            expect: tuple[Claim, ...] = ()
            if self.is_sound(*keys, "expect"):
                expect = claims_of(self.source, (*keys, "expect"), value["expect"], layout, self.faults)
            if isinstance(value, dict):
                sound = {key for key in value if self.is_sound(*keys, key)}
                self.faults += action_faults(self.source, keys, value, sound, layout, policies, applied)
            if not self.faults:
                yield Step(action_of(value), expect, self.source.line(keys))

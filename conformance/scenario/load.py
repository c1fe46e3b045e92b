"""One scenario file, and all that is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance import data
from conformance.scenario.action import is_disruptive
from conformance.scenario.expects import Known, claims_of, watch_of
from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.fictive import fictive_world
from conformance.scenario.layout_faults import layout_faults
from conformance.scenario.places import layout_of
from conformance.scenario.policies import InvalidPolicyText, named_places, policy_document
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import Claim, Layout, Scenario, Step
from conformance.scenario.shape import shape_faults
from conformance.scenario.source import Keys, Source, compose, construct, read
from conformance.scenario.steps import PolicyText, Situation, action_of
from conformance.world.question import Sizes
from conformance.world.verdict import Family, Protocol

SCHEMA, CAPABILITIES, CLASSES, LAYOUTS, QUICK = "schema.json", "capabilities.yaml", "classes.yaml", "layouts", "quick.yaml"


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
    return explained(CAPABILITIES, root)


def classes(root: Path | None = None) -> Mapping[str, str]:
    """The classes of faults that scenarios are about, with a sentence each. Raises InvalidScenario."""
    return explained(CLASSES, root)


@cache
def quick_names() -> frozenset[str]:
    """The names of the suite's own scenarios that together see what all of them see; see `conformance.quick`."""
    root = compose((data.folder("scenarios") / QUICK).read_text(encoding="utf-8"))
    return frozenset(construct(root) if root else ())


def explained(file: str, root: Path | None = None) -> Mapping[str, str]:
    """The words that a file of the root (the suite's own where that has none) explains with a sentence each.

    Raises InvalidScenario.
    """
    here = (root or data.folder("scenarios")) / file
    path = here if here.is_file() else data.folder("scenarios") / file
    return _explained(path, path.stat().st_mtime_ns)


@cache
def _explained(path: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001 - a part of the cache's key
    source, faults = read(path)
    if source is None or faults:
        raise InvalidScenario(faults)
    if not isinstance(source.value, dict) or not all(isinstance(each, str) for pair in source.value.items() for each in pair):
        raise InvalidScenario((source.fault(f"{path.stem} are names with a sentence each"),))
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
        self.words("needs", CAPABILITIES, "capability")
        self.words("class", CLASSES, "class")
        policies = {name: text for name, text in self.strings("policies").items() if isinstance(text, str)}
        sizes = {Protocol(name): tuple(sizes) for name, sizes in self.strings("sizes").items()} if self.is_sound("sizes") else {}
        situation = Situation(self.source, layout, self.policies_of(policies, layout), self.is_sound)
        asked = _Asked(layout, sizes)
        steps = tuple(self.steps(situation, asked))
        watch = watch_of(self.source, self.value["watch"], asked.ever(), self.faults) if self.is_sound("watch") else ()
        if self.faults or layout is None:
            return None
        value, parent = self.value, self.path.absolute().parent
        hurts = value.get("disruptive", False) or any(is_disruptive(step.action) for step in steps)
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
            runs_alone=value.get("runs-alone", False) or hurts,
            fault_class=value.get("class", ""),
            origin=tuple(value.get("origin", ())),
            watch=watch,
            sizes=sizes,
            judges_source=value.get("without-nat", False),
            is_disruptive=hurts,
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
        faults = tuple(layout_faults(self.source, ("layout",), value))
        self.faults += faults
        return None if faults else layout_of(value)

    def shared(self, name: str) -> Layout | None:
        path = self.root / LAYOUTS / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(each.stem for each in (self.root / LAYOUTS).glob("*.yaml"))) or "none"
            self.faults.append(self.source.fault(f"there is no layout {name!r}; there are: {known}", ("layout",)))
            return None
        layout, faults = _shared_layout(path, path.stat().st_mtime_ns)
        self.faults += faults
        return layout

    def words(self, key: str, file: str, kind: str) -> None:
        """The words below a key (one, or a list of them) must be of those that a file of the root explains."""
        try:
            known = explained(file, self.root)
        except InvalidScenario as wrong:
            self.faults += wrong.faults
            return
        value = self.value.get(key)
        listed: list[tuple[Keys, Any]] = [((key, index), word) for index, word in enumerate(value)] if isinstance(value, list) else []
        for keys, word in listed or ([((key,), value)] if self.is_sound(key) else []):
            if isinstance(word, str) and word not in known:
                self.faults.append(self.source.fault(f"there is no {kind} {word!r}; there are: {', '.join(known)}", keys))

    def policies_of(self, texts: Mapping[str, str], layout: Layout | None) -> dict[str, PolicyText]:
        """The policies by their keys; the key is the reference where the text has faults, which are added."""
        world = None if layout is None else fictive_world(layout)
        found = {name: PolicyText(name) for name in self.strings("policies")}
        for name, text in texts.items():
            try:
                metadata = policy_document(text, world, Family)["metadata"]
                found[name] = PolicyText(f"{metadata['namespace']}/{metadata['name']}", named_places(text))
            except InvalidPolicyText as wrong:
                self.faults += (
                    self.source.fault(f"policy {name}: {each.text}", ("policies", name), line=each.line, column=each.column)
                    for each in wrong.faults
                )
        return found

    def steps(self, situation: Situation, asked: _Asked) -> Iterator[Step]:
        steps = self.value.get("steps")
        for index, value in enumerate(steps if isinstance(steps, list) else ()):
            keys: Keys = ("steps", index)
            if isinstance(value, dict):
                self.faults += situation.faults(keys, value)
            expect: tuple[Claim, ...] = ()
            known = asked.at(situation.presence)
            if self.is_sound(*keys, "expect"):
                expect = claims_of(self.source, (*keys, "expect"), value["expect"], known, self.faults)
            if not self.faults:
                yield Step(action_of(value), expect, self.source.line(keys))


class _Asked:
    """What is asked at each step of a file: worked out once for all steps at which the same are there."""

    def __init__(self, layout: Layout | None, sizes: Sizes) -> None:
        self._layout, self._sizes = layout, sizes
        self._everybody = None if layout is None else fictive_world(layout)
        self._known: dict[Presence, Known] = {}

    def at(self, presence: Presence) -> Known:
        """What a claim can speak of when these are there."""
        if presence not in self._known:
            self._known[presence] = Known(self._layout, self._everybody, presence, self._sizes)
        return self._known[presence]

    def ever(self) -> tuple[Known, ...]:
        """What a claim could speak of at any step, before the first one, too. Empty without a layout."""
        if self._layout is None:
            return ()
        self.at(Presence.at_first(self._layout))
        return tuple(self._known.values())


@cache
def _shared_layout(path: Path, changed: int) -> tuple[Layout | None, tuple[Fault, ...]]:  # noqa: ARG001 - a part of the cache's key
    """A shared layout (None where it has faults), and its faults. `changed` tells versions of the file apart."""
    source, syntax = read(path)
    if source is None:
        return None, syntax
    faults = [*syntax, *(fault for _, fault in shape_faults(source, {"$ref": "#/$defs/layoutFile", "$defs": schema()["$defs"]}))]
    if not faults:
        faults += layout_faults(source, ("layout",), source.value["layout"])
    return (None if faults else layout_of(source.value["layout"], path.stem)), tuple(faults)

"""Many scenario files: which they are, and all of them at once."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path

from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.load import CAPABILITIES, CLASSES, LAYOUTS, QUICK, is_root, load
from conformance.scenario.scenario import Scenario


def is_scenario(path: Path) -> bool:
    """Whether a file is a scenario by its place: YAML below a folder with schema.json and capabilities.yaml."""
    if path.suffix != ".yaml" or path.name in (CAPABILITIES, CLASSES, QUICK):
        return False
    root = next((folder for folder in path.absolute().parents if is_root(folder)), None)
    return root is not None and path.absolute().relative_to(root).parts[0] != LAYOUTS


def looks_like_one(path: Path) -> bool:
    """Whether a file that lies anywhere is a scenario by its keys: other plugins of pytest have YAML files, too."""
    words = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.suffix == ".yaml" else []
    return all(any(line.startswith(key) for line in words) for key in ("layout:", "steps:"))


def find(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The scenarios among these files and folders, sorted, each once. A file that is named is one wherever it lies.

    Raises InvalidScenario for every path that is missing, and for a folder without any scenario.
    """
    found: set[Path] = set()
    faults = []
    for path in paths:
        below = {path} if path.is_file() else {each for each in path.rglob("*.yaml") if is_scenario(each)}
        if not below:
            faults.append(Fault(path, 0, 0, "no scenario lies below this folder" if path.is_dir() else "no such file or folder"))
        found |= below
    if faults:
        raise InvalidScenario(tuple(faults))
    return tuple(sorted(found))


def load_all(paths: Iterable[Path]) -> tuple[tuple[Scenario, ...], tuple[Fault, ...]]:
    """Every scenario below these paths that is sound, and the faults of the others, each once."""
    scenarios: list[Scenario] = []
    faults: dict[Fault, None] = {}
    try:
        files = find(paths)
    except InvalidScenario as wrong:
        return (), wrong.faults
    for path in files:
        try:
            scenarios.append(load(path))
        except InvalidScenario as wrong:
            faults |= dict.fromkeys(wrong.faults)
    return tuple(scenarios), tuple(faults)


def by_path(scenarios: Iterable[Scenario]) -> dict[Path, Scenario]:
    """Scenarios by the absolute paths of their files."""
    return {scenario.path.absolute(): scenario for scenario in scenarios}


def hand_over(scenarios: Mapping[Path, Scenario], file: Path) -> None:
    """Writes scenarios by their paths for the other processes of a run: reading them as YAML costs each of them seconds."""
    file.write_bytes(pickle.dumps(scenarios, pickle.HIGHEST_PROTOCOL))


def handed_over(file: Path) -> Mapping[Path, Scenario]:
    """What `hand_over` wrote; nothing where it wrote nothing."""
    return pickle.loads(file.read_bytes()) if file.exists() else {}  # noqa: S301 - the run's own folder, where nobody else writes

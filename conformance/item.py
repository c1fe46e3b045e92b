"""Scenarios as pytest's items.

`setup` of an item measures, its `call` judges: so a broken world is pytest's *error* and a plugin that does something
else than its policies say is a *failure*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.exit_code import WRONG_USAGE

if TYPE_CHECKING:
    from conformance.conductor import Conductor
    from conformance.record import ScenarioRecord
    from conformance.scenario.scenario import Scenario
    from conformance.settings import Settings
    from conformance.stage import Stage
    from conformance.turn import Turns

CONDUCTOR: pytest.StashKey[Conductor] = pytest.StashKey()
"""In the controller of a run."""

STAGE: pytest.StashKey[Stage] = pytest.StashKey()
TURNS: pytest.StashKey[Turns] = pytest.StashKey()
"""In every process that plays."""

FOLDER = "cni_conformance_folder"
"""The key by which a worker of xdist is told where the run's folder is."""

WORLD = ".world"
"""How the name of a file ends that has the size of a large world."""

SCENARIOS: pytest.StashKey[Mapping[Path, Scenario]] = pytest.StashKey()
"""What the controller of a run has loaded, by absolute path."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of xdist."""
    return hasattr(config, "workerinput")


def _stage(config: pytest.Config) -> Stage:
    if STAGE not in config.stash:
        from conformance.stage import Stage

        if is_worker(config):
            given = config.workerinput  # type: ignore[attr-defined] # xdist adds it to the workers' config
            config.stash[STAGE] = Stage.join(Path(given[FOLDER]), given["workerid"], config.stash[TURNS])
        else:
            config.stash[STAGE] = Stage.join(config.stash[CONDUCTOR].folder, worker="gw0")
    return config.stash[STAGE]


class ScenarioFile(pytest.File):
    """A scenario file with its one item."""

    def collect(self) -> Iterable[pytest.Item]:
        """The item; a fault of the file stands in pytest's collection error with line and caret."""
        from conformance.scenario.load import load

        scenario = self.config.stash.get(SCENARIOS, {}).get(self.path) or load(self.path)
        yield ScenarioItem.from_parent(self, name=scenario.name, scenario=scenario)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002 - pytest's signature
        """The faults as a person reads them."""
        from conformance.scenario.fault import InvalidScenario

        return str(excinfo.value) if isinstance(excinfo.value, InvalidScenario) else super().repr_failure(excinfo)


class WorldFile(pytest.File):
    """The size of a large world, as a file that pytest can name: its items are the scenarios that the controller has made of it."""

    def collect(self) -> Iterable[pytest.Item]:
        """An item for each of them."""
        for scenario in self.config.stash.get(SCENARIOS, {}).values():
            yield ScenarioItem.from_parent(self, name=scenario.name, scenario=scenario)


def loaded(paths: Sequence[Path]) -> tuple[Scenario, ...]:
    """The scenarios below these paths. With faults in any of them the session ends with all of them and exit code 2."""
    from conformance.scenario.catalogue import load_all
    from conformance.scenario.fault import told

    scenarios, faults = load_all(paths)
    if faults:
        pytest.exit(f"{told(faults)}; nothing was started", returncode=WRONG_USAGE)
    return scenarios


def collected_world(config: pytest.Config, settings: Settings) -> tuple[Scenario, ...]:
    """The scenarios of the world that is asked for; what pytest collects is a file with its size. Raises pytest.UsageError."""
    from conformance.cluster.state import cache_folder
    from conformance.large import scenarios_of

    size = settings.size()
    if size is None:
        raise RuntimeError("there is no world without --world")
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        raise pytest.UsageError(f"--world makes scenarios of its own: leave out {' '.join(config.args)}")
    if config.getoption("lf", default=False):
        raise pytest.UsageError("--world with --lf: choose scenarios with -k; there are few, and they share the world")
    if workers := config.getoption("numprocesses", default=None):  # a worker of xdist would collect what was named to pytest at first
        raise pytest.UsageError(f"--world with -n {workers}: it is one world, measured by this process (-n 0)")
    path = cache_folder() / "worlds" / f"{size}{WORLD}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{size}\n")
    except OSError as fault:
        raise pytest.UsageError(f"{path.parent} cannot be written: {fault.strerror}; set CNI_CONFORMANCE_CACHE to another folder") from None
    config.args[:] = [str(path)]
    return scenarios_of(size)


class ScenarioItem(pytest.Item):
    """One scenario. Its marks: its group, its capabilities, `alone`, `disruptive` and `quick`."""

    def __init__(self, *, scenario: Scenario, **kwargs: Any) -> None:
        from conformance.scenario.load import quick_names

        super().__init__(**kwargs)
        self.scenario = scenario
        self.record: ScenarioRecord | None = None
        is_quick = scenario.name in quick_names()
        kinds = (("alone", scenario.runs_alone), ("disruptive", scenario.is_disruptive), ("quick", is_quick))
        for mark in {scenario.group, *scenario.needs, *(name for name, is_so in kinds if is_so)}:
            self.config.addinivalue_line("markers", f"{mark}: scenarios with this group or capability")
            self.add_marker(mark)

    def setup(self) -> None:
        """Measures. A broken world is an error, a capability that is not there a skip."""
        self.record = _stage(self.config).play(self.scenario)
        match self.record.outcome:
            case "error":
                raise BrokenScenario(self.record)
            case "not-supported" | "skipped":
                pytest.skip(self.record.sentence)

    def runtest(self) -> None:
        """Judges. A known deviation is what pytest calls an expected failure."""
        if self.record is None:
            raise RuntimeError("pytest calls setup before this")
        if self.record.outcome == "failed":
            raise FailedScenario(self.record)
        if self.record.outcome == "known-deviation":
            pytest.xfail(self.record.sentence)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What happened, so that it needs no second explanation."""
        if isinstance(excinfo.value, FailedScenario | BrokenScenario):
            from conformance.report.explain import explain

            return explain(excinfo.value.record)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File and name, as pytest shows them."""
        return self.path, None, f"{self.scenario.group}/{self.name}"


class _Told(Exception):
    def __init__(self, record: ScenarioRecord) -> None:
        super().__init__(record.sentence)
        self.record = record


class FailedScenario(_Told):
    """The plugin does something else than the policies say."""


class BrokenScenario(_Told):
    """The world or the scenario was broken; nothing is said of the plugin."""

"""The pytest door: scenario files are collected as items, on one cluster, also under pytest-xdist.

What an item does is in `item`. Heavy imports wait until there is a scenario: the plugin is loaded into every pytest of an
environment.

With pytest-xdist the controller makes the cluster once the first worker has collected, and tells the workers by a file in
the run's folder; every worker has worlds of its own.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.item import (
    CONDUCTOR,
    FOLDER,
    STAGE,
    TURNS,
    WORLD,
    ScenarioFile,
    ScenarioItem,
    WorldFile,
    is_worker,
)
from conformance.session import begin, destination, join, settings_of
from conformance.settings import OPTIONS

if TYPE_CHECKING:
    from conformance.conductor import Conductor

_RECORD = "cni_conformance_record"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `conformance.settings`."""
    group = parser.getgroup("cni-conformance", "conformance of a Kubernetes CNI plugin")
    for option in OPTIONS:
        if isinstance(option.default, bool):
            group.addoption(option.flag, dest=destination(option.key), help=option.help, action="store_true", default=False)
        else:
            action = "append" if isinstance(option.default, tuple) else "store"
            default = None if action == "append" else option.unset
            group.addoption(
                option.flag, dest=destination(option.key), help=option.help, metavar=option.metavar, action=action, default=default
            )


# --- collecting: needs no cluster -----------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario files; one that is named is one wherever it lies."""
    if file_path.suffix == WORLD and parent.config.getoption(destination("world")):  # others have files that are called so
        return WorldFile.from_parent(parent, path=file_path)
    if file_path.suffix != ".yaml":
        return None
    from conformance.scenario.catalogue import is_scenario

    is_meant = is_scenario(file_path) or (parent.session.isinitpath(file_path) and _has_scenarios(file_path))
    return ScenarioFile.from_parent(parent, path=file_path) if is_meant else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what -k and -m have selected, the shard. Disruptive scenarios come last: a node that is still busy hurts no other."""
    if config.getoption(destination("shard")):
        _take_shard(config, items)
    items.sort(key=lambda item: isinstance(item, ScenarioItem) and item.scenario.is_disruptive)


def _take_shard(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every process finds the same part by itself. The whole selection goes to the conductor by the run's folder."""
    from conformance.shard import Cost, keep_selection, shards

    shard = settings_of(config).part()
    own = {item.scenario.name: item.scenario for item in items if isinstance(item, ScenarioItem)}
    if shard is None or not own:
        return
    folder = _folder_of_run(config)
    if folder is not None:
        keep_selection(folder, own)
    costs = {name: Cost(len(each.steps), each.is_disruptive, each.layout.needs_node_ports) for name, each in own.items()}
    mine = shards(costs, shard.total)[shard.number - 1]
    others = {item for item in items if isinstance(item, ScenarioItem) and item.scenario.name not in mine}
    if others:
        config.hook.pytest_deselected(items=[item for item in items if item in others])
        items[:] = [item for item in items if item not in others]


def _folder_of_run(config: pytest.Config) -> Path | None:
    if is_worker(config):
        folder = config.workerinput.get(FOLDER)  # type: ignore[attr-defined] # xdist adds it to the workers' config
        return None if folder is None else Path(folder)
    conductor = config.stash.get(CONDUCTOR, None)
    return None if conductor is None else conductor.folder


# --- one process of a run -------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before anything else: every fault of every file at once, and the settings."""
    config = session.config
    if is_worker(config):
        if (folder := _folder_of_run(config)) is not None:
            join(config, folder)
        return
    is_world = config.getoption(destination("world")) is not None
    paths = [] if is_world else [path for argument in config.args if _has_scenarios(path := Path(argument.split("::")[0]))]
    if paths or is_world:
        conductor = begin(config, paths)
        if conductor is not None:
            config.pluginmanager.register(Recorder(conductor), "cni-conformance-recorder")


def _has_scenarios(path: Path) -> bool:
    from conformance.scenario.catalogue import is_scenario, looks_like_one

    return is_scenario(path) or looks_like_one(path) if path.is_file() else any(map(is_scenario, path.rglob("*.yaml")))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Without xdist: the cluster, once it is known that scenarios will run."""
    if not session.testsfailed and any(isinstance(item, ScenarioItem) for item in session.items):
        _prepare(session.config, [item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """With xdist: the same in the controller, when the first worker has collected. Work is given out after this."""
    if ids:
        _prepare(node.config, ids)


def _prepare(config: pytest.Config, ids: Sequence[str]) -> None:
    conductor = config.stash.get(CONDUCTOR, None)
    if conductor is None or conductor.is_ready or config.getoption("collectonly"):
        return
    from conformance.provision import CannotRun

    try:
        conductor.prepare(ids)
    except CannotRun as error:
        pytest.exit(str(error), returncode=error.exit_code)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of xdist where the run's folder is."""
    conductor = node.config.stash.get(CONDUCTOR, None)
    if conductor is not None:
        node.workerinput[FOLDER] = str(conductor.folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The record travels with the report of the setup, as text: xdist passes plain types only."""
    report = yield
    if isinstance(item, ScenarioItem) and item.record is not None and report.when == "setup":
        setattr(report, _RECORD, json.dumps(item.record.to_document()))
    return report


class Recorder:
    """In the controller only: takes the records out of the reports."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A record, or a worker of xdist that crashed: in the middle of a scenario, or behind one."""
        document = getattr(report, _RECORD, None)
        if document is not None:
            self.conductor.add(json.loads(document))
        elif report.failed and report.when not in ("call", "teardown"):
            self.conductor.lost(report.nodeid, str(report.longrepr))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Scenarios of one layout go to one worker, which has their world: in portions, so that no worker is left over."""
    conductor = config.stash.get(CONDUCTOR, None)
    if conductor is None or config.getoption("dist") not in ("load", "no"):
        return None
    from conformance.portion import scheduling

    return scheduling(config, log, conductor.portion_of)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """After the workers have gone: worlds, reports, cluster; and the exit code says which kind of trouble there was."""
    try:
        return (yield)
    finally:
        config = session.config
        if STAGE in config.stash:
            config.stash[STAGE].close()
        if TURNS in config.stash:
            config.stash[TURNS].close()
        if CONDUCTOR in config.stash:
            session.exitstatus = config.stash[CONDUCTOR].finish(int(session.exitstatus))

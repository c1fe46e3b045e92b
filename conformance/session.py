"""How a session of pytest that has scenarios begins: its settings, what is wrong with them, the scenarios, and who conducts the run.

Heavy imports wait until they are needed, as in `pytest_plugin`.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.mark import expression

from conformance.item import CONDUCTOR, SCENARIOS, TURNS, collected_world, loaded
from conformance.settings import OPTIONS, InvalidSettings, Settings

if TYPE_CHECKING:
    from conformance.conductor import Conductor
    from conformance.scenario.scenario import Scenario
    from conformance.view import View

_SCENARIOS = "scenarios.pickle"


def destination(key: str) -> str:
    """Where pytest's configuration keeps an option of ours, by its key."""
    return f"cni_conformance_{key}"


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a session. Raises pytest.UsageError."""
    try:
        return Settings.of({option.key: config.getoption(destination(option.key)) for option in OPTIONS})
    except InvalidSettings as error:
        raise pytest.UsageError(str(error)) from None


def begin(config: pytest.Config, paths: Sequence[Path]) -> Conductor | None:
    """The scenarios below `paths`, or those of the world that is asked for, and who conducts their run (None: they are only collected).

    With any fault in what is known before a cluster is touched, the session ends with a sentence for each, and exit code 2.
    """
    is_run = not config.getoption("collectonly")
    settings = settings_of(config)
    _check_choice(config)
    if is_run:
        _foresee(settings)
    scenarios = loaded(paths) if settings.size() is None else collected_world(config, settings)
    from conformance.scenario.catalogue import by_path, hand_over

    config.stash[SCENARIOS] = by_path(scenarios)
    _collect_seldom(config)
    if not is_run:
        return None
    conductor = config.stash[CONDUCTOR] = _conductor(config, settings, scenarios)
    hand_over(config.stash[SCENARIOS], conductor.folder / _SCENARIOS)
    return conductor


def join(config: pytest.Config, folder: Path) -> None:
    """A worker says that it is there before any work is given out: disruptive scenarios wait for it. It need not load again."""
    from conformance.scenario.catalogue import handed_over
    from conformance.turn import Turns

    config.stash[TURNS] = Turns(folder)
    config.stash[SCENARIOS] = handed_over(folder / _SCENARIOS)
    _collect_seldom(config)


def _conductor(config: pytest.Config, settings: Settings, scenarios: Sequence[Scenario]) -> Conductor:
    from conformance.cluster.state import cache_folder
    from conformance.conductor import Conductor

    view = config.pluginmanager.getplugin("cni-conformance-view") or _plain_view()
    workers = config.getoption("numprocesses", None) or 1
    try:
        return Conductor(settings, scenarios, workers, view, _selection(config))
    except OSError as fault:
        sentence = f"{cache_folder()} cannot be written: {fault.strerror}; set CNI_CONFORMANCE_CACHE to another folder"
        raise pytest.UsageError(sentence) from None


def _collect_seldom(config: pytest.Config) -> None:
    """The catalogue stays to the end, and most of what is measured: looking for garbage in them took a fifth of a process's time.

    The process may be somebody's own: when the session has ended all is as it was.
    """
    config.add_cleanup(gc.unfreeze)
    config.add_cleanup(partial(gc.set_threshold, *gc.get_threshold()))
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _foresee(settings: Settings) -> None:
    from conformance.provision import CannotRun, foresee

    try:
        foresee(settings)
    except CannotRun as error:
        pytest.exit(f"{error}; nothing was started", returncode=error.exit_code)


def _check_choice(config: pytest.Config) -> None:
    """pytest itself finds a wrong -k or -m only while it collects; under xdist that is in the workers, after the cluster."""
    for option, name in (("-k", "keyword"), ("-m", "markexpr")):
        text = config.getoption(name)
        try:
            if text:
                expression.Expression.compile(text)
        except getattr(expression, "ParseError", SyntaxError) as error:
            raise pytest.UsageError(f"{option} {text}: {error}") from None
    if config.getoption(destination("shard")) and config.getoption("lf", default=False):
        raise pytest.UsageError("--shard with --lf: what failed last is known on one machine only, and makes no shards")


def _selection(config: pytest.Config) -> list[str]:
    """The words of -k and -m, where they were given."""
    given = {flag: config.getoption(name) for flag, name in (("-k", "keyword"), ("-m", "markexpr"))}
    return [word for flag, text in given.items() if text for word in (flag, text)]


def _plain_view() -> View:
    from rich.console import Console

    from conformance.view import View

    return View(Console(highlight=False), is_quiet=True)

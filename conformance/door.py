"""`run` drives pytest: it is a view on the same engine, not a second runner."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conformance import data
from conformance.cluster.state import cache_folder
from conformance.exit_code import BROKEN_WORLD, INTERRUPTED, WRONG_USAGE
from conformance.settings import Settings
from conformance.view import View

REPORT = "reports/out"
"""Where `run` writes its record and reports if it is not told."""


def run_pytest(settings: Settings, view: View, **choice: Any) -> int:
    """Runs pytest with the settings and the user's choice of scenarios; returns the exit code of `run`."""
    signal.signal(signal.SIGTERM, _end)  # the first process of a container does not end by itself; a run that has begun does more
    if choice["sonobuoy"] and not _is_ready_for_sonobuoy(view):
        return WRONG_USAGE
    settings = replace(settings, report=settings.report or REPORT)
    paths = choice["scenarios"] or (() if settings.world else (data.folder("scenarios"),))
    workers = _workers(choice["workers"], is_one_world=bool(settings.world))
    words = [
        *map(str, paths),
        *("-c", str(data.folder("fixtures") / "pytest.ini"), "--rootdir", str(Path.cwd())),
        "--assert=plain",  # pytest would read and rewrite every module of a plugin that it has not seen: more work than loading them
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),  # they look for garbage in all that was measured: 2 s of 20
        *("-o", f"cache_dir={cache_folder() / 'pytest'}"),
        *(("-n", workers) if workers != "0" else ()),
        *(("-k", choice["expression"]) if choice["expression"] else ()),
        *(("-m", choice["marks"]) if choice["marks"] else ()),
        *(["-x"] if choice["stop_early"] else []),
        *(["--lf"] if choice["last_failed"] else []),
        *settings.arguments(),
    ]
    door = _Door(view, is_verbose=choice["verbose"])
    ended = int(pytest.main(words, plugins=[door]))
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the record is on its way out: nobody is to cut it now
    try:
        code = door.exit_code(ended)
        report = Path(settings.report) if door.has_record else None
        if choice["sonobuoy"]:
            code = _hand_over(report, door.why, view, code)
        if choice["emit"] and report is not None:
            _emit(choice["emit"], report, view)
    finally:
        signal.signal(signal.SIGTERM, before)
    return code


def _is_ready_for_sonobuoy(view: View) -> bool:
    from conformance.inside.sonobuoy import check_folder, results_folder

    try:
        check_folder()
    except OSError as fault:
        sentence = f"--sonobuoy: {results_folder()} cannot be written: {fault.strerror}; nothing was started"
        view.console.print(sentence, markup=False, soft_wrap=True)
        return False
    return True


def _hand_over(report: Path | None, why: str, view: View, code: int) -> int:
    from conformance.inside.sonobuoy import hand_over, results_folder

    try:
        view.say(f"handed to Sonobuoy: {hand_over(report, why or 'the run could not begin: the log of the pod says why')}")
    except OSError as fault:
        sentence = f"nothing is handed to Sonobuoy: {results_folder()} cannot be written ({fault.strerror})"
        view.console.print(sentence, markup=False, soft_wrap=True)
        return code or BROKEN_WORLD
    return code


def _emit(name: str, report: Path, view: View) -> None:
    """The record into the log, then as many diagnostics as find room there."""
    from conformance.inside.bundles import FOLDER, fitting, told
    from conformance.inside.emitted import Kind, lines_of, packed

    record = packed((report / "record.json").read_bytes())
    diagnostics, left = fitting(report / FOLDER, len(record))
    try:
        for line in chain(lines_of(name, record), *(lines_of(*each, Kind.DIAGNOSTICS) for each in diagnostics.items())):
            print(line)  # noqa: T201 - the console would break it
        sys.stdout.flush()
        if left:
            view.say(f"{told(left)} have no room in this log")
    except BrokenPipeError:  # nobody reads on; Python would complain again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(_number: int, _frame: object) -> NoReturn:
    sys.exit(INTERRUPTED)


def _workers(wanted: str, *, is_one_world: bool) -> str:
    """Measuring is mostly waiting: twice the cores, up to 8."""
    if wanted == "auto" and is_one_world:
        return "0"
    return str(min(8, 2 * (os.cpu_count() or 1))) if wanted == "auto" else wanted


class _Door:
    """Takes pytest's own terminal report away (but for --verbose), and shows ours."""

    __name__ = "cni-conformance-door"

    def __init__(self, view: View, *, is_verbose: bool) -> None:
        self.view, self.is_verbose = view, is_verbose
        self._config: pytest.Config | None = None
        self._has_begun = self._was_interrupted = False
        self._exit: int | None = None
        self.has_record, self.why = False, ""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config
        config.pluginmanager.register(self.view, "cni-conformance-view")
        if not self.is_verbose:
            for name in ("terminalreporter", "terminaldistreporter"):
                if (reporter := config.pluginmanager.getplugin(name)) is not None:
                    config.pluginmanager.unregister(reporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        self._has_begun = True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, SIGTERM, or a run that cannot begin: then pytest's terminal report would have said why."""
        if not isinstance(excinfo.value, pytest.exit.Exception):
            self._was_interrupted = True
            return
        self._exit, self.why = excinfo.value.returncode, str(excinfo.value.msg)
        if self._has_begun:  # before that pytest itself writes it
            self.view.console.print(excinfo.value.msg, markup=False, soft_wrap=True)

    def exit_code(self, pytests: int) -> int:
        """Shows the summary; pytest's own codes for a session that did not come to an end become ours."""
        from conformance.diagnostics import taken_of
        from conformance.item import CONDUCTOR
        from conformance.report.terminal import print_run
        from conformance.session import settings_of

        conductor = self._config.stash.get(CONDUCTOR, None) if self._config else None
        if conductor is not None and conductor.result is not None:
            self.has_record = conductor.report is not None
            print_run(conductor.result, self.view.console, conductor.news)
            if conductor.report is not None:
                self.view.say(f"record and reports: {conductor.report}")
                if sentence := taken_of(conductor.result):
                    self.view.say(sentence)
        if self._was_interrupted:
            self.view.console.print("interrupted; what was measured is in the record")
            return INTERRUPTED
        if self._exit is not None:
            return self._exit
        if pytests == pytest.ExitCode.NO_TESTS_COLLECTED:
            shard = settings_of(self._config).shard if self._config else ""
            self.view.console.print(f"no scenario is left for shard {shard}: make fewer of them" if shard else "no scenario was selected")
            return WRONG_USAGE
        return WRONG_USAGE if pytests == pytest.ExitCode.USAGE_ERROR else pytests

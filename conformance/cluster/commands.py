"""Running other programs for a provider: none outlives us, none swallows the user's Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from conformance.cluster.broken import BrokenCluster

MARK = "CNI_CONFORMANCE_WORK"
"""In the environment of every command (and so of its children): for which folder it works. By it they are found again."""

_PATIENCE = 5.0
"""Seconds between the request to end and the order to."""


class BrokenCommand(BrokenCluster):
    """A command failed. `output` is all it said."""

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


class Commands:
    """Commands that work for one folder. May be used from several threads.

    Each runs in a session of its own, so that Ctrl-C reaches us first and we end them by their id. After `end()` no
    further one starts until the next `begin()`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, MARK: str(folder)}
        self._live: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._is_ended = False

    def run(self, *command: str | Path, stdin: str = "", limit: float = 60.0) -> str:
        """What the command writes to its standard output.

        Raises BrokenCommand where it cannot be started, fails, or takes longer than `limit` seconds.
        """
        process = self._start([str(word) for word in command])
        shown = " ".join([Path(command[0]).name, *(str(word) for word in command[1:4])])
        try:
            output, errors = process.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise BrokenCommand(f"`{shown} …` did not end within {limit:.0f} s") from error
        finally:
            end(process)
            with self._lock:
                self._live.discard(process)
        if process.returncode:
            said = (errors.strip() or output.strip() or "it said nothing").splitlines()
            raise BrokenCommand(f"`{shown} …` failed ({process.returncode}): {said[-1].strip()}", f"{output}\n{errors}")
        return output

    def end(self) -> None:
        """End what is under way; their `run` raises. Nothing new starts before `begin()`."""
        with self._lock:
            self._is_ended = True
            live = list(self._live)
        for process in live:
            end(process)

    def begin(self) -> None:
        """Commands may start again."""
        with self._lock:
            self._is_ended = False

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_ended:
                raise BrokenCommand(f"`{command[0]}` was not started any more: the work was ended")
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    env={**os.environ, **self.environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise BrokenCommand(f"cannot start {command[0]}: {error.strerror}") from error
            self._live.add(process)
            return process


def end(process: subprocess.Popen[str]) -> None:
    """End a command with its children: asked first, then made to. Nothing where it has ended by itself."""
    for order, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):  # the thread that waits for it has just heard of its end
            os.killpg(process.pid, order)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def end_strays(folder: Path) -> None:
    """End the commands for this folder whose suite was killed. They are told by MARK; where there is no /proc there are none to see."""
    wanted = f"{MARK}={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and wanted in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue  # it has ended in the meantime, or it is another user's

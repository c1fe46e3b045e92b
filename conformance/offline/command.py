"""Commands of this house: their output goes to a log, their failure is one sentence with the last lines, their processes can be ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LAST_LINES = 12
_PATIENCE = 10.0  # seconds between the polite signal and the other one
_GLANCE = 0.02  # seconds between two looks
_ENDED = ("Z", "X")  # states of a process, proc(5)


class BrokenSetup(Exception):
    """Something needed for the offline house cannot be had, built or started. The message says what, where, and what to do."""


class Stopped(BrokenSetup):
    """The command was not run, or was ended, because everything is being stopped: no cause of its own."""


class Commands:
    """Runs commands, each in a process group of its own, and remembers which run, on disk too.

    `running` is a folder with one file per running group: after a SIGKILL of this process the next one ends what is left (`end_left`).
    """

    def __init__(self, logs: Path, running: Path, environment: Mapping[str, str] | None = None) -> None:
        self.logs = logs
        self.running = running
        self.environment = dict(os.environ if environment is None else environment)
        self._groups: set[int] = set()
        self._lock = threading.Lock()
        self._is_stopped = False
        logs.mkdir(parents=True, exist_ok=True)
        running.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        name: str,
        words: Sequence[object],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        source: IO[bytes] | int | None = None,
    ) -> Path:
        """Runs to the end and returns the log; `name` is what people read and the log's file name.

        Raises BrokenSetup with the last lines of the log where the exit code is not zero.
        """
        log = self.logs / f"{name.replace(' ', '-').replace('/', '-')}.log"
        with log.open("wb") as output:
            process = self._start(words, environment, folder, source, output)
            try:
                code = process.wait()
            finally:
                self._forget(process)
        if code and self._is_stopped:
            raise Stopped("stopped")
        if code:
            raise BrokenSetup(_sentence(name, words, code, log))
        return log

    def answer(self, words: Sequence[object], *, environment: Mapping[str, str] | None = None) -> str | None:
        """The standard output of a short command, or None where it fails or is not there."""
        try:
            result = subprocess.run(
                [str(word) for word in words],
                env={**self.environment, **(environment or {})},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return result.stdout.strip() if result.returncode == 0 else None

    def stop(self) -> None:
        """Ends every command that runs, with its children, and lets no further one start."""
        with self._lock:
            self._is_stopped = True
            groups = set(self._groups)
        for group in groups:
            end_group(group)

    def end_left(self) -> None:
        """Ends the groups that an earlier process left behind when it was killed."""
        for file in self.running.iterdir():
            try:
                owner, _, born = file.read_text().partition(" ")
            except FileNotFoundError:
                continue  # another process's command, which has just ended
            group = int(file.name)
            if owner and is_alive(int(owner)):
                continue
            if born and birth(group) == born:
                end_group(group)
            file.unlink(missing_ok=True)

    def _start(
        self,
        words: Sequence[object],
        environment: Mapping[str, str] | None,
        folder: Path | None,
        source: IO[bytes] | int | None,
        output: IO[bytes],
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise Stopped("stopped")
            try:
                process = subprocess.Popen(
                    [str(word) for word in words],
                    stdin=subprocess.DEVNULL if source is None else source,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**self.environment, **(environment or {})},
                    cwd=folder,
                    start_new_session=True,
                )
            except OSError as error:
                raise BrokenSetup(f"{words[0]} cannot be started: {error.strerror}") from error
            self._groups.add(process.pid)
            (self.running / str(process.pid)).write_text(f"{os.getpid()} {birth(process.pid)}")
        return process

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            end_group(process.pid)
            process.wait()
        with self._lock:
            self._groups.discard(process.pid)
        (self.running / str(process.pid)).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs (a zombie does not)."""
    try:
        return _status(pid)[0] not in _ENDED
    except OSError:
        return False


def birth(pid: int) -> str:
    """When the process started, in clock ticks since boot: a number that is used again has another one. Empty where there is none."""
    try:
        return _status(pid)[19]
    except OSError:
        return ""


def end_group(group: int) -> None:
    """Ends a process group: politely, then for good. Returns when nothing of it runs any more: its leader may end before its children."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
        if _is_gone(group):
            return


def _is_gone(group: int) -> bool:
    """Whether all of a group end within the patience for it."""
    limit = time.monotonic() + _PATIENCE
    while _runs(group):
        if time.monotonic() > limit:
            return False
        time.sleep(_GLANCE)
    return True


def _runs(group: int) -> bool:
    return any(_is_member(int(path.name), group) for path in Path("/proc").glob("[0-9]*"))


def _is_member(pid: int, group: int) -> bool:
    try:
        status = _status(pid)
    except OSError:
        return False  # it has ended in the meantime
    return status[2] == str(group) and status[0] not in _ENDED


def _status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, proc(5); the name before them may hold blanks and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _sentence(name: str, words: Sequence[object], code: int, log: Path) -> str:
    last = log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
    if any("no space left on device" in line.lower() for line in last):
        return f"{name}: the disk is full ({log.parent} and what lies beside it). Free some space and run it again: what was built stays."
    lines = "\n".join(f"    {line[:300]}" for line in last)
    return f"{name} failed ({Path(str(words[0])).name}, exit code {code}). The whole log is {log}; its last lines:\n{lines}"

"""Commands that a provider runs: they end when they are told to, also those whose suite was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conformance.cluster.commands import MARK, BrokenCommand, Commands, end, end_strays


def _is_gone(pid: int) -> bool:
    """Not there, or ended and not yet waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait(condition: object, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def test_a_command_gets_its_input_and_environment_and_gives_its_output(tmp_path: Path) -> None:
    commands = Commands(tmp_path, {"COLOUR": "red"})
    assert "red house\n" == commands.run("sh", "-c", 'echo "$COLOUR $(cat)"', stdin="house")


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BrokenCommand, match=r"`sh -c .*failed \(3\): no such thing") as caught:
        Commands(tmp_path, {}).run("sh", "-c", "echo first; echo 'no such thing' >&2; exit 3")
    assert "first" in caught.value.output


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenCommand, match="cannot start /no/such/command: No such file"):
        Commands(tmp_path, {}).run("/no/such/command")


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(BrokenCommand, match="did not end within 3 s"):
        Commands(tmp_path, {}).run("sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait", limit=3.0)
    pid = int((tmp_path / "pid").read_text())
    _wait(lambda: _is_gone(pid))


def test_end_ends_what_is_under_way_and_starts_nothing_more(tmp_path: Path) -> None:
    commands, caught = Commands(tmp_path, {}), []

    def work() -> None:
        try:
            commands.run("sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60")
        except BrokenCommand as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    _wait((tmp_path / "pid").exists)
    commands.end()
    thread.join(60)
    assert 1 == len(caught)
    with pytest.raises(BrokenCommand, match="the work was ended"):
        commands.run("true")


def test_a_command_that_ends_by_itself_just_then_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], text=True)
    process.wait()  # as the thread that runs it does, after the other one has looked
    looks = iter([None, process.returncode])
    monkeypatch.setattr(process, "poll", lambda: next(looks))
    assert end(process) is None


def test_what_a_killed_suite_has_started_is_found_and_ended(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from conformance.cluster.commands import Commands; "
        f"Commands(Path({str(tmp_path)!r}), {{}}).run('sh', '-c', 'echo $$ > {tmp_path}/pid; sleep 60')"
    )
    suite = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    stranger = subprocess.Popen(["/bin/sleep", "60"], env={**os.environ, MARK: f"{tmp_path}-other"})
    try:
        _wait(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        suite.send_signal(signal.SIGKILL)
        suite.wait()
        pid = int((tmp_path / "pid").read_text())
        assert not _is_gone(pid)
        end_strays(tmp_path)
        _wait(lambda: _is_gone(pid))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()

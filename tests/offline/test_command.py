import os
import shlex
import shutil
import subprocess
import sys
import threading
import time

import pytest

from conformance.offline.command import BrokenSetup, Commands, Stopped, birth, end_group, is_alive

_SHELL, _SLEEP = shutil.which("sh"), shutil.which("sleep")


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path / "logs", tmp_path / "running")


def _until(condition, limit=60.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.01)


def test_the_output_goes_to_a_log_and_nothing_is_left_running(commands):
    log = commands.run("say it", ["sh", "-c", "echo out; echo err >&2"])
    assert ("say-it.log", ["out", "err"], []) == (log.name, log.read_text().split(), list(commands.running.iterdir()))


def test_a_failure_says_what_where_and_the_last_lines(commands):
    with pytest.raises(BrokenSetup) as caught:
        commands.run("compile it", ["sh", "-c", "echo first; echo 'x.go:1: undefined: y'; exit 3"])
    assert str(caught.value) == (
        f"compile it failed (sh, exit code 3). The whole log is {commands.logs / 'compile-it.log'}; its last lines:\n"
        "    first\n    x.go:1: undefined: y"
    )


def test_a_full_disk_is_said_as_such(commands):
    with pytest.raises(BrokenSetup, match="the disk is full"):
        commands.run("write", ["sh", "-c", "echo 'write: No space left on device'; exit 1"])


def test_a_command_that_is_not_there_is_one_sentence(commands):
    with pytest.raises(BrokenSetup, match="no-such-thing cannot be started: No such file or directory"):
        commands.run("nothing", ["no-such-thing"])


def test_stop_ends_what_runs_with_its_children_and_lets_nothing_start(commands, tmp_path):
    caught = []

    def run():
        try:
            commands.run("long", ["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/child; wait"])
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    _until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip())
    commands.stop()
    thread.join()
    child = int((tmp_path / "child").read_text())
    _until(lambda: not is_alive(child))
    assert (1, []) == (len(caught), list(commands.running.iterdir()))
    with pytest.raises(Stopped):
        commands.run("after", ["true"])


def test_what_its_leader_leaves_behind_in_a_group_is_waited_for(tmp_path):
    """A shell that ends at once, and a child that takes its time to clean up."""
    child = f"trap 'sleep 0.5; touch {tmp_path}/clean; exit' TERM; echo $$ > {tmp_path}/child; while :; do sleep 0.05; done"
    leader = subprocess.Popen([_SHELL, "-c", f"sh -c {shlex.quote(child)} & exec {_SLEEP} 600"], start_new_session=True)
    _until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip())
    end_group(leader.pid)
    leader.wait()
    assert (False, True) == (is_alive(int((tmp_path / "child").read_text())), (tmp_path / "clean").exists())


def test_a_command_that_ends_while_one_looks_for_what_was_left_is_no_trouble(commands):
    class Folder:
        def iterdir(self):
            return [commands.logs / "4711"]  # its file is gone by now

    commands.running = Folder()
    assert commands.end_left() is None


def test_what_a_killed_process_left_running_is_ended_by_the_next(commands, tmp_path):
    script = (
        "import sys; from pathlib import Path; from conformance.offline.command import Commands\n"
        f"Commands(Path({str(commands.logs)!r}), Path({str(commands.running)!r})).run('long', ['sleep', '600'])"
    )
    owner = subprocess.Popen([sys.executable, "-c", script])
    _until(lambda: any(file.read_text() for file in commands.running.iterdir()))
    left = int(next(commands.running.iterdir()).name)
    owner.kill()
    owner.wait()
    assert is_alive(left)
    commands.end_left()
    assert (False, []) == (is_alive(left), list(commands.running.iterdir()))


def test_a_number_that_another_process_has_by_now_is_left_alone(commands):
    other = subprocess.Popen([_SLEEP, "600"], start_new_session=True)
    try:
        (commands.running / str(other.pid)).write_text(f"999999999 {int(birth(other.pid)) - 1}")
        commands.end_left()
        assert (True, []) == (is_alive(other.pid), list(commands.running.iterdir()))
    finally:
        other.kill()
        other.wait()


def test_what_a_living_process_runs_is_left_alone(commands):
    other = subprocess.Popen([_SLEEP, "600"], start_new_session=True)
    try:
        (commands.running / str(other.pid)).write_text(f"{os.getpid()} {birth(other.pid)}")
        commands.end_left()
        assert is_alive(other.pid)
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        pytest.param(["echo", "yes"], "yes", id="what it prints"),
        pytest.param(["false"], None, id="nothing when it fails"),
        pytest.param(["no-such-thing"], None, id="nothing when it is not there"),
    ],
)
def test_a_short_question_is_answered(commands, words, answer):
    assert commands.answer(words) == answer

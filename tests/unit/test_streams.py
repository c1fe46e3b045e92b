"""Streams to programs of this machine."""

import sys
import time

import pytest

from conformance.cluster.streams import BrokenStream, ProcessStream

ECHO = (sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)")
TALE = (sys.executable, "-c", "print('x' * 300000); print('end'); import time; time.sleep(30)")


def test_lines_go_there_and_back():
    stream = ProcessStream("alpha", (), ECHO, {})
    stream.send("one")
    stream.send("two")
    assert ("heard one", "heard two") == (stream.receive(5), stream.receive(5))
    stream.close()


def test_a_long_line_comes_whole():
    stream = ProcessStream("alpha", (), TALE, {})
    assert (300000, "end") == (len(stream.receive(5)), stream.receive(5))
    stream.process.kill()
    stream.close()


def test_a_line_that_does_not_come_is_waited_for_no_longer_than_wanted():
    stream = ProcessStream("alpha", (), ECHO, {})
    began = time.monotonic()
    assert stream.receive(0.2) is None
    assert 0.2 <= time.monotonic() - began < 1.0
    stream.close()


def test_the_end_of_a_program_is_told_with_its_last_words():
    stream = ProcessStream("alpha", ("sh", "-c"), ("echo first >&2; echo last >&2; exit 7",), {})
    with pytest.raises(BrokenStream) as trouble:
        stream.receive(5)
    assert "the program on outside host alpha ended with exit code 7: last" == str(trouble.value)
    stream.close()


def test_to_a_program_that_has_ended_nothing_can_be_sent():
    stream = ProcessStream("alpha", ("true",), (), {})
    stream.process.wait(5)
    with pytest.raises(BrokenStream, match="the program on outside host alpha ended with exit code 0"):
        stream.send("hello")
    stream.close()


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(BrokenStream) as trouble:
        ProcessStream("alpha", ("no-such-command",), ("python3",), {})
    assert "cannot start a program on outside host alpha: `no-such-command`: No such file or directory" == str(trouble.value)


def test_the_environment_of_the_host_is_added():
    stream = ProcessStream("alpha", ("sh", "-c"), ("echo $WHERE",), {"WHERE": "there"})
    assert "there" == stream.receive(5)
    stream.close()


def test_a_program_that_does_not_end_by_itself_is_ended():
    stream = ProcessStream("alpha", (), ("sleep", "60"), {})
    stream.close()
    assert -9 == stream.process.poll()


def test_words_are_quoted_for_the_shell_behind_ssh(tmp_path):
    """Like ssh, this command hands its words to a shell as one line."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    code = "import sys; print(\"it's\", sys.argv[1], '$HOME; \\n')"
    stream = ProcessStream("alpha", (str(ssh), "probe@192.0.2.1"), (sys.executable, "-c", code, '{"a": 1}'), {})
    assert 'it\'s {"a": 1} $HOME; ' == stream.receive(5)
    stream.close()

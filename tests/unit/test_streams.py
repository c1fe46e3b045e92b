"""Streams to programs of this machine, and to pods."""

import socket
import sys
import time
from types import SimpleNamespace

import pytest
from kubernetes import client
from kubernetes.stream import ws_client
from websocket import ABNF

from conformance.cluster import streams
from conformance.cluster.connection import Connection
from conformance.cluster.streams import ERROR, STDOUT, AttachedStream, BrokenStream, ProcessStream
from conformance.world.times import Times

ECHO = (sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)")
TALE = (sys.executable, "-c", "print('x' * 300000); print('end'); import time; time.sleep(30)")


def test_lines_go_there_and_back():
    stream = ProcessStream("alpha", (), ECHO, {})
    stream.send("one")
    stream.send("two")
    assert ("heard one", "heard two") == (stream.receive(30), stream.receive(30))
    stream.close()


def test_a_long_line_comes_whole():
    stream = ProcessStream("alpha", (), TALE, {})
    assert (300000, "end") == (len(stream.receive(30)), stream.receive(30))
    stream.process.kill()
    stream.close()


def test_a_line_that_does_not_come_is_waited_for_no_longer_than_wanted():
    stream = ProcessStream("alpha", (), ECHO, {})
    began = time.monotonic()
    assert stream.receive(0.2) is None
    assert 0.2 <= time.monotonic() - began < 30
    stream.close()


def test_the_end_of_a_program_is_told_with_its_last_words():
    stream = ProcessStream("alpha", ("sh", "-c"), ("echo first >&2; echo last >&2; exit 7",), {})
    with pytest.raises(BrokenStream) as trouble:
        stream.receive(30)
    assert "the program on outside host alpha ended with exit code 7: last" == str(trouble.value)
    stream.close()


def test_to_a_program_that_has_ended_nothing_can_be_sent():
    stream = ProcessStream("alpha", ("true",), (), {})
    stream.process.wait(30)
    with pytest.raises(BrokenStream, match="the program on outside host alpha ended with exit code 0"):
        stream.send("hello")
    stream.close()


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(BrokenStream) as trouble:
        ProcessStream("alpha", ("no-such-command",), ("python3",), {})
    assert "cannot start a program on outside host alpha: `no-such-command`: No such file or directory" == str(trouble.value)


def test_the_environment_of_the_host_is_added():
    stream = ProcessStream("alpha", ("sh", "-c"), ("echo $WHERE",), {"WHERE": "there"})
    assert "there" == stream.receive(30)
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
    assert 'it\'s {"a": 1} $HOME; ' == stream.receive(30)
    stream.close()


class Wire:
    """A websocket without a network: what is sent comes as frames of the remotecommand protocol."""

    def __init__(self) -> None:
        self.sock, self._other = socket.socketpair()
        self.connected, self.subprotocol = True, "v4.channel.k8s.io"
        self.frames: list[bytes] = []

    def send(self, channel: int, data: bytes) -> None:
        self.frames.append(bytes([channel]) + data)
        self._other.send(b".")

    def recv_data_frame(self, _: object) -> tuple[int, SimpleNamespace]:
        self.sock.recv(1)
        return ABNF.OPCODE_BINARY, SimpleNamespace(data=self.frames.pop(0))


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> tuple[AttachedStream, Wire, ws_client.WSClient]:
    wire = Wire()
    monkeypatch.setattr(ws_client, "create_websocket", lambda *_: wire)
    monkeypatch.setattr(wire, "close", lambda **_: None, raising=False)
    used = ws_client.WSClient(None, "", {}, capture_all=True, binary=True)
    monkeypatch.setattr(streams, "stream", lambda *_, **__: used)
    return AttachedStream(Connection(client.Configuration(), "test", Times()), "shop", "api"), wire, used


def test_what_a_pod_says_comes_in_lines_whatever_the_frames(attached: tuple[AttachedStream, Wire, ws_client.WSClient]) -> None:
    found, wire, _ = attached
    wire.send(STDOUT, b"one\ntw")
    wire.send(STDOUT, b"o\n")
    assert ["one", "two", None] == [found.receive(1), found.receive(1), found.receive(0)]


def test_what_was_read_is_kept_nowhere(attached: tuple[AttachedStream, Wire, ws_client.WSClient]) -> None:
    found, wire, used = attached
    for _ in range(3):
        wire.send(STDOUT, b"x" * 1000 + b"\n")
        assert "x" * 1000 == found.receive(1)
    assert b"" == used.read_all()


def test_the_last_line_comes_before_the_end_and_its_cause(attached: tuple[AttachedStream, Wire, ws_client.WSClient]) -> None:
    found, wire, _ = attached
    wire.send(STDOUT, b"last\n")
    wire.send(ERROR, b'{"message": "the container has ended"}')
    assert "last" == found.receive(1)
    with pytest.raises(BrokenStream, match="the stream to pod shop/api broke: the container has ended"):
        found.receive(1)

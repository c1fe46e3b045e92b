"""Streams of lines: to the main process of a pod (attach), and to a program on an outside host.

An attach enters through the kubelet: no policy can block it.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import websocket
from kubernetes import client
from kubernetes.stream import stream

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import Connection

STDIN, STDOUT, STDERR, ERROR = range(4)
"""The channels of an attach (remotecommand protocol v4 and v5)."""


_GRACE = 3.0
"""Seconds for a program on an outside host to end, once its input or output has: a busy machine needs more than one."""


class BrokenStream(BrokenCluster):
    """A stream that cannot be opened or has ended. `is_final`: trying again cannot help."""

    def __init__(self, sentence: str, *, is_final: bool = False) -> None:
        super().__init__(sentence)
        self.is_final = is_final


class Stream(Protocol):
    """Lines to and from a program. One thread at a time."""

    def send(self, line: str) -> None:
        """Send one line (without its end). Raises BrokenStream."""

    def receive(self, timeout: float) -> str | None:
        """The next line, or None where none comes within `timeout` seconds. Raises BrokenStream where it has ended."""

    def close(self) -> None:
        """End it. Never raises."""


class _Lines:
    """Bytes in, lines out."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._from = 0

    def add(self, data: bytes) -> None:
        """More has come."""
        self._rest += data

    def take(self) -> str | None:
        """The next whole line, if there is one. What was searched is not searched again."""
        end = self._rest.find(b"\n", self._from)
        if end < 0:
            self._from = len(self._rest)
            return None
        line = self._rest[:end].decode("utf-8", "replace")
        del self._rest[: end + 1]
        self._from = 0
        return line


class AttachedStream:
    """A stream to the main process of a pod. Raises BrokenStream."""

    def __init__(self, connection: Connection, namespace: str, name: str) -> None:
        self._pod, self._connection = f"{namespace}/{name}", connection
        self._lines, self._said = _Lines(), ""
        # Each stream has a client of its own: `stream` swaps a method of the client while it opens.
        self._client = client.ApiClient(connection.configuration)
        websocket.setdefaulttimeout(connection.times.request)  # the only way to limit the handshake; else a silent server holds us for ever
        try:
            self._socket = stream(
                client.CoreV1Api(self._client).connect_get_namespaced_pod_attach,
                name,
                namespace,
                stdin=True,
                stdout=True,
                stderr=False,
                tty=False,
                binary=True,
                _preload_content=False,
            )
        except client.ApiException as error:
            self._client.close()
            raise self._refused(error) from error

    def send(self, line: str) -> None:
        """See Stream."""
        try:
            self._socket.write_channel(STDIN, line.encode() + b"\n")
        except (websocket.WebSocketException, OSError) as error:
            raise self._ended(error) from error

    def receive(self, timeout: float) -> str | None:
        """See Stream."""
        until = time.monotonic() + timeout
        while True:
            line = self._lines.take()
            if line is not None:
                return line
            left = until - time.monotonic()
            if left < 0:
                return None
            try:
                self._socket.update(timeout=left)
                self._said += self._socket.read_channel(ERROR).decode("utf-8", "replace")
                self._lines.add(self._socket.read_all())  # read by its channel, the client would keep a copy of it for ever
            except (websocket.WebSocketException, OSError) as error:
                raise self._ended(error) from error
            if not self._socket.is_open() or self._said:
                line = self._lines.take()
                if line is not None:
                    return line
                raise self._ended(None)

    def close(self) -> None:
        """See Stream."""
        with suppress(websocket.WebSocketException, OSError):  # it may have ended before
            self._socket.close(timeout=0)
        self._client.close()

    def _ended(self, error: Exception | None) -> BrokenStream:
        self._connection.lost()
        why = str(error) if error else _status(self._said) or "the other side closed it"
        return BrokenStream(f"the stream to pod {self._pod} broke: {why}")

    def _refused(self, error: BaseException) -> BrokenStream:
        """The client hides the handshake's answer in the error that it met first."""
        answer = error.__context__
        if not isinstance(answer, websocket.WebSocketBadStatusException):
            self._connection.lost()
            return BrokenStream(f"cannot attach to pod {self._pod}: {' '.join(str(answer or error).split()) or 'no answer'}")
        message = _status((answer.resp_body or b"").decode("utf-8", "replace")) or f"HTTP {answer.status_code}"
        if answer.status_code == 403:
            message = f"no permission: {message} (docs/rbac.yaml has all that is needed)"
        is_final = answer.status_code in (401, 403) and not self._connection.is_uncertain()
        return BrokenStream(f"cannot attach to pod {self._pod}: {message} ({answer.status_code})", is_final=is_final)


class ProcessStream:
    """A stream to a program on an outside host, started by `command`. Raises BrokenStream.

    Through ssh the words of the program are quoted for the shell on the other side.
    """

    def __init__(self, name: str, command: Sequence[str], program: Sequence[str], environment: Mapping[str, str]) -> None:
        self._name, self._lines, self._end = name, _Lines(), b""
        is_ssh = bool(command) and Path(command[0]).name == "ssh"
        words = [*command, *((shlex.quote(word) for word in program) if is_ssh else program)]
        try:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, **environment},
                start_new_session=True,  # Ctrl-C is ours; the program ends when we close its input
            )
        except OSError as error:
            raise BrokenStream(f"cannot start a program on outside host {name}: `{words[0]}`: {error.strerror}") from error
        self._in, self._out, self._err = map(_pipe, (self.process.stdin, self.process.stdout, self.process.stderr))

    def send(self, line: str) -> None:
        """See Stream."""
        data = memoryview(line.encode() + b"\n")
        try:
            while data:
                data = data[self._in.write(data) or 0 :]
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def receive(self, timeout: float) -> str | None:
        """See Stream."""
        until = time.monotonic() + timeout
        while True:
            line = self._lines.take()
            if line is not None:
                return line
            left = until - time.monotonic()
            if left < 0 or not select.select([self._out], [], [], left)[0]:
                return None
            data = os.read(self._out.fileno(), 65536)
            if not data:
                raise self._ended()
            self._lines.add(data)

    def close(self) -> None:
        """See Stream. The program gets some seconds to end by itself after its input has."""
        for pipe in (self._in, self._out):
            pipe.close()
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._err.close()

    def _ended(self) -> BrokenStream:
        """Why: what the program said last."""
        try:
            code: int | None = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            code = None
        said = self._err.read().decode("utf-8", "replace").strip().splitlines() if code is not None and not self._err.closed else []
        what = f"ended with exit code {code}" if code is not None else "closed its output"
        return BrokenStream(f"the program on outside host {self._name} {what}" + (f": {said[-1]}" if said else ""))


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise BrokenStream("a process without pipes")
    return end


def _status(text: str) -> str:
    """The message of an API Status, or the text itself."""
    try:
        return str(json.loads(text).get("message") or "")
    except (ValueError, AttributeError):
        return " ".join(text.split())[:300]

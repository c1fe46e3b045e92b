"""Agents as processes of this machine, for tests."""

import json
import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from conformance.probe.source import agent_source

SOON = 10.0
"""Seconds that are more than enough."""


class Talk:
    """A running agent."""

    def __init__(self, config: dict[str, Any], before: Sequence[str] = ()) -> None:
        command = [*before, sys.executable, "-I", "-S", "-c", agent_source(), json.dumps(config)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.hello = self.read() if config.get("mode") != "init" else {}

    def read(self) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(SOON), "the agent said nothing"
        return json.loads(self.process.stdout.readline())

    def write(self, text: str) -> None:
        self.process.stdin.write(text.encode("latin-1"))

    def ask(self, *questions: tuple[str, int, str], timeout: float = 0.4, number: int = 1) -> dict[str, Any]:
        self.write(json.dumps({"id": number, "timeout": timeout, "ask": questions}) + "\n")
        return self.read()

    def request(self, number: int = 1, **words: Any) -> dict[str, Any]:
        self.write(json.dumps({"id": number, **words}) + "\n")
        return self.read()

    def kinds(self, *questions: tuple[str, int, str]) -> list[str]:
        return [answer[0] for answer in self.ask(*questions)["answers"]]


FIRST_PORT = 12000 + 2000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8)
"""Each process of pytest-xdist has 2,000 ports of its own: else two find the same one free, and one of them gets it."""


def free_port(kind: int = socket.SOCK_STREAM, address: str = "127.0.0.1") -> int:
    """A port that nobody serves now, below those that a kernel gives to askers."""
    for port in range(FIRST_PORT + os.getpid() % 500, FIRST_PORT + 1000):
        with closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)) as trial:
            try:
                trial.bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")

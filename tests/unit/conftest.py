"""Hypothesis without limits of time: how long an example takes says something of the machine, not of the code."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from agent_process import Talk
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


UNCOUNTED = frozenset(
    f"test_{name}"
    for name in (
        "catalogue_page",
        "cli",
        "cli_report",
        "compare_formats",
        "formats",
        "html",
        "model_laws",
        "model_twice",
        "policies_bad_input",
        "redaction",
        "report",
        "sensitivity",
        "simulated_plane",
        "workflows",
    )
)
"""Tests of whole commands, and in thousands of examples: coverage would double their time, and others cover what they cover."""


@pytest.fixture(autouse=True, scope="module")
def _coverage_rests(request: pytest.FixtureRequest) -> Iterator[None]:
    counting = sys.gettrace()
    if request.module.__name__ in UNCOUNTED:
        sys.settrace(None)
    yield
    sys.settrace(counting)


_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET, sched.h."""


@pytest.fixture(autouse=True, scope="session")
def _network_of_our_own() -> None:
    """Where we may have one. A raw socket hears the SCTP of every agent on a machine, and each of them answers it: one that another process
    of pytest-xdist has started refuses what ours serves."""
    trial = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    if shutil.which("unshare") and not subprocess.run(trial, capture_output=True, check=False).returncode:
        assert 0 == ctypes.CDLL(None).unshare(_NEW_NETWORK)
        subprocess.run(trial[2:], check=True)


@pytest.fixture
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache and a working folder of its own."""
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start() -> Iterator[Callable[..., Talk]]:
    """Starts agents, and ends them with the test."""
    running: list[Talk] = []

    def begin(
        identity: str = "space/pod",
        serves: Any = (),
        bind: Any = None,
        *,
        ends_with_stdin: bool = True,
        before: Sequence[str] = (),
        **more: Any,
    ) -> Talk:
        config = {"identity": identity, "serves": serves, "bind": bind, "ends_with_stdin": ends_with_stdin, **more}
        running.append(Talk(config, before))
        return running[-1]

    yield begin
    for talk in running:
        talk.process.kill()
        talk.process.stdin.close()
        talk.process.stdout.close()
        talk.process.wait()

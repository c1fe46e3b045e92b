"""Hypothesis without limits of time: how long an example takes says something of the machine, not of the code."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from agent_process import Talk
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


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

"""Real clusters for the tests: made once for the session through the command line, as a user does, and removed at its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance import offline
from conformance.cluster import kind
from conformance.cluster.kind_cluster import KindCluster
from conformance.world.progress import Silent

COMMAND = str(Path(sys.executable).with_name("cni-conformance"))
LIMIT = 3000
"""Seconds for a command that may have to build everything first."""


def heed_ctrl_c() -> None:
    """For a new process: SIGINT does what it does in a terminal, also where these tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code and all it wrote."""

    code: int
    text: str


def call(*words: str, folder: Path | None = None, **environment: str) -> Ended:
    """Runs `cni-conformance` with these words."""
    done = subprocess.run(
        [COMMAND, *words],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


OF_THEIR_OWN = ("test_kind.py", "test_nightly.py")
"""They make clusters, one after the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what makes clusters of its own: those that stand for the whole session take the processors away from it."""
    items.sort(key=lambda item: (item.path.parent != Path(__file__).parent, item.path.name in OF_THEIR_OWN), reverse=True)


@pytest.fixture(scope="session", autouse=True)
def _no_engine_is_left() -> Iterator[None]:
    """Tests of the kind provider start the private engine for this process, which needs it no more at its end."""
    yield
    offline.release(Silent())


@pytest.fixture(scope="session")
def standing() -> Iterator[Callable[[str], KindCluster]]:
    """By plugin, a kind cluster that stands for the whole session.

    CNI_CONFORMANCE_TEST_CLUSTERS is another beginning of the names than `test`; a cluster that stands already is used and stays.
    """
    made: dict[str, KindCluster] = {}
    kept: dict[str, KindCluster] = {}

    def cluster(plugin: str) -> KindCluster:
        name = f"{os.environ.get('CNI_CONFORMANCE_TEST_CLUSTERS', 'test')}-{plugin}"
        if plugin not in made and (stands := kind.known(name)) is not None:
            kept[plugin] = stands
        if plugin in kept:
            return kept[plugin]
        if plugin not in made:
            ended = call("cluster", "up", "--setup", "--cni", plugin, "--name", name)
            assert 0 == ended.code, ended.text
            found = kind.known(name)
            assert found is not None
            made[plugin] = found
        return made[plugin]

    yield cluster
    for each in made.values():
        ended = call("cluster", "down", "--name", each.name)
        assert 0 == ended.code, ended.text


@pytest.fixture(scope="session")
def cilium(standing: Callable[[str], KindCluster]) -> KindCluster:
    """A cluster whose plugin enforces policies."""
    return standing("cilium")


@pytest.fixture(scope="session")
def ptp(standing: Callable[[str], KindCluster]) -> KindCluster:
    """A cluster whose plugin enforces nothing."""
    return standing("ptp")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Ended, dict[str, Any]]]:
    """Runs scenarios on a standing cluster: what the command said, and its record ({} where there is none)."""

    def run(cluster: KindCluster, *words: str) -> tuple[Ended, dict[str, Any]]:
        ended = call("run", "--name", cluster.name, "--cni", cluster.plugin, "--report", "out", *words, folder=tmp_path)
        record = tmp_path / "out" / "record.json"
        return ended, json.loads(record.read_text()) if record.exists() else {}

    return run


def outcomes(record: dict[str, Any]) -> dict[str, str]:
    """By scenario."""
    return {scenario["name"]: scenario["outcome"] for scenario in record["scenarios"]}


def kinds(scenario: dict[str, Any]) -> set[str]:
    """The kinds of a scenario's findings."""
    return {finding["kind"] for finding in scenario["findings"]}


def words(items: Sequence[str]) -> str:
    """An expression for -k that selects these."""
    return " or ".join(items)

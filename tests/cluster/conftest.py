"""Real clusters for the tests: made once for the session through the command line, as a user does, and removed at its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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


class Standing:
    """By plugin, a kind cluster that stands until no test needs it any more.

    CNI_CONFORMANCE_TEST_CLUSTERS is another beginning of the names than `test`; a cluster that stands already is used and stays.
    """

    def __init__(self) -> None:
        self._made: dict[str, KindCluster] = {}
        self._kept: dict[str, KindCluster] = {}

    def __call__(self, plugin: str) -> KindCluster:
        name = f"{os.environ.get('CNI_CONFORMANCE_TEST_CLUSTERS', 'test')}-{plugin}"
        if plugin not in self._made and (stands := kind.known(name)) is not None:
            self._kept[plugin] = stands
        if plugin in self._kept:
            return self._kept[plugin]
        if plugin not in self._made:
            ended = call("cluster", "up", "--setup", "--cni", plugin, "--name", name)
            assert 0 == ended.code, ended.text
            found = kind.known(name)
            assert found is not None
            self._made[plugin] = found
        return self._made[plugin]

    def keep_only(self, plugins: Collection[str]) -> None:
        """Takes down what was made here and is of none of these."""
        for plugin in self._made.keys() - plugins:
            ended = call("cluster", "down", "--name", self._made.pop(plugin).name)
            assert 0 == ended.code, ended.text


STANDING = Standing()

ORDER: list[set[str]] = [set(), {"ptp"}, {"cilium", "ptp"}, {"cilium"}]
"""A cluster that stands takes the processors away from all others: first comes what makes clusters of its own, and one is taken down
before those come that need only the other."""


def needed(item: pytest.Item) -> set[str]:
    """The plugins of the standing clusters that a test uses."""
    asked = set(getattr(item, "fixturenames", ()))
    if "standing" in asked and hasattr(item, "callspec"):
        asked |= {str(value) for value in item.callspec.params.values()}
    return {"cilium", "ptp"} & asked


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(needed(item)))


@pytest.fixture(autouse=True)
def _what_nobody_needs_any_more_goes(request: pytest.FixtureRequest) -> None:
    every = request.session.items
    STANDING.keep_only(set().union(*map(needed, every[every.index(request.node) :])))


@pytest.fixture(scope="session", autouse=True)
def _no_engine_is_left() -> Iterator[None]:
    """Tests of the kind provider start the private engine for this process, which needs it no more at its end."""
    yield
    offline.release(Silent())


@pytest.fixture(scope="session")
def standing() -> Iterator[Callable[[str], KindCluster]]:
    """By plugin, a kind cluster that stands."""
    yield STANDING
    STANDING.keep_only(())


@pytest.fixture(scope="session")
def cilium(standing: Callable[[str], KindCluster]) -> KindCluster:
    """A cluster whose plugin enforces policies."""
    return standing("cilium")


@pytest.fixture(scope="session")
def ptp(standing: Callable[[str], KindCluster]) -> KindCluster:
    """A cluster whose plugin enforces nothing."""
    return standing("ptp")


@pytest.fixture(scope="session")
def image(cilium: KindCluster) -> str:
    """The suite's image, on the nodes."""
    ended = call("-q", "cluster", "image", "--name", cilium.name)
    assert 0 == ended.code, ended.text
    return ended.text.split()[-1]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Ended, dict[str, Any]]]:
    """Runs scenarios on a standing cluster: what the command said, and its record ({} where there is none)."""

    return partial(ran, tmp_path)


def ran(folder: Path, cluster: KindCluster, *words: str) -> tuple[Ended, dict[str, Any]]:
    """The same in a folder."""
    ended = call("run", "--name", cluster.name, "--cni", cluster.plugin, "--report", "out", *words, folder=folder)
    record = folder / "out" / "record.json"
    return ended, json.loads(record.read_text()) if record.exists() else {}


def outcomes(record: dict[str, Any]) -> dict[str, str]:
    """By scenario."""
    return {scenario["name"]: scenario["outcome"] for scenario in record["scenarios"]}


def kinds(scenario: dict[str, Any]) -> set[str]:
    """The kinds of a scenario's findings."""
    return {finding["kind"] for finding in scenario["findings"]}


def words(items: Sequence[str]) -> str:
    """An expression for -k that selects these."""
    return " or ".join(items)

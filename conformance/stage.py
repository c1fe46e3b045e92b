"""What one process needs to play scenarios: a connection, live worlds, and its place in the run."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.load import capabilities
from conformance.scenario.scenario import Scenario
from conformance.target import Target
from conformance.world.measurement import Measurement
from conformance.world.times import Times
from conformance.worlds import Worlds

_RUN, _LOCK = "run.json", "turn.lock"

OUTSIDE_HOST, LEGACY = "outside-host", "legacy-annotation"


class Stage:
    """One process of a run. `worker` is its name (`gw0`), `number` counts the processes from 0."""

    def __init__(self, target: Target, times: Times, run: str, worker: str, number: int, folder: Path) -> None:
        self.target, self.times, self.run, self.worker = target, times, run, worker
        self._number, self._folder = number, folder
        self._cluster: Cluster | None = None
        self._worlds: Worlds | None = None

    @classmethod
    def join(cls, folder: Path, worker: str) -> Stage:
        """Takes part in the run whose folder this is; `worker` as pytest-xdist names them."""
        content = json.loads((folder / _RUN).read_text())
        return cls(Target.read(folder), Times(**content["times"]), content["run"], worker, int(worker.removeprefix("gw")), folder)

    @staticmethod
    def announce(folder: Path, target: Target, times: Times, run: str) -> None:
        """Writes what `join` reads."""
        target.write(folder)
        (folder / _RUN).write_text(json.dumps({"run": run, "times": {name: getattr(times, name) for name in Times.__slots__}}))

    def play(self, scenario: Scenario) -> ScenarioRecord:
        """What became of a scenario; never raises for what a user or a cluster can cause."""
        notes = Notes(scenario, self.target, self.worker)
        lacking = [name for name in scenario.needs if name not in offered(self.target)]
        if lacking:
            return notes.not_supported(_because(lacking, self.target))
        try:
            with self._turn(is_alone=scenario.runs_alone):
                cluster, worlds = self._connected()
                return play(scenario, cluster, worlds, self.times, notes)
        except BrokenCluster as trouble:
            return notes.record(Measurement(broken=str(trouble)))

    def close(self) -> None:
        """Throws the worlds away."""
        if self._worlds is not None:
            self._worlds.close()
        if self._cluster is not None:
            self._cluster.close()

    def _connected(self) -> tuple[Cluster, Worlds]:
        if self._cluster is None or self._worlds is None:
            self._cluster = Cluster.connect(self.target.kubeconfig, self.target.context, self.times)
            self._worlds = Worlds(self._cluster, self.target, self.times, self.run, self._number)
        return self._cluster, self._worlds

    @contextmanager
    def _turn(self, *, is_alone: bool) -> Iterator[None]:
        """Scenarios that change something for the whole cluster wait until the others of this run are done, and keep them out."""
        with (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
            yield


def offered(target: Target) -> Mapping[str, str]:
    """The capabilities that may be asked of a cluster, with their sentences.

    Of a plugin that nobody named all are tried, but for those that need something of our own making or that no plugin of
    today has.
    """
    known = capabilities()
    names = set(known) - {LEGACY} if target.plugin is None else set(target.plugin.capabilities)
    names = (names - {OUTSIDE_HOST}) | ({OUTSIDE_HOST} if target.hosts else set())
    names -= {"ipv4", "ipv6"} - set(target.families)
    return {name: text for name, text in known.items() if name in names}


def _because(lacking: list[str], target: Target) -> str:
    known = capabilities()
    whose = "this cluster" if target.plugin is None else target.plugin.title
    reasons = "; ".join(f"{name} ({known[name].rstrip('.')})" for name in lacking)
    if lacking == [OUTSIDE_HOST] and target.provider == "kubeconfig":
        return f"needs {reasons}: name such hosts with --outside"
    return f"needs {reasons}, which {whose} does not offer"

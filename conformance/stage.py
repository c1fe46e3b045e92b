"""What one process needs to play scenarios: a connection, live worlds, and its place in the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import ClusterUnderTest, NotPossible
from conformance.diagnostics import FOLDER, Diagnostics
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.load import capabilities
from conformance.scenario.scenario import Scenario
from conformance.target import Target
from conformance.turn import Turns
from conformance.world.measurement import Measurement
from conformance.world.times import Times
from conformance.worlds import Worlds

_RUN = "run.json"

DISRUPTIVE = "disruptive, and never run on a cluster given by kubeconfig unless --disruptive says so"
"""Why such a scenario is skipped."""

OUTSIDE_HOST, LEGACY, RESTART_PLUGIN, RESTART_NODE = "outside-host", "legacy-annotation", "restart-plugin", "restart-node"


class Stage:
    """One process of a run. `worker` is its name (`gw0`, `gw1`, …), `may_disrupt` whether disruptive scenarios are played.

    `diagnostics` are taken where scenarios fail (None: they are not).
    """

    def __init__(
        self,
        target: Target,
        times: Times,
        run: str,
        worker: str,
        turns: Turns,
        *,
        may_disrupt: bool,
        diagnostics: Diagnostics | None = None,
    ) -> None:
        self.target, self.times, self.run, self.worker = target, times, run, worker
        self._number, self._turns, self._may_disrupt = int(worker.removeprefix("gw")), turns, may_disrupt
        self._diagnostics = diagnostics
        self._cluster: ClusterUnderTest | None = None
        self._worlds: Worlds | None = None

    @classmethod
    def join(cls, folder: Path, worker: str, turns: Turns | None = None) -> Stage:
        """Takes part in the run whose folder this is; `worker` as pytest-xdist names them. None: turns of its own."""
        content = json.loads((folder / _RUN).read_text())
        target, times = Target.read(folder), Times(**content["times"])
        report = content["report"]
        diagnostics = Diagnostics(Path(report), folder / FOLDER, target.plugin) if report else None
        turns = turns or Turns(folder)
        return cls(target, times, content["run"], worker, turns, may_disrupt=content["may_disrupt"], diagnostics=diagnostics)

    @staticmethod
    def announce(folder: Path, target: Target, times: Times, run: str, *, may_disrupt: bool = False, report: Path | None = None) -> None:
        """Writes what `join` reads. `may_disrupt`: disruptive scenarios are played on this cluster. `report`: where diagnostics go."""
        target.write(folder)
        content = {"run": run, "times": {name: getattr(times, name) for name in Times.__slots__}, "may_disrupt": may_disrupt}
        content["report"] = str(report.resolve()) if report else None
        (folder / _RUN).write_text(json.dumps(content))

    def play(self, scenario: Scenario) -> ScenarioRecord:
        """What became of a scenario; never raises for what a user or a cluster can cause."""
        notes = Notes(scenario, self.target, self.worker)
        lacking = [name for name in scenario.needs if name not in offered(self.target)]
        if lacking:
            return notes.not_supported(_because(lacking, self.target))
        if scenario.is_disruptive and not self._may_disrupt:
            return notes.skipped(DISRUPTIVE)
        try:
            with self._turns.turn(is_alone=scenario.runs_alone, is_last=scenario.is_disruptive):
                examiner = self._diagnostics.of(scenario.name) if self._diagnostics else None
                return play(scenario, self._connected(), self.times, notes, examiner)
        except NotPossible as reason:
            return notes.skipped(str(reason))
        except BrokenCluster as trouble:
            return notes.record(Measurement(broken=str(trouble)))

    def close(self) -> None:
        """Throws the worlds away."""
        if self._worlds is not None:
            self._worlds.close()
        if self._cluster is not None:
            self._cluster.close()
        self._turns.close()

    def _connected(self) -> Worlds:
        if self._cluster is None or self._worlds is None:
            self._cluster = self.target.connect(self.times)
            self._worlds = Worlds(self._cluster, self.target, self.times, self.run, self._number)
        return self._worlds


def offered(target: Target) -> Mapping[str, str]:
    """The capabilities that may be asked of a cluster, with their sentences.

    Of a plugin that nobody named all are tried, but for those that need something of our own making or that no plugin of
    today has.
    """
    known = capabilities()
    if target.provider == "simulated":
        return known
    names = set(known) - {LEGACY} if target.plugin is None else set(target.plugin.capabilities)
    restarts = target.plugin.restart if target.plugin else ()
    own = {OUTSIDE_HOST: target.hosts, RESTART_PLUGIN: restarts, RESTART_NODE: target.provider != "kubeconfig"}
    names = (names - set(own)) | {name for name, is_there in own.items() if is_there}
    names -= {"ipv4", "ipv6"} - set(target.families)
    return {name: text for name, text in known.items() if name in names}


def _because(lacking: list[str], target: Target) -> str:
    known = capabilities()
    whose = "this cluster" if target.plugin is None else target.plugin.title
    reasons = "; ".join(f"{name} ({known[name].rstrip('.')})" for name in lacking)
    if lacking == [OUTSIDE_HOST] and target.provider == "kubeconfig":
        return f"needs {reasons}: name such hosts with --outside"
    return f"needs {reasons}, which {whose} does not offer"

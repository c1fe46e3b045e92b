"""The one process that leads a run: it gets the cluster, asks the doctor, gathers the records, and cleans up."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from conformance.cleaning import OWNER, clean_cluster, sweep
from conformance.cluster import state
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.owner import Owner
from conformance.diagnostics import clear
from conformance.doctor import ENFORCEMENT, Examination, examine
from conformance.exit_code import BROKEN_WORLD, NOTHING_ENFORCES, SOMETHING_FAILED
from conformance.judge import Finding, FindingKind, Judgement
from conformance.large import told
from conformance.portion import largest, portions
from conformance.provision import CannotRun, Provision, baseline_of, insist_on_room, provide
from conformance.record import Facts, Phase, Plugin, Run, ScenarioRecord, ShardFacts, Writer
from conformance.record.digest import digest_of
from conformance.report import write_reports
from conformance.report.baseline import News, news
from conformance.report.summary import left_out
from conformance.scenario.scenario import Scenario
from conformance.settings import Settings
from conformance.shard import Shard, fingerprint, kept_selection, part_of
from conformance.stage import Stage, offered
from conformance.view import View
from conformance.world.verdict import Outcome


class Conductor:
    """One run. `workers` is the number of processes that play; `selection` the words that chose its scenarios (`-m`, `not disruptive`)."""

    def __init__(self, settings: Settings, scenarios: Sequence[Scenario], workers: int, view: View, selection: Sequence[str] = ()) -> None:
        self.settings, self.view, self.workers, self.selection = settings, view, workers, selection
        self.run = new_run()
        self.folder = state.cache_folder() / "runs" / self.run
        self.folder.mkdir(parents=True)
        (self.folder / OWNER).write_text(Owner.of_this_process().text())
        self.report = Path(settings.report) if settings.report else None
        self.is_ready = False
        self.result: Run | None = None
        self.news: News | None = None
        self._baseline = baseline_of(settings)  # at once: the run may write over it
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self._portions = portions(scenarios)
        self._began, self._started = time.monotonic(), datetime.now(UTC).isoformat(timespec="milliseconds")
        self._phases: list[Phase] = []
        self._provision: Provision | None = None
        self._examination: Examination | None = None
        self._writer: Writer | None = None
        self._outcomes: dict[str, Outcome] = {}
        self._planned = 0
        self._left_out: list[Scenario] = []
        self._shard: ShardFacts | None = None
        self._prepared = self._began
        signal.signal(signal.SIGTERM, _interrupt)

    def portion_of(self, nodeid: str) -> str:
        """The portion of work that an item belongs to: scenarios that share a layout, and so a world."""
        return self._portions.get(nodeid.rpartition("::")[2], nodeid)

    def prepare(self, ids: Sequence[str]) -> None:
        """Everything before the first scenario; `ids` are the nodeids of those that were selected. Raises CannotRun."""
        selected = {nodeid.rpartition("::")[2] for nodeid in ids}
        own = (scenario for name, scenario in self._scenarios.items() if name in selected)
        together = largest(own, self._portions, self.workers)
        self._planned = len(ids)
        if (shard := self.settings.part()) is not None:
            selected = set(kept_selection(self.folder) or ())
            self._shard = self._facts_of(shard, sorted(selected))
            self.view.say(part_of(shard, self._planned, len(selected)))
        self._left_out = [scenario for name, scenario in self._scenarios.items() if name not in selected]
        if self._left_out:
            self.view.say(left_out(len(self._left_out), len(self._scenarios), self._left_out_disruptive))
        with self._phase("cluster"):
            self._provision = provide(self.settings, self.view, together)
        target, times = self._provision.target, self.settings.waiting_times()
        may_disrupt = target.provider != "kubeconfig" or self.settings.disruptive
        Stage.announce(self.folder, target, times, self.run, may_disrupt=may_disrupt, report=self.report)
        if self.report is not None:
            clear(self.report)
        with self._phase("doctor"), self.view.phase("does anything enforce policies here?"):
            self._examination = examine(target, times, self.run)
        insist(self._examination, self.settings)
        insist_on_room(self._examination.nodes.values(), self.settings, together)
        self._clean_before(self._provision)
        self._writer = Writer((self.report or self.folder) / "record.json", self._facts())
        self.is_ready = True
        self._prepared = time.monotonic()
        self.view.expect_scenarios(self._planned)

    def _clean_before(self, provision: Provision) -> None:
        """What killed runs left would take the room of this one, but does not hinder it.

        Nobody asked for it, so what may be somebody else's (our label, but no owner) stays for `clean`.
        """
        times = self.settings.waiting_times()
        try:
            for each in clean_cluster(provision.target, times, known_only=True) if provision.keeps_cluster else ():
                self.view.say(f"removed {each}")
        except BrokenCluster as trouble:
            self.view.say(f"what a killed run left, if any did, is still there: {trouble}")

    def add(self, document: Mapping[str, Any]) -> None:
        """A scenario's record is safe on the disk when this returns."""
        self._add(ScenarioRecord.from_document(document), document)

    def lost(self, nodeid: str, text: str) -> None:
        """An item that came to no end: its worker crashed, or the suite has a fault. It is an error, but where it had failed before."""
        name = nodeid.rpartition("::")[2]
        if self._outcomes.get(name) is Outcome.FAILED:
            return
        scenario = self._scenarios.get(name)
        sentence = f"the suite itself broke down: {text.strip().splitlines()[-1] if text.strip() else 'no reason was given'}"
        judgement = Judgement(Outcome.ERROR, sentence, (Finding(FindingKind.BROKEN, sentence),))
        file, group = (f"{scenario.group}/{scenario.path.name}", scenario.group) if scenario else ("", "")
        record = ScenarioRecord(name, judgement, file=file, group=group)
        if name not in self._outcomes or self._writer is None:
            self._add(record)
            return
        self._writer.replace(record)  # its worker crashed behind the measurement, which so is no whole one
        self._outcomes[name] = record.outcome
        self.view.say(f"{group}/{name} is an error after all: {sentence}")

    def finish(self, exit_code: int) -> int:
        """Reports, and nothing is left behind; returns the exit code. Called once, also after Ctrl-C."""
        try:
            self.view.close()
            self._close_record()
        finally:
            exit_code = self._clean(self._exit_code(exit_code))
        return exit_code

    def _add(self, record: ScenarioRecord, document: Mapping[str, Any] | None = None) -> None:
        if self._writer is not None:
            self._writer.add(record, document)
        self._outcomes[record.name] = record.outcome
        self.view.scenario_done(record.outcome, f"{record.group}/{record.name}", record.sentence, record.seconds)

    def _close_record(self) -> None:
        if self._writer is None:
            return
        self._phases.append(Phase("scenarios", time.monotonic() - self._prepared))
        self.result = self._writer.finish(self._facts(ended=datetime.now(UTC).isoformat(timespec="milliseconds")))
        if self._baseline is not None:
            self.news = news(digest_of(self.result), self._baseline)
        if self.report is not None:
            self._report(self.result, self.report)

    def _report(self, run: Run, folder: Path) -> None:
        try:
            write_reports(run, folder, self.news)
        except OSError as fault:  # a disk that is full, most likely
            self.view.console.print(f"no reports: {folder} cannot be written ({fault.strerror}); the record is there", markup=False)

    def _clean(self, exit_code: int) -> int:
        """Worlds and cluster go; what cannot be removed is said, and makes the run an error."""
        try:
            if self._provision is not None:
                with self._phase("cleaning"):
                    if self._provision.keeps_cluster and not (self._examination and self._examination.met_nobody):
                        self._remove_worlds(self._provision)
                    self._provision.release()
        except BrokenCluster as trouble:
            self.view.console.print(f"something may be left behind: {trouble}", markup=False, soft_wrap=True)
            exit_code = exit_code or BROKEN_WORLD
        shutil.rmtree(self.folder, ignore_errors=True)
        return exit_code

    def _remove_worlds(self, provision: Provision) -> None:
        with self.view.phase("removing the worlds"):
            sweep(provision.target, self.settings.waiting_times(), self.run)

    def _exit_code(self, pytests: int) -> int:
        """pytest knows only that something did not pass; a person wants to know what, and with a baseline only what is new."""
        if self.news is not None:
            return self._exit_code_since(self.news, pytests)
        if Outcome.FAILED in self._outcomes.values():
            return SOMETHING_FAILED
        if Outcome.ERROR in self._outcomes.values():
            return BROKEN_WORLD
        return pytests

    @staticmethod
    def _exit_code_since(news: News, pytests: int) -> int:
        if news.has_new_failures or news.has_new_errors:
            return SOMETHING_FAILED if news.has_new_failures else BROKEN_WORLD
        return 0 if pytests == SOMETHING_FAILED and not news.was_cut_short else pytests

    def _facts(self, ended: str = "") -> Facts:
        if self._provision is None or self._examination is None:
            raise RuntimeError("there are no facts of a run before it is prepared")
        target = self._provision.target
        return Facts(
            suite=version("cni-conformance"),
            plugin=_plugin(self._provision),
            started=self._started,
            ended=ended,
            seconds=time.monotonic() - self._began,
            families=target.families,
            cluster={**target.facts, **self._examination.facts, **self._world()},
            capabilities=tuple(offered(target)),
            options={"workers": str(self.workers), "words": self._words()},
            phases=tuple(self._phases),
            planned=self._planned,
            does_enforce=self._examination.enforces,
            left_out=len(self._left_out),
            left_out_disruptive=self._left_out_disruptive,
            shard=self._shard,
        )

    def _world(self) -> dict[str, str]:
        size = self.settings.size()
        return {} if size is None or self._provision is None else {"world": told(size, self._provision.target.families)}

    def _words(self) -> str:
        """What whoever measures the same again has to say: not where files lay on this machine."""
        return shlex.join([*replace(self.settings, report="", baseline="").arguments(), *self.selection])

    def _facts_of(self, shard: Shard, names: Sequence[str]) -> ShardFacts:
        files = [self._scenarios[name].path.read_bytes() for name in names]
        return ShardFacts(shard, len(names), fingerprint(names), fingerprint(chain(names, files)))

    @property
    def _left_out_disruptive(self) -> int:
        return sum(scenario.is_disruptive for scenario in self._left_out)

    def _phase(self, name: str) -> _Timed:
        return _Timed(name, self._phases)


def _plugin(provision: Provision) -> Plugin:
    """The plugin as the record names it."""
    target = provision.target
    if target.plugin:
        known = target.plugin
        return Plugin(known.name, known.title, provision.plugin_version, known.organization, known.homepage, known.contact)
    if target.provider == "simulated":
        return Plugin("simulated", "the simulated plugin", version("cni-conformance"))
    return Plugin("unknown")


class _Timed:
    """Adds a phase with the time of its block."""

    def __init__(self, name: str, phases: list[Phase]) -> None:
        self._name, self._phases = name, phases

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._phases.append(Phase(self._name, time.monotonic() - self._began))


def new_run() -> str:
    """A name for a run: five letters and digits, which stand in the names of all that it makes."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(5))


def insist(examination: Examination, settings: Settings) -> None:
    """Raises CannotRun where measuring makes no sense: a cluster that cannot run the suite, or (but for --force) enforces nothing."""
    if not examination.can_run:
        broken = [f"  {each.name}: {each.sentence}" for each in examination.checks if not each.is_fine and each.name != ENFORCEMENT]
        raise CannotRun("\n".join(["this cluster cannot run the suite:", *broken]), BROKEN_WORLD)
    if examination.enforces is False and not settings.force:
        sentence = next(check.sentence for check in examination.checks if check.name == ENFORCEMENT)
        raise CannotRun(f"{sentence} (--force measures all the same)", NOTHING_ENFORCES)


def _interrupt(number: int, _: object) -> NoReturn:
    """SIGTERM is Ctrl-C from somebody else: everything is removed."""
    raise KeyboardInterrupt(f"signal {number} for process {os.getpid()}")

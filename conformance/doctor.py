"""Can this cluster run the suite, and does anything enforce policies here? One deny-all and its counter-check.

The test of enforcement is a scenario like any other (`fixtures/doctor.yaml`), only less patient: a plugin that needs longer
than `PATIENCE` for one deny-all is asked again with `--times settle=…`, and one that never does anything is found at once. It
does not hold longer than by default: whether tables are stable is for scenarios to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance import data
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import ClusterUnderTest, NodeFacts
from conformance.judge import FindingKind
from conformance.live import why_no_names
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import ScenarioRecord
from conformance.scenario.load import load
from conformance.target import Target
from conformance.template.names import Names
from conformance.world.times import Times
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds

API_SERVER = "API server"
"""The name of the check that says whether anybody answers at all."""

ENFORCEMENT = "enforcement"
"""The name of the check that says whether anything enforces policies."""

PATIENCE = 6.0
"""Seconds for a plugin to enforce one deny-all."""

NUMBER = 90
"""The doctor's place among the processes of a run: its worlds have names of their own."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    is_fine: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks in their order, and the nodes. `enforces` is None where that could not be found out."""

    checks: tuple[Check, ...]
    enforces: bool | None
    facts: dict[str, str]
    nodes: Mapping[str, NodeFacts] = field(default_factory=dict)

    @property
    def met_nobody(self) -> bool:
        """Whether not even the API server answered: then nothing was made that could be left behind."""
        return any(check.name == API_SERVER and not check.is_fine for check in self.checks)

    @property
    def can_run(self) -> bool:
        """Whether scenarios can be measured here, whatever enforces."""
        return all(check.is_fine for check in self.checks if check.name != ENFORCEMENT)


def examine(target: Target, times: Times, run: str) -> Examination:
    """Looks at a cluster. Raises nothing that a cluster can cause: what is broken stands in the checks."""
    try:
        cluster = target.connect(times)
    except BrokenCluster as trouble:
        return Examination((Check(API_SERVER, is_fine=False, sentence=str(trouble)),), None, {})
    try:
        return _examine(cluster, target, times, run)
    except BrokenCluster as trouble:
        return Examination((Check("cluster", is_fine=False, sentence=str(trouble)),), None, {})
    finally:
        cluster.close()


def _examine(cluster: ClusterUnderTest, target: Target, times: Times, run: str) -> Examination:
    facts = cluster.facts()
    known = {"Kubernetes": facts.version, "nodes": ", ".join(facts.nodes) or "not told"}
    checks = [Check(API_SERVER, is_fine=True, sentence=f"answers, Kubernetes {facts.version}")]
    missing = cluster.missing_rights()
    checks.append(Check("permissions", not missing, f"missing: {'; '.join(missing)}" if missing else "all that is needed"))
    checks.append(_nodes(facts.nodes))
    if not all(check.is_fine for check in checks):
        return Examination(tuple(checks), None, known, facts.nodes)
    checks.append(_names(why_no_names(cluster, Names(run, str(NUMBER)))))
    worlds = Worlds(cluster, target, times, run, NUMBER)
    try:
        patient = replace(times, settle=min(times.settle, PATIENCE), hold=min(times.hold, Times().hold))
        record = play(load(_scenario()), worlds, patient, Notes(load(_scenario()), target, "doctor"))
    finally:
        worlds.close()
    checks += [_probes(record), _enforcement(record)]
    return Examination(tuple(checks), _enforces(record), known, facts.nodes)


def _scenario() -> Path:
    return data.folder("fixtures") / "doctor.yaml"


def _nodes(nodes: Mapping[str, NodeFacts]) -> Check:
    if not nodes:
        return Check("nodes", is_fine=True, sentence="may not be listed: which pods share a node is left to the scheduler")
    broken = [f"{node.name} ({node.why_not})" for node in nodes.values() if not node.is_ready]
    usable = [node.name for node in nodes.values() if node.takes_pods]
    if broken or not usable:
        return Check("nodes", is_fine=False, sentence=f"not ready: {', '.join(broken)}" if broken else "no node takes pods")
    if len(usable) == 1:
        return Check("nodes", is_fine=True, sentence=f"only {usable[0]} takes pods: no pair of pods lies across nodes")
    return Check("nodes", is_fine=True, sentence=f"{len(usable)} take pods: pairs on the same node and across nodes")


def _names(why_not: str) -> Check:
    """Fine in any case: scenarios that ask nobody by name can be measured."""
    sentence = f"what asks by name is skipped: {why_not}" if why_not else "no policy that we may see keeps them from being resolved"
    return Check("names", is_fine=True, sentence=sentence)


def _probes(record: ScenarioRecord) -> Check:
    if record.outcome is Outcome.ERROR:
        return Check("probe pods", is_fine=False, sentence=record.sentence)
    return Check("probe pods", is_fine=True, sentence="start, and reach each other while there is no policy")


def _enforces(record: ScenarioRecord) -> bool | None:
    """Whether the deny-all had any effect; None where the world was broken."""
    if record.outcome is Outcome.ERROR:
        return None
    deny = next(step for step in record.measurement.steps if step.number == 1)
    leaks = sum(finding.kind is FindingKind.WRONGLY_ALLOWED and finding.step == 1 for finding in record.judgement.findings)
    return leaks < sum(expectation.verdict == "blocked" for expectation in deny.expected.values())


def _enforcement(record: ScenarioRecord) -> Check:
    enforces = _enforces(record)
    if enforces is None:
        return Check(ENFORCEMENT, is_fine=False, sentence="could not be looked at")
    if not enforces:
        sentence = "nothing enforces policies here: under a deny-all everybody still reaches everybody"
        return Check(ENFORCEMENT, is_fine=False, sentence=sentence)
    if record.outcome is Outcome.FAILED:
        return Check(ENFORCEMENT, is_fine=False, sentence=f"something enforces policies here, but not wholly: {record.sentence}")
    return Check(ENFORCEMENT, is_fine=True, sentence="a deny-all blocks, and without it everybody is reached again")

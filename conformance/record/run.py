"""The nouns of a record: a run, and what became of each of its scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.judge import Judgement, judge
from conformance.shard import Shard
from conformance.world.deviation import KnownDeviation
from conformance.world.measurement import Measurement
from conformance.world.place import World
from conformance.world.verdict import Family, Outcome


@dataclass(frozen=True, slots=True)
class Phase:
    """A piece of work and how long it took, in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What held during a step: the keys of the policies in effect, and every label changed so far.

    `relabelled`: the changes since step 0, by reference (`shop` a namespace, `shop/api` a pod); None: the label is gone.
    """

    policies: tuple[str, ...] = ()
    relabelled: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """What became of one scenario. A scenario that never ran has an empty measurement and a judgement that says why.

    `file` is its path inside the catalogue, `policies` the YAML text of each as it was applied, `world` who was there at
    step 0, `settings` what held in each step, by the step's number. `started` is ISO 8601 in UTC, `seconds` how long it all
    took, `worker` the pytest-xdist worker that did it. Times are kept to the microsecond. `fault_class` and `origin` are the
    scenario's: the class of faults that it is about, and where it comes from. `diagnostics` is the folder with what was gathered when it
    failed, relative to the record's ("" for none). `sample`: which of all possible questions were asked, in a sentence ("": all).
    """

    name: str
    judgement: Judgement
    measurement: Measurement = field(default_factory=Measurement)
    file: str = ""
    group: str = ""
    about: str = ""
    because: str = ""
    recipe: str | None = None
    needs: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    world: World | None = None
    settings: tuple[Setting, ...] = ()
    deviations: tuple[KnownDeviation, ...] = ()
    started: str = ""
    seconds: float = 0.0
    phases: tuple[Phase, ...] = ()
    worker: str = ""
    fault_class: str = ""
    origin: tuple[str, ...] = ()
    is_disruptive: bool = False
    diagnostics: str = ""
    sample: str = ""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return self.judgement.outcome

    @property
    def sentence(self) -> str:
        """Why, in one sentence."""
        return self.judgement.sentence

    @property
    def was_measured(self) -> bool:
        """Whether the scenario was to be measured at all: a skipped or unsupported one has nothing to judge."""
        return self.outcome not in (Outcome.SKIPPED, Outcome.NOT_SUPPORTED)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON: objects, arrays, texts, numbers, true, false and null. Raises InvalidRecord: a fault of the suite."""
        from conformance.record.document import scenario_document  # it knows this module

        return scenario_document(self)

    @classmethod
    def from_document(cls, document: Any) -> ScenarioRecord:
        """From what `to_document` made. Raises InvalidRecord."""
        from conformance.record.reader import read_scenario_document  # it knows this module

        return read_scenario_document(document)


UNKNOWN = "unknown"
"""The version of a plugin that does not say which it is: worth a place in the record, and none in a sentence."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """The plugin under test: the name of its descriptor, what people call it, and the version that it said it was.

    `organization`, `url` and `contact` (addresses or handles) say whose it is, where its descriptor does.
    """

    name: str
    title: str = ""
    version: str = ""
    organization: str = ""
    url: str = ""
    contact: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.title or self.name} {'' if self.version == UNKNOWN else self.version}".strip()


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """Which part of a run a record holds, where it was measured in shards.

    `selected` is how many scenarios all shards have together. Shards of one run have the same `selection` (a fingerprint of the names of
    these scenarios) and the same `catalogue` (of their names and files).
    """

    part: Shard
    selected: int
    selection: str
    catalogue: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the whole run.

    `suite` is the version of cni-conformance. `started` and `ended` are ISO 8601 in UTC; `ended` is "" where the run was
    cut short. `cluster` are facts for people, in the order to show them (provider, Kubernetes, nodes, kernel, …), and
    `options` what the run was told (waiting times and the seed included). `planned` is how many scenarios were selected,
    `does_enforce` what the doctor saw: whether anything enforces policies here (None: not asked). `left_out` counts the scenarios
    that the person who started the run had there, but did not select; `left_out_disruptive` those of them that are disruptive.
    `shard`: None for a whole run; else `planned` counts the scenarios of this shard.
    """

    suite: str
    plugin: Plugin
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    families: tuple[Family, ...] = ()
    cluster: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    planned: int = 0
    does_enforce: bool | None = None
    left_out: int = 0
    left_out_disruptive: int = 0
    shard: ShardFacts | None = None

    @property
    def selected(self) -> int:
        """How many scenarios were selected, those of the other shards included."""
        return self.shard.selected if self.shard else self.planned


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: all that any report is made from."""

    facts: Facts
    scenarios: tuple[ScenarioRecord, ...] = ()

    def of(self, *outcomes: Outcome) -> tuple[ScenarioRecord, ...]:
        """The scenarios with one of these outcomes."""
        return tuple(scenario for scenario in self.scenarios if scenario.outcome in outcomes)

    @property
    def was_cut_short(self) -> bool:
        """Whether it ended before it was through: its process died, or scenarios are missing."""
        return not self.facts.ended or len(self.scenarios) < self.facts.planned

    def to_json(self) -> str:
        """The record as text. Raises InvalidRecord for a time that is no number."""
        from conformance.record.store import run_to_json  # it knows this module

        return run_to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Run:
        """The run in a record. Raises InvalidRecord: no JSON, no record, damaged, or of a newer version."""
        from conformance.record.store import run_from_json  # it knows this module

        return run_from_json(text)


def rejudge(run: Run) -> Run:
    """The same run, judged again from what was measured. Scenarios that were not to be measured stay as they are.

    Raises InvalidDeviation, but never for a run that was read from a record.
    """
    return replace(
        run,
        scenarios=tuple(
            replace(scenario, judgement=judge(scenario.measurement, scenario.deviations)) if scenario.was_measured else scenario
            for scenario in run.scenarios
        ),
    )

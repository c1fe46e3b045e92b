"""A scenario's world that stands on the test bench, in a cluster that notes what is asked of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenario_file import text, write

from conformance.changes import Change, carry_out
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.plan import plan
from conformance.record import ScenarioRecord
from conformance.scenario.load import load
from conformance.settings import Settings
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.plane import Plane
from conformance.target import Target
from conformance.world.times import Times
from conformance.worlds import Worlds

TIMES = Times(settle=3.0, pods=20.0)
TARGET = Target.simulated(Settings(cluster="simulated"))

LAYOUT = """layout:
  shop:
    pods:
      api: {labels: {app: api}, node: a}
      front: {node: b}
      desk: {node: b}
      job: {labels: {app: job}, node: a}
      late: {labels: {app: late}, node: a, later: true}
      eager: {labels: {app: eager}, node: b, later: true, asks-at-start: true}
      stuck: {later: true, pending: true}
    services:
      web: {selects: {app: api}, ports: {81/TCP: 80}}
      more: {selects: {app: late}, ports: {82/TCP: 80}, later: true}
"""


def refs(manifests: Any) -> str:
    return " ".join(ref.replace("shop/", "") for ref in manifests)


WORDS: dict[str, Callable[..., str]] = {
    "apply_policy": lambda policy: f"apply {policy['metadata']['name']}",
    "delete_policy": lambda _, name: f"delete {name}",
    "relabel_pod": lambda _, name, changes: f"label {name} {changes}",
    "relabel_namespace": lambda name, changes: f"label {name.rpartition('-')[2]} {changes}",
    "annotate_namespace": lambda name, changes: f"annotate {name.rpartition('-')[2]} {changes}",
    "create_pods": lambda pods: f"create {refs(pods)}",
    "pods_ready": lambda pods: f"ready {refs(pods)}",
    "delete_pods": lambda pods: f"end {refs(pods)}",
    "pods_gone": lambda pods: f"gone {refs(pods)}",
    "pods_completed": lambda pods: f"completed {refs(pods)}",
    "create_services": lambda services: f"create {refs(services)}",
    "remove_services": lambda services: f"end {refs(services)}",
    "remove_world": lambda names: f"end world {names.world}",
    "restart_plugin": lambda: "restart plugin",
    "restart_node": lambda name: f"restart {name}",
}


class Noted(SimulatedCluster):
    """`notes` says what it was asked to do and to wait for, in this order; `troubles` are raised, once each, instead of a note."""

    def __init__(self, make_plane: Callable[..., Plane] = Plane) -> None:
        super().__init__(make_plane, TIMES)
        self.notes: list[str] = []
        self.troubles: dict[str, BaseException] = {}
        for method, words in WORDS.items():
            setattr(self, method, self._noted(words, getattr(self, method)))

    def _noted(self, words: Callable[..., str], call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            self.notes.append(words(*arguments).strip())
            if (trouble := self.troubles.pop(self.notes[-1], None)) is not None:
                raise trouble
            return call(*arguments)

        return noted


class Standing:
    """The world of a scenario with these changes; its steps are done one by one, or all in a play."""

    def __init__(self, folder: Path, *changes: str, cluster: Noted | None = None, worker: int = 0, **parts: str) -> None:
        """`worker` counts the processes of the run; `parts` are other parts of the file."""
        steps = "".join(f"  - {change}\n    expect: {{shop/desk -> shop/front: allowed}}\n" for change in changes)
        self.scenario = load(write(folder, text(**{"layout": LAYOUT, "steps": f"steps:\n{steps}", **parts})))
        self.cluster = cluster or Noted()
        self.worlds = Worlds(self.cluster, TARGET, TIMES, "run", worker)
        self.live = self.worlds.take(self.scenario.layout)
        self.plan = plan(self.scenario, self.live.everybody, self.worlds.families)

    def do(self, number: int) -> Change:
        """One step; notes of what came before are gone."""
        self.cluster.notes.clear()
        change = carry_out(self.plan.steps[number], self.live, self.plan.documents)
        self.plan = plan(self.scenario, self.live.everybody, self.worlds.families)
        self.live.probes.take(self.plan.steps[number].world)
        return change

    def do_all(self) -> Change:
        """All steps of the file; notes and result are those of the last one."""
        *_, last = [self.do(number) for number in range(1, len(self.scenario.steps) + 1)]
        return last

    def play(self) -> ScenarioRecord:
        """The scenario through the pipeline."""
        return play(self.scenario, self.worlds, TIMES, Notes(self.scenario, TARGET, "gw0"))

    def addresses(self, ref: str) -> list[str]:
        """What the world takes for a pod's addresses."""
        return list(map(str, self.live.everybody.pods[ref].addresses))

    def left_in(self, word: str) -> list[str]:
        """What still stands in the namespaces with this word: pods and policies of theirs, and themselves."""
        pods = [pod for pod in self.cluster.plane.endpoints.values() if pod.addresses]
        everything = {"pods": pods, "policies": self.cluster.plane.policies.values()}
        found = [f"{kind} {each.name}" for kind, every in everything.items() for each in every if word in each.namespace]
        return found + [name for name in self.cluster.plane.namespaces if word in name]

"""One step while it is done: who was asked to come and to go, and has not yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from conformance.cluster.contract import Document, ServiceFacts
from conformance.live import LiveWorld
from conformance.plan import PlannedStep
from conformance.probe.starting import start_config
from conformance.scenario.presence import SERVICE, service_of
from conformance.template.start import asking_at_start
from conformance.world.place import Observed
from conformance.world.question import Question
from conformance.world.verdict import Verdict

T = TypeVar("T")


class Doing:
    """Of a step in a live world; `documents` are the policies by key. Every method raises BrokenCluster.

    `renewed` are those that were created or removed, `asking` the questions of pods that ask from their first instant on.
    """

    def __init__(self, live: LiveWorld, step: PlannedStep, documents: Mapping[str, Document]) -> None:
        self.live, self.step, self._documents = live, step, documents
        self.renewed: set[str] = set()
        self._coming: dict[str, Document] = {}
        self._going: dict[str, Document] = {}
        self._ending: dict[str, Document] = {}
        self._services: dict[str, ServiceFacts] = {}
        self.asking: dict[str, tuple[Question, ...]] = {}

    def apply(self, names: Iterable[str]) -> None:
        """Create or change policies, by their keys."""
        for name in names:
            self.live.cluster.apply_policy(self._documents[name])

    def delete(self, names: Iterable[str]) -> None:
        """Delete policies, by their keys."""
        for name in names:
            metadata = self._documents[name]["metadata"]
            self.live.cluster.delete_policy(metadata["namespace"], metadata["name"])

    def add(self, refs: Collection[str]) -> None:
        """Create pods and Services. Of pods with names that are still going, those are waited for."""
        services, pods = _parted(refs)
        self.renewed |= set(refs)
        self._services |= self.live.cluster.create_services(self.live.services(services)) if services else {}
        self._gone({ref: self._going[ref] for ref in pods if ref in self._going})
        manifests = {ref: self._manifest(ref) for ref in pods}
        if manifests:
            self.live.cluster.create_pods(manifests)
        self._coming |= manifests

    def remove(self, refs: Collection[str]) -> None:
        """Delete pods and Services. Of pods that are still coming, those are waited for: their end is to be one of a pod that ran."""
        services, pods = _parted(refs)
        self.renewed |= set(refs)
        if services:
            self.live.cluster.remove_services(self.live.services(services))
            self._services = _without(services, self._services)
        if not self._coming.keys().isdisjoint(pods):
            self._came()
        manifests = self.live.pods(pods)
        self.live.probes.leave(pods)
        if manifests:
            self.live.cluster.delete_pods(manifests)
        self._going |= manifests
        self._ending = _without(pods, self._ending)  # nobody sees the end of a pod that has gone
        self.live.went(refs)

    def complete(self, refs: Collection[str]) -> None:
        """End pods with success. Those that came in the same step are talked to first."""
        self.renewed |= set(refs)
        if not self._coming.keys().isdisjoint(refs):
            self._came()
        if not self.live.probes.probes.keys() >= set(refs):
            self.live.probes.take(self.live.presence.of(self.live.everybody))
        self.live.probes.end(refs)
        self._ending |= self.live.pods(refs)
        self.live.completed(refs)

    def create(self, ref: str, manifest: Document) -> None:
        """Create one pod by another manifest than its own, and wait until it is there."""
        self.renewed.add(ref)
        self.live.cluster.create_pods({ref: manifest})
        self._coming[ref] = manifest
        self._came()

    def first_questions(self, ref: str, manifest: Document) -> Document:
        """The manifest of a pod that is to ask from its first instant on; what others are there is as before the step."""
        asked = tuple(question for question in self.step.expected if question.source == ref and self._is_there(question))
        self.asking.pop(ref, None)  # a pod of the same name may have come and gone in this step
        if not asked:
            return manifest
        self.asking[ref] = asked
        allowed = {question: self.step.expected[question].verdict is Verdict.ALLOWED for question in asked}
        world = self.live.everybody
        return asking_at_start(manifest, start_config(world, allowed, is_init=False), start_config(world, allowed, is_init=True))

    def finish(self) -> None:
        """Wait until all that was begun is done."""
        self._gone(dict(self._going))
        if self._ending:
            self.live.cluster.pods_completed(self._ending)
            self._ending = {}
        if self._coming or self._services:
            self._came()

    def _manifest(self, ref: str) -> Document:
        plan = next(plan for each, plan in self.live.layout.pods() if each == ref)
        manifest = self.live.manifests.pods[ref]
        return self.first_questions(ref, manifest) if plan.asks_at_start else manifest

    def _is_there(self, question: Question) -> bool:
        """A plain question about somebody whose address is known before the step's own pods and Services are."""
        door = self.live.everybody.doors.get(question.destination)
        place = question.destination if door is None else door.pod or service_of(door.ref)
        there = self.live.presence.pods | self.live.presence.services
        return not question.size and place not in self.renewed and (place in there or place in self.live.everybody.hosts)

    def _gone(self, pods: Mapping[str, Document]) -> None:
        if pods:
            self.live.cluster.pods_gone(pods)
            self._going = _without(pods, self._going)

    def _came(self) -> None:
        waiting = {ref for ref, plan in self.live.layout.pods() if plan.is_pending}
        running = {ref: pod for ref, pod in self._coming.items() if ref not in waiting}
        observed = dict(self.live.cluster.pods_ready(running)) if running else {}
        self.live.came({ref: observed.get(ref, Observed(())) for ref in self._coming}, self._services)
        self._coming, self._services = {}, {}


def _without(refs: Collection[str], every: Mapping[str, T]) -> dict[str, T]:
    return {ref: each for ref, each in every.items() if ref not in refs}


def _parted(refs: Iterable[str]) -> tuple[list[str], list[str]]:
    """Services and pods."""
    every = list(refs)
    return [ref for ref in every if ref.startswith(SERVICE)], [ref for ref in every if not ref.startswith(SERVICE)]

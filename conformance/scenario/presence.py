"""Who is there at a step: what actions do to the pods and Services of a layout, in words, without any cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from conformance.scenario.action import Action, Add, Complete, Recreate, Remove, Reuse, Together
from conformance.scenario.layout import Layout
from conformance.world.place import World

SERVICE = "svc/"
"""With this a reference to a Service begins."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The references of what is there: `pods` that run, `completed` ones whose objects are left, `services` (`svc/shop/web`)."""

    pods: frozenset[str]
    completed: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    @classmethod
    def at_first(cls, layout: Layout) -> Presence:
        """What is there before any step: all that does not come later."""
        return cls(
            frozenset(ref for ref, plan in layout.pods() if not plan.comes_later),
            services=frozenset(ref for ref, plan in layout.services() if not plan.comes_later),
        )

    def after(self, action: Action) -> Presence:
        """What is there after a change that has no faults."""
        match action:
            case Add(refs) | Recreate(refs):
                return self._with(refs)
            case Reuse(pairs):
                return self._with(pairs)
            case Remove(refs):
                return Presence(self.pods - set(refs), self.completed - set(refs), self.services - set(refs))
            case Complete(refs):
                return replace(self, pods=self.pods - set(refs), completed=self.completed | set(refs))
            case Together(actions):
                # However often they are done: what the last of them leaves is the same.
                now = self
                for each in actions:
                    now = now.after(each)
                return now
        return self

    def _with(self, refs: Iterable[str]) -> Presence:
        services = {ref for ref in refs if ref.startswith(SERVICE)}
        return Presence(self.pods | (set(refs) - services), self.completed - set(refs), self.services | services)

    def of(self, everybody: World) -> World:
        """The part of a world that is there; `everybody` has all pods and doors of the layout."""
        pods = {ref: pod for ref, pod in everybody.pods.items() if ref in self.pods}
        doors = {ref: door for ref, door in everybody.doors.items() if (door.pod or service_of(ref)) in self.pods | self.services}
        return replace(everybody, pods=pods, doors=doors)


def service_of(door: str) -> str:
    """The Service's own reference (`svc/shop/web`) for that of one of its doors (`nodeport-a/shop/web`)."""
    return SERVICE + door.partition("/")[2]

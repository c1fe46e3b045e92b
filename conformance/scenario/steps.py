"""The changes of steps, each checked against what the steps before it leave: policies, pods, Services, addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from conformance.scenario.action import (
    Action,
    Add,
    Annotate,
    Apply,
    Churn,
    Complete,
    Delete,
    Recreate,
    Relabel,
    Remove,
    Restart,
    Reuse,
    Together,
    Wait,
)
from conformance.scenario.fault import Fault
from conformance.scenario.layout import Layout
from conformance.scenario.presence import Presence
from conformance.scenario.source import Keys, Source

_LISTS: Mapping[str, Callable[[tuple[str, ...]], Action]] = {
    "apply": Apply,
    "delete": Delete,
    "add": Add,
    "remove": Remove,
    "recreate": Recreate,
    "complete": Complete,
}
_OTHERS: Mapping[str, Callable[[Any], Action]] = {
    "relabel": Relabel,
    "annotate": Annotate,
    "reuse": Reuse,
    "restart": Restart,
    "churn": lambda value: Churn(**value),
    "wait": Wait,
}
SINGLE = ("apply", "delete", "relabel", "annotate", "add", "remove", "recreate", "complete", "reuse", "restart")
"""What may be done together with others."""

ACTIONS = (*SINGLE, "churn", "wait", "together")


def action_of(value: Mapping[str, Any]) -> Action:
    """The change of a step that has exactly one, without faults."""
    (key,) = set(ACTIONS) & set(value)
    if key == "together":
        return Together(tuple(map(action_of, value[key])), value.get("times", 1))
    return _LISTS[key](tuple(value[key])) if key in _LISTS else _OTHERS[key](value[key])


@dataclass(frozen=True, slots=True)
class PolicyText:
    """What steps must know of a policy: its reference (`shop/api`), and the places whose addresses are written in it."""

    ref: str
    places: tuple[str, ...] = ()


class Situation:
    """What is there before a step. Faults are found in the order of the steps; what is sound in a step changes it."""

    def __init__(self, source: Source, layout: Layout | None, policies: Mapping[str, PolicyText], is_sound: Callable[..., bool]) -> None:
        """`policies` are the policies by their keys.

        `is_sound` says whether the shape of the value with these keys is right. Without a layout everybody is known.
        """
        self._source, self._layout, self._policies, self._is_sound = source, layout, policies, is_sound
        self._applied: set[str] = set()
        self._pods = {} if layout is None else dict(layout.pods())
        self._services = [] if layout is None else [ref for ref, _ in layout.services()]
        self.presence = Presence(frozenset()) if layout is None else Presence.at_first(layout)
        # Every address that was ever given has a number.
        self._numbers = count()
        self._address_of = {ref: next(self._numbers) for ref in sorted(self.presence.pods)}

    def faults(self, keys: Keys, value: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with a step's change. Then the situation is the one after it."""
        # Addresses are filled in before a step begins.
        self._known = set(self._address_of)
        found = self._one_of(ACTIONS, "a step", keys, value)
        if "times" in value and "together" not in value:
            found.append(self._source.fault("times stands beside together, and nowhere else", (*keys, "times"), at_key=True))
        for key in ACTIONS:
            if key in value and self._is_sound(*keys, key):
                where = (*keys, key)
                found += (
                    self._together(where, value[key], value.get("times")) if key == "together" else self._change(key, where, value[key])
                )
        return found

    def _one_of(self, actions: Sequence[str], subject: str, keys: Keys, value: Mapping[str, Any]) -> list[Fault]:
        found = [key for key in actions if key in value]
        if len(found) == 1:
            return []
        return [
            self._source.fault(f"{subject} has exactly one of {', '.join(actions)}, this one has {' and '.join(found) or 'none'}", keys)
        ]

    def _together(self, keys: Keys, values: Sequence[Mapping[str, Any]], times: Any) -> list[Fault]:
        found: list[Fault] = []
        # What can be done twice can be done any number of times.
        for _ in range(1 if times is None else 2):
            for index, value in enumerate(values):
                where = (*keys, index)
                found += self._one_of(SINGLE, "a change", where, value)
                found += [fault for key in value for fault in self._change(key, (*where, key), value[key])]
            if found:
                break
        return found

    def _change(self, key: str, keys: Keys, value: Any) -> list[Fault]:
        if key in ("apply", "delete"):
            return list(self._policy_faults(keys, value))
        if key == "churn":
            return list(self._churn_faults(keys, value))
        if self._layout is None or key in ("restart", "wait"):
            return []
        if key in ("relabel", "annotate"):
            return list(self._label_faults(keys, value))
        return list(self._reuse_faults(keys, value) if key == "reuse" else self._ref_faults(keys, value))

    def _policy_faults(self, keys: Keys, names: Sequence[str]) -> Iterator[Fault]:
        for index, name in enumerate(names):
            if name not in self._policies:
                known = ", ".join(sorted(self._policies)) or "none"
                yield self._source.fault(f"there is no policy {name!r}; there are: {known}", (*keys, index))
            elif keys[-1] == "delete" and self._policies[name].ref not in self._applied:
                yield self._source.fault(f"policy {name!r} is not there at this step: no step before it applies it", (*keys, index))
            elif keys[-1] == "apply" and (
                unknown := [ref for ref in self._policies[name].places if ref in self._pods and ref not in self._known]
            ):
                what = f"policy {name!r} has the address of {unknown[0]}, which was never there before this step"
                yield self._source.fault(what, (*keys, index))
        refs = {self._policies[name].ref for name in names if name in self._policies}
        self._applied = self._applied | refs if keys[-1] == "apply" else self._applied - refs

    def _churn_faults(self, keys: Keys, value: Mapping[str, int]) -> Iterator[Fault]:
        if bool({"policies", "relabels"} & set(value)) != ("seconds" in value):
            yield self._source.fault("policies and relabels (a minute) go with seconds", keys)

    def _label_faults(self, keys: Keys, changes: Mapping[str, Any]) -> Iterator[Fault]:
        namespaces = self._layout.namespaces if self._layout else {}
        pods = self._pods if keys[-1] == "relabel" else {}
        kind = "pod or namespace" if pods else "namespace"
        for ref in changes:
            if ref in pods and ref not in self.presence.pods:
                yield self._source.fault(f"{ref} is not there at this step", (*keys, ref), at_key=True)
            elif ref not in namespaces and ref not in pods:
                known = ", ".join([*namespaces, *sorted(pods)])
                yield self._source.fault(f"there is no {kind} {ref!r}; there are: {known}", (*keys, ref), at_key=True)

    def _ref_faults(self, keys: Keys, refs: Sequence[str]) -> Iterator[Fault]:
        sound = []
        for index, ref in enumerate(refs):
            what = self._unknown(ref, with_services=keys[-1] in ("add", "remove")) or self._misplaced(str(keys[-1]), ref)
            if what:
                yield self._source.fault(what, (*keys, index))
            else:
                sound.append(ref)
        self._done(_LISTS[str(keys[-1])](tuple(sound)), sound if keys[-1] in ("add", "recreate") else ())

    def _unknown(self, ref: str, *, with_services: bool = False) -> str:
        if ref in self._pods or (with_services and ref in self._services):
            return ""
        known = [*self._pods, *(self._services if with_services else ())]
        return f"there is no {'pod or Service' if with_services else 'pod'} {ref!r}; there are: {', '.join(known)}"

    def _misplaced(self, key: str, ref: str) -> str:
        """Why an action cannot be done to one who is, or is not, there; or nothing."""
        if ref in self._pods and self._pods[ref].is_pending and key not in ("add", "remove"):
            return f"{ref} is pending, and never runs"
        here, ended = ref in self.presence.pods | self.presence.services, ref in self.presence.completed
        if key in ("add", "reuse"):
            return (
                f"{ref} is there already" if here else f"{ref} has ended, and its object is still there: remove it first" if ended else ""
            )
        return "" if here or (ended and key != "complete") else f"{ref} is not there at this step"

    def _reuse_faults(self, keys: Keys, pairs: Mapping[str, str]) -> Iterator[Fault]:
        for new, old in pairs.items():
            if what := self._unknown(new) or self._misplaced("reuse", new):
                yield self._source.fault(what, (*keys, new), at_key=True)
            elif what := self._unknown(old) or self._unusable(new, old):
                yield self._source.fault(what, (*keys, new))
            else:
                self._done(Reuse({new: old}), ())
                self._address_of[new] = self._address_of[old]

    def _unusable(self, new: str, old: str) -> str:
        """Why a pod cannot get the address of another one, or nothing."""
        if old not in self._address_of:
            return f"{old} was never there before this step"
        if old in self.presence.pods:
            return f"{old} has not ended at this step: complete or remove it before"
        if owner := next((ref for ref in sorted(self.presence.pods) if self._address_of[ref] == self._address_of[old]), ""):
            return f"the address of {old} is that of {owner} at this step"
        if self._pods[new].is_host_network or self._pods[old].is_host_network:
            return "a pod in its node's network has no address of its own"
        if self._pods[new].node is None or self._pods[new].node != self._pods[old].node:
            return f"an address belongs to a node: {new} and {old} need the same one in the layout (node: a)"
        return ""

    def _done(self, action: Action, started: Iterable[str]) -> None:
        self.presence = self.presence.after(action)
        self._address_of |= {ref: next(self._numbers) for ref in started}

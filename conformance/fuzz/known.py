"""What a plugin is known to get wrong, as parts of random cases: they are left out, so that what is new comes up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from conformance.fuzz.case import Case, Document
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.scenario import Action, Relabel, Together, Wait
from conformance.world.deviation import KnownDeviation
from conformance.world.labels import Selector
from conformance.world.verdict import Protocol

_CALM = 10
"""Seconds after which labels may change again: twice the time in which a plugin was seen to lose such changes."""

_WHOLE = 1400
"""The most bytes of a datagram that surely needs no fragments."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that cases may have. `name` is for people; `scenarios` show what plugins get wrong in it; `without` takes it out."""

    name: str
    scenarios: frozenset[str]
    without: Callable[[Case], Case]

    def is_in(self, case: Case) -> bool:
        """Whether the case has it."""
        return self.without(case) != case


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A feature with the known deviations because of which it is left out."""

    feature: Feature
    deviations: tuple[KnownDeviation, ...]

    def __str__(self) -> str:
        sources = dict.fromkeys(each.source for each in self.deviations)
        return f"{self.feature.name} ({', '.join(sources)})"


def left_out(deviations: Collection[KnownDeviation]) -> tuple[LeftOut, ...]:
    """The features in which a plugin with these known deviations would only be found out again."""
    found = ((feature, tuple(each for each in deviations if each.scenario in feature.scenarios)) for feature in FEATURES)
    return tuple(LeftOut(feature, known) for feature, known in found if known)


def told(lacking: Iterable[str], known: Iterable[LeftOut]) -> Iterator[str]:
    """Lines for people: the capabilities that are not there, and what is left out as known."""
    if names := ", ".join(lacking):
        yield f"left out, for the cluster does not offer it: {names}"
    if features := [str(each) for each in known]:
        yield "left out, for the plugin is known to get it wrong (--with-known tries it):"
        yield from (f"  {each}" for each in features)


def _with_specs(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Case], Case]:
    """What changes the spec of every policy of a case."""

    def changed(case: Case) -> Case:
        policies: dict[str, Document] = {key: {**each, "spec": change(each["spec"])} for key, each in case.policies.items()}
        return replace(case, policies=policies)

    return changed


def _with_rules(direction: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What changes the rules of a direction in a spec that has some."""
    return lambda spec: spec | ({direction: [change(rule) for rule in spec[direction]]} if direction in spec else {})


def _without_dead_rules(spec: dict[str, Any]) -> dict[str, Any]:
    types = spec.get("policyTypes") or ["Ingress", "Egress"]
    return {key: value for key, value in spec.items() if key not in ("ingress", "egress") or key.title() in types}


def _with_port_numbers(rule: dict[str, Any]) -> dict[str, Any]:
    ports = [port | ({"port": 80} if isinstance(port.get("port"), str) else {}) for port in rule.get("ports") or ()]
    return rule | ({"ports": ports} if ports else {})


def _with_namespaces(spec: dict[str, Any]) -> dict[str, Any]:
    """A namespaceSelector that only excludes asks for a name, too, which every namespace has."""
    changed = _with_rules("ingress", partial(_with_peers, "from"))(spec)
    return _with_rules("egress", partial(_with_peers, "to"))(changed)


def _with_peers(key: str, rule: dict[str, Any]) -> dict[str, Any]:
    return rule | ({key: [_named(peer) for peer in rule[key]]} if rule.get(key) else {})


def _named(peer: dict[str, Any]) -> dict[str, Any]:
    spaces = peer.get("namespaceSelector")
    if not spaces or not all(Selector.from_document(each or {}).only_excludes for each in (spaces, peer.get("podSelector"))):
        return peer
    expressions = [*spaces["matchExpressions"], {"key": NAME_LABEL, "operator": "Exists"}]
    return {**peer, "namespaceSelector": {**spaces, "matchExpressions": expressions}}


def _one_after_the_other(case: Case) -> Case:
    return replace(case, actions=tuple(_apart(case.actions)))


def _apart(actions: Iterable[Action]) -> Iterator[Action]:
    for action in actions:
        if isinstance(action, Together):
            yield from _apart(action.actions)
        else:
            yield action


def _calmly(case: Case) -> Case:
    following = (*case.actions[1:], None)
    pairs = [
        (action, *((Wait(_CALM),) if _relabels(action) and not isinstance(after, Wait) else ()))
        for action, after in zip(case.actions, following, strict=True)
    ]
    return replace(case, actions=tuple(action for pair in pairs for action in pair))


def _relabels(action: Action) -> bool:
    return isinstance(action, Relabel) or (isinstance(action, Together) and any(map(_relabels, action.actions)))


def _in_one_packet(case: Case) -> Case:
    sizes = {
        protocol: kept
        for protocol, every in case.sizes.items()
        if (kept := tuple(size for size in every if protocol is not Protocol.UDP or size <= _WHOLE))
    }
    return replace(case, sizes=sizes)


FEATURES = (
    Feature(
        "rules of a direction that policyTypes does not name",
        frozenset({"egress-named-ingress-rules-present", "ingress-named-egress-rules-present", "rules-without-their-type-open-nothing"}),
        _with_specs(_without_dead_rules),
    ),
    Feature(
        "egress ports by their name",
        frozenset({"a-name-with-two-numbers-on-the-way-out", "a-name-without-a-peer", "a-name-that-only-some-have"}),
        _with_specs(_with_rules("egress", _with_port_numbers)),
    ),
    Feature(
        "namespaceSelectors that only exclude",
        frozenset(
            {
                "no-host-lacks-a-label",
                "no-host-has-another-name",
                "exclusions-of-both-kinds-name-pods",
                "another-node-lacks-no-label",
            }
        ),
        _with_specs(_with_namespaces),
    ),
    Feature(
        "policies that come back, or go, at once",
        frozenset(
            {
                "gone-as-soon-as-it-came",
                "same-name-comes-back-twenty-times",
                "rules-that-come-and-go-twenty-times",
                "same-name-comes-back-for-other-pods",
                "same-name-comes-back-for-the-other-direction",
                "same-name-comes-back-with-other-peers",
            }
        ),
        _one_after_the_other,
    ),
    Feature(
        f"labels that change again within {_CALM} seconds",
        frozenset({"label-flips-many-times", "policy-goes-while-labels-change"}),
        _calmly,
    ),
    Feature(
        "datagrams that do not fit into one packet",
        frozenset({"large-messages-arrive-whole", "large-messages-arrive-through-doors", "large-datagrams-obey-policies"}),
        _in_one_packet,
    ),
)
"""All that cases can be without. A known deviation in another scenario leaves nothing out: no random case is like it."""

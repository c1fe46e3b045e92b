"""The table of rules, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from conformance.lint.blocks import except_excludes_all, except_outside_cidr, host_bits, ip_block_over_pods
from conformance.lint.effect import Together, egress_without_dns, superfluous
from conformance.lint.form import empty_peers, empty_ports, key_twice, name_twice, or_instead_of_and, types_contradict, types_left_out
from conformance.lint.ports import port_name_twice, port_nobody_serves
from conformance.lint.scene import Level, Scene, Spot, Subject
from conformance.lint.selectors import (
    host_network_subject,
    namespace_label,
    namespace_unknown,
    near_miss,
    only_excludes,
    peer_selects_nothing,
    selects_nothing,
)
from conformance.manifests.ground import Ranges
from conformance.manifests.inventory import Inventory, PolicyObject
from conformance.scenario.fault import Fault

DOCS = "docs/lint.md"
"""Every rule has a chapter there, called as the rule."""


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule: its id, how bad what it finds is, and one sentence. `name` is small letters and hyphens."""

    name: str
    level: Level
    about: str

    @property
    def docs(self) -> str:
        """The place in the docs."""
        return f"{DOCS}#{self.name}"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What a rule found: at whose policy (namespace/name), where, and the sentence (`fault.text`)."""

    rule: LintRule
    policy: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Linted:
    """What lint found, in the order of files and lines. `not_judged` are sentences of what could not be looked at."""

    findings: tuple[LintFinding, ...]
    policies: int
    workloads: int
    not_judged: tuple[str, ...] = ()

    def of(self, level: Level) -> tuple[LintFinding, ...]:
        """The findings of one level."""
        return tuple(each for each in self.findings if each.rule.level is level)


INVALID = LintRule("invalid-policy", Level.ERROR, "The API refuses the policy.")
SUPERFLUOUS = LintRule("superfluous", Level.NOTE, "Nothing changes without the policy, for the workloads given.")

_RAW: tuple[tuple[LintRule, Callable[[PolicyObject], Iterable[Spot]]], ...] = (
    (LintRule("key-twice", Level.ERROR, "A key stands twice in one mapping."), key_twice),
    (LintRule("except-outside-cidr", Level.ERROR, "An except lies outside its cidr."), except_outside_cidr),
    (LintRule("except-excludes-all", Level.ERROR, "Exceptions leave nothing of their cidr."), except_excludes_all),
)
"""Rules that look at policies as they are written, also at those that the API refuses."""

_SOUND: tuple[tuple[LintRule, Callable[[Subject], Iterable[Spot]]], ...] = (
    (LintRule("types-contradict", Level.ERROR, "Rules of a direction that policyTypes does not name never count."), types_contradict),
    (LintRule("types-left-out", Level.WARNING, "Without policyTypes, egress rules isolate for ingress, too."), types_left_out),
    (LintRule("name-twice", Level.WARNING, "Two policies have the same namespace and name."), name_twice),
    (LintRule("selects-nothing", Level.WARNING, "A policy selects no workload."), selects_nothing),
    (LintRule("peer-selects-nothing", Level.WARNING, "A peer names no workload."), peer_selects_nothing),
    (LintRule("namespace-label", Level.WARNING, "A namespaceSelector wants labels that no namespace has."), namespace_label),
    (LintRule("namespace-unknown", Level.NOTE, "A namespaceSelector names a namespace of which nothing is known."), namespace_unknown),
    (LintRule("only-excludes", Level.NOTE, "A namespaceSelector only excludes, and means all other namespaces."), only_excludes),
    (LintRule("near-miss", Level.WARNING, "A label is nearly, but not quite, one that is there."), near_miss),
    (LintRule("port-nobody-serves", Level.WARNING, "A port that none of those concerned declares."), port_nobody_serves),
    (LintRule("port-name-twice", Level.WARNING, "A port's name means two ports of one pod."), port_name_twice),
    (LintRule("or-instead-of-and", Level.WARNING, "podSelector and namespaceSelector in two entries mean either."), or_instead_of_and),
    (LintRule("empty-peers", Level.WARNING, "An empty from or to means everybody."), empty_peers),
    (LintRule("empty-ports", Level.NOTE, "An empty list of ports means all ports."), empty_ports),
    (LintRule("host-bits", Level.NOTE, "A cidr has bits behind its prefix, which do not count."), host_bits),
    (LintRule("ip-block-over-pods", Level.WARNING, "An ipBlock covers addresses of pods."), ip_block_over_pods),
    (LintRule("egress-without-dns", Level.WARNING, "Who is isolated for egress may ask no name server."), egress_without_dns),
    (LintRule("host-network-subject", Level.NOTE, "A policy selects pods in their node's network."), host_network_subject),
)

RULES: tuple[LintRule, ...] = (INVALID, *(rule for rule, _ in (*_RAW, *_SOUND)), SUPERFLUOUS)
"""All rules, in the order of the docs."""


def lint(inventory: Inventory, ranges: Ranges, ignored: Collection[str] = ()) -> Linted:
    """What all rules but the ignored ones find in an inventory's policies."""
    scene = Scene(inventory, ranges)
    together = Together(scene)
    found = [
        _finding(rule, policy, spot)
        for policy in inventory.policies
        for rule, find in _finders(scene, together, policy)
        if rule.name not in ignored
        for spot in find()
    ]
    unique = dict.fromkeys(found)
    ordered = sorted(unique, key=lambda each: (str(each.fault.path), each.fault.line, each.fault.column, -each.rule.level))
    return Linted(tuple(ordered), len(inventory.policies), len(inventory.workloads), tuple(_not_judged(inventory, together)))


def _finders(scene: Scene, together: Together, policy: PolicyObject) -> Iterator[tuple[LintRule, Callable[[], Iterable[Spot]]]]:
    yield INVALID, partial(_invalid, policy)
    for raw, look in _RAW:
        yield raw, partial(look, policy)
    if policy.policy is not None:
        subject = Subject(scene, policy, policy.policy)
        for rule, find in _SOUND:
            yield rule, partial(find, subject)
        yield SUPERFLUOUS, partial(superfluous, together, policy)


def _finding(rule: LintRule, policy: PolicyObject, spot: Spot) -> LintFinding:
    return LintFinding(rule, policy.ref, policy.source.fault(spot.text, spot.keys, at_key=spot.at_key))


def _invalid(policy: PolicyObject) -> Iterator[Spot]:
    told = {spot.keys for look in (except_outside_cidr, except_excludes_all) for spot in look(policy)}
    for keys, text in policy.refusals():
        if not told or "must be a strict part" not in text:
            yield Spot(keys, f"the API refuses it: {text}")


def _not_judged(inventory: Inventory, together: Together) -> Iterator[str]:
    if not inventory.workloads:
        yield "no workloads were given (Deployments, Pods …): whom policies select, and on which ports, was not looked at"
    elif together.is_too_large:
        yield "there are too many policies and kinds of workloads to find superfluous policies: lint a part of the namespaces"
    if foreign := inventory.foreign():
        kinds = ", ".join(sorted({each.kind for each in foreign}))
        yield f"policies of other APIs were not looked at ({len(foreign)}: {kinds})"
    yield from inventory.unknown

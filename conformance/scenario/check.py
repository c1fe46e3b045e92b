"""What holds for every scenario of a catalogue, beyond each file's own soundness."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from conformance.scenario.fault import Fault
from conformance.scenario.fictive import fictive_world
from conformance.scenario.layout import Layout, ServiceKind
from conformance.scenario.meaning import meaning
from conformance.scenario.policies import policy_document
from conformance.scenario.scenario import Action, Add, Annotate, Apply, Restart, Scenario, Together
from conformance.scenario.source import Keys, read
from conformance.world.place import LEGACY_ANNOTATION, OUTSIDE
from conformance.world.policy import NetworkPolicy, PolicyPort
from conformance.world.verdict import Direction, Family, Protocol

Finding = tuple[Keys, str]
"""Where in the file, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that holds for every scenario, and what finds the places where it does not."""

    sentence: str
    find: Callable[[Scenario], Iterable[Finding]]


def check(scenarios: Iterable[Scenario]) -> tuple[Fault, ...]:
    """Where scenarios, each of them sound, break what holds for all; by file and line."""
    every = tuple(scenarios)
    found = [_fault(scenario, finding) for scenario in every for invariant in INVARIANTS for finding in invariant.find(scenario)]
    found += [_fault(scenario, finding) for scenario, finding in _repeated(every)]
    return tuple(sorted(found, key=lambda fault: (str(fault.path), fault.line, fault.column)))


def _fault(scenario: Scenario, finding: Finding) -> Fault:
    keys, text = finding
    source, _ = read(scenario.path)
    return Fault(scenario.path, 0, 0, text) if source is None else source.fault(text, keys, at_key=isinstance(keys[-1], str))


def needed(scenario: Scenario) -> tuple[str, ...]:
    """The capabilities that it uses, as far as that can be seen in its file."""
    return tuple(name for name, _ in _uses(scenario))


def _repeated(scenarios: tuple[Scenario, ...]) -> Iterator[tuple[Scenario, Finding]]:
    names: dict[str, Scenario] = {}
    meanings: dict[str, Scenario] = {}
    for scenario in scenarios:
        if (other := names.setdefault(scenario.name, scenario)) is not scenario:
            yield scenario, (("name",), f"the name {scenario.name} is that of {other.path} too")
        if (other := meanings.setdefault(meaning(scenario), scenario)) is not scenario:
            yield scenario, (("name",), f"it means the same as {other.path}: the same layout, policies, changes and questions")


def _unfit_file_name(scenario: Scenario) -> Iterator[Finding]:
    fits = {scenario.name, f"{scenario.recipe}-{scenario.name}" if scenario.recipe else scenario.name}
    if scenario.path.stem not in fits:
        yield ("name",), f"the file is called {scenario.path.name}, not {' or '.join(f'{each}.yaml' for each in sorted(fits))}"


def _wish(scenario: Scenario) -> Iterator[Finding]:
    for key, text in (("name", scenario.name.replace("-", " ")), ("about", scenario.about)):
        if re.search(r"\bshould\b", text, re.IGNORECASE):
            yield (key,), f"{key} says what should be: say what is"


def _no_sentence(scenario: Scenario) -> Iterator[Finding]:
    for key, text in (("about", scenario.about), ("because", scenario.because)):
        if not re.search(r'[.!?]"?$', text):
            yield (key,), f"{key} is no sentence: it ends without a full stop"


def _unexplained(scenario: Scenario) -> Iterator[Finding]:
    if not scenario.fault_class:
        yield ("name",), "class is missing: the class of faults that it is about"
    if not scenario.origin:
        yield ("name",), "origin is missing: a list of where it comes from"


def _unused_policy(scenario: Scenario) -> Iterator[Finding]:
    used = {name for action in _actions(scenario) if isinstance(action, Apply) for name in action.names}
    for name in scenario.policies:
        if name not in used:
            yield ("policies", name), f"no step applies policy {name}"


def _wrong_needs(scenario: Scenario) -> Iterator[Finding]:
    uses = dict(_uses(scenario))
    for name, why in uses.items():
        if name not in scenario.needs:
            yield ("needs",), f"needs does not name {name}, though {why}"
    # Without outside hosts a scenario whose layout has them is asked for the others; it may say that it makes no sense then.
    fits = {*uses, "outside-host"} if scenario.layout.hosts else set(uses)
    for index, name in enumerate(scenario.needs):
        if name in _SEEN and name not in fits:
            yield ("needs", index), f"needs names {name}, and nothing here uses it"


_SEEN = (
    "outside-host",
    "sctp",
    "icmp",
    "named-port",
    "end-port",
    "legacy-annotation",
    "service",
    "node-port",
    "dns",
    "host-network",
    "host-port",
    "restart-plugin",
    "restart-node",
)
"""Capabilities whose use can be seen in a file."""


def _uses(scenario: Scenario) -> Iterator[tuple[str, str]]:
    if any(f"{OUTSIDE}/" in text for text in scenario.policies.values()):
        yield "outside-host", "a policy names an outside host"
    protocols = {port.protocol for ports in scenario.layout.serves().values() for port in ports}
    ports = tuple(_policy_ports(scenario))
    if Protocol.SCTP in protocols | {port.protocol for port in ports}:
        yield "sctp", "its layout or a policy has SCTP"
    if Protocol.ICMP in protocols:
        yield "icmp", "its layout serves ICMP"
    if any(isinstance(port.port, str) for port in ports):
        yield "named-port", "a policy has a named port"
    if any(port.end is not None for port in ports):
        yield "end-port", "a policy has an endPort"
    added = {ref for action in _actions(scenario) if isinstance(action, Add) for ref in action.refs}
    yield from _used_by_layout(scenario.layout, added)
    yield from _used_by_steps(_actions(scenario))


def _used_by_layout(layout: Layout, added: Container[str]) -> Iterator[tuple[str, str]]:
    services = [plan for ref, plan in layout.services() if ref in added or not plan.comes_later]
    kinds = {plan.kind for plan in services}
    if kinds - {ServiceKind.HEADLESS}:
        yield "service", "its layout has a Service"
    if ServiceKind.NODE_PORT in kinds:
        yield "node-port", "its layout has a Service with node ports"
    if ServiceKind.HEADLESS in kinds or any(plan.is_asked_by_name for plan in services):
        yield "dns", "a Service of its layout is asked by its name"
    if any(plan.is_host_network for _, plan in layout.pods()):
        yield "host-network", "a pod of its layout is in its node's network"
    if any(plan.host_ports for _, plan in layout.pods()):
        yield "host-port", "a pod of its layout has a host port"


def _used_by_steps(actions: Iterable[Action]) -> Iterator[tuple[str, str]]:
    every = tuple(actions)
    annotated = (action.changes for action in every if isinstance(action, Annotate))
    if any(LEGACY_ANNOTATION in keys for changes in annotated for keys in changes.values()):
        yield "legacy-annotation", "a step sets the annotation"
    restarted = {action.what.partition("/")[0] for action in every if isinstance(action, Restart)}
    if "plugin" in restarted:
        yield "restart-plugin", "a step restarts the plugin"
    if "node" in restarted:
        yield "restart-node", "a step restarts a node"


def _actions(scenario: Scenario) -> Iterator[Action]:
    """All changes, those that are made together one by one."""
    for step in scenario.steps:
        yield from step.action.actions if isinstance(step.action, Together) else (step.action,)


def _policy_ports(scenario: Scenario) -> Iterator[PolicyPort]:
    world = fictive_world(scenario.layout)
    for text in scenario.policies.values():
        policy = NetworkPolicy.from_document(policy_document(text, world, Family))
        for rule in (*policy.rules(Direction.INGRESS), *policy.rules(Direction.EGRESS)):
            yield from rule.ports


INVARIANTS = (
    Invariant("A file is called as its scenario, with the recipe's number before it.", _unfit_file_name),
    Invariant("Names and descriptions say what is, not what should be.", _wish),
    Invariant("Descriptions and reasons are sentences.", _no_sentence),
    Invariant("A scenario names its class of faults and where it comes from.", _unexplained),
    Invariant("Every policy is applied by a step.", _unused_policy),
    Invariant("A scenario needs what it uses, and uses what it needs.", _wrong_needs),
)
"""Beside these: every name is used once, and no two scenarios have the same meaning."""

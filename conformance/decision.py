"""Who decides whether one workload reaches another: in words, by the model, as `expect` would say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from ipaddress import ip_address

from conformance.manifests.ground import Ranges, isolates, pod_of, world_of
from conformance.manifests.inventory import Inventory, PolicyObject, Service, Workload
from conformance.model.decide import Oracle
from conformance.model.match import other_of
from conformance.model.side import Side, Sides
from conformance.world.expectation import Expectation, Reading, Reason
from conformance.world.place import Address, OutsideHost, Place, Port, World, family_of
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict

End = Workload | Service | OutsideHost

_ANSWER = {Verdict.ALLOWED: "yes", Verdict.BLOCKED: "no", Verdict.OPEN: "open"}


class InvalidQuestion(ValueError):
    """A workload or port that cannot be meant. The message says which there are."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: the verdict of all families and ends together, and the text for people."""

    verdict: Verdict
    text: str


def decide(inventory: Inventory, ranges: Ranges, source: str, destination: str, port: str) -> Decision:
    """Whether the source (`shop/front`, an address outside) reaches the destination (the same, or `svc/shop/web`) on a port.

    `port` is `80/TCP`, `80`, or a name of the destination's ports. Raises InvalidQuestion.
    """
    asker = _end(inventory, ranges, source)
    if isinstance(asker, Service):
        raise InvalidQuestion(f"{source} is a Service: it asks nobody; name the workload that does")
    asked = _end(inventory, ranges, destination)
    if isinstance(asker, OutsideHost) and isinstance(asked, OutsideHost):
        raise InvalidQuestion(f"{source} and {destination} are both outside: no policy has a word in that")
    ends = list(_ends(inventory, asked, port))
    found = [_Answer(inventory, ranges, asker, end, number) for end, number in ends]
    verdicts = {verdict for each in found for verdict in each.verdicts()}
    verdict = next(iter(verdicts)) if len(verdicts) == 1 else Verdict.OPEN if isinstance(asked, Service) else _worst(verdicts)
    lines = [_service_line(source, asked, port, verdict, ends)] if isinstance(asked, Service) else []
    lines += ["\n".join(each.lines()) for each in found]
    return Decision(verdict, "\n\n".join([*lines, *_notes(inventory, ranges, found)]))


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return next(each for each in (Verdict.BLOCKED, Verdict.OPEN, Verdict.ALLOWED) if each in found)


def _end(inventory: Inventory, ranges: Ranges, word: str) -> End:
    try:
        address = ip_address(word)
    except ValueError:
        pass
    else:
        return _by_address(inventory, ranges, word, address)
    if word.startswith("svc/"):
        services = {f"svc/{each.ref}": each for each in inventory.services}
        if word not in services:
            raise InvalidQuestion(_unknown(word, services))
        return services[word]
    known = {each.ref: each for each in inventory.workloads}
    if word in known:
        return known[word]
    pods = {f"{each.namespace}/{name}": each for each in inventory.workloads for name in each.also}
    if word in pods:
        return pods[word]
    alone = [each for each in inventory.workloads if "/" not in word and word in (each.name, *each.also)]
    if len(alone) == 1:
        return alone[0]
    raise InvalidQuestion(_unknown(word, known))


def _by_address(inventory: Inventory, ranges: Ranges, word: str, address: Address) -> End:
    """The pod with this address, else a host outside. Raises InvalidQuestion where pods are that nobody has named."""
    for each in inventory.workloads:
        if address in each.addresses and not each.is_host_network:
            return each
    has_addresses = any(each.addresses for each in inventory.workloads)
    where = [each for each in ranges.networks if address in each and (ranges.is_known or not has_addresses)]
    if where:
        hint = "" if ranges.is_known else " (--pod-cidr says otherwise)"
        raise InvalidQuestion(f"{word} lies in {where[0]}, where pods have their addresses{hint}: name the workload")
    return OutsideHost(word, (), (address,))


def _unknown(word: str, known: Iterable[str]) -> str:
    every = sorted(known)
    near = get_close_matches(word, every, 3) or [each for each in every if each.partition("/")[2] == word] or every[:10]
    more = f" and {len(every) - len(near)} more" if len(every) > len(near) else ""
    kind = "Service" if word.startswith("svc/") else "workload or pod"
    return f"there is no {kind} {word!r}; there are: {', '.join(near) or 'none'}{more if near else ''}"


def _ends(inventory: Inventory, asked: End, port: str) -> Iterator[tuple[Workload | OutsideHost, Port]]:
    """Who is asked in the end, and on which port of its own."""
    found = re.fullmatch(r"([^/]+?)(?:/(TCP|UDP|SCTP))?", port)
    if found is None:
        raise InvalidQuestion(f"{port!r} is no port such as 80/TCP, 53/UDP, 80 or http")
    word, protocol = found[1], Protocol(found[2]) if found[2] else None
    if not isinstance(asked, Service):
        yield asked, _port(word, protocol, asked)
        return
    wanted = [each for each in asked.ports if str(each.number) == word and protocol in (None, each.protocol)]
    if not wanted:
        has = ", ".join(f"{each.number}/{each.protocol}" for each in asked.ports)
        raise InvalidQuestion(f"svc/{asked.ref} has no port {port}; it has: {has or 'none'}")
    behind = [each for each in inventory.workloads if asked.is_for(each)]
    target, own = str(wanted[0].target), wanted[0].protocol
    ends = [(each, _port(target, own, each)) for each in behind if _is_number(target) or _named(target, own, each)]
    if not ends:
        raise InvalidQuestion(f"nobody stands behind svc/{asked.ref} on port {port}")
    yield from ends


def _port(word: str, protocol: Protocol | None, end: Workload | OutsideHost) -> Port:
    ports = end.ports if isinstance(end, Workload) else ()
    if _is_number(word):
        number = int(word) if len(word) <= _LONGEST else 0
        if not 1 <= number <= 65535:
            raise InvalidQuestion(f"{word[:_LONGEST]}{word[_LONGEST:] and '…'} is no port: ports are numbers from 1 to 65535")
        own = {each.protocol for each in ports if each.number == number}
        return Port(number, protocol or (own.pop() if len(own) == 1 else Protocol.TCP))
    named = _named(word, protocol, end)
    if named is None:
        has = ", ".join(map(str, ports)) or "none that are declared"
        raise InvalidQuestion(f"{end.ref} has no port called {word!r}; it has: {has}")
    return Port(named.number, named.protocol)


_LONGEST = 9
"""Python reads no number of thousands of digits."""


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _named(word: str, protocol: Protocol | None, end: Workload | OutsideHost) -> Port | None:
    ports = end.ports if isinstance(end, Workload) else ()
    return next((each for each in ports if each.name == word and protocol in (None, each.protocol)), None)


def _service_line(source: str, asked: Service, port: str, verdict: Verdict, ends: list[tuple[Workload | OutsideHost, Port]]) -> str:
    behind = ", ".join(f"{end.ref} {number}" for end, number in ends)
    chosen = "" if len(ends) == 1 else "; which of them is asked is the cluster's choice"
    return f"{source} -> svc/{asked.ref} {port}: {verdict}\nBehind it: {behind}{chosen}. Policies see the pods, not the Service."


class _Answer:
    """One question, over all families that both ends have."""

    def __init__(
        self, inventory: Inventory, ranges: Ranges, source: Workload | OutsideHost, asked: Workload | OutsideHost, port: Port
    ) -> None:
        self.port, self.asked, self.policies = port, asked, inventory.sound()
        self.objects = {each.ref: each for each in inventory.policies}
        hosts = [each for each in (source, asked) if isinstance(each, OutsideHost)]
        world = world_of(inventory, ranges, hosts)
        here, there = world.place(source.ref), world.place(asked.ref)
        if here.ref == there.ref and isinstance(asked, Workload):
            there = replace(pod_of(asked, ranges, len(world.pods)), ref=f"another pod of {asked.ref}")
            world = World(world.namespaces, {**world.pods, there.ref: there}, world.hosts)
        self.here, self.there = here, there
        oracle, self.sides = Oracle(world, self.policies), Sides(world, self.policies)
        families = {family_of(each) for each in here.addresses} & {family_of(each) for each in there.addresses}
        self.found: dict[Family, Expectation] = {
            family: oracle.decide(Question(here.ref, there.ref, port.number, port.protocol, family))
            for family in Family
            if family in families
        }
        if not self.found:
            raise InvalidQuestion(f"{here.ref} and {there.ref} have no family of addresses in common")

    def verdicts(self) -> list[Verdict]:
        return [each.verdict for each in self.found.values()]

    def lines(self) -> Iterator[str]:
        """The verdict, then both sides; once where all families say the same."""
        told = {family: list(self._sides(family)) for family in self.found}
        is_same = len({(self.found[family].verdict, *lines) for family, lines in told.items()}) == 1
        for family, lines in list(told.items())[: 1 if is_same else None]:
            over = "" if is_same else f" over {'IPv4' if family is Family.IPV4 else 'IPv6'}"
            yield f"{self.here.ref} -> {self.there.ref} {self.port}{over}: {self.found[family].verdict}"
            if self.found[family].open_because:
                yield f"  The specification leaves it to the plugin: {self.found[family].open_because}."
            yield from lines
            if self.found[family].verdict is Verdict.BLOCKED and not any(line.endswith("? no") for line in lines):
                yield "  However a plugin reads pods in their node's network, one of the two ends does not let it through."

    def _sides(self, family: Family) -> Iterator[str]:
        for direction, subject, other in ((Direction.EGRESS, self.here, self.there), (Direction.INGRESS, self.there, self.here)):
            lane = self.port.number, self.port.protocol
            read = {
                reading: self.sides.side(subject, direction, other_of(other, family, reading=reading), *lane, reading=reading)
                for reading in Reading
            }
            yield from self._side(subject, direction, read)

    def _side(self, subject: Place, direction: Direction, read: Mapping[Reading, Side]) -> Iterator[str]:
        """One end. Plugins may read pods in their node's network in two ways: what these differ in is open, and both are told."""
        way = "may it ask?" if direction is Direction.EGRESS else "may it be asked?"
        apart, as_node = read[Reading.APART], read[Reading.AS_NODE]
        verdict = apart.verdict if apart.verdict is as_node.verdict else Verdict.OPEN
        yield f"  {subject.ref} ({direction}): {way} {_ANSWER[verdict]}"
        isolating = [self.objects[each.ref] for each in self.policies if isolates(each, subject, direction)]
        if isolating and verdict is not Verdict.BLOCKED:  # else the reasons name them
            yield f"    isolated by {', '.join(f'{each.ref} ({each.where})' for each in isolating)}"
        if apart.verdict is as_node.verdict:
            yield from (f"    {reason.text}{self._where(reason)}" for reason in apart.reasons)
            return
        for reading, side in read.items():
            yield f"    {_ANSWER[side.verdict]} by a plugin that {reading}:"
            yield from (f"      {reason.text}{self._where(reason)}" for reason in side.reasons)

    def _where(self, reason: Reason) -> str:
        found: PolicyObject | None = self.objects.get(reason.policy or "")
        if found is None:
            return ""
        return (
            f" ({found.where})"
            if reason.rule is None
            else f" ({found.source.path}:{found.source.line(('spec', str(reason.direction), reason.rule))})"
        )


def _notes(inventory: Inventory, ranges: Ranges, found: list[_Answer]) -> Iterator[str]:
    """What the answer takes for granted."""
    for each in found:
        end, port = each.asked, each.port
        if isinstance(end, Workload) and not any((own.number, own.protocol) == (port.number, port.protocol) for own in end.ports):
            has = ", ".join(map(str, end.ports)) or "none at all"
            yield f"{end.ref} declares no port {port} (it declares {has}): whether anybody answers there is another question."
    has_blocks = any(
        peer.block for policy in inventory.sound() for direction in Direction for rule in policy.rules(direction) for peer in rule.peers
    )
    if has_blocks and not ranges.is_known and not any(each.addresses for each in inventory.workloads):
        yield f"Pods' addresses are taken to lie in {ranges}, which matters for ipBlocks: --pod-cidr says otherwise."
    if replaced := inventory.replaced():
        yield f"Of policies with one name the last one counts: {', '.join(f'{each.ref} ({each.where}) does not' for each in replaced[:5])}."
    if foreign := inventory.foreign():
        kinds = ", ".join(sorted({each.kind for each in foreign}))
        yield f"Policies of other APIs ({len(foreign)}: {kinds}) may decide otherwise: NetworkPolicy says nothing of them."
    yield from (f"{sentence[:1].upper()}{sentence[1:]}." for sentence in inventory.unknown)

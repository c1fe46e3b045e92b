"""What the model says of a chosen world, as `expect` of a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import collapse_addresses, ip_network
from typing import Any

from conformance.model.decide import expected
from conformance.scenario.writing import Block
from conformance.world.place import World
from conformance.world.policy import IPBlock, Network, NetworkPolicy, PolicyPeer, Rule
from conformance.world.question import Question, questions_of
from conformance.world.table import SYMBOL_OF, draw
from conformance.world.verdict import Family, Verdict

_RANGES = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.2.0/24", "198.51.100.0/24", "fc00::/7", "2001:db8::/32"),
    )
)
"""Where pods and Services may have their addresses: in clusters, and where there is none (`fictive_world`)."""

_ALL = {4: IPBlock(ip_network("0.0.0.0/0")), 6: IPBlock(ip_network("::/0"))}


def verdicts_of(world: World, policies: Iterable[NetworkPolicy]) -> dict[Question, Verdict | None]:
    """The model's verdict of every question; None where it depends on the addresses that a cluster will give."""
    every = tuple(policies)
    questions = questions_of(world, Family)
    least = expected(world, [_with(policy, _holds_all) for policy in every], questions)
    most = expected(world, [_with(policy, _holds_some) for policy in every], questions)
    return {each: least[each].verdict if least[each].verdict is most[each].verdict else None for each in questions}


def _holds_all(block: IPBlock) -> bool:
    """Whether a block holds every address that a pod may get (of its family)."""
    ranges = [each for each in _RANGES if each.version == block.cidr.version]
    return all(_is_in(each, block.cidr) and not any(each.overlaps(out) for out in block.excluded) for each in ranges)


def _holds_some(block: IPBlock) -> bool:
    """Whether a block may hold the address of a pod."""
    left_out: list[Network] = list(collapse_addresses(block.excluded))  # type: ignore[type-var] # all of one family
    for each in _RANGES:
        if each.version == block.cidr.version and each.overlaps(block.cidr):
            both = max(each, block.cidr, key=lambda network: network.prefixlen)
            if not any(_is_in(both, out) for out in left_out):
                return True
    return False


def _is_in(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type] # of one version


def _with(policy: NetworkPolicy, counts: Callable[[IPBlock], bool]) -> NetworkPolicy:
    """The policy with blocks that hold all addresses for those that count, and none for the others; rules of nobody are gone."""

    def changed(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        found = []
        for rule in rules:
            peers = tuple(
                peer if peer.block is None else PolicyPeer(block=_ALL[peer.block.cidr.version])
                for peer in rule.peers
                if peer.block is None or counts(peer.block)
            )
            if peers or not rule.peers:
                found.append(replace(rule, peers=peers))
        return tuple(found)

    return replace(policy, ingress=changed(policy.ingress), egress=changed(policy.egress))


def expect_of(verdicts: Mapping[Question, Verdict | None]) -> Any:
    """The claims as they stand in a file: a sentence, tables, or single cells where some are not known."""
    found = set(verdicts.values())
    if found == {Verdict.ALLOWED}:
        return "all allowed"
    if found == {Verdict.BLOCKED}:
        return "all blocked"
    if None not in found:
        tables = [
            Block(f"{table}\n") for table in draw({each: SYMBOL_OF[verdict] for each, verdict in verdicts.items() if verdict}).split("\n\n")
        ]
        return tables[0] if len(tables) == 1 else tables
    return _cells(verdicts)


def _cells(verdicts: Mapping[Question, Verdict | None]) -> dict[str, str]:
    by_cell: dict[str, dict[Family, Verdict | None]] = {}
    for question, verdict in verdicts.items():
        by_cell.setdefault(f"{question.source} -> {question.destination} {question.lane}", {})[question.family] = verdict
    cells: dict[str, str] = {}
    for cell, families in by_cell.items():
        told = set(families.values())
        if len(told) == 1 and None not in told:
            cells[cell] = str(told.pop())
        else:
            cells |= {f"{cell}/{family}": str(verdict) for family, verdict in families.items() if verdict is not None}
    return cells

"""The nouns: a fleet, its members, and the parts that its pods measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from conformance.shard import Shard

LARGEST_JOB = 100
"""Parts in one Job. All kubeconfigs of a Job are in the memory of each node that has one of its pods (5 KB each, as a rule), and a node
may read them: that is what several Jobs keep small. It is also the most shards that a cluster may have, so that they are in one Job."""

USUAL_PARALLELISM = 20

_OF_SEVERAL = "--"
"""Before the number of a Job. No fleet's name has it in it: else those of two fleets could be the same."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret in the hub's namespace."""

    name: str
    key: str = "kubeconfig"


@dataclass(frozen=True, slots=True)
class Member:
    """A cluster of the fleet.

    `kubeconfig` is the text of one with a single context (`context`), or where it is on the hub; then `context` "" means its current one.
    It is "" where the fleet was read to be fetched. `words` are those of `run` that select and set, the fleet's own first.
    """

    name: str
    kubeconfig: str | SecretKey
    context: str = ""
    cni: str = ""
    shards: int = 1
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one pod measures: a shard of a member, or all of it (1/1)."""

    member: Member
    shard: Shard

    @property
    def name(self) -> str:
        """Unique in the fleet: what its record is called in the log of its pod."""
        return f"{self.member.name}.{self.shard.number}-of-{self.shard.total}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words for `cni-conformance run` that say where and what."""
        member = self.member
        return (
            *(("--cluster", f"kubeconfig:{member.context}") if member.context else ()),
            *(("--cni", member.cni) if member.cni else ()),
            *(("--shard", str(self.shard)) if self.shard.total > 1 else ()),
            *member.words,
        )

    def __str__(self) -> str:
        return f"{self.member.name}, shard {self.shard}" if self.shard.total > 1 else self.member.name


@dataclass(frozen=True, slots=True)
class FleetJob:
    """An Indexed Job: its parts in the order of their indexes, and how many of them are measured at the same time."""

    name: str
    parts: tuple[Part, ...]
    parallelism: int


@dataclass(frozen=True)
class Fleet:
    """All of it, as its file says. `parallelism`: pods at the same time; `retries`: of a part."""

    name: str
    namespace: str
    image: str
    members: tuple[Member, ...]
    parallelism: int
    retries: int = 2

    @cached_property
    def jobs(self) -> tuple[FleetJob, ...]:
        """The Jobs, which depend on names and shards alone: who fetches finds the same ones without any kubeconfig.

        All parts of a member are in one Job, the first shards of its members first: with as many pods as clusters two shards of one
        cluster are rarely measured at the same time.
        """
        groups = [_by_turns(group) for group in _groups(self.members)]
        names = [self.name] if len(groups) == 1 else [f"{self.name}{_OF_SEVERAL}{number}" for number in range(1, len(groups) + 1)]
        return tuple(map(FleetJob, names, groups, _shares(self.parallelism, [len(group) for group in groups])))


def _groups(members: Sequence[Member]) -> Iterator[list[Member]]:
    group: list[Member] = []
    for member in members:
        if sum(each.shards for each in group) + member.shards > LARGEST_JOB:
            yield group
            group = []
        group.append(member)
    yield group


def _by_turns(members: Sequence[Member]) -> tuple[Part, ...]:
    """The first shard of each, then the second of each that has one, and so on."""
    turns = range(1, max(member.shards for member in members) + 1)
    return tuple(Part(member, Shard(turn, member.shards)) for turn in turns for member in members if turn <= member.shards)


def _shares(pods: int, sizes: Sequence[int]) -> list[int]:
    """So many pods dealt out to Jobs of these sizes: each has one at least, none more than it has parts, the larger ones get more."""
    shares = [1] * len(sizes)
    while sum(shares) < min(pods, sum(sizes)):
        neediest = max(range(len(sizes)), key=lambda place: (sizes[place] - shares[place] > 0, sizes[place] / shares[place]))
        shares[neediest] += 1
    return shares

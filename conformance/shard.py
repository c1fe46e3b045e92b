"""Shards: parts of a run that are measured elsewhere at the same time, and merged afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_SELECTION = "selection.json"


class InvalidShard(ValueError):
    """A text that names no shard. The error's text says what one looks like."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Part `number` of `total`, counted from 1. Its text is `3/8`."""

    number: int
    total: int

    @classmethod
    def of(cls, text: str) -> Shard:
        """The shard that is written as `3/8`. Raises InvalidShard."""
        written = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        number, total = map(int, written.groups()) if written else (0, 0)
        if not 1 <= number <= total:
            raise InvalidShard("it is I/N, the part I of N parts, counted from 1: 3/8")
        return cls(number, total)

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


DISRUPTIVE = 10
"""How much longer a disruptive scenario takes than another one with as many steps, roughly: it waits for nodes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a scenario costs: its steps, as they stand in its file, and whether it is disruptive.

    `needs_node_ports`: its pods serve on ports of the nodes, of which a cluster has each only once.
    """

    steps: int
    is_disruptive: bool = False
    needs_node_ports: bool = False

    @property
    def weight(self) -> int:
        """A number without a unit, 1 or more: the baseline is a step, too."""
        return (1 + self.steps) * (DISRUPTIVE if self.is_disruptive else 1)


def shards(costs: Mapping[str, Cost], total: int) -> tuple[frozenset[str], ...]:
    """The scenarios (names) in `total` parts that cost about the same; each is in one part, and no part is empty while there are enough.

    The parts depend on names and costs alone, not on their order. Disruptive scenarios, which run one by one, are spread evenly. Those
    that need ports of the nodes are all in one part: two shards may be measured on one cluster at the same time.
    """
    parts: list[set[str]] = [set() for _ in range(total)]
    loads, disruptive = [0] * total, [0] * total
    # Heaviest first, each to whoever has least so far: what comes last is light and levels the rest.
    for names in sorted(_inseparable(costs), key=lambda names: (not _is_disruptive(costs, names), -_weight(costs, names), names)):
        hurts = _is_disruptive(costs, names)
        place = min(range(total), key=lambda each: (disruptive[each] if hurts else 0, loads[each], each))
        parts[place].update(names)
        loads[place] += _weight(costs, names)
        disruptive[place] += hurts
    return tuple(map(frozenset, parts))


def _inseparable(costs: Mapping[str, Cost]) -> list[tuple[str, ...]]:
    """The scenarios by ones, but for those that must stay together."""
    together = tuple(sorted(name for name, cost in costs.items() if cost.needs_node_ports and not cost.is_disruptive))
    return [*((name,) for name in costs if name not in together), *([together] if together else [])]


def _weight(costs: Mapping[str, Cost], names: Iterable[str]) -> int:
    return sum(costs[name].weight for name in names)


def _is_disruptive(costs: Mapping[str, Cost], names: Iterable[str]) -> bool:
    return any(costs[name].is_disruptive for name in names)


def part_of(shard: Shard, number: int, selected: int) -> str:
    """What a shard has of all that was selected, in a few words."""
    return f"shard {shard}: {number} of {selected} selected scenarios"


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """A short text that is the same for the same parts in the same order, and for no others."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()[:32]


def keep_selection(folder: Path, names: Iterable[str]) -> None:
    """Leaves the names of the whole selection in the run's folder: under pytest-xdist only the workers know them.

    Every worker writes the same; whoever reads sees the whole file or none.
    """
    new = folder / f"{_SELECTION}.{os.getpid()}"
    new.write_text(json.dumps(sorted(names)))
    new.replace(folder / _SELECTION)


def kept_selection(folder: Path) -> tuple[str, ...] | None:
    """The names that `keep_selection` left, sorted; None: nobody did."""
    path = folder / _SELECTION
    return tuple(json.loads(path.read_text())) if path.exists() else None

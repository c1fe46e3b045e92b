"""The network of a kind cluster: a bridge of its own on the engine, with ranges that nobody else uses.

Inside it, IPv4 (a /20) and IPv6 (a /64) are cut alike, so that ipBlock scenarios can be written with ranges that fit:

    what      third byte of the /20   IPv4    fifth group of the /64   IPv6
    nodes     0                       /24     0                        /80
    alpha     8                       /24     8                        /80
    beta      12                      /24     c                        /80
    both hosts, no node               /21                              /77
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import islice
from pathlib import Path
from typing import TypeVar

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import BrokenCommand, Commands
from conformance.cluster.toolbox import Toolbox

POOLS = ("198.18.0.0/15", "fd6e:6363:6f6e::/48")
"""Where ranges come from unless the toolbox says otherwise: one reserved for tests of networks (RFC 2544), one unique local (RFC 4193)."""

_LENGTH_4, _LENGTH_6 = 20, 64
_Range = TypeVar("_Range", IPv4Network, IPv6Network)
_TRIES = 32


@dataclass(frozen=True, slots=True)
class Network:
    """The ranges of a cluster's network. `range6` is None for a cluster without IPv6."""

    name: str
    range4: IPv4Network
    range6: IPv6Network | None

    def piece4(self, number: int) -> IPv4Network:
        """The /24 whose third byte is `number` more than the network's (0 to 15)."""
        return IPv4Network((int(self.range4.network_address) + (number << 8), 24))

    def piece6(self, number: int) -> IPv6Network | None:
        """The /80 whose fifth group is `number`."""
        return None if self.range6 is None else IPv6Network((int(self.range6.network_address) + (number << 48), 80))


def create(commands: Commands, toolbox: Toolbox, name: str, labels: Iterable[str], *, has_ipv6: bool) -> Network:
    """A bridge network on the engine, in the first ranges of the pools that are free here and there.

    Raises BrokenCluster where the pools are too small or used up, BrokenCommand for the engine's other refusals.
    """
    docker, pools = toolbox.docker, toolbox.subnets or POOLS
    options = [word for label in labels for word in ("--label", label)]
    if mtu := _mtu(commands, docker):
        options += ["--opt", f"com.docker.network.driver.mtu={mtu}"]
    for network in islice(_candidates(name, pools, has_ipv6=has_ipv6), _TRIES):
        ranges = [
            "--subnet", str(network.range4), "--gateway", str(network.range4[1]), "--ip-range", str(network.piece4(0)),
        ]  # fmt: skip
        if network.range6 is not None:
            ranges += ["--ipv6", "--subnet", str(network.range6), "--gateway", str(network.range6[1]), "--ip-range", str(network.piece6(0))]
        try:
            commands.run(docker, "network", "create", "--driver", "bridge", *options, *ranges, name)
        except BrokenCommand as error:
            if "overlap" in error.output:
                continue
            raise
        return network
    raise BrokenCluster(f"no free range for the cluster's network in {', '.join(pools)}: remove unused networks (`docker network prune`)")


def _mtu(commands: Commands, docker: Path) -> str:
    """The engine's own setting, empty where it has none: what the machine's link cannot carry, the nodes' cannot either (as kind does)."""
    try:
        form = '{{ index .Options "com.docker.network.driver.mtu" }}'
        return commands.run(docker, "network", "inspect", "bridge", "--format", form).strip()
    except BrokenCommand:
        return ""  # an engine without a network of its own


def _candidates(name: str, pools: tuple[str, ...], *, has_ipv6: bool) -> Iterator[Network]:
    """Pairs of ranges, starting at a place that depends on the name: two clusters made at once seldom want the same."""
    taken = list(_routes())
    ranges = [ip_network(pool) for pool in pools]
    free4 = list(_free([each for each in ranges if isinstance(each, IPv4Network)], _LENGTH_4, taken))
    free6 = list(_free([each for each in ranges if isinstance(each, IPv6Network)], _LENGTH_6, taken)) if has_ipv6 else []
    if not free4 or (has_ipv6 and not free6):
        return
    start = zlib.crc32(name.encode())
    for turn in range(max(len(free4), len(free6))):
        yield Network(name, free4[(start + turn) % len(free4)], free6[(start + turn) % len(free6)] if free6 else None)


def _free(pools: list[_Range], length: int, taken: list[IPv4Network | IPv6Network]) -> Iterator[_Range]:
    """Up to _TRIES pieces of each pool that meet no route of this machine.

    The engine itself only knows its own networks; a second engine, a VPN or another tool may have a route there.
    """
    for pool in pools:
        if pool.prefixlen > length:
            raise BrokenCluster(f"the pool {pool} is too small for a cluster's network: /{length} or larger")
        pieces = (piece for piece in pool.subnets(new_prefix=length) if not any(_meet(piece, route) for route in taken))
        yield from islice(pieces, _TRIES)


def _meet(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and bool(one.overlaps(other))


def _routes() -> Iterator[IPv4Network | IPv6Network]:
    """The destinations of this machine's routes, default routes left out. Empty where there is no /proc."""
    for line in _lines("/proc/net/route")[1:]:
        words = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(words[at])[::-1], "big") for at in (1, 7))
        if mask:
            yield IPv4Network((address, mask.bit_count()))
    for line in _lines("/proc/net/ipv6_route"):
        words = line.split()
        if length := int(words[1], 16):
            yield IPv6Network((int(ip_address(bytes.fromhex(words[0]))), length))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []

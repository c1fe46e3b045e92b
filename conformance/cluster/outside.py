"""Outside hosts of a kind cluster: containers on its network, outside the ranges of pods and services.

They only idle; the probes run their agent on them. Each has 16 slots, addresses of its own that a session binds to. Where
they lie is said in `network.py`: `alpha` in one /24 (/80), `beta` in another, both in a /21 (/77) that holds no node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from conformance.cluster.commands import Commands
from conformance.cluster.hosts import HostAccess
from conformance.cluster.network import Network

PIECES: Mapping[str, int] = {"alpha": 8, "beta": 12}
"""The hosts' names with the piece of the network that each has for itself."""

SLOTS = 16
_OWN, _FIRST_SLOT = 10, 11
_IDLE = "import signal; signal.sigwait({signal.SIGTERM, signal.SIGINT})"


def hosts(network: Network, family: str, docker: Path, environment: Mapping[str, str]) -> tuple[HostAccess, ...]:
    """The hosts of a network, each slot with the families that the cluster's pods have."""

    def slot(piece: int, number: int) -> tuple[IPv4Address | IPv6Address, ...]:
        piece6 = network.piece6(piece)
        address4 = () if family == "ipv6" else (network.piece4(piece)[number],)
        address6 = () if family == "ipv4" or piece6 is None else (piece6[number],)
        return (*address4, *address6)

    return tuple(
        HostAccess(
            name=name,
            slots=tuple(slot(piece, _FIRST_SLOT + number) for number in range(SLOTS)),
            command=(str(docker), "exec", "-i", container(network, name)),
            environment=dict(environment),
        )
        for name, piece in PIECES.items()
    )


def container(network: Network, host: str) -> str:
    """The name of a host's container."""
    return f"{network.name}-outside-{host}"


def start(commands: Commands, docker: Path, network: Network, image: str, labels: Iterable[str]) -> None:
    """Start the containers, with an address of their own that is no slot. Raises BrokenCommand where the image cannot be had."""
    options = [word for label in labels for word in ("--label", label)]
    for name, piece in PIECES.items():
        piece6 = network.piece6(piece)
        addresses = ["--ip", str(network.piece4(piece)[_OWN])] + ([] if piece6 is None else ["--ip6", str(piece6[_OWN])])
        commands.run(
            docker, "run", "--detach", "--name", container(network, name), "--hostname", name, *options,
            "--network", network.name, *addresses, "--user", "0", "--entrypoint", "python3", image, "-c", _IDLE,
            limit=600.0,  # it may have to be pulled
        )  # fmt: skip


def connect(
    commands: Commands,
    docker: Path,
    network: Network,
    access: HostAccess,
    routes: Mapping[IPv4Network | IPv6Network, IPv4Address | IPv6Address],
    node_image: str,
    labels: Iterable[str],
) -> None:
    """Give a host its slots, and the way to every range of pods by the node that owns it.

    The host's own image need not have `ip`, and the host keeps the rights of an ordinary container: a short-lived
    container of the node image in the same network namespace does it.
    """
    own = [address for slot in access.slots for address in slot]
    lines = [f"address replace {each}/{each.max_prefixlen} dev eth0 {'nodad' if each.version == 6 else ''}" for each in own]
    lines += [f"route replace {destination} via {node}" for destination, node in routes.items()]
    options = [word for label in labels for word in ("--label", label)]
    commands.run(
        docker, "run", "--rm", "--interactive", *options, "--network", f"container:{container(network, access.name)}",
        "--cap-add", "NET_ADMIN", "--user", "0", "--entrypoint", "ip", node_image, "-batch", "-",
        stdin="\n".join(lines) + "\n",
    )  # fmt: skip

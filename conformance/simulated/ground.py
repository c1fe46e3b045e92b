"""The ground that the simulated cluster stands on: its nodes, its ranges, and the hosts outside."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from conformance.cluster import outside
from conformance.cluster.hosts import HostAccess
from conformance.cluster.network import Network
from conformance.simulated.knowledge import NodeSpec

NETWORK = Network("simulated", IPv4Network("198.18.0.0/20"), IPv6Network("fd6e:6363:6f6e::/64"))
"""Cut as a kind cluster's, so that ipBlock scenarios fit."""

CONTROL_PLANE, WORKERS = "simulated-control-plane", ("simulated-worker", "simulated-worker2")

SERVICE_RANGES = IPv4Network("10.96.0.0/16"), IPv6Network("fd00:10:96::/112")
NAME_SERVER = 10
"""The place of the name servers' Service in its ranges, as kubeadm gives it."""

FIRST_NODE_PORT = 30000


def nodes(spare: int) -> tuple[NodeSpec, ...]:
    """Two workers and the control plane, each with addresses and ranges of both families, of `spare` addresses at least."""
    is_small = spare + 2 < 256
    names = (CONTROL_PLANE, *WORKERS)
    return tuple(
        NodeSpec(
            name,
            (str(NETWORK.piece4(0)[number]), str(IPv6Network("fd6e:6363:6f6e::/80")[number])),
            (IPv4Network(f"10.244.{number}.0/24" if is_small else f"10.{200 + number}.0.0/16"), IPv6Network(f"fd00:10:244:{number}::/64")),
        )
        for number, name in enumerate(names, 2)
    )


def hosts() -> tuple[HostAccess, ...]:
    """alpha and beta, with the addresses that a kind cluster's would have."""
    return tuple(HostAccess(access.name, access.slots) for access in outside.hosts(NETWORK, "dual", Path(), {}))

"""The ranges that nodes of a cluster of our own give their pods addresses from."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

MASK = 26
"""64 addresses: room for the worlds of four workers, and few enough that all can be taken for a while: only so does a plugin
that draws addresses by chance give one again at once. kind's own ranges are four times as large, a node takes 110 pods."""


def small_ranges(family: str) -> tuple[Mapping[str, object], ...]:
    """Patches of a kind configuration for a `family` (ipv4, ipv6 or dual); IPv6 ranges stay as they are."""
    if family == "ipv6":
        return ()
    patch = {"kind": "ClusterConfiguration", "controllerManager": {"extraArgs": {"node-cidr-mask-size-ipv4": str(MASK)}}}
    return ({"kubeadmConfigPatches": [yaml.safe_dump(patch, sort_keys=False)]},)

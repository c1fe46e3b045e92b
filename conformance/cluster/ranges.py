"""The configuration that kind gets, and the ranges that nodes of a cluster of our own give their pods addresses from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from conformance.cluster.plugin import Descriptor
from conformance.cluster.toolbox import Toolbox

MASK = 26
"""64 addresses: room for the worlds of four workers, and few enough that all can be taken for a while: only so does a plugin
that draws addresses by chance give one again at once. kind's own ranges are four times as large, a node takes 110 pods."""


ADDRESSES = 1 << 32 - MASK
"""So many addresses a node has where nobody asks for more."""

MOST_PODS = 110
"""So many pods a kubelet takes where nobody says another number."""


def room_for(family: str, pods: int) -> tuple[Mapping[str, object], ...]:
    """Patches of a kind configuration for a `family` (ipv4, ipv6 or dual) so that each node takes so many pods, and has addresses for
    more (0: ranges of `MASK`, and nothing else). IPv6 ranges stay as they are.
    """
    mask = min(MASK, 32 - (pods + pods // 4 + 8).bit_length()) if pods else MASK
    patches: list[Mapping[str, object]] = []
    if family != "ipv6":
        patches.append({"kind": "ClusterConfiguration", "controllerManager": {"extraArgs": {"node-cidr-mask-size-ipv4": str(mask)}}})
    if pods > MOST_PODS:
        patches.append({"kind": "KubeletConfiguration", "maxPods": pods})
    return tuple({"kubeadmConfigPatches": [yaml.safe_dump(patch, sort_keys=False)]} for patch in patches)


_WHOLE = 16
"""Length of the prefix from which the ranges of all nodes come, kind's and the plugins' own; no plugin has a longer one."""


def most_pods(family: str, nodes: int) -> int | None:
    """For how many pods `room_for` finds addresses on each of so many nodes. None: for as many as one likes, in IPv6 alone."""
    addresses = 1 << 32 - _WHOLE - (nodes - 1).bit_length()
    return None if family == "ipv6" else (4 * (addresses - 9) + 3) // 5


def configuration(plugin: Descriptor, toolbox: Toolbox, values: Mapping[str, object], pods_per_node: int = 0) -> str:
    """The kind configuration: the plugin's, with our and the toolbox's patches merged in (mappings merge, lists grow)."""
    content = yaml.safe_load(plugin.render(plugin.kind, **values))
    for patch in (*room_for(str(values["family"]), pods_per_node), *toolbox.kind_patches):
        content = _merged(content, patch)
    return yaml.safe_dump(content, sort_keys=False)


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, Mapping):
        return {**one, **{key: _merged(one[key], value) if key in one else value for key, value in other.items()}}
    if isinstance(one, list) and isinstance(other, list | tuple):
        return [*one, *other]
    return other

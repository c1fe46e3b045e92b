"""The world that an inventory makes: what the model is asked about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from conformance.manifests.inventory import Inventory, Workload
from conformance.scenario.fictive import NAME_LABEL
from conformance.world.labels import Labels
from conformance.world.place import Address, Namespace, OutsideHost, Place, Pod, World
from conformance.world.policy import Network, NetworkPolicy
from conformance.world.verdict import Direction

USUAL_RANGES = ("10.244.0.0/16", "fd00:10:244::/56")
"""Where pods' addresses lie on clusters made by kind, and by kubeadm with most plugins' defaults."""

_FIRST = 10


class InvalidRange(ValueError):
    """A text that is no range of addresses."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where pods' addresses lie. `is_known`: somebody has said so; else they are the usual ones."""

    networks: tuple[Network, ...]
    is_known: bool = True

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ranges:
        """From `10.0.0.0/8` and the like; the usual ones from nothing. Raises InvalidRange."""
        words = tuple(texts)
        found = []
        for text in words or USUAL_RANGES:
            try:
                found.append(ip_network(text, strict=False))
            except ValueError:
                raise InvalidRange(f"{text!r} is no range of addresses such as 10.244.0.0/16 or fd00:10:244::/56") from None
        return cls(tuple(found), bool(words))

    def pair(self, number: int) -> tuple[Address, ...]:
        """An address of each family that they have, the same number always the same one."""
        first: dict[int, Network] = {}
        for each in self.networks:
            first.setdefault(each.version, each)
        return tuple(each[(_FIRST + number) % each.num_addresses] for _, each in sorted(first.items()))

    def __str__(self) -> str:
        return " and ".join(map(str, self.networks))


def labels_in(inventory: Inventory, namespace: str) -> Labels:
    """The labels of a namespace as far as they are known; its name always is."""
    space = inventory.spaces.get(namespace)
    return {**(space.labels or {} if space is not None else {}), NAME_LABEL: namespace}


def world_of(inventory: Inventory, ranges: Ranges, hosts: Iterable[OutsideHost] = ()) -> World:
    """Everybody of an inventory: a pod for each workload, called as the workload.

    A workload that no cluster has given an address gets one of the ranges. Pods whose node is not known have none in common.
    """
    spaces = {name: Namespace(name, name, labels_in(inventory, name)) for name in inventory.spaces}
    pods = {each.ref: pod_of(each, ranges, number) for number, each in enumerate(inventory.workloads)}
    return World(spaces, pods, {each.ref: each for each in hosts})


def pod_of(workload: Workload, ranges: Ranges, number: int) -> Pod:
    """The pod that stands for a workload; `number` chooses its address."""
    node = workload.node or (f"the node of {workload.ref}" if workload.is_host_network else None)
    return Pod(
        workload.ref,
        workload.namespace,
        workload.ref.partition("/")[2],
        workload.labels,
        workload.ports,
        workload.addresses or ranges.pair(number),
        node,
        workload.is_host_network,
    )


def isolates(policy: NetworkPolicy, place: Place, direction: Direction) -> bool:
    """Whether a policy isolates a place for a direction."""
    if not isinstance(place, Pod) or place.namespace != policy.namespace:
        return False
    return direction in policy.types and policy.subjects.matches(place.labels)

"""Faults of plugins by their names: each a class of wrong behaviour that a real plugin has had, or its next of kin."""

from conformance.simulated.faults import (
    blocks,
    connections,
    deletion,
    directions,
    families,
    identity,
    labels,
    names,
    network,
    nodes,
    peers,
    ports,
    restarts,
    rules,
    selectors,
    services,
    startup,
    updates,
)
from conformance.simulated.faults.fault import Fault, UnknownFault, collected

FAULTS: dict[str, Fault] = collected(
    ports, rules, peers, selectors, directions, blocks, services, network, nodes, families, names,
    labels, updates, deletion, identity, startup, connections, restarts,
)  # fmt: skip
"""All of them, by name: those that do not depend on time first."""


def named(name: str) -> Fault:
    """The fault with this name. Raises UnknownFault."""
    if name not in FAULTS:
        raise UnknownFault(name, FAULTS)
    return FAULTS[name]


__all__ = ["FAULTS", "Fault", "UnknownFault", "named"]

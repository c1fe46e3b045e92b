"""A new pod gets the address that another one had: nearly all other addresses of the node are taken for a while."""

from __future__ import annotations

from collections.abc import Collection

from conformance.changes.doing import Doing
from conformance.changes.load import Load
from conformance.cluster.contract import BrokenPlugin, NotPossible
from conformance.template.start import on_node
from conformance.world.place import Address

TRIES = 24
"""So often the pod is created before it is given up."""

_BARE = 2
"""Tries without taking addresses: enough for a plugin that gives the lowest free one, or the last one that was given back."""

_LEFT = 4
"""Addresses of a node that stay free: its gateway has one, and so may the plugin's own health checks."""


def reuse(doing: Doing, new: str, old: str) -> None:
    """Create a pod on the node of another one, with one of that one's addresses.

    Raises BrokenCluster; BrokenPlugin; NotPossible where the plugin does not give it again within bounds.
    """
    live = doing.live
    node, wanted = live.everybody.pods[old].node, set(live.everybody.pods[old].addresses)
    manifest = live.manifests.pods[new] if node is None else on_node(live.manifests.pods[new], node)
    load = Load(live)
    try:
        for number in range(TRIES):
            if number == _BARE:
                _fill(load, node, wanted)
            try:
                doing.create(new, doing.first_questions(new, manifest))
            except BrokenPlugin as blame:
                if number < _BARE or new in live.presence.pods:
                    raise
                # It got no network, and it is we who have taken the others' addresses.
                raise NotPossible(f"with nearly all addresses of its node taken the pod got none: {blame}") from blame
            if not wanted.isdisjoint(live.everybody.pods[new].addresses):
                return
            doing.remove([new])
            doing.finish()
    finally:
        load.end()
    raise NotPossible(f"the plugin gave none of the addresses of {old} again in {TRIES} tries, with nearly all others of its node taken")


def _fill(load: Load, node: str | None, wanted: Collection[Address]) -> None:
    """Light pods take the free addresses of a node, but for a few."""
    facts = load.live.cluster.nodes().get(node or "")
    if facts is None or not facts.spare or facts.spare > facts.room:
        raise NotPossible(
            "the address of a pod that has ended was not given to the next one, and it cannot be had by taking all others: the node has "
            + (f"{facts.spare} of them and takes {facts.room} pods" if facts and facts.spare else "an unknown number of them")
        )
    load.fill(facts.name, _LEFT, facts.spare)
    load.end_those_with(wanted)

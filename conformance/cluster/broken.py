"""What a cluster, or what makes one, can do to us. The message is for people: what happened, where, what to do."""

from __future__ import annotations


class BrokenCluster(Exception):
    """The cluster cannot be made, reached or used."""


class BusyCluster(BrokenCluster):
    """Another process is making or removing it right now."""

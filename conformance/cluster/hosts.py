"""Outside hosts: machines out of the pod and service ranges on which the suite can run its agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.world.place import Address


@dataclass(frozen=True, slots=True)
class HostAccess:
    """How the agent is started on an outside host, and which addresses are there for it.

    Each worker of a run takes one of the `slots`, addresses of its own (one a family at the most), so that workers never
    share a listening port. `command` goes before `python3 …` (`docker exec -i NAME`; empty: this machine itself) and
    `environment` is added to that command's environment.
    """

    name: str
    slots: tuple[tuple[Address, ...], ...]
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

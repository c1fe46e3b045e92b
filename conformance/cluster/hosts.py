"""Outside hosts: machines out of the pod and service ranges on which the suite can run its agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

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

    def to_document(self) -> dict[str, Any]:
        """As JSON, for the files that other processes read."""
        slots = [[str(address) for address in slot] for slot in self.slots]
        return {"name": self.name, "slots": slots, "command": list(self.command), "environment": dict(self.environment)}

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> HostAccess:
        """What `to_document` made."""
        slots = tuple(tuple(ip_address(address) for address in slot) for slot in content["slots"])
        return cls(content["name"], slots, tuple(content["command"]), content["environment"])

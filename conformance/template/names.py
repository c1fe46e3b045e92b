"""The names of what a run creates."""

from __future__ import annotations

import re
from dataclasses import dataclass

LABEL_RUN = "cni-conformance/run"
LABEL_WORLD = "cni-conformance/world"

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one world of one run. Both are short words of small letters and digits, unique in their cluster and run.

    Raises ValueError where a name of 30 letters would no longer fit into a namespace's 63.
    """

    run: str
    world: str

    def __post_init__(self) -> None:
        longest = self.namespace("n" * 30)
        if not _LABEL.fullmatch(longest):
            raise ValueError(f"run {self.run!r} and world {self.world!r} make no names of namespaces: {longest!r}")

    def namespace(self, ref: str) -> str:
        """The real name of a namespace of the layout."""
        return f"cc-{self.run}-{self.world}-{ref}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every namespace of this world."""
        return {LABEL_RUN: self.run, LABEL_WORLD: self.world}

"""What is wrong in a file, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `line` and `column` count from 1; line 0 speaks of the whole file. `source_line` is the line itself."""

    path: Path
    line: int
    column: int
    text: str
    source_line: str = ""

    def __str__(self) -> str:
        if not self.line:
            return f"{self.path}: {self.text}"
        head = f"{self.path}:{self.line}:{self.column}: {self.text}"
        if not self.source_line.strip():
            return head
        # A tab before the caret must be as wide as the tab above it.
        gap = "".join("\t" if letter == "\t" else " " for letter in self.source_line[: self.column - 1].ljust(self.column - 1))
        return f"{head}\n{self.line:>6} | {self.source_line}\n       | {gap}^"


class InvalidScenario(ValueError):
    """A file with faults: all of them, in the order of its lines."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def told(faults: Sequence[Fault]) -> str:
    """All faults, and how many there are."""
    return "\n\n".join([*map(str, faults), "1 fault" if len(faults) == 1 else f"{len(faults)} faults"])

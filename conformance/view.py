"""What a person sees while work goes on: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "error": ("!", "magenta"),
    "skipped": ("-", "yellow"),
    "not-supported": ("-", "yellow"),
    "known-deviation": ("≈", "cyan"),
}
"""Of each outcome: its mark and its style."""


class View:
    """A `world.progress.Progress` on a console, and the line of scenarios (i of n).

    Phases may run in several threads. Without a terminal every phase is two plain lines: one as it begins, one with its
    time as it ends. `is_quiet` leaves out both, and the outcomes of scenarios that passed.
    """

    def __init__(self, console: Console, *, is_quiet: bool = False) -> None:
        self.console, self.is_quiet = console, is_quiet
        self._is_live = console.is_terminal and not is_quiet
        self._lock = threading.Lock()
        self._open = 0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._scenarios: TaskID | None = None
        self._done = 0
        self._total = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Shows the phase with its elapsed time while the block runs."""
        began = time.monotonic()
        task = self._begin(name)
        if not self._is_live and not self.is_quiet:
            self._line(Text(f"  … {name}"))
        try:
            yield
        except BaseException:
            self._end(task)
            self._line(Text.assemble(("✗ ", "red"), name, (f"  {_seconds(time.monotonic() - began)}", "dim")))
            raise
        self._end(task)
        if not self.is_quiet:
            self._line(Text.assemble(("✓ ", "green"), name, (f"  {_seconds(time.monotonic() - began)}", "dim")))

    def say(self, text: str) -> None:
        """One line."""
        if not self.is_quiet:
            self._line(Text(text))

    def expect_scenarios(self, total: int) -> None:
        """How many scenarios there will be."""
        self._total = total
        if self._scenarios is None:
            self._scenarios = self._begin("scenarios", total=total)

    def scenario_done(self, outcome: str, name: str, sentence: str, seconds: float) -> None:
        """A line for a scenario, with its sentence where it did not pass."""
        self._done += 1
        if self._scenarios is not None:
            self._progress.update(self._scenarios, completed=self._done, count=f"{self._done} of {self._total}")
        if self.is_quiet and outcome == "passed":
            return
        mark, style = MARKS[outcome]
        count = f"{self._done:>{len(str(self._total))}}/{self._total} "
        line = Text.assemble((count, "dim"), (f"{mark} {outcome:<7} ", style), (name, "bold" if outcome in ("failed", "error") else ""))
        line.append(f"  {_seconds(seconds)}", "dim")
        if outcome != "passed" and sentence:
            line.append(f"\n      {sentence}", "dim" if outcome in ("not-supported", "skipped") else "")
        self._line(line)

    def close(self) -> None:
        """Takes the live part away."""
        self._end(self._scenarios)
        self._scenarios = None

    def _line(self, text: Text) -> None:
        # Elsewhere than on a terminal nobody knows how wide the reader's window is: a line is a line.
        self.console.print(text, soft_wrap=not self.console.is_terminal)

    def _begin(self, name: str, total: int | None = None) -> TaskID | None:
        if not self._is_live:
            return None
        with self._lock:
            if self._open == 0:
                self._progress.start()
            self._open += 1
            return self._progress.add_task(name, total=total, count=f"0 of {total}" if total else "")

    def _end(self, task: TaskID | None) -> None:
        if task is None:
            return
        with self._lock:
            self._progress.remove_task(task)
            self._open -= 1
            if self._open == 0:
                self._progress.stop()


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else f"{int(seconds // 60)} min {int(seconds % 60)} s"

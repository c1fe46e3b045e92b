"""How long work tells a person where it is. The terminal's form of it belongs to the command line, not to those who work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Phases may run at the same time, in several threads."""

    def phase(self, name: str) -> AbstractContextManager[None]:
        """A piece of work that takes a while: shown with its elapsed time, ended or failed as the block ends."""

    def say(self, text: str) -> None:
        """One line for the person who waits."""


class Silent:
    """A Progress that shows nothing."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:  # noqa: ARG002 - the protocol names it
        """Nothing around the work."""
        yield

    def say(self, text: str) -> None:
        """Nothing."""

"""The engine that is used, the user's or the private one, and how images get into it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.engine import Engine, answers
from conformance.offline.workshop import NotMade, Workshop

# Where a user's client looks for its engine: kept with the cluster, for a later command from a shell without them.
_SETTINGS = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


@dataclass(frozen=True, slots=True)
class Docker:
    """`environment` is what commands need on top of ours to reach the engine."""

    command: Path
    environment: Mapping[str, str]
    commands: Commands

    def has(self, reference: str) -> bool:
        """Whether the engine has an image of that name."""
        return (
            self.commands.answer([self.command, "image", "inspect", "--format", "{{.Id}}", reference], environment=self.environment)
            is not None
        )

    def load(self, name: str, archive: Path) -> None:
        """Gives the engine the images of a docker-archive. Raises BrokenSetup with its answer where it does not take them."""
        self.commands.run(name, [self.command, "load", "--input", archive], environment=self.environment)

    def take(self, name: str, changes: Sequence[str], reference: str, write: Callable[[IO[bytes]], None]) -> None:
        """Makes an image of the tar that `write` writes to the pipe it is given; `changes` are lines of a Dockerfile.

        Raises BrokenSetup with the engine's answer where it does not take it, and what `write` raises; no image is left then.
        """
        words = [self.command, "import", *(word for change in changes for word in ("--change", change)), "-", reference]
        outlet, inlet = os.pipe()

        def fill() -> None:
            with contextlib.suppress(BrokenPipeError), os.fdopen(inlet, "wb") as pipe:
                write(pipe)

        with ThreadPoolExecutor(max_workers=1) as writer:
            writing = writer.submit(fill)
            try:
                self.commands.run(name, words, environment=self.environment, source=outlet)
            finally:
                os.close(outlet)
        try:
            writing.result()
        except OSError as error:
            self.commands.answer([self.command, "image", "rm", reference], environment=self.environment)
            raise BrokenSetup(f"{name}: {error}") from error


def provide(workshop: Workshop) -> Docker:
    """The engine that answers where the user's settings point; where none does, the private one, started."""
    if answers(None):
        settings = {name: value for name in _SETTINGS if (value := os.environ.get(name))}
        return Docker(Path(str(shutil.which("docker"))), settings, workshop.commands)
    engine = Engine(workshop.cache, workshop.machine)
    is_running = engine.is_running()
    if workshop.only_looks and not is_running:
        raise NotMade("a private Docker engine")
    if not workshop.only_looks:
        with contextlib.nullcontext() if is_running else workshop.report.phase("start the private Docker engine"):
            engine.start()
    return Docker(_client(), {"DOCKER_HOST": engine.host}, workshop.commands)


def _client() -> Path:
    """The distribution's client before any other: it came with the engine, so the two understand each other."""
    command = shutil.which("docker", path=f"/usr/bin:{os.environ.get('PATH', '')}")
    if command is None:
        raise BrokenSetup("the command docker is not there, though its engine is: install Debian's package docker.io (docker-cli)")
    return Path(command)

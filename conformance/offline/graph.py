"""What is built from one folder of fixtures/offline: its go.mod pins the versions, its build.yaml says what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml

from conformance.offline.archive import Settings

_YAML = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - it makes YAML, not HTML
_BINARY_KEYS = {"package", "tags"}
_IMAGE_KEYS = {"name", "reference", "packages", "drop", "binaries", "copies", "scripts", "links", "without-modules", "run"}
_IMAGE_KEYS |= {"entrypoint", "command", "user"}


class InvalidGraph(Exception):
    """A build.yaml that does not say what it should. The message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A Go main package and what the file is called here."""

    name: str
    package: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A file or folder of a Go module that goes into an image as it is."""

    module: str
    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Substitute:
    """An edit of a binary for kernels without modules: `path` becomes `instead`, a file that lists `modules`; equally long."""

    file: str
    path: str
    instead: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """One image: files of Debian packages less those dropped, binaries by where they go, links, copies, scripts, and how it starts.

    `run` is a command inside the image after all else is there. `source` is the text of the entry, for the cache's key.
    """

    name: str
    reference: str
    packages: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    binaries: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    run: tuple[str, ...] = ()
    substitute: Substitute | None = None
    settings: Settings = field(default_factory=Settings)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A Helm chart that lies inside a Go module."""

    name: str
    module: str
    path: str


@dataclass(frozen=True, slots=True)
class Graph:
    """One folder: `folder` holds go.mod and go.sum when there are binaries; `variables` are set by the linker (-X)."""

    folder: Path
    versions: Mapping[str, str]
    variables: Mapping[str, str]
    binaries: tuple[Binary, ...]
    images: tuple[Image, ...]
    chart: Chart | None


def load(folder: Path) -> Graph:
    """Reads build.yaml (Jinja, with `versions`, the version of each module in go.mod) of `folder`.

    Raises InvalidGraph for an unknown key, a missing one, or an image that names a binary that is not built.
    """
    file = folder / "build.yaml"
    versions = required_versions(folder / "go.mod")
    try:
        document = yaml.safe_load(_YAML.from_string(file.read_text()).render(versions=versions))
        binaries = tuple(_binary(name, entry) for name, entry in document.get("binaries", {}).items())
        images = tuple(_image(entry) for entry in document.get("images", []))
        chart = Chart(**document["chart"]) if "chart" in document else None
    except OSError as error:
        raise InvalidGraph(f"{file}: {error.strerror}") from error
    except (jinja2.TemplateError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InvalidGraph(f"{file}: {error}") from error
    for image in images:
        if unknown := set(image.binaries) - {binary.name for binary in binaries}:
            raise InvalidGraph(f"{file}: image {image.name} wants binaries that are not built: {', '.join(sorted(unknown))}")
    return Graph(folder, versions, document.get("variables", {}), binaries, images, chart)


def required_versions(file: Path) -> dict[str, str]:
    """Module path → version, as go.mod requires it; empty where there is no go.mod."""
    if not file.exists():
        return {}
    lines = (line.split("//")[0].split() for line in file.read_text().splitlines())
    pairs = (words[1:] if words[:1] == ["require"] else words for words in lines)
    return {words[0]: words[1] for words in pairs if len(words) == 2 and re.match(r"v\d", words[1])}


def needed_go(folder: Path) -> tuple[int, int]:
    """The Go version that go.mod asks for, as (major, minor)."""
    match = re.search(r"^go (\d+)\.(\d+)", (folder / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise InvalidGraph(f"{folder / 'go.mod'}: no go version")
    return int(match[1]), int(match[2])


def _binary(name: str, entry: Mapping[str, Any]) -> Binary:
    _check_keys(name, entry, _BINARY_KEYS)
    return Binary(name, entry["package"], tuple(entry.get("tags", ())))


def _image(entry: Mapping[str, Any]) -> Image:
    _check_keys(entry["name"], entry, _IMAGE_KEYS)
    substitute = entry.get("without-modules")
    return Image(
        name=entry["name"],
        reference=entry["reference"],
        packages=tuple(entry.get("packages", ())),
        drop=tuple(entry.get("drop", ())),
        links=entry.get("links", {}),
        binaries=entry.get("binaries", {}),
        copies=tuple(Copy(**copy) for copy in entry.get("copies", ())),
        scripts=entry.get("scripts", {}),
        run=tuple(entry.get("run", ())),
        substitute=Substitute(**{**substitute, "modules": tuple(substitute["modules"])}) if substitute else None,
        settings=Settings(entry.get("entrypoint", ()), entry.get("command", ()), user=entry.get("user", "")),
        source=yaml.safe_dump(entry),
    )


def _check_keys(name: str, entry: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(entry) - known:
        raise KeyError(f"{name}: unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")

"""Container images without a builder: a docker-archive is a tar of one layer, one configuration and one manifest."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a container of the image starts. `user` is a number or empty for root."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


def architecture(machine: str) -> str:
    """The image's name for `platform.machine()`: `amd64` or `arm64`; other machines keep their own name."""
    return _ARCHITECTURES.get(machine, machine)


def write(target: Path, reference: str, root: Path, settings: Settings, machine: str) -> None:
    """Writes the folder `root` as a docker-archive with one layer, named `reference`, to the file `target`.

    Owners, modes, links and times are those of the files; names are sorted, so that equal folders give equal archives.
    Format: https://github.com/moby/docker-image-spec (manifest.json, configuration by digest, layers).
    """
    layer = target.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".", recursive=False)
        for path in sorted(root.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(root)), recursive=False)
    try:
        digest = _digest(layer)
        configuration = _configuration(digest, settings, machine)
        name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [reference], "Layers": [f"{digest}.tar"]}]
        with tarfile.open(target, "w") as tar:
            add_file(tar, name, configuration)
            tar.add(layer, arcname=f"{digest}.tar")
            add_file(tar, "manifest.json", json.dumps(manifest).encode())
    finally:
        layer.unlink()


def _configuration(digest: str, settings: Settings, machine: str) -> bytes:
    environment = {"PATH": _PATH, **settings.environment}
    start = {
        "Entrypoint": list(settings.entrypoint) or None,
        "Cmd": list(settings.command) or None,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": settings.user,
    }
    return json.dumps(
        {
            "architecture": architecture(machine),
            "os": "linux",
            "config": {key: value for key, value in start.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Adds a file of root's, readable by all, with this content."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))

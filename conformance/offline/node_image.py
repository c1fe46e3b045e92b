"""kind's node image without a registry: the base, the Kubernetes binaries and containerd's store, put into the engine as one stream."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conformance.offline import archive, cache, store
from conformance.offline.docker import Docker

_BINARIES = ("kubeadm", "kubectl", "kubelet")
_STORE = "var/lib/containerd"
_REPOSITORY = "cni-conformance/node"
_CHANGES = ('ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "ENV container=docker")


@dataclass(frozen=True, slots=True)
class Parts:
    """Folders: `base` of the node's files, `binaries` of Kubernetes in `version`, `store` of the images that the nodes hold."""

    base: Path
    binaries: Path
    version: str
    store: Path

    @property
    def reference(self) -> str:
        """The image's name: its tag stands for all that is in it."""
        inputs = {
            "base": self.base.parent.name,
            "binaries": self.binaries.name,
            "version": self.version,
            "store": self.store.name,
            "changes": _CHANGES,
            "recipe": Path(__file__),
        }
        return f"{_REPOSITORY}:{cache.key(inputs)}"


def load(docker: Docker, parts: Parts) -> None:
    """Puts the image into the engine under its reference; nothing is copied on the way.

    Raises BrokenSetup with the engine's answer where it does not take it.
    """
    docker.take("node image", _CHANGES, parts.reference, lambda pipe: _write(pipe, parts))


def _write(pipe: IO[bytes], parts: Parts) -> None:
    with tarfile.open(fileobj=pipe, mode="w|", bufsize=1 << 20) as tar:
        tar.add(parts.base, arcname=".", filter=lambda entry: None if entry.name == f"./{_STORE}" else entry)
        for name in _BINARIES:
            tar.add(parts.binaries / name, arcname=f"usr/bin/{name}", filter=_runnable)
        archive.add_file(tar, "kind/version", parts.version.encode())
        tar.add(parts.store / "containerd", arcname=_STORE)
        tar.add(parts.store / "layers", arcname=store.LAYERS.lstrip("/"))


def _runnable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode = 0o755
    return entry

"""kind's node image without a registry: the base, the Kubernetes binaries and containerd's store, put into the engine as one stream.

kind gives each node a volume on /var, which the engine fills from the image: a node has its images when it boots.
"""

from __future__ import annotations

import contextlib
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conformance.offline import archive, cache
from conformance.offline.command import BrokenSetup

_BINARIES = ("kubeadm", "kubectl", "kubelet")
_STORE = "var/lib/containerd"
_REPOSITORY = "cni-conformance/node"
_CHANGES = ('ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "ENV container=docker")


@dataclass(frozen=True, slots=True)
class Parts:
    """Folders: `base` of the node's files, `binaries` of Kubernetes in `version`, `store` of containerd."""

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
            "store": self.store.parent.name,
            "changes": _CHANGES,
            "recipe": Path(__file__),
        }
        return f"{_REPOSITORY}:{cache.key(inputs)}"


def load(docker: Path, environment: Mapping[str, str], parts: Parts) -> None:
    """Puts the image into the engine under its reference; nothing is copied on the way.

    Raises BrokenSetup with the engine's answer where it does not take it.
    """
    changes = [word for change in _CHANGES for word in ("--change", change)]
    process = subprocess.Popen(
        [str(docker), "import", *changes, "-", parts.reference],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            _write(process.stdin, parts)
        answer = process.stdout.read().decode(errors="replace")
        if process.wait():
            raise BrokenSetup(f"the engine does not take the node image: {answer.strip()[-500:]}")
    finally:
        process.kill()
        process.wait()


def _write(pipe: IO[bytes], parts: Parts) -> None:
    with tarfile.open(fileobj=pipe, mode="w|", bufsize=1 << 20) as tar:
        tar.add(parts.base, arcname=".", filter=lambda entry: None if entry.name == f"./{_STORE}" else entry)
        for name in _BINARIES:
            tar.add(parts.binaries / name, arcname=f"usr/bin/{name}", filter=_runnable)
        archive.add_file(tar, "kind/version", parts.version.encode())
        tar.add(parts.store, arcname=_STORE)


def _runnable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode = 0o755
    return entry

"""Debian packages that the offline house needs on this machine itself. Installs what is missing, starts no service."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conformance.offline.command import BrokenSetup
from conformance.offline.engine import answers
from conformance.offline.workshop import NotMade, Workshop

# Package → a file whose presence shows that the machine has it, or something in its place. Found in PATH when it has no slash.
_PACKAGES = {
    "docker.io": "dockerd",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "iproute2": "ip",
    "mmdebstrap": "mmdebstrap",
}
_POLICY = Path("/usr/sbin/policy-rc.d")
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def needed() -> Mapping[str, str]:
    """The packages this machine needs: no engine where one answers already."""
    return {name: file for name, file in _PACKAGES.items() if name != "docker.io" or not answers(None)}


def missing(packages: Mapping[str, str], search: str) -> list[str]:
    """The packages whose file is not there; `search` is a PATH, the system's own folders are added to it."""
    path = f"{search}:{_SYSTEM_PATH}"
    return [name for name, file in packages.items() if not (Path(file).exists() if "/" in file else shutil.which(file, path=path))]


def install(workshop: Workshop, packages: Mapping[str, str]) -> None:
    """Installs those of the packages that are missing. Raises BrokenSetup with apt's last lines where that fails."""
    names = missing(packages, workshop.commands.environment.get("PATH", ""))
    if not names:
        return
    phase = f"Debian packages {' '.join(names)}"
    if workshop.only_looks:
        raise NotMade(phase)
    if not workshop.machine.has_apt:
        raise BrokenSetup(f"this system has no apt-get: install {', '.join(names)} yourself, or run where Docker, kind and helm are there")
    with workshop.report.phase(phase), no_service_starts():
        _apt(workshop, "apt-get update", ["update"])
        _apt(workshop, "apt-get install", ["install", "--yes", "--no-install-recommends", *names])


def _apt(workshop: Workshop, name: str, words: Sequence[str]) -> None:
    options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=5", "-o", "Dpkg::Use-Pty=0"]
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    workshop.commands.run(name, ["apt-get", "--quiet", *options, *words], environment=environment)


@contextlib.contextmanager
def no_service_starts() -> Iterator[None]:
    """invoke-rc.d(8) asks /usr/sbin/policy-rc.d whether a package may start its service: 101 says no. One that is there stays as it is."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)

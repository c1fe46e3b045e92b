"""What a provider of clusters works with: commands, images and what they need around them.

A `Toolbox` is a value. `found()` makes one from what the user has; `conformance.offline` makes one where nothing can be
pulled. The kind provider does not know which of the two it was given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Commands by their full path, images by their reference in the engine.

    `environment` is added to that of every command (DOCKER_HOST, PATH, …).
    `node_image` None means kind's own default for its version.
    `images` are loaded into the nodes after the cluster is created (those not already inside `node_image`).
    `charts` maps a chart's name to a folder on this machine; a chart that is not there comes from its repository.
    `values` are further Helm values files for a release's name, applied after those of the descriptor.
    `kind_patches` are merged into the kind configuration (a list of documents of kind's own schema).
    `subnets` of the clusters' network; empty lets the engine choose.
    """

    docker: Path
    kind: Path
    helm: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    node_image: str | None = None
    images: tuple[str, ...] = ()
    probe_image: str = "python:3"
    charts: Mapping[str, Path] = field(default_factory=dict)
    values: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    kind_patches: tuple[Mapping[str, object], ...] = ()
    subnets: tuple[str, ...] = ()


class BrokenToolbox(Exception):
    """Something that a provider needs is not on this machine. The message lists each thing with the command that gets it."""


@dataclass(frozen=True, slots=True)
class MissingTool:
    """A thing that is not there: what it is, why it is needed, and how it is got (a command, or the page that says it)."""

    name: str
    why: str
    get: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}. Get it: {self.get}"


ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""What tells docker which engine is meant. A cluster keeps them: a later command may come from a shell without them."""

_ENGINE = MissingTool("docker", "kind's nodes are containers", "apt-get install docker.io, or https://docs.docker.com/engine/install/")
_KIND = MissingTool(
    "kind", "it makes the cluster", "go install sigs.k8s.io/kind@v0.30.0, or https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
)
_HELM = MissingTool("helm", "the plugin is installed by its chart", "https://helm.sh/docs/intro/install/")


def missing(*, needs_helm: bool = True) -> tuple[MissingTool, ...]:
    """What a kind cluster needs and this machine lacks: commands, and an engine that answers within 10 s."""
    wanted = (_ENGINE, _KIND, _HELM) if needs_helm else (_ENGINE, _KIND)
    absent = [tool for tool in wanted if shutil.which(tool.name) is None]
    if _ENGINE not in absent and (trouble := _engine_trouble()):
        absent.insert(0, MissingTool("a Docker engine that answers", trouble, "systemctl start docker, or set DOCKER_HOST"))
    return tuple(absent)


def found(*, needs_helm: bool = True) -> Toolbox:
    """What the user has: docker, kind and helm from PATH, the engine that docker talks to.

    Raises BrokenToolbox with all that is missing.
    """
    if absent := missing(needs_helm=needs_helm):
        raise BrokenToolbox("\n".join(["this machine lacks:", *(f"  - {tool}" for tool in absent)]))
    paths = {name: Path(path) for name in ("docker", "kind", "helm") if (path := shutil.which(name))}
    environment = {name: os.environ[name] for name in ENGINE_VARIABLES if name in os.environ}
    return Toolbox(docker=paths["docker"], kind=paths["kind"], helm=paths.get("helm"), environment=environment)


def _engine_trouble() -> str | None:
    """Why docker's engine does not answer, None where it does."""
    command = [str(shutil.which("docker")), "version", "--format", "{{.Server.Version}}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return "the engine did not answer within 10 s"
    return None if asked.returncode == 0 else (asked.stderr.strip().splitlines() or ["the engine did not answer"])[-1]


def has_image(tools: Toolbox, image: str) -> bool:
    """Whether the engine has this image, or can pull it within five minutes."""
    environment = {**os.environ, **tools.environment}
    for words in (("image", "inspect", image), ("pull", "--quiet", image)):
        try:
            done = subprocess.run([tools.docker, *words], env=environment, capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode == 0:
            return True
    return False

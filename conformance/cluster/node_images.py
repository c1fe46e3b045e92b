"""Images for the nodes of a kind cluster that stands already."""

from __future__ import annotations

from pathlib import Path

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import BrokenCommand, Commands
from conformance.cluster.kind_cluster import KindCluster, kind_name

_LOAD_LIMIT = 300.0
_BUILD_LIMIT = 1800.0


def load_archive(cluster: KindCluster, archive: Path) -> None:
    """Gives all nodes the images of a docker-archive. Raises BrokenCluster."""
    _load(cluster, "image-archive", str(archive))


def build(cluster: KindCluster, reference: str, context: Path, file: Path) -> None:
    """Has the cluster's engine build an image, and gives it to all nodes. Raises BrokenCluster."""
    commands = Commands(cluster.kubeconfig.parent, cluster.toolbox.environment)
    try:
        commands.run(cluster.toolbox.docker, "build", "--quiet", "--tag", reference, "--file", file, context, limit=_BUILD_LIMIT)
    except BrokenCommand as error:
        raise BrokenCluster(f"the image cannot be built from {file}: {error}") from error
    _load(cluster, "docker-image", reference)


def _load(cluster: KindCluster, how: str, what: str) -> None:
    own = {"KIND_EXPERIMENTAL_PROVIDER": "docker"}
    commands = Commands(cluster.kubeconfig.parent, {**cluster.toolbox.environment, **own})
    try:
        commands.run(cluster.toolbox.kind, "load", how, what, "--name", kind_name(cluster.name), limit=_LOAD_LIMIT)
    except BrokenCommand as error:
        raise BrokenCluster(f"the nodes of cluster {cluster.name} do not take the image: {error}") from error

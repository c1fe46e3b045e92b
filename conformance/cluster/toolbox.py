"""What a provider of clusters works with: commands, images and what they need around them.

A `Toolbox` is a value. `found()` makes one from what the user has; `conformance.offline` makes one where nothing can be
pulled. The kind provider does not know which of the two it was given.
"""

from __future__ import annotations

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

"""Everything that kind needs, provided: what can be done at the same time is, and each thing waits only for what it is made from."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import jinja2

from conformance import data
from conformance.cluster.toolbox import MissingTool, Toolbox
from conformance.offline import apt, cache, engine, golang, graph, image, machine, node_base, node_image, store
from conformance.offline.command import BrokenSetup, Commands, Stopped
from conformance.offline.graph import Graph
from conformance.offline.image import Built
from conformance.offline.node_image import Parts
from conformance.offline.workshop import NotMade, Workshop
from conformance.world.progress import Progress, Silent

_KIND = "sigs.k8s.io/kind"
_SPACE = 16  # GiB that the builds, the images and three nodes take when nothing is there yet
_MEMORY_FOR_TWO = 8.0  # GiB: two Go builds at the same time want less
_TOOLS = ("helm", "kind", "kubectl")


class Plugin(Protocol):
    """What this house wants to know of a plugin's descriptor: `offline` names a folder of fixtures/offline and a template of Helm values."""

    @property
    def name(self) -> str: ...

    @property
    def offline(self) -> Mapping[str, str] | None: ...

    @property
    def folder(self) -> Path: ...

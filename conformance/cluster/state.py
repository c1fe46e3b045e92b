"""What is known on disk about the clusters that were made here: enough to remove them after we were killed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

from conformance.cluster.broken import BrokenCluster, BusyCluster


def cache_folder() -> Path:
    """The suite's folder for all that may be thrown away: CNI_CONFORMANCE_CACHE, else the user's cache folder."""
    own = os.environ.get("CNI_CONFORMANCE_CACHE")
    return Path(own).resolve() if own else platformdirs.user_cache_path("cni-conformance")


def folder(name: str) -> Path:
    """Everything on disk that belongs to one cluster."""
    return cache_folder() / "clusters" / name


def names() -> list[str]:
    """The clusters with a state, half-made ones included, sorted."""
    return sorted(path.parent.name for path in (cache_folder() / "clusters").glob("*/state.json"))


def write(name: str, document: Mapping[str, Any]) -> None:
    """Replace the state at once: a reader sees the old one or the new one."""
    target = folder(name) / "state.json"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    fresh.replace(target)


def read(name: str) -> dict[str, Any] | None:
    """The state of a cluster, None where there is none.

    Raises BrokenCluster where the file was damaged.
    """
    path = folder(name) / "state.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BrokenCluster(f"{path} is damaged ({error}): remove the containers of cluster {name} by hand, then this folder") from error
    return content


def forget(name: str) -> None:
    """Remove the cluster's folder."""
    shutil.rmtree(folder(name), ignore_errors=True)


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Only one of us makes or removes a cluster of this name.

    Raises BusyCluster where another one is at it right now.
    """
    path = cache_folder() / "clusters" / f".{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path)
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise BusyCluster(f"another run is making or removing cluster {name} right now: wait for it, or give another --name") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        held.release()

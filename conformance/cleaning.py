"""Nothing is left behind: what a run made is removed at its end, and what killed runs left by `clean`."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from conformance.cluster import kind, state
from conformance.cluster.broken import BusyCluster
from conformance.cluster.clean import leftovers, remove_run
from conformance.cluster.client import Cluster
from conformance.cluster.owner import Owner
from conformance.provision import down
from conformance.settings import Settings
from conformance.target import Target
from conformance.view import View
from conformance.world.times import Times

OWNER = "owner.json"
"""In the folder of a run: the process that leads it."""


def sweep(target: Target, times: Times, run: str) -> None:
    """Removes all that a run made in a cluster, and waits until it is gone. Raises BrokenCluster."""
    cluster = target.connect(times)
    try:
        cluster.remove_run(run)
    finally:
        cluster.close()


def clean(settings: Settings, view: View) -> list[str]:
    """Removes what runs left that are no more; returns what it was, a phrase each. Raises BrokenCluster, BrokenSetup."""
    if settings.provider == "simulated":
        return []
    if settings.provider == "kubeconfig":
        return clean_cluster(Target.of_kubeconfig(settings), settings.waiting_times())
    removed = []
    for status in kind.status():
        if status.cluster is None:
            with suppress(BusyCluster):  # it is being made: that is no left-over
                down(status.name, view)
                removed.append(f"the half-made cluster {status.name}")
        elif status.is_answering:
            removed += clean_cluster(Target.of_kind(status.cluster, None, settings), settings.waiting_times())
    return removed + _clean_folders()


def clean_cluster(target: Target, times: Times, *, known_only: bool = False) -> list[str]:
    """The same in one cluster; with `known_only` nothing whose owner cannot be read. Raises BrokenCluster."""
    if target.provider == "simulated":
        return []
    cluster = Cluster.connect(target.kubeconfig, target.context, times)
    try:
        runs = leftovers(cluster, known_only=known_only)
        for run in runs:
            remove_run(cluster, run.run)
    finally:
        cluster.close()
    return [f"in cluster {target.name}, {run}" for run in runs]


def _clean_folders() -> list[str]:
    """The folders of runs whose process is gone."""
    gone = [folder for folder in (state.cache_folder() / "runs").glob("*") if not _is_running(folder)]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return [f"the folder of run {folder.name}" for folder in gone]


def _is_running(folder: Path) -> bool:
    owner = Owner.read((folder / OWNER).read_text()) if (folder / OWNER).exists() else None
    return owner is not None and owner.is_alive() is not False

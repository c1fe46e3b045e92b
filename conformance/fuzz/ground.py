"""Where a hunt takes place: a cluster that enforces policies, with stages to play on, and nothing left of them afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from conformance import data
from conformance.cleaning import OWNER, sweep
from conformance.cluster import state
from conformance.cluster.owner import Owner
from conformance.conductor import insist, new_run
from conformance.doctor import examine
from conformance.provision import Provision, provide
from conformance.scenario.places import layout_of
from conformance.scenario.scenario import Layout, NamespacePlan, PodPlan
from conformance.scenario.source import read
from conformance.settings import Settings
from conformance.stage import Stage, offered
from conformance.target import Target
from conformance.view import View
from conformance.world.verdict import Protocol

ASKED_FOR = ("end-port", "named-port", "outside-host", "sctp", "service", "dns", "host-network", "host-port")
"""The capabilities of which cases make use where they are offered."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The target with the capabilities that may be asked of it, and the stages."""

    target: Target
    capabilities: Mapping[str, str]
    stages: Sequence[Stage]


@contextmanager
def hunting_ground(settings: Settings, count: int, view: View) -> Iterator[Ground]:
    """A cluster as the settings ask for, with so many stages. Raises CannotRun, BrokenCluster."""
    run = new_run()
    folder = state.cache_folder() / "runs" / run
    folder.mkdir(parents=True)
    (folder / OWNER).write_text(Owner.of_this_process().text())
    try:
        provision = provide(settings, view)
        try:
            with _stages(settings, provision, run, folder, count, view) as stages:
                yield Ground(provision.target, offered(provision.target), stages)
        finally:
            provision.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stages(settings: Settings, provision: Provision, run: str, folder: Path, count: int, view: View) -> Iterator[Sequence[Stage]]:
    target, times = provision.target, settings.waiting_times()
    stages: list[Stage] = []
    try:
        with view.phase("does anything enforce policies here?"):
            insist(examine(target, times, run), settings)
        Stage.announce(folder, target, times, run)
        stages += [Stage.join(folder, f"gw{number}") for number in range(count)]
        yield stages
    finally:
        for stage in stages:
            stage.close()
        if provision.keeps_cluster:
            with view.phase("removing the worlds"):
                sweep(target, times, run)


def layout_for(target: Target) -> Layout:
    """The layout of all random cases, without what the target does not offer: outside hosts, Services, SCTP and the like."""
    source, _ = read(data.folder("scenarios") / "layouts" / "fuzz.yaml")
    if source is None:
        raise RuntimeError("the layout of random cases cannot be read: the suite is damaged")
    whole = layout_of(source.value["layout"], "fuzz")
    there = {access.name for access in target.hosts}
    hosts = {name: plan for name, plan in whole.hosts.items() if name in there}
    part = _with_capabilities(replace(whole, hosts=hosts), offered(target))
    # A part must not be written under the name of the whole: who plays the file again would be asked for more.
    return part if part == whole else replace(part, name=None)


def _with_capabilities(layout: Layout, offered: Container[str]) -> Layout:
    return replace(layout, namespaces={name: _offered_part(namespace, offered) for name, namespace in layout.namespaces.items()})


def _offered_part(namespace: NamespacePlan, offered: Container[str]) -> NamespacePlan:
    pods = {
        name: _offered_pod(plan, offered) for name, plan in namespace.pods.items() if "host-network" in offered or not plan.is_host_network
    }
    services = {
        name: replace(plan, is_asked_by_name=plan.is_asked_by_name and "dns" in offered)
        for name, plan in namespace.services.items()
        if "service" in offered
    }
    return replace(namespace, pods=pods, services=services)


def _offered_pod(plan: PodPlan, offered: Container[str]) -> PodPlan:
    serves = tuple(port for port in plan.serves if "sctp" in offered or port.protocol is not Protocol.SCTP)
    return replace(plan, serves=serves, host_ports=plan.host_ports if "host-port" in offered else ())

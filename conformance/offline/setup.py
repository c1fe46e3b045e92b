"""The house's door: what is missing, and everything provided."""

from __future__ import annotations

import shutil

from conformance import data
from conformance.cluster.toolbox import MissingTool, Toolbox
from conformance.offline import apt, cache, machine, suite
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.engine import Engine
from conformance.offline.image import Built
from conformance.offline.plan import Plan, Plugin
from conformance.offline.workshop import Workshop
from conformance.world.progress import Progress, Silent

_SPACE = 16  # GiB that the builds, the images and three nodes take when nothing is there yet
_DAYS = 30.0  # after which the cache drops what nobody asked for
_SETUP = "cni-conformance run --setup"


def provide(plugin: Plugin, report: Progress) -> Toolbox:
    """Installs, builds and starts what is missing, and returns what a kind cluster with `plugin` is made with.

    What is there already is used. Nothing is asked. On any failure, and on Ctrl-C, the commands that still run are ended first; what was
    finished stays in the cache.

    Raises BrokenSetup with one sentence for what is not possible here.
    """
    workshop = _workshop(report)
    if not workshop.machine.is_root:
        raise BrokenSetup("the private engine and its images need root: run it as root (sudo), or install Docker, kind and helm yourself")
    workshop.commands.end_left()
    gaps = _gaps(plugin)
    if gaps:
        report.say(f"to be made or started: {', '.join(gaps)}")
        _check_space(workshop, gaps)
    toolbox = _plan(workshop, plugin).carry_out()
    workshop.cache.prune(_DAYS)
    return toolbox


def suite_image(report: Progress) -> Built:
    """The image of the suite itself, which is made only when somebody asks for it. Raises BrokenSetup."""
    workshop = _workshop(report)
    if not workshop.machine.is_root:
        raise BrokenSetup("the suite's image is made as root: run it as root (sudo), or install Docker and build the Containerfile")
    workshop.commands.end_left()
    apt.install(workshop, apt.needed())
    try:
        built = suite.provide(workshop, data.folder("fixtures") / "offline")
    except BaseException:
        workshop.commands.stop()
        raise
    workshop.cache.prune(1.0, suite.KIND)  # whoever works on the suite makes another one each time, of 190 MB
    return built


def missing(plugin: Plugin) -> tuple[MissingTool, ...]:
    """What `provide` would have to install, build or start for a cluster with `plugin`; empty where all is there. Changes nothing."""
    if not machine.this_machine().is_root:
        return (MissingTool("root", "the private engine and its images need it", f"sudo {_SETUP}"),)
    return tuple(MissingTool(gap, "it is not there yet", _SETUP) for gap in _gaps(plugin))


def private_engine() -> Engine:
    """The private engine of this cache folder, whether it runs or not. `stop()` ends it and all that runs in it."""
    return Engine(cache.Cache(cache.folder()), machine.this_machine())


def wake(host: str, report: Progress) -> None:
    """Starts the private engine where `host` is its address and it does not run: what it holds can only be removed by it.

    Raises BrokenSetup where it does not start.
    """
    engine = private_engine()
    if host == engine.host and not engine.is_running():
        report.say("starting the private Docker engine again")
        engine.start()


def release(report: Progress) -> None:
    """Stops the private engine when nobody needs it any more, and removes what a killed one left. Else nothing happens.

    Raises BrokenSetup where the engine does not end.
    """
    engine = private_engine()
    if engine.folder.exists() and engine.release():
        report.say("the private Docker engine is stopped")


def drop_intermediates() -> float:
    """Removes what was only needed to build: Go's caches, root file systems, archives. Returns the GiB that became free.

    Images that are in an engine stay usable; the next build with other inputs starts from the beginning.
    """
    store = cache.Cache(cache.folder())
    before = shutil.disk_usage(store.root).free
    for path in store.root.iterdir():
        if path.name == "go" or path.name.startswith(("files", "image-", "node-base", "store")):
            cache.remove(path)
    return (shutil.disk_usage(store.root).free - before) / 2**30


def _gaps(plugin: Plugin) -> list[str]:
    return _plan(_workshop(Silent(), only_looks=True), plugin).gaps()


def _plan(workshop: Workshop, plugin: Plugin) -> Plan:
    return Plan(workshop, plugin, data.folder("fixtures") / "offline")


def _workshop(report: Progress, *, only_looks: bool = False) -> Workshop:
    store = cache.Cache(cache.folder())
    return Workshop(store, Commands(store.root / "logs", store.root / "running"), machine.this_machine(), report, only_looks)


def _check_space(workshop: Workshop, gaps: list[str]) -> None:
    free = shutil.disk_usage(workshop.cache.root).free / 2**30
    if free < _SPACE and any(gap.startswith("compile") for gap in gaps):
        raise BrokenSetup(
            f"{workshop.cache.root} has {free:.0f} GiB free and building takes {_SPACE}: free some, "
            "or set CNI_CONFORMANCE_CACHE to a folder on a larger disk"
        )

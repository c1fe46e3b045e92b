"""From settings to a cluster under test, and back to a machine without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conformance import data, offline
from conformance.cluster import kind, node_images, toolbox
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import NodeFacts
from conformance.cluster.credentials import configuration_of
from conformance.cluster.descriptor_file import InvalidPlugin
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.plugin import Descriptor, Helm, load, with_manifest
from conformance.cluster.ranges import ADDRESSES, most_pods
from conformance.cluster.version import version
from conformance.exit_code import BROKEN_WORLD, WRONG_USAGE
from conformance.inside.job import default_image
from conformance.large.room import NoRoom, allow_files, make_sure_of_room
from conformance.record import InvalidRecord
from conformance.record.digest import Digest, read_digest
from conformance.scenario.crowd import most_on_a_node
from conformance.scenario.scenario import NODES, Scenario
from conformance.settings import InvalidSettings, Settings
from conformance.size import OTHERS, per_node
from conformance.target import Target
from conformance.world.progress import Progress

DEFAULT_PLUGIN = "cilium"

WORKERS = 2
"""Of a kind cluster: pairs of pods on one node, and across two."""


class CannotRun(Exception):
    """A run cannot begin. The text says why and what to do; `exit_code` is that of the command."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Provision:
    """A cluster under test. `keeps_cluster`: it is there after the run; else `release` takes away all that was made for it."""

    target: Target
    plugin_version: str
    keeps_cluster: bool
    release: Callable[[], None]


def provide(settings: Settings, progress: Progress, together: Sequence[Scenario] = ()) -> Provision:
    """The cluster that the settings ask for: found, or made.

    One that is made has room for worlds of the scenarios `together` (the largest first) at a time, one for each process; each process
    has a simulated cluster of its own. Raises CannotRun; then nothing is left behind.
    """
    allow_files(together)
    try:
        if settings.provider == "simulated":
            return _kept(Target.simulated(settings, _pods_on_a_node(settings, together[:1])), None)
        if settings.provider == "kubeconfig":
            return _kept(Target.of_kubeconfig(settings), None)
        return _kind(settings, progress, together)
    except Exception as error:
        raise translated(error) or error from error


def foresee(settings: Settings) -> None:
    """Raises CannotRun for what is wrong with the settings and can be known before anything is loaded or made."""
    baseline_of(settings)
    try:
        if settings.provider == "kubeconfig":
            Target.of_kubeconfig(settings)
            configuration_of(None, settings.context)
        elif settings.provider == "kind":
            if (standing := kind.known(settings.name)) is None:
                _check_new(settings, plugin_of(settings))
            else:
                _check_standing(standing, settings)
    except Exception as error:
        raise translated(error) or error from error
    _insist_on_folder(settings.report)


def _insist_on_folder(report: str) -> None:
    """Tries whether reports can be put there: after a run of an hour it is too late to learn that they cannot. Raises CannotRun."""
    try:
        if report:
            folder = Path(report).absolute()
            missing = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".writable").touch()
            (folder / ".writable").unlink()
            for each in missing:
                each.rmdir()
    except OSError as fault:
        raise CannotRun(f"--report {report} cannot be written: {fault.strerror}", WRONG_USAGE) from None


def insist_on_room(nodes: Iterable[NodeFacts], settings: Settings, together: Sequence[Scenario]) -> None:
    """A cluster with these nodes has room as `provide` gives it to one that is made. Raises CannotRun."""
    try:
        make_sure_of_room(nodes, settings, together[:1] if settings.provider == "simulated" else together)
    except NoRoom as lack:
        raise CannotRun(str(lack), WRONG_USAGE) from None


def baseline_of(settings: Settings) -> Digest | None:
    """The run that this one is compared with, where one is. Raises CannotRun."""
    try:
        return read_digest(Path(settings.baseline)) if settings.baseline else None
    except InvalidRecord as fault:
        raise CannotRun(f"--baseline {fault}", WRONG_USAGE) from None


def translated(error: BaseException) -> CannotRun | None:
    """What a user or a machine can cause, with its exit code; None for everything else."""
    match error:
        case InvalidSettings() | InvalidPlugin() | kind.InvalidCluster():
            return CannotRun(str(error), WRONG_USAGE)
        case BrokenCluster() | toolbox.BrokenToolbox() | offline.BrokenSetup():
            return CannotRun(str(error), BROKEN_WORLD)
    return None


def _kind(settings: Settings, progress: Progress, together: Sequence[Scenario]) -> Provision:
    standing = kind.known(settings.name)
    if standing is not None:
        _check_standing(standing, settings)
        plugin = load(settings.cni or standing.plugin)
        progress.say(f"using the cluster {standing.name} that stands already ({standing.plugin}, {standing.family})")
        return _kept(Target.of_kind(standing, plugin, settings), standing)
    plugin = plugin_of(settings)
    made = up(settings, plugin, progress, together)
    target = Target.of_kind(made, plugin, settings)
    release = (lambda: None) if settings.keep else (lambda: down(settings.name, progress))
    return Provision(target, _version(target, made), settings.keep, release)


def _kept(target: Target, cluster: KindCluster | None) -> Provision:
    return Provision(target, _version(target, cluster), keeps_cluster=True, release=lambda: None)


def _version(target: Target, cluster: KindCluster | None) -> str:
    """What the plugin says it is, "" where it cannot be asked: a record without it is better than none."""
    if target.plugin is None:
        return ""
    with suppress(BrokenCluster):
        return version(target.plugin, target.kubeconfig, target.context, cluster.run_on_node if cluster else None)
    return ""


def up(settings: Settings, plugin: Descriptor, progress: Progress, together: Sequence[Scenario] = ()) -> KindCluster:
    """A new kind cluster, with what `--setup` brings where it is given, and room as `provide` says.

    Raises InvalidCluster, BrokenCluster, BrokenToolbox, BrokenSetup; nothing of it is left then.
    """
    _check_new(settings, plugin, together)
    remove_half_made(settings.name, progress)
    pods = _pods_on_a_node(settings, together)
    try:
        brought = tools(settings, plugin, progress)
        room = pods if pods > ADDRESSES else 0  # nodes with few addresses are good for scenarios that take all of them
        return kind.up(settings.name, plugin, brought, settings.family, WORKERS, settings.kube_proxy, progress, room)
    except BaseException:
        offline.release(progress)
        raise


def suite_image(name: str, progress: Progress) -> str:
    """Makes the image of the suite and gives it to the nodes of a kind cluster; returns its reference.

    Raises InvalidCluster, BrokenCluster, BrokenSetup.
    """
    cluster = kind.known(name)
    if cluster is None:
        raise kind.InvalidCluster(f"there is no cluster {name}: make it (cni-conformance cluster up --name {name}), or give another --name")
    if cluster.toolbox.node_image is None:  # one that the user's own engine pulled
        return _built_image(cluster, progress)
    offline.wake(cluster.toolbox.environment.get("DOCKER_HOST", ""), progress)
    built = offline.suite_image(progress)
    with progress.phase("suite image into the nodes"):
        node_images.load_archive(cluster, built.archive)
    return built.reference


def _built_image(cluster: KindCluster, progress: Progress) -> str:
    """What everybody does who has an engine that can pull: the Containerfile of a checkout."""
    context = data.folder("fixtures").parent
    if not (context / "Containerfile").is_file():
        raise kind.InvalidCluster(
            "the suite's image is built from its sources, and this is an installed package: run this in a checkout of cni-conformance, "
            "or `docker build -f Containerfile` there and `kind load docker-image`"
        )
    reference = default_image()
    with progress.phase("build the suite's image and load it into the nodes"):
        node_images.build(cluster, reference, context, context / "Containerfile")
    return reference


def down(name: str, progress: Progress) -> None:
    """The cluster and, after the last one, the engine of our own. Raises BrokenCluster, BrokenSetup."""
    _remove(name, progress)
    offline.release(progress)


def remove_half_made(name: str, progress: Progress) -> None:
    """What a killed run left of a cluster with this name."""
    if any(status.name == name and status.cluster is None for status in kind.status()):
        progress.say(f"removing what an earlier run left of cluster {name}")
        _remove(name, progress)


def _remove(name: str, progress: Progress) -> None:
    """An engine of our own may have been stopped since: by a restart of the machine, or by another run that no longer needed it."""

    def wake(own: toolbox.Toolbox) -> None:
        offline.wake(own.environment.get("DOCKER_HOST", ""), progress)

    kind.down(name, progress, wake)


def plugin_of(settings: Settings) -> Descriptor:
    """The descriptor that the settings name. Raises InvalidPlugin."""
    plugin = load(settings.cni or DEFAULT_PLUGIN)
    return with_manifest(plugin, settings.cni_manifest) if settings.cni_manifest else plugin


def tools(settings: Settings, plugin: Descriptor, progress: Progress) -> toolbox.Toolbox:
    """What a kind cluster needs: what the user has; under `--setup`, where something of that lacks, what is made here.

    Raises BrokenToolbox, BrokenSetup.
    """
    try:
        found = toolbox.found(needs_helm=any(isinstance(step, Helm) for step in plugin.install))
    except toolbox.BrokenToolbox as error:
        if settings.setup:
            return offline.provide(plugin, progress)
        raise toolbox.BrokenToolbox(f"{error}\nOr let the suite bring it, once: the same command with --setup") from None
    if settings.setup and not _can_pull(found, settings, progress):
        return offline.provide(plugin, progress)
    return found


def _can_pull(found: toolbox.Toolbox, settings: Settings, progress: Progress) -> bool:
    """Whether the engine has or gets the probes' image: where it does not, it gets no other one either."""
    image = settings.probe_image or found.probe_image
    with progress.phase(f"can {image} be pulled?"):
        return toolbox.has_image(found, image)


def _check_new(settings: Settings, plugin: Descriptor, together: Sequence[Scenario] = ()) -> None:
    """It can be made so: learnt before what it needs is brought, which takes minutes. Raises InvalidCluster."""
    kind.check(settings.name, plugin, settings.family, WORKERS, settings.kube_proxy)
    most = most_pods(settings.family or plugin.default_family, 1 + WORKERS)
    if most is not None and _pods_on_a_node(settings, together) > most:
        whose = f"--world {settings.size()}" if settings.world else ", ".join(dict.fromkeys(each.name for each in together))
        raise kind.InvalidCluster(
            f"{whose}: the nodes of a kind cluster have addresses for {WORKERS * (most - OTHERS)} probe pods: ask for fewer, or "
            "measure a larger cluster of yours (--cluster kubeconfig)"
        )


def _pods_on_a_node(settings: Settings, together: Sequence[Scenario]) -> int:
    """How many pods a node of a new cluster takes, those of others included."""
    size = settings.size()
    return per_node(size.pods, WORKERS) if size else OTHERS + sum(most_on_a_node(each, NODES) for each in together)


def _check_standing(standing: KindCluster, settings: Settings) -> None:
    """What stands is what was asked for, where something was. Raises InvalidCluster, InvalidPlugin."""
    asked = {
        "--cni": (settings.cni and load(settings.cni).name, standing.plugin),
        "--family": (settings.family, standing.family),
        "--kube-proxy": (settings.kube_proxy, standing.kube_proxy),
    }
    for flag, (wanted, has) in asked.items():
        if wanted and wanted != has:
            raise kind.InvalidCluster(
                f"the cluster {standing.name} stands with {flag} {has}, not {wanted}: "
                f"give another --name, or remove it first (cni-conformance cluster down --name {standing.name})"
            )

"""The provider `kind`: a cluster of our own with the plugin under test, outside hosts beside it, and nothing left of it later.

All that is made carries the label `cni-conformance=<name>` or the cluster's name, and the state on disk is written before
anything is made. So `down` needs nothing but the state, also after a SIGKILL in the middle of `up`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conformance.cluster import network, outside, state
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import BrokenCommand, Commands, end_strays
from conformance.cluster.hosts import HostAccess
from conformance.cluster.install import Installation, ways
from conformance.cluster.kind_cluster import PREFIX, KindCluster, cluster_of, document, kind_name, toolbox_of
from conformance.cluster.plugin import Descriptor
from conformance.cluster.ranges import configuration
from conformance.cluster.ready import NodeFacts, Questions, wait_for_nodes, wait_until_ready
from conformance.cluster.together import until_failure
from conformance.cluster.toolbox import Toolbox
from conformance.world.progress import Progress, Silent

_CREATE_LIMIT = 600.0  # the node image may have to be pulled
_LOAD_LIMIT = 300.0
_NODES_LIMIT = 60.0
_INOTIFY_INSTANCES = 512  # kind's advice; a node takes about 20
_REMOVE_LIMIT = 120.0
_PAUSE = 0.3
_QUIET = 1.5  # seconds without a new container: an engine goes on with the request of a command that was ended
_READY_LIMIT = 300.0  # the plugin's images may have to be pulled


class InvalidCluster(Exception):
    """What was asked for makes no sense, or there is no such cluster. The message says what to give instead."""


@dataclass(frozen=True, slots=True)
class Status:
    """A cluster that is known here. `cluster` is None where it was never finished."""

    name: str
    cluster: KindCluster | None
    is_answering: bool


def up(
    name: str,
    plugin: Descriptor,
    toolbox: Toolbox,
    family: str = "",
    workers: int = 2,
    kube_proxy: str = "",
    progress: Progress | None = None,
    pods_per_node: int = 0,
) -> KindCluster:
    """Make a cluster with the plugin ready, its outside hosts reachable.

    `family` empty means the plugin's default, `kube_proxy` empty the first mode that the plugin names. `pods_per_node`: each
    node takes so many (0: as many as usual).

    Raises InvalidCluster (nothing was made), BrokenCluster or whatever interrupted it (all that was made is removed).
    """
    check(name, plugin, family, workers, kube_proxy)
    family, kube_proxy = family or plugin.default_family, kube_proxy or plugin.kube_proxy[0]
    with state.lock(name):
        if known(name) is not None:
            remedy = f"remove it (`cni-conformance cluster down --name {name}`), or give another --name"
            raise InvalidCluster(f"there is a cluster {name} already: {remedy}")
        making = _Making(name, plugin, toolbox, family, workers, kube_proxy, progress or Silent(), pods_per_node)
        if state.read(name) is not None:  # we hold the lock, so whoever was making it was killed
            making.progress.say(f"removing what an interrupted run left of cluster {name}")
            _remove(name)
        making.check_engine()
        state.write(name, document(toolbox))
        try:
            cluster = making.make()
            state.write(name, document(toolbox, cluster))
        except BaseException:
            making.commands.end()
            try:
                _remove(name)
            except BrokenCluster as trouble:
                making.progress.say(f"cluster {name} could not be removed, try `cni-conformance cluster down --name {name}`: {trouble}")
            raise
        return cluster


def down(name: str, progress: Progress | None = None, before: Callable[[Toolbox], None] | None = None) -> None:
    """Remove a cluster with all that belongs to it, a half-made one too. Nothing happens where there is none.

    `before` is called with what the cluster was made with, once it is sure that nobody is at it. Raises BrokenCluster where the engine
    does not answer; what is on disk then stays, so that it can be tried again.
    """
    if state.read(name) is None:
        return
    with state.lock(name), (progress or Silent()).phase(f"removing cluster {name}"):
        _remove(name, before)


def known(name: str) -> KindCluster | None:
    """The finished cluster of this name, None where there is none or it was never finished."""
    content = state.read(name)
    return cluster_of(name, content) if content and "cluster" in content else None


def status() -> list[Status]:
    """All clusters known here, half-made ones too, and whether their API servers answer."""
    found = []
    for name in state.names():
        cluster = known(name)
        found.append(Status(name, cluster, cluster is not None and _is_answering(cluster.kubeconfig)))
    return found


class _Making:
    """One cluster while it is made."""

    def __init__(
        self,
        name: str,
        plugin: Descriptor,
        toolbox: Toolbox,
        family: str,
        workers: int,
        kube_proxy: str,
        progress: Progress,
        pods_per_node: int,
    ) -> None:
        self.name, self.plugin, self.toolbox, self.family, self.workers = name, plugin, toolbox, family, workers
        self.kube_proxy, self.progress, self.pods_per_node = kube_proxy, progress, pods_per_node
        self.kind_name, self.labels = kind_name(name), (_label(name),)
        self.kubeconfig = state.folder(name) / "kubeconfig"
        self.values = {"name": self.kind_name, "family": family, "workers": workers, "kube_proxy": kube_proxy}
        own = {"KIND_EXPERIMENTAL_PROVIDER": "docker", "KIND_EXPERIMENTAL_DOCKER_NETWORK": self.kind_name}
        self.commands = Commands(state.folder(name), {**toolbox.environment, **own})

    def check_engine(self) -> None:
        """Raises BrokenCluster where the engine does not answer, or has a cluster of this name that is not ours to remove."""
        strangers = _containers(self.commands, self.toolbox.docker, self.name)
        if strangers:
            raise BrokenCluster(
                f"the engine has containers of a cluster {self.kind_name} that this cache folder does not know: remove them "
                f"(`kind delete cluster --name {self.kind_name}`), or give another --name"
            )

    def make(self) -> KindCluster:
        """All of it, in its order; what does not need each other at the same time."""
        with self.progress.phase("network"):
            net = network.create(self.commands, self.toolbox, self.kind_name, self.labels, has_ipv6=self.family != "ipv4")
        hosts = outside.hosts(net, self.family, self.toolbox.docker, self.toolbox.environment)
        self._both(self._nodes, lambda: self._outside(net))
        questions = Questions(self.kubeconfig)
        try:
            nodes = wait_for_nodes(questions, 1 + self.workers, _NODES_LIMIT)
            with self.progress.phase(f"installing {self.plugin.title}"):
                Installation(self.commands, self.toolbox, self.kubeconfig, self.plugin, self.values, lambda: nodes).run()
            with self.progress.phase(f"waiting for {self.plugin.title}, nodes and CoreDNS"), ThreadPoolExecutor(1) as pool:
                connected = pool.submit(self._connect, net, hosts, nodes)
                wait_until_ready(questions, self.plugin.ready, _READY_LIMIT)
                connected.result()
        finally:
            questions.close()
        return KindCluster(
            self.name, self.plugin.name, self.family, self.workers, self.kube_proxy, self.kubeconfig, self.toolbox, net, hosts
        )

    def _both(self, *work: Callable[[], None]) -> None:
        """At the same time; the first failure or Ctrl-C ends the commands of the other."""
        with ThreadPoolExecutor(len(work)) as pool:
            futures: list[Future[None]] = [pool.submit(each) for each in work]
            try:
                for future in until_failure(futures):
                    future.result()
            except BaseException:
                self.commands.end()
                raise

    def _nodes(self) -> None:
        """`kind create cluster`, and the images into the nodes that are not in the node image."""
        file = self.commands.folder / "kind.yaml"
        file.write_text(configuration(self.plugin, self.toolbox, self.values, self.pods_per_node))
        image = ["--image", self.toolbox.node_image] if self.toolbox.node_image else []
        with self.progress.phase(f"kind cluster of {1 + self.workers} nodes"):
            self._kind("create", "cluster", "--config", str(file), "--kubeconfig", str(self.kubeconfig), *image, limit=_CREATE_LIMIT)
        if self.toolbox.images:
            with self.progress.phase("images into the nodes"):
                self._kind("load", "docker-image", *self.toolbox.images, limit=_LOAD_LIMIT)

    def _kind(self, *words: str, limit: float) -> None:
        """Raises BrokenCluster with kind's own error; all it said stays in the cache folder."""
        try:
            self.commands.run(self.toolbox.kind, *words, "--name", self.kind_name, limit=limit)
        except BrokenCommand as error:
            log = state.cache_folder() / "logs" / f"{self.kind_name}-kind.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(error.output)
            own = re.findall(r"^ERROR: (.*)", error.output, re.MULTILINE)
            hint = _inotify_hint() if "kubelet" in error.output else ""
            raise BrokenCluster(f"kind could not make the cluster: {own[0] if own else error}{hint} (all it said: {log})") from error

    def _outside(self, net: network.Network) -> None:
        with self.progress.phase("outside hosts"):
            outside.start(self.commands, self.toolbox.docker, net, self.toolbox.probe_image, self.labels)

    def _connect(self, net: network.Network, hosts: tuple[HostAccess, ...], nodes: list[NodeFacts]) -> None:
        """The outside hosts learn the way to the pods. The nodes' own image has the tool for it."""
        image = self.commands.run(self.toolbox.docker, "inspect", "--format", "{{.Image}}", nodes[0].name).strip()
        for host in hosts:
            outside.connect(self.commands, self.toolbox.docker, net, host, dict(ways(nodes)), image, self.labels)


def check(name: str, plugin: Descriptor, family: str, workers: int, kube_proxy: str) -> None:
    """Whether `up` can make this of the same words; asked before what it needs is brought. Raises InvalidCluster."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
        raise InvalidCluster(f"--name {name}: small letters, digits and hyphens, at most 30 of them")
    if family and family not in plugin.families:
        raise InvalidCluster(f"plugin {plugin.name} carries {', '.join(plugin.families)}, not {family}")
    if workers < 1:
        raise InvalidCluster(f"{workers} workers: at least one (two, for pairs on the same node and across nodes)")
    if kube_proxy and kube_proxy not in plugin.kube_proxy:
        raise InvalidCluster(f"plugin {plugin.name} runs beside kube-proxy of mode {', '.join(plugin.kube_proxy)}, not {kube_proxy}")


def _label(name: str) -> str:
    return f"{PREFIX}={name}"


def _containers(commands: Commands, docker: Path, name: str) -> list[str]:
    """Ids of all containers of a cluster: kind's nodes and ours. Raises BrokenCluster where the engine does not answer."""
    try:
        return [
            each
            for label in (f"io.x-k8s.kind.cluster={kind_name(name)}", _label(name))
            for each in commands.run(docker, "ps", "--all", "--quiet", "--filter", f"label={label}").split()
        ]
    except BrokenCommand as error:
        raise BrokenCluster(f"the Docker engine does not answer: {error}") from error


def _remove(name: str, before: Callable[[Toolbox], None] | None = None) -> None:
    """Commands that still work for it, containers with their volumes, the network, the folder.

    By label and not by `kind delete cluster`: that finds the same containers, and the same way serves for ours.
    """
    content = state.read(name)
    if content is None:
        return
    toolbox = toolbox_of(content)
    if before is not None:
        before(toolbox)
    commands = Commands(state.folder(name), toolbox.environment)
    end_strays(commands.folder)
    quiet = 0.0 if "cluster" in content else _QUIET
    began = since = time.monotonic()
    while (found := _containers(commands, toolbox.docker, name)) or time.monotonic() - since < quiet:
        try:
            if found:
                since = time.monotonic()
                commands.run(toolbox.docker, "rm", "--force", "--volumes", *found, limit=_REMOVE_LIMIT)
            else:
                time.sleep(_PAUSE)
        except BrokenCommand:  # for one, a short-lived container that is just going by itself
            if time.monotonic() - began > _REMOVE_LIMIT:
                raise
            time.sleep(_PAUSE)
    for each in commands.run(toolbox.docker, "network", "ls", "--quiet", "--filter", f"label={_label(name)}").split():
        commands.run(toolbox.docker, "network", "rm", each)
    state.forget(name)


def _is_answering(kubeconfig: Path) -> bool:
    try:
        questions = Questions(kubeconfig)
    except BrokenCluster:
        return False
    try:
        return questions.is_answering()
    finally:
        questions.close()


def _inotify_hint() -> str:
    """A node's systemd dies where it gets no inotify instance (kind's list of known issues: "too many open files")."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    try:
        is_low = int(limit.read_text()) < _INOTIFY_INSTANCES
    except OSError:
        return ""
    return (
        f". This machine's limit of inotify instances is low, try: sysctl -w fs.inotify.max_user_instances={_INOTIFY_INSTANCES}"
        if is_low
        else ""
    )

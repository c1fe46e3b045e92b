"""The order of the work: each thing starts at once and waits for those it is made from, so whatever can be done at the same time is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, TypeVar

from conformance.cluster.together import until_failure
from conformance.cluster.toolbox import Toolbox
from conformance.offline import apt, docker, golang, graph, image, node_base, node_image, products, store
from conformance.offline.command import Stopped
from conformance.offline.docker import Docker
from conformance.offline.golang import Go
from conformance.offline.graph import Graph, Image
from conformance.offline.image import Built
from conformance.offline.node_image import Parts
from conformance.offline.workshop import NotMade, Workshop

_T = TypeVar("_T")
_KIND = "sigs.k8s.io/kind"
_KUBERNETES = "k8s.io/kubernetes"
_MEMORY_FOR_TWO = 8.0  # GiB: two Go builds at the same time want less


class Plugin(Protocol):
    """What this house wants to know of a plugin's descriptor."""

    @property
    def name(self) -> str:
        """The plugin's name."""

    @property
    def offline(self) -> Mapping[str, str] | None:
        """`image`, a folder of fixtures/offline, and `values`, a template of Helm values beside the descriptor. None: it needs neither."""

    @property
    def folder(self) -> Path:
        """Where the descriptor and the template of values lie."""


class Plan:
    """The work for one plugin. `folder` is fixtures/offline. Made for one use."""

    def __init__(self, workshop: Workshop, plugin: Plugin, folder: Path) -> None:
        self._workshop = workshop
        self._plugin = plugin
        self._kubernetes = graph.load(folder / "kubernetes")
        self._own = graph.load(folder / plugin.offline["image"]) if plugin.offline else None
        self._probe = graph.load(folder / "probe")
        self._turns = threading.Semaphore(2 if workshop.machine.memory >= _MEMORY_FOR_TWO else 1)
        self._pool = ThreadPoolExecutor(max_workers=64)  # most of them only wait
        self._futures: list[Future[Any]] = []

    def carry_out(self) -> Toolbox:
        """Does everything. Raises the first cause of a failure, after all that still ran was ended; on Ctrl-C too it is ended first."""
        try:  # from here on: the first commands run while the others are still handed out
            result = self._start()
            until_failure(self._futures)
            failures = [error for future in self._futures if future.done() and (error := future.exception())]
            for failure in sorted(failures, key=lambda error: isinstance(error, Stopped)):
                raise failure
            return result.result()
        except BaseException:
            self._workshop.commands.stop()
            raise
        finally:
            self._pool.shutdown(cancel_futures=True)

    def gaps(self) -> list[str]:
        """What is not there, by the names of the phases that make it, without what only waits for these. For a workshop that only looks."""
        self._start()
        wait(self._futures)
        self._pool.shutdown()
        errors = [error for future in self._futures if (error := future.exception())]
        for error in errors:
            if not isinstance(error, NotMade):
                raise error
        return list(dict.fromkeys(error.what for error in errors if isinstance(error, NotMade)))

    def _start(self) -> Future[Toolbox]:
        """The whole order of the work, in one look. What takes longest stands first."""
        graphs = [known for known in (self._kubernetes, self._own, self._probe) if known]
        packages = self._later(apt.install, self._workshop, apt.needed())
        go = self._later(golang.provide, self._workshop, max(graph.needed_go(known.folder) for known in graphs if known.binaries))
        binaries = {known.folder.name: self._later(self._compile, go, known) for known in graphs if known.binaries}
        pictures = [(known, picture) for known in graphs[::-1] for picture in known.images]
        images = {picture.name: self._later(self._image, packages, known, picture, go, binaries) for known, picture in pictures}
        base = self._later(self._base, packages, go)
        content = self._later(self._store, base, *images.values())
        engine = self._later(lambda _packages: docker.provide(self._workshop), packages)
        node = self._later(self._load_node, engine, base, binaries["kubernetes"], content)
        probe = self._later(self._load_probe, engine, images["probe"])
        tools = self._later(products.tools, self._workshop, engine, binaries["kubernetes"])
        chart = self._later(self._chart, go)
        values = self._later(self._values, images)
        return self._later(self._toolbox, engine, tools, node, probe, chart, values)

    def _later(self, function: Callable[..., _T], *arguments: object) -> Future[_T]:
        """Starts `function` when its arguments are there; those that are futures are waited for and replaced by their results."""

        def run() -> _T:
            return function(*(argument.result() if isinstance(argument, Future) else argument for argument in arguments))

        future = self._pool.submit(run)
        self._futures.append(future)
        return future

    def _compile(self, go: Go, known: Graph) -> Path:
        with self._turns:
            return golang.build(self._workshop, go, known)

    def _image(self, _packages: None, known: Graph, picture: Image, go: Go, binaries: Mapping[str, Future[Path]]) -> Built:
        sources = image.Sources(
            binaries=lambda: binaries[known.folder.name].result(),
            module=lambda path: golang.module(self._workshop.commands, go, known, path),
        )
        return image.provide(self._workshop, picture, sources)

    def _base(self, _packages: None, go: Go) -> Path:
        version = self._kubernetes.versions[_KIND]
        return node_base.provide(self._workshop, version, lambda: golang.module(self._workshop.commands, go, self._kubernetes, _KIND))

    def _store(self, base: Path, *images: Built) -> Path:
        return store.provide(self._workshop, base, [built.archive for built in images])

    def _load_node(self, engine: Docker, base: Path, binaries: Path, content: Path) -> str:
        parts = Parts(base, binaries, self._kubernetes.versions[_KUBERNETES], content)
        self._put(engine, parts.reference, "node image into the engine", lambda: node_image.load(engine, parts))
        return parts.reference

    def _load_probe(self, engine: Docker, built: Built) -> str:
        self._put(engine, built.reference, "probe image into the engine", lambda: engine.load("probe image", built.archive))
        return built.reference

    def _put(self, engine: Docker, reference: str, phase: str, load: Callable[[], None]) -> None:
        if engine.has(reference):
            return
        if self._workshop.only_looks:
            raise NotMade(phase)
        with self._workshop.report.phase(phase):
            load()

    def _chart(self, go: Go) -> dict[str, Path]:
        own = self._own
        if own is None or own.chart is None:
            return {}
        version = own.versions[own.chart.module]
        return {
            own.chart.name: products.chart(
                self._workshop, own.chart, version, lambda path: golang.module(self._workshop.commands, go, own, path)
            )
        }

    def _values(self, images: Mapping[str, Future[Built]]) -> dict[str, tuple[Path, ...]]:
        if self._own is None or self._own.chart is None or not self._plugin.offline:
            return {}
        template = self._plugin.folder / self._plugin.offline["values"]
        return {self._own.chart.name: (products.values(self._workshop, template, images[self._own.images[0].name].result()),)}

    def _toolbox(
        self, engine: Docker, tools: Path, node: str, probe: str, charts: Mapping[str, Path], values: Mapping[str, tuple[Path, ...]]
    ) -> Toolbox:
        return Toolbox(
            docker=engine.command,
            kind=tools / "kind",
            helm=tools / "helm",
            environment={**engine.environment, "PATH": f"{tools}:{self._workshop.commands.environment.get('PATH', '')}"},
            node_image=node,
            probe_image=probe,
            charts=charts,
            values=values,
            kind_patches=products.kind_patches(self._workshop.machine, self._kubernetes.versions),
        )

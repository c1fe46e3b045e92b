"""What a CNI plugin is to the suite: its descriptor, a folder in `fixtures/plugins/` with `plugin.yaml` and its templates.

A new plugin is a new folder, no code. The form is fixed by `fixtures/plugins/schema.json`; every fault of a file is told
at once, with its line and a caret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2

from conformance import data
from conformance.cluster.descriptor_file import InvalidPlugin, read
from conformance.cluster.restart import PodsOf
from conformance.world.deviation import InvalidDeviation, KnownDeviation
from conformance.world.verdict import FindingKind

FILE = "plugin.yaml"
KUBE_PROXY_MODES = ("nftables", "iptables")


@dataclass(frozen=True, slots=True)
class Helm:
    """Install step: a chart. `values` is a Jinja template beside the descriptor."""

    release: str
    namespace: str
    chart: str
    repository: str
    version: str
    values: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Install step: objects from a URL, or from a file (Jinja where it lies beside the descriptor)."""

    url: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class NodeCommand:
    """Install step: a command on every node, except where `unless` succeeds."""

    run: tuple[str, ...]
    because: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeFile:
    """Install step: a file on every node, from a Jinja template that knows the node's name and pod ranges."""

    path: str
    template: str


@dataclass(frozen=True, slots=True)
class Routes:
    """Install step: every node gets routes to the pod ranges of the others."""

    way: str = "static"


Step = Helm | Manifest | NodeCommand | NodeFile | Routes


@dataclass(frozen=True, slots=True)
class Workload:
    """A DaemonSet or Deployment that must be rolled out before the plugin is ready."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class InPod:
    """Version probe: a command in the first running pod of a selector; `pattern` has one group, the version."""

    namespace: str
    selector: str
    container: str
    command: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class ImageOf:
    """Version probe: the tag of a DaemonSet's first image."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class OnNode:
    """Version probe: a command on the first node; `pattern` has one group, the version."""

    command: tuple[str, ...]
    pattern: str


VersionProbe = InPod | ImageOf | OnNode


@dataclass(frozen=True, slots=True)
class OwnState:
    """Commands that show what the plugin has made of policies: run in a container of an agent's pod, they change nothing."""

    pods: PodsOf
    container: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A plugin as its folder describes it. `families` in the order of the file; `offline` belongs to `conformance.offline`.

    `kube_proxy`: the modes of kube-proxy beside which it runs, its default first.

    `restart`: the pods that are deleted to start the plugin's agents again; none where it has no agents. `organization` and `contact`
    say whose plugin it is, for the conformance report. `diagnostics`: how its own state is seen when a scenario has failed.
    `known_deviations` begin with those of the plugin that `same_deviations_as` names, if it does.
    """

    name: str
    title: str
    version: str
    about: str
    homepage: str
    enforces: bool
    families: tuple[str, ...]
    kind: str
    install: tuple[Step, ...]
    ready: tuple[Workload, ...]
    version_probe: VersionProbe
    capabilities: frozenset[str]
    known_deviations: tuple[KnownDeviation, ...]
    folder: Path
    offline: Mapping[str, str] | None = None
    restart: tuple[PodsOf, ...] = ()
    organization: str = ""
    contact: tuple[str, ...] = ()
    diagnostics: tuple[OwnState, ...] = ()
    same_deviations_as: str = ""
    kube_proxy: tuple[str, ...] = KUBE_PROXY_MODES

    @property
    def default_family(self) -> str:
        """Dual stack where the plugin carries it, else the first family that it names."""
        return "dual" if "dual" in self.families else self.families[0]

    def render(self, file: str, **values: object) -> str:
        """One of its templates with these values.

        Raises InvalidPlugin where the template asks for a value that is not there.
        """
        loader = jinja2.FileSystemLoader(self.folder)
        environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML here
        try:
            return environment.get_template(file).render(plugin=self, **values)
        except jinja2.TemplateError as error:
            raise InvalidPlugin(f"{self.folder / file}: {error}") from error


def names() -> list[str]:
    """The plugins that the suite describes, sorted."""
    return sorted(path.parent.name for path in (data.folder("fixtures") / "plugins").glob(f"*/{FILE}"))


def load(name_or_folder: str) -> Descriptor:
    """The descriptor of a plugin, by its name or by the path of a folder of the same form.

    Raises InvalidPlugin: no such plugin, or all faults of its descriptor.
    """
    folder = _folder_of(name_or_folder)
    return _descriptor(read(folder / FILE), folder)


def _folder_of(name_or_folder: str) -> Path:
    folder = data.folder("fixtures") / "plugins" / name_or_folder
    if "/" in name_or_folder or name_or_folder in {".", ".."}:
        folder = Path(name_or_folder).resolve()
    if not (folder / FILE).is_file():
        raise InvalidPlugin(
            f"there is no plugin {name_or_folder!r}. There are: {', '.join(names())}; "
            f"or give the path of a folder with a {FILE} (with a slash in it)"
        )
    return folder


def with_manifest(descriptor: Descriptor, where: str) -> Descriptor:
    """The same plugin, installed from another manifest: the path of a file (taken as it is, no template) or a URL.

    For plugins whose publisher's address is gone, and for machines that cannot reach it.
    Raises InvalidPlugin where the plugin has not exactly one manifest, or there is no such file.
    """
    found = [step for step in descriptor.install if isinstance(step, Manifest)]
    if len(found) != 1:
        raise InvalidPlugin(f"plugin {descriptor.name} is installed from {len(found)} manifests: another one can only replace exactly one")
    if re.match(r"https?://", where):
        other = Manifest(url=where)
    elif (path := Path(where).resolve()).is_file():
        other = Manifest(file=str(path))
    else:
        raise InvalidPlugin(f"there is no manifest {where}: give the path of a file or a URL")
    return replace(descriptor, install=tuple(other if isinstance(step, Manifest) else step for step in descriptor.install))


def _descriptor(content: Mapping[str, Any], folder: Path) -> Descriptor:
    """The checked document as a value."""
    return Descriptor(
        **{key: content[key] for key in ("name", "title", "version", "about", "homepage", "enforces", "kind")},
        families=tuple(content["families"]),
        install=tuple(_step(key, value) for item in content["install"] for key, value in item.items()),
        ready=tuple(Workload(kind, *where.split("/")) for item in content["ready"] for kind, where in item.items()),
        version_probe=_version_probe(content["version-probe"]),
        capabilities=frozenset(content["capabilities"]),
        known_deviations=(*_shared_deviations(content.get("same-deviations-as")), *_deviations(content["known-deviations"], folder)),
        folder=folder,
        offline=content.get("offline"),
        restart=tuple(PodsOf(**item) for item in content.get("restart", ())),
        organization=content.get("organization", ""),
        contact=tuple(content.get("contact", ())),
        diagnostics=tuple(
            OwnState(PodsOf(item["namespace"], item["selector"]), item["container"], tuple(map(tuple, item["commands"])))
            for item in content.get("diagnostics", ())
        ),
        same_deviations_as=content.get("same-deviations-as", ""),
        kube_proxy=tuple(content.get("kube-proxy", KUBE_PROXY_MODES)),
    )


def _shared_deviations(other: str | None) -> tuple[KnownDeviation, ...]:
    """The own ones of the plugin that has the same code and another configuration. Raises InvalidPlugin."""
    if other is None:
        return ()
    folder = _folder_of(other)
    return _deviations(read(folder / FILE)["known-deviations"], folder)


def _deviations(items: Sequence[Mapping[str, Any]], folder: Path) -> tuple[KnownDeviation, ...]:
    """The known deviations, whose cells can be read. Raises InvalidPlugin."""
    found = tuple(
        KnownDeviation(**{**item, "cells": tuple(item.get("cells", ())), "kinds": tuple(map(FindingKind, item.get("kinds", ())))})
        for item in items
    )
    try:
        for each in found:
            each.lanes()
    except InvalidDeviation as fault:
        raise InvalidPlugin(f"{folder / FILE}: {fault}") from None
    return found


def _step(key: str, value: Any) -> Step:
    """One install step; the schema knows no other keys."""
    match key:
        case "helm":
            return Helm(**value)
        case "manifest":
            return Manifest(**value)
        case "node-command":
            return NodeCommand(run=tuple(value["run"]), because=value["because"], unless=tuple(value.get("unless", ())))
        case "node-file":
            return NodeFile(**value)
        case _:
            return Routes(value)


def _version_probe(value: Mapping[str, Any]) -> VersionProbe:
    """The probe's form is told by its keys."""
    if "image-of" in value:
        return ImageOf(*value["image-of"].split("/"))
    if "node-command" in value:
        return OnNode(tuple(value["node-command"]), value["pattern"])
    return InPod(value["namespace"], value["selector"], value["container"], tuple(value["command"]), value["pattern"])

"""The small things that a Toolbox names: a folder of commands, a chart, a file of Helm values, patches of kind's configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
import yaml

from conformance.offline.docker import Docker
from conformance.offline.graph import Chart
from conformance.offline.image import Built
from conformance.offline.machine import Machine
from conformance.offline.workshop import Workshop

_TOOLS = ("helm", "kind", "kubectl")


def tools(workshop: Workshop, engine: Docker, binaries: Path) -> Path:
    """A folder for PATH with kind, helm, kubectl and the client that fits the engine, as links."""

    def make(target: Path) -> None:
        for name in _TOOLS:
            (target / name).symlink_to(binaries / name)
        (target / "docker").symlink_to(engine.command)

    return workshop.provide("commands", "tools", {"binaries": binaries.name, "docker": str(engine.command)}, make)


def chart(workshop: Workshop, known: Chart, version: str, module: Callable[[str], Path]) -> Path:
    """The plugin's own Helm chart, copied out of its module, which has this version."""
    inputs = {"module": known.module, "version": version, "path": known.path}

    def make(target: Path) -> None:
        _copy(module(known.module) / known.path, target / known.name)

    return workshop.provide(f"chart {known.name}", f"chart-{known.name}", inputs, make) / known.name


def values(workshop: Workshop, template: Path, built: Built) -> Path:
    """The Helm values for the image that was built: `template` is Jinja with `image`, and `repository` and `tag`, its two halves."""
    repository, _, tag = built.reference.rpartition(":")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - YAML, not HTML
    text = environment.from_string(template.read_text()).render(image=built.reference, repository=repository, tag=tag)
    return workshop.provide("values", "values", {"text": text}, lambda target: _write(target / "values.yaml", text)) / "values.yaml"


def kind_patches(machine: Machine, versions: Mapping[str, str]) -> tuple[Mapping[str, object], ...]:
    """Documents of kind's configuration: the CoreDNS that was built, and what this machine's kernel and rights ask for.

    Kubernetes wants `failCgroupV1: false` to run on the older control groups, and without the right to raise limits no process may get an
    OOM score below its parent's.
    """
    kubelet: dict[str, object] = {}
    if not machine.may_raise_limits:
        kubelet["oomScoreAdj"] = 0
    if not machine.has_unified_cgroups:
        kubelet |= {"cgroupDriver": "cgroupfs", "failCgroupV1": False}
    documents: list[dict[str, object]] = [{"kind": "ClusterConfiguration", "dns": {"imageTag": versions["github.com/coredns/coredns"]}}]
    if kubelet:
        documents.append({"kind": "KubeletConfiguration", **kubelet})
    return ({"kubeadmConfigPatches": [yaml.safe_dump(document, sort_keys=False) for document in documents]},)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _write(file: Path, text: str) -> None:
    file.write_text(text)

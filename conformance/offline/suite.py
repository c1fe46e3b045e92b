"""The image of the suite itself, made from this installation: its files, and the packages that it needs in the versions that it has."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from conformance import data
from conformance.offline import archive, cache, graph, image
from conformance.offline.command import BrokenSetup
from conformance.offline.graph import Image
from conformance.offline.image import Built, Sources
from conformance.offline.workshop import Workshop

KIND = "image-suite"
"""The cache's folder of these images."""

_NAME = "cni-conformance"
_PYTHON = "3.11"  # Debian's, which the image has
_NEEDLESS = ("bin", "kubernetes/aio")
"""Of the packages: commands, and the second client with all its models."""

_DATA = {"scenarios": "scenarios", "fixtures": "fixtures", "reports": "reports/templates"}
"""Folder of `conformance.data` → what of it travels, under the name that a wheel has for it."""


def provide(workshop: Workshop, folder: Path) -> Built:
    """The image; `folder` is fixtures/offline. Raises BrokenSetup where the packages cannot be had."""
    picture = graph.load(folder / "suite").images[0]
    own = own_files()
    pins = versions()
    packages = workshop.provide("Python packages of the suite", "python", {"pins": pins}, lambda target: _install(workshop, pins, target))
    root = image.files(workshop, picture)
    recipe = [Path(__file__), Path(image.__file__)]
    inputs = {
        "files": root and root.parent.name,
        "packages": packages.name,
        "own": _digests(own),
        "image": picture.source,
        "recipe": recipe,
    }
    reference = f"{picture.reference}:{cache.key(inputs)}"

    def make(target: Path) -> None:
        site = target / "site"
        shutil.copytree(packages, site)
        _put_suite(site, own)
        _assemble(workshop, picture, root, site, target, reference)
        cache.remove(site)

    return Built(reference, workshop.provide("image suite", KIND, inputs, make) / "image.tar")


def versions() -> dict[str, str]:
    """Package → version, as this installation has them: what the suite needs, and what these need.

    A package that only another version of Python needs is missing; pip finds it by itself.
    """
    found: dict[str, str] = {}
    left = [_package(each) for each in requirements()]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        left += [_package(each) for each in distribution.requires or () if "extra ==" not in each]
    return dict(sorted(found.items()))


def requirements() -> list[str]:
    """What the suite itself asks for. A checkout may have changed since it was installed: its pyproject.toml knows."""
    project = Path(data.__file__).resolve().parents[1] / "pyproject.toml"
    if project.exists():
        return list(tomllib.loads(project.read_text())["project"]["dependencies"])
    return [each for each in metadata.requires(_NAME) or () if "extra ==" not in each]


def _package(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]).lower()


def _install(workshop: Workshop, pins: Mapping[str, str], target: Path) -> None:
    """Whatever Python runs here, the image's gets the packages that fit it."""
    if workshop.commands.answer([sys.executable, "-m", "pip", "--version"]) is None:
        raise BrokenSetup(f"{sys.executable} has no pip, which fetches the packages for the suite's image: {sys.executable} -m ensurepip")
    constraints = target.with_suffix(".pins")
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
    machine = workshop.machine.architecture
    platforms = [f"--platform=manylinux_{glibc}_{machine}" for glibc in ("2_36", "2_34", "2_28", "2_17")]
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", "--root-user-action=ignore"]
    words += ["--target", str(target), "--only-binary=:all:", "--python-version", _PYTHON, "--implementation", "cp"]
    words += [*platforms, f"--platform=manylinux2014_{machine}", "--constraint", str(constraints)]
    try:
        workshop.commands.run("pip for the suite", [*words, *requirements()])
    finally:
        constraints.unlink()
    image.trim(target, _NEEDLESS)


def own_files() -> dict[str, Path]:
    """Path below the image's folder of packages → the file here."""
    package = Path(data.__file__).resolve().parent
    found = {f"conformance/{path.relative_to(package)}": path for path in _files(package) if "data_files" not in path.parts}
    for name, kept in _DATA.items():
        above = data.folder(name)
        below = above / Path(kept).relative_to(name)
        found |= {f"conformance/data_files/{name}/{path.relative_to(above)}": path for path in _files(below)}
    return found


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def _digests(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def _put_suite(site: Path, own: Mapping[str, Path]) -> None:
    """The suite's files, and the metadata by which pytest finds its plugin and the suite its version."""
    for name, path in own.items():
        target = site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    known = metadata.distribution(_NAME)
    about = site / f"cni_conformance-{known.version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: {known.version}\n")
    lines = [f"[{each.group}]\n{each.name} = {each.value}\n" for each in known.entry_points]
    (about / "entry_points.txt").write_text("\n".join(lines))


def _assemble(workshop: Workshop, picture: Image, root: Path | None, site: Path, target: Path, reference: str) -> None:
    work = target / "root"
    workshop.commands.run("copy files of suite", ["cp", "-a", "--reflink=auto", str(root), work])
    sources = Sources(binaries=lambda: target, module=lambda _: site)
    image.fill(workshop, picture, work, sources)
    archive.write(target / "image.tar", reference, work, picture.settings, workshop.machine.architecture)
    cache.remove(work)

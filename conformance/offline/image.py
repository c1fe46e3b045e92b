"""Images of the things that were built: a root file system from packages, binaries and files, written as a docker-archive."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.offline import archive, cache, debian
from conformance.offline.command import BrokenSetup
from conformance.offline.graph import Image, Substitute
from conformance.offline.workshop import Workshop

_FOLDERS = ("tmp", "run", "etc", "root")
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True)
class Built:
    """An image that is there: its reference, and the docker-archive that holds it."""

    reference: str
    archive: Path


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an image's parts come from: each is asked for only when it is needed."""

    binaries: Callable[[], Path]
    module: Callable[[str], Path]


def files(workshop: Workshop, image: Image) -> Path | None:
    """The folder with the files of the image's packages, or None when it has none. Not to be changed by who gets it."""
    if not image.packages:
        return None
    inputs = {"packages": image.packages, "drop": image.drop, "sources": debian.sources()}

    def make(target: Path) -> None:
        root = target / "root"
        debian.unpack(workshop.commands, f"files of {image.name}", root, image.packages)
        trim(root, (*debian.NEEDLESS, *image.drop))

    return workshop.provide(f"files of {image.name}", "files", inputs, make) / "root"


def provide(workshop: Workshop, image: Image, sources: Sources) -> Built:
    """The image. Its packages' files and its binaries are made when they are not there.

    A reference without a tag gets one that stands for the image's content.
    """
    root = files(workshop, image)
    binaries = sources.binaries() if image.binaries else None
    inputs = {
        "files": root and root.parent.name,
        "binaries": binaries and binaries.name,
        "image": image.source,
        "edited": image.substitute is not None and not workshop.machine.lists_modules,
        "recipe": [Path(__file__), Path(archive.__file__)],
    }
    tagged = ":" in image.reference.rpartition("/")[2]
    reference = image.reference if tagged else f"{image.reference}:{cache.key(inputs)}"

    def make(target: Path) -> None:
        work = target / "root"
        if root:
            workshop.commands.run(f"copy files of {image.name}", ["cp", "-a", "--reflink=auto", root, work])
        fill(workshop, image, work, sources)
        archive.write(target / "image.tar", reference, work, image.settings, workshop.machine.architecture)
        cache.remove(work)

    return Built(reference, workshop.provide(f"image {image.name}", f"image-{image.name}", inputs, make) / "image.tar")


def fill(workshop: Workshop, image: Image, root: Path, sources: Sources) -> None:
    """Puts everything into `root` that does not come from packages."""
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name, text in (("passwd", _USERS), ("group", _GROUPS)):
        if not (root / "etc" / name).exists():
            (root / "etc" / name).write_text(text)
    for name, destination in image.binaries.items():
        _copy(sources.binaries() / name, _inside(root, destination))
    for copy in image.copies:
        _copy(sources.module(copy.module) / copy.path, _inside(root, copy.to))
    for destination, text in image.scripts.items():
        file = _inside(root, destination)
        file.write_text(text)
        file.chmod(0o755)
    for destination, pointed in image.links.items():
        link = _inside(root, destination)
        link.unlink(missing_ok=True)
        link.symlink_to(pointed)
    if image.substitute and not workshop.machine.lists_modules:
        substitute(root, image.substitute)
    if image.run:
        workshop.commands.run(f"finish {image.name}", ["chroot", root, *image.run])


def trim(root: Path, patterns: tuple[str, ...]) -> None:
    """Removes what the patterns (glob, relative to `root`) name."""
    for pattern in patterns:
        for path in list(root.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                cache.remove(path)
            else:
                path.unlink(missing_ok=True)


def substitute(root: Path, edit: Substitute) -> None:
    """Leads a binary to another file: replaces the one occurrence of a path by another of the same length.

    Raises BrokenSetup where the binary does not hold the path exactly once: another version needs another look.
    """
    file = _inside(root, edit.file)
    content = file.read_bytes()
    old, new = edit.path.encode(), edit.instead.encode()
    if content.count(old) != 1 or len(old) != len(new):
        raise BrokenSetup(
            f"{edit.file} holds {edit.path} {content.count(old)} times, not once: the edit for kernels without modules fits another version"
        )
    file.write_bytes(content.replace(old, new))
    lines = (f"{name} 16384 0 - Live 0x0000000000000000\n" for name in edit.modules)
    _inside(root, edit.instead).write_text("".join(lines))


def _inside(root: Path, path: str) -> Path:
    """Where an absolute path of the image lies, its folder made."""
    inside = root / path.lstrip("/")
    inside.parent.mkdir(parents=True, exist_ok=True)
    return inside


def _copy(source: Path, target: Path) -> None:
    """Copies a file or a folder; it belongs to root, anyone may read it, and what can be run stays so."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        for path in (target, *target.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755)

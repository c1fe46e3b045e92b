"""What was built once is found by its content: the key is a hash of everything that went in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

_VARIABLE = "CNI_CONFORMANCE_CACHE"


def folder() -> Path:
    """The suite's cache folder: $CNI_CONFORMANCE_CACHE, else the user's cache folder and `cni-conformance` in it."""
    return Path(os.environ.get(_VARIABLE) or platformdirs.user_cache_path("cni-conformance")).resolve()


def key(inputs: Mapping[str, object]) -> str:
    """Sixteen hex digits that stand for `inputs`: text, numbers, lists and mappings of these; a Path stands for its file's content.

    The order of the names does not matter.
    """
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=_content).encode()).hexdigest()[:16]


def _content(value: object) -> str:
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()
    raise TypeError(f"{value!r} cannot be part of a cache key")


@dataclass(frozen=True, slots=True)
class Cache:
    """Folders below `root`, one per kind of thing, in each one folder per key."""

    root: Path

    def at(self, *names: str) -> Path:
        """A folder of the cache, made when it is not there."""
        path = self.root.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def find(self, kind: str, inputs: Mapping[str, object]) -> Path | None:
        """The finished folder for these inputs, or None."""
        path = self.root / kind / key(inputs)
        return path if path.is_dir() else None

    def provide(self, kind: str, inputs: Mapping[str, object], make: Callable[[Path], None]) -> Path:
        """The folder for these inputs; `make` fills an empty one when it is not there yet.

        Only a folder that `make` has finished gets its name: a half-made one is thrown away by the next try. Two processes do not make
        the same: the second waits and takes what the first made.
        """
        name = key(inputs)
        target = self.at(kind) / name
        if target.is_dir():
            return target
        with FileLock(self.at("locks") / f"{kind}-{name}.lock"):
            if not target.is_dir():
                making = target.with_name(f".{name}.making")
                remove(making)
                making.mkdir()
                make(making)
                making.rename(target)
        return target


def remove(path: Path) -> None:
    """Removes a folder with everything in it, also what is read-only (Go's module cache is)."""

    def allow(_function: object, name: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):
            return
        parent = Path(name).parent
        parent.chmod(0o755)
        if Path(name).is_dir() and not Path(name).is_symlink():
            Path(name).chmod(0o755)
            shutil.rmtree(name)
        else:
            Path(name).unlink()

    if path.exists():
        shutil.rmtree(path, onerror=lambda f, n, info: allow(f, n, info[1]))

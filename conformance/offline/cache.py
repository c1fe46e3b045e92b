"""What was built once is found by its content: the key is a hash of everything that went in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

_VARIABLE = "CNI_CONFORMANCE_CACHE"
_ENTRY = re.compile(r"[0-9a-f]{16}|\.[0-9a-f]{16}\.making")


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
        target = self.at(kind) / key(inputs)
        if not target.is_dir():
            with FileLock(self.at("locks") / f"{kind}-{target.name}.lock"):
                if not target.is_dir():
                    making = target.with_name(f".{target.name}.making")
                    remove(making)
                    making.mkdir()
                    make(making)
                    making.rename(target)
        os.utime(target)
        return target

    def prune(self, days: float, kind: str = "*") -> None:
        """Removes what was not asked for in so many days, and what was half made then: of one kind, or of all."""
        limit = time.time() - days * 86400
        for folder in self.root.glob(f"{kind}/*"):
            if _ENTRY.fullmatch(folder.name) and folder.is_dir() and folder.stat().st_mtime < limit:
                remove(folder)


def remove(path: Path) -> None:
    """Removes a folder with everything in it, when it is there."""
    if path.is_dir():
        shutil.rmtree(path)

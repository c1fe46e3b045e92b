"""Stands before runc where the engine and the machine do not agree about capabilities. Copied into the cache, run by itself.

A privileged container gets every capability that the engine knows. Where this machine's bounding set lacks one of them, runc refuses
("unable to apply caps"); where the engine is older than CAP_BPF and CAP_PERFMON (Docker 20.10), a privileged container lacks them, and
Cilium does not start. Without CAP_SYS_RESOURCE no limit can be raised and no OOM score lowered either. Standard library only.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

# Bits of capability.h for what may be missing on one of the two sides.
_SYS_RESOURCE = 24
_NAMES = {_SYS_RESOURCE: "CAP_SYS_RESOURCE", 38: "CAP_PERFMON", 39: "CAP_BPF", 40: "CAP_CHECKPOINT_RESTORE"}


def adapted(process: dict[str, Any], bounding: int) -> dict[str, Any]:
    """The `process` of an OCI configuration with the capabilities that the bounding set (a bit per capability) really has."""
    missing = {name for bit, name in _NAMES.items() if not bounding >> bit & 1}
    process = dict(process)
    sets = {}
    for name, held in (process.get("capabilities") or {}).items():
        everything = {"CAP_SYS_ADMIN", "CAP_SYS_MODULE"} <= set(held)
        sets[name] = sorted((set(held) | (set(_NAMES.values()) if everything else set())) - missing)
    if sets:
        process["capabilities"] = sets
    if "CAP_SYS_RESOURCE" in missing:
        process.pop("rlimits", None)
        process.pop("oomScoreAdj", None)
    return process


def _value(arguments: Sequence[str], *options: str) -> str | None:
    for option, value in pairwise(arguments):
        if option in options:
            return value
    return None


def _rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(change(document)))


def main(runc: str, arguments: Sequence[str]) -> None:
    """Changes the bundle's or the exec's process, then becomes runc."""
    status = Path("/proc/self/status").read_text()
    bounding = int(status.split("CapBnd:")[1].split()[0], 16)
    bundle, process = _value(arguments, "--bundle", "-b"), _value(arguments, "--process", "-p")
    if bundle:
        _rewrite(Path(bundle) / "config.json", lambda document: {**document, "process": adapted(document["process"], bounding)})
    elif process:
        _rewrite(Path(process), lambda document: adapted(document, bounding))
    os.execv(runc, [runc, *arguments])  # noqa: S606 - this is what it is for


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

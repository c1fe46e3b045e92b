"""Settings of the whole machine that clusters change, and one that they need: put back when the engine stops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_KERNEL = Path("/proc/sys")

_ROOM = {"fs/inotify/max_user_instances": 1024}
# kind's documentation, known issues, "too many open files": with the usual 128 the systemd of a third cluster's nodes dies.

_CHANGED = (
    # What the kubelet of any node sets (its `protectKernelDefaults`), and Cilium's agent.
    *("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/core/bpf_jit_enable"),
)


def settings(root: Path = _KERNEL) -> dict[str, str]:
    """The settings as they are now, those that this kernel has."""
    return {name: (root / name).read_text() for name in (*_CHANGED, *_ROOM) if (root / name).exists()}


def make_room(root: Path = _KERNEL) -> None:
    """Raises the limits that are lower than clusters need."""
    for name, least in _ROOM.items():
        path = root / name
        if path.exists() and int(path.read_text()) < least:
            path.write_text(str(least))


def put_back(before: Mapping[str, str], root: Path = _KERNEL) -> None:
    """Sets what differs to what it was."""
    for name, value in before.items():
        if (root / name).read_text() != value:
            (root / name).write_text(value)

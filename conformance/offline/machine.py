"""Facts of this machine on which the offline house depends. Read once, passed on as a value."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CAP_SYS_RESOURCE = 24  # capability.h


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory` in GiB. The kernel lists no modules where it was built without them: /proc/modules is not there then."""

    is_root: bool
    has_apt: bool
    may_raise_limits: bool
    lists_modules: bool
    has_unified_cgroups: bool
    architecture: str
    cores: int
    memory: float


def this_machine() -> Machine:
    """What the kernel and the system say now."""
    return Machine(
        is_root=os.geteuid() == 0,
        has_apt=Path("/usr/bin/apt-get").exists() and Path("/usr/bin/dpkg").exists(),
        may_raise_limits=bool(bounding_set(Path("/proc/self/status").read_text()) >> _CAP_SYS_RESOURCE & 1),
        lists_modules=Path("/proc/modules").exists(),
        has_unified_cgroups=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        architecture=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
    )


def bounding_set(status: str) -> int:
    """The capability bounding set, a bit per capability, from the text of /proc/PID/status (proc(5): CapBnd)."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0

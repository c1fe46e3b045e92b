"""The end of the private engine: all of its processes, not only the first."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path

from conformance.offline.command import BrokenSetup

_POLITE = 3.0  # seconds that an engine gets to write its records; it takes longer only where containers still run
_LAST = 60.0  # seconds until the kernel has taken down what was killed


def end(pid: int) -> None:
    """Ends the engine whose first process is `pid`: politely first, so that it writes its records, then for good.

    Returns when the namespace's init is gone too, and with it everything in there: `unshare` alone ends earlier, and a runc that
    still lives makes a cgroup again that was just removed. Raises BrokenSetup where the kernel does not let go.
    """
    inits = _children(pid)
    descriptors = [descriptor for each in (pid, *inits) if (descriptor := _descriptor(each)) is not None]
    try:
        for each in inits:  # the init hands the signal to the engine
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGTERM)
        if _end_all(descriptors, _POLITE):
            return
        for descriptor in descriptors:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not _end_all(descriptors, _LAST):
            raise BrokenSetup(f"the private Docker engine (process {pid}) does not end, though it was killed: the kernel still holds it")
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _descriptor(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where it has ended."""
    with contextlib.suppress(ProcessLookupError):
        return os.pidfd_open(pid)
    return None


def _end_all(descriptors: list[int], seconds: float) -> bool:
    """Whether all of these processes end within so many seconds."""
    limit = time.monotonic() + seconds
    return all(select.select([each], [], [], max(0.0, limit - time.monotonic()))[0] for each in descriptors)

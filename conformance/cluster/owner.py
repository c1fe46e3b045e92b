"""Which process a namespace belongs to, so that others know whether it may still be in use."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

ANNOTATION = "cni-conformance/owner"
"""On every namespace of a run."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told from all others in the world.

    `machine` is the id of this boot of its kernel (elsewhere than on Linux: the host's name), `space` its process id
    namespace: a container on the same kernel sees other processes. `started` is in ticks since the boot; it tells two
    processes with the same id apart. `slot` is what an engine gives to one pod at a time, and again to the next where that is killed: a
    Job and its index; `attempt` is that pod. Both are "" outside of a Job.
    """

    machine: str
    space: str
    process: int
    started: str
    slot: str = ""
    attempt: str = ""

    @classmethod
    def of_this_process(cls) -> Owner:
        """Us."""
        return cls(_machine(), _space(), os.getpid(), _started(os.getpid()) or "", *_place())

    @classmethod
    def read(cls, text: str) -> Owner | None:
        """From the annotation; None where a stranger wrote it."""
        try:
            content = json.loads(text)
            place = str(content.get("slot", "")), str(content.get("attempt", ""))
            return cls(str(content["machine"]), str(content["space"]), int(content["process"]), str(content["started"]), *place)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None

    def text(self) -> str:
        """For the annotation; slot and attempt only where there are any."""
        return json.dumps({key: value for key, value in asdict(self).items() if self.slot or key not in ("slot", "attempt")})

    def is_alive(self) -> bool | None:
        """Does the process still run? None: it is, or was, on a machine that we cannot look into."""
        slot, attempt = _place()
        if slot and self.slot == slot and self.attempt != attempt:
            return False  # we have its place, so it has not: wherever it was
        if (self.machine, self.space) != (_machine(), _space()):
            return None
        started = _started(self.process)
        if started is not None:
            return started == self.started
        try:
            os.kill(self.process, 0)
        except (ProcessLookupError, OverflowError):  # a stranger's number may be one that no process has
            return False
        except PermissionError:
            return True
        return not self.started  # alive, and without /proc there is nothing more to compare


def _place() -> tuple[str, str]:
    """Slot and attempt, as a Job's pod has them from its manifest. A slot that others may have at the same time is none."""
    slot, attempt = os.environ.get("CNI_CONFORMANCE_SLOT", ""), os.environ.get("CNI_CONFORMANCE_ATTEMPT", "")
    return ("", "") if slot.startswith("/") or "$(" in slot or not attempt else (slot, attempt)


def _machine() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return platform.node()


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(process: int) -> str | None:
    """Field 22 of /proc/PID/stat (proc_pid_stat(5)); the name before it may hold blanks. A zombie has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]

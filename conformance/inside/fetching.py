"""The records of a Job, out of the logs of its pods."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from conformance.cluster import jobs
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import Connection
from conformance.cluster.jobs import Job, JobPod, JobState
from conformance.exit_code import ALL_PASSED, BROKEN_WORLD, INTERRUPTED, NOTHING_ENFORCES, SOMETHING_FAILED, WRONG_USAGE
from conformance.inside.emitted import BrokenLog, Emitted, emitted
from conformance.inside.job import SUITE
from conformance.report.page import printable

_PAUSE = 1.0
_LAST_LINES = 5

AT_ONCE = 8
"""Logs that are read at the same time: most of it is waiting for the API server and the kubelet behind it."""

_GRAVITY = (INTERRUPTED, BROKEN_WORLD, WRONG_USAGE, NOTHING_ENFORCES, SOMETHING_FAILED, ALL_PASSED)
"""Exit codes of a run, the gravest first: a run without an end or without a world says less than one that failed."""


class StillRunning(BrokenCluster):
    """A Job that has not ended, and was not to be waited for any longer."""


class NoPods(BrokenCluster):
    """A Job that has no pod, or none any more."""


@dataclass(frozen=True, slots=True)
class Part:
    """What came out of one index of a Job ("" where it has none): a record with its run's exit code, or why there is none."""

    index: str
    record: Emitted | None
    exit_code: int
    why: str = ""


def ended(connection: Connection, namespace: str, name: str, patience: float, say: Callable[[str], None]) -> Job:
    """The Job when it has ended, waited for so many seconds.

    An Indexed Job whose time is up is returned as it is: parts of it may have ended. Raises NoSuchJob, StillRunning, BrokenCluster.
    """
    deadline, told = time.monotonic() + patience, ""
    while True:
        found = jobs.job(connection, namespace, name, SUITE)
        if found.state is JobState.ENDED:
            return found
        where = (
            _where(found)
            or printable(jobs.trouble_of(connection, found))
            or ("none of its pods runs now" if found.pods else "it has no pod yet")
        )
        if time.monotonic() >= deadline:
            if found.is_indexed and any(not each.is_active for each in found.pods):
                return found
            after = f" after {patience:.0f} s" if patience else ""
            raise StillRunning(f"{found} is {found.state}{after} ({where}): wait for it with a longer --wait SECONDS, or fetch it later")
        if where != told:
            say(f"{found} is {found.state}: {where}")
            told = where
        time.sleep(_PAUSE)


def parts(connection: Connection, of: Job) -> list[Part]:
    """What came out of each index, in their order; several logs are read at a time. Raises NoPods."""
    indices = [str(each) for each in range(of.completions)] if of.is_indexed else [""]
    by_index = {index: [pod for pod in of.pods if pod.index == index] for index in indices}
    if not of.pods:
        trouble = printable(jobs.trouble_of(connection, of))
        raise NoPods(f"{of} has no pod{f': {trouble}' if trouble else ' any more, and its record went with its log'}")
    return _side_by_side(
        lambda index: _part(index, by_index[index], lambda pod: jobs.log_of(connection, of.namespace, pod, SUITE)), indices
    )


def _side_by_side(read: Callable[[str], Part], indices: Sequence[str]) -> list[Part]:
    """The part of each index, in their order. Nobody waits for these threads where the program is to end: a log may take half a minute."""
    futures: dict[str, Future[Part]] = {index: Future() for index in indices}
    waiting = deque(indices)

    def work() -> None:
        while True:
            try:
                index = waiting.popleft()
            except IndexError:
                return
            try:
                futures[index].set_result(read(index))
            except BaseException as fault:  # it is raised where somebody waits for it
                futures[index].set_exception(fault)

    for _ in range(min(AT_ONCE, len(indices))):
        Thread(target=work, name="logs", daemon=True).start()
    try:
        return [future.result() for future in futures.values()]
    finally:
        waiting.clear()


def gravest(codes: Iterable[int]) -> int:
    """The exit code of several runs together, each one of a run."""
    return min(codes, key=_GRAVITY.index, default=ALL_PASSED)


def _part(index: str, pods: list[JobPod], log_of: Callable[[str], str]) -> Part:
    """The newest whole record; where there is none, what is wrong with the newest pod."""
    whose = f"index {index}: " if index else ""
    if not pods:
        return Part(index, None, BROKEN_WORLD, f"{whose}there is no pod, or none any more")
    if pods[0].is_active:
        return Part(index, None, BROKEN_WORLD, f"{whose}pod {pods[0].name} has not ended yet")
    trouble = ""
    for pod in pods:
        log = ""
        try:
            log = log_of(pod.name)
            return Part(index, emitted(log), pod.exit_code if pod.exit_code in _GRAVITY else BROKEN_WORLD)
        except BrokenLog as fault:
            trouble = trouble or f"{whose}{_told(pod, fault, log)}"
        except BrokenCluster as fault:
            trouble = trouble or f"{whose}{fault}"
    return Part(index, None, _code_without_record(pods[0]), "\n".join(map(printable, trouble.splitlines())))


def _code_without_record(pod: JobPod) -> int:
    """That of a run which could not begin says what is wrong; that of a killed one nothing."""
    return pod.exit_code if pod.exit_code in (WRONG_USAGE, NOTHING_ENFORCES, INTERRUPTED) else BROKEN_WORLD


def _told(pod: JobPod, fault: BrokenLog, log: str) -> str:
    end = f"ended with exit code {pod.exit_code}" if pod.exit_code is not None else "was taken away"
    why = f" ({pod.why})" if pod.why not in ("", "Error", "Completed") else ""
    last = [line for line in log.splitlines() if line.strip() and len(line) < 1000][-_LAST_LINES:]
    lines = "".join(f"\n    {line}" for line in last)
    return f"the log of pod {pod.name}, which {end}{why}, {fault}{f'. Its last lines:{lines}' if last else ''}"


def _where(of: Job) -> str:
    """What its pods do, for people who wait."""
    active = [pod for pod in of.pods if pod.is_active]
    if not active:
        return ""
    first = f"pod {active[0].name}{f' ({printable(active[0].why)})' if active[0].why else ' runs'}"
    return first if len(active) == 1 else f"{first}, and {len(active) - 1} more"

"""Several processes for work that is nothing but work: reading records, writing reports."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

_Result = TypeVar("_Result")

_WORTH_A_POOL = 4
"""Records for which processes are started: one takes a second to begin, and a large record two to be written."""

_LARGEST_POOL = 8
"""Processes, of half a gigabyte each."""


def in_processes(records: int, work: Callable[..., _Result], *columns: Iterable[object]) -> list[_Result]:
    """What `work` returns for each row of the columns, in their order, by as many processes as there are processors.

    `records`: how many of the rows are work. `work` and its arguments must be what pickle knows; what it raises is raised.
    """
    workers = min(os.cpu_count() or 1, _LARGEST_POOL)
    if workers > 1 and records >= _WORTH_A_POOL:
        try:
            with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
                return list(pool.map(work, *columns))
        except BrokenProcessPool:  # one was killed, most likely for its memory: one after the other then
            pass
    return list(map(work, *columns)) if columns else []

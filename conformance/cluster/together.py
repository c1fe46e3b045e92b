"""Work of several threads, waited for by the main one."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any

_GLANCE = 0.5
"""Seconds. A signal that comes in the instant before the main thread sleeps does not wake it: Ctrl-C would be lost until the next one."""


def until_failure(futures: Iterable[Future[Any]]) -> set[Future[Any]]:
    """Waits until all are done, or one has failed. Returns those that are done; their results and errors are the caller's."""
    left = set(futures)
    while True:
        done, missing = wait(left, _GLANCE, FIRST_EXCEPTION)
        if not missing or any(future.exception() for future in done):
            return done

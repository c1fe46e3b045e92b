"""The records of a fleet on their way back: out of the logs of its pods on the hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from conformance.cluster.connection import Connection
from conformance.cluster.jobs import NoSuchJob
from conformance.exit_code import BROKEN_WORLD
from conformance.fleet.fleet import Fleet, FleetJob, Part
from conformance.fleet.results import Arrival
from conformance.inside import fetching

_INDEX = "index "


class OtherFleet(Exception):
    """The Job on the hub was rendered from another file, or from this one before it was changed."""


def arrivals(connection: Connection, fleet: Fleet, patience: float, say: Callable[[str], None]) -> Iterator[list[Arrival]]:
    """What came of the parts of each Job, one Job after the other. `patience`: seconds to wait for all of them together.

    A Job that has not ended gives what there is, and one of several that is missing gives nothing. Raises OtherFleet, BrokenCluster, and
    NoSuchJob where it is the only one.
    """
    deadline = time.monotonic() + patience
    for job in fleet.jobs:
        try:
            yield _of_job(connection, fleet.namespace, job, max(0.0, deadline - time.monotonic()), say)
        except NoSuchJob as fault:
            if len(fleet.jobs) == 1:
                raise
            yield [Arrival(part, why=str(fault), exit_code=BROKEN_WORLD) for part in job.parts]


def _of_job(connection: Connection, namespace: str, job: FleetJob, patience: float, say: Callable[[str], None]) -> list[Arrival]:
    try:
        found = fetching.ended(connection, namespace, job.name, patience, say)
    except fetching.StillRunning as fault:
        return [Arrival(part, why=str(fault), exit_code=BROKEN_WORLD) for part in job.parts]
    if not found.is_indexed or found.completions != len(job.parts):
        raise OtherFleet(f"{found} has {found.completions} parts, and the file says {len(job.parts)}: was it rendered from this file?")
    try:
        came = fetching.parts(connection, found)
    except fetching.NoPods as fault:
        return [Arrival(part, why=str(fault), exit_code=BROKEN_WORLD) for part in job.parts]
    return [arrival(part, each) for part, each in zip(job.parts, came, strict=True)]


def arrival(part: Part, came: fetching.Part) -> Arrival:
    """What came of a part, by what the log of its index holds. Raises OtherFleet."""
    if came.record is None:
        return Arrival(part, None, came.why.removeprefix(f"{_INDEX}{came.index}: "), came.exit_code)
    if came.record.name != part.name:
        raise OtherFleet(f"index {came.index} holds a record of {came.record.name}, not {part.name}: was the Job rendered from this file?")
    return Arrival(part, came.record.packed, exit_code=came.exit_code, diagnostics=came.record.diagnostics)

"""When diagnostics are taken: at the first step that ends wrong, while its policies are in force and the world stands."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from conformance.cluster.inspection import Inspection
from conformance.cluster.plugin import Descriptor
from conformance.diagnostics.bundle import ABOUT, Bundle
from conformance.diagnostics.capturing import reproduce
from conformance.diagnostics.gathering import Gathering
from conformance.diagnostics.wrong import WrongCell, wrong_cells
from conformance.judge.finding import counted
from conformance.live import LiveWorld
from conformance.record import Run
from conformance.world.measurement import StepMeasurement
from conformance.world.question import Answer, Question
from conformance.world.verdict import Outcome

FOLDER = "diagnostics"
"""In the folder of a report: one folder for each scenario."""

MOST = 10
"""Scenarios of a run of which diagnostics are taken: where many fail, they fail for the same reasons."""

LIMIT, CAPTURE, REQUEST = 20.0, 8.0, 5.0
"""Seconds for one scenario, for its packets, and for one request."""

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What one process of a run needs to take them: `report` is the report's folder, `claims` one that all processes share."""

    report: Path
    claims: Path
    plugin: Descriptor | None = None

    def of(self, scenario: str) -> Examiner:
        """For one scenario."""
        return Examiner(self, scenario)

    def claim(self) -> bool:
        """Whether one more may be taken in this run."""
        self.claims.mkdir(parents=True, exist_ok=True)
        for number in range(MOST):
            try:
                os.close(os.open(self.claims / str(number), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            return True
        return False


class Examiner:
    """Takes the diagnostics of one scenario, once. Nothing that goes wrong here changes what becomes of it.

    `path` is where they are, relative to the report's folder; "" where there are none.
    """

    def __init__(self, diagnostics: Diagnostics, scenario: str) -> None:
        self.path = ""
        self._diagnostics, self._scenario = diagnostics, scenario
        self._is_done = False

    def is_wrong(self, step: StepMeasurement, known: Collection[Question]) -> bool:
        """Whether this is the first step that ends with a wrong cell, those left aside that are `known` to be wrong."""
        if self._is_done or (step.timeline.settled_at is not None and step.timeline.held > 0):
            return False
        return bool(wrong_cells(step, known))

    def take_after(self, step: StepMeasurement, live: LiveWorld, known: Collection[Question]) -> None:
        """Takes them while the step's wrong cells are wrong."""
        wrong = wrong_cells(step, known)
        self._take(live, f"Step {step.number} ({step.action}): {_counted(wrong)}.", wrong[0])

    def take_at_the_end(self, live: LiveWorld, sentence: str) -> None:
        """The scenario has failed or is in error, and its world still stands; `sentence` says why."""
        if not self._is_done:
            self._take(live, sentence, None)

    def _take(self, live: LiveWorld, sentence: str, cell: WrongCell | None) -> None:
        self._is_done = True
        inspection = live.cluster.inspection
        try:
            if inspection is not None and self._diagnostics.claim():
                take(self._diagnostics, self._scenario, live, inspection, sentence, cell)
                self.path = f"{FOLDER}/{self._scenario}"
        except OSError:
            return  # nothing can be written here: the record itself will say so


def take(diagnostics: Diagnostics, scenario: str, live: LiveWorld, inspection: Inspection, sentence: str, cell: WrongCell | None) -> Bundle:
    """Fills the folder of a scenario within LIMIT seconds, or a little more. Raises OSError where it cannot be written."""
    began = time.monotonic()
    bundle = Bundle(diagnostics.report / FOLDER / scenario)
    shutil.rmtree(bundle.folder, ignore_errors=True)
    told = [sentence]
    try:
        if cell is None:
            bundle.note("no packets: no cell was wrong when its step ended, so there is nothing to ask again")
        else:
            answer = reproduce(cell.question, live, inspection.nodes, bundle, CAPTURE)
            told.append(_told(cell, answer, has_packets=any(name.endswith(".pcap") for name, _, _ in bundle.files)))
        gathering = Gathering(inspection, diagnostics.plugin, _nodes(live, cell), bundle, REQUEST)
        namespaces = [each["metadata"]["name"] for each in live.manifests.namespaces]
        _do(gathering, namespaces, bundle, LIMIT - (time.monotonic() - began))
    except Exception as fault:  # a fault of ours here must not end a run
        bundle.note(f"something is missing by a fault of the suite: {fault!r}")
    bundle.close(f"{scenario}: diagnostics", told)
    return bundle


def _do(gathering: Gathering, namespaces: Iterable[str], bundle: Bundle, limit: float) -> None:
    """What is not done in time is left where it is: each request in it ends by itself."""
    pool = ThreadPoolExecutor(_AT_ONCE, FOLDER)
    running = [pool.submit(piece) for piece in gathering.pieces(namespaces)]
    done, late = wait(running, timeout=max(0.0, limit))
    pool.shutdown(wait=False, cancel_futures=True)
    if late:
        bundle.note(f"{len(late)} of {len(running)} pieces were not there within {LIMIT:.0f} s")
    for each in done:
        if (trouble := each.exception()) is not None:
            bundle.note(f"a piece could not be had, which is a fault of the suite: {trouble!r}")


def _nodes(live: LiveWorld, cell: WrongCell | None) -> tuple[str, ...]:
    """The nodes of both ends; of all pods where there is no cell, or none of its ends is a pod."""
    refs = (cell.question.source, cell.question.destination) if cell else ()
    pods = [pod for ref in refs if (pod := live.everybody.pods.get(ref)) is not None]
    return tuple(sorted({pod.node for pod in pods or live.everybody.pods.values() if pod.node}))


def _counted(wrong: list[WrongCell]) -> str:
    more = f"; {counted(len(wrong) - 1, 'more cell')} wrong" if len(wrong) > 1 else ""
    return f"{wrong[0].question} was {wrong[0].answer.kind}, and must be {wrong[0].expectation.verdict}{more}"


def _told(cell: WrongCell, answer: Answer | None, *, has_packets: bool) -> str:
    if answer is None:
        return f"{cell.question} could not be asked again."
    who = f", answered by {answer.responder}" if answer.responder else ""
    again = "as before" if answer.kind is cell.answer.kind else f"before: {cell.answer.kind}"
    return f"Asked once more{' while packets were captured' if has_packets else ''}: {answer.kind}{who} ({again})."


def clear(report: Path) -> None:
    """Removes the diagnostics that an earlier run left in this folder, and nothing else."""
    for about in (report / FOLDER).glob(f"*/{ABOUT}"):
        shutil.rmtree(about.parent, ignore_errors=True)


def taken_of(run: Run) -> str:
    """Of how many scenarios there are diagnostics, and of how many that failed there are none; "" where there are none at all."""
    taken = sum(bool(scenario.diagnostics) for scenario in run.scenarios)
    without = sum(not scenario.diagnostics for scenario in run.of(Outcome.FAILED, Outcome.ERROR))
    if not taken:
        return ""
    more = f"; of {without} more that failed or are in error there are none ({MOST} at the most)" if without else ""
    return f"diagnostics of {counted(taken, 'scenario')}: {FOLDER}/ beside the record{more}"

"""The record as a file: written so that a crash loses nothing, read with one clear sentence where it is damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.record.document import FORMAT, VERSION, facts_document, scenario_document
from conformance.record.opening import PARTS, OpenRecord, collector_at_rest, divided, open_record
from conformance.record.overview import overview_document
from conformance.record.part import InvalidRecord
from conformance.record.run import Facts, Run, ScenarioRecord

WIDTH = 160
"""A line of a record is no longer than this where it can be helped: tables stay readable."""


def run_to_json(run: Run) -> str:
    """The record as text. Raises InvalidRecord for a time that is no number."""
    return _text(run.facts, [scenario_document(scenario) for scenario in run.scenarios])


def run_from_json(text: str) -> Run:
    """The run in a record. Raises InvalidRecord: no JSON, no record, damaged, or of a newer version."""
    return _run(OpenRecord(*divided(text.encode("utf-8", "surrogatepass"))))


def write(run: Run, path: Path) -> None:
    """Writes the record in one piece: whoever reads sees the old file or the new one, never half of it."""
    _replace(path, run.to_json())


def read(path: Path) -> Run:
    """The run in a file, packed or not, or in the `record.json` of a report folder.

    Where a run was killed there are only the finished parts of it: they make a run without an end (`was_cut_short`).

    Raises InvalidRecord, with the file's name.
    """
    return _run(open_record(path))


def _run(record: OpenRecord) -> Run:
    with collector_at_rest():
        return Run(record.facts, tuple(record))


class Writer:
    """Keeps a record safe while its run goes on: each scenario is on the disk as soon as it is added.

    Used with `with`. What an earlier run that was killed left in the same place is kept beside it, as `….cut-short.parts`.
    """

    def __init__(self, path: Path, facts: Facts) -> None:
        self._path, self._facts = path, facts
        self._parts = path.with_name(path.name + PARTS)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._parts.exists():
            self._parts.replace(path.with_name(path.name + ".cut-short" + PARTS))
        self._scenarios: list[tuple[ScenarioRecord, Any]] = []
        self._file = self._parts.open("w", encoding="utf-8")
        self._append(_head(facts))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, scenario: ScenarioRecord, document: Any = None) -> None:
        """Adds a finished scenario, with the document that it was read from where there is one.

        Raises InvalidRecord for a time that is no number.
        """
        document = scenario_document(scenario) if document is None else document
        self._append(document)
        self._scenarios.append((scenario, document))

    def replace(self, scenario: ScenarioRecord) -> None:
        """Puts a scenario into the place of the one with its name; in the file of parts the last one counts."""
        self._scenarios = [each for each in self._scenarios if each[0].name != scenario.name]
        self.add(scenario)

    def finish(self, facts: Facts) -> Run:
        """Writes the whole record with the final facts, in the order of the catalogue's files, and drops the parts."""
        self._file.close()
        self._scenarios.sort(key=lambda each: (each[0].file, each[0].name))
        _replace(self._path, _text(facts, [document for _, document in self._scenarios]))
        self._parts.unlink()
        return Run(facts, tuple(scenario for scenario, _ in self._scenarios))

    def _append(self, document: Any) -> None:
        try:
            line = json.dumps(document, allow_nan=False, separators=(",", ":"))
        except ValueError:
            raise InvalidRecord("a time of this scenario is infinite or no number: that is a fault of the suite") from None
        self._file.write(line + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".new")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _text(facts: Facts, scenarios: list[Any]) -> str:
    document = _head(facts) | {"overview": overview_document(scenarios), "scenarios": scenarios}
    try:
        return _laid_out(document) + "\n"
    except ValueError:
        raise InvalidRecord("a time of this run is infinite or no number: that is a fault of the suite") from None


def _head(facts: Facts) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "facts": facts_document(facts)}


_in_one_line = json.JSONEncoder(allow_nan=False).encode


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON in which everything that fits stands on one line, so that a table's row is a row."""
    if not isinstance(value, dict | list) or not value:
        return _in_one_line(value)
    if isinstance(value, list) and not any(isinstance(each, dict | list | str) for each in value):
        return _in_one_line(value)
    if len(indent) + len(value) <= WIDTH:  # else it is longer than a line without being written
        line = _in_one_line(value)
        if len(indent) + len(line) <= WIDTH:
            return line
    inner = indent + " "
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join((opening, ",\n".join(_lines(value, inner)), indent + closing))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{indent}{_in_one_line(key)}: {_laid_out(each, indent)}" for key, each in value.items())
    else:
        yield from (indent + _laid_out(each, indent) for each in value)

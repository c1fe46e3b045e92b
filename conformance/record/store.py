"""The record as a file: written so that a crash loses nothing, read with one clear sentence where it is damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.record.document import FORMAT, VERSION, facts_document, scenario_document
from conformance.record.part import InvalidRecord, Part
from conformance.record.reader import read_facts, read_scenario
from conformance.record.run import Facts, Run, ScenarioRecord
from conformance.record.upgrade import upgraded_facts, upgraded_scenario

WIDTH = 160
"""A line of a record is no longer than this where it can be helped: tables stay readable."""

PARTS = ".parts"
"""Added to the record's name while the run goes on: JSON lines, the facts first, then each scenario as it is finished."""


def run_to_json(run: Run) -> str:
    """The record as text. Raises InvalidRecord for a time that is no number."""
    return _text(run.facts, [scenario_document(scenario) for scenario in run.scenarios])


def run_from_json(text: str) -> Run:
    """The run in a record. Raises InvalidRecord: no JSON, no record, damaged, or of a newer version."""
    part = _parsed(text)
    facts, version = _read_head(part)
    return Run(facts, tuple(_read_scenario(each, version) for each in part["scenarios"].parts()))


def write(run: Run, path: Path) -> None:
    """Writes the record in one piece: whoever reads sees the old file or the new one, never half of it."""
    _replace(path, run.to_json())


def read(path: Path) -> Run:
    """The run in a file, or in the `record.json` of a report folder.

    Where a run was killed there are only the finished parts of it: they make a run without an end (`was_cut_short`).

    Raises InvalidRecord, with the file's name.
    """
    path = path / "record.json" if path.is_dir() else path
    parts = path if path.name.endswith(PARTS) else path.with_name(path.name + PARTS)
    try:
        if not path.exists() and parts.exists():
            path = parts
        return _from_parts(_text_of(path)) if path == parts else run_from_json(_text_of(path))
    except InvalidRecord as fault:
        raise InvalidRecord(f"{path}: {fault}") from None


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
    try:
        return _laid_out(_head(facts) | {"scenarios": scenarios}) + "\n"
    except ValueError:
        raise InvalidRecord("a time of this run is infinite or no number: that is a fault of the suite") from None


def _head(facts: Facts) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "facts": facts_document(facts)}


def _read_scenario(part: Part, version: int) -> ScenarioRecord:
    return read_scenario(Part(upgraded_scenario(part.value, version), part.path))


def _read_head(part: Part) -> tuple[Facts, int]:
    """The facts, and the version of the record."""
    document = part.mapping()
    if document.get("format") != FORMAT:
        raise InvalidRecord(f'this is no record of cni-conformance: it has no "format": "{FORMAT}"')
    version = part["version"].integer()
    if version > VERSION:
        raise InvalidRecord(f"the record has version {version} and this cni-conformance reads up to {VERSION}: install a newer one")
    facts = part["facts"]
    return read_facts(Part(upgraded_facts(facts.value, version), facts.path)), version


def _from_parts(text: str) -> Run:
    # A run that was killed while it wrote leaves half a line at the end, without a line break: it is left out.
    lines = text.split("\n")[:-1]
    if not lines:
        raise InvalidRecord("the record is empty: its run was killed before it began")
    facts, version = _read_head(_parsed(lines[0]))
    return Run(facts, tuple(_read_scenario(_parsed(line, f"line {number}"), version) for number, line in enumerate(lines[1:], 2)))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise InvalidRecord(f"the record cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRecord("the record is damaged: it is not text in UTF-8") from None


def _parsed(text: str, path: str = "record") -> Part:
    try:
        return Part(json.loads(text, parse_constant=_refuse), path)
    except json.JSONDecodeError as fault:
        raise InvalidRecord(
            f"the record is damaged: {path} is not JSON ({fault.msg} in line {fault.lineno}, column {fault.colno})"
        ) from None
    except (ValueError, RecursionError):
        raise InvalidRecord(f"the record is damaged: {path} has a number or a nesting that no record has") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


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

"""What lint found, for a terminal, for a program, and for GitHub's checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from conformance.lint.rules import Linted, LintFinding
from conformance.lint.scene import Level
from conformance.report.page import printable

_GITHUB = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def told(linted: Linted, level: Level) -> str:
    """Every finding of this level or a worse one with its line and a caret, what was not judged, and a count of all."""
    shown = [each for each in linted.findings if each.rule.level >= level]
    parts = [_finding(each) for each in shown]
    parts += [f"Not judged: {printable(sentence)}." for sentence in linted.not_judged]
    return "\n\n".join([*parts, _summary(linted, level)])


def _finding(finding: LintFinding) -> str:
    fault, rule = finding.fault, finding.rule
    text = f"{rule.level}: {printable(finding.policy)}: {printable(fault.text)} [{rule.name}]"
    # A line that does not print as it stands would move the caret: it is left out.
    line = fault.source_line if fault.source_line.isprintable() and len(fault.source_line) < _WIDEST else ""
    return f"{replace(fault, text=text, source_line=line)}\n       = {rule.docs}"


_WIDEST = 200
"""A longer line is no help in finding a place in it."""


def _summary(linted: Linted, level: Level) -> str:
    counts = [f"{len(found)} {each}{'' if len(found) == 1 else 's'}" for each in reversed(Level) if (found := linted.of(each))]
    hidden = sum(len(linted.of(each)) for each in Level if each < level)
    looked = f"{_many(linted.policies, 'policy', 'policies')} for {_many(linted.workloads, 'workload', 'workloads')}"
    if not counts:
        return f"Nothing found in {looked}."
    return f"{', '.join(counts)} in {looked}" + (f"; {hidden} below --level {level} not shown." if hidden else ".")


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def to_json(linted: Linted, level: Level) -> str:
    """The same as a JSON document: `findings`, `policies`, `workloads`, `not_judged`, `hidden`."""
    shown = [each for each in linted.findings if each.rule.level >= level]
    found = [
        {
            "rule": each.rule.name,
            "level": str(each.rule.level),
            "file": str(each.fault.path),
            "line": each.fault.line,
            "column": each.fault.column,
            "policy": each.policy,
            "sentence": each.fault.text,
            "docs": each.rule.docs,
        }
        for each in shown
    ]
    content = {
        "findings": found,
        "policies": linted.policies,
        "workloads": linted.workloads,
        "not_judged": linted.not_judged,
        "hidden": len(linted.findings) - len(shown),
    }
    return json.dumps(content, indent=1)


def github(linted: Linted, level: Level) -> str:
    """One `::warning file=…,line=…` a finding, as GitHub's runner reads them, and the summary as its last line."""
    shown = (each for each in linted.findings if each.rule.level >= level)
    return "\n".join([*_github(shown), _summary(linted, level)])


def _github(findings: Iterable[LintFinding]) -> Iterator[str]:
    for each in findings:
        fault = each.fault
        place = f"file={_property(str(fault.path))},line={fault.line},col={fault.column},title={_property(each.rule.name)}"
        yield f"::{_GITHUB[each.rule.level]} {place}::{_data(f'{each.policy}: {fault.text} ({each.rule.docs})')}"


def _data(text: str) -> str:
    """A message as the runner wants it."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

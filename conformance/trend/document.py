"""A trend as JSON, with everything that the pages cut."""

from __future__ import annotations

import json
from typing import Any

from conformance.trend.columns import Flaky, Stretch
from conformance.trend.night import LETTERS, Night
from conformance.trend.section import Change, Section, Waiting
from conformance.trend.trend import Trend
from conformance.trend.words import headline, overall

FORMAT, VERSION = "cni-conformance/trend", 1
"""Keys may be added to a version; whoever reads it leaves unknown ones aside."""

Document = dict[str, Any]


def to_json(trend: Trend) -> str:
    """The trend as JSON text: the same nights give the same text. Times are in seconds; a night is named by when it began."""
    found = trend.found
    document = {
        "format": FORMAT,
        "version": VERSION,
        "sentence": overall(trend),
        "plugins": [_plugin(section) for section in trend.sections],
        "left_aside": {
            "damaged": [{"record": path, "fault": fault} for path, fault in found.faults],
            "copies": trend.copies,
            "older": trend.older,
            "other_files": found.others,
            "closed_folders": list(found.closed),
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _plugin(section: Section) -> Document:
    return {
        "title": section.title,
        "plugin": section.last.plugin,
        "sentence": headline(section),
        "broke": [_stretch(section, each) for each in section.broke],
        "fixed": [_stretch(section, each) for each in section.fixed],
        "became_known": [_stretch(section, each) for each in section.became_known],
        "in_error": [_waiting(section, each) for each in section.in_error],
        "no_longer_measured": [_waiting(section, each) for each in section.idle],
        "still_failing": [_stretch(section, each) for each in section.still],
        "flaky": [_flaky(section, each) for each in section.flaky],
        "gone": [_waiting(section, each) for each in section.gone],
        "new": list(section.new),
        "failed_before": [_stretch(section, each) for each in section.past],
        "letters": {letter: str(outcome) for outcome, letter in LETTERS.items()} | {" ": "not in the record"},
        "scenarios": dict(section.columns),
        "nights": [_night(section, number, night) for number, night in enumerate(section.nights)],
    }


def _stretch(section: Section, each: Stretch) -> Document:
    return {
        "scenario": each.name,
        "is_flaky": each.name in section.flaky_names,
        "sentence": section.sentences.get(each.name, ""),
        "last_good": _when(section, each.good),
        "first_bad": _when(section, each.first),
        "last_bad": _when(section, each.last),
        "fixed": _when(section, each.fixed),
        "nights_failed": each.failed,
        "nights_unmeasured_before": each.unmeasured,
        "changed_when_it_broke": [_change(change) for change in section.changes_of(each)],
        "changed_when_it_was_fixed": [_change(change) for change in section.changes_that_fixed(each)],
    }


def _when(section: Section, number: int | None) -> str | None:
    return None if number is None else section.nights[number].started


def _change(change: Change) -> Document:
    return {"what": change.what, "before": change.before, "after": change.after}


def _waiting(section: Section, each: Waiting) -> Document:
    return {"scenario": each.name, "since": _when(section, each.since), "last_measured": _when(section, each.last)}


def _flaky(section: Section, each: Flaky) -> Document:
    return {
        "scenario": each.name,
        "rate": round(each.rate, 4),
        "nights_failed": each.failed,
        "nights_measured": each.measured,
        "changes": each.flips,
        "last_changed": _when(section, each.last),
    }


def _night(section: Section, number: int, night: Night) -> Document:
    return {
        "started": night.started,
        "records": list(night.paths),
        "plugin": night.version,
        "kubernetes": night.kubernetes,
        "suite": night.suite,
        "seconds": night.seconds,
        "not_whole": night.missing,
        "outcomes": {str(outcome): night.count(letter) for outcome, letter in LETTERS.items()},
        "broke": section.broken_by_night.get(number, 0),
        "fixed": section.fixed_by_night.get(number, 0),
        "findings": dict(night.findings),
        "time_to_enforce": {
            f"newly-{verdict}": {"cells": each.cells, "never": each.never, "p50": each.p50, "p99": each.p99}
            for verdict, each in night.enforced.items()
        },
    }

"""A comparison as JSON for machines. docs/compare.md explains its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from conformance.compare.nouns import Became, Compared, Comparison, Distribution, OpenPoint, Row, Share, Times
from conformance.compare.times import BOUNDS
from conformance.compare.words import headline
from conformance.world.verdict import Outcome

FORMAT = "cni-conformance/comparison"
VERSION = 1

Document = dict[str, Any]


def to_json(comparison: Comparison) -> str:
    """The comparison as text in plain ASCII; "for each record" is an array in the order of `records`."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "sentence": headline(comparison),
        "records": [_record(each) for each in comparison.records],
        "scenarios": [_row(each) for each in comparison.rows],
        "groups": [_share(each) for each in comparison.groups],
        "capabilities": [_share(each) for each in comparison.capabilities],
        "open_points": [_open_point(each) for each in comparison.open_points],
        "open_alike": comparison.open_alike,
        "time_to_enforce": {
            "scenarios": comparison.timed,
            "bounds": list(BOUNDS),
            "rows": [_times(each) for each in comparison.times],
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _record(record: Compared) -> Document:
    facts = record.facts
    return {
        "label": record.label,
        "path": record.path,
        "plugin": {"name": facts.plugin.name, "title": facts.plugin.title, "version": facts.plugin.version},
        "suite": facts.suite,
        "started": facts.started,
        "ended": facts.ended,
        "seconds": facts.seconds,
        "families": [str(each) for each in facts.families],
        "cluster": dict(facts.cluster),
        "capabilities": list(facts.capabilities),
        "shard": str(facts.shard.part) if facts.shard else None,
        "cut_short": record.was_cut_short,
        "resolution": record.resolution,
        "outcomes": _outcomes(record.outcomes),
        "own": list(record.own),
        "lacks": list(record.lacks),
    }


def _outcomes(counts: Mapping[Outcome, int]) -> Document:
    return {str(outcome): counts.get(outcome, 0) for outcome in Outcome}


def _row(row: Row) -> Document:
    return {
        "name": row.name,
        "group": row.group,
        "about": row.about,
        "needs": list(row.needs),
        "differences": [str(each) for each in row.differences],
        "became": [None if each is None else _became(each) for each in row.became],
        "cells": row.cells,
        "where": [
            {
                "step": each.step,
                "action": each.action,
                "question": each.question,
                "seen": [None if kind is None else str(kind) for kind in each.seen],
            }
            for each in row.where
        ],
    }


def _became(became: Became) -> Document:
    return {
        "outcome": str(became.outcome),
        "sentence": became.sentence,
        "troubles": {str(kind): number for kind, number in became.troubles.items()},
    }


def _share(share: Share) -> Document:
    document = {
        "name": share.name,
        "scenarios": share.scenarios,
        "differing": share.differing,
        "outcomes": [_outcomes(each) for each in share.outcomes],
    }
    return document | {"has": list(share.has)} if share.has else document


def _open_point(point: OpenPoint) -> Document:
    return {
        "scenario": point.scenario,
        "verdicts": [None if each is None else str(each) for each in point.verdicts],
        "answers": [None if each is None else str(each) for each in point.answers],
        "cells": [[step, question] for step, question in point.cells],
    }


def _times(times: Times) -> Document:
    return {"now": str(times.now), "change": times.change, "records": [_distribution(each) for each in times.distributions]}


def _distribution(each: Distribution) -> Document:
    return {
        "cells": each.cells,
        "never": each.never,
        "p50": each.p50,
        "p90": each.p90,
        "p99": each.p99,
        "longest": each.longest,
        "bins": list(each.bins),
    }

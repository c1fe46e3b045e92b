"""The run as one versioned JSON document: everything that a report, a comparison or a second judgement needs."""

from conformance.record.document import FORMAT, VERSION
from conformance.record.part import InvalidRecord
from conformance.record.run import Facts, Phase, Plugin, Run, ScenarioRecord, Setting, ShardFacts, rejudge
from conformance.record.store import Writer, read, write

__all__ = [
    "FORMAT",
    "VERSION",
    "Facts",
    "InvalidRecord",
    "Phase",
    "Plugin",
    "Run",
    "ScenarioRecord",
    "Setting",
    "ShardFacts",
    "Writer",
    "read",
    "rejudge",
    "write",
]

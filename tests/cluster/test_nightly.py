"""The night of a plugin as its workflow says, on a real cluster: the jobs' own lines, with one scenario."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import workflow

from conformance.cluster import kind

SCENARIO = "limit-traffic-to-an-application"


@pytest.mark.parametrize(("plugin", "outcome", "first_night"), [("ptp", "failed", 1), ("cilium", "passed", 0)])
def test_a_plugins_night_and_the_next_one(plugin: str, outcome: str, first_night: int, tmp_path: Path) -> None:
    workflow.program(tmp_path / "programs", "gh", workflow.GH)
    path = os.pathsep.join([str(tmp_path / "programs"), str(Path(sys.executable).parent), workflow.Machine.path])
    cell = next(cell for cell in workflow.cells() if cell["plugin"] == plugin)
    part = workflow.inputs_of({**cell, "marks": ""}, expression=SCENARIO)  # what is in the quick part changes
    first = workflow.Machine(tmp_path / "first", path, {"BEFORE": str(tmp_path / "none")})

    code, said = first.run("plugin", "measure", {"inputs": part, "matrix": {"shard": "1/1"}}, tmp_path / "measure")
    assert 0 == code, said
    assert kind.known("night") is None
    record = json.loads((tmp_path / "measure" / "out" / "shard-1" / "record.json").read_text())
    assert {SCENARIO: outcome} == {each["name"]: each["outcome"] for each in record["scenarios"]}
    facts = record["facts"]
    assert (plugin, cell["kube-proxy"]) == (facts["plugin"]["name"], facts["cluster"]["kube-proxy"])

    whole = {**part, "expression": ""}  # else its record is no baseline of the next night
    code, said = first.run("plugin", "report", {"inputs": whole}, tmp_path / "report")
    assert first_night == code, said

    # the same shards again as the next night: what fails is known
    next_night = workflow.Machine(tmp_path / "next", path, {"BEFORE": str(tmp_path / "first")})
    (shard,) = (tmp_path / "first").glob("shard-*")
    shutil.copytree(shard, tmp_path / "next" / shard.name)
    code, said = next_night.run("plugin", "report", {"inputs": whole}, tmp_path / "next-report")
    assert (0, True) == (code, "nothing is worse" in said), said
    assert "nothing is worse" in (tmp_path / "next-report" / "step-summary.md").read_text()

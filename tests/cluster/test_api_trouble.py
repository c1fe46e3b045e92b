"""An API server that is away, and one that is restarted in the middle of a run."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import COMMAND, call, outcomes
from live import TIMES, connected
from test_probing import kill_api_server

from conformance.cluster import clean
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.client import Cluster
from conformance.cluster.kind_cluster import KindCluster

SCENARIOS = "limit-traffic or only-to-a-named-port or three-tiers or default-deny or allow-all-"


def without_server(kind: KindCluster, folder: Path) -> Path:
    """The kubeconfig of a cluster with an address at which nobody listens."""
    document = yaml.safe_load(kind.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def test_an_api_server_that_is_away_is_told_in_one_sentence(cilium, tmp_path):
    with pytest.raises(BrokenCluster) as trouble:
        Cluster.connect(without_server(cilium, tmp_path), None, replace(TIMES, stream=1.0))
    assert "the API server at https://127.0.0.1:1 " in str(trouble.value)
    assert "cannot be reached: Connection refused" in str(trouble.value)


def test_a_run_without_an_api_server_ends_with_that_sentence(cilium, tmp_path):
    path = without_server(cilium, tmp_path)
    words = ("run", "--cluster", "kubeconfig", "-n", "0", "--times", "stream=1", "-k", "limit-traffic")
    ended = call(*words, folder=tmp_path, KUBECONFIG=str(path))
    assert 3 == ended.code, ended.text
    assert "cannot be reached: Connection refused" in ended.text
    assert "Traceback" not in ended.text


def test_a_run_outlives_a_restart_of_the_api_server(cilium, tmp_path):
    said, cluster = tmp_path / "said", connected(cilium)
    before = clean.runs(cluster)
    with said.open("w") as output:
        words = [COMMAND, "run", "--name", cilium.name, "-k", SCENARIOS, "-n", "2", "--report", "out"]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
        until = time.monotonic() + 600
        while "passed" not in said.read_text() and process.poll() is None:
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
        assert process.poll() is None, said.read_text()
        kill_api_server(cilium)
        code = process.wait(900)
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    listed = call("list", "-k", SCENARIOS)
    found = outcomes(record)
    assert len(found) >= 8, listed.text
    assert set(found.values()) <= {"passed", "error"}, said.read_text()
    assert code == (3 if "error" in found.values() else 0), said.read_text()
    assert all(scenario["sentence"] for scenario in record["scenarios"] if scenario["outcome"] == "error")
    assert before == clean.runs(cluster)
    cluster.close()

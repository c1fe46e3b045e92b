"""A worker of pytest-xdist that is killed: record, first line and exit code say the same, and the other scenarios are measured."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.record import read

COMMAND = str(Path(sys.executable).with_name("cni-conformance"))
CRASHED, OTHER = "deny-all-traffic-to-an-application", "limit-traffic-to-an-application"

KILLER = """
import os, signal

def pytest_runtest_HOOK(nodeid):
    if "PYTEST_XDIST_WORKER" in os.environ and nodeid.endswith("::CRASHED"):
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""A plugin of pytest. At `logfinish` all reports of a scenario have left the worker, but not yet that it is over."""


def run(folder: Path, hook: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "killer.py").write_text(KILLER.replace("HOOK", hook).replace("CRASHED", CRASHED))
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}  # we may be a worker ourselves
    known = {**own, "CNI_CONFORMANCE_CACHE": str(folder / "cache"), "PYTEST_PLUGINS": "killer", "PYTHONPATH": str(folder)}
    choice = ["run", "--cluster", "simulated", "-n", "1", "-k", f"{CRASHED} or {OTHER}", *words]
    return subprocess.run([COMMAND, *choice], cwd=folder, env=known, capture_output=True, text=True, check=False)


ERROR = "1 scenario could not be measured"
FAULT = ("--fault", "ipv6-not-enforced")


@pytest.mark.parametrize(
    ("hook", "words", "code", "outcomes", "first"),
    [
        pytest.param("logfinish", (), 3, ["error", "passed"], ERROR, id="behind a scenario that had passed"),
        pytest.param("logfinish", FAULT, 1, ["failed", "failed"], "in 2 of 2 scenarios", id="behind one that had failed"),
        pytest.param("logstart", (), 3, ["error", "passed"], ERROR, id="before its end"),
    ],
)
def test_what_a_run_says_whose_worker_was_killed(tmp_path, hook, words, code, outcomes, first):
    done = run(tmp_path, hook, *words)
    found = read(tmp_path / "reports" / "out")
    assert (code, outcomes) == (done.returncode, [each.outcome for each in found.scenarios]), done.stdout + done.stderr
    assert first in next(line for line in done.stdout.splitlines() if "the simulated plugin" in line)
    sentence = f"the suite itself broke down: worker 'gw0' crashed while running '{found.scenarios[0].file}::{CRASHED}'"
    assert ("error" in outcomes) == (sentence == found.scenarios[0].sentence)

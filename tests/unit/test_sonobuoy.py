"""Sonobuoy's contract: the results lie in its folder, and `done` says which file they are."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.inside.emitted import emitted
from conformance.inside.sonobuoy import hand_over
from conformance.record import Run
from conformance.record.opening import unpacked

COMMAND = str(Path(sys.executable).with_name("cni-conformance"))
QUICK = ("run", "--cluster", "simulated", "-n", "0", "-k", "deny-all-traffic-to-an-application")


@pytest.fixture
def results(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    monkeypatch.setenv("SONOBUOY_RESULTS_DIR", str(folder))
    return folder


def junit_in(results: Path) -> ET.Element:
    """What Sonobuoy reads: the XML of the file that `done` names."""
    with tarfile.open((results / "done").read_text()) as tar:
        names = [name for name in tar.getnames() if name.endswith(".xml")]
        assert 1 == len(names)
        return ET.fromstring(tar.extractfile(names[0]).read())  # noqa: S314 - we wrote it


def run(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "CNI_CONFORMANCE_CACHE": str(folder / "cache"), **environment}
    return subprocess.run([COMMAND, *words], cwd=folder, env=known, capture_output=True, text=True, check=False)


def test_a_run_hands_over_its_reports_and_says_where_they_are(results, tmp_path):
    done = run(*QUICK, "--sonobuoy", "--emit", "night", folder=tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert str(results / "cni-conformance.tar.gz") == (results / "done").read_text()
    assert {"tests": "1", "failures": "0", "errors": "0"}.items() <= junit_in(results).attrib.items()
    record = json.loads(unpacked(emitted(done.stdout).packed).decode())
    assert ["deny-all-traffic-to-an-application"] == [each["name"] for each in record["scenarios"]]
    assert (tmp_path / "reports" / "out" / "record.json").read_text() == unpacked(emitted(done.stdout).packed).decode()


def test_a_run_that_cannot_begin_is_one_test_in_error_with_its_reason(results, tmp_path):
    done = run("run", "--cluster", "kubeconfig", "--sonobuoy", folder=tmp_path, KUBECONFIG=str(tmp_path / "none"))
    assert 3 == done.returncode, done.stdout + done.stderr
    found = junit_in(results)
    assert ("1", "1") == (found.get("tests"), found.get("errors"))
    assert "there is no kubeconfig" in found.find(".//error").get("message")


def test_nothing_half_written_is_seen_by_who_waits_for_it(results):
    results.mkdir()
    hand_over(None, "a reason with <brackets> & a \x07 bell")
    assert ["cni-conformance.tar.gz", "done"] == sorted(path.name for path in results.iterdir())
    assert "a reason with <brackets> & a" in junit_in(results).find(".//error").get("message")


def test_diagnostics_are_handed_over_with_the_reports(results, tmp_path):
    results.mkdir()
    (tmp_path / "report" / "diagnostics" / "flaps").mkdir(parents=True)
    (tmp_path / "report" / "diagnostics" / "flaps" / "about.md").write_text("# flaps")
    with tarfile.open(hand_over(tmp_path / "report", "")) as tar:
        assert b"# flaps" == tar.extractfile("./diagnostics/flaps/about.md").read()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_started(results, tmp_path):
    results.write_text("a file")
    done = CliRunner().invoke(main, [*QUICK, "--sonobuoy"])
    assert 2 == done.exit_code
    assert f"--sonobuoy: {results} cannot be written: " in done.output


def test_a_run_that_is_told_to_end_still_emits_what_it_has(tmp_path):
    words = [COMMAND, "run", "--cluster", "simulated", "-n", "0", "--emit", "night"]
    known = {**os.environ, "CNI_CONFORMANCE_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(words, cwd=tmp_path, env=known, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        told = next(line for line in lines if "✓ passed" in line)
        process.send_signal(signal.SIGTERM)
        rest = "".join(lines)
    assert 130 == process.returncode
    found = Run.from_json(unpacked(emitted(told + rest).packed).decode())
    assert found.was_cut_short
    assert found.scenarios


@pytest.mark.parametrize("name", ["", "a/b", "Night", ".."], ids=["empty", "a path", "a capital letter", "the folder above"])
def test_a_name_that_no_record_can_have_is_refused_before_anything_is_started(name):
    done = CliRunner().invoke(main, [*QUICK, "--emit", name])
    assert 2 == done.exit_code
    assert "small letters, digits, hyphens and dots" in done.output

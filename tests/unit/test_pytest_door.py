"""The pytest door, as far as it goes without a cluster: collecting, choosing, and what is wrong in files."""

import gc
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from conformance import data
from conformance.pytest_plugin import Recorder
from conformance.scenario.catalogue import is_scenario

pytest_plugins = ["pytester"]

CATALOGUE = data.folder("scenarios")

GOOD = """name: {name}
about: Nobody reaches the shop.
because: A policy without rules isolates.
layout: {{shop: {{pods: {{api: {{}}, front: {{}}}}}}}}
policies:
  deny: |
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {{name: deny, namespace: shop}}
    spec: {{podSelector: {{}}}}
steps:
  - apply: [deny]
    expect: all blocked
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def catalogue(pytester: pytest.Pytester) -> Path:
    folder = pytester.path / "scenarios"
    (folder / "own").mkdir(parents=True)
    for file in ("schema.json", "capabilities.yaml"):
        (folder / file).write_bytes((CATALOGUE / file).read_bytes())
    for name in ("first", "second"):
        (folder / "own" / f"{name}.yaml").write_text(GOOD.format(name=name))
    return folder


def lines(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_scenarios_are_collected_without_a_cluster(pytester, catalogue, cache):
    result = pytester.runpytest("--collect-only", "-q", catalogue)
    assert ["scenarios/own/first.yaml::first", "scenarios/own/second.yaml::second"] == lines(result)
    assert (0, False) == (result.ret, cache.exists())


def test_scenarios_are_chosen_by_name(pytester, catalogue):
    assert ["scenarios/own/second.yaml::second"] == lines(pytester.runpytest("--collect-only", "-q", "-k", "second", catalogue))


@pytest.mark.parametrize(("marks", "count"), [("own", 2), ("not own", 0)])
def test_scenarios_are_chosen_by_their_group(pytester, catalogue, marks, count):
    assert count == len(lines(pytester.runpytest("--collect-only", "-q", "-m", marks, catalogue)))


def test_disruptive_scenarios_come_last_and_have_a_mark(pytester, catalogue):
    (catalogue / "own" / "a.yaml").write_text("disruptive: true\n" + GOOD.format(name="a"))
    every, quiet = (lines(pytester.runpytest("--collect-only", "-q", *words, catalogue)) for words in ((), ("-m", "not disruptive")))
    assert ["first", "second", "a"] == [line.rpartition("::")[2] for line in every]
    assert ["first", "second"] == [line.rpartition("::")[2] for line in quiet]


def test_the_whole_catalogue_is_collected(pytester):
    files = sorted(path.name for path in CATALOGUE.rglob("*.yaml") if is_scenario(path))
    result = pytester.runpytest("--collect-only", "-q", "--rootdir", CATALOGUE.parent, CATALOGUE)
    assert files == sorted(line.split("::")[0].rpartition("/")[2] for line in lines(result))


@pytest.mark.parametrize(
    ("left_record", "expected"),
    [
        pytest.param(True, ["added a", "lost a: it crashed"], id="after it was measured"),
        pytest.param(False, ["lost a: it crashed"], id="before"),
    ],
)
def test_a_crash_of_a_scenarios_worker_is_told_also_after_its_record(*, left_record: bool, expected: list[str]) -> None:
    told: list[str] = []
    recorder = Recorder(
        SimpleNamespace(
            add=lambda document: told.append(f"added {document['name']}"), lost=lambda name, text: told.append(f"lost {name}: {text}")
        )
    )
    if left_record:
        recorder.pytest_runtest_logreport(
            SimpleNamespace(nodeid="a", failed=False, when="setup", cni_conformance_record='{"name": "a"}', longrepr=None)
        )
    recorder.pytest_runtest_logreport(SimpleNamespace(nodeid="a", failed=True, when="???", longrepr="it crashed"))
    assert expected == told


def test_every_fault_of_every_file_is_told_and_nothing_is_started(pytester, catalogue, cache):
    for name in ("first", "second"):
        (catalogue / "own" / f"{name}.yaml").write_text(GOOD.format(name=name).replace("apply: [deny]", "apply: [allow]"))
    result = pytester.runpytest(catalogue)
    told = [line for line in result.errlines if "yaml:" in line]
    assert (2, False) == (result.ret, cache.exists())
    places = [place for line in told for place in re.findall(r"own/\w+\.yaml:\d+:\d+", line)]
    assert ["own/first.yaml:12:13", "own/second.yaml:12:13"] == places


@pytest.mark.parametrize("option", ["--cluster=minikube", "--times=tea=5", "--family=ipv5"])
def test_a_setting_that_makes_no_sense_is_wrong_usage(pytester, catalogue, option):
    result = pytester.runpytest(option, catalogue)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert option.partition("=")[0] in "\n".join(result.errlines)


def test_other_tests_do_not_notice_the_plugin(pytester, cache):
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest()
    assert {"passed": 1} == result.parseoutcomes()
    assert not cache.exists()


def test_a_scenario_that_is_named_is_collected_wherever_it_lies(pytester):
    (pytester.path / "mine.yaml").write_text(GOOD.format(name="mine"))
    assert ["mine.yaml::mine"] == lines(pytester.runpytest("--collect-only", "-q", "mine.yaml"))


def test_a_file_of_somebody_else_with_the_ending_of_a_world_is_none(pytester, catalogue):
    (catalogue / "own" / "maze.world").write_text("<sdf/>")
    found = lines(pytester.runpytest("--collect-only", "-q", catalogue))
    assert ["scenarios/own/first.yaml::first", "scenarios/own/second.yaml::second"] == found


def test_scenarios_that_are_not_named_lie_below_a_catalogue(pytester):
    (pytester.path / "mine.yaml").write_text(GOOD.format(name="mine"))
    assert [] == lines(pytester.runpytest("--collect-only", "-q", "."))


def test_another_yaml_file_that_is_named_is_left_to_other_plugins(pytester):
    (pytester.path / "other.yaml").write_text("steps: []\n")
    assert [] == lines(pytester.runpytest("--collect-only", "-q", "other.yaml"))


def test_a_session_of_the_users_own_collects_garbage_afterwards_as_it_did_before(pytester, catalogue):
    before = gc.get_threshold(), gc.get_freeze_count()
    pytester.makeconftest("import gc\ndef pytest_collection_finish(): print('looked for at', gc.get_threshold()[0])")
    result = pytester.runpytest_inprocess("--cluster=simulated", "-n0", catalogue / "own" / "first.yaml", "-s")

    assert (0, before) == (result.ret, (gc.get_threshold(), gc.get_freeze_count()))
    result.stdout.fnmatch_lines(["*looked for at 20000*"])

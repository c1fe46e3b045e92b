"""Shards: every process, on every machine, finds the same part of the same selection."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import data
from conformance.scenario.scenario import Layout, NamespacePlan, PodPlan
from conformance.settings import OPTIONS, InvalidSettings, Settings
from conformance.shard import Cost, InvalidShard, Shard, fingerprint, kept_selection, shards
from conformance.world.place import Port

pytest_plugins = ["pytester"]

DEFAULTS = {option.key: option.unset for option in OPTIONS}
CATALOGUE = data.folder("scenarios")
COSTS = {f"scenario-{number:03}": Cost(1 + number * 7 % 9, is_disruptive=number % 27 == 0) for number in range(200)}

HURTING = {name for name, cost in COSTS.items() if cost.is_disruptive}

SCENARIO = """name: {name}
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
NAMES = ["anna", "berta", "clara", "dora", "emma"]


@pytest.fixture
def catalogue(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    folder = pytester.path / "scenarios"
    (folder / "own").mkdir(parents=True)
    for file in ("schema.json", "capabilities.yaml"):
        (folder / file).write_bytes((CATALOGUE / file).read_bytes())
    for name in NAMES:
        (folder / "own" / f"{name}.yaml").write_text(SCENARIO.format(name=name))
    return folder


def collected(pytester: pytest.Pytester, *words: str | Path) -> list[str]:
    return [line.rpartition("::")[2] for line in pytester.runpytest("--collect-only", "-q", *words).outlines if "::" in line]


@pytest.mark.parametrize(("text", "shard"), [("3/8", Shard(3, 8)), ("1/1", Shard(1, 1)), ("8/8", Shard(8, 8)), ("03/08", Shard(3, 8))])
def test_a_shard_is_written_as_a_fraction(text, shard):
    assert shard == Shard.of(text)


@pytest.mark.parametrize(
    "text", ["", "0/8", "9/8", "3/0", "a/b", "3", "3/", "/8", "-1/8", "3/8/1", "1.5/8", " 3/8", "3/8\n", "٣/٨", "1/99999"]
)
def test_any_other_text_is_no_shard(text):
    with pytest.raises(InvalidShard) as caught:
        Shard.of(text)
    assert "it is I/N, the part I of N parts, counted from 1: 3/8" == str(caught.value)


@pytest.mark.parametrize("text", ["0/8", "9/8", "a/b", "3/0"])
def test_a_wrong_shard_is_wrong_usage(text):
    with pytest.raises(InvalidSettings) as caught:
        Settings.of({**DEFAULTS, "shard": text})
    assert f"--shard {text}: it is I/N, the part I of N parts, counted from 1: 3/8" == str(caught.value)


def test_settings_without_a_shard_ask_for_everything():
    assert (None, Shard(2, 5)) == (Settings().part(), Settings.of({**DEFAULTS, "shard": "2/5"}).part())


@pytest.mark.parametrize("total", [1, 2, 3, 8, 64, 200])
def test_every_scenario_is_in_one_shard_and_no_shard_is_empty(total):
    parts = shards(COSTS, total)
    assert (sorted(COSTS), total) == (sorted(name for part in parts for name in part), len([part for part in parts if part]))


def test_shards_do_not_depend_on_the_order_of_the_scenarios():
    mixed = sorted(COSTS, key=lambda name: name[::-1])
    assert shards(COSTS, 8) == shards({name: COSTS[name] for name in mixed}, 8)


def test_shards_cost_about_the_same():
    loads = [sum(COSTS[name].weight for name in part) for part in shards(COSTS, 4)]
    assert max(loads) - min(loads) <= min(cost.weight for cost in COSTS.values())


def test_disruptive_scenarios_are_spread_evenly():
    counts = [sum(COSTS[name].is_disruptive for name in part) for part in shards(COSTS, 3)]
    assert [2, 3, 3] == sorted(counts)


@pytest.mark.parametrize("total", [2, 8, 64])
def test_scenarios_that_need_ports_of_the_nodes_are_in_one_shard(total):
    on_nodes = {name for name in COSTS if name.endswith("3")}
    costs = {name: replace(cost, needs_node_ports=name in on_nodes) for name, cost in COSTS.items()}
    parts = shards(costs, total)
    assert (sorted(COSTS), 1) == (
        sorted(name for part in parts for name in part),
        len([part for part in parts if on_nodes & part - HURTING]),
    )


@pytest.mark.parametrize(
    ("plan", "needs"),
    [
        (PodPlan(serves=(Port(80),)), False),
        (PodPlan(serves=(Port(80),), host_ports=(Port(80),)), True),
        (PodPlan(serves=(Port(80),), is_host_network=True), True),
        (PodPlan(serves=(), is_host_network=True), False),
    ],
    ids=["a pod", "a port of the node", "a server on the node", "somebody on the node who serves nothing"],
)
def test_who_needs_ports_of_the_nodes(plan, needs):
    assert needs is Layout(None, {"shop": NamespacePlan(pods={"api": plan})}).needs_node_ports


def test_with_more_shards_than_scenarios_the_last_ones_are_empty():
    assert [1, 1, 0] == [len(part) for part in shards({"one": Cost(3), "two": Cost(2)}, 3)]


def test_two_selections_have_one_fingerprint_only_where_they_are_the_same():
    prints = [fingerprint(names) for names in (["ab", "c"], ["a", "bc"], ["ab", "c", ""], ["ab"], [], ["\ud800"], ["ab", b"c"])]
    assert (6, prints[0]) == (len(set(prints)), prints[6])


def test_nobody_left_a_selection(tmp_path):
    assert None is kept_selection(tmp_path)


def test_the_shards_of_a_catalogue_are_together_the_catalogue(pytester, catalogue):
    parts = [collected(pytester, f"--shard={number}/3", catalogue) for number in (1, 2, 3)]
    assert ([1, 2, 2], NAMES) == (sorted(map(len, parts)), sorted(name for part in parts for name in part))


def test_shards_are_taken_of_what_is_selected(pytester, catalogue):
    words = ("-k", "not anna and not emma", catalogue)
    parts = [collected(pytester, f"--shard={number}/3", *words) for number in (1, 2, 3)]
    assert [["berta"], ["clara"], ["dora"]] == parts


def test_what_other_shards_have_is_told_as_deselected(pytester, catalogue):
    result = pytester.runpytest("--collect-only", "-q", "--shard=1/3", catalogue)
    assert "2/5 tests collected (3 deselected)" in result.stdout.str()


def test_other_tests_are_in_every_shard(pytester, catalogue):
    module = pytester.makepyfile("def test_something(): assert True")
    assert ["test_something"] == collected(pytester, "--shard=5/5", module)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shard=9/8",), "--shard 9/8: it is I/N, the part I of N parts, counted from 1: 3/8"),
        (("--shard=1/8", "--lf"), "--shard with --lf: what failed last is known on one machine only, and makes no shards"),
    ],
)
def test_shards_that_make_no_sense_are_wrong_usage(pytester, catalogue, words, sentence):
    result = pytester.runpytest(*words, catalogue)
    assert (4, f"ERROR: {sentence}") == (result.ret, result.errlines[0])


def test_a_shard_without_scenarios_is_told_before_anything_is_started(catalogue, tmp_path):
    words = ["run", "--cluster=simulated", "--shard=6/6", "-n0", f"--report={tmp_path / 'out'}", str(catalogue)]
    program = [sys.executable, "-c", "from conformance.cli import main; main()", *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (2, "no scenario is left for shard 6/6: make fewer of them\n") == (done.returncode, done.stdout)
    assert not (tmp_path / "out").exists()

"""A fleet becomes Indexed Jobs: each pod has the words and the kubeconfig of one part, and of no other."""

from __future__ import annotations

import base64
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from fleet_files import FLEET, SERVER, write_fleet

from conformance.cli import main
from conformance.fleet.file import load
from conformance.fleet.fleet import LARGEST_JOB, Fleet, Member, SecretKey
from conformance.fleet.render import LARGEST_OBJECT, InvalidSize, objects
from conformance.inside.job import FINAL


def no_fault(words: object, shards: int) -> str:
    return ""


def fleet_of(*members: Member, parallelism: int = 20) -> Fleet:
    return Fleet("night", "cni-conformance", "suite:1", members, parallelism)


def rendered(file: Path) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["fleet", "render", str(file)])
    assert 0 == result.exit_code, result.output
    return list(yaml.safe_load_all(result.stdout))


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in documents if each["kind"] == kind]


def files_of(documents: list[dict[str, Any]], job: dict[str, Any], index: int) -> dict[str, str]:
    """What a pod of this index sees below /part, as the kubelet puts it there; a Secret of somebody else is named."""
    (volume,) = (each["projected"] for each in job["spec"]["template"]["spec"]["volumes"] if each["name"] == "part")
    objects = {(each["kind"], each["metadata"]["name"]): each["data"] for each in documents if "data" in each}
    there: dict[str, str] = {}
    for source in volume["sources"]:
        if "configMap" in source:
            there |= objects["ConfigMap", source["configMap"]["name"]]
        elif "items" in source["secret"]:
            there |= {each["path"]: f"{source['secret']['name']}/{each['key']}" for each in source["secret"]["items"]}
        else:
            found = objects["Secret", source["secret"]["name"]]
            there |= {key: base64.b64decode(text).decode() for key, text in found.items()}
    mounts = job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    return {
        each["mountPath"]: there[each["subPathExpr"].replace("$(JOB_COMPLETION_INDEX)", str(index))]
        for each in mounts
        if each["name"] == "part"
    }


@pytest.fixture
def documents(tmp_path: Path) -> list[dict[str, Any]]:
    return rendered(write_fleet(tmp_path))


def test_one_index_is_one_shard_of_one_cluster(documents):
    (job,) = of_kind(documents, "Job")
    spec = job["spec"]
    assert ("Indexed", 3, 2, 2, "Failed") == tuple(
        spec[key] for key in ("completionMode", "completions", "parallelism", "backoffLimitPerIndex", "podReplacementPolicy")
    )
    words = [shlex.split(files_of(documents, job, index)["/part/words"]) for index in range(3)]
    common = ["run", "--cluster", "kubeconfig", "--probe-image", "registry.example/suite:1", "-n", "4", "--report", "/work/report"]
    assert [
        [*common, "--emit", "eu-1.1-of-2", "--cluster", "kubeconfig:eu-1", "--cni", "cilium", "--shard", "1/2", "-m", "recipes"],
        [*common, "--emit", "eu-2.1-of-1", "--cluster", "kubeconfig:admin", "--cni", "ptp", "-m", "recipes", "--force"],
        [*common, "--emit", "eu-1.2-of-2", "--cluster", "kubeconfig:eu-1", "--cni", "cilium", "--shard", "2/2", "-m", "recipes"],
    ] == words


def test_a_pod_sees_its_own_kubeconfig_alone(documents):
    (job,) = of_kind(documents, "Job")
    first, second, third = (files_of(documents, job, index)["/part/kubeconfig"] for index in range(3))
    assert ("eu-1", SERVER) == (yaml.safe_load(first)["current-context"], yaml.safe_load(first)["clusters"][0]["cluster"]["server"])
    assert ("eu-2-kubeconfig/value", first) == (second, third)
    pod = job["spec"]["template"]["spec"]
    assert {"name": "KUBECONFIG", "value": "/part/kubeconfig"} in pod["containers"][0]["env"]
    assert ["fleet", "measure", "/part/words"] == pod["containers"][0]["args"]


def test_a_pod_has_no_right_on_the_hub(documents):
    (job,) = of_kind(documents, "Job")
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert {"Secret", "ConfigMap", "Job"} == {each["kind"] for each in documents}


def test_what_was_judged_is_final_and_what_was_lost_is_measured_again(documents):
    (job,) = of_kind(documents, "Job")
    assert [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailIndex", "onExitCodes": {"containerName": "suite", "operator": "In", "values": [1, 2, 4]}},
    ] == job["spec"]["podFailurePolicy"]["rules"]


def test_everything_says_which_fleet_it_is_of(documents):
    assert [("night", "cni-conformance", "night")] * 3 == [
        (each["metadata"]["name"], each["metadata"]["namespace"], each["metadata"]["labels"]["cni-conformance/fleet"]) for each in documents
    ]


def test_a_secret_that_is_missing_stops_its_own_cluster_only(documents):
    (job,) = of_kind(documents, "Job")
    sources = job["spec"]["template"]["spec"]["volumes"][-1]["projected"]["sources"]
    item = {"key": "value", "path": "1.kubeconfig"}
    assert {"secret": {"name": "eu-2-kubeconfig", "optional": True, "items": [item]}} == sources[-1]


def test_the_manifests_are_the_same_each_time(tmp_path):
    file = write_fleet(tmp_path)
    texts = {CliRunner().invoke(main, ["fleet", "render", str(file)]).stdout for _ in range(3)}
    assert 1 == len(texts)


def test_one_of_each_is_told_as_one(tmp_path):
    file = write_fleet(tmp_path, "name: night\nimage: suite\nclusters:\n- {name: eu-1, secret: kubeconfig}\n")
    result = CliRunner().invoke(main, ["fleet", "render", str(file)])
    assert "1 cluster in 1 part: Job night in namespace cni-conformance, 1 pod at a time\n" == result.stderr


def test_what_is_rendered_is_told_beside_it(tmp_path):
    result = CliRunner().invoke(main, ["fleet", "render", str(write_fleet(tmp_path))])
    assert "2 clusters in 3 parts: Job night in namespace cni-conformance, 2 pods at a time\n" == result.stderr
    assert result.stdout.startswith("# Fleet night: 3 parts in namespace cni-conformance. Holds credentials.\napiVersion: v1\n")


def test_a_file_says_everything_itself(tmp_path):
    text = FLEET.replace("run: [-m", "namespace: measuring\nparallelism: 1\nretries: 0\nshards: 3\ncni: bridge\nrun: [-m")
    fleet = load(write_fleet(tmp_path, text.replace(", cni: ptp", "")), no_fault)
    assert ("measuring", 1, 0) == (fleet.namespace, fleet.parallelism, fleet.retries)
    assert [("cilium", 2), ("bridge", 3)] == [(each.cni, each.shards) for each in fleet.members]
    assert SecretKey("eu-2-kubeconfig", "value") == fleet.members[1].kubeconfig


def test_who_fetches_needs_no_kubeconfig(tmp_path):
    file = write_fleet(tmp_path)
    whole = load(file, no_fault)
    (tmp_path / "eu-1.yaml").unlink()
    fleet = load(file, no_fault, with_kubeconfigs=False)
    names = [[part.name for part in job.parts] for job in whole.jobs]
    assert (names, "") == ([[part.name for part in job.parts] for job in fleet.jobs], fleet.members[0].kubeconfig)


def test_a_job_has_all_shards_of_its_clusters_and_not_too_many_parts():
    fleet = fleet_of(*(Member(f"c{number}", "", shards=7) for number in range(40)), parallelism=30)
    assert ["night--1", "night--2", "night--3"] == [job.name for job in fleet.jobs]
    sizes = [len(job.parts) for job in fleet.jobs]
    homes = [{part.member.name for part in job.parts} for job in fleet.jobs]
    assert (True, 280, 40) == (max(sizes) <= LARGEST_JOB, sum(sizes), sum(map(len, homes)))
    assert 30 == sum(job.parallelism for job in fleet.jobs)


@pytest.mark.parametrize("other", ["night", "night-1", "night-2", "night-1-1"])
def test_no_two_fleets_have_an_object_of_one_name(other):
    large = fleet_of(*(Member(f"c{number}", "k" * 9_000) for number in range(201)))
    mine, others = ({(each["kind"], each["metadata"]["name"]) for each in objects(fleet)} for fleet in (large, replace(large, name=other)))
    assert (other == "night") == bool(mine & others)
    small = {(each["kind"], each["metadata"]["name"]) for each in objects(replace(large, name=other, members=large.members[:1]))}
    assert set() == mine & small


def test_nothing_that_is_there_is_replaced(documents):
    """Neither can a Job's template be changed; Secrets and ConfigMaps could."""
    assert [("Secret", True), ("ConfigMap", True), ("Job", None)] == [(each["kind"], each.get("immutable")) for each in documents]


def test_the_first_shards_of_all_clusters_come_first():
    (job,) = fleet_of(Member("a", "", shards=2), Member("b", "", shards=1), Member("c", "", shards=3)).jobs
    expected = ["a.1-of-2", "b.1-of-1", "c.1-of-3", "a.2-of-2", "c.2-of-3", "c.3-of-3"]
    assert (expected, 6) == ([part.name for part in job.parts], job.parallelism)


@pytest.mark.parametrize(("parallelism", "shares"), [(1, [1, 1, 1]), (3, [1, 1, 1]), (5, [2, 2, 1]), (1000, [100, 100, 10])])
def test_pods_are_dealt_out_to_the_jobs(parallelism, shares):
    fleet = fleet_of(*(Member(f"c{number}", "") for number in range(210)), parallelism=parallelism)
    assert shares == [job.parallelism for job in fleet.jobs]


def test_fewer_pods_than_jobs_is_said(tmp_path):
    members = "".join(f"  - {{name: c{number}, secret: s}}\n" for number in range(201))
    text = f"name: night\nimage: suite\nparallelism: 2\nclusters:\n{members}"
    result = CliRunner().invoke(main, ["fleet", "render", str(write_fleet(tmp_path, text))])
    assert [
        "201 clusters in 201 parts: 3 Jobs in namespace cni-conformance, 3 pods at a time",
        "every Job has one pod at least: parallelism 2 is less than there are Jobs",
    ] == result.stderr.splitlines()


def test_objects_are_small_enough_to_be_applied():
    fleet = fleet_of(*(Member(f"c{number}", "k" * 9_000, words=("-k", "x" * 3_000)) for number in range(LARGEST_JOB)))
    documents = list(objects(fleet))
    assert ({"Secret": 7, "ConfigMap": 2, "Job": 1}, True) == (
        {kind: len(of_kind(documents, kind)) for kind in ("Secret", "ConfigMap", "Job")},
        all(len(json.dumps(each)) < 262_144 for each in documents),
    )
    (job,) = of_kind(documents, "Job")
    for index in (0, 57, 99):
        there = files_of(documents, job, index)
        assert ("k" * 9_000, f"c{index}.1-of-1") == (there["/part/kubeconfig"], shlex.split(there["/part/words"])[10])


def test_a_kubeconfig_that_no_object_holds_is_named():
    with pytest.raises(InvalidSize) as caught:
        list(objects(fleet_of(Member("small", "x"), Member("large", "x" * LARGEST_OBJECT, shards=2))))
    assert "large, shard 1/2: its kubeconfig takes 266,688 bytes; an object holds 200,000 of them" == str(caught.value)


def test_a_pod_runs_the_words_of_its_file(tmp_path, monkeypatch):
    said: dict[str, Any] = {}

    def run_pytest(settings, view, **choice):
        said.update(choice, shard=settings.shard)
        return 4

    monkeypatch.setattr("conformance.door.run_pytest", run_pytest)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    (tmp_path / "words").write_text("run --cluster kubeconfig --shard 1/2 -k 'a and not b' --emit c.1-of-2")
    result = CliRunner().invoke(main, ["fleet", "measure", str(tmp_path / "words")])
    assert (4, "a and not b", "1/2", "c.1-of-2") == (result.exit_code, said["expression"], said["shard"], said["emit"])
    assert "cni-conformance run --cluster kubeconfig --shard 1/2 -k 'a and not b' --emit c.1-of-2\n" == result.output


@pytest.mark.parametrize("made", ["a folder", "nothing"])
def test_a_pod_without_its_optional_secret_says_so_in_one_sentence_and_is_tried_again(made, tmp_path, monkeypatch):
    """Where a mounted file is missing, the kubelet makes a folder."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    if made == "a folder":
        (tmp_path / "kubeconfig").mkdir()
    (tmp_path / "words").write_text("run --cluster kubeconfig")
    result = CliRunner().invoke(main, ["fleet", "measure", str(tmp_path / "words")])
    sentence = "there is no kubeconfig: the Secret that the fleet's file names for this cluster is not on the hub, or lacks the key\n"
    assert (3, sentence) == (result.exit_code, result.output)
    assert 3 not in FINAL


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no words of `cni-conformance run`"),
        ("clean", "holds no words of `cni-conformance run`"),
        ("run -k 'a", "holds no words of a command: No closing quotation"),
    ],
    ids=["nothing there", "empty", "another command", "an open quotation"],
)
def test_a_pod_without_words_says_so(content, sentence, tmp_path):
    file = tmp_path / "words"
    if content is not None:
        file.write_text(content)
    result = CliRunner().invoke(main, ["fleet", "measure", str(file)])
    assert (2, f"{file} {sentence}\n") == (result.exit_code, result.output)

"""A fleet on real clusters: two members in two shards each, one pod killed on the way, and the same records as without that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import call, words
from live import connected
from test_inside import LIMIT, apply, connection, kill, until  # noqa: F401 # fixtures

from conformance.cluster import clean
from conformance.cluster.commands import Commands
from conformance.cluster.connection import Connection, Document
from conformance.cluster.kind_cluster import KindCluster, kind_name
from conformance.compare import compare
from conformance.record.digest import read_digest
from conformance.world.verdict import Outcome

NAMESPACE = "fleet"
SCENARIOS = ("deny-all-traffic-to-an-application", "limit-traffic-to-an-application")
CHOICE = ["-n", "1", "-k", words(SCENARIOS)]


@pytest.fixture
def servers(cilium: KindCluster, ptp: KindCluster) -> Iterator[dict[str, str]]:
    """By plugin, where the hub's pods reach the API server of a member: the other cluster gets a foot in the hub's network."""
    commands = Commands(cilium.kubeconfig.parent, cilium.toolbox.environment)
    docker, network = cilium.toolbox.docker, cilium.network.name
    member = f"{kind_name(ptp.name)}-control-plane"
    commands.run(docker, "network", "connect", network, member)
    try:
        yield {each.plugin: f"https://{_address(commands, each, network)}:6443" for each in (cilium, ptp)}
    finally:
        commands.run(docker, "network", "disconnect", network, member)


def _address(commands: Commands, member: KindCluster, network: str) -> str:
    found = json.loads(commands.run(member.toolbox.docker, "inspect", f"{kind_name(member.name)}-control-plane"))
    return str(found[0]["NetworkSettings"]["Networks"][network]["IPAddress"])


def write_fleet(folder: Path, image: str, servers: dict[str, str], members: tuple[KindCluster, ...]) -> Path:
    for member in members:
        document = yaml.safe_load(member.kubeconfig.read_text())
        document["clusters"][0]["cluster"] |= {"server": servers[member.plugin], "tls-server-name": "localhost"}
        (folder / f"{member.plugin}.yaml").write_text(yaml.safe_dump(document))
    clusters = [{"name": each.plugin, "kubeconfig": f"{each.plugin}.yaml", "cni": each.plugin, "shards": 2} for each in members]
    clusters[-1]["run"] = ["--force", "--times", "settle=4"]
    choice = [*CHOICE, "--probe-image", members[0].toolbox.probe_image]
    content = {"name": "night", "namespace": NAMESPACE, "image": image, "parallelism": 4, "run": choice, "clusters": clusters}
    (folder / "fleet.yaml").write_text(yaml.safe_dump(content))
    return folder / "fleet.yaml"


def test_a_shard_that_is_killed_is_measured_again_and_the_records_are_those_of_an_undisturbed_night(
    cilium,
    ptp,
    image,
    connection,  # noqa: F811
    apply,  # noqa: F811
    servers,
    run,
    tmp_path,
):
    # About 110 s: four shards of one scenario each, one of them twice, and both scenarios once more on one cluster.
    file = write_fleet(tmp_path, image, servers, (cilium, ptp))
    rendered = call("-q", "fleet", "render", str(file))
    assert 0 == rendered.code, rendered.text
    apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n---\n{rendered.text}")
    until(lambda: "0" in indexes_at_work(cilium), "world of the first shard")
    (pod,) = pods_of(connection, "0")
    kill(cilium, pod["metadata"]["name"], pod["spec"]["nodeName"])

    ended = call("fleet", "fetch", str(file), "-o", str(tmp_path / "fetched"), "--wait", f"{LIMIT:.0f}", KUBECONFIG=str(cilium.kubeconfig))
    assert (1, True) == (ended.code, "2 clusters: 1 failed, 1 passed" in ended.text), ended.text
    assert [0, 137] == sorted(
        each["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] for each in pods_of(connection, "0")
    )
    assert [(), ()] == [left_in(each) for each in (cilium, ptp)]

    undisturbed, _ = run(cilium, *CHOICE)
    assert 0 == undisturbed.code, undisturbed.text
    comparison = compare([read_digest(tmp_path / "fetched" / "cilium"), read_digest(tmp_path / "out")])
    assert (len(SCENARIOS), []) == (len(comparison.rows), list(comparison.differing))
    assert dict.fromkeys(SCENARIOS, Outcome.FAILED) == {
        each.name: each.outcome for each in read_digest(tmp_path / "fetched" / "ptp").scenarios
    }
    assert set(SCENARIOS) == {path.parent.name for path in (tmp_path / "fetched" / "ptp" / "diagnostics").glob("*/world")}


def pods_of(connection: Connection, index: str) -> list[Document]:  # noqa: F811
    selector = f"batch.kubernetes.io/job-name=night,batch.kubernetes.io/job-completion-index={index}"
    found: list[Document] = connection.call("list", connection.core.list_namespaced_pod, NAMESPACE, label_selector=selector)["items"]
    return found


def indexes_at_work(member: KindCluster) -> set[str]:
    """The indexes whose pods have a world in the member, but for that of the doctor."""
    cluster = connected(member)
    try:
        found = cluster.connection.call("list", cluster.connection.core.list_namespace, label_selector=clean.RUN)["items"]
    finally:
        cluster.close()
    owners = [
        json.loads(each["metadata"]["annotations"][clean.ANNOTATION]) for each in found if not each["metadata"]["name"].endswith("-clinic")
    ]
    return {str(owner.get("slot", "")).rpartition("/")[2] for owner in owners}


def left_in(member: KindCluster) -> tuple[str, ...]:
    cluster = connected(member)
    try:
        return clean.runs(cluster)
    finally:
        cluster.close()

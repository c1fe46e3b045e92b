"""Two nights of a fleet on kind clusters that stand: an undisturbed one, and one whose first shard is killed in the middle.

    for each in "hub cilium" "east cilium-native" "west ptp"; do set -- $each; cni-conformance cluster up --name $1 --cni $2; done
    python benchmarks/fleet_night.py --hub hub east west --shards 2 --words '-m recipes'

The hub must masquerade what its pods send to others (cilium does). The records of both nights must agree, and nothing may be left
in a member.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from conformance.cluster import clean, kind
from conformance.cluster.client import Cluster
from conformance.cluster.commands import Commands
from conformance.cluster.kind_cluster import KindCluster, kind_name
from conformance.compare import compare
from conformance.inside.job import SUITE
from conformance.record.digest import read_digest
from conformance.world.times import Times

NAMESPACE = "fleet-night"
LIMIT = 1800


@dataclass(frozen=True)
class Ground:
    """The hub and its members, the commands for the hub, and the folder for all files."""

    folder: Path
    commands: Commands
    hub: KindCluster
    members: tuple[KindCluster, ...]

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.yaml"

    def reach(self, how: str) -> None:
        """`connect` the members' API servers to the hub's network, or `disconnect` them."""
        for member in self.members:
            self.commands.run(self.hub.toolbox.docker, "network", how, self.hub.network.name, f"{kind_name(member.name)}-control-plane")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--hub", required=True)
    options.add_argument("--shards", type=int, default=2)
    options.add_argument("--parallelism", type=int, default=2)
    options.add_argument("members", nargs="+")
    options.add_argument("--words", default="-m recipes", help="of `run`, for all members")
    wanted = options.parse_args()
    hub, *members = (_standing(name) for name in (wanted.hub, *wanted.members))
    commands = Commands(hub.kubeconfig.parent, {**hub.toolbox.environment, "KUBECONFIG": str(hub.kubeconfig)})
    image = _suite("-q", "cluster", "image", "--name", hub.name).split()[-1]
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder), commands, hub, tuple(members))
        ground.reach("connect")
        try:
            _write_fleet(ground, image, wanted)
            return _agree([_night(ground, kills=kills) for kills in (False, True)], members)
        finally:
            commands.run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", limit=120)
            ground.reach("disconnect")


def _standing(name: str) -> KindCluster:
    found = kind.known(name)
    if found is None:
        sys.exit(f"there is no cluster {name}: cni-conformance cluster up --name {name}")
    return found


def _suite(*words: str, codes: tuple[int, ...] = (0,), kubeconfig: Path | None = None) -> str:
    environment = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    command = Path(sys.executable).with_name("cni-conformance")
    done = subprocess.run([command, *words], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode not in codes:
        sys.exit(f"cni-conformance {' '.join(words)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def _write_fleet(ground: Ground, image: str, wanted: argparse.Namespace) -> None:
    clusters = []
    for member in ground.members:
        found = json.loads(ground.commands.run(ground.hub.toolbox.docker, "inspect", f"{kind_name(member.name)}-control-plane"))
        address = found[0]["NetworkSettings"]["Networks"][ground.hub.network.name]["IPAddress"]
        document = yaml.safe_load(member.kubeconfig.read_text())
        document["clusters"][0]["cluster"] |= {"server": f"https://{address}:6443", "tls-server-name": "localhost"}
        (ground.folder / f"{member.name}.yaml").write_text(yaml.safe_dump(document))
        clusters.append({"name": member.name, "kubeconfig": f"{member.name}.yaml", "cni": member.plugin, "shards": wanted.shards})
    words = ["--force", "--times", "settle=8", "-n", "2", "--probe-image", ground.hub.toolbox.probe_image, *shlex.split(wanted.words)]
    content = {"name": "night", "namespace": NAMESPACE, "image": image, "parallelism": wanted.parallelism, "run": words}
    ground.fleet.write_text(yaml.safe_dump({**content, "clusters": clusters}))


def _night(ground: Ground, *, kills: bool) -> Path:
    output = ground.folder / ("killed" if kills else "undisturbed")
    ground.commands.run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", limit=120)
    ground.commands.run("kubectl", "create", "namespace", NAMESPACE)
    ground.commands.run("kubectl", "apply", "-f", "-", stdin=_suite("-q", "fleet", "render", str(ground.fleet)))
    began = time.monotonic()
    if kills:
        _kill_first(ground)
        print(f"killed the first shard after {time.monotonic() - began:.0f} s")
    words = ("fleet", "fetch", str(ground.fleet), "-o", str(output), "--wait", str(LIMIT))
    print(_suite(*words, codes=(0, 1), kubeconfig=ground.hub.kubeconfig))
    print(f"{output.name}: {time.monotonic() - began:.0f} s; the pods ended with {_ends(ground.commands)}")
    return output


def _kill_first(ground: Ground) -> None:
    """SIGKILL for the suite in the first pod once it measures: its worlds stand then."""
    until = time.monotonic() + 300
    while all(name.endswith("-clinic") for name in _worlds(ground.members[0])):
        if time.monotonic() > until:
            sys.exit("the first shard made no world within 300 s")
        time.sleep(0.5)
    selector = "batch.kubernetes.io/job-name=night,batch.kubernetes.io/job-completion-index=0"
    (pod,) = json.loads(ground.commands.run("kubectl", "get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "json"))["items"]
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
    named = f'labels."io.kubernetes.pod.name"=={name},labels."io.kubernetes.container.name"=={SUITE}'
    container = ground.hub.run_on(node, ["ctr", "-n", "k8s.io", "containers", "ls", "-q", named]).strip()
    ground.hub.run_on(node, ["ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", container])


def _worlds(member: KindCluster) -> list[str]:
    cluster = Cluster.connect(member.kubeconfig, None, Times())
    try:
        found = cluster.connection.call("list", cluster.connection.core.list_namespace, label_selector=clean.RUN)["items"]
        return [each["metadata"]["name"] for each in found]
    finally:
        cluster.close()


def _ends(commands: Commands) -> list[int]:
    pods = json.loads(commands.run("kubectl", "get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
    return sorted(each["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] for each in pods)


def _agree(nights: list[Path], members: list[KindCluster]) -> int:
    is_well = True
    for member in members:
        both = compare([read_digest(night / member.name) for night in nights])
        left = _worlds(member)
        differing = [each.name for each in both.differing] or "none"
        print(f"{member.name} ({member.plugin}): {len(both.rows)} scenarios, differing: {differing}; left: {left or 'nothing'}")
        is_well &= not both.differing and not left
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())

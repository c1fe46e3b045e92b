"""The kind provider on a real engine: what it makes works, and nothing of it is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import heed_ctrl_c
from kubernetes import client, config
from kubernetes.stream import stream

from conformance import offline
from conformance.cluster import kind, state
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import MARK
from conformance.cluster.install import apply
from conformance.cluster.kind_cluster import KindCluster, document, kind_name
from conformance.cluster.plugin import load
from conformance.cluster.toolbox import Toolbox
from conformance.cluster.version import version
from conformance.world.progress import Silent

ROOT = Path(__file__).parents[2]
FORMS = [
    ("cilium-native", "dual"),
    ("cilium-native", "ipv6"),
    ("ptp", "ipv4"),
    ("bridge", "dual"),
]
"""Plugins that work without any registry, each family at least once; and there is the cluster of cilium that stands."""

ELSEWHERE = ["calico", "kindnet"]
"""Plugins that come from addresses which a machine without a registry cannot reach: by a manifest, as all others do, and by kind itself."""

SERVE = """
import socketserver, sys, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self): self.wfile.write((sys.argv[1] + " " + self.client_address[0].removeprefix("::ffff:")).encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, address_family = True, 10
threading.Thread(target=Server(("::", 8080), Handler).serve_forever, daemon=True).start()
sys.stdin.read() if len(sys.argv) > 2 else threading.Event().wait()
"""
"""A server for both families: it says its name and who asks. It ends with its stdin where a second word is given."""

ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], 8080), 5, (sys.argv[2], 0) if len(sys.argv) > 2 else None) as link:
    print(link.makefile().read())
"""

RUN = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from conformance.cluster import kind, state
from conformance.cluster.kind_cluster import toolbox_of
from conformance.cluster.plugin import load
class Told:
    @contextmanager
    def phase(self, name):
        os.write(1, f"begin {name}\\n".encode())  # whole: print from two threads can put two into one line
        yield
    def say(self, text): pass
import json
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
kind.up(sys.argv[1], load(sys.argv[2]), toolbox_of(json.loads(sys.argv[3])), workers=1, progress=Told())
"""
"""What the command line does, as far as it matters here: SIGTERM becomes an exception."""


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., KindCluster]]:
    """Makes clusters and removes them after the test."""
    names: list[str] = []

    def up(name: str, plugin: str, family: str = "", workers: int = 2) -> KindCluster:
        names.append(name)
        return kind.up(name, load(plugin), toolbox_for(plugin), family, workers)

    yield up
    for name in names:
        kind.down(name)


def toolbox_for(plugin: str) -> Toolbox:
    """What this machine has, and what the offline house adds to it."""
    return offline.provide(load(plugin), Silent())


def _docker(toolbox: Toolbox, *words: str, stdin: str = "") -> str:
    environment = {**os.environ, **toolbox.environment}
    done = subprocess.run([toolbox.docker, *words], env=environment, input=stdin, capture_output=True, text=True, check=True, timeout=300)
    return done.stdout


def _traces(toolbox: Toolbox) -> dict[str, set[str]]:
    """All that a cluster `trial` could leave: on the engine, among processes and mounts, in the home folder.

    Containers by name, label and network, so that others may use the engine at the same time; of the volumes, which have
    no names, those that no container uses.
    """
    ours = (kind_name("trial"), f"{MARK}={state.folder('test')}")
    found = {path.parent for file in ("cmdline", "environ") for path in Path("/proc").glob(f"[0-9]*/{file}") if _has(path, ours)}
    processes = {f"{path.name} {_text(path / 'cmdline')}" for path in found}
    containers = _docker(toolbox, "ps", "--all", "--format", "{{.ID}} {{.Names}} {{.Labels}} {{.Networks}}").splitlines()
    networks = _docker(toolbox, "network", "ls", "--format", "{{.ID}} {{.Name}} {{.Labels}}").splitlines()
    return {
        "containers": {line for line in containers if kind_name("trial") in line or "cni-conformance=trial" in line},
        "networks": {line for line in networks if kind_name("trial") in line},
        "volumes": set(_docker(toolbox, "volume", "ls", "--quiet", "--filter", "dangling=true").split()),
        "processes": processes,
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if str(state.folder("trial")) in line},
        "files": {
            str(path)
            for folder in (".kube", ".docker", ".config/helm", ".cache/helm", ".local/share/helm")
            if (path := Path.home() / folder).exists()
        },
        "clusters": {name for name in state.names() if name == "trial"},
    }


def _left(toolbox: Toolbox, before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is there beyond what was there before: looked at until it is nothing, for a minute: the kernel ends processes in its time."""
    deadline = time.monotonic() + 60
    while True:
        left = {kind_: more for kind_, found in _traces(toolbox).items() if (more := found - before[kind_])}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def _has(path: Path, words: tuple[str, ...]) -> bool:
    return any(word in _text(path) for word in words)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""  # it has ended in the meantime


def _answering(name: str) -> bool:
    """Is there a cluster of this name whose API server answers? Within 2 s: asked for a minute where it is too busy for that."""
    deadline = time.monotonic() + 60
    while not (answers := any(each.name == name and each.is_answering for each in kind.status())):
        if kind.known(name) is None or time.monotonic() > deadline:
            return answers
        time.sleep(0.2)
    return answers


def _exec(cluster: KindCluster, pod: str, *command: str) -> str:
    """What a command writes in a pod of the default namespace."""
    api = config.new_client_from_config(config_file=str(cluster.kubeconfig))
    try:
        call = client.CoreV1Api(api).connect_get_namespaced_pod_exec
        return str(stream(call, pod, "default", command=list(command), stdout=True, stderr=True)).strip()
    finally:
        api.close()


def _pods(cluster: KindCluster) -> dict[str, list[str]]:
    """Pods one and two on one worker, three on the other, and a Service for three; their addresses."""
    workers = [f"{kind_name(cluster.name)}-worker", f"{kind_name(cluster.name)}-worker2"]
    documents: list[dict[str, object]] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"name": name}},
            "spec": {
                "nodeName": workers[node],
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "c",
                        "image": cluster.toolbox.probe_image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["python3", "-c", SERVE, name],
                    }
                ],
            },
        }
        for name, node in (("one", 0), ("two", 0), ("three", 1))
    ]
    spec = {"selector": {"name": "three"}, "ports": [{"port": 8080}], "ipFamilyPolicy": "PreferDualStack"}
    documents.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "three", "namespace": "default"}, "spec": spec})
    apply(cluster.kubeconfig, documents, cluster.kubeconfig.parent / "discovery.json")
    api = config.new_client_from_config(config_file=str(cluster.kubeconfig))
    deadline = time.monotonic() + 300
    try:
        while True:
            pods = client.CoreV1Api(api).list_namespaced_pod("default").items
            if all(pod.status.phase == "Running" for pod in pods):
                return {pod.metadata.name: [each["ip"] for each in api.sanitize_for_serialization(pod.status)["podIPs"]] for pod in pods}
            assert time.monotonic() < deadline, "the pods do not start"
            time.sleep(0.2)
    finally:
        api.close()


def _answered(ask: Callable[[], str], wanted: str) -> None:
    """A server that has just started listens a moment later: asked until it answers, at most two minutes."""
    deadline = time.monotonic() + 120
    while (answer := _said(ask)) != wanted:
        assert time.monotonic() < deadline, f"{answer!r}, not {wanted!r}"
        time.sleep(0.2)


def _said(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except subprocess.CalledProcessError as error:  # on an outside host nobody has answered yet
        return str(error.stderr)
    except client.ApiException as error:  # nor has a busy kubelet
        return str(error)


@pytest.mark.parametrize(("plugin", "family"), FORMS)
def test_everybody_reaches_everybody_with_his_own_address_and_nothing_is_left(
    make: Callable[..., KindCluster], plugin: str, family: str
) -> None:
    toolbox = toolbox_for(plugin)
    before = _traces(toolbox)
    cluster = make("trial", plugin, family)
    assert _traces(toolbox) != before
    assert kind.known("trial") == cluster
    assert _answering("trial")
    found = version(load(plugin), cluster.kubeconfig, None, cluster.run_on_node)
    assert found == load(plugin).version if load(plugin).enforces else found
    _everybody_reaches_everybody(cluster)
    kind.down("trial")
    assert {} == _left(toolbox, before)


def test_everybody_reaches_everybody_with_his_own_address_in_the_cluster_that_stands(cilium: KindCluster) -> None:
    assert load("cilium").version == version(load("cilium"), cilium.kubeconfig, None, cilium.run_on_node)
    api = config.new_client_from_config(config_file=str(cilium.kubeconfig))
    try:
        _everybody_reaches_everybody(cilium)
    finally:
        core = client.CoreV1Api(api)
        core.delete_collection_namespaced_pod("default", label_selector="name in (one, two, three)")
        core.delete_namespaced_service("three", "default")
        api.close()


def _everybody_reaches_everybody(cluster: KindCluster) -> None:
    addresses = _pods(cluster)
    count = 2 if cluster.family == "dual" else 1
    assert {name: len(each) for name, each in addresses.items()} == {"one": count, "two": count, "three": count}
    for at in range(count):
        for source, target in (("one", "two"), ("one", "three"), ("three", "one"), ("one", "one")):
            _answered(lambda: _exec(cluster, source, "python3", "-c", ASK, addresses[target][at]), f"{target} {addresses[source][at]}")  # noqa: B023
        for host in cluster.hosts:
            own = str(host.slots[-1][at])
            command = [*host.command[1:], "python3", "-c", ASK, addresses["three"][at], own]
            _answered(lambda: _docker(cluster.toolbox, *command).strip(), f"three {own}")  # noqa: B023
    _answered(lambda: _exec(cluster, "one", "python3", "-c", ASK, "three.default.svc.cluster.local").partition(" ")[0], "three")
    _pods_reach_outside_hosts(cluster, addresses)


def _pods_reach_outside_hosts(cluster: KindCluster, addresses: dict[str, list[str]]) -> None:
    alpha = cluster.hosts[0]
    command = [*alpha.command, "python3", "-c", SERVE, "alpha", "until its stdin ends"]
    with subprocess.Popen(command, env={**os.environ, **alpha.environment}, stdin=subprocess.PIPE):
        for at, address in enumerate(alpha.slots[3]):
            _answered(lambda: _exec(cluster, "one", "python3", "-c", ASK, str(address)).partition(" ")[0], "alpha")  # noqa: B023
            if not load(cluster.plugin).enforces:  # Cilium translates the addresses of pods that leave the cluster
                _answered(lambda: _exec(cluster, "one", "python3", "-c", ASK, str(address)), f"alpha {addresses['one'][at]}")  # noqa: B023


INTERRUPTED = [
    (signal.SIGINT, "network"),
    (signal.SIGINT, "kind cluster"),
    (signal.SIGINT, "waiting"),
    (signal.SIGTERM, "outside hosts"),
    (signal.SIGTERM, "installing"),
    (signal.SIGKILL, "kind cluster"),
    (signal.SIGKILL, "waiting"),
]
"""Each signal and each moment; after SIGKILL the next `down` cleans up."""


@pytest.mark.parametrize(("order", "moment"), INTERRUPTED, ids=lambda each: getattr(each, "name", each))
def test_nothing_is_left_of_an_interrupted_up(order: signal.Signals, moment: str) -> None:
    toolbox = toolbox_for("ptp")
    before = _traces(toolbox)
    words = ["trial", "ptp", json.dumps(document(toolbox))]
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    assert run.stdout is not None
    try:
        if not any(line.startswith(f"begin {moment}") for line in run.stdout):
            pytest.fail(f"it ended before that: {run.communicate()[1]}")
        run.send_signal(order)
        _, errors = run.communicate(timeout=600)
    finally:
        run.kill()
        run.wait()
        kept = {name for name in state.names() if name == "trial"}
        kind.down("trial")
    assert run.returncode == {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}[order], errors
    assert kept == ({"trial"} if order is signal.SIGKILL else set())
    assert {} == _left(toolbox, before)


@pytest.mark.parametrize("plugin", ELSEWHERE)
def test_a_plugin_that_comes_from_elsewhere_is_had_or_the_reason_is_told(make: Callable[..., KindCluster], plugin: str) -> None:
    toolbox = toolbox_for(plugin)
    before = _traces(toolbox)
    try:
        make("trial", plugin, workers=1)
        told = ""
    except BrokenCluster as error:
        told = str(error)
    if not told:
        assert _answering("trial")
        return
    reasons = (f"the manifest of plugin {plugin} cannot be had from https://", "an image cannot be pulled: pod ")
    # kind installs kindnet itself, from its node image or not at all
    assert told.startswith("kind could not make the cluster: " if plugin == "kindnet" else reasons)
    assert {} == _left(toolbox, before)


def test_a_wrong_kind_configuration_is_told_with_kinds_own_words(make: Callable[..., KindCluster], tmp_path: Path) -> None:
    folder = tmp_path / "ptp"
    shutil.copytree(load("ptp").folder, folder)
    (folder / "kind.yaml").write_text((folder / "kind.yaml").read_text() + "  - role: king\n")
    toolbox = toolbox_for("ptp")
    before = _traces(toolbox)
    with pytest.raises(BrokenCluster, match=r"kind could not make the cluster: .*king"):
        kind.up("trial", load(f"{folder}/"), toolbox, workers=1)
    assert {} == _left(toolbox, before)


@pytest.fixture(scope="module")
def anew() -> Iterator[KindCluster]:
    """A cluster called as one whose making was killed in the middle. It stands for the tests below: each cluster takes 40 s."""
    toolbox = toolbox_for("ptp")
    words = ["anew", "ptp", json.dumps(document(toolbox))]
    with subprocess.Popen([sys.executable, "-c", RUN, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any(line.startswith("begin kind cluster") for line in run.stdout)
        run.kill()
    assert kind.known("anew") is None
    try:
        yield kind.up("anew", load("ptp"), toolbox, workers=1)
    finally:
        kind.down("anew")


def test_up_after_a_sigkill_begins_anew(anew: KindCluster) -> None:
    assert kind.known("anew") == anew
    assert _answering("anew")


def test_a_cluster_that_this_cache_does_not_know_is_not_touched(anew: KindCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path))
        with pytest.raises(BrokenCluster, match="containers of a cluster cni-conformance-anew that this cache folder does not know"):
            kind.up("anew", load("ptp"), anew.toolbox, workers=1)
    assert _answering("anew")


def test_two_clusters_live_side_by_side(anew: KindCluster, make: Callable[..., KindCluster]) -> None:
    other = make("trial", "ptp", workers=1)
    assert not anew.network.range4.overlaps(other.network.range4)
    assert (_answering("anew"), _answering("trial")) == (True, True)
    with pytest.raises(kind.InvalidCluster, match="there is a cluster anew already: remove it"):
        kind.up("anew", load("ptp"), anew.toolbox)
    kind.down("trial")
    assert (_answering("anew"), _answering("trial")) == (True, False)

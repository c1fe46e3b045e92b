"""The kind provider on a real engine: what it makes works, and nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.cluster import kind, outside, state
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.install import apply
from conformance.cluster.kind_cluster import KindCluster, document, kind_name, toolbox_of
from conformance.cluster.plugin import load
from conformance.cluster.ready import Questions
from conformance.cluster.toolbox import Toolbox
from conformance.cluster.version import version

ROOT = Path(__file__).parents[2]
FORMS = [("cilium", "dual"), ("cilium", "ipv6"), ("cilium-native", "dual"), ("ptp", "dual"), ("ptp", "ipv4"), ("bridge", "dual"), ("bridge", "ipv6")]
"""Plugins that work without any registry, each family at least once."""

ELSEWHERE = ["antrea", "calico", "flannel", "kube-router", "weave"]
"""Plugins whose manifests and images come from addresses that a machine without a registry cannot reach."""

SERVE = """
import socketserver, sys, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self): self.wfile.write((sys.argv[1] + " " + self.client_address[0].removeprefix("::ffff:")).encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, address_family = True, 10
Server(("::", 8080), Handler).serve_forever()
"""
"""A server for both families: it says its name and who asks."""

ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], 8080), 5, (sys.argv[2], 0) if len(sys.argv) > 2 else None) as link:
    print(link.makefile().read())
"""

RUN = """
import signal, sys
from contextlib import contextmanager
from pathlib import Path
from conformance.cluster import kind, state
from conformance.cluster.kind_cluster import toolbox_of
from conformance.cluster.plugin import load
class Told:
    @contextmanager
    def phase(self, name):
        print("begin", name, flush=True)
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
    """What this machine has, else what the offline house makes."""
    return provided(load(plugin))


def _docker(toolbox: Toolbox, *words: str, stdin: str = "") -> str:
    environment = {**os.environ, **toolbox.environment}
    done = subprocess.run([toolbox.docker, *words], env=environment, input=stdin, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def _traces(toolbox: Toolbox) -> dict[str, set[str]]:
    """All that a cluster could leave: on the engine, among the processes and mounts, in the home and temporary folders."""
    processes = [path for path in Path("/proc").glob("[0-9]*/cmdline") if any(word in _text(path) for word in ("kind\0", "helm\0", "cni-conformance"))]
    return {
        "containers": set(_docker(toolbox, "ps", "--all", "--quiet").split()),
        "networks": set(_docker(toolbox, "network", "ls", "--quiet").split()),
        "volumes": set(_docker(toolbox, "volume", "ls", "--quiet").split()),
        "processes": {_text(path) for path in processes if path.parent.name != str(os.getpid())},
        "mounts": set(Path("/proc/mounts").read_text().splitlines()),
        "files": {str(path) for folder in (".kube", ".docker", ".config/helm", ".cache/helm", ".local/share/helm") if (path := Path.home() / folder).exists()},
        "clusters": set(state.names()),
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # it has ended in the meantime

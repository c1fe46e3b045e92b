"""The cluster under test, as every process of a run knows it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from conformance.cluster import kind
from conformance.cluster.client import Cluster
from conformance.cluster.contract import ClusterUnderTest
from conformance.cluster.hosts import HostAccess
from conformance.cluster.inspection import NodeAccess
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.plugin import Descriptor, load
from conformance.cluster.restart import Restarts
from conformance.settings import InvalidSettings, Settings
from conformance.simulated import ground
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.faults import named
from conformance.simulated.plane import Plane
from conformance.world.times import Times
from conformance.world.verdict import Family

FILE = "target.json"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the cluster is and what it carries.

    `plugin` is None where nobody said which one it is (an existing cluster): then every capability is tried that needs
    nothing of our own making. `fault` is that of the simulated plugin, "" for none; `pods` for how many a node of a simulated cluster
    has room (as many as usual at least).
    """

    provider: str
    name: str
    kubeconfig: Path | None
    context: str | None
    plugin: Descriptor | None
    families: tuple[Family, ...]
    hosts: tuple[HostAccess, ...]
    probe_image: str
    fault: str = ""
    pods: int = 0

    @classmethod
    def simulated(cls, settings: Settings, pods: int = 0) -> Target:
        """The test bench: a cluster in memory, a new one for each connection. It has all that can be asked for, and room for `pods`."""
        families = (Family(settings.family),) if settings.family in ("ipv4", "ipv6") else tuple(Family)
        return cls("simulated", "in memory", None, None, None, families, ground.hosts(), "none", settings.fault, pods)

    @classmethod
    def of_kind(cls, cluster: KindCluster, plugin: Descriptor | None, settings: Settings) -> Target:
        """A kind cluster of our own."""
        families = (Family.IPV4, Family.IPV6) if cluster.family == "dual" else (Family(cluster.family),)
        image = settings.probe_image or cluster.toolbox.probe_image
        return cls("kind", cluster.name, cluster.kubeconfig, None, plugin, families, cluster.hosts, image)

    @classmethod
    def of_kubeconfig(cls, settings: Settings) -> Target:
        """An existing cluster, by the user's own kubeconfig. Raises InvalidSettings, InvalidPlugin."""
        plugin = load(settings.cni) if settings.cni else None
        families = (Family(settings.family),) if settings.family in ("ipv4", "ipv6") else tuple(Family)
        hosts = tuple(outside_host(text) for text in settings.outside)
        image = settings.probe_image or "python:3"
        return cls("kubeconfig", settings.context or "current context", None, settings.context, plugin, families, hosts, image)

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the cluster without asking it, for the record."""
        standing = kind.known(self.name) if self.provider == "kind" else None
        mode = {"kube-proxy": standing.kube_proxy} if standing else {}
        return {"provider": self.provider, "cluster": self.name, **mode}

    def connect(self, times: Times) -> ClusterUnderTest:
        """A connection to it. Raises BrokenCluster."""
        if self.provider == "simulated":
            return SimulatedCluster(named(self.fault).plane if self.fault else Plane, times, self.pods)
        standing = kind.known(self.name) if self.provider == "kind" else None
        nodes = NodeAccess(standing.run_on, standing.capture) if standing else None
        return Cluster.connect(self.kubeconfig, self.context, times, self._restarts(standing), nodes)

    def _restarts(self, standing: KindCluster | None) -> Restarts:
        node = standing.restart_node if standing else None
        if self.plugin is None:
            return Restarts(node=node)
        return Restarts(self.plugin.restart, f"{self.plugin.title} has no agents that could be started again", node)

    def write(self, folder: Path) -> None:
        """Into the run's folder, for the workers."""
        document = {
            "provider": self.provider,
            "name": self.name,
            "kubeconfig": str(self.kubeconfig) if self.kubeconfig else None,
            "context": self.context,
            "plugin": str(self.plugin.folder) if self.plugin else None,
            "families": list(self.families),
            "hosts": [host.to_document() for host in self.hosts],
            "probe_image": self.probe_image,
            "fault": self.fault,
            "pods": self.pods,
        }
        (folder / FILE).write_text(json.dumps(document))

    @classmethod
    def read(cls, folder: Path) -> Target:
        """What `write` wrote."""
        content: dict[str, Any] = json.loads((folder / FILE).read_text())
        return cls(
            content["provider"],
            content["name"],
            Path(content["kubeconfig"]) if content["kubeconfig"] else None,
            content["context"],
            load(content["plugin"]) if content["plugin"] else None,
            tuple(Family(each) for each in content["families"]),
            tuple(HostAccess.from_document(each) for each in content["hosts"]),
            content["probe_image"],
            content["fault"],
            content["pods"],
        )


def outside_host(text: str) -> HostAccess:
    """`alpha=192.0.2.10,2001:db8::10 ssh probe@192.0.2.10`. Raises InvalidSettings."""
    name, is_given, rest = text.partition("=")
    words = shlex.split(rest)
    if not is_given or not name or len(words) < 2:
        raise InvalidSettings(f"--outside {text!r}: it is NAME=ADDRESS[,ADDRESS] COMMAND, where COMMAND starts a program on that host")
    try:
        addresses = tuple(ip_address(each) for each in words[0].split(","))
    except ValueError as error:
        raise InvalidSettings(f"--outside {text!r}: {error}") from None
    return HostAccess(name, (addresses,), tuple(words[1:]))

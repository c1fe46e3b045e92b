"""A kind cluster as a value, and how it is kept on disk between two commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from conformance.cluster.commands import MARK, Commands
from conformance.cluster.hosts import HostAccess
from conformance.cluster.network import Network
from conformance.cluster.streams import ProcessStream
from conformance.cluster.toolbox import Toolbox

PREFIX = "cni-conformance"


@dataclass(frozen=True, slots=True)
class KindCluster:
    """A cluster as `up` made it. `family` is ipv4, ipv6 or dual; `kubeconfig` is a file of its own below the cache folder."""

    name: str
    plugin: str
    family: str
    workers: int
    kube_proxy: str
    kubeconfig: Path
    toolbox: Toolbox
    network: Network
    hosts: tuple[HostAccess, ...]

    def run_on_node(self, *command: str) -> str:
        """What a command writes on the control plane's node. Raises BrokenCommand."""
        return self.run_on(f"{kind_name(self.name)}-control-plane", command)

    def run_on(self, node: str, command: Sequence[str], limit: float = 60.0) -> str:
        """What a command writes on a node. Raises BrokenCommand, also where it takes longer than `limit` seconds."""
        return Commands(self.kubeconfig.parent, self.toolbox.environment).run(self.toolbox.docker, "exec", node, *command, limit=limit)

    def capture(self, node: str, source: str, argument: str) -> ProcessStream:
        """Start a Python program in the network and among the processes of a node, with all rights there: nodes need not have Python.

        The program ends with its input. Raises BrokenStream where it cannot be started.
        """
        command = [
            *(str(self.toolbox.docker), "run", "--rm", "--interactive", "--pull", "never", "--privileged"),
            *("--label", f"{PREFIX}={self.name}", "--network", f"container:{node}", "--pid", f"container:{node}"),
            *("--user", "0", "--entrypoint", "python3", self.toolbox.probe_image),
        ]
        environment = {**self.toolbox.environment, MARK: str(self.kubeconfig.parent)}
        return ProcessStream(node, command, ("-I", "-S", "-c", source, argument), environment)

    def restart_node(self, node: str) -> None:
        """Start the container of a node again, as a machine that is switched off and on. Raises BrokenCommand."""
        commands = Commands(self.kubeconfig.parent, self.toolbox.environment)
        commands.run(self.toolbox.docker, "restart", "--time", "2", node, limit=120.0)


def kind_name(name: str) -> str:
    """The cluster's name for kind and the engine: ours can be told from the user's own."""
    return name if name.startswith(PREFIX) else f"{PREFIX}-{name}"


def document(toolbox: Toolbox, cluster: KindCluster | None = None) -> dict[str, Any]:
    """The state file's content; without a cluster it says only what is needed to remove what may have been made."""
    if cluster is None:
        return {"toolbox": _toolbox_document(toolbox)}
    return {
        "toolbox": _toolbox_document(toolbox),
        "cluster": {
            **{key: getattr(cluster, key) for key in ("plugin", "family", "workers", "kube_proxy")},
            "kubeconfig": str(cluster.kubeconfig),
            "network": {"name": cluster.network.name, "range4": str(cluster.network.range4), "range6": _text(cluster.network.range6)},
            "hosts": [host.to_document() for host in cluster.hosts],
        },
    }


def cluster_of(name: str, content: Mapping[str, Any]) -> KindCluster:
    """The inverse of `document` with a cluster. Raises KeyError or ValueError for another form."""
    own = content["cluster"]
    return KindCluster(
        name=name,
        **{key: own[key] for key in ("plugin", "family", "workers", "kube_proxy")},
        kubeconfig=Path(own["kubeconfig"]),
        toolbox=toolbox_of(content),
        network=Network(
            own["network"]["name"],
            IPv4Network(own["network"]["range4"]),
            IPv6Network(own["network"]["range6"]) if own["network"]["range6"] else None,
        ),
        hosts=tuple(HostAccess.from_document(each) for each in own["hosts"]),
    )


def toolbox_of(content: Mapping[str, Any]) -> Toolbox:
    """The toolbox that a cluster was made with. Raises KeyError for another form."""
    own = content["toolbox"]
    return Toolbox(
        docker=Path(own["docker"]),
        kind=Path(own["kind"]),
        helm=Path(own["helm"]) if own["helm"] else None,
        environment=own["environment"],
        node_image=own["node_image"],
        images=tuple(own["images"]),
        probe_image=own["probe_image"],
        charts={name: Path(path) for name, path in own["charts"].items()},
        values={release: tuple(map(Path, paths)) for release, paths in own["values"].items()},
        kind_patches=tuple(own["kind_patches"]),
        subnets=tuple(own["subnets"]),
    )


def _toolbox_document(toolbox: Toolbox) -> dict[str, Any]:
    return {
        "docker": str(toolbox.docker),
        "kind": str(toolbox.kind),
        "helm": _text(toolbox.helm),
        "environment": dict(toolbox.environment),
        "node_image": toolbox.node_image,
        "images": list(toolbox.images),
        "probe_image": toolbox.probe_image,
        "charts": {name: str(path) for name, path in toolbox.charts.items()},
        "values": {release: [str(path) for path in paths] for release, paths in toolbox.values.items()},
        "kind_patches": list(toolbox.kind_patches),
        "subnets": list(toolbox.subnets),
    }


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)

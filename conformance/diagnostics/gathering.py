"""What the cluster knows of a world, of the plugin's agents, and of the nodes: each piece a file, each apart from the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import yaml

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.contract import Document
from conformance.cluster.inspection import Inspection, NodeAccess
from conformance.cluster.plugin import Descriptor
from conformance.cluster.restart import PodsOf
from conformance.diagnostics.bundle import Bundle
from conformance.diagnostics.redaction import plain

RECENT = 300
"""Seconds of a log."""

NODE_COMMANDS = (
    ("ip", "route", "show", "table", "all"),
    ("ip", "-6", "route", "show", "table", "all"),
    ("nft", "list", "ruleset"),
    ("iptables-save", "-c"),
    ("ip6tables-save", "-c"),
)
"""What a node is asked where we reach it."""

Piece = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is looked at: `nodes` are those involved. A request takes `limit` seconds at the most.

    No piece raises for what a cluster can cause: that becomes a note of the bundle.
    """

    inspection: Inspection
    plugin: Descriptor | None
    nodes: tuple[str, ...]
    bundle: Bundle
    limit: float

    def pieces(self, namespaces: Iterable[str]) -> Iterator[Piece]:
        """The work, in pieces that may be done at the same time. `namespaces` are the world's."""
        for namespace in namespaces:
            yield partial(self._noted, self._events, namespace)
            yield from (partial(self._noted, self._objects, namespace, kind) for kind in ("pods", "services", "policies"))
        if self.plugin is None:
            self.bundle.note("nothing of the plugin: nobody said which one runs here (--cni)")
        else:
            agents = dict.fromkeys([*self.plugin.restart, *(each.pods for each in self.plugin.diagnostics)])
            for which in agents:
                yield from (partial(self._noted, self._agents, self.plugin, which, node) for node in self.nodes)
            for namespace in dict.fromkeys(which.namespace for which in agents):
                yield partial(self._noted, self._events, namespace, "plugin")
        if self.inspection.nodes is None:
            self.bundle.note("no rules and routes of the nodes: only those of a cluster of kind can be reached")
            return
        for node in self.nodes:
            for command in NODE_COMMANDS:
                yield partial(self._noted, self._on_node, self.inspection.nodes, node, command)

    def _noted(self, piece: Callable[..., None], *arguments: object) -> None:
        if self.bundle.is_closed:
            return  # the time was up
        try:
            piece(*arguments)
        except BrokenCluster as trouble:
            self.bundle.note(str(trouble))

    def _events(self, namespace: str, folder: str = "world") -> None:
        events = sorted(self.inspection.events(namespace, self.limit), key=_when)
        lines = [f"{_when(each)} {each.get('type')} {_about(each)} {each.get('reason')}: {each.get('message')}" for each in events]
        self.bundle.text(f"{folder}/{namespace}/events.txt", "events, oldest first", "\n".join([*lines, ""]), keeps_end=True)

    def _objects(self, namespace: str, kind: str) -> None:
        found = [plain(each) for each in self.inspection.objects(kind, namespace, self.limit)]
        text = yaml.safe_dump_all(found, sort_keys=False) if found else ""
        self.bundle.text(f"world/{namespace}/{kind}.yaml", f"{kind}, as the API server has them", text)

    def _agents(self, plugin: Descriptor, which: PodsOf, node: str) -> None:
        """The agents on a node as they are, their logs, then what their own commands show."""
        pods = [pod for pod in self.inspection.pods_of(which, self.limit) if pod["spec"].get("nodeName") == node]
        if not pods:
            self.bundle.note(f"nothing of the plugin: no pod of {which} runs on {node}")
        for pod in pods:
            text = yaml.safe_dump(plain(pod), sort_keys=False)
            self.bundle.text(f"nodes/{node}/{pod['metadata']['name']}.yaml", "the agent's pod, as the API server has it", text)
            for container in pod["spec"]["containers"]:
                self._noted(self._log, pod, container["name"])
            for state in plugin.diagnostics:
                for command in state.commands if state.pods == which else ():
                    self._noted(self._state, pod, state.container, command)

    def _log(self, pod: Document, container: str) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        text = self.inspection.log(namespace, name, container, RECENT, self.limit)
        what = f"what {container} of {name} said in the last {RECENT // 60} minutes"
        self.bundle.text(f"nodes/{pod['spec']['nodeName']}/{name}-{container}.log", what, text, keeps_end=True)

    def _state(self, pod: Document, container: str, command: tuple[str, ...]) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        text = self.inspection.run_in_pod(namespace, name, container, command, self.limit)
        self.bundle.text(f"nodes/{pod['spec']['nodeName']}/{_file(command)}", f"`{' '.join(command)}` in {name}", text)

    def _on_node(self, access: NodeAccess, node: str, command: tuple[str, ...]) -> None:
        text = access.run(node, command, self.limit)
        self.bundle.text(f"nodes/{node}/{_file(command)}", f"`{' '.join(command)}` on {node}", text)


def _when(event: Document) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _about(event: Document) -> str:
    of = event.get("involvedObject") or {}
    return f"{of.get('kind')}/{of.get('name')}"


def _file(command: Iterable[str]) -> str:
    return re.sub(r"[^a-z0-9]+", "-", " ".join(command).lower()).strip("-") + ".txt"

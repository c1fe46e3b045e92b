"""Looking into a cluster without changing it: what `diagnostics` gathers when something has failed. Secrets are never asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3
import websocket
from kubernetes import client
from kubernetes.stream import stream

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import Connection, Document
from conformance.cluster.restart import PodsOf
from conformance.cluster.streams import ERROR, Stream


@dataclass(frozen=True, slots=True)
class NodeAccess:
    """What may be done on the nodes of a cluster of our own.

    `run` is what a command writes on the node of this name, ended after so many seconds. `capture` starts a Python program with one
    argument in the network and among the processes of a node, with all rights there. Both raise BrokenCluster.
    """

    run: Callable[[str, Sequence[str], float], str]
    capture: Callable[[str, str, str], Stream]


class Inspection(Protocol):
    """What can be seen of a cluster. Every method raises BrokenCluster with one sentence for people; `limit` is in seconds."""

    @property
    def nodes(self) -> NodeAccess | None:
        """The way to the nodes; None where there is none."""

    def events(self, namespace: str, limit: float) -> list[Document]:
        """The events of a namespace."""

    def objects(self, kind: str, namespace: str, limit: float) -> list[Document]:
        """The `pods`, `services` or `policies` of a namespace, as the API server has them."""

    def pods_of(self, which: PodsOf, limit: float) -> list[Document]:
        """The pods that a selector finds."""

    def log(self, namespace: str, name: str, container: str, seconds: int, limit: float) -> str:
        """What a container has said in the last `seconds`."""

    def run_in_pod(self, namespace: str, name: str, container: str, command: Sequence[str], limit: float) -> str:
        """What a command writes in a container, on both of its outputs; a last line says that it failed, or did not end in time."""


_TROUBLES = (client.ApiException, urllib3.exceptions.HTTPError, websocket.WebSocketException, OSError)

_LAST_LINES, _LONGEST_LOG = 4_000, 2_000_000
"""Lines of a log, and bytes, that the API server is asked for: bytes alone would be the oldest, and what failed has failed just now."""


class ClusterInspection:
    """See Inspection, of a cluster behind an API server."""

    def __init__(self, connection: Connection, nodes: NodeAccess | None = None) -> None:
        self._connection, self.nodes = connection, nodes

    def events(self, namespace: str, limit: float) -> list[Document]:
        """See Inspection."""
        return self._items(f"list the events of {namespace}", self._connection.core.list_namespaced_event, namespace, limit)

    def objects(self, kind: str, namespace: str, limit: float) -> list[Document]:
        """See Inspection."""
        core = self._connection.core
        methods = {
            "pods": core.list_namespaced_pod,
            "services": core.list_namespaced_service,
            "policies": self._connection.policies.list_namespaced_network_policy,
        }
        return self._items(f"list the {kind} of {namespace}", methods[kind], namespace, limit)

    def pods_of(self, which: PodsOf, limit: float) -> list[Document]:
        """See Inspection."""
        method = self._connection.core.list_namespaced_pod
        return self._items(f"list the pods of {which}", method, which.namespace, limit, label_selector=which.selector)

    def log(self, namespace: str, name: str, container: str, seconds: int, limit: float) -> str:
        """See Inspection."""
        data: bytes = self._once(
            f"read the log of {namespace}/{name}",
            self._connection.core.read_namespaced_pod_log,
            (name, namespace),
            limit,
            container=container,
            since_seconds=seconds,
            tail_lines=_LAST_LINES,
            limit_bytes=_LONGEST_LOG,
        )
        return data.decode("utf-8", "replace")

    def run_in_pod(self, namespace: str, name: str, container: str, command: Sequence[str], limit: float) -> str:
        """See Inspection."""
        doing = f"run `{' '.join(command)}` in {namespace}/{name}"
        own = client.ApiClient(self._connection.configuration)  # `stream` swaps a method on it while it runs
        try:
            program = stream(
                client.CoreV1Api(own).connect_get_namespaced_pod_exec,
                name,
                namespace,
                container=container,
                command=list(command),
                stdout=True,
                stderr=True,
                _preload_content=False,
            )
            try:
                program.run_forever(timeout=limit)
                is_late, status, output = program.is_open(), program.read_channel(ERROR), str(program.read_all())
            finally:
                program.close(timeout=0)
        except _TROUBLES as error:
            raise BrokenCluster(f"cannot {doing}: {_words(error)}") from error
        finally:
            own.close()
        why = f"it did not end within {limit:.0f} s" if is_late else _failure(status)
        if why and not output.strip():
            raise BrokenCluster(f"cannot {doing}: {why}")
        return f"{output}\n({why})\n" if why else output

    def _items(self, doing: str, method: Callable[..., Any], namespace: str, limit: float, **options: Any) -> list[Document]:
        try:
            found: list[Document] = json.loads(self._once(doing, method, (namespace,), limit, **options))["items"]
        except (ValueError, KeyError, TypeError):
            raise BrokenCluster(f"cannot {doing}: the API server's answer is no list") from None
        return found

    def _once(self, doing: str, method: Callable[..., Any], arguments: Iterable[str], limit: float, **options: Any) -> bytes:
        """One request, not repeated: there is no time for that, and nothing depends on it."""
        try:
            answer: bytes = method(*arguments, _preload_content=False, _request_timeout=limit, **options).data
        except _TROUBLES as error:
            raise BrokenCluster(f"cannot {doing}: {_words(error)}") from error
        return answer


def _words(error: BaseException) -> str:
    """Why, on one line; of a refusal the API server's own words."""
    refusal = error.__context__  # of a stream: the client hides the handshake's answer in the error that it met first
    if isinstance(refusal, websocket.WebSocketBadStatusException):
        return _told(refusal.resp_body, refusal.status_code, "the stream is refused")
    if isinstance(error, client.ApiException) and error.status:
        return _told(error.body, error.status, str(error.reason))
    return " ".join(str(error).split())[:300] or type(error).__name__


def _failure(status: str) -> str:
    """Why a command failed, of what the API server says at its end; "" where it did not."""
    try:
        found = json.loads(status or "{}")
        return str(found.get("message") or "it failed") if found.get("status", "Success") != "Success" else ""
    except (ValueError, AttributeError):
        return " ".join(status.split())[:300]


def _told(body: Any, status: int, otherwise: str) -> str:
    try:
        return f"{json.loads(body)['message']} ({status})"
    except (TypeError, ValueError, KeyError):
        return f"{otherwise} ({status})"

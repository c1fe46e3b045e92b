"""The wrong cell once more, with packets captured at both ends: in the pod's network and in its node's."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.inspection import NodeAccess
from conformance.cluster.streams import Stream
from conformance.diagnostics.bundle import Bundle
from conformance.judge.finding import counted
from conformance.live import LiveWorld
from conformance.world.place import Pod
from conformance.world.question import Answer, Question

ROOM = 256 * 1024
"""Bytes of one capture."""

NO_NODES = "packets are captured in a cluster of kind only, whose nodes the suite can reach"


@dataclass(frozen=True, slots=True)
class End:
    """One of the two ends of a question: `role` is source or destination."""

    role: str
    pod: Pod


def reproduce(question: Question, live: LiveWorld, nodes: NodeAccess | None, bundle: Bundle, limit: float) -> Answer | None:
    """Asks the question once more, and adds what its packets did to the bundle; the answer, or None where it could not be asked.

    `limit` is in seconds. What cannot be captured is said in the bundle.
    """
    until = time.monotonic() + limit
    with ExitStack() as stack:
        running = []
        for end in ends_of(question, live, bundle):
            if nodes is None:
                bundle.note(NO_NODES)
                break
            try:
                stream = nodes.capture(str(end.pod.node), _source(), _config(end, question, live, limit))
            except BrokenCluster as trouble:
                bundle.note(f"no packets of the {end.role}: {trouble}")
                continue
            stack.callback(stream.close)
            running.append((end, stream))
        ready = [(end, stream) for end, stream in running if _is_ready(end, stream, until, bundle)]
        answer = live.probes.ask([question], live.probes.times.question).answers.get(question)
        for end, stream in ready:
            _add(end, stream, until, bundle)
    return answer


def ends_of(question: Question, live: LiveWorld, bundle: Bundle) -> Iterator[End]:
    """The pods at both ends that stand on a node; what is no pod is noted."""
    for role, ref in (("source", question.source), ("destination", question.destination)):
        pod = live.everybody.pods.get(ref)
        if pod is None or pod.node is None:
            bundle.note(f"no packets of the {role}: {ref} is no pod on a node")
        else:
            yield End(role, pod)


def _config(end: End, question: Question, live: LiveWorld, limit: float) -> str:
    pods = (live.everybody.pods.get(ref) for ref in (question.source, question.destination))
    hosts = (live.everybody.hosts.get(ref) for ref in (question.source, question.destination))
    addresses = [str(address) for place in (*pods, *hosts) if place is not None for address in place.addresses]
    identity = "" if end.pod.is_host_network else end.pod.identity
    return json.dumps({"identity": identity, "addresses": addresses, "bytes": ROOM, "seconds": limit})


def _source() -> str:
    return Path(__file__).with_name("packets.py").read_text(encoding="utf-8")


def _is_ready(end: End, stream: Stream, until: float, bundle: Bundle) -> bool:
    try:
        line = stream.receive(max(0.0, until - time.monotonic()))
    except BrokenCluster as trouble:
        bundle.note(f"no packets of the {end.role}: {trouble}")
        return False
    if line is None:
        bundle.note(f"no packets of the {end.role}: the capture did not begin in time")
    return line is not None


def _add(end: End, stream: Stream, until: float, bundle: Bundle) -> None:
    try:
        stream.send("")
        line = stream.receive(max(1.0, until - time.monotonic()))
        found = json.loads(line or "{}")
        for each in found.get("captures", ()):
            _add_capture(end, each, bundle)
    except (BrokenCluster, ValueError, KeyError, TypeError, AttributeError) as trouble:
        bundle.note(f"no packets of the {end.role}: {trouble}")
        return
    if line is None:
        bundle.note(f"no packets of the {end.role}: the capture did not end in time")
    elif found.get("why"):
        bundle.note(f"no packets in the network of {end.pod.ref}: {found['why']}")


def _add_capture(end: End, found: Mapping[str, Any], bundle: Bundle) -> None:
    where = f"in the network of {end.pod.ref}" if found["name"] == "pod" else f"on node {end.pod.node}"
    cut = f", {found['cut']} more are cut" if found["cut"] else ""
    interfaces = ", ".join(f"{number} {name}" for name, number in found["interfaces"].items())
    what = f"{counted(found['packets'], 'packet')} {where}{cut}; interfaces: {interfaces or 'none'}"
    bundle.data(f"capture/{end.role}-{found['name']}.pcap", what, base64.b64decode(found["pcap"]))

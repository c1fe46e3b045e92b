"""One agent and the stream to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.hosts import HostAccess
from conformance.cluster.streams import BrokenStream, Stream
from conformance.probe.source import agent_source
from conformance.world import verdict
from conformance.world.clock import Clock, WallClock
from conformance.world.place import OutsideHost, Place, Pod

_AGAIN = 0.25
"""Seconds before a stream is tried again."""


class Attachable(Protocol):
    """What a session needs of a cluster."""

    @property
    def clock(self) -> Clock:
        """The time there."""

    def attach(self, namespace: str, name: str) -> Stream:
        """A stream to the main process of a pod. Raises BrokenStream."""

    def state_of_pod(self, namespace: str, name: str, patience: float) -> str:
        """Why a pod cannot be talked to; "" where nothing is wrong with it. Raises BrokenCluster."""

    def run_on_host(self, access: HostAccess, program: Sequence[str]) -> Stream:
        """A stream to a program, started on an outside host. Raises BrokenStream."""


@dataclass
class Probe:
    """One agent and the stream to it.

    `connect` opens a stream; `look` says what the cluster knows of it when that fails ("" for nothing). `ends_with_session`:
    the agent is ours alone and is told to end. `instance` is the agent's own number for this start of it; `why` is the cause
    while it cannot be asked.
    """

    ref: str
    identity: str
    connect: Callable[[], Stream]
    look: Callable[[], str] = lambda: ""
    clock: Clock = field(default_factory=WallClock)
    ends_with_session: bool = False
    stream: Stream | None = None
    instance: str = ""
    faults: tuple[str, ...] = ()
    why: str = ""

    def open(self, patience: float, greeting: float) -> None:
        """Open the stream and hear who answers; again for `patience` seconds while nothing is known to be wrong.

        Raises BrokenStream.
        """
        until = self.clock.now() + patience
        while self.stream is None:
            try:
                stream = self.connect()
                try:
                    self.why = self._greet(stream, greeting)
                except BrokenStream:
                    stream.close()
                    raise
                self.stream = stream
            except BrokenStream as trouble:
                known = self._known()
                if known or trouble.is_final or self.clock.now() > until:
                    raise BrokenStream(known or str(trouble)) from trouble
                self.clock.wait(_AGAIN)

    def _greet(self, stream: Stream, greeting: float) -> str:
        """Hear who is there. Gives what is to be said of it: that it was started anew."""
        hello = self._hello(stream, greeting)
        if hello["hello"] != self.identity:
            raise BrokenStream(f"the probe of {self.ref} calls itself {hello['hello']}, not {self.identity}", is_final=True)
        self.faults = tuple(hello.get("faults", ()))
        before, self.instance = self.instance, hello["instance"]
        return "" if before in ("", self.instance) else f"the probe of {self.ref} was started anew in the meantime"

    def _hello(self, stream: Stream, greeting: float) -> dict[str, Any]:
        stream.send("")  # ends the line that a broken stream may have left half sent
        stream.send('{"hello":true}')
        until = self.clock.now() + greeting
        while (line := stream.receive(max(0.0, until - self.clock.now()))) is not None:
            hello = _document(line)
            if "hello" in hello:
                return hello
        raise BrokenStream(f"the probe of {self.ref} did not say who it is within {greeting:.0f} s")

    def ask_who(self, greeting: float = 5.0) -> dict[str, Any]:
        """What the agent tells of itself, its processor seconds and peak memory in KiB included. Raises BrokenStream."""
        if self.stream is None:
            raise BrokenStream(self.why)
        return self._hello(self.stream, greeting)

    def _known(self) -> str:
        try:
            return self.look()
        except BrokenCluster:
            return ""  # the API server is away, too: nothing is known

    def fail(self, why: object) -> None:
        """The stream is of no use any more."""
        self.why = str(why)
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def tell(self, document: Mapping[str, Any]) -> None:
        """Send a request. A break is kept in `why`."""
        if self.stream is not None:
            try:
                self.stream.send(json.dumps(document, separators=(",", ":")))
            except BrokenStream as trouble:
                self.fail(trouble)

    def hear(self, number: int, until: float) -> dict[str, Any] | None:
        """The reply to request `number`; None where it does not come, with the cause in `why`."""
        while self.stream is not None:
            try:
                line = self.stream.receive(max(0.0, until - self.clock.now()))
            except BrokenStream as trouble:
                self.fail(trouble)
                return None
            if line is None:
                self.fail(f"the probe of {self.ref} did not answer in time")
                return None
            reply = _document(line)
            if reply.get("id") == number and "error" in reply:
                self.fail(f"the probe of {self.ref} did not understand what it was asked: {reply['error']}")
            elif reply.get("id") == number:
                return reply
        return None


def pod_probe(cluster: Attachable, pod: Pod) -> Probe:
    """The probe in a pod. Its agent goes on when the session is over."""
    return Probe(
        pod.ref,
        pod.identity,
        connect=lambda: cluster.attach(pod.namespace, pod.name),
        look=lambda: cluster.state_of_pod(pod.namespace, pod.name, patience=0.0),
        clock=cluster.clock,
    )


def host_probe(cluster: Attachable, host: OutsideHost, access: HostAccess, slot: int) -> Probe:
    """The probe on an outside host, at the addresses of a slot. Each opening of its stream starts an agent."""
    config = agent_config(host, bind=[str(address) for address in access.slots[slot]])
    program = ("python3", "-I", "-S", "-c", agent_source(), config)
    connect = lambda: cluster.run_on_host(access, program)  # noqa: E731 (as short as it is for a pod)
    return Probe(host.ref, host.identity, connect, clock=cluster.clock, ends_with_session=True)


def agent_config(place: Place, bind: Sequence[str]) -> str:
    """The configuration of an agent that serves what a place serves, at these addresses, and ends with its session."""
    serves = [[port.number, port.protocol] for port in place.serves if port.protocol is not verdict.Protocol.ICMP]
    return json.dumps({"identity": place.identity, "serves": serves, "bind": list(bind), "ends_with_stdin": True})


def _document(line: str) -> dict[str, Any]:
    """A line of an agent; {} for anything else that came over the stream (a warning of the interpreter, half a line)."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""The agent's talk with the session, in JSON lines.

In, and what comes out for it (`id` is any number of the session's):
- `{"hello": true}`, also on start: `{"hello": identity, "instance": text, "cannot": {protocol/family: why}, "faults": [text, …],
  "cpu": seconds, "memory": peak in KiB}`. The first one ends the counting of the start.
- `{"id": n, "timeout": seconds, "ask": [LINE, …]}`: `{"id": n, "took": seconds, "answers": [[kind, responder, source seen, latency,
  detail], …], "serving": [[port, protocol, family], …], "late": seconds}` when all answers are there. `serving` are the own ports that
  answered the agent itself while it asked ("Pods cannot currently block localhost access", NetworkPolicy documentation). `late`
  is the longest time since the last reply for which this process wanted to run and did not: for so long its servers were silent.
- `{"id": n, "clock": true}`: `{"id": n, "now": this agent's clock}`.
- `{"id": n, "watch": [[key, *LINE], …], "every": seconds}`: watches these cells and no others: `{"id": n, "now": …, "watching": count}`.
- `{"id": n, "watched": true}`: `{"id": n, "now": …, "watched": {key: {"attempts": SPANS, "connection": SPANS}}, "late": [[from, to], …]}`,
  all since the last time, by this agent's clock; SPANS are `[[since, until, count, kind, responder, seen, detail], …]`.
- `{"id": n, "started": true}`: `{"id": n, "starts": [[attempts, connected, first, lasted], …]}` in the order of the configuration.
- `{"end": true}`: ends with exit code 0.
A line that is none of these: `{"id": its id or null, "error": text}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from conformance.probe.agent.answers import FAMILY, IPV4
from conformance.probe.agent.asking import Asker, line_of
from conformance.probe.agent.loop import BEAT, Loop
from conformance.probe.agent.names import Resolver
from conformance.probe.agent.raw import Self
from conformance.probe.agent.serving import Servers
from conformance.probe.agent.starting import Starts
from conformance.probe.agent.watching import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from conformance.probe.agent.answers import Line

LAST_WORDS = "/dev/termination-log"


def say(document: dict[str, Any]) -> None:
    """Writes one line to the session, all of it."""
    data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise SystemExit(0) from None  # the session has gone


def text_of(path: str) -> str:
    """What is in a file; "" where there is none."""
    try:
        with open(path) as file:  # noqa: PTH123 (`pathlib` would cost each probe a megabyte)
            return file.read()
    except OSError:
        return ""


class Agent:
    """The servers, the questions and the talk with the session."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.me, self.loop, self.rest = config, Self(config), Loop(), b""
        resolver = Resolver(text_of(config.get("resolv", "/etc/resolv.conf")), config.get("name_port", 53))
        self.asker = Asker(self.me, self.loop, resolver)
        self.servers, self.watch = Servers(self.me, self.loop), Watch(self.asker)
        first = config.get("first") or {"ask": []}
        lines = [line_of(words) for words in first["ask"]]
        self.starts = Starts(self.asker, lines, float(first.get("every", 0.05)), first.get("allowed", []))

    def own_ports(self) -> Iterator[tuple[Line, list[Any]]]:
        """(question, port) for each port that should be serving, asked at home."""
        for port, protocol in sorted(self.me.serves):
            for family in self.me.families:
                if protocol != "SCTP" or not self.asker.raw["SCTP", family].cannot:
                    home = self.me.bind.get(family) or ("127.0.0.1" if family == IPV4 else "::1")
                    yield (home, port, protocol, 0, ""), [port, protocol, FAMILY[family]]

    def answer(self, number: Any, timeout: float, asked: list[Line]) -> None:
        """Asks everything at once, the own ports included, and says the answers when all are there."""
        own, began = list(self.own_ports()), time.monotonic()
        questions = asked + [question for question, _ in own]
        answers: list[list[Any]] = [[]] * len(questions)
        left = [len(questions)]

        def done(place: int, answer: list[Any]) -> None:
            answers[place] = answer
            left[0] -= 1
            if not left[0]:
                finish()

        def finish() -> None:
            serving = [port for place, (_, port) in enumerate(own, len(asked)) if answers[place][1] == self.me.identity]
            late, self.loop.late = round(self.loop.late, 3), 0.0
            took = round(time.monotonic() - began, 4)
            say({"id": number, "took": took, "answers": answers[: len(asked)], "serving": serving, "late": late})

        for place, question in enumerate(questions):
            self.loop.start(self.asker.ask(question, timeout, lambda answer, place=place: done(place, answer)))  # type: ignore[misc]
        if not questions:
            finish()

    def watched(self, number: Any) -> Generator[Any, Any, None]:
        """Says what the watched cells have seen."""
        found = yield from self.watch.report()
        late, self.loop.lateness = self.loop.lateness, []
        say({"id": number, "now": time.monotonic(), "watched": found, "late": late})

    def started(self, number: Any) -> Generator[Any, Any, None]:
        """Says what was reached at the start."""
        found = yield from self.starts.report()
        say({"id": number, "starts": found})

    def request(self, line: bytes) -> None:
        """Does what a line asks for."""
        number = None
        try:
            wanted = json.loads(line)
            number = wanted.get("id")
            if wanted.get("end"):
                raise SystemExit(0)
            if wanted.get("hello"):
                self.starts.end()
                self.hello()
            elif wanted.get("clock"):
                say({"id": number, "now": time.monotonic()})
            elif wanted.get("watched"):
                self.loop.start(self.watched(number))
            elif wanted.get("started"):
                self.loop.start(self.started(number))
            elif "watch" in wanted:
                lines = {str(words[0]): line_of(words[1:]) for words in wanted["watch"]}
                self.watch.set(lines, float(wanted["every"]))
                say({"id": number, "now": time.monotonic(), "watching": len(lines)})
            else:
                self.answer(number, float(wanted["timeout"]), [line_of(words) for words in wanted["ask"]])
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as fault:
            say({"id": number, "error": "{}: {} in {!r}".format(type(fault).__name__, fault, line[:200].decode("ascii", "replace"))})

    def hello(self) -> None:
        """Says who this is and what it can do."""
        cannot = {f"{protocol}/{FAMILY[family]}": raw.cannot for (protocol, family), raw in self.asker.raw.items() if raw.cannot}
        memory = next((int(line.split()[1]) for line in text_of("/proc/self/status").splitlines() if line.startswith("VmHWM:")), 0)
        spent = {"cpu": round(time.process_time(), 4), "memory": memory}
        say({"hello": self.me.identity, "instance": self.me.instance, "cannot": cannot, "faults": self.servers.faults, **spent})

    def listen(self, *_: int) -> None:
        """Reads requests."""
        data = os.read(0, 65536)
        if not data:
            if self.config.get("ends_with_stdin"):
                raise SystemExit(0)
            self.loop.poll.unregister(0)
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.request(line)

    def init(self) -> Generator[Any, Any, None]:
        """An init container: counts, leaves its last words for the kubelet, and ends."""
        found = yield from self.starts.init()
        text = json.dumps({"starts": found}, separators=(",", ":"))
        with open(self.config.get("last_words", LAST_WORDS), "w") as file:  # noqa: PTH123
            file.write(text)
        raise SystemExit(0)

    def run(self) -> None:
        """Serves and answers until told to end."""
        self.loop.start(self.loop.beat(float(self.config.get("beat", BEAT))))
        if self.me.is_init:
            self.loop.start(self.init())
        else:
            try:
                self.loop.read(0, self.listen)
            except PermissionError:
                self.servers.faults.append("standard input is no stream: nobody can ask this probe")
            self.hello()
        while True:
            self.loop.turn()


def main() -> None:
    """Ends at once on SIGTERM: as process 1 of a container nobody else would do it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Agent(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()

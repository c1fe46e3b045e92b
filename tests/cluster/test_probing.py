"""Probes, their streams and the session on a real cluster, and what happens when pieces of it break in the middle."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from live import EVERYTHING, NINE, PAIR, TIMES, Live, live

from conformance.cluster.kind_cluster import KindCluster, kind_name
from conformance.probe.sampling import sample
from conformance.world.expectation import Expectation
from conformance.world.place import OUTSIDE
from conformance.world.question import Question
from conformance.world.verdict import AnswerKind, Family, Protocol, Verdict

PATIENT = 10.0
"""Seconds for one round of questions that are answered, however busy this machine is: nobody waits as long where all is well."""

ALLOWED, BLOCKED = Expectation(Verdict.ALLOWED), Expectation(Verdict.BLOCKED)


def on_node(cluster: KindCluster, node: str, script: str) -> str:
    """What a shell script writes on a node."""
    command = [str(cluster.toolbox.docker), "exec", node, "sh", "-c", script]
    environment = {**os.environ, **cluster.toolbox.environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def kill_process(cluster: KindCluster, node: str, words: str) -> None:
    """SIGKILL to the processes of a node whose command line begins with or has these words; not to the shell that looks."""
    script = 'for p in /proc/[0-9]*; do printf "%s %s\\n" ${p#/proc/} "$(tr "\\0\\n" "  " < $p/cmdline)"; done 2>/dev/null'
    listed = on_node(cluster, node, script)
    found = [line.split()[0] for line in listed.splitlines() if words in line]
    assert found, f"no process {words} on {node}"
    on_node(cluster, node, f"kill -9 {' '.join(found)}")


def kill_api_server(cluster: KindCluster) -> None:
    """The kubelet starts it again: without delay, because a new kubelet does not know how often it was killed before."""
    node = f"{kind_name(cluster.name)}-control-plane"
    on_node(cluster, node, "systemctl restart kubelet")
    kill_process(cluster, node, "kube-apiserver --")


def deny_all(world: Live) -> None:
    for namespace in world.world.namespaces.values():
        world.cluster.apply_policy(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "deny", "namespace": namespace.name},
                "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
            }
        )


def until(is_so: Callable[[], bool], what: str) -> None:
    """What the cluster comes to in its own time: looked at for five minutes."""
    deadline = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < deadline, f"after 300 s it is not so that {what}"
        time.sleep(0.2)


def identities(world: Live) -> dict[str, str]:
    return {place.ref: place.identity for place in world.world.places()}


@pytest.fixture(scope="module")
def everything(cilium: KindCluster) -> Iterator[Live]:
    """Three pods that serve TCP, UDP and SCTP, and two outside hosts."""
    with live(cilium, EVERYTHING) as world:
        yield world


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("family", Family)
def test_every_protocol_reaches_every_pod_and_host_over_both_families(everything, protocol, family):
    pairs = [(a.ref, b.ref) for a in everything.world.places() for b in everything.world.places() if a.ref != b.ref]
    ports = {Protocol.ICMP: 0}
    questions = [
        Question(source, destination, ports.get(protocol, 80), protocol, family)
        for source, destination in pairs
        if not (source.startswith(OUTSIDE) and destination.startswith(OUTSIDE))
        and (protocol is Protocol.ICMP or any(port.protocol is protocol for port in everything.world.place(destination).serves))
    ]
    seen = sample(
        everything.probes.ask,
        dict.fromkeys(questions, ALLOWED),
        identities(everything),
        replace(TIMES, settle=TIMES.baseline, hold=0.0),
        everything.probes.clock,
    )
    last = {question: track[-1].answer for question, track in seen.tracks.items()}
    assert {} == {question: answer for question, answer in last.items() if answer.kind is not AnswerKind.CONNECTED}
    assert len(last) >= 6


def test_a_pod_is_seen_with_its_own_address_by_other_pods(everything):
    questions = [question for question in everything.questions if OUTSIDE not in question.source + question.destination]
    answers = everything.probes.ask([each for each in questions if each.protocol is not Protocol.ICMP], PATIENT).answers
    assert {question: answer.source_seen for question, answer in answers.items()} == {
        question: str(everything.world.address(question.source, question.family)) for question in answers
    }


def test_an_outside_host_is_seen_with_the_address_of_its_slot(everything):
    question = Question("outside/beta", "shop/api", 80)
    answer = everything.probes.ask([question], PATIENT).answers[question]
    assert (answer.kind, answer.source_seen) == (AnswerKind.CONNECTED, str(everything.world.address("outside/beta", Family.IPV4)))


def test_a_port_that_nobody_serves_is_broken_and_never_blocked(everything):
    questions = [Question("shop/front", "shop/api", 4444, protocol) for protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)]
    answers = everything.probes.ask(questions, 0.5).answers
    assert {AnswerKind.BROKEN} == {answer.kind for answer in answers.values()}


def test_what_a_deny_all_blocks_settles_holds_and_is_lifted_again(cilium):
    with live(cilium, NINE) as world:
        allowed, blocked = dict.fromkeys(world.questions, ALLOWED), dict.fromkeys(world.questions, BLOCKED)
        assert len(world.questions) == 9 * 8 * 4 * 2
        assert sample(world.probes.ask, allowed, identities(world), replace(TIMES, hold=0.0), world.probes.clock).settled_at is not None
        deny_all(world)
        closed = sample(world.probes.ask, blocked, identities(world), TIMES, world.probes.clock)
        assert closed.settled_at is not None
        assert closed.held >= TIMES.hold
        assert {AnswerKind.TIMED_OUT} == {track[-1].answer.kind for track in closed.tracks.values()}
        for namespace in world.world.namespaces.values():
            world.cluster.delete_policy(namespace.name, "deny")
        opened = sample(world.probes.ask, allowed, identities(world), TIMES, world.probes.clock)
        assert opened.settled_at is not None
        assert 0 < opened.settled_at


def broken_for_good(world: Live) -> set[str]:
    """The causes that stand in every cell when the sampling has given up."""
    seen = sample(
        world.probes.ask,
        dict.fromkeys(world.questions, ALLOWED),
        identities(world),
        replace(TIMES, hold=600.0, stream=3.0),
        world.probes.clock,
    )
    last = [track[-1].answer for track in seen.tracks.values()]
    assert {AnswerKind.BROKEN} == {answer.kind for answer in last}
    assert seen.ended < TIMES.settle
    return {answer.detail for answer in last}


def test_a_pod_that_is_deleted_in_the_middle_breaks_its_cells_with_the_cause(cilium):
    with live(cilium, PAIR) as world:
        pod = world.world.pods["shop/api"]
        deleted = {"shop/api": world.pods["shop/api"]}
        world.cluster.delete_pods(deleted)
        world.cluster.pods_gone(deleted)  # until then the cause is another: that it is being deleted
        causes = broken_for_good(world)
        assert all(cause.endswith(f"pod {pod.identity} is gone: somebody deleted it") for cause in causes)


def test_a_probe_that_is_killed_in_the_middle_breaks_its_cells_with_the_cause(cilium):
    with live(cilium, PAIR) as world:
        pod = world.world.pods["shop/api"]
        kill_process(cilium, pod.node, f'"{pod.identity}"')
        state = partial(world.cluster.state_of_pod, pod.namespace, pod.name, patience=TIMES.retry)
        until(lambda: "exit code" in state(), "the kubelet has told of the end of the container")
        causes = broken_for_good(world)
        assert all(f"pod {pod.identity}: its container ended with exit code 137" in cause for cause in causes)


def test_an_api_server_that_is_restarted_in_the_middle_is_waited_for(cilium):
    with live(cilium, PAIR) as world:
        assert {AnswerKind.CONNECTED} == {answer.kind for answer in world.probes.ask(world.questions, PATIENT).answers.values()}
        kill_api_server(cilium)
        answers = world.probes.ask(world.questions, PATIENT).answers
        deny_all(world)
        blocked = dict.fromkeys(world.questions, BLOCKED)
        seen = sample(world.probes.ask, blocked, identities(world), TIMES, world.probes.clock)
        assert {AnswerKind.CONNECTED} == {answer.kind for answer in answers.values()}
        assert seen.settled_at is not None


def test_a_stream_survives_a_line_longer_than_any_frame(everything):
    """Questions and answers of this round are some hundred thousand bytes, in one line each."""
    pods = list(everything.world.pods)
    probe = everything.probes.probes[pods[0]]
    address = str(everything.world.address(pods[1], Family.IPV4))
    everything.probes.ask(everything.questions, PATIENT)  # opens the streams that an earlier test has broken
    probe.tell({"id": 10**6, "timeout": PATIENT, "ask": [[address, 80, "UDP"]] * 950})
    reply = probe.hear(10**6, time.monotonic() + 60)
    assert {"connected"} == {answer[0] for answer in reply["answers"]}
    assert len(str(reply)) > 65536

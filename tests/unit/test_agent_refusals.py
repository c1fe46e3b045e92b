"""How the agent tells the ways apart in which a packet filter says no. In a network namespace of its own, with real rules."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conformance.probe.source import agent_source

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ["unshare", "ip", "iptables", "ip6tables"])),
    reason="needs root, unshare, ip and iptables",
)

IPV4, IPV6 = ("iptables", "127.0.0.1"), ("ip6tables", "::1")
REJECT = {
    "admin": {"iptables": "icmp-admin-prohibited", "ip6tables": "icmp6-adm-prohibited"},
    "host": {"iptables": "icmp-host-unreachable", "ip6tables": "icmp6-addr-unreachable"},
    "port": {"iptables": "icmp-port-unreachable", "ip6tables": "icmp6-port-unreachable"},
    "reset": {"iptables": "tcp-reset", "ip6tables": "tcp-reset"},
}

ROWS = [
    # name, chain, port, what the rule does, protocols, the answer
    ("dropped on the way", "INPUT", 81, "drop", "TCP UDP SCTP", "timed-out"),
    ("reset", "INPUT", 82, "reset", "TCP", "refused"),
    ("prohibited by a filter", "INPUT", 83, "admin", "TCP UDP SCTP", "prohibited"),
    ("port unreachable", "INPUT", 84, "port", "TCP UDP SCTP", "refused"),
    ("host unreachable", "INPUT", 85, "host", "TCP UDP SCTP", "prohibited"),
    ("prohibited as it leaves", "OUTPUT", 90, "admin", "TCP UDP SCTP", "prohibited"),
    ("dropped as it leaves", "OUTPUT", 91, "drop", "TCP", "timed-out"),
    ("dropped as it leaves, and the sender is told", "OUTPUT", 91, "drop", "UDP SCTP", "prohibited"),
]
CASES = [
    pytest.param(address, port, protocol, answer, id=f"{protocol} over {address}: {name}")
    for name, _, port, _, protocols, answer in ROWS
    for protocol in protocols.split()
    for _, address in (IPV4, IPV6)
]


def rules() -> list[list[str]]:
    found = [["ip", "link", "set", "lo", "up", "mtu", "1500"]]
    for filter_command, _ in (IPV4, IPV6):
        for _, chain, port, way, protocols, _ in ROWS:
            target = ["DROP"] if way == "drop" else ["REJECT", "--reject-with", REJECT[way][filter_command]]
            where = [filter_command, "-A", chain, "--dport", str(port)]
            found += [[*where[:3], "-p", protocol.lower(), *where[3:], "-j", *target] for protocol in protocols.split()]
    found.append(["iptables", "-A", "INPUT", "-d", "127.0.0.9", "-p", "icmp", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited"])
    lose_the_first = ["-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0", "-j", "DROP"]
    found += [[command, "-A", "INPUT", "-p", "tcp", "--syn", "--dport", "95", *lose_the_first] for command, _ in (IPV4, IPV6)]
    return found


@pytest.fixture(scope="module")
def walled() -> Iterator[subprocess.Popen[str]]:
    """An agent behind the rules, which serves 81 to 91, and 96 without any rule."""
    serves = [[port, protocol] for _, _, port, _, protocols, _ in ROWS for protocol in protocols.split()] + [[96, "UDP"], [96, "TCP"]]
    config = json.dumps({"identity": "behind/wall", "serves": serves, "ends_with_stdin": True})
    agent = ["exec", sys.executable, "-I", "-S", "-c", agent_source(), config]
    script = " && ".join(shlex.join(words) for words in [*rules(), agent])
    with subprocess.Popen(
        [shutil.which("unshare"), "--net", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert "behind/wall" == json.loads(process.stdout.readline())["hello"]
        yield process
        process.stdin.close()
        assert 0 == process.wait(10)


def ask(process: subprocess.Popen[str], *question: object, timeout: float = 0.3) -> list[object]:
    process.stdin.write(json.dumps({"id": 1, "timeout": timeout, "ask": [question]}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())["answers"][0]


@pytest.mark.parametrize(("address", "port", "protocol", "answer"), CASES)
def test_the_answer_says_how_it_was_blocked(walled, address, port, protocol, answer):
    assert ask(walled, address, port, protocol)[0] == answer


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_connection_whose_first_packet_is_lost_is_tried_again(walled, address):
    kind, _, _, latency, _ = ask(walled, address, 95, "TCP", timeout=0.9)
    assert "refused" == kind
    assert 0.45 <= latency < 0.9  # within the time for the question, before the kernel's own second try


@pytest.mark.parametrize("size", [1400, 1473, 8000])
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_is_longer_than_a_packet_arrives_in_pieces(walled, address, protocol, size):
    assert "connected" == ask(walled, address, 96, protocol, size, timeout=5.0)[0]


def test_an_echo_that_is_rejected_is_prohibited(walled):
    assert "prohibited" == ask(walled, "127.0.0.9", 0, "ICMP")[0]


@pytest.mark.parametrize("protocol", ["TCP", "UDP", "SCTP", "ICMP"])
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_network_to_which_there_is_no_route_is_broken(walled, address, protocol):
    kind, _, _, _, detail = ask(walled, address, 80, protocol)
    assert ("broken", "no route: Network is unreachable") == (kind, detail)

"""The program that captures packets beside a node, run here: on loopback, and in the network of another process."""

from __future__ import annotations

import base64
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.diagnostics import packets

SOURCE = Path(packets.__file__).read_text(encoding="utf-8")
IDLE = "import sys; print('here', flush=True); sys.stdin.read()"


def may_capture() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not may_capture(), reason="capturing takes the right to: root, or CAP_NET_RAW")


@pytest.fixture
def agent() -> Iterator[subprocess.Popen[str]]:
    """A process that looks like the agent of a pod."""
    config = json.dumps({"identity": "cc-test-shop/api", "serves": [], "bind": None})
    process = subprocess.Popen([sys.executable, "-c", IDLE, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "here\n" == process.stdout.readline()
    yield process
    process.communicate("")


def captured(send: bytes, identity: str = "", addresses: tuple[str, ...] = ("127.0.0.1",), room: int = 100_000) -> dict[str, Any]:
    """What the program says after a datagram went over loopback."""
    argument = json.dumps({"identity": identity, "addresses": addresses, "bytes": room, "seconds": 30})
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", SOURCE, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        sender.sendto(send, receiver.getsockname())
        assert send == receiver.recv(65535)
    output, errors = process.communicate("\n", timeout=30)
    assert "" == errors
    found: dict[str, Any] = json.loads(output)
    return found


def frames(pcap: str) -> list[tuple[bytes, bytes]]:
    """The cooked header and the data of each packet in a file."""
    data = base64.b64decode(pcap)
    magic, major, minor, _, _, _, link = struct.unpack("<IHHiIII", data[:24])
    assert (0xA1B2C3D4, 2, 4, 276) == (magic, major, minor, link)
    found, at = [], 24
    while at < len(data):
        _, _, length, _ = struct.unpack("<IIII", data[at : at + 16])
        frame = data[at + 16 : at + 16 + length]
        found.append((frame[:20], frame[20:]))
        at += 16 + length
    return found


def test_a_packet_is_written_down_with_its_interface() -> None:
    (capture,) = captured(b"a question")["captures"]
    mine = [(header, data) for header, data in frames(capture["pcap"]) if data.endswith(b"a question")]
    assert 2 == len(mine)  # loopback: it goes out, and it comes in
    protocol, _, interface, hardware, kind, _ = struct.unpack("!HHIHBB", mine[0][0][:12])
    assert (0x0800, socket.if_nametoindex("lo"), 772, {0, 4}) == (protocol, interface, hardware, {kind, mine[1][0][10]})
    assert socket.if_nametoindex("lo") == capture["interfaces"]["lo"]


def test_a_pod_has_a_file_of_its_own(agent: subprocess.Popen[str]) -> None:
    found = captured(b"a question", "cc-test-shop/api")
    assert (["node", "pod"], "") == ([each["name"] for each in found["captures"]], found["why"])
    for each in found["captures"]:
        assert any(data.endswith(b"a question") for _, data in frames(each["pcap"]))


def test_a_pod_that_is_not_there_is_said() -> None:
    found = captured(b"a question", "cc-test-shop/nobody")
    assert (["node"], "its process was not found on its node") == ([each["name"] for each in found["captures"]], found["why"])


def test_what_has_none_of_the_addresses_is_left_aside() -> None:
    (capture,) = captured(b"a question", addresses=("192.0.2.77", "2001:db8::77"))["captures"]
    assert [] == frames(capture["pcap"])


def test_a_large_packet_is_cut_and_a_full_file_counts_the_rest() -> None:
    (capture,) = captured(b"x" * 5000)["captures"]
    assert {512} == {len(data) for _, data in frames(capture["pcap"]) if len(data) > 400}
    (capture,) = captured(b"a question", room=10)["captures"]
    assert ([], True) == (frames(capture["pcap"]), capture["cut"] >= 2)

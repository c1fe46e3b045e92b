"""Packets of a pod and of its node, written down while a question is asked. Runs beside a node, alone: no import of ours.

Its argument is JSON: `identity` of the pod's agent ("" where it has no network of its own), `addresses` (only frames with one of them are
kept), `bytes` of one file at the most, `seconds` until it gives up. It writes a line `ready`, waits for a line or the end of its input, and
writes what it saw: JSON with a base64 file in pcap's form for each network (Linux cooked v2: frames of all interfaces fit into one).
"""

from __future__ import annotations

import base64
import ctypes
import fcntl
import ipaddress
import json
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ALL, TIMESTAMP, NEW_NETWORK, NAME_TO_INDEX = 3, 35, 0x40000000, 0x8933  # ETH_P_ALL, SO_TIMESTAMPNS, CLONE_NEWNET, SIOCGIFINDEX
COOKED_2, SNAP, SEARCHED = 276, 512, 400


class Capture:
    """What one network's interfaces carry, from now on."""

    def __init__(self, name: str, addresses: list[bytes], room: int) -> None:
        self.name, self.addresses, self.room = name, addresses, room
        self.frames: list[bytes] = []
        self.cut = 0
        self.interfaces: dict[str, int] = {}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))  # every interface, without its own header
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)

    def take(self) -> None:
        """Everything that has come."""
        while True:
            try:
                data, ancillary, _, (interface, protocol, kind, hardware, address) = self.socket.recvmsg(65535, 64)
            except BlockingIOError:
                return
            except OSError:  # an interface went away
                continue
            if any(each in data[:SEARCHED] for each in self.addresses):
                self.keep(data, ancillary, interface, protocol, kind, hardware, address)

    def keep(self, data: bytes, ancillary: Any, interface: str, protocol: int, kind: int, hardware: int, address: bytes) -> None:
        """One frame with its header."""
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16]) if ancillary else divmod(time.time_ns(), 1_000_000_000)
        header = struct.pack("!HHIHBB8s", protocol, 0, self.index(interface), hardware, kind, len(address[:8]), address[:8])
        shown = header + data[:SNAP]
        frame = struct.pack("<IIII", seconds, nanoseconds // 1000, len(shown), len(header) + len(data)) + shown
        if len(frame) > self.room:
            self.cut += 1
            return
        self.room -= len(frame)
        self.frames.append(frame)

    def index(self, interface: str) -> int:
        """The number of an interface in this socket's network; 0 where it is gone."""
        if interface not in self.interfaces:
            try:
                answer = fcntl.ioctl(self.socket, NAME_TO_INDEX, struct.pack("16si", interface.encode()[:15], 0))
                self.interfaces[interface] = struct.unpack("16si", answer)[1]
            except OSError:
                self.interfaces[interface] = 0
        return self.interfaces[interface]

    def document(self) -> dict[str, Any]:
        """What was seen."""
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, COOKED_2)
        return {
            "name": self.name,
            "pcap": base64.b64encode(head + b"".join(self.frames)).decode(),
            "packets": len(self.frames),
            "cut": self.cut,
            "interfaces": self.interfaces,
        }


def network_of(identity: str) -> int | None:
    """A file descriptor of the network in which the agent with this identity runs; None where it is not here."""
    wanted = f'"identity": {json.dumps(identity)}'.encode()  # as it stands in the agent's argument
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and wanted in (process / "cmdline").read_bytes():
                return os.open(process / "ns" / "net", os.O_RDONLY)
        except OSError:  # it has ended, or it is not ours to see
            continue
    return None


def enter(network: int) -> None:
    """This process is in another network from now on."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(network, NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def say(line: str) -> None:
    """One line to whoever started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """See above."""
    config = json.loads(sys.argv[1])
    addresses = [ipaddress.ip_address(each).packed for each in config["addresses"]]
    captures, why = [Capture("node", addresses, config["bytes"])], ""
    if config["identity"]:
        network = network_of(config["identity"])
        if network is None:
            why = "its process was not found on its node"
        else:
            enter(network)
            captures.append(Capture("pod", addresses, config["bytes"]))
    say("ready")
    until = time.monotonic() + config["seconds"]
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin, *(each.socket for each in captures)], [], [], left)
        for each in captures:
            each.take()
        if sys.stdin in ready:
            break
    say(json.dumps({"captures": [each.document() for each in captures], "why": why}))


if __name__ == "__main__":
    main()

"""Packets of SCTP and ICMP, byte by byte."""

from __future__ import annotations

import struct

from conformance.probe.agent.answers import IPV6

SCTP, INIT, INIT_ACK, ABORT, STATE_COOKIE, USER_ABORT = 132, 1, 2, 6, 7, 12  # RFC 9260, sections 3.2, 3.3.3.1 and 3.3.10.12


def crc32c_table() -> list[int]:
    """For `crc32c`, by its reversed polynomial."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = crc32c_table()


def crc32c(data: bytes) -> int:
    """SCTP's checksum (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC32C[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def sctp_packet(source: int, destination: int, tag: int, kind: int, own_tag: int | None, extra: tuple[int, bytes] | None) -> bytes:
    """An SCTP packet with one chunk. INIT and INIT-ACK carry the sender's own tag; `extra` is a parameter or error cause."""
    body = struct.pack("!IIHHI", own_tag, 65536, 1, 1, own_tag) if own_tag is not None else b""
    if extra:
        body += struct.pack("!HH", extra[0], 4 + len(extra[1])) + extra[1] + bytes(-len(extra[1]) % 4)
    head, chunk = struct.pack("!HHI", source, destination, tag), struct.pack("!BBH", kind, 0, 4 + len(body)) + body
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def icmp_echo(family: int, mark: int, number: int) -> bytes:
    """An echo request (RFC 792, RFC 4443). IPv6's checksum is made by the kernel."""
    if family == IPV6:
        return struct.pack("!BBHHH", 128, 0, 0, mark, number)
    total = 0x0800 + mark + number
    return struct.pack("!BBHHH", 8, 0, 0xFFFF - (total & 0xFFFF) - (total >> 16) & 0xFFFF, mark, number)

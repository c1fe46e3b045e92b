"""Big questions and names, over real sockets of this machine."""

import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from agent_process import SOON, free_port

from conformance.probe.agent import names
from conformance.probe.agent.answers import content
from conformance.probe.agent.asking import Asker, datagram
from conformance.probe.agent.names import Resolver, query, reply
from conformance.world.question import NOT_RESOLVED

LOCAL = "127.0.0.1"


@pytest.mark.parametrize("size", [1, 1400, 100_000, 1_000_000])
def test_so_many_bytes_go_there_and_come_back_over_tcp(start, size):
    port = free_port()
    (answer,) = start("shop/api", [[port, "TCP"]]).ask((LOCAL, port, "TCP", size))["answers"]
    assert ["connected", "shop/api", LOCAL, ""] == [*answer[:3], answer[4]]


@pytest.mark.parametrize("size", [1, 30, 1400, 1473, 8000, 60_000])
def test_one_datagram_of_so_many_bytes_comes_back(start, size):
    port = free_port()
    (answer,) = start("shop/api", [[port, "UDP"]]).ask((LOCAL, port, "UDP", size))["answers"]
    assert ["connected", "shop/api", LOCAL, ""] == [*answer[:3], answer[4]]


def test_plain_and_big_questions_may_stand_side_by_side(start):
    port = free_port()
    talk = start(serves=[[port, "TCP"], [port, "UDP"]])
    assert ["connected"] * 4 == talk.kinds(
        (LOCAL, port, "TCP"), (LOCAL, port, "TCP", 50_000), (LOCAL, port, "UDP"), (LOCAL, port, "UDP", 9000)
    )


def test_many_big_questions_at_once_are_all_answered(start):
    port = free_port()
    assert ["connected"] * 20 == start(serves=[[port, "TCP"]]).kinds(*[(LOCAL, port, "TCP", 1_000_000)] * 20)


def stranger(spoil: Callable[[bytes], bytes], most: int = 10**9) -> int:
    """A TCP server that greets as an agent does and gives back the first `most` bytes, spoiled."""
    server = socket.create_server((LOCAL, 0))

    def run() -> None:
        with server, server.accept()[0] as client, suppress(OSError):
            client.sendall(b"shop/api 127.0.0.1\n")
            left = most
            while left > 0 and (data := client.recv(4096)):
                client.sendall(spoil(data[:left]))
                left -= len(data)
            client.settimeout(SOON)
            while client.recv(4096):
                pass

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


@pytest.mark.parametrize(
    ("most", "spoil", "detail"),
    [
        (10**9, lambda data: data[:-1] + b"?", "it answered, but the bytes came back changed"),
        (5000, bytes, "it answered, but only a part of the bytes came back"),
        (0, bytes, "it answered, but nothing of the bytes came back"),
    ],
)
def test_what_does_not_come_back_as_it_went_is_not_connected_and_says_why(start, most, spoil, detail):
    (answer,) = start().ask((LOCAL, stranger(spoil, most), "TCP", 20_000), timeout=0.3)["answers"]
    assert ["timed-out", None, None, detail] == [*answer[:3], answer[4]]


@pytest.mark.parametrize(
    ("data", "size", "kind", "detail"),
    [
        (b"a/b 10.0.0.1\n" + content(0, 100)[13:], 100, "connected", ""),
        (b"a/b 10.0.0.1\n", 5, "connected", ""),
        (b"a/b 10.0.0.1\n" + content(0, 90)[13:], 100, "timed-out", "it answered, but only a part of the bytes came back"),
        (b"a/b 10.0.0.1\n" + content(1, 100)[13:], 100, "timed-out", "it answered, but the bytes came back changed"),
        (b"hello", 100, "connected", "these words are from something that is no probe agent"),
    ],
    ids=["whole", "smaller than the line", "cut", "changed", "a stranger's"],
)
def test_a_datagram_is_told_by_its_length_and_its_content(data, size, kind, detail):
    found = datagram(data, size)
    assert (kind, detail) == (found[0], found[3])


def test_the_content_goes_on_where_it_stopped_and_shows_a_lost_piece():
    whole = content(0, 50_000)
    assert whole == content(0, 20_000) + content(20_000, 30_000)
    assert whole[:40_000] != whole[1448:41_448]


@pytest.mark.parametrize(
    "line", ['["127.0.0.1", 80, "SCTP", 5]', '["web", 80, "TCP", 0, "ipx"]', '["web", 80, "TCP", 0]', '["127.0.0.1", 80]']
)
def test_a_question_that_cannot_be_asked_is_an_error(start, line):
    talk = start()
    talk.write(f'{{"id": 1, "timeout": 1, "ask": [{line}]}}\n')
    assert {"id", "error"} == set(talk.read())


@contextmanager
def name_server(known: dict[str, str], code: int = 3, *, loses: int = 0) -> Iterator[tuple[int, list[str]]]:
    """A name server at 127.0.0.1: its port, and the names that it was asked for. Unknown names get this code."""
    asked: list[str] = []
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind((LOCAL, 0))

        def run() -> None:
            while True:
                try:
                    data, sender = server.recvfrom(512)
                except OSError:
                    return
                name, at = "", 12
                while data[at]:
                    name += data[at + 1 : at + 1 + data[at]].decode() + "."
                    at += 1 + data[at]
                asked.append(name[:-1])
                kind = struct.unpack_from("!H", data, at + 1)[0]
                if len(asked) > loses:
                    server.sendto(answer(data, known.get(name[:-1]), kind, code), sender)

        threading.Thread(target=run, daemon=True).start()
        yield server.getsockname()[1], asked


def answer(question: bytes, address: str | None, kind: int, code: int) -> bytes:
    """A reply, with an alias before the address, its name by a pointer."""
    if address is None or (":" in address) != (kind == 28):
        return question[:2] + struct.pack("!HHHHH", 0x8180 | (code if address is None else 0), 1, 0, 0, 0) + question[12:]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 30, 6) + b"\x03web\xc0\x0c"
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 30, len(packed)) + packed
    return question[:2] + struct.pack("!HHHHH", 0x8180, 1, 2, 0, 0) + question[12:] + alias + record


@pytest.fixture
def configured(tmp_path):
    """The configuration of an agent with this resolv.conf and port of its name servers."""

    def make(port: int, more: str = "search shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n") -> dict[str, object]:
        file = tmp_path / "resolv.conf"
        file.write_text(f"nameserver {LOCAL}\n{more}")
        return {"resolv": str(file), "name_port": port}

    return make


def test_a_name_is_resolved_and_the_first_address_asked(start, configured):
    port = free_port()
    with name_server({"web.shop.svc.cluster.local": LOCAL}) as (server, asked):
        (found,) = start("shop/api", [[port, "TCP"]], **configured(server)).ask(("web", port, "TCP", 0, "ipv4"))["answers"]
    assert ["connected", "shop/api", LOCAL] == found[:3]
    assert ["web.shop.svc.cluster.local"] == asked


def test_a_lost_question_for_a_name_is_sent_again(start, configured):
    port = free_port()
    with name_server({"web": LOCAL}, loses=1) as (server, asked):
        (found,) = start(serves=[[port, "TCP"]], **configured(server, "")).ask(("web", port, "TCP", 0, "ipv4"), timeout=2.0)["answers"]
    assert "connected" == found[0]
    assert ["web", "web"] == asked


def test_what_a_name_server_takes_is_not_taken_from_the_destination(start, configured):
    with socket.create_server((LOCAL, 0)) as mute, name_server({"web": LOCAL}, loses=2) as (server, _):
        line = ("web", mute.getsockname()[1], "TCP", 0, "ipv4")
        (found,) = start(**configured(server, "")).ask(line, timeout=1.0)["answers"]
    assert ["timed-out", True] == [found[0], found[3] >= 0.3 + 1.0]


def test_a_name_that_nobody_resolves_in_time_is_timed_out(start, configured):
    with name_server({}, loses=99) as (server, _):
        (found,) = start(**configured(server)).ask(("web", 80, "TCP", 0, "ipv4"))["answers"]
    assert ["timed-out", "the name was not resolved"] == [found[0], found[4]]


def test_a_name_that_there_is_not_is_broken_and_every_candidate_was_tried(start, configured):
    with name_server({}) as (server, asked):
        (found,) = start(**configured(server)).ask(("web", 80, "TCP", 0, "ipv4"))["answers"]
    assert ["broken", "there is no name web"] == [found[0], found[4]]
    assert ["web.shop.svc.cluster.local", "web.svc.cluster.local", "web"] == asked


def test_a_name_without_an_address_of_the_family_is_none(start, configured):
    with name_server({"web": LOCAL}) as (server, _):
        (found,) = start(**configured(server, "")).ask(("web", 80, "TCP", 0, "ipv6"))["answers"]
    assert ["broken", "there is no name web"] == [found[0], found[4]]


def test_a_name_server_that_refuses_is_refused(start, configured):
    (found,) = start(**configured(free_port(socket.SOCK_DGRAM))).ask(("web", 80, "TCP", 0, "ipv4"))["answers"]
    assert ["refused", "the name was not resolved: Connection refused"] == [found[0], found[4]]


def test_a_name_server_in_trouble_is_broken(start, configured):
    with name_server({}, code=2) as (server, _):
        (found,) = start(**configured(server)).ask(("web", 80, "TCP", 0, "ipv4"))["answers"]
    assert ["broken", "the name was not resolved: the name server says error 2"] == [found[0], found[4]]


def test_without_a_name_server_nothing_is_resolved(start, tmp_path):
    (found,) = start(resolv=str(tmp_path / "none")).ask(("web", 80, "TCP", 0, "ipv4"))["answers"]
    assert ["broken", "there is no name server in resolv.conf"] == [found[0], found[4]]


@pytest.mark.parametrize(
    ("text", "name", "candidates"),
    [
        ("search a.b c\noptions ndots:2 timeout:1", "web", ["web.a.b", "web.c", "web"]),
        ("search a.b c\noptions ndots:2", "web.x.y", ["web.x.y", "web.x.y.a.b", "web.x.y.c"]),
        ("search a.b", "web.", ["web"]),
        ("domain a.b.", "web", ["web.a.b", "web"]),
        ("options ndots:many", "web.x", ["web.x"]),
        ("", "web", ["web"]),
    ],
)
def test_a_name_means_what_the_search_list_says(text, name, candidates):
    assert candidates == Resolver(text).candidates(name)


@pytest.mark.parametrize(
    "data", [b"", b"\0\1", query("web", socket.AF_INET, 7), query("web", socket.AF_INET, 8), b"\0\7\x81\x80\0\1\0\1\0\0\0\0\3we"]
)
def test_what_is_no_reply_to_the_question_is_passed_over(data):
    assert (-1, "") == reply(data, socket.AF_INET, 7)


class Lossy:
    """A datagram socket whose first datagram is lost on its own node: the kernel says so by the error number."""

    def __init__(self, number: int) -> None:
        self.faults, self.sent = [OSError(number, os.strerror(number))], 0

    def __enter__(self) -> "Lossy":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def connect_ex(self, _: object) -> int:
        return 0

    def send(self, _: bytes) -> None:
        if self.faults:
            raise self.faults.pop()
        self.sent += 1

    def recvmsg(self, *_: object) -> None:
        raise BlockingIOError

    def fileno(self) -> int:
        return 7


@pytest.mark.parametrize("number", [errno.EMSGSIZE, errno.ENOBUFS], ids=["too big", "lost before it left the node"])
def test_a_datagram_that_does_not_leave_the_node_is_sent_again(monkeypatch, number):
    lossy = Lossy(number)
    monkeypatch.setattr(Asker, "bound", lambda *_: lossy)
    asked = Asker.ask_udp(object.__new__(Asker), LOCAL, 80, 0, time.monotonic() + SOON)
    next(asked)

    assert 0 == lossy.sent
    asked.send(None)
    assert 1 == lossy.sent


def test_the_agent_and_the_judge_have_one_word_for_a_name_that_nobody_resolved():
    assert names.NOT_RESOLVED == NOT_RESOLVED

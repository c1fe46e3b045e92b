"""The probe agent as a process of its own, over real sockets of this machine."""

import ast
import errno
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from agent_process import SOON, free_port

from conformance.probe.agent.answers import refusal
from conformance.probe.agent.asking import RESEND
from conformance.probe.agent.loop import Loop
from conformance.probe.agent.packets import crc32c
from conformance.probe.source import agent_parts, agent_source

CAN_RAW = os.geteuid() == 0
"""Raw sockets need root here."""

needs_raw = pytest.mark.skipif(not CAN_RAW, reason="raw sockets need root")


def has_ipv6() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET6)) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


FAMILIES = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))]


@pytest.mark.parametrize("protocol", ["TCP", "UDP", pytest.param("SCTP", marks=needs_raw)])
@pytest.mark.parametrize("address", FAMILIES)
def test_an_answer_names_the_responder_and_the_source_that_it_saw(start, protocol, address):
    port = free_port()
    talk = start("shop/api", [[port, protocol]])
    (answer,) = talk.ask((address, port, protocol))["answers"]
    assert answer[:3] == ["connected", "shop/api", address]
    assert 0 < answer[3] < 0.4
    assert "" == answer[4]


@pytest.mark.parametrize("protocol", ["TCP", "UDP", pytest.param("SCTP", marks=needs_raw)])
@pytest.mark.parametrize("address", FAMILIES)
def test_a_port_that_nobody_serves_is_refused(start, protocol, address):
    assert ["refused"] == start().kinds((address, free_port(), protocol))


@needs_raw
@pytest.mark.parametrize("address", FAMILIES)
def test_an_echo_names_its_responder_by_address(start, address):
    (answer,) = start().ask((address, 0, "ICMP"))["answers"]
    assert answer[:3] == ["connected", address, None]


def test_all_questions_are_asked_at_the_same_time(start):
    talk = start()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        question = ("127.0.0.1", silent.getsockname()[1], "TCP")
        reply = talk.ask(*[question] * 50, timeout=0.5)
    assert [answer[0] for answer in reply["answers"]] == ["timed-out"] * 50
    assert 0.5 <= reply["took"] < 12.5  # one after the other they would take 25 s


def test_a_connection_over_which_nobody_answers_is_timed_out_and_says_so(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (answer,) = start().ask(("127.0.0.1", silent.getsockname()[1], "TCP"))["answers"]
    assert "timed-out" == answer[0]
    assert "a connection was made, but nobody answered over it" == answer[4]


def serve_once(reply: bytes, *, resets: bool = False) -> int:
    """A TCP server that is no agent: takes one connection, writes, closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with server:
            client, _ = server.accept()
            if resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            with client:
                client.sendall(reply)

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


def test_a_connection_closed_without_a_word_is_connected_to_nobody(start):
    (answer,) = start().ask(("127.0.0.1", serve_once(b""), "TCP"))["answers"]
    assert ["connected", None, None] == answer[:3]
    assert "the connection was closed without a word" == answer[4]


def test_a_connection_that_is_reset_is_refused(start):
    assert ["refused"] == start().kinds(("127.0.0.1", serve_once(b"", resets=True), "TCP"))


def test_the_words_of_a_stranger_are_its_identity(start):
    (answer,) = start().ask(("127.0.0.1", serve_once(b"SSH-2.0-somebody else here\n"), "TCP"))["answers"]
    assert ["connected", "SSH-2.0-somebody else here"] == answer[:2]
    assert "these words are from something that is no probe agent" == answer[4]


def test_a_lost_datagram_is_sent_again(start):
    talk = start()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(SOON)

        def answer_the_second() -> None:
            server.recvfrom(512)
            _, sender = server.recvfrom(512)
            server.sendto(b"shop/late 127.0.0.1", sender)

        thread = threading.Thread(target=answer_the_second)
        thread.start()
        (answer,) = talk.ask(("127.0.0.1", server.getsockname()[1], "UDP"), timeout=2.0)["answers"]
        thread.join()
    assert ["connected", "shop/late"] == answer[:2]
    assert answer[3] >= RESEND


def test_every_datagram_flow_has_a_source_port_of_its_own(start):
    talk, ports = start(), []
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(SOON)
        for number in range(40):
            talk.write(json.dumps({"id": number, "timeout": 1, "ask": [["127.0.0.1", server.getsockname()[1], "UDP"]]}) + "\n")
            _, sender = server.recvfrom(512)
            ports.append(sender[1])
            server.sendto(b"x 127.0.0.1", sender)
            talk.read()
    assert 40 == len(set(ports))


def test_the_ports_that_it_serves_now_are_confirmed(start):
    port = free_port()
    reply = start(serves=[[port, "TCP"], [port, "UDP"]]).ask()
    families = ["ipv4", "ipv6"] if has_ipv6() else ["ipv4"]
    assert reply["serving"] == [[port, protocol, family] for protocol in ("TCP", "UDP") for family in families]


def test_a_port_that_another_process_has_is_a_fault_and_not_confirmed(start):
    with closing(socket.socket()) as other:
        other.bind(("0.0.0.0", 0))  # noqa: S104
        other.listen()
        port = other.getsockname()[1]
        talk = start(serves=[[port, "TCP"]])
        assert f"cannot serve {port}/TCP over ipv4: Address already in use" in talk.hello["faults"]
        assert [port, "TCP", "ipv4"] not in talk.ask()["serving"]


def test_two_agents_of_one_machine_keep_to_the_addresses_that_they_are_bound_to(start):
    port = free_port()
    one = start("outside/one", [[port, "TCP"], [port, "UDP"]], ["127.0.0.21"])
    two = start("outside/two", [[port, "TCP"], [port, "UDP"]], ["127.0.0.22"])
    answers = one.ask(("127.0.0.22", port, "TCP"), ("127.0.0.22", port, "UDP"), ("127.0.0.21", port, "TCP"))["answers"]
    assert [answer[1:3] for answer in answers] == [["outside/two", "127.0.0.21"]] * 2 + [["outside/one", "127.0.0.21"]]
    assert two.ask()["serving"] == [[port, "TCP", "ipv4"], [port, "UDP", "ipv4"]]


@needs_raw
def test_two_agents_of_one_machine_serve_sctp_each_at_its_own_address(start):
    one = start("outside/one", [[9000, "SCTP"]], ["127.0.0.21"])
    start("outside/two", [[9001, "SCTP"]], ["127.0.0.22"])
    answers = one.ask(("127.0.0.22", 9001, "SCTP"), ("127.0.0.22", 9000, "SCTP"), ("127.0.0.21", 9000, "SCTP"))["answers"]
    assert [
        ["connected", "outside/two", "127.0.0.21"],
        ["refused", None, None],
        ["connected", "outside/one", "127.0.0.21"],
    ] == [answer[:3] for answer in answers]


def test_a_family_that_a_bound_agent_lacks_is_broken(start):
    (answer,) = start(bind=["127.0.0.21"]).ask(("::1", 80, "TCP"))["answers"]
    assert "broken" == answer[0]
    assert "this probe has no address of the family of ::1" == answer[4]


@pytest.mark.skipif(not (CAN_RAW and shutil.which("setpriv")), reason="only root can give up a capability, with setpriv")
def test_without_the_right_to_raw_sockets_only_sctp_is_broken(start):
    port = free_port()
    talk = start(serves=[[port, "TCP"], [port, "SCTP"]], before=["setpriv", "--bounding-set=-net_raw"])
    answers = talk.ask(("127.0.0.1", port, "SCTP"), ("127.0.0.1", port, "TCP"))["answers"]
    assert ["broken", "connected"] == [answer[0] for answer in answers]
    assert answers[0][4] == talk.hello["cannot"]["SCTP/ipv4"] == "SCTP needs the capability NET_RAW, which this probe does not have"


@pytest.mark.parametrize(
    "line",
    [
        "what?",
        "[1, 2]",
        '{"id": 1}',
        '{"id": 1, "timeout": 1, "ask": [["no address", 80, "TCP"]]}',
        '{"id": 1, "timeout": 1, "ask": [["127.0.0.1", 80, "FTP"]]}',
        '{"id": 1, "timeout": "soon", "ask": []}',
        "\xff\xfe",
    ],
)
def test_a_line_that_is_no_request_is_an_error_and_changes_nothing(start, line):
    talk = start()
    talk.write(line + "\n")
    assert {"id", "error"} == set(talk.read())
    assert (7, [], []) == tuple(talk.ask(number=7)[key] for key in ("id", "answers", "serving"))


def test_a_request_may_come_in_pieces_and_two_at_a_time(start):
    talk = start()
    talk.write('{"id": 1, "timeo')
    time.sleep(0.05)  # so that the pieces are read one by one; nothing depends on it
    talk.write('ut": 0.1, "ask": []}\n\n{"id": 2, "timeout": 0.1, "ask": []}\n')
    assert [1, 2] == [talk.read()["id"], talk.read()["id"]]


def test_a_long_request_is_answered_in_one_line(start):
    port = free_port()
    talk = start(serves=[[port, "UDP"]])
    questions = [("127.0.0.1", port, "UDP")] * 400
    assert talk.kinds(*questions) == ["connected"] * 400


def test_it_says_who_it_is_whenever_it_is_asked(start):
    talk = start("shop/api")
    talk.write('{"hello": true}\n')
    again = talk.read()
    assert (again["hello"], again["instance"], again["faults"]) == ("shop/api", talk.hello["instance"], [])


def test_it_says_what_it_has_cost(start):
    port = free_port()
    talk = start(serves=[[port, "UDP"]])
    talk.ask(*[("127.0.0.1", port, "UDP")] * 500)
    talk.write('{"hello": true}\n')
    again = talk.read()
    assert 0 < talk.hello["cpu"] < again["cpu"] < 60
    status = Path(f"/proc/{talk.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    assert 0 <= peak - again["memory"] < 1024  # to say it costs a little, too


def test_each_start_has_a_number_of_its_own(start):
    assert start().hello["instance"] != start().hello["instance"]


def test_it_tells_for_how_long_it_was_not_let_run(start):
    port = free_port()
    question = ("127.0.0.1", port, "UDP")  # without a question it may answer before it has looked at its clock
    talk = start(serves=[[port, "UDP"]])
    before = talk.ask(question, number=1)["late"]
    talk.process.send_signal(signal.SIGSTOP)
    time.sleep(before + 0.6)  # the delay itself is what is tested; a busy machine has one of its own
    talk.process.send_signal(signal.SIGCONT)
    stopped = talk.ask(question, number=2)["late"]
    assert before + 0.5 <= stopped
    assert stopped > talk.ask(question, number=3)["late"]


def test_it_ends_when_told(start):
    talk = start()
    talk.write('{"end": true}\n')
    assert 0 == talk.process.wait(SOON)


def test_it_ends_with_its_input_where_that_is_wanted(start):
    talk = start(ends_with_stdin=True)
    talk.process.stdin.close()
    assert 0 == talk.process.wait(SOON)


def test_it_goes_on_serving_without_input_otherwise(start):
    port = free_port()
    talk = start("shop/api", [[port, "TCP"]], ends_with_stdin=False)
    talk.process.stdin.close()
    with socket.create_connection(("127.0.0.1", port), SOON) as client:
        assert "shop/api 127.0.0.1\n" == client.makefile().readline()
    assert talk.process.poll() is None


def test_it_serves_without_any_input(start):
    port = free_port()
    talk = start("shop/api", [[port, "TCP"]], ends_with_stdin=False)
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", agent_source(), json.dumps({"identity": "shop/other", "serves": []})],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as other:
        hello = json.loads(other.stdout.readline())
        other.kill()
    assert ["standard input is no stream: nobody can ask this probe"] == hello["faults"]
    assert talk.process.poll() is None


def test_sigterm_ends_it_at_once(start):
    talk = start()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        talk.write(json.dumps({"id": 1, "timeout": 600, "ask": [["127.0.0.1", silent.getsockname()[1], "TCP"]]}) + "\n")
        silent.accept()  # a question is under way that waits for ten minutes
        talk.process.send_signal(signal.SIGTERM)
        assert 0 == talk.process.wait(SOON)


def test_it_takes_less_than_25_megabytes(start):
    port = free_port()
    talk = start(serves=[[port, "TCP"], [port, "UDP"]])
    for number in range(5):
        talk.ask(*[("127.0.0.1", port, protocol) for protocol in ("TCP", "UDP")] * 100, number=number)
    status = Path(f"/proc/{talk.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    assert peak < 25 * 1024


def test_its_text_is_python_3_8_and_needs_the_standard_library_only():
    trees = [ast.parse(part, feature_version=(3, 8)) for part in agent_parts()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names)


def test_no_module_of_it_uses_a_name_of_another_for_something_else():
    """They are joined into one text."""
    own: list[str] = []
    for part in agent_parts():
        for node in ast.parse(part).body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            own += [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            own += [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    assert {"TYPE_CHECKING"} == {name for name in own if own.count(name) > 1}


def test_its_text_fits_into_one_argument_of_a_process():
    """Linux: MAX_ARG_STRLEN, 128 KiB for each of them."""
    assert len(agent_source().encode()) < 110_000
    assert all("'''" not in part for part in agent_parts())


@pytest.mark.parametrize(
    ("code", "at_once", "kind"),
    [
        ("ECONNREFUSED", False, "refused"),
        ("ECONNRESET", False, "refused"),
        ("EHOSTUNREACH", False, "prohibited"),
        ("EHOSTUNREACH", True, "prohibited"),
        ("ENETUNREACH", False, "prohibited"),
        ("ENETUNREACH", True, "broken"),
        ("EACCES", True, "prohibited"),
        ("EPERM", True, "prohibited"),
        ("EHOSTDOWN", False, "prohibited"),
        ("ENOPROTOOPT", False, "prohibited"),
        ("ETIMEDOUT", False, "timed-out"),
        ("EADDRNOTAVAIL", True, "broken"),
        ("ENOBUFS", True, "broken"),
        ("EMFILE", True, "broken"),
    ],
)
def test_errors_of_the_network_are_told_from_our_own(code, at_once, kind):
    assert refusal(getattr(errno, code), at_once=at_once)[0] == kind


@pytest.mark.parametrize(("data", "checksum"), [(b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (bytes(range(32)), 0x46DD794E)])
def test_the_checksum_is_that_of_the_standard(data, checksum):
    """Examples of RFC 3720, appendix B.4, and the usual check value."""
    assert crc32c(data) == checksum


def test_what_came_in_time_counts_although_the_loop_looks_late():
    loop, told = Loop(), []
    ours, theirs = socket.socketpair()

    def task():
        told.append((yield ours.fileno(), time.monotonic() + 0.01))

    with ours, theirs:
        loop.start(task())
        theirs.send(b"x")
        time.sleep(0.05)  # this process is late: the time is over and the answer is there
        loop.turn()
    assert told == [select.EPOLLIN]

"""What an agent asks by itself: watched cells, and the first instants of a pod."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pytest
from agent_process import SOON, Talk, free_port

from conformance.probe.agent.watching import Trail

LOCAL = "127.0.0.1"
EVERY = 0.02


def watched(talk: Talk, until: Callable[[dict[str, list[list[object]]]], bool], key: str = "cell") -> dict[str, list[list[object]]]:
    """The spans of a cell, fetched again and again until they are enough."""
    found: dict[str, list[list[object]]] = {"attempts": [], "connection": []}
    deadline = time.monotonic() + SOON
    while not until(found):
        assert time.monotonic() < deadline, found
        for what, spans in talk.request(watched=True)["watched"].get(key, {}).items():
            found[what] += spans
    return found


def watch(talk: Talk, *line: object, key: str = "cell") -> None:
    assert 1 == talk.request(watch=[[key, *line]], every=EVERY)["watching"]


def count(spans: list[list[object]], kind: str) -> int:
    return sum(span[2] for span in spans if span[3] == kind)


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_watched_cell_is_asked_all_the_time_in_both_ways(start, protocol):
    port = free_port()
    talk = start("shop/api", [[port, protocol]])
    watch(talk, LOCAL, port, protocol)
    found = watched(talk, lambda seen: min(count(seen[what], "connected") for what in seen) > 20)
    for spans in found.values():
        assert {("connected", "shop/api", LOCAL, "")} == {tuple(span[3:]) for span in spans}
        assert all(since <= until for since, until, *_ in spans)


def test_attempts_do_not_wait_for_those_that_nobody_answers(start):
    with socket.create_server((LOCAL, 0)) as silent:
        talk = start()
        began = time.monotonic()
        watch(talk, LOCAL, silent.getsockname()[1], "TCP")
        (span,) = watched(talk, lambda seen: bool(seen["attempts"]))["attempts"]
        took = time.monotonic() - began
    assert span[3:] == ["timed-out", None, None, "a connection was made, but nobody answered over it"]
    assert span[1] <= began + took - 0.5 + EVERY + 0.1


def test_an_attempt_that_began_before_the_request_is_in_the_reply(start):
    with socket.create_server((LOCAL, 0)) as silent:
        talk = start()
        watch(talk, LOCAL, silent.getsockname()[1], "TCP")
        reply = talk.request(watched=True)
    assert 1 <= count(reply["watched"]["cell"]["attempts"], "timed-out")


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_connection_that_was_never_there_says_nothing_over_tcp(start, protocol):
    talk = start()
    watch(talk, LOCAL, free_port(), protocol)
    found = watched(talk, lambda seen: count(seen["attempts"], "refused") > 5)
    assert ([] if protocol == "TCP" else ["refused"]) == sorted({span[3] for span in found["connection"]})


def test_a_long_connection_that_is_cut_says_so_and_is_opened_again(start):
    port = free_port()
    talk, server = start(), start("shop/api", [[port, "TCP"]])
    watch(talk, LOCAL, port, "TCP")
    before = watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    server.process.kill()
    server.process.wait()
    cut = watched(talk, lambda seen: count(seen["connection"], "refused") > 0)
    start("shop/api", [[port, "TCP"]])
    after = watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    assert {"connected"} == {span[3] for span in before["connection"]}
    assert 1 == len([span for span in cut["connection"] if span[3] == "refused"])
    assert "connected" == after["connection"][-1][3]


def echo_server(kind: str, heard: list[tuple[str, int]]) -> int:
    """A server that is no agent: writes down who comes, and answers as an agent does, but for every second message."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as trial:
        trial.bind((LOCAL, 0))
        server = trial.dup()

    def run() -> None:
        with server:
            while True:
                data, sender = server.recvfrom(4096)
                heard.append(sender)
                if len(data) == 13:
                    server.sendto(b"x/y 127.0.0.1", sender)
                elif int(data[-20:]) % 2:
                    server.sendto(b"x/y 127.0.0.1\n" + data[14:], sender)

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


def test_datagrams_of_a_connection_keep_their_port_and_each_waits_for_its_own_answer(start):
    heard: list[tuple[str, int]] = []
    talk = start()
    watch(talk, LOCAL, echo_server("UDP", heard), "UDP")
    found = watched(talk, lambda seen: count(seen["connection"], "timed-out") > 3)["connection"]
    assert [span[3] for span in found] == ["connected", "timed-out"] * (len(found) // 2) + ["connected"] * (len(found) % 2)
    assert 1 == sum(heard.count(sender) > 3 for sender in set(heard))


def test_a_stream_that_stalls_is_answered_late_and_not_cut(start):
    port = free_port()
    talk, server = start(), start("shop/api", [[port, "TCP"]])
    watch(talk, LOCAL, port, "TCP")
    watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    server.process.send_signal(signal.SIGSTOP)
    stalled = watched(talk, lambda seen: count(seen["connection"], "timed-out") > 3)
    server.process.send_signal(signal.SIGCONT)
    again = watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    assert {"connected", "timed-out"} >= {span[3] for span in stalled["connection"] + again["connection"]}
    assert server.request(watched=True)["late"][0][1] > stalled["connection"][-1][0]


def test_a_stream_whose_server_closes_it_is_cut(start):
    server = socket.create_server((LOCAL, 0))

    def run() -> None:
        while True:
            with server.accept()[0] as client, suppress(OSError):
                client.sendall(b"x/y 127.0.0.1\n")
                client.sendall(client.recv(20))
                client.recv(20)

    threading.Thread(target=run, daemon=True).start()
    talk = start()
    watch(talk, LOCAL, server.getsockname()[1], "TCP")
    found = watched(talk, lambda seen: count(seen["connection"], "refused") > 1)
    assert {"refused", "connected"} >= {span[3] for span in found["connection"]}
    assert {"the connection was closed", "Connection reset by peer"} >= {span[6] for span in found["connection"] if span[3] == "refused"}


def test_a_cell_goes_on_while_it_is_wanted_and_its_last_answers_are_told_after(start):
    port = free_port()
    talk = start("shop/api", [[port, "TCP"]])
    watch(talk, LOCAL, port, "TCP")
    watch(talk, LOCAL, port, "TCP")
    watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    assert 0 == talk.request(watch=[], every=EVERY)["watching"]
    assert {"cell"} == set(talk.request(watched=True)["watched"])
    assert {} == talk.request(watched=True)["watched"]


def test_a_cell_that_is_aimed_elsewhere_keeps_its_name(start):
    one, two = free_port(), free_port() + 1
    talk, other = start("shop/one", [[one, "TCP"]]), start("shop/two", [[two, "TCP"]])
    watch(talk, LOCAL, one, "TCP")
    watched(talk, lambda seen: count(seen["connection"], "connected") > 3)
    watch(talk, LOCAL, two, "TCP")
    found = watched(talk, lambda seen: bool(seen["connection"]) and seen["connection"][-1][4] == "shop/two")
    assert other.process.poll() is None
    assert "shop/two" == found["attempts"][-1][4]


def test_it_tells_what_time_it_is_there(start):
    talk = start()
    before = time.monotonic()
    now = talk.request(clock=True)["now"]
    assert before <= now <= time.monotonic()


def test_equal_answers_become_one_span_in_the_order_of_the_questions():
    trail, (reached, silent) = Trail(), (("connected", "a/b", "::1", ""), ("timed-out", None, None, ""))
    entries = [trail.add(float(number)) for number in range(5)]
    entries[1][1] = reached
    assert [] == trail.take()
    assert trail.is_waiting(3.0)
    entries[0][1], entries[2][1], entries[3][1] = reached, reached, silent
    assert [[0.0, 2.0, 3, *reached], [3.0, 3.0, 1, *silent]] == trail.take()
    assert (False, True) == (trail.is_waiting(4.0), trail.is_waiting(4.1))


def first(*lines: object, allowed: list[int]) -> dict[str, object]:
    return {"ask": list(lines), "every": 0.05, "allowed": allowed}


def last_words(talk: Talk, file: object) -> list[list[object]]:
    assert 0 == talk.process.wait(SOON + 60)
    return json.loads(file.read_text())["starts"]


def test_an_init_container_counts_what_it_reaches_and_ends(start, tmp_path):
    port, shut = free_port(), free_port() + 1
    start("shop/api", [[port, "TCP"], [port, "UDP"]])
    lines = [[LOCAL, port, "TCP"], [LOCAL, shut, "TCP"], [LOCAL, port, "UDP"]]
    words = tmp_path / "words"
    found = last_words(start(mode="init", first=first(*lines, allowed=[0, 2]), last_words=str(words)), words)
    assert all(attempts >= 3 and 1.0 <= lasted < 10.0 for attempts, _, _, lasted in found)  # 10 s are for what is not reached
    assert [True, False, True] == [attempts == connected for attempts, connected, _, _ in found]
    assert [True, False, True] == [moment is not None and moment < lasted for _, _, moment, lasted in found]
    assert 0 == found[1][1]


def test_an_init_container_waits_for_what_it_should_reach(start, tmp_path):
    port, words = free_port(), tmp_path / "words"
    talk = start(mode="init", first=first([LOCAL, port, "TCP"], allowed=[0]), last_words=str(words))
    time.sleep(1.5)  # it is to be later than the least time; how much later does not matter
    assert talk.process.poll() is None
    start("shop/api", [[port, "TCP"]])
    ((attempts, connected, moment, lasted),) = last_words(talk, words)
    assert attempts > connected >= 1
    assert lasted >= moment > 1.0


def test_an_init_container_does_not_wait_for_ever_and_its_words_are_few(start, tmp_path):
    words, shut = tmp_path / "words", free_port()
    talk = start(mode="init", first=first(*[[LOCAL, shut, "UDP"]] * 60, allowed=list(range(60))), last_words=str(words))
    found = last_words(talk, words)
    assert all(10.0 <= lasted for *_, lasted in found)
    assert len(words.read_text()) <= 4096


def test_a_main_process_counts_from_its_first_instant_until_the_session_says_hello(start):
    port, shut = free_port(), free_port() + 1
    start("shop/api", [[port, "TCP"]])
    talk = start(first=first([LOCAL, port, "TCP"], [LOCAL, shut, "TCP"], allowed=[0]))
    time.sleep(1.0)  # so that it has something to count, on a busy machine too
    talk.write('{"hello": true}\n')
    talk.read()
    starts = talk.request(started=True)["starts"]
    assert starts == talk.request(started=True)["starts"]
    (attempts, connected, moment, lasted), (_, none, never, _) = starts
    assert attempts == connected >= 3
    assert 0 <= moment <= lasted
    assert (0, None) == (none, never)

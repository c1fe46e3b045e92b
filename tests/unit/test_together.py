"""Waiting for the work of several threads."""

import _thread
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.cluster.together import until_failure


@pytest.fixture
def pool():
    with ThreadPoolExecutor(3) as made:
        yield made


def test_all_are_done_where_none_fails(pool):
    futures = [pool.submit(int, "1"), pool.submit(int, "2")]
    assert set(futures) == until_failure(futures)


def test_the_first_failure_ends_the_wait(pool):
    end = threading.Event()
    failing, other = pool.submit(int, "no number"), pool.submit(end.wait)
    try:
        assert {failing} == until_failure([failing, other])
    finally:
        end.set()


@pytest.fixture
def _heeds_ctrl_c():
    """What a shell starts in the background ignores SIGINT, and so do the tests there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeds_ctrl_c")
def test_a_signal_that_wakes_nobody_is_heeded(pool):
    """`interrupt_main` notes a SIGINT as the system's handler does, and wakes no thread that sleeps."""
    end = threading.Event()
    work = pool.submit(end.wait)

    def interrupted():
        threading.Timer(0.2, _thread.interrupt_main).start()
        until_failure([work])

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        end.set()

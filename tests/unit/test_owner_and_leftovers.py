"""Whose namespaces are left over, and whose may still be in use."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conformance.cluster import clean
from conformance.cluster.clean import STALE, Leftover, over
from conformance.cluster.owner import ANNOTATION, Owner

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def ended() -> Owner:
    """The owner that a process had which has ended."""
    code = "from conformance.cluster.owner import Owner; print(Owner.of_this_process().text())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    owner = Owner.read(done.stdout)
    assert owner is not None
    return owner


def test_this_process_is_alive():
    assert Owner.of_this_process().is_alive() is True


def test_an_owner_is_read_as_it_was_written():
    assert Owner.read(Owner.of_this_process().text()) == Owner.of_this_process()


def test_a_process_that_has_ended_is_not_alive(ended):
    assert ended.is_alive() is False


def test_another_process_with_the_same_number_is_not_the_owner():
    assert replace(Owner.of_this_process(), started="1").is_alive() is False


@pytest.mark.parametrize("change", [{"machine": "another boot"}, {"space": "pid:[1]"}], ids=["another machine", "another container"])
def test_of_a_process_elsewhere_nothing_is_known(change):
    assert replace(Owner.of_this_process(), **change).is_alive() is None


@pytest.fixture
def place(monkeypatch):
    """We are this attempt at this slot of a Job."""

    def place(slot: str, attempt: str) -> None:
        monkeypatch.setenv("CNI_CONFORMANCE_SLOT", slot)
        monkeypatch.setenv("CNI_CONFORMANCE_ATTEMPT", attempt)

    return place


@pytest.mark.parametrize(
    ("slot", "attempt", "is_alive"),
    [
        pytest.param("job/0", "pod-1", False, id="an earlier pod of the same index has ended, wherever it was"),
        pytest.param("job/1", "pod-1", None, id="of another index nothing is known"),
        pytest.param("other/0", "pod-1", None, id="of another Job nothing is known"),
        pytest.param("job/0", "pod-2", None, id="of another container of the same pod nothing is known"),
        pytest.param("", "", None, id="of a run that is in no Job nothing is known"),
    ],
)
def test_a_pod_knows_that_those_before_it_have_ended(place, slot, attempt, is_alive):
    place("job/0", "pod-2")
    elsewhere = replace(Owner.of_this_process(), machine="another node", slot=slot, attempt=attempt)
    assert elsewhere.is_alive() is is_alive


def test_the_slot_travels_with_the_owner(place):
    place("job/0", "pod-2")
    owner = Owner.read(Owner.of_this_process().text())
    assert ("job/0", "pod-2") == (owner.slot, owner.attempt)


@pytest.mark.parametrize(
    ("slot", "attempt"),
    [
        pytest.param("/", "pod-2", id="a pod of nobody"),
        pytest.param("$(CNI_CONFORMANCE_JOB)/0", "pod-2", id="a variable that was not put in: every such pod has this text"),
        pytest.param("job/0", "", id="a pod that does not know which it is"),
    ],
)
def test_a_pod_without_a_job_has_no_slot(place, slot, attempt):
    place(slot, attempt)
    assert ("", "") == (Owner.of_this_process().slot, Owner.of_this_process().attempt)


def test_an_owner_of_an_earlier_release_has_no_slot():
    owner = Owner.read('{"machine": "a", "space": "b", "process": 1, "started": "2"}')
    assert Owner("a", "b", 1, "2") == owner


def test_a_zombie_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as process:
        process.stdout.read()  # its end
        us = Owner.of_this_process()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert replace(us, process=process.pid).is_alive() is False


def test_a_number_that_no_process_has_is_of_none_that_lives():
    assert replace(Owner.of_this_process(), process=10**30).is_alive() is False


@pytest.mark.parametrize(
    "text",
    [
        '{"machine": "a", "space": "b", "process": 1e400, "started": "1"}',
        "",
        "no JSON",
        "[]",
        '{"machine": "a"}',
        '{"machine": 1, "space": 2, "process": "x", "started": 3}',
    ],
)
def test_what_a_stranger_wrote_is_no_owner(text):
    assert Owner.read(text) is None


def namespace(owner: Owner | None, age: float = 60.0):
    created = (NOW - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    return {"metadata": {"creationTimestamp": created, "annotations": {ANNOTATION: owner.text()} if owner else {}}}


ELSEWHERE = Owner("another boot", "pid:[1]", 1, "1")
OLD = STALE + 1


def test_a_run_whose_process_has_ended_is_over(ended):
    assert "the process that created them has ended" == over([namespace(ended)], NOW)


def test_a_run_with_one_process_alive_is_not_over(ended):
    assert "" == over([namespace(ended), namespace(Owner.of_this_process())], NOW)


@pytest.mark.parametrize("owner", [ELSEWHERE, None], ids=["elsewhere", "nobody says whose"])
def test_a_run_elsewhere_is_over_when_it_is_old(owner):
    assert "" == over([namespace(owner)], NOW)
    assert "it was started elsewhere more than 6 hours ago" == over([namespace(owner, OLD)], NOW)


def test_a_young_namespace_from_elsewhere_keeps_a_run(ended):
    assert "" == over([namespace(ended), namespace(ELSEWHERE)], NOW)


def test_a_leftover_is_a_sentence():
    left = Leftover("7f3a", ("cc-7f3a-w0-shop",), "the process that created them has ended")
    assert "run 7f3a: 1 namespace (cc-7f3a-w0-shop): the process that created them has ended" == str(left)


def test_the_annotation_says_only_what_tells_a_process():
    assert ["machine", "process", "space", "started"] == sorted(json.loads(Owner.of_this_process().text()))


@pytest.mark.parametrize(("known_only", "found"), [(False, ["known", "strange"]), (True, ["known"])], ids=["clean", "before a run"])
def test_what_bears_our_label_and_no_owner_is_removed_only_by_whoever_asks_for_it(known_only, found, ended, monkeypatch):
    def namespace(run: str, annotations: dict[str, str]) -> dict[str, object]:
        return {
            "metadata": {
                "name": f"cc-{run}",
                "labels": {clean.RUN: run},
                "annotations": annotations,
                "creationTimestamp": "2026-01-01T00:00:00Z",
            }
        }

    every = [namespace("known", {ANNOTATION: ended.text()}), namespace("strange", {ANNOTATION: "somebody"})]
    monkeypatch.setattr(clean, "_namespaces", lambda *_: every)
    assert found == [left.run for left in clean.leftovers(None, known_only=known_only)]  # type: ignore[arg-type]

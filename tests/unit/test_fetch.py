"""`fetch` against an API server of this machine that has the Job a row wants: the record comes out whole, or a sentence says why not."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
import sample_run
from api_server import Server, api_server
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.inside.bundles import bundled
from conformance.inside.emitted import Kind, lines_of, packed
from conformance.inside.fetching import Part, gravest
from conformance.record import Run

RUN = sample_run.whole_run()
RECORD = RUN.to_json()
JOBS = "/apis/batch/v1/namespaces/cni-conformance/jobs"
PODS = "/api/v1/namespaces/cni-conformance/pods"
EVENTS = "/api/v1/namespaces/cni-conformance/events"


def log_of(name: str = "night", record: str = RECORD) -> str:
    return "\n".join(["1/14 passed", *lines_of(name, packed(record.encode())), ""])


def job(condition: str = "Failed", **spec: Any) -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True"}] if condition else []
    template = {"spec": {"containers": [{"name": "suite"}]}}
    return {
        "metadata": {"name": "night", "uid": "this"},
        "spec": {"completions": 1, "template": template, **spec},
        "status": {"conditions": conditions},
    }


def pod(name: str = "night-1", code: int | None = 1, age: int = 10, index: str = "", owner: str = "this", **status: Any) -> dict[str, Any]:
    """A pod that was created `age` minutes before one o'clock; `code` None: it still runs."""
    state = {"running": {}} if code is None else {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}}
    labels = {"batch.kubernetes.io/job-completion-index": index} if index else {}
    phase = "Running" if code is None else "Failed" if code else "Succeeded"
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": f"2026-11-22T00:{59 - age:02}:00Z",
            "labels": labels,
            "ownerReferences": [{"kind": "Job", "name": "night", "uid": owner}],
        },
        "status": {"phase": phase, "containerStatuses": [{"name": "suite", "state": state}], **status},
    }


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with api_server(tmp_path) as (made, kubeconfig):
        made.answers[EVENTS] = {"items": []}
        monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        yield made


@pytest.fixture
def has(server: Server) -> Callable[..., None]:
    """The cluster has this Job, with these pods and what each of them wrote."""

    def has(the_job: Any, *pods: tuple[dict[str, Any], Any]) -> None:
        server.answers |= {f"{JOBS}/night": the_job, JOBS: {"items": [job()]}, PODS: {"items": [each for each, _ in pods]}}
        server.answers |= {f"{PODS}/{each['metadata']['name']}/log": log for each, log in pods}

    return has


def fetch(*words: str) -> Result:
    return CliRunner().invoke(main, ["fetch", *words])


def test_the_record_comes_out_as_it_was_with_its_reports_and_the_code_of_the_run(has, tmp_path):
    has(job(), (pod(), log_of()))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert 1 == ended.exit_code
    assert (tmp_path / "out" / "record.json").read_text() == RECORD
    assert {"record.json", "report.html", "junit.xml", "summary.md"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert f"record and reports: {tmp_path / 'out'}" in ended.output
    assert "wrongly allowed" in ended.output


@pytest.mark.parametrize(
    ("of_pod", "code"), [(0, 0), (1, 1), (3, 3), (130, 130), (137, 3)], ids=["0", "1", "3", "130", "killed after it had emitted"]
)
def test_the_exit_code_is_that_of_the_run(has, tmp_path, of_pod, code):
    has(job(), (pod(code=of_pod), log_of()))
    assert code == fetch("night", "-o", str(tmp_path / "out")).exit_code


def test_of_several_tries_the_newest_whole_record_counts(has, tmp_path):
    fine = sample_run.fine_run().to_json()
    has(job("Complete"), (pod("old", 130, age=30), log_of()), (pod("new", 0, age=10), log_of(record=fine)), (pod("older", 3, age=40), ""))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert 0 == ended.exit_code
    assert (tmp_path / "out" / "record.json").read_text() == fine


def test_a_killed_try_does_not_hide_the_whole_record_of_an_earlier_one(has, tmp_path):
    has(job(), (pod("killed", 137, age=10), log_of()[:-4000]), (pod("whole", 3, age=30), log_of()))
    assert 3 == fetch("night", "-o", str(tmp_path / "out")).exit_code
    assert (tmp_path / "out" / "record.json").exists()


def test_each_index_of_an_indexed_job_has_a_folder_of_its_own_and_the_gravest_code_is_told(has, tmp_path):
    fine = sample_run.fine_run().to_json()
    rows = [(pod("a", 0, index="0"), log_of("cilium.1-of-2", fine)), (pod("b", 1, index="1"), log_of("cilium.2-of-2"))]
    has(job(completionMode="Indexed", completions=2), *rows)
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert 1 == ended.exit_code
    assert [fine, RECORD] == [(tmp_path / "out" / name / "record.json").read_text() for name in ("cilium.1-of-2", "cilium.2-of-2")]


def test_several_logs_are_read_at_a_time(has, server, tmp_path):
    """Each of two is answered only when the other one is asked for, too."""
    both = Barrier(2, timeout=30)
    server.before = lambda path: both.wait() if path.endswith("/log") else None
    has(job(completionMode="Indexed", completions=2), *((pod(f"p{each}", 0, index=each), log_of(f"n{each}")) for each in "01"))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert (0, False) == (ended.exit_code, both.broken)
    assert ["n0", "n1"] == [Path(line).name for line in ended.output.splitlines()]


def test_who_interrupts_waits_for_no_log(has, server, tmp_path, monkeypatch):
    """The API server answers none of them before the command has ended."""
    ended = Event()
    server.before = lambda path: ended.wait(30) if path.endswith("/log") else None
    monkeypatch.setattr("conformance.inside.fetching.Future", Interrupted)
    has(job(completionMode="Indexed", completions=20), *((pod(f"p{each}", 0, index=str(each)), log_of(f"n{each}")) for each in range(20)))
    try:
        assert 130 == fetch("night", "-o", str(tmp_path / "out")).exit_code
        assert not ended.is_set()
    finally:
        ended.set()
    assert not (tmp_path / "out").exists()
    assert 8 >= sum(path.path.endswith("/log") for path in server.asked)


class Interrupted(Future[Part]):
    """As if Ctrl-C came while somebody waits."""

    def result(self, timeout: float | None = None) -> Part:
        raise KeyboardInterrupt


FAILED = [each.name for each in RUN.scenarios][:3]
EXAMINED = Run(
    RUN.facts, tuple(replace(each, diagnostics=f"diagnostics/{each.name}" if each.name in FAILED else "") for each in RUN.scenarios)
)


def log_with_diagnostics(folder: Path, *names: str) -> str:
    (folder / "about.md").write_text("# what was found\n")
    lines = (line for name in names for line in lines_of(name, bundled(folder), Kind.DIAGNOSTICS))
    return "\n".join([log_of(record=EXAMINED.to_json()), *lines])


def test_diagnostics_come_out_beside_the_record_and_a_sentence_says_which_did_not(has, tmp_path):
    (tmp_path / "pod").mkdir()
    has(job(), (pod(), log_with_diagnostics(tmp_path / "pod", *FAILED[:2])))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    pages = {path.parent.name: path.read_text() for path in (tmp_path / "out" / "diagnostics").glob("*/about.md")}
    assert {FAILED[0]: "# what was found\n", FAILED[1]: "# what was found\n"} == {name: pages[name] for name in FAILED[:2]}
    assert "They did not come out of the pod" in pages[FAILED[2]]
    assert "diagnostics of 3 scenarios: diagnostics/ beside the record" in ended.output
    assert ended.output.endswith(f"\nthe diagnostics of 1 scenario ({FAILED[2]}) did not come out of the pod\n")
    assert all(f'href="diagnostics/{name}"' in (tmp_path / "out" / "report.html").read_text() for name in FAILED)


def test_many_indices_are_written_by_several_processes_each_with_its_diagnostics(has, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    (tmp_path / "pod").mkdir()
    logs = [log_of("n0"), log_with_diagnostics(tmp_path / "pod", *FAILED), "killed", "\n".join(lines_of("n3", packed(b"{}"))), log_of("n4")]
    has(job(completionMode="Indexed", completions=5), *((pod(f"p{each}", 1, index=str(each)), log) for each, log in enumerate(logs)))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    folders = [tmp_path / "out" / name for name in ("n0", "night", "n4")]
    assert (3, [f"record and reports: {folder}" for folder in folders]) == (ended.exit_code, ended.stdout.splitlines())
    assert ["index 2: the log of pod p2", "index 3: this is no record"] == [
        line[:26] for line in ended.stderr.splitlines() if line[0] != " "
    ]
    assert [True] * 3 == [(folder / "report.html").exists() for folder in folders]
    assert set(FAILED) == {path.name for path in (tmp_path / "out" / "night" / "diagnostics").iterdir()}


def test_an_index_without_a_record_is_named_and_the_others_are_kept(has, tmp_path):
    has(job(completionMode="Indexed", completions=3), (pod("a", 1, index="0"), log_of("one")), (pod("b", 137, index="1"), "1/3 passed"))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert 3 == ended.exit_code
    assert (tmp_path / "out" / "one" / "record.json").exists()
    assert "index 1: the log of pod b, which ended with exit code 137, holds no record. Its last lines:\n    1/3 passed" in ended.output
    assert "index 2: there is no pod, or none any more" in ended.output


def test_the_record_of_a_removed_job_of_the_same_name_is_not_that_of_this_one(has, tmp_path):
    """Its pods are there for a while after it, and with `--cascade=orphan` for good."""
    rows = [(pod("a", 1, index="0"), log_of("one")), (pod("b", 0, index="1", owner="last night's"), log_of("two"))]
    has(job(completionMode="Indexed", completions=2), *rows)
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert (3, ["one"]) == (ended.exit_code, [path.name for path in (tmp_path / "out").iterdir()])
    assert "index 1: there is no pod, or none any more" in ended.output


def test_a_record_that_cannot_be_used_does_not_keep_the_others_back(has, tmp_path):
    rows = [(pod("a", 1, index="0"), "\n".join(lines_of("one", packed(b"{}")))), (pod("b", 0, index="1"), log_of("two"))]
    has(job(completionMode="Indexed", completions=2), *rows)
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert (3, ["two"]) == (ended.exit_code, [path.name for path in (tmp_path / "out").iterdir()])
    assert "index 0: this is no record of cni-conformance" in ended.output


def test_two_indices_that_gave_one_name_do_not_write_over_each_other(has, tmp_path):
    has(job(completionMode="Indexed", completions=2), *((pod(f"p{each}", 0, index=each), log_of("same")) for each in "01"))
    fetch("night", "-o", str(tmp_path / "out"))
    assert ["same-0", "same-1"] == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_nor_does_a_third_one_whose_name_ends_so(has, tmp_path):
    rows = [(pod(f"p{index}", 0, index=str(index)), log_of(name)) for index, name in enumerate(("a", "a", "a-1"))]
    has(job(completionMode="Indexed", completions=3), *rows)
    fetch("night", "-o", str(tmp_path / "out"))
    assert 3 == len(list((tmp_path / "out").iterdir()))


def test_nothing_of_a_strangers_log_moves_a_cursor(has, tmp_path):
    has(job(), (pod(), "\x1b]52;c;aGVsbG8=\x07 gone \x1b[2J\n"))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert "gone" in ended.output
    assert not set(ended.output) & {"\x1b", "\x07"}


def test_a_job_that_runs_is_waited_for(has, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.inside.fetching._PAUSE", 0.0)
    has([job(""), job(""), job("Complete")], (pod(code=0), log_of()))
    ended = fetch("night", "-o", str(tmp_path / "out"), "--wait", "60")
    assert 0 == ended.exit_code
    assert "Job cni-conformance/night is under way: none of its pods runs now" in ended.output


def test_a_record_that_would_fill_the_memory_is_not_unpacked(has, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.record.opening.LARGEST", 1000)
    has(job(), (pod(), log_of()))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    sentence = "this is no record: it is packed with gzip, and unpacked larger than 1,000 bytes, which none is\n"
    assert (3, sentence, False) == (ended.exit_code, ended.output, (tmp_path / "out").exists())


def test_nor_is_a_log_that_would(has, server, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.cluster.jobs.LARGEST_LOG", 2**20)
    has(job(), (pod(), "ä" * 2**19 + "x"))
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert (3, "the log of pod night-1 is larger than 1 MiB, which no run writes: it is not read\n") == (ended.exit_code, ended.output)
    assert [f"container=suite&limitBytes={2**20 + 1}"] == [path.query for path in server.asked if path.path.endswith("/log")]


ROWS = [
    pytest.param(
        job(""), [(pod(code=None), "")], 3, "Job cni-conformance/night is under way (pod night-1 runs): wait for it", id="it still runs"
    ),
    pytest.param(job("", suspend=True), [], 3, "Job cni-conformance/night is suspended (it has no pod yet)", id="it is suspended"),
    pytest.param(
        job(""),
        [(pod(code=None, conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]), "")],
        3,
        "is under way (pod night-1 (0/3 nodes are available)): wait",
        id="no node takes its pod",
    ),
    pytest.param(job(), [], 3, "Job cni-conformance/night has no pod any more, and its record went with its log", id="its pods are gone"),
    pytest.param(
        job(), [(pod(), "1/3 passed\n")], 3, "exit code 1, holds no record. Its last lines:\n    1/3 passed", id="nothing was emitted"
    ),
    pytest.param(
        job(), [(pod(code=4), "nothing enforces policies here")], 4, "nothing enforces policies here", id="nothing enforces there"
    ),
    pytest.param(job(), [(pod(code=2), "Error: No such option")], 2, "exit code 2, holds no record", id="it was told wrongly"),
    pytest.param(job(), [(pod(), log_of()[3000:])], 3, "has only the end of a record: its beginning was dropped", id="its log was rotated"),
    pytest.param(job(), [(pod(code=137), log_of()[:3000])], 3, "has only the beginning of a record", id="it was killed while it wrote"),
    pytest.param(
        job(), [(pod(), "\n".join(lines_of("night", b"x")))], 3, "the record is damaged: it is packed with gzip, and", id="no packed record"
    ),
    pytest.param(
        job(), [(pod(), "\n".join(lines_of("night", packed(b"{}"))))], 3, "this is no record of cni-conformance", id="another document"
    ),
    pytest.param(
        job(), [(pod(), (400, "container suite is waiting to start"))], 3, "waiting to start", id="the kubelet does not give the log"
    ),
]


@pytest.mark.parametrize(("the_job", "pods", "code", "text"), ROWS)
def test_where_there_is_no_whole_record_a_sentence_says_why(has, tmp_path, the_job, pods, code, text):
    has(the_job, *pods)
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert text in ended.output
    assert code == ended.exit_code
    assert "Traceback" not in ended.output
    assert not (tmp_path / "out").exists()


def test_a_job_of_somebody_else_is_told_at_once(has):
    has(job("", template={"spec": {"containers": [{"name": "backup"}]}}))
    ended = fetch("night", "--wait", "600")
    assert (2, "Job cni-conformance/night is none of the suite's: its pods have no container suite\n") == (ended.exit_code, ended.output)


def test_a_pod_that_may_not_be_created_is_told_with_the_clusters_own_words(has, server, tmp_path):
    has(job())
    server.answers[EVENTS] = {"items": [{"message": "exceeded quota: small", "lastTimestamp": "2026-11-22T00:00:00Z"}]}
    ended = fetch("night", "-o", str(tmp_path / "out"))
    assert (3, "Job cni-conformance/night has no pod: exceeded quota: small\n") == (ended.exit_code, ended.output)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        pytest.param(("nigth",), 2, "there is no Job nigth in namespace cni-conformance; it has night", id="a name that is mistyped"),
        pytest.param(("Night",), 2, "JOB Night: small letters", id="a name that is none"),
        pytest.param(("a/../night",), 2, "JOB a/../night: small letters", id="a path"),
        pytest.param(("some.team",), 2, "there is no Job some.team in namespace", id="a name with a dot, which a Job may have"),
        pytest.param(("",), 2, "JOB : small letters", id="an empty name"),
        pytest.param(("night", "-n", "a/b"), 2, "--namespace a/b: small letters", id="a namespace that is none"),
        pytest.param(("night", "-n", "elsewhere"), 2, "there is no Job night in namespace elsewhere", id="another namespace"),
        pytest.param(("night", "--wait", "soon"), 2, "'soon' is not a valid integer", id="a time that is none"),
        pytest.param(("night", "--wait", "nan"), 2, "'nan' is not a valid integer", id="a time that never comes"),
        pytest.param(("night", "--wait", "-1"), 2, "-1", id="a time before now"),
        pytest.param(("night", "--context", "there"), 3, "has no context 'there'; it has: here", id="a context that is not there"),
        pytest.param(("night", "other"), 2, "unexpected extra argument", id="two Jobs"),
        pytest.param((), 2, "Missing argument 'JOB'", id="no Job"),
    ],
)
def test_what_a_tired_person_does_wrong_is_one_sentence(has, words, code, text):
    has(job(), (pod(), log_of()))
    ended = fetch(*words)
    assert text in ended.output
    assert code == ended.exit_code
    assert "Traceback" not in ended.output


def test_a_cluster_that_may_not_be_read_is_told_with_the_right(server):
    server.answers[f"{JOBS}/night"] = (403, 'jobs.batch is forbidden: User "me" cannot get resource "jobs"')
    ended = fetch("night")
    assert 3 == ended.exit_code
    assert re.match("no permission to read Job cni-conformance/night: .* cannot get resource", ended.output)


@pytest.mark.parametrize("what_came", [log_of(), "killed\n"], ids=["a record", "no record"])
def test_nothing_of_another_night_can_be_taken_for_this_one(has, tmp_path, what_came):
    """Also by default: there it would be the folder of the same Job."""
    has(job(), (pod(), what_came))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "record.json").write_text("last night's")
    ended = fetch("night", "-o", str(tmp_path / "out"))
    sentence = f"{tmp_path / 'out'} is not empty: give a new folder, so that nothing of another night is taken for this one's\n"
    assert (2, sentence, "last night's") == (ended.exit_code, ended.output, (tmp_path / "out" / "record.json").read_text())


def test_the_folder_of_the_job_is_a_new_one_too(has, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    has(job(), (pod(), log_of()))
    first, second = fetch("night"), fetch("night")
    assert (1, 2, True) == (first.exit_code, second.exit_code, second.output.startswith("reports/night is not empty: give a new folder"))


def test_a_target_that_cannot_be_written_is_told(has, tmp_path):
    has(job(), (pod(), log_of()))
    (tmp_path / "file").write_text("")
    ended = fetch("night", "-o", str(tmp_path / "file"))
    assert 2 == ended.exit_code
    assert f"{tmp_path / 'file'} cannot be written: " in ended.output


def test_a_cluster_that_nobody_runs_is_told(server, monkeypatch):
    monkeypatch.setattr("conformance.cli_job._PATIENCE", 0.1)
    server.shutdown()
    server.server_close()
    ended = CliRunner().invoke(main, ["fetch", "night"], env={})
    assert 3 == ended.exit_code
    assert "cannot be reached: Connection refused" in ended.output


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((), 0), ((0, 0), 0), ((0, 1), 1), ((1, 4), 4), ((4, 2), 2), ((2, 3), 3), ((3, 130, 1), 130), ((1, 3), 3)],
    ids=str,
)
def test_the_gravest_code_stands_for_all(codes, expected):
    assert expected == gravest(codes)

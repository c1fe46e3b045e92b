"""What comes back of a fleet: records of its parts, merged for each cluster, one table, and an exit code that says how bad it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result
from fleet_files import FLEET, write_fleet
from rich.console import Console
from test_merge import WHOLE, shard

from conformance.cli import main
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.connection import Connection
from conformance.cluster.jobs import Job, JobState, NoSuchJob
from conformance.fleet import results as results_module
from conformance.fleet.arriving import OtherFleet, arrival
from conformance.fleet.fleet import Member, Part
from conformance.fleet.results import Arrival, result_of, results_of
from conformance.fleet.table import comparing, headline, plain, print_results
from conformance.inside import fetching
from conformance.inside.emitted import Emitted, packed
from conformance.record import Run, read
from conformance.shard import Shard
from conformance.world.verdict import Outcome

GOOD = Run(replace(WHOLE.facts, planned=1), tuple(each for each in WHOLE.scenarios if each.outcome is Outcome.PASSED)[:1])
THREE = Member("eu-1", "", shards=3)
ONE = Member("eu-2", "")


def parts(member: Member) -> list[Part]:
    return [Part(member, Shard(number, member.shards)) for number in range(1, member.shards + 1)]


def came(member: Member, *runs: Run | str, codes: Sequence[int] = (1, 1, 1)) -> list[Arrival]:
    """What arrived: a run, or why there is none."""
    return [
        Arrival(part, None, run, code) if isinstance(run, str) else Arrival(part, packed(run.to_json().encode()), exit_code=code)
        for part, run, code in zip(parts(member), runs, codes, strict=False)
    ]


def test_the_shards_of_a_cluster_become_one_record_with_its_reports(tmp_path):
    result = result_of(THREE, came(THREE, shard(1), shard(2), shard(3)), tmp_path)
    assert (WHOLE.scenarios, (), 1, True) == (read(tmp_path / "eu-1").scenarios, result.troubles, result.exit_code, result.is_whole)
    assert {"record.json.gz", "junit.xml", "summary.md", "shard-1", "shard-2", "shard-3"} <= {
        path.name for path in (tmp_path / "eu-1").iterdir()
    }
    assert shard(2).scenarios == read(tmp_path / "eu-1" / "shard-2").scenarios


def examined(run: Run) -> tuple[Run, dict[str, bytes]]:
    """The run with diagnostics of its first scenario, and these as they are emitted."""
    first = replace(run.scenarios[0], diagnostics=f"diagnostics/{run.scenarios[0].name}")
    return Run(run.facts, (first, *run.scenarios[1:])), {first.name: packed(json.dumps({"about.md": f"# {first.name}"}).encode())}


def test_diagnostics_lie_beside_the_record_of_their_part_and_beside_the_whole_one(tmp_path):
    runs, found = zip(*(examined(shard(number)) for number in (1, 2, 3)), strict=True)
    result_of(THREE, [replace(each, diagnostics=some) for each, some in zip(came(THREE, *runs), found, strict=True)], tmp_path)
    names = [name for some in found for name in some]
    pages = {path.parent.name: path.read_text() for path in (tmp_path / "eu-1" / "diagnostics").glob("*/about.md")}
    assert {name: f"# {name}" for name in names} == pages
    assert f"# {names[1]}" == (tmp_path / "eu-1" / "shard-2" / "diagnostics" / names[1] / "about.md").read_text()


def test_a_cluster_in_one_part_has_its_record_as_it_came(tmp_path):
    result = result_of(ONE, came(ONE, GOOD, codes=[0]), tmp_path)
    assert (GOOD, 0, {Outcome.PASSED: 1}) == (read(tmp_path / "eu-2"), result.exit_code, result.outcomes)


@pytest.mark.parametrize("processors", [1, 2])
def test_many_clusters_are_written_by_several_processes_in_their_order(processors, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    members = [Member(name, "") for name in ("d", "c", "b", "a", "gone")]
    arrivals = [*(each for member in members[:4] for each in came(member, GOOD, codes=[0])), *came(members[4], "gone")]
    results = results_of(arrivals, tmp_path)
    assert [(member.name, member.name != "gone") for member in members] == [(each.member.name, each.is_whole) for each in results]
    assert [GOOD] * 4 == [read(tmp_path / member.name) for member in members[:4]]


def test_where_a_process_is_killed_this_one_goes_on(tmp_path, monkeypatch):
    def killed(*_: object) -> NoReturn:
        raise BrokenProcessPool

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("conformance.inside.processes.ProcessPoolExecutor", killed)
    results = results_of([each for name in "abcd" for each in came(Member(name, ""), GOOD, codes=[0])], tmp_path)
    assert [0] * 4 == [each.exit_code for each in results]


def cut(run: Run) -> Run:
    return replace(run, facts=replace(run.facts, ended=""))


ROWS: list[Any] = [
    pytest.param(ONE, [GOOD], [0], 0, [], id="passed"),
    pytest.param(ONE, [replace(WHOLE, facts=replace(WHOLE.facts, planned=14))], [1], 1, [], id="failed"),
    pytest.param(ONE, ["gone"], [4], 4, [("eu-2", "gone")], id="nothing enforces"),
    pytest.param(ONE, ["gone"], [0], 3, [("eu-2", "gone")], id="no record of a run that passed"),
    pytest.param(ONE, [cut(GOOD)], [130], 3, [("eu-2", "cut short: 1 of 1 scenarios are in its record")], id="cut short"),
    pytest.param(
        ONE, [GOOD], [3], 3, [("eu-2", "a pod ended with exit code 3, which no scenario explains: its log does")], id="left something"
    ),
    pytest.param(
        ONE,
        [GOOD],
        [1],
        1,
        [("eu-2", "a pod ended with exit code 1, which no scenario explains: its log does")],
        id="failed without a scenario",
    ),
    pytest.param(THREE, [shard(1), shard(2), shard(3)], [1, 3, 1], 1, [], id="failed, and in error in one shard"),
    pytest.param(THREE, [shard(1), "gone", shard(3)], [1, 3, 1], 3, [("eu-1, shard 2/3", "gone")], id="a shard is missing"),
    pytest.param(
        THREE,
        [shard(1), shard(2), cut(shard(3))],
        [1, 1, 130],
        3,
        [("eu-1", "shard-3 (shard 3/3) was cut short, 4 of its 4 scenarios are in it: run this shard again")],
        id="a shard is cut short",
    ),
    pytest.param(
        THREE,
        [shard(1), shard(2), shard(3, suite="9.9")],
        [1, 1, 1],
        3,
        [("eu-1", "shard-1 (shard 1/3) and shard-3 (shard 3/3) do not belong together: they have different versions of cni-conformance: ")],
        id="shards of two suites",
    ),
]


@pytest.mark.parametrize(("member", "runs", "codes", "exit_code", "troubles"), ROWS)
def test_what_a_cluster_comes_to(member, runs, codes, exit_code, troubles, tmp_path):
    result = result_of(member, came(member, *runs, codes=codes), tmp_path)
    assert exit_code == result.exit_code
    assert [whose for whose, _ in troubles] == [whose for whose, _ in result.troubles]
    assert all(said.startswith(expected) for (_, expected), (_, said) in zip(troubles, result.troubles, strict=True)), result.troubles


def test_a_record_that_cannot_be_unpacked_is_missing(tmp_path):
    result = result_of(ONE, [Arrival(*parts(ONE), packed=b"\x1f\x8bno")], tmp_path)
    assert (3, 1, False) == (result.exit_code, result.lost, result.is_whole)
    assert 3 == result_of(ONE, [Arrival(*parts(ONE), packed=b"no", exit_code=1)], tmp_path).exit_code
    assert (("eu-2", "the record is damaged: it is packed with gzip, and cannot be unpacked"),) == result.troubles
    assert not (tmp_path / "eu-2").exists()


def test_a_record_that_would_fill_the_memory_is_missing_and_the_others_are_there(tmp_path, monkeypatch):
    bomb = packed(b" " * 10_000_000)
    monkeypatch.setattr("conformance.record.opening.LARGEST", 9_000_000)
    result = result_of(
        THREE, [*came(THREE, shard(1)), Arrival(parts(THREE)[1], bomb), *came(THREE, shard(1), shard(2), shard(3))[2:]], tmp_path
    )
    assert (3, 1, len(shard(1).scenarios) + len(shard(3).scenarios)) == (result.exit_code, result.lost, sum(result.outcomes.values()))
    assert "this is no record: it is packed with gzip, and unpacked larger than 9,000,000 bytes, which none is" == result.troubles[0][1]


def test_what_is_there_of_a_cluster_is_counted(tmp_path):
    result = result_of(THREE, came(THREE, shard(1), "gone", shard(3)), tmp_path)
    assert (len(shard(1).scenarios) + len(shard(3).scenarios), 1) == (sum(result.outcomes.values()), result.lost)


TABLE = """\
4 clusters: 1 failed, 2 not whole, 1 passed

cluster  plugin         Kubernetes  passed  failed  error  skipped  n/a  known  missing      \n"""


def all_kinds(folder: Path) -> list[results_module.Result]:
    fourth = Member("eu-4", "", cni="ptp")
    third = Member("eu-3", "", shards=3)
    return [
        result_of(ONE, came(ONE, GOOD, codes=[0]), folder),
        result_of(THREE, came(THREE, shard(1), shard(2), shard(3)), folder),
        result_of(third, came(third, shard(1), "the log of pod a holds no record. Its last lines:\n    bang", "gone"), folder),
        result_of(fourth, came(fourth, "gone", codes=[4]), folder),
    ]


def test_the_table_has_a_row_for_each_cluster_what_is_wrong_first(tmp_path):
    lines = plain(all_kinds(tmp_path), tmp_path).splitlines()
    assert "4 clusters: 1 failed, 2 not whole, 1 passed" == lines[0]
    assert ["cluster", "eu-1", "eu-3", "eu-4", "eu-2"] == [line.split()[0] for line in (lines[2], *lines[4:8])]
    assert ["passed", "failed", "error", "skipped", "n/a", "known", "missing"] == lines[2].split()[3:]
    assert ("2 of 3 shards", True) == (lines[5][-13:], lines[6].endswith("yes"))
    assert [
        "",
        "eu-3, shard 2/3",
        "  the log of pod a holds no record. Its last lines:",
        "      bang",
        "",
        "eu-3, shard 3/3; eu-4",
        "  gone",
        "",
        f"where they differ: cni-conformance compare {tmp_path}/eu-2 {tmp_path}/eu-1",
    ] == lines[8:]


def test_a_large_fleet_is_cut_on_the_terminal_and_whole_in_the_file(tmp_path):
    (tmp_path / "a").mkdir()
    good = result_of(ONE, came(ONE, GOOD, codes=[0]), tmp_path)
    many = [replace(good, member=Member(f"c{number}", "")) for number in range(100)]
    with (tmp_path / "out").open("w") as file:
        print_results(many, tmp_path, Console(file=file, width=100))
    shown = (tmp_path / "out").read_text()
    assert (40, 100) == tuple(
        sum(line.startswith("c") and line[1].isdigit() for line in text.splitlines()) for text in (shown, plain(many, tmp_path))
    )
    assert f"… and 60 more: {tmp_path}/fleet.txt has all" in shown
    assert f"where they differ: cni-conformance compare {tmp_path}/*/record.json.gz" == comparing(many, tmp_path)


def test_one_record_is_compared_with_nothing(tmp_path):
    good = result_of(ONE, came(ONE, GOOD, codes=[0]), tmp_path)
    assert ("1 cluster: 1 passed", "") == (headline([good]), comparing([good], tmp_path))


def test_what_names_cannot_do_to_a_terminal(tmp_path):
    odd = Run(replace(GOOD.facts, plugin=replace(GOOD.facts.plugin, title="\x1b[31mred")), GOOD.scenarios)
    text = plain([result_of(ONE, came(ONE, odd, codes=[0]), tmp_path)], tmp_path)
    assert (True, False) == ("\\x1b[31mred" in text, "\x1b" in text)


# --- what the hub says ----------------------------------------------------------------------------------------------


def log_of(name: str, run: Run) -> Emitted:
    return Emitted(name, packed(run.to_json().encode()))


def test_an_index_without_a_record_says_why():
    (part,) = parts(ONE)
    assert Arrival(part, None, "pod a has not ended yet", 3) == arrival(
        part, fetching.Part("3", None, 3, "index 3: pod a has not ended yet")
    )


def test_what_an_index_has_of_diagnostics_arrives_with_its_record():
    (part,) = parts(ONE)
    came = arrival(part, fetching.Part("3", replace(log_of(part.name, GOOD), diagnostics={"a": b"b"}), 0))
    assert {"a": b"b"} == came.diagnostics


def test_a_record_of_another_part_is_refused():
    (part,) = parts(ONE)
    with pytest.raises(OtherFleet) as caught:
        arrival(part, fetching.Part("3", log_of("eu-9.1-of-1", GOOD), 0))
    assert "index 3 holds a record of eu-9.1-of-1, not eu-2.1-of-1: was the Job rendered from this file?" == str(caught.value)


class Hub:
    """Jobs of a hub as `inside.fetching` shows them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jobs: Mapping[str, Sequence[fetching.Part] | BaseException]) -> None:
        self.jobs, self.waited = jobs, list[float]()
        monkeypatch.setattr(Connection, "of", classmethod(lambda *_: self))
        monkeypatch.setattr(fetching, "ended", self.ended)
        monkeypatch.setattr(fetching, "parts", lambda _, job: list(self.jobs[job.name]))  # type: ignore[arg-type]

    def ended(self, _: object, namespace: str, name: str, patience: float, say: object) -> Job:
        self.waited.append(patience)
        found = self.jobs[name]
        if isinstance(found, BaseException):
            raise found
        return Job(name, namespace, JobState.ENDED, is_indexed=True, completions=len(found), pods=())

    def close(self) -> None:
        self.jobs = {}


GOOD_NIGHT = [
    fetching.Part("0", log_of("eu-1.1-of-2", shard(1, 2)), 1),
    fetching.Part("1", log_of("eu-2.1-of-1", GOOD), 0),
    fetching.Part("2", log_of("eu-1.2-of-2", shard(2, 2)), 1),
]


def fetch(folder: Path, *words: str, text: str = FLEET) -> Result:
    file = write_fleet(folder, text)
    (folder / "eu-1.yaml").unlink()  # who fetches has no need of it
    result = CliRunner().invoke(main, ["fleet", "fetch", str(file), *(words or ("-o", str(folder / "out")))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def test_a_fleet_is_fetched(tmp_path, monkeypatch):
    Hub(monkeypatch, {"night": GOOD_NIGHT})
    result = fetch(tmp_path)
    assert (1, "2 clusters: 1 failed, 1 passed") == (result.exit_code, result.stdout.splitlines()[0])
    assert (WHOLE.scenarios, GOOD) == (read(tmp_path / "out" / "eu-1").scenarios, read(tmp_path / "out" / "eu-2"))
    assert result.stdout == (tmp_path / "out" / "fleet.txt").read_text()


def test_all_jobs_together_are_waited_for_once(tmp_path, monkeypatch):
    lost = [fetching.Part(str(index), None, 3, "index 0: gone") for index in range(100)]
    hub = Hub(monkeypatch, {"night--1": lost, "night--2": fetching.StillRunning("Job x/night--2 is under way")})
    members = "".join(f"  - {{name: c{number}, secret: s}}\n" for number in range(101))
    result = fetch(tmp_path, "-o", str(tmp_path / "out"), "--wait", "60", text=f"name: night\nimage: suite\nclusters:\n{members}")
    assert (3, "101 clusters: 101 not whole") == (result.exit_code, result.stdout.splitlines()[0])
    assert (2, True) == (len(hub.waited), 60 >= hub.waited[0] >= hub.waited[1] > 0)
    assert "c100\n  Job x/night--2 is under way" in result.stdout


def test_a_job_whose_pods_are_gone_does_not_keep_the_others_back(tmp_path, monkeypatch):
    gone = fetching.NoPods("Job x/night--2 has no pod any more, and its record went with its log")
    lost = [fetching.Part(str(index), None, 3, "index 0: gone") for index in range(100)]
    hub = Hub(monkeypatch, {"night--1": lost, "night--2": [lost[0]]})
    monkeypatch.setattr(fetching, "parts", lambda _, job: _raise(gone) if job.name == "night--2" else list(hub.jobs[job.name]))
    members = "".join(f"  - {{name: c{number}, secret: s}}\n" for number in range(101))
    result = fetch(tmp_path, text=f"name: night\nimage: suite\nclusters:\n{members}")
    assert (3, "101 clusters: 101 not whole") == (result.exit_code, result.stdout.splitlines()[0])
    assert "c100\n  Job x/night--2 has no pod any more" in result.stdout


def test_a_job_that_is_missing_does_not_keep_the_others_back(tmp_path, monkeypatch):
    lost = [fetching.Part(str(index), None, 3, "index 0: gone") for index in range(100)]
    Hub(monkeypatch, {"night--1": lost, "night--2": NoSuchJob("there is no Job night--2 in namespace x")})
    members = "".join(f"  - {{name: c{number}, secret: s}}\n" for number in range(101))
    result = fetch(tmp_path, text=f"name: night\nimage: suite\nclusters:\n{members}")
    assert (3, "101 clusters: 101 not whole") == (result.exit_code, result.stdout.splitlines()[0])
    assert "c100\n  there is no Job night--2 in namespace x" in result.stdout


def _raise(fault: Exception) -> NoReturn:
    raise fault


BAD: list[Any] = [
    pytest.param({"night": NoSuchJob("there is no Job night in namespace a")}, (), 2, "there is no Job night in namespace a", id="no Job"),
    pytest.param({"night": BrokenCluster("it cannot be reached")}, (), 3, "it cannot be reached", id="nobody answers"),
    pytest.param(
        {"night": GOOD_NIGHT[:2]},
        (),
        2,
        "Job cni-conformance/night has 2 parts, and the file says 3: was it rendered from this file?",
        id="another file",
    ),
    pytest.param(
        {"night": [replace(GOOD_NIGHT[1], index="0"), *GOOD_NIGHT[1:]]},
        (),
        2,
        "index 0 holds a record of eu-2.1-of-1, not eu-1.1-of-2",
        id="another order",
    ),
    pytest.param({"night": GOOD_NIGHT}, ("-o", "full"), 2, "full is not empty: give a new folder", id="a folder that is not empty"),
    pytest.param({"night": GOOD_NIGHT}, ("-o", "file"), 2, "file cannot be written: Not a directory", id="a file for a folder"),
    pytest.param({"night": GOOD_NIGHT}, ("-o", "file/in"), 2, "file/in cannot be written: Not a directory", id="a folder below a file"),
    pytest.param({"night": GOOD_NIGHT}, ("--wait", "1"), 2, "Missing option '-o'", id="no folder"),
    pytest.param({"night": GOOD_NIGHT}, ("-o", "out", "--wait", "-1"), 2, "Invalid value for '--wait'", id="time that runs backwards"),
    pytest.param({"night": GOOD_NIGHT}, ("-o", "out", "--wait", "soon"), 2, "Invalid value for '--wait'", id="time in words"),
]


@pytest.mark.parametrize(("jobs", "words", "code", "sentence"), BAD)
def test_what_cannot_be_fetched_is_told_in_one_sentence(jobs, words, code, sentence, tmp_path, monkeypatch):
    Hub(monkeypatch, jobs)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full" / "old").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    result = fetch(tmp_path, *words)
    assert (code, True) == (result.exit_code, sentence in result.stderr), result.output


def test_a_hub_that_is_not_in_the_kubeconfig_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "eu-9.yaml"))
    result = fetch(tmp_path, "-o", str(tmp_path / "out"), "--context", "hub")
    assert (3, True) == (result.exit_code, result.stderr.startswith(f"there is no kubeconfig {tmp_path}/eu-9.yaml"))


def test_an_interrupted_fetch_ends_with_130(tmp_path, monkeypatch):
    Hub(monkeypatch, {"night": KeyboardInterrupt()})
    result = CliRunner().invoke(main, ["fleet", "fetch", str(write_fleet(tmp_path)), "-o", str(tmp_path / "out")])
    assert (130, False) == (result.exit_code, (tmp_path / "out").exists())

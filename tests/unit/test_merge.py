"""The records of all shards make the record of one whole run, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest
import sample_run
from click.testing import CliRunner
from test_shard import NAMES, catalogue  # noqa: F401 # a fixture

from conformance.cli import main
from conformance.record import Plugin, Run, ShardFacts, read, write
from conformance.record.merge import InvalidMerge, far_apart, merge
from conformance.shard import Shard, fingerprint
from conformance.world.verdict import Family

pytest_plugins = ["pytester"]

WHOLE = Run(
    replace(sample_run.facts(), left_out=3, left_out_disruptive=1),
    tuple(sorted(sample_run.scenarios(), key=lambda each: (each.file, each.name))),
)
SELECTION = fingerprint(sorted(each.name for each in WHOLE.scenarios))


def shard(number: int, total: int = 3, **changes: object) -> Run:
    """Every third scenario; each shard runs ten minutes later than the one before, and takes `number` seconds."""
    scenarios = WHOLE.scenarios[number - 1 :: total][::-1]
    facts = replace(
        WHOLE.facts,
        started=f"2026-11-21T09:{number}0:00Z",
        ended=f"2026-11-21T09:{number}1:00Z",
        seconds=float(number),
        planned=len(scenarios),
        options={"seed": "7", "words": f"--setup --shard={number}/{total} --report=out/{number}"},
        shard=ShardFacts(Shard(number, total), len(WHOLE.scenarios), SELECTION, "of names and files"),
    )
    return Run(replace(facts, **changes), scenarios)


def named(*runs: Run) -> list[tuple[str, Run]]:
    return [(f"{chr(ord('a') + place)}.json", run) for place, run in enumerate(runs)]


def of_shard(run: Run, **changes: object) -> Run:
    return replace(run, facts=replace(run.facts, shard=replace(run.facts.shard, **changes)))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_the_shards_in_any_order_are_the_whole_run(order):
    merged = merge(named(*(shard(number) for number in order)))
    assert WHOLE.scenarios == merged.scenarios
    facts = WHOLE.facts
    expected = replace(
        facts,
        started="2026-11-21T09:10:00Z",
        ended="2026-11-21T09:31:00Z",
        seconds=6.0,
        phases=tuple(replace(phase, seconds=pytest.approx(3 * phase.seconds)) for phase in facts.phases),
        options={"seed": "7", "words": "--setup", "shards": "3"},
    )
    assert expected == merged.facts
    assert not merged.was_cut_short


def test_one_shard_of_one_is_the_whole_run():
    assert WHOLE.scenarios == merge(named(shard(1, 1))).scenarios


def test_facts_that_differ_stand_side_by_side():
    clusters = [{"Kubernetes": "1.34.4", "nodes": each} for each in ("a1", "b1", "b1")]
    merged = merge(named(*(shard(number, cluster=cluster, options={"seed": str(number)}) for number, cluster in enumerate(clusters, 1))))
    assert ({"Kubernetes": "1.34.4", "nodes": "a1 | b1"}, {"seed": "1 | 2 | 3", "shards": "3"}) == (
        dict(merged.facts.cluster),
        dict(merged.facts.options),
    )


@pytest.mark.parametrize(
    ("seen", "said"), [((True, True, True), True), ((True, False, None), False), ((True, None, True), None), ((None,) * 3, None)]
)
def test_a_merged_run_enforces_where_every_shard_saw_that(seen, said):
    assert said is merge(named(*(shard(number, does_enforce=each) for number, each in enumerate(seen, 1)))).facts.does_enforce


PAIR = "a.json (shard 1/3) and b.json (shard 2/3) do not belong together: they have different"


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ((), "there is no record to merge"),
        ((shard(1), shard(3)), "shard 2/3 is missing: all 3 shards of a run are merged at once"),
        ((shard(2),), "shards 1/3, 3/3 are missing: all 3 shards of a run are merged at once"),
        ((shard(1), shard(2), shard(3), shard(2)), "b.json and d.json are the same shard (2/3): give each shard once"),
        ((shard(1), WHOLE), "b.json is no shard: it was measured without --shard, and there is nothing to merge it with"),
        (
            (shard(1), replace(shard(2), scenarios=shard(2).scenarios[1:]), shard(3)),
            "b.json (shard 2/3) was cut short, 4 of its 5 scenarios are in it: run this shard again",
        ),
        ((shard(1), shard(2, ended="")), "b.json (shard 2/3) was cut short, 5 of its 5 scenarios are in it: run this shard again"),
        ((shard(1), shard(2, plugin=Plugin("calico", "Calico", "3.31"))), f"{PAIR} plugins: cilium 1.15.19 and calico 3.31"),
        ((shard(1), shard(2, plugin=Plugin("cilium", "Cilium", "1.16.0"))), f"{PAIR} plugins: cilium 1.15.19 and cilium 1.16.0"),
        ((shard(1), shard(2, suite="0.2.0")), f"{PAIR} versions of cni-conformance: 0.1.0 and 0.2.0"),
        (
            (shard(1), shard(2, 8)),
            "a.json (shard 1/3) and b.json (shard 2/8) do not belong together: they have different numbers of shards: 3 and 8",
        ),
        ((shard(1), of_shard(shard(2), selection="others")), f"{PAIR} selections (-k, -m, files)"),
        ((shard(1), of_shard(shard(2), catalogue="others")), f"{PAIR} catalogues"),
        ((shard(1), shard(2, left_out=4)), f"{PAIR} catalogues"),
        ((shard(1), shard(2, families=(Family.IPV4,))), f"{PAIR} families: ipv4 ipv6 and ipv4"),
        ((shard(1), shard(2, capabilities=("ipv4",))), f"{PAIR} capabilities: end-port ipv4 ipv6 and ipv4"),
        (
            (shard(1), shard(2), replace(shard(3), scenarios=shard(2).scenarios[:4])),
            "the scenario no-world is in b.json (shard 2/3) and in c.json (shard 3/3): it belongs to one shard",
        ),
        (
            (shard(1), shard(2), replace(shard(3), scenarios=(*shard(3).scenarios[1:], sample_run.over_time()[0]))),
            "a.json and the others hold 14 scenarios that are not the 14 selected ones",
        ),
    ],
)
def test_what_is_not_all_shards_of_one_run_is_told_in_one_sentence(runs, sentence):
    with pytest.raises(InvalidMerge) as caught:
        merge(named(*runs))
    assert sentence == str(caught.value)


@pytest.mark.parametrize(
    ("starts", "sentence"),
    [
        ((), ""),
        (("2026-11-21T23:50:00.000+00:00", "2026-11-22T00:20:00Z"), ""),
        (("2026-11-21T23:50:00Z", "2026-11-22T08:50:00-03:00"), "a.json began on 2026-11-21 23:50 and b.json on 2026-11-22 11:50"),
        (
            ("2026-11-22T02:20:00", "2026-11-22T02:20:00Z", "2026-11-21T02:20:00Z"),
            "c.json began on 2026-11-21 02:20 and b.json on 2026-11-22 02:20",
        ),
        (("2026-11-20T02:20:00Z", "", "nobody knows"), ""),
    ],
    ids=["nothing", "one night", "twelve hours", "two nights", "nobody knows"],
)
def test_shards_of_two_nights_are_told(starts, sentence):
    told = far_apart(named(*(shard(1, started=each) for each in starts)))
    assert (sentence and f"{sentence}: if these are two nights, this is the record of neither") == told


def test_a_shard_is_read_back_as_it_was_written(tmp_path):
    write(shard(2), tmp_path / "record.json")
    assert shard(2).facts.shard == read(tmp_path).facts.shard


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for number in (1, 2, 3):
        write(shard(number), tmp_path / f"{number}.json")
    return [str(tmp_path / f"{number}.json") for number in (1, 2, 3)]


def merged_by_hand(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["merge", *words])
    return result.exit_code, result.output


def test_merge_writes_the_record_and_its_reports(files, tmp_path):
    code, output = merged_by_hand(*files, "-o", str(tmp_path / "out" / "whole"))
    assert (0, f"3 shards, 14 scenarios: {tmp_path}/out/whole/record.json") == (code, output.splitlines()[-1])
    assert WHOLE.scenarios == read(tmp_path / "out" / "whole").scenarios
    assert {"record.json", "summary.md", "junit.xml"} <= {each.name for each in (tmp_path / "out" / "whole").iterdir()}


def test_a_merge_of_two_nights_is_made_and_told(files, tmp_path):
    write(shard(3, started="2026-11-20T09:30:00Z"), tmp_path / "3.json")
    code, output = merged_by_hand(*files, "-o", str(tmp_path / "out"))
    note = f"note: {files[2]} began on 2026-11-20 09:30 and {files[1]} on 2026-11-21 09:20: if these are two nights, "
    assert (0, f"{note}this is the record of neither") == (code, output.splitlines()[0])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("1.json", "2.json"), "shard 3/3 is missing: all 3 shards of a run are merged at once"),
        (("1.json", "2.json", "3.json", "1.json"), "1.json is given twice (1/3): give each shard once"),
        (("1.json", "no.json"), "no.json: the record cannot be read: No such file or directory"),
        (("1.json", "bad.json"), "bad.json: the record is damaged"),
        (("1.json", "empty"), "the record cannot be read: No such file or directory"),
    ],
)
def test_records_that_cannot_be_merged_leave_nothing_behind(files, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"format": "cni-conformance/record", "version": 2, "facts"')
    (tmp_path / "empty").mkdir()
    code, output = merged_by_hand(*words, "-o", "out")
    assert (2, 1, False) == (code, len(output.splitlines()), (tmp_path / "out").exists())
    assert sentence in output


def test_what_the_shards_found_out_about_failures_comes_along(files, tmp_path):
    for number, name in ((1, "one"), (2, "two")):
        folder = tmp_path / str(number)
        (folder / "diagnostics" / name).mkdir(parents=True)
        (folder / "diagnostics" / name / "about.md").write_text(name)
        (tmp_path / f"{number}.json").rename(folder / "record.json")
    code, output = merged_by_hand(
        str(tmp_path / "1"), str(tmp_path / "2" / "record.json"), str(tmp_path / "3.json"), "-o", str(tmp_path / "whole")
    )
    assert 0 == code, output
    found = {path.parent.name: path.read_text() for path in (tmp_path / "whole" / "diagnostics").glob("*/about.md")}
    assert {"one": "one", "two": "two"} == found


def test_a_merge_does_not_write_over_one_of_its_shards(files, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1.json").rename(tmp_path / "1" / "record.json")
    before = (tmp_path / "1" / "record.json").read_bytes()
    for given in (tmp_path / "1", tmp_path / "1" / "record.json"):
        code, output = merged_by_hand(str(given), *files[1:], "-o", str(tmp_path / "1"))
        assert (2, f"{tmp_path}/1 holds the shard {given}, which would be written over: give another folder\n") == (code, output)
    assert before == (tmp_path / "1" / "record.json").read_bytes()


def test_a_folder_that_cannot_be_written_is_named(files, tmp_path):
    (tmp_path / "file").write_text("")
    code, output = merged_by_hand(*files, "-o", str(tmp_path / "file"))
    assert (2, True) == (code, output.startswith(f"{tmp_path}/file cannot be written: "))


def test_three_shards_of_a_simulated_run_are_the_whole_run(pytester, catalogue, tmp_path):  # noqa: F811
    def measured(name: str, *words: str) -> Run:
        pytester.runpytest_subprocess("--cluster=simulated", f"--report={tmp_path / name}", *words, catalogue)
        return read(tmp_path / name)

    whole = measured("whole", "-k", "not emma")
    parts = [measured(str(number), "-k", "not emma", f"--shard={number}/3", *words) for number, words in enumerate(((), ("-n2",), ()), 1)]
    merged = merge(named(*parts))
    assert [1, 1, 2] == sorted(len(part.scenarios) for part in parts)
    assert NAMES[:-1] == [each.name for each in merged.scenarios]
    assert [(each.name, each.outcome) for each in whole.scenarios] == [(each.name, each.outcome) for each in merged.scenarios]
    assert (whole.facts.planned, whole.facts.left_out) == (merged.facts.planned, merged.facts.left_out) == (4, 1)

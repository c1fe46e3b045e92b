"""The commands `report` and `judge`, and `run --baseline`: what they write, and one clear sentence for all that can be wrong."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import every_outcome
import hostile_run
import pytest
import sample_run
from click.testing import CliRunner, Result

from conformance import data
from conformance.cli import main
from conformance.record import Run, read, write
from conformance.report import markdown, tell
from conformance.report.formats import Format

RUN = every_outcome.run()
RECIPE = str(data.folder("scenarios") / "recipes" / "02-limit-traffic-to-an-application.yaml")
MEASURE = ("run", "--cluster", "simulated", "-n", "0", RECIPE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands are called: `night` has the record of a run with every outcome, `fine` one in which all is well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    for name, run in (("night", RUN), ("fine", sample_run.fine_run())):
        (tmp_path / name).mkdir()
        write(run, tmp_path / name / "record.json")
    return tmp_path


def call(*words: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(main, words, input=given)


def files() -> list[str]:
    """All files that are there, but for the records that the tests begin with."""
    found = sorted(str(path) for path in Path().rglob("*") if path.is_file())
    return [each for each in found if each not in ("night/record.json", "fine/record.json")]


# --- what is written --------------------------------------------------------------------------------------------------


def test_a_report_is_printed_where_nothing_else_is_said() -> None:
    result = call("report", "night")

    assert 0 == result.exit_code
    assert tell(RUN).headline == result.output.splitlines()[0]
    assert [] == files()


@pytest.mark.parametrize("wanted", [each for each in Format if each is not Format.TERMINAL])
def test_every_format_can_be_standard_output_and_a_file(wanted: Format) -> None:
    printed = call("report", "night/record.json", "--format", wanted, "-o", "-")
    written = call("report", "night/record.json", "--format", wanted, "-o", "it.txt")

    assert (0, 0, "it.txt\n") == (printed.exit_code, written.exit_code, written.output)
    assert printed.output == Path("it.txt").read_text(encoding="utf-8")
    assert ["it.txt"] == files()


def test_the_terminal_s_report_can_be_a_file() -> None:
    call("report", "night", "-o", "it.txt")

    assert call("report", "night").output == Path("it.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--format", "html,terminal,markdown,junit,openmetrics,conformance,json"], id="with commas"),
        pytest.param([word for each in Format for word in ("--format", each)], id="one by one"),
        pytest.param(["--format", "json, html", "--format", "terminal,markdown,junit,openmetrics,conformance,html"], id="mixed, one twice"),
    ],
)
def test_several_formats_go_into_a_folder(words: list[str]) -> None:
    result = call("report", "night", *words, "-o", "out")

    assert 0 == result.exit_code
    assert sorted(f"out/{each.file}" for each in Format) == files() == sorted(result.output.splitlines())


def test_one_file_goes_into_a_folder_that_is_there() -> None:
    assert "night/summary.md\n" == call("report", "night", "--format", "markdown", "-o", "night").output


def test_one_file_goes_into_a_new_folder_that_ends_like_one() -> None:
    assert "out/summary.md\n" == call("report", "night", "--format", "markdown", "-o", "out/").output


def test_each_of_several_records_has_a_folder_of_its_own(folder: Path) -> None:
    packed = folder / "other" / "cilium.json.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress((folder / "fine" / "record.json").read_bytes()))
    (folder / "deep" / "night").mkdir(parents=True)
    write(RUN, folder / "deep" / "night" / "record.json")
    result = call("report", "night", "fine/record.json", str(packed), "deep/night", "--format", "markdown", "-o", "out")

    assert 0 == result.exit_code
    assert ["cilium", "fine", "night", "night-2"] == sorted(path.name for path in (folder / "out").iterdir())
    assert markdown(tell(RUN)) == Path("out/night-2/summary.md").read_text(encoding="utf-8")


def test_a_record_may_come_by_standard_input(folder: Path) -> None:
    given = (folder / "night" / "record.json").read_bytes()

    assert call("report", "night", "--format", "json").output == call("report", "-", "--format", "json", given=given).output


def test_what_comes_by_standard_input_may_be_packed(folder: Path) -> None:
    given = gzip.compress((folder / "night" / "record.json").read_bytes())

    assert call("report", "night", "--format", "json").output == call("report", "-", "--format", "json", given=given).output


def test_standard_input_that_is_no_text_is_told() -> None:
    result = call("report", "-", given=b"\x89PNG\xff")

    assert (2, "standard input: the record is damaged: it is not text in UTF-8\n") == (result.exit_code, result.output)


def test_a_record_that_is_given_twice_is_one() -> None:
    result = call("report", "night", "night", "--format", "json", "-o", "out/")

    assert (0, "out/summary.json\n") == (result.exit_code, result.output)


def test_what_is_new_is_said_once_for_a_record_whatever_its_formats() -> None:
    result = call("report", "night", "--baseline", "fine", "--format", "json,markdown", "-o", "out")

    assert ["Since", "out/summary.json", "out/summary.md"] == [line.split()[0] for line in result.output.splitlines()]


def test_the_parts_of_a_killed_run_make_a_report(folder: Path) -> None:
    document = json.loads((folder / "fine" / "record.json").read_text(encoding="utf-8"))
    head = {key: document[key] for key in ("format", "version")} | {"facts": document["facts"] | {"ended": ""}}
    (folder / "killed").mkdir()
    (folder / "killed" / "record.json.parts").write_text(f"{json.dumps(head)}\n{json.dumps(document['scenarios'][0])}\n", encoding="utf-8")

    assert "the run was cut short" in call("report", "killed").output


def test_a_hostile_record_makes_every_report(folder: Path) -> None:
    (folder / "hostile").mkdir()
    write(hostile_run.run(), folder / "hostile" / "record.json")
    result = call("report", "hostile", "--format", ",".join(Format), "-o", "out")

    assert 0 == result.exit_code, result.output
    assert "\x1b" not in call("report", "hostile").output


def test_judge_makes_the_reports_of_a_run() -> None:
    result = call("judge", "night", "--report", "again")

    assert 1 == result.exit_code
    assert [f"again/{name}" for name in ("conformance.yaml", "junit.xml", "metrics.txt", "report.html", "summary.md")] == files()


# --- what is wrong ----------------------------------------------------------------------------------------------------

TEXT = RUN.to_json()
BAD: dict[str, str | bytes | None] = {
    "missing.json": None,
    "empty.json": "",
    "half.json": TEXT[: len(TEXT) // 2],
    "damaged.json": TEXT.replace('"outcome": "skipped"', '"outcome": "lost"'),
    "newer.json": TEXT.replace('"version": 2', '"version": 99', 1),
    "other.json": '{"scenarios": []}',
    "list.json": "[]",
    "image.json": b"\x89PNG\r\n\x1a\n\xff",
    "not-packed.json.gz": TEXT,
    "twice.json": TEXT.replace(f'"name": "{RUN.scenarios[1].name}"', f'"name": "{RUN.scenarios[0].name}"'),
    "no-record-in-it": None,
}
SENTENCE = {
    "missing.json": "the record cannot be read: No such file or directory",
    "empty.json": "the record is damaged: record is not JSON",
    "half.json": "the record is damaged: record is not JSON",
    "damaged.json": "outcome is 'lost', not one of passed, failed, error, skipped",
    "newer.json": "the record has version 99 and this cni-conformance reads up to 2: install a newer one",
    "other.json": 'this is no record of cni-conformance: it has no "format"',
    "list.json": "the record is damaged: record is [], not an object",
    "image.json": "the record is damaged: it is not text in UTF-8",
    "not-packed.json.gz": "it is packed with gzip, and cannot be unpacked",
    "twice.json": f"the record has the scenario {RUN.scenarios[0].name} twice (record.scenarios[0] and record.scenarios[1])",
    "no-record-in-it": "record.json: the record cannot be read: No such file or directory",
}


def make(name: str) -> None:
    content = BAD[name]
    if name == "no-record-in-it":
        Path(name).mkdir()
    elif isinstance(content, str):
        Path(name).write_text(content, encoding="utf-8")
    elif content is not None:
        Path(name).write_bytes(content)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["report", "BAD"], id="printed"),
        pytest.param(["report", "night", "BAD", "--format", ",".join(Format), "-o", "out/deep"], id="the second of two"),
        pytest.param(["report", "BAD", "--format", "html", "-o", "it.html"], id="a page"),
        pytest.param(["report", "night", "--baseline", "BAD", "--format", "html", "-o", "it.html"], id="the baseline of a report"),
        pytest.param(["judge", "BAD", "--report", "out"], id="judged"),
        pytest.param(["run", "--cluster", "simulated", "-n", "0", "--baseline", "BAD", "--report", "out"], id="the baseline of a run"),
    ],
)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_record_is_one_sentence_and_nothing_is_written(words: list[str], name: str) -> None:
    make(name)
    before = files()
    result = call(*(name if word == "BAD" else word for word in words))
    (sentence,) = [line for line in result.output.splitlines() if line and not line.startswith("!")]

    assert 2 == result.exit_code
    assert name in sentence
    assert SENTENCE[name] in sentence
    assert before == files()
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["report"], "Missing argument 'RECORD...'", id="no record"),
        pytest.param(["report", "night", "--format", "pdf"], "'pdf' is no format: there are html, terminal,", id="no such format"),
        pytest.param(["report", "night", "--format", "html,"], "'' is no format", id="an empty format"),
        pytest.param(["report", "night", "--format", "html,json"], "standard output holds one record in one format", id="two formats"),
        pytest.param(["report", "night", "fine", "-o", "-"], "standard output holds one record in one format", id="two records"),
        pytest.param(["report", "night", "fine", "-o", "night/record.json"], "night/record.json is a file: several", id="no folder"),
        pytest.param(["report", "night", "--format", "html", "-o", "night/record.json/x"], "written: Not a directory", id="in it"),
        pytest.param(["report", "night", "--format", "html", "-o", ""], "-o names no file and no folder", id="an empty name"),
        pytest.param(["report", "night", "--format", "html", "-o", "/proc/it.html"], "/proc/it.html cannot be written", id="nowhere"),
        pytest.param(["judge", "night", "--report", "night/record.json"], "night/record.json cannot be written: ", id="a file as folder"),
        pytest.param(["report", "-"], "standard input: the record is damaged: record is not JSON", id="an empty standard input"),
    ],
)
def test_wrong_usage_is_told(words: list[str], sentence: str) -> None:
    before = Path("night/record.json").read_bytes()
    result = call(*words)

    assert 2 == result.exit_code
    assert sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert before == Path("night/record.json").read_bytes()
    assert [] == files()


def test_an_old_report_stays_where_a_new_one_cannot_be_made() -> None:
    make("damaged.json")
    Path("it.html").write_text("the old one", encoding="utf-8")
    call("report", "damaged.json", "--format", "html", "-o", "it.html")

    assert "the old one" == Path("it.html").read_text(encoding="utf-8")


# --- the baseline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "now", "code", "sentence"),
    [
        pytest.param("night", "night", 0, ": nothing is worse; 8 still failing, 6 still in error.", id="as red as then"),
        pytest.param("fine", "night", 1, ": 8 new failures: leaks-and-outages, ", id="new failures"),
        pytest.param("night", "fine", 0, ": nothing is worse; 15 not measured now.", id="nothing fails"),
        pytest.param("fine", "errors", 3, ": 1 new error: no-world; 1 not measured now.", id="new errors"),
        pytest.param("fine", "cut", 3, ": nothing is worse; the run was cut short.", id="cut short"),
    ],
)
def test_with_a_baseline_the_exit_code_and_the_first_line_say_what_is_new(
    folder: Path, then: str, now: str, code: int, sentence: str
) -> None:
    (folder / "errors").mkdir()
    write(Run(sample_run.facts(1), tuple(each for each in RUN.scenarios if each.name == "no-world")), folder / "errors" / "record.json")
    (folder / "cut").mkdir()
    write(Run(sample_run.facts(2), tuple(each for each in RUN.scenarios if each.name == "limit-traffic")), folder / "cut" / "record.json")
    printed = call("report", now, "--baseline", then)
    written = call("report", now, "--baseline", then, "--format", "html,markdown,junit,openmetrics,conformance,json", "-o", "out")

    assert (code, code) == (printed.exit_code, written.exit_code)
    assert sentence in printed.output.splitlines()[0]
    assert printed.output.splitlines()[0] == written.output.splitlines()[0]
    assert printed.output.splitlines()[0] == json.loads(Path("out/summary.json").read_text(encoding="utf-8"))["since_baseline"]["sentence"]
    for name in ("report.html", "summary.md", "junit.xml"):
        assert sentence.partition(":")[2].strip(" .")[:16] in Path("out", name).read_text(encoding="utf-8")


@pytest.mark.parametrize("report", ["night/record.json", "night/record.json/x", "/proc/nowhere"])
def test_a_run_whose_reports_cannot_be_written_does_not_begin(report: str) -> None:
    result = call(*MEASURE, "--report", report)
    (sentence,) = [line for line in result.output.splitlines() if line and not line.startswith("!")]

    assert 2 == result.exit_code
    assert f"--report {report} cannot be written: " in sentence
    assert "nothing was started" in sentence


def program(*words: str) -> Any:
    """In a process of its own: pytest cannot well run within itself."""
    code = "from conformance.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("planned", "code"), [(1, 0), (2, 3)], ids=["whole", "cut short"])
def test_a_stored_record_that_was_cut_short_is_not_green(folder: Path, planned: int, code: int) -> None:
    write(Run(sample_run.facts(planned), tuple(each for each in RUN.scenarios if each.name == "limit-traffic")), folder / "cut.json")
    assert code == call("judge", "cut.json").exit_code


def test_a_run_that_stops_early_is_not_green_though_what_fails_is_known(folder: Path) -> None:
    both = [
        str(data.folder("scenarios") / "recipes" / name)
        for name in ("02-limit-traffic-to-an-application.yaml", "01-deny-all-traffic-to-an-application.yaml")
    ]
    words = ["run", *both, "--cluster", "simulated", "-n", "0", "--fault", "ingress-never-enforced"]
    program(*words, "--report", "all")
    ended = program(*words, "-x", "--baseline", "all")

    (sentence, *_) = [line for line in ended.stdout.splitlines() if line.startswith("Since the simulated plugin")]
    assert (1, ": nothing is worse; the run was cut short; 1 still failing, 1 not measured now.") == (
        ended.returncode,
        sentence[sentence.index(": ") :],
    )


def test_a_run_with_a_baseline_is_red_only_by_what_is_new() -> None:
    faulty = ("--fault", "ingress-never-enforced", "--report", "out")
    fine = program(*MEASURE, "--report", "good")
    worse = program(*MEASURE, *faulty, "--baseline", "good")
    as_red = program(*MEASURE, *faulty, "--baseline", "out")  # it writes over what it is compared with
    fixed = program(*MEASURE, "--baseline", "out/record.json", "--report", "better")

    assert [0, 1, 0, 0] == [each.returncode for each in (fine, worse, as_red, fixed)]
    for each, sentence in (
        (worse, ": 1 new failure: limit-traffic-to-an-application."),
        (as_red, ": nothing is worse; 1 still failing."),
        (fixed, ": nothing is worse; 1 fixed."),
    ):
        told = [line for line in each.stdout.splitlines() if line.startswith("Since the simulated plugin")]
        assert told[0].endswith(sentence)
    assert read(Path("out")).of("failed")  # type: ignore[arg-type] # a word of Outcome
    assert ["conformance.yaml", "junit.xml", "metrics.txt", "record.json", "report.html", "summary.md"] == sorted(
        path.name for path in Path("out").iterdir()
    )

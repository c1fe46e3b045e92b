"""The workflows: what they call is there, every line of the nightly matrix can be had, and a known night is green."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import workflow
import yaml

from conformance import data
from conformance.cli import main
from conformance.cluster.plugin import load, names
from conformance.cluster.ranges import configuration
from conformance.cluster.toolbox import Toolbox
from conformance.settings import OPTIONS, Settings

STUB = """#!/bin/sh
# Notes its words, a line for each call.
{{ printf '%s\\037' {name} "$@"; echo; }} >> '{said}'
[ {code} = 0 ] || echo {name} ends with {code}
exit {code}
"""
SHELL = ("sh", "bash", "cat", "mkdir", "cp", "env", "python3", "rm", "tee")
CELLS = [pytest.param(cell, id=f"{cell['plugin']}-{cell['family']}-{cell['kube-proxy']}") for cell in workflow.cells()]
FILES = sorted(path.stem for path in workflow.FOLDER.glob("*.yml"))
SCENARIO = "limit-traffic-to-an-application"
FILE = data.folder("scenarios") / "recipes" / f"02-{SCENARIO}.yaml"


@pytest.fixture
def said(tmp_path: Path) -> Any:
    """A machine on which there is little but programs that note their words: cni-conformance ends with this code."""

    def machine(code: int = 0) -> tuple[workflow.Machine, Any]:
        words, programs = tmp_path / "words", tmp_path / "programs"
        for name in ("cni-conformance", "pytest", "nox"):
            workflow.program(programs, name, STUB.format(said=str(words), name=name, code=code))
        workflow.program(programs, "gh", workflow.GH)
        for name in SHELL:
            (programs / name).symlink_to(str(shutil.which(name)))
        kept = tmp_path / "artefacts"
        kept.mkdir()

        def lines() -> list[list[str]]:
            return [line.split("\x1f")[:-1] for line in words.read_text().split("\n")[:-1]]

        return workflow.Machine(kept, str(programs), {"BEFORE": str(tmp_path / "before")}), lines

    return machine


def understood(words: list[str]) -> dict[str, Any]:
    """What the command line makes of these words. Raises click.UsageError for a command or option that is not there."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=name)
    return command.make_context(context.info_name, list(words)).params


def settings_of(parameters: dict[str, Any]) -> Settings:
    return Settings.of({option.key: parameters.get(option.key, option.unset) for option in OPTIONS})


@pytest.mark.parametrize("cell", CELLS)
def test_every_line_of_the_matrix_can_be_had(cell: dict[str, str]) -> None:
    plugin = load(cell["plugin"])
    assert plugin.version == cell["version"]
    assert cell["family"] in plugin.families
    assert cell["kube-proxy"] in plugin.kube_proxy
    assert plugin.enforces == ("force" not in cell)
    values = {"name": "night", "family": cell["family"], "workers": 2, "kube_proxy": cell["kube-proxy"]}
    content = yaml.safe_load(configuration(plugin, Toolbox(docker=Path("docker"), kind=Path("kind")), values))
    assert cell["kube-proxy"] == content["networking"]["kubeProxyMode"]


def test_no_line_of_the_matrix_is_there_twice() -> None:
    found = [(cell["plugin"], cell["family"], cell["kube-proxy"]) for cell in workflow.cells()]
    assert len(found) == len(set(found))


def test_every_plugin_of_the_suite_is_in_the_matrix_or_left_out_with_a_reason() -> None:
    text = (workflow.FOLDER / "nightly.yml").read_text()
    missing = set(names()) - {cell["plugin"] for cell in workflow.cells()}
    assert missing == {name for name in missing if re.search(rf"# - {name} ", text)}


def test_one_plugin_can_be_chosen_by_hand() -> None:
    choice = workflow.load("nightly")["on"]["workflow_dispatch"]["inputs"]["plugin"]["options"]
    assert ["all", *sorted({cell["plugin"] for cell in workflow.cells()})] == choice


@pytest.mark.parametrize("cell", CELLS)
def test_the_measuring_command_is_understood(cell: dict[str, str], said: Any, tmp_path: Path) -> None:
    machine, lines = said()
    given = workflow.inputs_of(cell)
    for number, shard in enumerate(json.loads(given["shards"])):
        context = {"inputs": given, "matrix": {"shard": shard}, "strategy": {"job-index": number}}
        assert (0, "") == machine.run("plugin", "measure", context, tmp_path / f"job-{number}")
        settings = settings_of(understood(lines()[number][1:]))
        found = (settings.cluster, settings.cni, settings.family, settings.kube_proxy, settings.shard, settings.force)
        assert ("kind", cell["plugin"], cell["family"], cell["kube-proxy"], shard, "force" in cell) == found


@pytest.mark.parametrize(
    ("code", "has_record", "expected"),
    [(0, True, 0), (1, True, 0), (3, True, 0), (2, False, 1), (3, False, 1), (4, False, 1), (130, True, 1)],
)
def test_a_shard_is_red_where_it_has_no_record_and_not_where_something_failed_or_is_in_error(
    code: int, expected: int, said: Any, tmp_path: Path, *, has_record: bool
) -> None:
    machine, _ = said(code)
    context = {"inputs": workflow.inputs_of(workflow.cells()[0]), "matrix": {"shard": "1/2"}}
    if has_record:
        (tmp_path / "job" / "out" / "shard-1").mkdir(parents=True)
        (tmp_path / "job" / "out" / "shard-1" / "record.json").touch()
    assert expected == machine.run("plugin", "measure", context, tmp_path / "job")[0]


def test_some_scenarios_are_measured_in_one_shard(said: Any, tmp_path: Path) -> None:
    machine, lines = said()
    given = workflow.inputs_of(workflow.cells()[0], plugin="antrea", expression="deny and not egress")
    assert ('["1/1"]', "antrea") == (given["shards"], given["only"])
    machine.run("plugin", "measure", {"inputs": given, "matrix": {"shard": "1/1"}}, tmp_path / "job")
    assert "deny and not egress" == understood(lines()[0][1:])["expression"]


@pytest.mark.parametrize(("chosen", "is_measured"), [({}, True), ({"plugin": "all"}, True), ({"plugin": "ptp"}, False)])
def test_a_plugin_that_was_not_chosen_is_not_measured(chosen: dict[str, str], *, is_measured: bool) -> None:
    given = workflow.inputs_of(workflow.cells()[0], **chosen)
    assert is_measured == workflow.value_of(workflow.load("plugin")["jobs"]["measure"]["if"], {"inputs": given})


@pytest.mark.parametrize("cell", CELLS)
def test_a_plugin_that_enforces_nothing_is_not_among_those_that_are_compared(cell: dict[str, str]) -> None:
    name = workflow.filled(workflow.load("plugin")["env"], {"inputs": workflow.inputs_of(cell)})["RECORD"]
    kind = "record" if load(cell["plugin"]).enforces else "bare"
    assert f"{kind}-{cell['plugin']}-{cell['family']}-{cell['kube-proxy']}" == name


@pytest.mark.parametrize(("has_before", "command"), [(True, "report"), (False, "judge")])
def test_the_words_that_say_what_is_new_are_understood(said: Any, tmp_path: Path, *, has_before: bool, command: str) -> None:
    machine, lines = said()
    given = workflow.inputs_of(workflow.cells()[0])
    cell = f"{given['plugin']}-{given['family']}-{given['kube-proxy']}"
    for number in (0, 1):
        (machine.artefacts / f"shard-{cell}-{number}" / f"shard-{number + 1}").mkdir(parents=True)
    if has_before:
        (tmp_path / "before" / f"record-{cell}").mkdir(parents=True)
        (tmp_path / "before" / f"record-{cell}" / "record.json").touch()

    assert (0, "") == machine.run("plugin", "report", {"inputs": given}, tmp_path / "job")
    merged, told = (words[1:] for words in lines())
    assert ["merge", command] == [merged[0], told[0]]
    assert ["shards/shard-1", "shards/shard-2"] == list(map(str, understood(merged)["records"]))
    assert ("before" if has_before else None) == (str(understood(told)["baseline"]) if has_before else None)


def artefact(run: int, created: str, **other: Any) -> dict[str, Any]:
    of = {"id": run, "repository_id": 1, "head_repository_id": 1, "head_branch": "main"}
    return {"created_at": created, "expired": False, "workflow_run": of | {key: other[key] for key in other if key in of}} | {
        key: other[key] for key in other if key not in of
    }


OLD, BEFORE, LATER = artefact(7, "2026-11-19T02:40:00Z"), artefact(8, "2026-11-20T02:40:00Z"), artefact(10, "2026-11-22T02:40:00Z")


@pytest.mark.skipif(shutil.which("jq") is None, reason="the filter is one of jq")
@pytest.mark.parametrize(
    ("kept", "found"),
    [
        pytest.param([], "", id="there was no night yet"),
        pytest.param([OLD, BEFORE], "8", id="the last one"),
        pytest.param([BEFORE, OLD], "8", id="in any order"),
        pytest.param([BEFORE, LATER], "8", id="not a later one, where an old night is run again"),
        pytest.param([BEFORE, artefact(9, "2026-11-21T02:40:00Z")], "8", id="not this one, when it is run again"),
        pytest.param([OLD, {**BEFORE, "expired": True}], "7", id="not what is gone"),
        pytest.param([OLD, artefact(8, "2026-11-20T02:40:00Z", head_branch="try")], "7", id="not of a branch"),
        pytest.param([OLD, artefact(8, "2026-11-20T02:40:00Z", head_repository_id=2)], "7", id="not of a fork"),
    ],
)
def test_the_night_before_is_the_last_whole_record_of_the_default_branch(kept: list[dict[str, Any]], found: str) -> None:
    (script,) = (each["run"] for each in workflow.load("plugin")["jobs"]["report"]["steps"] if each.get("name") == "Get the night before")
    asked = re.search(r"--jq '(.*?)'", script, re.DOTALL)
    assert asked is not None
    done = subprocess.run(
        ["jq", "-r", asked[1]],  # noqa: S607 - that of the machine
        input=json.dumps({"artifacts": kept}),
        env={"PATH": workflow.Machine.path, "GITHUB_RUN_ID": "9", "BRANCH": "main"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, found, "") == (done.returncode, done.stdout.strip(), done.stderr)


def test_a_night_that_cannot_be_put_together_is_red_and_its_summary_says_why(said: Any, tmp_path: Path) -> None:
    machine, lines = said(2)
    code, _ = machine.run("plugin", "report", {"inputs": workflow.inputs_of(workflow.cells()[0])}, tmp_path / "job")
    assert (2, ["merge"]) == (code, [words[1] for words in lines()])
    assert "cni-conformance ends with 2\n" == (tmp_path / "job" / "step-summary.md").read_text()
    assert [] == list(machine.artefacts.iterdir())


@pytest.mark.parametrize(
    ("event", "branch"), [({"schedule": "17 2 * * *"}, "main"), ({"repository": {"default_branch": "trunk"}}, "trunk")]
)
@pytest.mark.parametrize(("name", "job"), [("plugin", "report"), ("nightly", "night")])
def test_the_default_branch_is_known_though_a_schedule_does_not_say_it(name: str, job: str, event: dict[str, Any], branch: str) -> None:
    found = workflow.load(name)["jobs"][job]["env"]["BRANCH"]
    assert branch == workflow.filled(found, {"github": {"event": event, "ref_name": "main"}})


def test_the_words_of_the_last_job_are_understood(said: Any, tmp_path: Path) -> None:
    machine, lines = said()
    for name in ("record-one", "record-two"):
        (machine.artefacts / name).mkdir()
        (tmp_path / "before" / name).mkdir(parents=True)
    for name in ("trend", "compare"):
        (tmp_path / "job" / "night").mkdir(parents=True, exist_ok=True)
        (tmp_path / "job" / "night" / f"{name}.md").write_text(f"{name}\n")
    assert (0, "") == machine.run("nightly", "night", {"inputs": {}}, tmp_path / "job")
    assert ["trend", "trend", "compare", "compare"] == [words[1] for words in lines()]
    assert [1, 1, 2, 2] == [len(understood(words[1:]).get("records", "-")) for words in lines()]
    assert (tmp_path / "job" / "nights" / "7" / "record-one").is_dir()
    assert "trend\ncompare\n" == (tmp_path / "job" / "step-summary.md").read_text()


@pytest.mark.parametrize("records", [["record-one"], []], ids=["one", "none"])
def test_a_night_with_fewer_than_two_records_is_not_compared_and_not_red(said: Any, tmp_path: Path, records: list[str]) -> None:
    machine, lines = said()
    for name in records:
        (machine.artefacts / name).mkdir()
    (tmp_path / "job" / "night").mkdir(parents=True)
    (tmp_path / "job" / "night" / "trend.md").write_text("trend\n")
    sentence = "Nothing is compared: fewer than two records of this night are there.\n"

    code, text = machine.run("nightly", "night", {"inputs": {}}, tmp_path / "job")

    assert (0, True) == (code, sentence in text)
    assert ["trend", "trend"] == [words[1] for words in lines()]
    assert f"trend\n{sentence}" == (tmp_path / "job" / "step-summary.md").read_text()


def test_the_other_jobs_run_what_is_there(said: Any, tmp_path: Path) -> None:
    machine, lines = said()
    assert (0, "") == machine.run("ci", "checks", {"matrix": {"python": "3.12"}}, tmp_path / "checks")
    noxfile = (workflow.FOLDER.parents[1] / "noxfile.py").read_text()
    ((_, option, *sessions),) = lines()
    assert ("-s", []) == (option, [name for name in sessions if f"def {name}(" not in noxfile])
    files = {workflow.FOLDER.parents[1] / word for name in ("ci", "nightly") for word in _files(workflow.load(name))}
    assert {workflow.FOLDER.parents[1] / name for name in (".ci/run", "tests/unit/test_model_twice.py")} == files
    assert all(path.exists() for path in files)


def _files(content: dict[str, Any]) -> set[str]:
    """The files of ours that the shell lines name."""
    runs = "\n".join(step["run"] for job in content["jobs"].values() for step in job.get("steps", ()) if "run" in step)
    return set(re.findall(r"(?:^|\s)(\.ci/\w+|tests/[\w/]+\.py)", runs))


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_may_only_read_and_ends_by_itself(name: str) -> None:
    content = workflow.load(name)
    assert {"read"} == set(content["permissions"].values())
    for job in content["jobs"].values():
        assert ("timeout-minutes" in job) == ("steps" in job)
        assert "permissions" not in job
        used = [step["uses"] for step in job.get("steps", ()) if "uses" in step]
        assert [] == [action for action in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action)]
    text = (workflow.FOLDER / f"{name}.yml").read_text()
    assert text.count("- uses: ") == len(re.findall(r"- uses: \S+ # v\d+\.\d+\.\d+\n", text))


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_fails_where_its_first_program_does(name: str) -> None:
    content = workflow.load(name)
    runs = [step["run"] for job in content["jobs"].values() for step in job.get("steps", ()) if "run" in step]
    has_pipes = any(re.search(r"[^|]\|[^|]", re.sub(r"'.*?'", "", run, flags=re.DOTALL)) for run in runs)
    assert has_pipes == ("bash" == content.get("defaults", {}).get("run", {}).get("shell"))


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_a_person_types_is_pasted_into_a_shell(name: str) -> None:
    for job in workflow.load(name)["jobs"].values():
        assert [] == [step["run"] for step in job.get("steps", ()) if "${{" in step.get("run", "")]


def test_what_called_workflows_are_given_is_declared_there() -> None:
    job = workflow.load("nightly")["jobs"]["plugins"]
    declared = workflow.load("plugin")["on"]["workflow_call"]["inputs"]
    assert ("./.github/workflows/plugin.yml", set(declared)) == (job["uses"], set(job["with"]))


# --- for real, on the test bench instead of a cluster -------------------------------------------------------------------


ON_THE_BENCH = """#!/bin/bash
# The command itself, but `run` is on the test bench.
words=("$1"); shift
while [ $# -gt 0 ]; do
  case "$1" in
    --setup) ;;
    --cluster | --name | --cni | --family | --kube-proxy) shift ;;
    *) words+=("$1") ;;
  esac
  shift
done
[ "${{words[0]}}" != run ] || words+=(--cluster simulated -n 0 $FAULT '{file}')
exec '{command}' "${{words[@]}}"
"""


@pytest.fixture
def night(tmp_path: Path) -> Any:
    """A plugin's night of one scenario on the test bench, with or without a fault: exit code, and what was said."""
    workflow.program(tmp_path / "programs", "gh", workflow.GH)
    command = Path(sys.executable).with_name("cni-conformance")
    workflow.program(tmp_path / "programs", "cni-conformance", ON_THE_BENCH.format(file=FILE, command=command))
    given = workflow.inputs_of(workflow.cells()[0], expression="")
    path = ":".join([str(tmp_path / "programs"), workflow.Machine.path])

    def night(number: int, *words: str) -> tuple[int, str]:
        kept, before = (tmp_path / f"artefacts-{each}" for each in (number, number - 1))
        machine = workflow.Machine(kept, path, {"BEFORE": str(before), "FAULT": " ".join(words)})
        context = {"inputs": given, "matrix": {"shard": "1/1"}}
        measured = machine.run("plugin", "measure", context, tmp_path / f"measure-{number}")
        assert 0 == measured[0], measured[1]
        return machine.run("plugin", "report", {"inputs": given}, tmp_path / f"report-{number}")

    return night


def test_a_known_night_is_green_and_something_new_is_red_and_named_on_the_first_line(night: Any, tmp_path: Path) -> None:
    fault = ("--fault", "ingress-never-enforced")
    assert 0 == night(1)[0]
    kept = {path.name.split("-")[0]: {file.name for file in path.iterdir()} for path in (tmp_path / "artefacts-1").iterdir()}
    assert {"shard", "record", "reports"} == set(kept)
    assert {"record.json"} == kept["record"]
    assert {"record.json", "report.html", "summary.md", "junit.xml"} <= kept["reports"]
    for number, code, news in ((2, 1, f"1 new failure: {SCENARIO}"), (3, 0, "nothing is worse; 1 still failing")):
        ended, text = night(number, *fault)
        first = next(line for line in text.splitlines() if line.startswith("Since "))
        assert (code, True) == (ended, f": {news}" in first), text
        assert news in (tmp_path / f"report-{number}" / "step-summary.md").read_text()

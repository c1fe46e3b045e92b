"""The workflows: what they call is there, every line of the nightly matrix can be had, and a known night is green."""

from __future__ import annotations

import json
import re
import shutil
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


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1)])
def test_a_shard_is_red_where_it_could_not_measure_and_not_where_something_failed(
    code: int, expected: int, said: Any, tmp_path: Path
) -> None:
    machine, _ = said(code)
    context = {"inputs": workflow.inputs_of(workflow.cells()[0]), "matrix": {"shard": "1/2"}}
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
        (machine.artefacts / f"shard-{cell}-{number}").mkdir()
    if has_before:
        (tmp_path / "before" / f"record-{cell}").mkdir(parents=True)
        (tmp_path / "before" / f"record-{cell}" / "record.json").touch()

    assert (0, "") == machine.run("plugin", "report", {"inputs": given}, tmp_path / "job")
    merged, told = (words[1:] for words in lines())
    assert (["merge", command], 2) == ([merged[0], told[0]], len(understood(merged)["records"]))
    assert ("before" if has_before else None) == (str(understood(told)["baseline"]) if has_before else None)


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
        assert [] == [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+", action)]


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_a_person_types_is_pasted_into_a_shell(name: str) -> None:
    for job in workflow.load(name)["jobs"].values():
        assert [] == [step["run"] for step in job.get("steps", ()) if "${{" in step.get("run", "")]


def test_what_called_workflows_are_given_is_declared_there() -> None:
    job = workflow.load("nightly")["jobs"]["plugins"]
    declared = workflow.load("plugin")["on"]["workflow_call"]["inputs"]
    assert ("./.github/workflows/plugin.yml", set(declared)) == (job["uses"], set(job["with"]))


# --- for real, on the test bench instead of a cluster -------------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path) -> Any:
    """A plugin's night of one scenario on the test bench, with or without a fault: exit code, and what was said."""
    workflow.program(tmp_path / "programs", "gh", workflow.GH)
    (tmp_path / "programs" / "cni-conformance").symlink_to(Path(sys.executable).with_name("cni-conformance"))
    given = workflow.inputs_of(workflow.cells()[0], expression="")
    cell = f"{given['plugin']}-{given['family']}-{given['kube-proxy']}"
    path = ":".join([str(tmp_path / "programs"), workflow.Machine.path])

    def night(number: int, *words: str) -> tuple[int, str]:
        kept, before = (tmp_path / f"artefacts-{each}" for each in (number, number - 1))
        shard = kept / f"shard-{cell}-0"
        said = ["run", str(FILE), "--cluster", "simulated", "-n", "0", "--shard", "1/1", "--report", str(shard), *words]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            measured = workflow.Machine(kept, path).shell(f"cni-conformance {' '.join(said)} || test $? -eq 1", {}, tmp_path)
        assert 0 == measured[0], measured[1]
        machine = workflow.Machine(kept, path, {"BEFORE": str(before)})
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

"""Jobs of .github/workflows as a machine of GitHub runs them, as far as ours need it: the values filled in, the shell, the artefacts.

Steps that install something are left out: what they bring is there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

GH = """#!/bin/sh
# What the GitHub CLI is asked by the workflows. The last night's artefacts are in a folder, if there are any.
case "$1 $2" in
  "api "*) [ ! -d "$BEFORE" ] || echo 7 ;;
  "run list") echo 7 ;;
  "run download") if [ "$4" = --name ]; then mkdir "$7" && cp "$BEFORE/$5"/* "$7"; else mkdir -p "$7" && cp -r "$BEFORE"/$5 "$7"; fi ;;
esac
"""

FOLDER = Path(__file__).parents[1] / ".github" / "workflows"

Values = Mapping[str, Any]


class _Name(dict):  # type: ignore[type-arg]
    """A mapping whose keys are attributes; what is not there is nothing, as in GitHub's expressions."""

    def __getattr__(self, key: str) -> Any:
        found = self.get(key.replace("_", "-"), self.get(key))
        return _Name(found or {}) if found is None or isinstance(found, Mapping) else found


def load(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    content["on"] = content.pop(True)
    return content


def value_of(expression: str, context: Values, folder: Path = Path()) -> Any:
    """What an expression of GitHub's comes to. Its `&&` and `||` give one of their operands, as Python's words do."""
    words = re.findall(r"'(?:[^']|'')*'|&&|\|\||==|!=|!|[\w.-]+|[(),*/]", expression)
    said = {"&&": "and", "||": "or", "!": "not", "true": "True", "false": "False"}
    python = " ".join(said.get(word, word if word.startswith("'") else word.replace("-", "_")) for word in words)
    functions = {
        "always": lambda: True,
        "cancelled": lambda: False,
        "hashFiles": lambda pattern: "".join(map(str, sorted(folder.glob(pattern)))),
        "fromJSON": yaml.safe_load,
    }
    found = eval(python, {"__builtins__": {}}, functions | {key: _Name(each) for key, each in context.items()})  # noqa: S307 - our own files
    return None if found == {} else found


def filled(value: Any, context: Values) -> Any:
    """A value of a workflow with its expressions filled in; a text that is one expression has that expression's type."""
    if isinstance(value, Mapping):
        return {key: filled(each, context) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    if whole := re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", value):
        found = value_of(whole[1], context)
        return "" if found is None else found
    return re.sub(r"\$\{\{(.*?)\}\}", lambda part: str(_or_empty(value_of(part[1], context))), value)


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


def cells() -> list[dict[str, str]]:
    """The lines of the nightly matrix."""
    found: list[dict[str, str]] = load("nightly")["jobs"]["plugins"]["strategy"]["matrix"]["include"]
    return found


def inputs_of(cell: Values, **dispatched: str) -> dict[str, Any]:
    """What nightly.yml hands to plugin.yml for a line of its matrix; `dispatched` are the inputs of a start by hand."""
    given = filled(load("nightly")["jobs"]["plugins"]["with"], {"matrix": cell, "inputs": dispatched})
    declared = load("plugin")["on"]["workflow_call"]["inputs"]
    return {name: given.get(name, each.get("default", "")) for name, each in declared.items()}


def steps(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Those that do something of ours: no checkout, nothing that is installed."""
    for step in job["steps"]:
        is_action = "uses" in step and "-artifact@" not in step["uses"]
        if not is_action and not step.get("name", "").startswith("Install "):
            yield step


def program(folder: Path, name: str, text: str) -> None:
    """A program of this name in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@dataclass
class Machine:
    """Runs jobs. `path` is the PATH of their shells; `artefacts` is where they are kept, a folder for each."""

    artefacts: Path
    path: str = os.environ["PATH"]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, workflow: str, job: str, context: Values, folder: Path) -> tuple[int, str]:
        """A job in this folder: the exit code of the first step that failed (0: none did), and what the shells wrote."""
        folder.mkdir(parents=True, exist_ok=True)
        content = load(workflow)
        context = {
            "github": {"event": {"schedule": "17 2 * * *"}, "ref_name": "main", "token": "none"},
            "strategy": {"job-index": 0},
            **context,
        }
        own = filled(content.get("env", {}), context)
        context["env"] = own | filled(content["jobs"][job].get("env", {}), {**context, "env": own})
        code, text = 0, ""
        for step in steps(content["jobs"][job]):
            if not value_of(step["if"], context, folder) if "if" in step else code:
                continue
            if code and "always()" not in step["if"]:
                continue
            ended, said = self._step(step, context, folder)
            code, text = code or ended, text + said
        return code, text

    def _step(self, step: Mapping[str, Any], context: Values, folder: Path) -> tuple[int, str]:
        if "run" in step:
            return self.shell(step["run"], context["env"], folder)
        given = filled(step["with"], context)
        if "upload" in step["uses"]:
            self._upload(folder / given["path"], given["name"])
        else:
            self._download(given["pattern"], folder / given["path"], is_one_folder=given.get("merge-multiple", False))
        return 0, ""

    def shell(self, script: str, values: Values, folder: Path) -> tuple[int, str]:
        """Lines of shell, as a step runs them: the exit code, and what was written."""
        summary = {
            "GITHUB_STEP_SUMMARY": str(folder / "step-summary.md"),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "9",
            "ARTEFACTS": str(self.artefacts),
        }
        environment = {**os.environ, **self.environment, **summary, **{key: str(each) for key, each in values.items()}, "PATH": self.path}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],  # noqa: S607 - that of the machine, as there
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _download(self, pattern: str, folder: Path, *, is_one_folder: bool) -> None:
        """A folder for each artefact; but for a single one, which the action puts right there."""
        found = list(self.artefacts.glob(pattern))
        for kept in found:
            shutil.copytree(kept, folder if is_one_folder or len(found) == 1 else folder / kept.name, dirs_exist_ok=True)

    def _upload(self, source: Path, name: str) -> None:
        if source.is_dir():
            shutil.copytree(source, self.artefacts / name, dirs_exist_ok=True)
        elif source.exists():
            (self.artefacts / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(source, self.artefacts / name)

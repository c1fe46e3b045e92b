"""What the user's machine has for a kind cluster, and what it lacks."""

from pathlib import Path

import pytest

from conformance.cluster.toolbox import BrokenToolbox, Toolbox, found, has_image, missing


def _commands(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_machine_with_everything_gives_a_toolbox_that_remembers_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/mine.sock")
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    _commands(tmp_path, monkeypatch, docker="echo 28.0.0", kind="exit 0", helm="exit 0")
    box = found()
    assert (box.docker, box.kind, box.helm) == (tmp_path / "docker", tmp_path / "kind", tmp_path / "helm")
    assert {"DOCKER_HOST": "unix:///run/mine.sock"} == box.environment
    assert () == missing()


def test_helm_is_only_missed_where_a_chart_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _commands(tmp_path, monkeypatch, docker="echo 28.0.0", kind="exit 0")
    assert found(needs_helm=False).helm is None
    assert ["helm"] == [tool.name for tool in missing()]


def test_all_that_is_missing_is_listed_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _commands(tmp_path, monkeypatch)
    with pytest.raises(BrokenToolbox) as caught:
        found()
    lines = str(caught.value).splitlines()
    assert ["this machine lacks", "  - docker", "  - kind", "  - helm"] == [line.partition(":")[0] for line in lines]
    assert all("Get it: " in line for line in lines[1:])


def test_an_engine_that_does_not_answer_is_missing_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _commands(tmp_path, monkeypatch, docker="echo 'Cannot connect to the Docker daemon' >&2; exit 1", kind="exit 0", helm="exit 0")
    assert [("a Docker engine that answers", "Cannot connect to the Docker daemon")] == [(tool.name, tool.why) for tool in missing()]


@pytest.mark.parametrize(
    ("docker", "is_had"),
    [
        ('[ "$1" = image ]', True),
        ('[ "$1" = pull ]', True),
        ("exit 1", False),
    ],
    ids=["the engine has it", "it can be pulled", "no registry"],
)
def test_an_image_is_had_where_the_engine_has_it_or_can_pull_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str, *, is_had: bool
) -> None:
    _commands(tmp_path, monkeypatch, docker=docker)
    assert is_had == has_image(Toolbox(docker=tmp_path / "docker", kind=tmp_path / "kind"), "python:3")

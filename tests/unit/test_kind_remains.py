"""What an engine still makes for a command that was ended is removed, too. The engine is a script here."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cluster import kind, state
from conformance.cluster.kind_cluster import document
from conformance.cluster.toolbox import Toolbox

DOCKER = """#!/bin/sh
echo "$*" >> {folder}/asked
case "$1" in
  ps) [ $(grep -c ^ps {folder}/asked) -lt 4 ] || [ -e {folder}/gone ] || echo late ;;
  rm) touch {folder}/gone ;;
esac
"""
"""A container comes when it has been looked for once already, by both of its labels."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the engine was asked for, a line each. Of the cluster `trial` only the beginning is there."""
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.format(folder=tmp_path))
    docker.chmod(0o755)
    state.write("trial", document(Toolbox(docker, Path("kind"))))
    return tmp_path / "asked"


def test_a_container_that_comes_after_its_command_was_ended_is_removed(asked: Path) -> None:
    kind.down("trial")
    assert "rm --force --volumes late" in asked.read_text()
    assert [] == state.names()

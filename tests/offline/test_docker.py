"""How an image gets into an engine, with a `docker` that is a script."""

import pytest

from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.docker import Docker

_DOCKER = """#!/bin/sh
echo "$*" >> {folder}/asked
case "$1" in
  import) cat > {folder}/taken; {imports} ;;
  image) [ "$2" != inspect ] ;;
esac
"""


def _docker(folder, imports="true"):
    command = folder / "docker"
    command.write_text(_DOCKER.format(folder=folder, imports=imports))
    command.chmod(0o755)
    return Docker(command, {}, Commands(folder / "logs", folder / "running"))


def test_what_is_written_becomes_an_image(tmp_path):
    _docker(tmp_path).take("node image", ("ENV a=b",), "x/node:1", lambda pipe: pipe.write(b"content"))
    assert "import --change ENV a=b - x/node:1\n" == (tmp_path / "asked").read_text()
    assert b"content" == (tmp_path / "taken").read_bytes()


def test_an_engine_that_refuses_is_quoted(tmp_path):
    docker = _docker(tmp_path, imports="echo 'Error response: not today'; exit 1")
    with pytest.raises(BrokenSetup, match=r"node image failed(.|\n)*not today"):
        docker.take("node image", (), "x/node:1", lambda pipe: pipe.write(b"content"))


def test_a_half_written_image_is_not_left(tmp_path):
    def write(pipe):
        pipe.write(b"half")
        raise OSError(5, "Input/output error")

    with pytest.raises(BrokenSetup, match="Input/output error"):
        _docker(tmp_path).take("node image", (), "x/node:1", write)
    assert "image rm x/node:1" == (tmp_path / "asked").read_text().splitlines()[-1]


def test_an_image_that_is_not_there_is_not_there(tmp_path):
    assert _docker(tmp_path).has("x/node:1") is False

"""The Go part with a `go` that is a script: what it is asked for, and what becomes of its answers."""

import os

import pytest
from tenacity import wait_none

from conformance.offline import golang, graph
from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.machine import this_machine
from conformance.offline.workshop import Workshop
from conformance.world.progress import Silent

_GO = """#!/bin/sh
echo "$*" >> {folder}/asked
case "$*" in
  "env -json GOVERSION") echo '{{"GOVERSION": "{version}"}}' ;;
  *"list -deps"*) {download} ;;
  *" build "*) while [ "$1" != -o ]; do shift; done; echo "$GOTOOLCHAIN $GOMODCACHE" > "$2server"; echo > "$2other" ;;
esac
"""
_BUILD = """
variables: {example.com/x.Version: one two}
binaries:
  etcd: {package: example.com/etcd/server/v3}
  other: {package: ./other, tags: [small]}
images: [{name: etcd, reference: x/etcd, binaries: {etcd: /etcd}}]
"""


@pytest.fixture
def known(tmp_path):
    folder = tmp_path / "graph"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n\ngo 1.24.0\n")
    (folder / "go.sum").write_text("")
    (folder / "build.yaml").write_text(_BUILD)
    return graph.load(folder)


def _workshop(folder, version="go1.26.8", download="true"):
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "go").write_text(_GO.format(folder=folder, version=version, download=download))
    (folder / "bin" / "go").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    cache = Cache(folder / "cache")
    return Workshop(cache, Commands(folder / "logs", folder / "running", environment), this_machine(), Silent())


def _asked(folder):
    return (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [
        pytest.param("go1.24.0", True, id="just new enough"),
        pytest.param("go1.30", True, id="newer"),
        pytest.param("go1.23.9", False, id="too old"),
        pytest.param("devel", False, id="no version"),
    ],
)
def test_the_systems_go_is_taken_when_it_is_new_enough(tmp_path, version, is_taken):
    assert (golang.find(_workshop(tmp_path, version), (1, 24)) is not None) == is_taken


def test_each_program_gets_its_own_name_and_is_built_once(tmp_path, known):
    workshop = _workshop(tmp_path)
    go = golang.provide(workshop, (1, 24))
    first, second = (golang.build(workshop, go, known) for _ in range(2))
    builds = [line for line in _asked(tmp_path) if " build " in line]
    assert (True, ["etcd", "other", "server"], 2) == (first == second, sorted(path.name for path in first.iterdir()), len(builds))
    assert (first / "etcd").read_text().split() == ["local", str(tmp_path / "cache" / "go" / "mod")]


def test_tags_and_variables_reach_the_build(tmp_path, known):
    workshop = _workshop(tmp_path)
    golang.build(workshop, golang.provide(workshop, (1, 24)), known)
    builds = [line for line in _asked(tmp_path) if " build " in line]
    assert [(False, True), (True, True)] == [("-tags small" in line, "-X 'example.com/x.Version=one two'" in line) for line in builds]


def test_a_download_that_fails_is_tried_again(tmp_path, known, monkeypatch):
    monkeypatch.setattr(golang.fetch.retry, "wait", wait_none())
    workshop = _workshop(tmp_path, download=f"[ $(grep -c deps {tmp_path}/asked) -ge 3 ]")
    golang.fetch(workshop.commands, golang.provide(workshop, (1, 24)), known)
    assert 3 == sum("list -deps" in line for line in _asked(tmp_path))


def test_a_download_that_never_works_is_one_sentence_with_the_log(tmp_path, known, monkeypatch):
    monkeypatch.setattr(golang.fetch.retry, "wait", wait_none())
    workshop = _workshop(tmp_path, download="echo 'dial tcp: no route to host'; exit 1")
    with pytest.raises(BrokenSetup, match=r"fetch graph failed .*fetch-graph\.log(.|\n)*no route to host"):
        golang.fetch(workshop.commands, golang.provide(workshop, (1, 24)), known)


def test_a_changed_pin_is_another_build(tmp_path, known):
    workshop = _workshop(tmp_path)
    go = golang.provide(workshop, (1, 24))
    before = golang.build(workshop, go, known)
    (known.folder / "go.sum").write_text("another\n")
    assert golang.build(workshop, go, known) != before

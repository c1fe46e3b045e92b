"""What a setup leaves when it fails, is interrupted or is killed: real processes, with a Go that fails or never ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from conformance import data
from conformance.offline import apt, graph
from conformance.offline.cache import Cache
from conformance.offline.command import Commands
from conformance.offline.engine import Engine
from conformance.offline.machine import this_machine
from conformance.offline.plan import Plan
from conformance.offline.workshop import Workshop
from conformance.world.progress import Silent

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a setup needs root"),
    pytest.mark.skipif(shutil.which("dockerd") is None, reason="no dockerd on this machine: apt-get install docker.io"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="no mmdebstrap on this machine: apt-get install mmdebstrap"),
]
_GO = """#!/bin/sh
case "$*" in
  *"env -json"*) echo '{"GOVERSION": "go1.26.0"}' ;;
  *" build "*) %s ;;
esac
"""
_SCRIPT = """
import sys
from pathlib import Path
from conformance.offline import BrokenSetup, provide
from conformance.world.progress import Silent
class Plugin:
    name, offline, folder = "ptp", None, Path()
try:
    provide(Plugin(), Silent())
except BrokenSetup as error:
    sys.exit(str(error))
"""


_STARTED = []


@pytest.fixture
def folder():
    folder = Path(tempfile.mkdtemp(prefix="cc-"))  # pytest's own folders have paths too long for sockets
    yield folder
    while _STARTED:  # a test that failed may have left its process
        with _STARTED.pop() as process:
            process.kill()
    Commands(folder / "c" / "logs", folder / "c" / "running").end_left()
    Engine(Cache(folder / "c"), this_machine()).remove()
    shutil.rmtree(folder)


def _heed_ctrl_c():
    """What a shell starts in the background ignores SIGINT, and so do the tests there and what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _setup(folder, build):
    """A setup in a process of its own, with a cache of its own and a Go whose builds do `build`."""
    (folder / "go").write_text(_GO % build)
    (folder / "go").chmod(0o755)
    environment = {**os.environ, "CNI_CONFORMANCE_CACHE": str(folder / "c"), "PATH": f"{folder}:{os.environ['PATH']}"}
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT], env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c)
    _STARTED.append(process)
    return process


def _processes(folder):
    """By number, what runs with a path of the folder in its words, the engine left out: it is meant to stay."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(folder) in words and str(folder / "c" / "engine") not in words:
            found[path.parent.name] = words
    return found


def _unpack_for_ever(folder):
    """On a busy machine a small root file system may be whole before all else is ended: none ever is here."""
    (folder / "mmdebstrap").write_text("#!/bin/sh\nsleep 600\n")
    (folder / "mmdebstrap").chmod(0o755)


def _are_all_at_work(folder):
    """Whether all that never ends here has begun, and is written down: the build, and the packages of the nodes and of each image."""
    written = {file.name for file in (folder / "c" / "running").glob("*") if _text(file)}
    graphs = [graph.load(data.folder("fixtures") / "offline" / name) for name in ("kubernetes", "probe")]
    roots = 1 + sum(bool(image.packages) for known in graphs for image in known.images)
    unpacking = [number for number, words in _processes(folder).items() if "mmdebstrap" in words]
    return _text(folder / "building").strip() in written and len(written.intersection(unpacking)) == roots


def _text(file):
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _until(condition, limit=120.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.02)


def test_a_compile_error_is_one_message_with_its_last_lines_and_ends_all_else(folder):
    _unpack_for_ever(folder)
    process = _setup(folder, "echo 'x.go:1:2: undefined: y'; exit 1")
    _, error = process.communicate(timeout=300)
    log = folder / "c" / "logs" / "compile-kubernetes.log"
    assert error == f"compile kubernetes failed (go, exit code 1). The whole log is {log}; its last lines:\n    x.go:1:2: undefined: y\n"
    assert (1, {}, []) == (process.returncode, _processes(folder), list((folder / "c" / "running").iterdir()))


def test_after_ctrl_c_nothing_runs_and_nothing_is_taken_for_built(folder):
    _unpack_for_ever(folder)
    process = _setup(folder, "exec sleep 600")
    _until(lambda: any("mmdebstrap" in words for words in _processes(folder).values()))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert ({}, []) == (_processes(folder), list((folder / "c" / "running").iterdir()))
    assert [] == [path.name for path in (folder / "c" / "files").iterdir() if not path.name.startswith(".")]


def test_ctrl_c_while_the_work_is_still_handed_out_ends_what_runs_already(folder, monkeypatch):
    class Plugin:
        name, offline, folder = "ptp", None, Path()

    def interrupted(_folder):
        _until(lambda: list(commands.running.iterdir()))
        raise KeyboardInterrupt

    store = Cache(folder / "c")
    commands = Commands(store.root / "logs", store.root / "running")
    monkeypatch.setattr(apt, "install", lambda shop, _packages: shop.commands.run("long", ["sleep", "600"]))
    monkeypatch.setattr(graph, "needed_go", interrupted)  # asked for what comes next
    with pytest.raises(KeyboardInterrupt):
        Plan(Workshop(store, commands, this_machine(), Silent()), Plugin(), data.folder("fixtures") / "offline").carry_out()
    assert [] == list(commands.running.iterdir())


def test_what_a_killed_setup_left_running_the_next_ends(folder):
    _unpack_for_ever(folder)
    process = _setup(folder, f"echo $$ > {folder}/building; exec sleep 600")
    _until(lambda: _are_all_at_work(folder))  # what was started in its last instant nobody can know of
    process.kill()
    process.communicate(timeout=300)
    Commands(folder / "c" / "logs", folder / "c" / "running").end_left()
    _until(lambda: _processes(folder) == {})
    assert [] == list((folder / "c" / "running").iterdir())

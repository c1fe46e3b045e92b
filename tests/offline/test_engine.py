"""The private engine on the real machine: what is there after it was stopped is what was there before it was started."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from conformance import provision
from conformance.cluster import state
from conformance.cluster.kind_cluster import document
from conformance.cluster.toolbox import Toolbox
from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup
from conformance.offline.engine import Engine
from conformance.offline.machine import this_machine
from conformance.world.progress import Silent

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the engine needs root"),
    pytest.mark.skipif(shutil.which("dockerd") is None, reason="no dockerd on this machine: apt-get install docker.io"),
]
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_PORT = 8080


@pytest.fixture
def own_network():
    """A network namespace for the test alone: what others on this machine do to links and rules is not seen."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert 0 == _LIBC.unshare(_NEW_NETWORK), os.strerror(ctypes.get_errno())
    _output("ip", "link", "set", "lo", "up")
    yield
    assert 0 == _LIBC.setns(here, _NEW_NETWORK)
    os.close(here)


@pytest.fixture
def engine(own_network):
    folder = Path(tempfile.mkdtemp(prefix="cc-"))  # pytest's own folders have paths too long for sockets
    engine = Engine(Cache(folder), this_machine())
    yield engine
    engine.remove()
    shutil.rmtree(folder)


def _output(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _without_counters(rules):
    return [line for line in rules.splitlines() if not line.startswith("#")]


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # the process has ended in the meantime


def _traces(engine):
    """Everything that an engine could leave behind."""
    place = str(engine.cache.root)
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = _text(path)
        if place in words and path.parent.name != str(os.getpid()):
            processes.append(words)
    return {
        "processes": processes,
        "mounts": [line for line in Path("/proc/mounts").read_text().splitlines() if place in line],
        "links": sorted(link["ifname"] for link in json.loads(_output("ip", "-json", "link"))),
        "namespaces": _output("ip", "netns"),
        "iptables": _without_counters(_output("iptables-save")),
        "ip6tables": _without_counters(_output("ip6tables-save")),
        "cgroups": [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(engine.group)],
        "forwarding": [Path(f"/proc/sys/net/{name}").read_text() for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")],
        "sockets": Path("/run/containerd").exists(),
    }


def _docker(engine, *words):
    return _output("env", f"DOCKER_HOST={engine.host}", "docker", *words).strip()


def _image(engine, folder):
    """An image with one program and its libraries."""
    program = shutil.which("sleep")
    libraries = [word for word in _output("ldd", program).split() if word.startswith("/")]
    with tarfile.open(folder / "sleep.tar", "w", dereference=True) as tar:
        for path in (program, *libraries):
            tar.add(path)
    _docker(engine, "import", str(folder / "sleep.tar"), "sleep:1")
    return program


def _run_node(engine, folder):
    """A container as kind runs its nodes: privileged, a volume, a network with both families, a published port."""
    program = _image(engine, folder)
    _docker(engine, "network", "create", "--ipv6", "--subnet", "198.18.240.0/24", "--subnet", "fd00:cc:1::/64", "nodes")
    words = [
        "run",
        "--detach",
        "--privileged",
        "--cgroupns=private",
        "--volume",
        "/var",
        "--net",
        "nodes",
        "--publish",
        f"127.0.0.1:{_PORT}:80",
    ]
    return _docker(engine, *words, "sleep:1", program, "600")


def _traces_in_the_end(engine, before):
    """What is there when it is as before, or after a minute: the kernel takes down in its own time what was killed."""
    end = time.monotonic() + 60
    while (now := _traces(engine)) != before and time.monotonic() < end:
        time.sleep(0.05)
    return now


def test_a_stopped_engine_leaves_nothing_behind(engine, tmp_path):
    before = _traces(engine)
    engine.start()
    container = _run_node(engine, tmp_path)
    during = _traces(engine)
    assert "true" == _docker(engine, "inspect", "--format", "{{.State.Running}}", container)
    assert (True, True, True) == (len(during["links"]) > len(before["links"]), bool(during["cgroups"]), bool(during["processes"]))
    assert (during["iptables"], during["mounts"], during["forwarding"]) == (before["iptables"], before["mounts"], before["forwarding"])
    engine.stop()
    assert (_traces(engine), engine.is_running()) == (before, False)


def test_a_published_port_is_reached_on_the_loopback(engine, tmp_path):
    engine.start()
    _run_node(engine, tmp_path)
    socket.create_connection(("127.0.0.1", _PORT), timeout=60).close()


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param(["unshare"], id="its first process was killed"),
        pytest.param(["dockerd"], id="the engine itself was killed"),
        pytest.param(["containerd"], id="its containerd was killed"),
    ],
)
def test_what_a_killed_engine_left_is_removed_by_stop(engine, tmp_path, victim):
    before = _traces(engine)
    engine.start()
    _run_node(engine, tmp_path)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = _text(path).split("\0")
        if words[0].rpartition("/")[2] == victim[0] and any(str(engine.folder) in word for word in words):
            os.kill(int(path.parent.name), signal.SIGKILL)
            break
    else:
        pytest.fail(f"no {victim} runs")
    engine.stop()
    assert _traces_in_the_end(engine, before) == before


def test_an_engine_whose_starter_was_killed_goes_on_and_can_be_stopped(engine):
    before = _traces(engine)
    script = (
        "import os, signal; from pathlib import Path\n"
        "from conformance.offline.cache import Cache; from conformance.offline.engine import Engine\n"
        "from conformance.offline.machine import this_machine\n"
        f"Engine(Cache(Path({str(engine.cache.root)!r})), this_machine()).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    starter = subprocess.run([sys.executable, "-c", script], check=False)
    assert (starter.returncode, engine.is_running()) == (-signal.SIGKILL, True)
    engine.stop()
    assert _traces(engine) == before


def test_images_outlive_a_stop_and_starting_twice_is_starting_once(engine, tmp_path):
    engine.start()
    _image(engine, tmp_path)
    first = _docker(engine, "image", "inspect", "--format", "{{.Id}}", "sleep:1")
    state = (engine.folder / "state.json").read_text()
    engine.start()
    assert (engine.folder / "state.json").read_text() == state
    engine.stop()
    engine.start()
    assert _docker(engine, "image", "inspect", "--format", "{{.Id}}", "sleep:1") == first


def test_kernel_settings_that_nodes_change_are_put_back(engine):
    setting = Path("/proc/sys/kernel/panic")
    before = setting.read_text()
    engine.start()
    setting.write_text(f"{int(before) + 1}\n")  # as the kubelet of a node does
    engine.stop()
    assert setting.read_text() == before


def test_stopping_what_never_ran_does_nothing(engine):
    before = _traces(engine)
    engine.stop()
    assert (_traces(engine), engine.is_running()) == (before, False)


def test_a_place_too_long_for_sockets_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(BrokenSetup, match="set CNI_CONFORMANCE_CACHE to a shorter one"):
        Engine(Cache(tmp_path / ("long" * 30)), this_machine()).start()


def test_an_engine_that_cannot_start_says_why_and_leaves_nothing(engine):
    before = _traces(engine)
    engine.folder.mkdir()
    (engine.folder / "data").write_text("a file where a folder should be")
    with pytest.raises(BrokenSetup, match=r"the private Docker engine does not start.*engine\.log"):
        engine.start()
    (engine.folder / "data").unlink()
    assert _traces(engine) == before


def test_release_stops_what_nobody_needs_and_nothing_else(engine, tmp_path):
    assert engine.release() is False  # it does not run
    engine.start()
    container = _run_node(engine, tmp_path)
    assert (False, True) == (engine.release(), engine.is_running())
    _docker(engine, "rm", "--force", "--volumes", container)
    assert (True, False) == (engine.release(), engine.is_running())


def test_release_leaves_an_engine_that_another_process_has_started(engine):
    script = (
        "import sys; from pathlib import Path\n"
        "from conformance.offline.cache import Cache; from conformance.offline.engine import Engine\n"
        "from conformance.offline.machine import this_machine\n"
        f"Engine(Cache(Path({str(engine.cache.root)!r})), this_machine()).start(); print('started', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert "started\n" == other.stdout.readline()
        assert (False, True) == (engine.release(), engine.is_running())
    assert (True, False) == (engine.release(), engine.is_running())


def test_the_folder_of_the_shims_sockets_stays_while_another_engine_needs_it(engine, tmp_path, monkeypatch):
    sockets = tmp_path / "containerd"
    monkeypatch.setattr("conformance.offline.engine._SHIM_SOCKETS", sockets)
    engine.start()
    words = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        f"mount -t tmpfs other {sockets} && touch {sockets}/socket && echo there && read _ && ls {sockets}",
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert "there\n" == other.stdout.readline()
        engine.stop()
        assert "socket\n" == other.communicate("\n")[0]


def test_what_a_killed_run_left_of_a_cluster_is_removed_though_its_engine_was_stopped_since(engine, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(engine.cache.root))
    own = Toolbox(Path(shutil.which("docker")), Path("kind"), environment={"DOCKER_HOST": engine.host})
    engine.start()
    _docker(engine, "network", "create", "--label", "cni-conformance=trial", "trial")
    engine.stop()
    state.write("trial", document(own))
    provision.down("trial", Silent())
    assert ([], False) == (state.names(), engine.is_running())
    engine.start()
    assert "" == _docker(engine, "network", "ls", "--quiet", "--filter", "name=trial")

"""A private Docker engine: its own data, sockets and state below the cache folder, and nothing of it anywhere else once it is stopped.

It runs in a PID namespace and a mount namespace of its own: when its first process ends, the kernel ends every container and shim and
drops every mount and network namespace with them, however it ended. It writes no iptables rule and no sysctl: the clusters' traffic stays
on their own bridge, and a published port is served by the engine's proxy on the loopback. What the kernel does not drop by itself,
bridges and cgroups, `stop` removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from conformance.offline import ending, kernel, runc_wrapper
from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup, birth, is_alive
from conformance.offline.machine import Machine

_POOL = "198.18.0.0/15"  # RFC 2544: reserved for tests, so no user's network has it
_START_LIMIT = 60.0  # seconds until a started engine must answer
_ANSWER_LIMIT = 60.0  # seconds: our own engine on a busy machine; one that does not answer is stopped, with all that runs in it
_STRANGER_LIMIT = 10.0  # seconds: the user's engine, which may be on a machine that is away
_LAST = 60.0  # seconds until the last killed process has left its cgroup
_SOCKET_LIMIT = 107  # bytes of a path that fit into sockaddr_un, unix(7)
_KNOWS_BPF = 23  # the first major version of Docker that does
_SHIM_SOCKETS = Path("/run/containerd")  # a constant of containerd; a file system of the engine's own lies over it


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of one cache folder; it serves every cluster of that cache."""

    cache: Cache
    machine: Machine

    @property
    def folder(self) -> Path:
        """Where everything of the engine lies."""
        return self.cache.root / "engine"

    @property
    def socket(self) -> Path:
        """The socket it answers on."""
        return self.folder / "docker.sock"

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """What the engine says."""
        return self.folder / "engine.log"

    @property
    def group(self) -> str:
        """The cgroup below which all its containers are: one per cache folder."""
        return f"cni-conformance-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

    def is_running(self) -> bool:
        """Whether its process lives and it answers."""
        return self._pid() is not None and self._answers()

    def start(self) -> None:
        """Starts it where it does not run; returns when it answers. From now on it is needed, until this process ends or calls `release`.

        Raises BrokenSetup where it cannot be started, with the last lines of its log.
        """
        longest = self.folder / "exec" / "containerd" / "containerd-debug.sock"
        if len(os.fsencode(longest)) > _SOCKET_LIMIT:
            raise BrokenSetup(f"{self.cache.root} is too long a path for sockets: set CNI_CONFORMANCE_CACHE to a shorter one")
        with self._locked():
            self._users.mkdir(parents=True, exist_ok=True)
            (self._users / str(os.getpid())).write_text(birth(os.getpid()))
            if self.is_running():
                return
            self._stop()
            self._configure()
            process = self._launch()
            try:
                self._await(process)
            except BaseException:
                self._stop()
                raise

    def stop(self) -> None:
        """Ends it with all its containers and removes what it leaves outside the cache folder. Images stay.

        Does nothing where nothing runs. Works from what is on disk: also for an engine whose starter, or which itself, was killed.
        """
        with self._locked():
            self._stop()

    def release(self) -> bool:
        """Stops it, and says so, when nobody needs it any more: no other process that started it, no container of whatever state."""
        with self._locked():
            (self._users / str(os.getpid())).unlink(missing_ok=True)
            if self.is_running() and (self._has_users() or self._has_containers()):
                return False
            was_running = self._pid() is not None
            self._stop()
            return was_running

    def remove(self) -> None:
        """Stops it and removes its data: images, containers, volumes."""
        with self._locked():
            self._stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with FileLock(self.cache.at("locks") / "engine.lock"):
            yield

    def _configure(self) -> None:
        """daemon.json, and the wrapper around runc where this machine and this engine need one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, object] = {
            "hosts": [self.host],
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "docker.pid"),
            "bridge": "none",
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
            "ip-masq": False,
            "cgroup-parent": f"/{self.group}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "default-address-pools": [{"base": _POOL, "size": 20}],
            "shutdown-timeout": 2,
            "log-driver": "json-file",
            "log-opts": {"max-size": "10m"},
        }
        if not self.machine.may_raise_limits or docker_version() < _KNOWS_BPF:
            settings["default-runtime"] = "adapted"
            settings["runtimes"] = {"adapted": {"path": str(self._wrapper())}}
        (self.folder / "daemon.json").write_text(json.dumps(settings, indent=2))

    def _wrapper(self) -> Path:
        runc = shutil.which("runc", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if runc is None:
            raise BrokenSetup("runc is not there, though Docker is: install Debian's package runc")
        script = self.folder / "runc_wrapper.py"
        shutil.copyfile(runc_wrapper.__file__, script)
        wrapper = self.folder / "runc"
        wrapper.write_text(f'#!/bin/sh\nexec {Path(sys.executable).resolve()} -I -S {script} {runc} "$@"\n')
        wrapper.chmod(0o755)
        return wrapper

    def _launch(self) -> subprocess.Popen[bytes]:
        """The first process of the namespaces is a small init that reaps; its parent, `unshare`, is the one whose number is kept.

        When `unshare` is ended, the kernel ends the init, and with it everything in the namespace.
        """
        made = not _SHIM_SOCKETS.exists()
        _SHIM_SOCKETS.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o mode=711 cni-conformance {_SHIM_SOCKETS} && exec "$0" -- dockerd --config-file "$1"'
        init = shutil.which("docker-init", path="/usr/libexec/docker:/usr/bin:/usr/local/bin") or shutil.which("tini")
        if init is None:
            raise BrokenSetup("docker-init is not there, though Docker is: install Debian's package tini")
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words += ["sh", "-c", script, init, str(self.folder / "daemon.json")]
        with self.log.open("wb") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
        before = kernel.settings()
        self._state.write_text(json.dumps({"pid": process.pid, "birth": birth(process.pid), "made": made, "settings": before}))
        kernel.make_room()
        return process

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + _START_LIMIT
        while not self._answers():
            if process.poll() is not None or time.monotonic() > limit:
                last = "\n".join(f"    {line[:300]}" for line in self.log.read_text(errors="replace").splitlines()[-8:])
                raise BrokenSetup(f"the private Docker engine does not start. Its log is {self.log}; its last lines:\n{last}")
            time.sleep(0.05)

    def _stop(self) -> None:
        pid = self._pid()
        if pid is not None:
            ending.end(pid)
        self._remove_bridges()
        self._remove_groups()
        self._put_back()
        for name in ("docker.sock", "docker.pid", "exec"):
            path = self.folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    @property
    def _users(self) -> Path:
        return self.folder / "users"

    def _has_users(self) -> bool:
        """Whether a process lives that has started it; a file per process, which holds when the process was born."""
        return any(file.read_text() == birth(int(file.name)) for file in self._users.iterdir())

    def _has_containers(self) -> bool:
        """Where it does not say, somebody may need it."""
        told = _ask(["docker", "ps", "--all", "--quiet"], {**os.environ, "DOCKER_HOST": self.host})
        return told is None or bool(told.strip())

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def _pid(self) -> int | None:
        """The number of its first process, when that still lives; a number that another process has got is not it."""
        try:
            state = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return None
        pid = int(state["pid"])
        return pid if is_alive(pid) and birth(pid) == state["birth"] else None

    def _answers(self) -> bool:
        return answers(self.host)

    def _remove_bridges(self) -> None:
        """The bridges of its networks, whose names are in its own records, with the links that the kernel has not taken down yet."""
        records = self.folder / "data" / "network" / "files" / "local-kv.db"
        if not records.exists():
            return
        for name in set(re.findall(r'"BridgeName":"(br-[0-9a-f]{12})"', records.read_text(errors="replace"))):
            ports = json.loads(_ask(["ip", "-json", "link", "show", "master", name]) or "[]")  # nothing where the bridge is gone already
            for link in (*(port["ifname"] for port in ports), name):
                _ask(["ip", "link", "delete", link])

    def _put_back(self) -> None:
        """What was changed on this machine for as long as the engine runs."""
        if not self._state.exists():
            return
        state = json.loads(self._state.read_text())
        kernel.put_back(state.get("settings", {}))  # an older version kept none
        if state["made"] and not _is_mounted_by_others(_SHIM_SOCKETS):
            with contextlib.suppress(OSError):  # not empty: someone else's by now
                _SHIM_SOCKETS.rmdir()
        self._state.unlink()

    def _remove_groups(self) -> None:
        """Its cgroups, of every hierarchy, the deepest first; again until the last killed process has left them."""
        limit = time.monotonic() + _LAST
        while roots := [root for pattern in (self.group, f"*/{self.group}") for root in Path("/sys/fs/cgroup").glob(pattern)]:
            for folder, _, _ in (step for root in roots for step in os.walk(root, topdown=False)):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
            if time.monotonic() > limit:
                raise BrokenSetup(f"the cgroup {roots[0]} of the stopped engine cannot be removed: a process is still in it")
            time.sleep(0.02)


def _is_mounted_by_others(folder: Path) -> bool:
    """Whether another engine has its own file system over the folder, in its mount namespace: it would lose that with the folder."""
    for mounts in Path("/proc").glob("[0-9]*/mounts"):
        with contextlib.suppress(OSError):  # the process has ended in the meantime
            if f" {folder} " in mounts.read_text(errors="replace"):
                return True
    return False


def _ask(words: Sequence[str], environment: Mapping[str, str] | None = None, limit: float = _ANSWER_LIMIT) -> str | None:
    """The standard output of a command of PATH that answers within so many seconds, or None."""
    try:
        result = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=limit, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None


def answers(host: str | None) -> bool:
    """Whether an engine answers at `host` (None: where the user's settings point)."""
    environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
    limit = _ANSWER_LIMIT if host else _STRANGER_LIMIT
    return _ask(["docker", "version", "--format", "{{.Server.Version}}"], environment, limit) is not None


def docker_version() -> int:
    """The major version of the installed engine; 0 where it does not say."""
    match = re.search(r"version (\d+)", _ask(["dockerd", "--version"]) or "")
    return int(match[1]) if match else 0

"""The root file system of kind's nodes before Kubernetes is in it: Debian packages and the files of the kind module."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.offline import debian
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.machine import Machine
from conformance.offline.workshop import Workshop

# As kind's own images/base/Dockerfile, with containerd, runc and the reference CNI plugins of Debian in place of kind's own builds.
_PACKAGES = (
    *(
        "bash",
        "ca-certificates",
        "curl",
        "dbus",
        "hostname",
        "jq",
        "kmod",
        "mount",
        "pigz",
        "procps",
        "systemd",
        "systemd-sysv",
        "util-linux",
    ),
    *("containerd", "containernetworking-plugins", "libseccomp2", "runc"),
    *("conntrack", "ethtool", "ipset", "iproute2", "iptables", "nftables"),
)
_NEEDLESS_UNITS = (
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
)


def provide(workshop: Workshop, version: str, module: Callable[[], Path]) -> Path:
    """The folder, as kind's base image has it. Not to be changed by who gets it.

    `version` of kind; `module` gives the folder of its Go module and is asked only when something is made.
    """
    inputs = {
        "packages": _PACKAGES,
        "sources": debian.sources(),
        "kind": version,
        "limits": workshop.machine.may_raise_limits,
        "groups": workshop.machine.has_unified_cgroups,
        "recipe": Path(__file__),
    }

    def make(target: Path) -> None:
        root = target / "root"
        debian.install(workshop.commands, "node files", root, _PACKAGES)
        adapt(workshop.commands, root, module() / "images" / "base" / "files", workshop.machine)

    return workshop.provide("files of the nodes", "node-base", inputs, make) / "root"


def adapt(commands: Commands, root: Path, files: Path, machine: Machine) -> None:
    """What kind's Dockerfile does after it has installed the packages, and what this machine cannot do left out."""
    shutil.copytree(files, root, dirs_exist_ok=True)
    for path in (root / name for source in files.rglob("*") for name in [source.relative_to(files)]):
        path.chmod(0o755 if path.is_dir() or "bin" in path.parent.parts[-1:] else 0o644)
    for pattern in _NEEDLESS_UNITS:
        for path in list(root.glob(pattern)):
            path.unlink()
    with (root / "etc" / "systemd" / "journald.conf").open("a") as file:
        file.write("ReadKMsg=no\n")
    (root / "usr" / "local" / "bin" / "containerd").symlink_to("/usr/bin/containerd")
    for name in ("opt/cni/bin", "etc/kubernetes/manifests", "kind/manifests"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree(root / "usr" / "lib" / "cni", root / "opt" / "cni" / "bin", dirs_exist_ok=True)
    _edit(root / "etc" / "containerd" / "config.toml", _containerd_edits(machine))
    if not machine.may_raise_limits:
        unit = root / "etc" / "systemd" / "system" / "containerd.service"
        kept = [line for line in unit.read_text().splitlines() if not line.startswith(("OOMScoreAdjust", "LimitN", "LimitCORE"))]
        unit.write_text("\n".join(kept) + "\n")
    _write_base_spec(commands, root)
    commands.run("node services", ["chroot", root, "systemctl", "enable", "kubelet", "containerd", "undo-mount-hacks"])
    commands.run("node services off", ["chroot", root, "systemctl", "mask", "systemd-binfmt.service"])


def _containerd_edits(machine: Machine) -> dict[str, str]:
    edits = {}
    if not machine.may_raise_limits:
        edits["restrict_oom_score_adj = false"] = "restrict_oom_score_adj = true"
    if not machine.has_unified_cgroups:
        edits["SystemdCgroup = true"] = "SystemdCgroup = false"
    return edits


def _edit(file: Path, edits: Mapping[str, str]) -> None:
    """Replaces each text; one that is not there means that kind's file is another one than we know."""
    text = file.read_text()
    for old, new in edits.items():
        if old not in text:
            raise BrokenSetup(f"{file.name} of this kind version has no line '{old}'")
        text = text.replace(old, new)
    file.write_text(text)


def _write_base_spec(commands: Commands, root: Path) -> None:
    """The OCI configuration that kind's containers start from: containerd's own, with kind's hook and without limits."""
    answer = commands.answer(["chroot", root, "ctr", "oci", "spec"])
    if answer is None:
        raise BrokenSetup("`ctr oci spec` fails in the node's root file system")
    spec = json.loads(answer)
    spec["process"].pop("rlimits", None)
    spec.setdefault("hooks", {}).setdefault("createContainer", []).append({"path": "/kind/bin/mount-product-files.sh"})
    (root / "etc" / "containerd" / "cri-base.json").write_text(json.dumps(spec))

"""kind's node image without a registry: Debian packages, the files of the kind module, the binaries, and a store that already holds the images.

The store is containerd's own: the archives are imported once, here, by the containerd of the image, so that a node that boots has them at
once. kind gives each node a volume on /var, and the engine fills it from the image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conformance.offline import debian
from conformance.offline.cache import Cache
from conformance.offline.command import BrokenSetup, Commands
from conformance.offline.machine import Machine

# As kind's own images/base/Dockerfile, with containerd, runc and the reference CNI plugins of Debian in place of kind's own builds.
_PACKAGES = (
    "bash ca-certificates conntrack containerd containernetworking-plugins curl dbus ethtool hostname ipset iproute2 iptables jq kmod "
    "libseccomp2 mount nftables pigz procps runc systemd systemd-sysv util-linux"
).split()
_NEEDLESS_UNITS = (
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
)
_BINARIES = ("kubeadm", "kubectl", "kubelet")
REPOSITORY = "cni-conformance/node"

# Runs in a mount namespace of its own: the store lies where containerd expects it, and nothing of this is seen outside.
_IMPORT = """
set -e
base=$1 store=$2 archives=$3
mkdir -p "$base/var/lib/containerd"
mount --bind "$store" "$base/var/lib/containerd"
mount --bind "$archives" "$base/mnt"
mount -t tmpfs tmpfs "$base/run"
mount -t tmpfs tmpfs "$base/tmp"
mount -t proc proc "$base/proc"
mount --rbind /dev "$base/dev"
printf 'version = 2\\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\\n' > "$base/run/config.toml"
cat > "$base/run/import" <<'END'
set -e
containerd --config /run/config.toml --log-level warn &
trap 'kill %1; wait' EXIT
until ctr version >/dev/null 2>&1; do kill -0 %1; sleep 0.05; done
for archive in /mnt/*.tar; do ctr -n k8s.io images import --snapshotter overlayfs "$archive"; done
while read digest; do ctr -n k8s.io content rm "$digest"; done < /mnt/layers
until ! ls /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256 | grep -qFf /mnt/blobs; do kill -0 %1; sleep 0.05; done
END
exec chroot "$base" /bin/bash /run/import
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a node image is made of: `kind` is the folder of the kind module, `archives` are the images that its nodes hold."""

    machine: Machine
    kind: Path
    binaries: Path
    version: str
    archives: Sequence[Path]


def base(commands: Commands, cache: Cache, machine: Machine, kind: Path) -> Path:
    """The node's root file system without Kubernetes, as kind's base image has it. Not to be changed by who gets it."""
    inputs = {
        "packages": _PACKAGES,
        "sources": debian.sources(),
        "kind": kind.name,
        "limits": machine.may_raise_limits,
        "groups": machine.has_unified_cgroups,
        "recipe": Path(__file__),
    }

    def make(target: Path) -> None:
        root = target / "root"
        debian.install(commands, "node files", root, _PACKAGES)
        adapt(commands, root, kind / "images" / "base" / "files", machine)

    return cache.provide("node-base", inputs, make) / "root"


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


def store(commands: Commands, cache: Cache, root: Path, archives: Sequence[Path]) -> Path:
    """containerd's folder with these archives imported and unpacked, without the layers' archives, which no one needs any more."""
    inputs = {"base": root.parent.name, "archives": [archive.parent.name for archive in archives], "recipe": Path(__file__)}

    def make(target: Path) -> None:
        work, content = target / "archives", target / "store"
        work.mkdir()
        content.mkdir()
        for archive in archives:
            (work / f"{archive.parent.name}.tar").hardlink_to(archive)
        layers = [layer for archive in archives for layer in _layers(archive)]
        (work / "layers").write_text("".join(f"sha256:{layer}\n" for layer in layers))
        (work / "blobs").write_text("".join(f"{layer}\n" for layer in layers))
        commands.run("import images", ["unshare", "--mount", "sh", "-c", _IMPORT, "import", root, content, work])
        shutil.rmtree(work)

    return cache.provide("store", inputs, make) / "store"


def _layers(archive: Path) -> list[str]:
    """The digests of the layers, from the archive's manifest."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        return [Path(layer).stem for entry in json.load(manifest) for layer in entry["Layers"]]


def load(docker: Path, environment: Mapping[str, str], parts: Parts, root: Path, content: Path, reference: str) -> None:
    """Puts the node image into the engine: one stream of the base, the binaries and the store, with nothing copied before."""
    words = [str(docker), "import", "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', "--change", "ENV container=docker"]
    words += ["-", reference]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environment))
    assert process.stdin is not None
    try:
        _stream(process.stdin, parts, root, content)
    except BrokenPipeError:
        pass
    finally:
        process.stdin.close()
    assert process.stdout is not None
    answer = process.stdout.read().decode(errors="replace")
    if process.wait():
        raise BrokenSetup(f"the engine does not take the node image: {answer.strip()[-500:]}")


def _stream(pipe: IO[bytes], parts: Parts, root: Path, content: Path) -> None:
    version = root.parent / f"version-{parts.version}"
    version.write_text(parts.version)
    with tarfile.open(fileobj=pipe, mode="w|", bufsize=1 << 20) as tar:
        tar.add(root, arcname=".")
        for name in _BINARIES:
            tar.add(parts.binaries / name, arcname=f"usr/bin/{name}", filter=_runnable)
        tar.add(version, arcname="kind/version")
        tar.add(content, arcname="var/lib/containerd")


def _runnable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode = 0o755
    return entry

"""containerd's own folder with images already in it, so that a node that boots has them at once.

The unpacked layers lie beside it, outside of /var, and the folder only points to them: kind gives each node a volume on /var, which the
engine fills by copying, but what is in the node image itself all nodes share. containerd mounts layers as lower directories of overlayfs,
for which a place on the node's own overlayfs is good enough.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from conformance.offline.cache import remove
from conformance.offline.workshop import Workshop

LAYERS = "/kind/layers"  # where a node has them
_SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots"

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


def provide(workshop: Workshop, base: Path, archives: Sequence[Path]) -> Path:
    """A folder with `containerd`, in which these archives are imported, and `layers`, what they hold, to be put at LAYERS.

    The layers' own archives are not kept: nobody needs them any more. `base` is the nodes' root file system, whose containerd does it: the
    same version writes the store and reads it.
    """
    inputs = {"base": base.parent.name, "archives": [archive.parent.name for archive in archives], "recipe": Path(__file__)}

    def make(target: Path) -> None:
        work, content, unpacked = (target / name for name in ("archives", "containerd", "layers"))
        for folder in (work, content, unpacked):
            folder.mkdir()
        for archive in archives:
            (work / f"{archive.parent.name}.tar").hardlink_to(archive)
        layers = [layer for archive in archives for layer in _layers(archive)]
        (work / "layers").write_text("".join(f"sha256:{layer}\n" for layer in layers))
        (work / "blobs").write_text("".join(f"{layer}\n" for layer in layers))
        workshop.commands.run("import images", ["unshare", "--mount", "sh", "-c", _IMPORT, "import", base, content, work])
        remove(work)
        for snapshot in (content / _SNAPSHOTS).iterdir():
            (snapshot / "fs").rename(unpacked / snapshot.name)
            (snapshot / "fs").symlink_to(f"{LAYERS}/{snapshot.name}")

    return workshop.provide("images into the nodes' store", "store", inputs, make)


def _layers(archive: Path) -> list[str]:
    """The digests of the layers, from the archive's manifest."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is a file
    return [Path(layer).stem for entry in manifest for layer in entry["Layers"]]

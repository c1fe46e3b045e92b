"""containerd's own folder with images already in it, so that a node that boots has them at once."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from conformance.offline.cache import remove
from conformance.offline.workshop import Workshop

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
    """containerd's folder with these archives imported and unpacked, without the layers' archives, which no one needs any more.

    `base` is the nodes' root file system, whose containerd does it: the same version writes the store and reads it.
    """
    inputs = {"base": base.parent.name, "archives": [archive.parent.name for archive in archives], "recipe": Path(__file__)}

    def make(target: Path) -> None:
        work, content = target / "archives", target / "store"
        work.mkdir()
        content.mkdir()
        for archive in archives:
            (work / f"{archive.parent.name}.tar").hardlink_to(archive)
        layers = [layer for archive in archives for layer in _layers(archive)]
        (work / "layers").write_text("".join(f"sha256:{layer}\n" for layer in layers))
        (work / "blobs").write_text("".join(f"{layer}\n" for layer in layers))
        workshop.commands.run("import images", ["unshare", "--mount", "sh", "-c", _IMPORT, "import", base, content, work])
        remove(work)

    return workshop.provide("images into the nodes' store", "store", inputs, make) / "store"


def _layers(archive: Path) -> list[str]:
    """The digests of the layers, from the archive's manifest."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is a file
    return [Path(layer).stem for entry in manifest for layer in entry["Layers"]]

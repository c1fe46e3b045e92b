import hashlib
import json
import tarfile

import pytest

from conformance.offline import archive
from conformance.offline.archive import Settings


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tool").write_text("#!/bin/sh\n")
    (root / "bin" / "tool").chmod(0o755)
    (root / "bin" / "link").symlink_to("tool")
    return root


def _read(path):
    with tarfile.open(path) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        configuration = tar.extractfile(manifest["Config"]).read()
        layer = tar.extractfile(manifest["Layers"][0]).read()
    return manifest, configuration, layer


def test_names_and_digests_are_those_of_the_content(tmp_path, root):
    archive.write(tmp_path / "image.tar", "example/tool:1", root, Settings(), "x86_64")
    manifest, configuration, layer = _read(tmp_path / "image.tar")
    digest = hashlib.sha256(layer).hexdigest()
    assert ["example/tool:1"] == manifest["RepoTags"]
    assert manifest["Config"] == f"{hashlib.sha256(configuration).hexdigest()}.json"
    assert manifest["Layers"] == [f"{digest}.tar"]
    assert json.loads(configuration)["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{digest}"]}


def test_the_layer_holds_files_modes_and_links(tmp_path, root):
    archive.write(tmp_path / "image.tar", "example/tool:1", root, Settings(), "x86_64")
    (tmp_path / "layer.tar").write_bytes(_read(tmp_path / "image.tar")[2])
    with tarfile.open(tmp_path / "layer.tar") as tar:
        found = {entry.name: (entry.mode & 0o777, entry.linkname) for entry in tar if not entry.isdir()}
    assert {"bin/tool": (0o755, ""), "bin/link": (0o777, "tool")} == found


def test_nothing_but_the_archive_is_left(tmp_path, root):
    archive.write(tmp_path / "image.tar", "example/tool:1", root, Settings(), "x86_64")
    assert ["image.tar", "root"] == sorted(path.name for path in tmp_path.iterdir())


def test_how_it_starts_stands_in_the_configuration(tmp_path, root):
    settings = Settings(entrypoint=["/bin/tool"], command=["-v"], environment={"A": "b"}, user="65532")
    archive.write(tmp_path / "image.tar", "example/tool:1", root, settings, "aarch64")
    document = json.loads(_read(tmp_path / "image.tar")[1])
    assert ("arm64", "linux") == (document["architecture"], document["os"])
    assert {
        "Entrypoint": ["/bin/tool"],
        "Cmd": ["-v"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=b"],
        "User": "65532",
    } == document["config"]


def test_equal_folders_give_equal_archives(tmp_path, root):
    for name in ("one", "two"):
        archive.write(tmp_path / name, "example/tool:1", root, Settings(), "x86_64")
    assert _read(tmp_path / "one") == _read(tmp_path / "two")

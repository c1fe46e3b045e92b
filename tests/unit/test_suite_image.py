"""What the suite's own image is made from, offline and by the Containerfile."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from conformance import data
from conformance.offline import graph, suite

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_all_that_the_suite_needs_is_pinned_to_what_it_runs_with_and_nothing_of_its_tests():
    pins = suite.versions()
    needed = {re.split(r"[^a-z0-9.-]", each)[0] for each in PROJECT["project"]["dependencies"]}
    assert needed <= set(pins)
    assert metadata.version("kubernetes") == pins["kubernetes"]
    assert metadata.version("pluggy") == pins["pluggy"]  # only pytest asks for it
    assert not {"ruff", "mypy", "hypothesis"} & set(pins)


def test_the_image_has_the_python_of_the_probes_and_their_files():
    own, probe = (graph.load(ROOT / "fixtures" / "offline" / name).images[0] for name in ("suite", "probe"))
    assert (own.packages, own.drop) == (probe.packages, probe.drop)


def test_the_image_starts_the_suite_and_not_as_root():
    image = graph.load(ROOT / "fixtures" / "offline" / "suite").images[0]
    assert (["cni-conformance"], "65534:65534") == (list(image.settings.entrypoint), image.settings.user)
    assert "from conformance.cli import main" in image.scripts["/usr/local/bin/cni-conformance"]


def test_data_travels_as_it_does_in_a_wheel():
    files = set(suite.own_files())
    assert "conformance/data_files/scenarios/schema.json" in files
    assert "conformance/data_files/fixtures/manifests/pod.yaml.j2" in files
    assert "conformance/data_files/reports/templates/run.css" in files
    assert "conformance/pipeline.py" in files
    assert not [name for name in files if "published" in name or "__pycache__" in name or name.startswith("tests")]
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(wheel.values()) == {f"conformance/data_files/{kept}" for kept in ("scenarios", "fixtures", "reports/templates")}


def test_the_container_file_is_given_all_that_the_wheel_is_made_from_and_no_more():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "*" == lines[0]
    assert {"LICENSE", "README.md", "pyproject.toml", *wheel["packages"], *wheel["force-include"]} == kept
    assert all((ROOT / each).exists() for each in kept)


def test_the_container_file_does_not_run_as_root():
    text = (ROOT / "Containerfile").read_text()
    assert re.search(r"^USER 65534:65534$", text, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["cni-conformance"\]$', text, re.MULTILINE)
    assert data.folder("fixtures").parent == ROOT

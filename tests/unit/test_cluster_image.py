"""`cluster image`: the suite's image for a kind cluster, and one sentence where it cannot be made."""

from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance import provision
from conformance.cli import main
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.toolbox import Toolbox
from conformance.offline import BrokenSetup
from conformance.offline.image import Built

OWN = f"docker.io/cni-conformance/suite:{metadata.version('cni-conformance')}"
BUILT = Built("docker.io/cni-conformance/suite:0123456789abcdef", Path("image.tar"))


@dataclass
class Standing:
    """A cluster with what was done to it."""

    toolbox: Toolbox
    loaded: list[object] = field(default_factory=list)


@pytest.fixture
def standing(monkeypatch):
    """A cluster `night`, made offline or by the user's own engine, and what makes images."""

    def standing(*, node_image: str | None = "node:1") -> Standing:
        cluster = Standing(Toolbox(Path("docker"), Path("kind"), node_image=node_image))
        monkeypatch.setattr(provision.kind, "known", lambda name: cluster if name == "night" else None)
        monkeypatch.setattr(provision.offline, "suite_image", lambda _: BUILT)
        monkeypatch.setattr(provision.node_images, "load_archive", lambda which, archive: which.loaded.append(archive))
        monkeypatch.setattr(provision.node_images, "build", lambda which, *what: which.loaded.append(what))
        return cluster

    return standing


def image(*words: str) -> Result:
    return CliRunner().invoke(main, ["cluster", "image", *words])


def failing(error: Exception):
    def fail(*_: object) -> None:
        raise error

    return fail


def test_where_nothing_can_be_pulled_it_is_made_and_loaded_and_its_name_stands_alone_on_standard_output(standing):
    cluster = standing()
    ended = image("--name", "night")
    assert (0, f"{BUILT.reference}\n") == (ended.exit_code, ended.stdout)
    assert [BUILT.archive] == cluster.loaded


def test_elsewhere_the_engine_builds_the_container_file_of_the_checkout(standing):
    cluster = standing(node_image=None)
    ended = image("--name", "night")
    root = Path(__file__).parents[2]
    assert [(OWN, root, root / "Containerfile")] == cluster.loaded
    assert f"{OWN}\n" == ended.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(("--name", "nigth"), "there is no cluster nigth: make it (cni-conformance cluster up --name nigth)", id="mistyped"),
        pytest.param((), "there is no cluster cni-conformance: make it", id="no name, and no cluster of the usual one"),
        pytest.param(("--name", ""), "there is no cluster : make it", id="an empty name"),
        pytest.param(("--nam",), "--nam", id="an option that is mistyped"),
        pytest.param(("--name",), "requires an argument", id="an option without its value"),
        pytest.param(("night",), "unexpected extra argument", id="the name without its option"),
    ],
)
def test_wrong_usage_is_one_sentence(standing, words, text):
    standing()
    ended = image(*words)
    assert text in ended.output
    assert 2 == ended.exit_code


@pytest.mark.parametrize(
    ("place", "error", "code", "text"),
    [
        pytest.param("offline.suite_image", BrokenSetup("the suite's image is made as root"), 3, "is made as root", id="not root"),
        pytest.param("offline.suite_image", BrokenSetup("python has no pip"), 3, "has no pip", id="no pip"),
        pytest.param("offline.wake", BrokenSetup("the engine does not start"), 3, "does not start", id="the engine is away"),
        pytest.param(
            "node_images.load_archive", BrokenCluster("the nodes do not take it: no space left"), 3, "no space left", id="a full node"
        ),
        pytest.param("offline.suite_image", KeyboardInterrupt(), 130, "", id="interrupted"),
    ],
)
def test_what_goes_wrong_on_the_way_is_one_sentence(standing, monkeypatch, place, error, code, text):
    cluster = standing()
    room, name = place.split(".")
    monkeypatch.setattr(getattr(provision, room), name, failing(error))
    ended = image("--name", "night")
    assert text in ended.output
    assert code == ended.exit_code
    assert [] == cluster.loaded


def test_an_installed_package_says_where_the_container_file_is(standing, monkeypatch, tmp_path):
    standing(node_image=None)
    monkeypatch.setattr(provision.data, "folder", lambda _: tmp_path / "fixtures")
    ended = image("--name", "night")
    assert 2 == ended.exit_code
    assert "the suite's image is built from its sources, and this is an installed package: run this in a checkout" in ended.output


def test_an_engine_that_cannot_build_it_is_told(standing, monkeypatch):
    standing(node_image=None)
    monkeypatch.setattr(provision.node_images, "build", failing(BrokenCluster("the image cannot be built from Containerfile: no network")))
    ended = image("--name", "night")
    assert (3, "the image cannot be built from Containerfile: no network") == (ended.exit_code, ended.stderr.splitlines()[-1])

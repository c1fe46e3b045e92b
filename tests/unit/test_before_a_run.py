"""What a run does before its first scenario: what killed runs left is removed, and an API server that is away is told once."""

import pytest
from api_server import api_server
from click.testing import CliRunner, Result

from conformance import conductor, doctor
from conformance.cli import main
from conformance.cluster.broken import BrokenCluster
from conformance.cluster.credentials import IN_POD
from conformance.doctor import Check, Examination, examine
from conformance.settings import Settings
from conformance.target import Target
from conformance.world.times import Times

ONE = ("-n", "0", "-k", "deny-all-traffic-to-an-application")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["run", *ONE, "--report", str(tmp_path / "out"), *words])

    return run


def test_what_killed_runs_left_is_removed_first_and_told(run, monkeypatch):
    monkeypatch.setattr(
        conductor,
        "clean_cluster",
        lambda *_, known_only: known_only * ["in cluster here, run a1b2c: 1 namespace (cc-a1b2c-00-shop): its pod has ended"],
    )
    ended = run("--cluster", "simulated")
    assert 0 == ended.exit_code
    assert ended.output.index("removed in cluster here, run a1b2c") < ended.output.index("passed")


def test_what_cannot_be_removed_is_told_and_hinders_nobody(run, monkeypatch):
    def clean(*_: object, known_only: bool) -> list[str]:
        raise BrokenCluster("namespace cc-a1b2c-00-shop is held by a finalizer")

    monkeypatch.setattr(conductor, "clean_cluster", clean)
    ended = run("--cluster", "simulated")
    assert 0 == ended.exit_code
    assert "what a killed run left, if any did, is still there: namespace cc-a1b2c-00-shop is held by a finalizer" in ended.output


def test_an_api_server_that_is_away_is_told_once_with_what_a_pod_needs(run, tmp_path, monkeypatch):
    with api_server(tmp_path) as (_, kubeconfig):
        pass
    configuration_of = conductor.provide.__globals__["configuration_of"]
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    monkeypatch.setattr("conformance.cluster.connection.configuration_of", lambda *words: (configuration_of(*words)[0], IN_POD))
    ended = run("--cluster", "kubeconfig", "--cni", "cilium", "--times", "stream=0.2", "--times", "retry=0.2")
    assert 3 == ended.exit_code
    assert 1 == ended.output.count(
        "cannot be reached: Connection refused. A NetworkPolicy that isolates this pod must allow egress to the API server"
    )
    assert "something may be left behind" not in ended.output


@pytest.mark.parametrize(
    ("check", "met_nobody"),
    [
        pytest.param(Check("API server", is_fine=False, sentence="cannot be reached"), True, id="the API server is away"),
        pytest.param(Check("API server", is_fine=True, sentence="answers"), False, id="it answers"),
        pytest.param(Check("cluster", is_fine=False, sentence="cannot create namespace"), False, id="it went away in the middle"),
    ],
)
def test_only_where_nobody_answered_nothing_can_be_left(check, met_nobody):
    assert Examination((check,), None, {}).met_nobody is met_nobody


@pytest.mark.parametrize(("wanted", "held"), [(0.5, 0.5), (60.0, 1.0)], ids=["shorter than by default", "longer"])
def test_the_doctor_does_not_hold_longer_than_by_default(wanted, held, monkeypatch):
    seen, play = [], doctor.play
    monkeypatch.setattr(doctor, "play", lambda *words: seen.append(words[2].hold) or play(*words))
    examination = examine(Target.simulated(Settings(cluster="simulated")), Times(hold=wanted), "a1b2c")
    assert (True, [held]) == (examination.enforces, seen)

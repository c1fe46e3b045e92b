"""The command line, as far as it goes without a cluster."""

import json
import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import data, provision
from conformance.cli import main
from conformance.cluster import state
from conformance.cluster.kind_cluster import KindCluster, document
from conformance.cluster.network import Network
from conformance.cluster.toolbox import Toolbox
from conformance.settings import Settings

RECIPE = data.folder("scenarios") / "recipes" / "02-limit-traffic-to-an-application.yaml"


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine, no kind, no kubeconfig, and a cache of its own."""
    monkeypatch.setenv("CNI_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.chdir(tmp_path)


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_the_catalogue_is_sound():
    code, text = call("check")
    assert (0, "scenarios are sound\n") == (code, text.split(" ", 1)[1])


def test_the_list_has_every_group_and_what_each_scenario_says():
    code, text = call("list")
    assert 0 == code
    assert {"recipes", "articles"} <= set(text.splitlines())
    assert re.search(
        r"^  limit-traffic-to-an-application  \[\w[\w-]*\]\n      Only pods of the bookstore reach its API", text, re.MULTILINE
    )


def test_expected_tables_come_with_the_deciding_rules_and_need_no_cluster():
    code, text = call("expect", "limit-traffic-to-an-application")
    assert 0 == code
    assert "from\\to" in text
    assert "shop/api-allow" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["expect", "no-such"], "there is no scenario no-such"),
        (["judge", "no-such.json"], "no-such.json: the record cannot be read: No such file or directory"),
        (["check", "no-such"], "no-such: no such file or folder"),
        (["run", "--cluster=minikube"], "--cluster minikube: it is kind, kubeconfig, kubeconfig:CONTEXT or simulated"),
        (["run", "--cni=no-such"], "there is no plugin 'no-such'"),
        (["run", "-k", "("], "-k"),
        (["run", "-k", "nothing-is-called-so", "-n", "0"], "no scenario was selected"),
        (["run", "no-such-folder"], "no-such-folder"),
        (["cluster", "up", "--cni=no-such"], "there is no plugin 'no-such'"),
        (["run", "--setup", "--cni=calico", "--family=ipv6", "-n", "0"], "plugin calico carries ipv4, not ipv6"),
        (
            ["cluster", "up", "--setup", "--cni=calico-ebpf", "--kube-proxy=nftables"],
            "runs beside kube-proxy of mode iptables, not nftables",
        ),
        (["doctor", "--setup", "--name=Big"], "--name Big: small letters, digits and hyphens"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(words, sentence, capfd):
    code, text = call(*words)
    shown = text + "".join(capfd.readouterr())
    assert (2, True) == (code, sentence in shown), shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("words", [["run", "-n", "0"], ["cluster", "up"], ["doctor"]], ids=" ".join)
def test_without_setup_what_is_missing_is_listed_with_the_command_that_gets_it(words, capfd):
    code, text = call(*words)
    shown = text + "".join(capfd.readouterr())
    assert (3, True, True) == (code, "docker" in shown, "--setup" in shown), shown


@pytest.mark.parametrize("words", [["run", "--cluster=kubeconfig", "-n", "0"], ["doctor", "--cluster=kubeconfig"]], ids=" ".join)
def test_without_a_kubeconfig_an_existing_cluster_cannot_be_had(words, capfd):
    code, text = call(*words)
    shown = text + "".join(capfd.readouterr())
    assert (3, True) == (code, "there is no kubeconfig" in shown), shown


def test_where_nothing_was_left_behind_clean_says_so():
    assert (0, "nothing was left behind\n") == call("clean")


def test_a_cluster_that_is_being_made_is_no_left_over():
    state.write("new", {"toolbox": {}})
    with state.lock("new"):
        assert (0, "nothing was left behind\n") == call("clean")
    assert ["new"] == state.names()


def test_where_no_cluster_was_made_status_says_so():
    assert (0, "no cluster is known here\n") == call("cluster", "status")


# --- a cluster that stands already --------------------------------------------------------------------------------------


@pytest.fixture
def standing(tmp_path: Path) -> KindCluster:
    """A cluster `old`, as far as its state goes."""
    toolbox = Toolbox(docker=Path("docker"), kind=Path("kind"))
    network = Network("old", IPv4Network("198.18.0.0/20"), None)
    cluster = KindCluster("old", "ptp", "dual", 2, "iptables", tmp_path / "kubeconfig", toolbox, network, ())
    state.write("old", document(toolbox, cluster))
    return cluster


def refusal(settings: Settings) -> str:
    """Why a run with these settings does not begin; nothing where it does."""
    try:
        provision.foresee(settings)
    except provision.CannotRun as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("word", "has", "wanted"),
    [("--kube-proxy", "iptables", "nftables"), ("--family", "dual", "ipv4"), ("--cni", "ptp", "bridge")],
    ids=["kube-proxy", "family", "plugin"],
)
def test_a_standing_cluster_of_another_form_is_refused_in_one_sentence(standing, word, has, wanted, capfd):
    code, text = call("run", "-n", "0", "--name", "old", word, wanted, str(RECIPE))
    shown = text + "".join(capfd.readouterr())
    assert 2 == code
    assert 1 == shown.count(f"the cluster old stands with {word} {has}, not {wanted}: give another --name, or remove it first"), shown
    assert "nothing was started" in shown


@pytest.mark.parametrize(
    "words",
    [{}, {"kube_proxy": "iptables"}, {"family": "dual", "cni": "ptp"}, {"cni": str(data.folder("fixtures") / "plugins" / "ptp")}],
    ids=["nothing said", "its mode of kube-proxy", "its family and plugin", "the folder of its plugin"],
)
def test_a_standing_cluster_is_taken_where_it_is_what_was_asked_for(standing, words):
    assert "" == refusal(Settings(name="old", **words))


def test_a_record_of_another_kind_is_one_sentence(tmp_path: Path):
    (tmp_path / "other.json").write_text(json.dumps({"format": "something else"}))
    code, text = call("judge", "other.json")
    assert (2, True) == (code, "this is no record of cni-conformance" in text)

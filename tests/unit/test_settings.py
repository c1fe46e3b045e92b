"""Settings: one table of options for both doors."""

import pytest

from conformance.settings import OPTIONS, InvalidSettings, Settings
from conformance.world.times import Times

DEFAULTS = {option.key: option.unset for option in OPTIONS}


def of(**changes):
    return Settings.of({**DEFAULTS, **changes})


def test_the_defaults_of_the_table_are_the_defaults_of_the_settings():
    assert Settings() == of()


@pytest.mark.parametrize(
    ("cluster", "provider", "context"),
    [("kind", "kind", None), ("kubeconfig", "kubeconfig", None), ("kubeconfig:a:b", "kubeconfig", "a:b")],
)
def test_the_cluster_names_a_provider_and_perhaps_a_context(cluster, provider, context):
    settings = of(cluster=cluster)
    assert (provider, context) == (settings.provider, settings.context)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cluster": "minikube"}, "--cluster minikube: it is kind, kubeconfig, kubeconfig:CONTEXT or simulated"),
        ({"family": "ipv5"}, "--family ipv5: it is ipv4, ipv6 or dual"),
        ({"kube_proxy": "ipvs"}, "--kube-proxy ipvs: it is nftables or iptables"),
        ({"times": ("settle=soon",)}, "--times settle=soon: 'soon' is no number of seconds"),
        ({"times": ("settle=nan",)}, "--times settle=nan: 'nan' is no number of seconds"),
        ({"times": ("settle=-1",)}, "--times settle=-1: '-1' is no number of seconds"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_option(changes, sentence):
    with pytest.raises(InvalidSettings) as caught:
        of(**changes)
    assert sentence == str(caught.value)


def test_an_unknown_waiting_time_is_answered_with_those_that_exist():
    with pytest.raises(InvalidSettings, match=r"--times tea=5: it is NAME=SECONDS with one of question, pause, settle"):
        of(times=("tea=5",))


def test_waiting_times_are_changed_one_by_one():
    assert Times(settle=45, hold=2.5) == of(times=("settle=45", "hold=2.5")).waiting_times()


def test_settings_become_words_that_are_read_back_as_the_same_settings():
    settings = of(cni="ptp", force=True, disruptive=True, times=("settle=45", "hold=2"), report="out")
    words = settings.arguments()
    assert ["--cni=ptp", "--force", "--disruptive", "--report=out", "--times=settle=45", "--times=hold=2"] == words

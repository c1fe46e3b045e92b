"""The cluster under test as a value that the processes of a run share."""

from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from conformance.cluster.hosts import HostAccess
from conformance.cluster.plugin import load
from conformance.settings import InvalidSettings, Settings
from conformance.stage import offered
from conformance.target import Target, outside_host
from conformance.world.verdict import Family

ALPHA = HostAccess("alpha", ((ip_address("192.0.2.10"), ip_address("2001:db8::10")),), ("ssh", "probe@192.0.2.10"))


def target(**changes):
    values = {
        "provider": "kubeconfig",
        "name": "prod",
        "kubeconfig": None,
        "context": "prod",
        "plugin": None,
        "families": (Family.IPV4,),
        "hosts": (),
        "probe_image": "python:3",
    }
    return Target(**{**values, **changes})


@pytest.mark.parametrize("plugin", [None, load("cilium")], ids=["no plugin named", "a plugin named"])
def test_a_target_is_read_as_it_was_written(tmp_path, plugin):
    written = target(hosts=(ALPHA,), plugin=plugin)
    written.write(tmp_path)
    assert written == Target.read(tmp_path)


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("kind", {"provider": "kind", "cluster": "prod", "kube-proxy": "iptables"}),
        ("kubeconfig", {"provider": "kubeconfig", "cluster": "prod"}),
    ],
)
def test_of_a_cluster_of_our_own_the_mode_of_kube_proxy_is_known(monkeypatch, provider, expected):
    monkeypatch.setattr("conformance.cluster.kind.known", lambda name: SimpleNamespace(kube_proxy="iptables"))
    assert expected == target(provider=provider).facts


def test_an_outside_host_is_a_name_its_addresses_and_a_command():
    assert outside_host("alpha=192.0.2.10,2001:db8::10 ssh probe@192.0.2.10") == ALPHA


@pytest.mark.parametrize("text", ["alpha", "alpha=192.0.2.10", "=192.0.2.10 ssh", "alpha=here ssh there"])
def test_an_outside_host_that_cannot_be_read_is_named(text):
    with pytest.raises(InvalidSettings, match="--outside"):
        outside_host(text)


def test_of_a_plugin_that_nobody_named_all_is_tried_but_what_needs_our_own_making():
    assert {"outside-host", "legacy-annotation", "ipv6"}.isdisjoint(offered(target()))
    assert {"ipv4", "sctp", "end-port", "named-port"} <= set(offered(target()))


def test_outside_hosts_are_offered_where_there_are_some():
    assert "outside-host" in offered(target(hosts=(ALPHA,)))


def test_a_named_plugin_offers_what_its_descriptor_says_in_the_families_of_the_cluster():
    assert {"ipv6"} == set(offered(target(plugin=load("cilium"), families=tuple(Family)))) - set(offered(target(plugin=load("cilium"))))


def test_the_context_of_an_existing_cluster_comes_from_the_settings():
    assert "prod" == Target.of_kubeconfig(Settings(cluster="kubeconfig:prod")).context

"""The documented permissions are those that the suite asks for."""

from pathlib import Path

import yaml

from conformance.cluster.rights import RIGHTS, cluster_role

DOCUMENTS = {each["kind"]: each for each in yaml.safe_load_all((Path(__file__).parents[2] / "docs" / "rbac.yaml").read_text())}


def test_the_documented_role_is_exactly_what_is_needed():
    assert DOCUMENTS["ClusterRole"] == cluster_role()


def test_the_documented_binding_gives_the_role_to_the_documented_account():
    binding, account = DOCUMENTS["ClusterRoleBinding"], DOCUMENTS["ServiceAccount"]["metadata"]
    assert binding["roleRef"]["name"] == DOCUMENTS["ClusterRole"]["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}]


def test_only_what_is_told_of_nodes_and_of_policies_that_are_not_ours_is_optional():
    assert [("networkpolicies", ("list",)), ("nodes", ("get", "list"))] == [
        (each.resource, each.verbs) for each in RIGHTS if each.is_optional
    ]


def test_no_right_is_given_twice_and_none_is_for_everything():
    named = [(right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs]
    assert len(set(named)) == len(named)
    assert not any("*" in part for each in named for part in each)

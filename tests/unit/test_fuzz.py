"""Random cases: the same for the same seed, over the whole API, taken apart to the smallest, written so that they load."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from conformance import data
from conformance.cli import main
from conformance.cluster import plugin
from conformance.cluster.broken import BrokenCluster
from conformance.fuzz.case import Case, is_plain, named, renamed, without_policy
from conformance.fuzz.grammar import Language, count_policies
from conformance.fuzz.ground import hunting_ground, layout_for
from conformance.fuzz.hunt import Hunt, is_sound, same
from conformance.fuzz.known import FEATURES, Feature, left_out, told
from conformance.fuzz.shrink import shrink
from conformance.fuzz.write import scenario_file
from conformance.notes import Notes
from conformance.plan import plan
from conformance.record import ScenarioRecord
from conformance.scenario.catalogue import load_all
from conformance.scenario.check import check, needed
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import load
from conformance.scenario.places import layout_of
from conformance.scenario.scenario import Apply, Delete, Layout, Relabel, Scenario, Together
from conformance.scenario.source import read
from conformance.settings import Settings
from conformance.target import Target
from conformance.view import View
from conformance.world.verdict import Family, Protocol


@pytest.fixture(scope="module")
def layout() -> Layout:
    source, _ = read(data.folder("scenarios") / "layouts" / "fuzz.yaml")
    assert source is not None
    return layout_of(source.value["layout"], "fuzz")


@pytest.fixture(scope="module")
def language(layout: Layout) -> Language:
    return Language(layout, tuple(Family))


@pytest.fixture(scope="module")
def cases(language: Language) -> list[Case]:
    return [language.case(7, number) for number in range(300)]


def test_the_same_seed_and_number_give_the_same_case(language: Language) -> None:
    assert language.case(3, 5) == language.case(3, 5)
    assert language.case(3, 5) != language.case(3, 6)
    assert language.case(3, 5) != language.case(4, 5)


def test_every_case_is_one_that_a_cluster_would_take(cases: list[Case], language: Language) -> None:
    assert [case.name for case in cases if not is_sound(case, language)] == []


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield key, child
            yield from parts(child)
    elif isinstance(value, list):
        for child in value:
            yield from parts(child)


def test_every_field_of_the_api_occurs_in_every_form(cases: list[Case]) -> None:
    seen = Counter()
    for case in cases:
        for document in case.policies.values():
            for key, value in parts(document["spec"]):
                form = value if isinstance(value, str) and key in ("protocol", "operator") else ""
                size = f"{min(len(value), 2)}" if isinstance(value, list | dict) else ""
                seen[f"{key} {form}{size}".strip()] += 1
    wanted = {
        "podSelector 0", "podSelector 1", "podSelector 2", "namespaceSelector 0", "namespaceSelector 1", "ipBlock 1", "ipBlock 2",
        "policyTypes 1", "policyTypes 2", "ingress 0", "ingress 1", "ingress 2", "egress 0", "egress 1", "egress 2",
        "from 0", "from 1", "from 2", "to 0", "to 1", "to 2", "ports 0", "ports 1", "ports 2", "except 1",
        "protocol TCP", "protocol UDP", "protocol SCTP", "port", "endPort", "matchLabels 1", "matchLabels 2",
        "matchExpressions 1", "matchExpressions 2", "operator In", "operator NotIn", "operator Exists", "operator DoesNotExist", "values 2",
    }  # fmt: skip
    assert wanted - set(seen) == set()


ODD = {
    "a key with a prefix": lambda text: "example.org/app" in text,
    "long values that begin alike": lambda text: "a-rather-long-value-2" in text,
    "an empty value": lambda text: "zone: ''" in text,
    "a namespace by its name": lambda text: "kubernetes.io/metadata.name: red-b" in text,
    "many ports": lambda text: text.count("- port: 10") > 40,
    "many peers": lambda text: text.count("app: nobody-") > 40,
    "two exceptions": lambda text: re.search(r"except:\n *- .*\n *- ", text) is not None,
    "a range of one family alone": lambda text: "ipBlock" in text and ("ipv4" in text) != ("ipv6" in text),
    "a range within a byte": lambda text: ", 22, 78)" in text,
    "SCTP": lambda text: "SCTP" in text,
}


@pytest.mark.parametrize("is_there", ODD.values(), ids=ODD)
def test_what_is_easily_taken_for_something_else_occurs(cases: list[Case], is_there: Callable[[str], bool]) -> None:
    assert any(is_there(written) for case in cases for written in case.scenario().policies.values())


def test_many_policies_may_be_there_at_once(cases: list[Case]) -> None:
    assert max(len(case.actions[0].names) for case in cases if isinstance(case.actions[0], Apply)) > 40


def names_of(case: Case) -> set[tuple[str, str]]:
    return {(document["metadata"]["namespace"], document["metadata"]["name"]) for document in case.policies.values()}


JOINED = {
    "the same in two namespaces": lambda one, other: one[1] == other[1],
    "one key when joined by a hyphen": lambda one, other: "-".join(one) == "-".join(other),
    "one key without dots": lambda one, other: one[0] == other[0] and one[1].replace(".", "-") == other[1].replace(".", "-"),
    "one key when cut": lambda one, other: one[0] == other[0] and one[1][:40] == other[1][:40],
}


@pytest.mark.parametrize("is_alike", JOINED.values(), ids=JOINED)
def test_policies_have_names_that_look_alike(cases: list[Case], is_alike: Callable[[Any, Any], bool]) -> None:
    assert any(is_alike(one, other) for case in cases for one, other in combinations(sorted(names_of(case)), 2))


def test_every_change_occurs(cases: list[Case]) -> None:
    kinds = {type(action) for case in cases for action in case.actions[1:]}
    assert kinds == {Apply, Delete, Relabel, Together}


def test_a_cluster_without_ranges_of_ports_and_outside_hosts_is_asked_for_neither(layout: Layout) -> None:
    bare = Language(Layout(None, layout.namespaces), (Family.IPV4,), has_end_port=False)
    texts = str([bare.case(1, number) for number in range(100)])
    assert [word for word in ("endPort", "ipBlock", "ipv6") if word in texts] == []


def test_a_cluster_without_ports_by_name_is_asked_for_none(layout: Layout) -> None:
    bare = Language(layout, tuple(Family), has_named_port=False)
    assert [word for word in ("port: web", "port: none") if word in str([bare.case(1, number).scenario() for number in range(100)])] == []


def test_what_a_cluster_does_not_offer_is_not_in_its_layout() -> None:
    bare = replace(plugin.load("bridge"), capabilities=("ipv4", "ipv6"))
    target = replace(Target.simulated(Settings(cluster="simulated")), provider="kubeconfig", plugin=bare, hosts=())
    nothing = Case("bare", layout_for(target), {}, (Relabel({"red": {"team": None}}),))
    everything = replace(nothing, layout=layout_for(Target.simulated(Settings(cluster="simulated"))))
    assert needed(nothing.scenario()) == ()
    assert set(needed(everything.scenario())) == {"sctp", "service", "dns", "host-network", "host-port"}


def test_a_part_of_the_layout_is_not_written_under_the_name_of_the_whole() -> None:
    whole = Target.simulated(Settings(cluster="simulated"))
    part = replace(whole, provider="kubeconfig", plugin=plugin.load("cilium"))
    assert ("fuzz", None) == (layout_for(whole).name, layout_for(part).name)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in load_all([data.folder("scenarios")])[0]}


def as_case(scenario: Scenario) -> Case:
    policies = {
        key: yaml.safe_load(re.sub(r"\{\{.*?\}\}", "::/0", re.sub(r"\{%.*?%\}", "", text))) for key, text in scenario.policies.items()
    }
    return Case(scenario.name, scenario.layout, policies, tuple(step.action for step in scenario.steps), scenario.sizes)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_scenarios_of_a_feature_have_it(feature: Feature, catalogue: Mapping[str, Scenario]) -> None:
    assert [name for name in sorted(feature.scenarios) if not feature.is_in(as_case(catalogue[name]))] == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_that_is_left_out_is_in_no_case(feature: Feature, layout: Layout, cases: list[Case]) -> None:
    bare = Language(layout, tuple(Family), without=(feature,))
    ours = [bare.case(7, number) for number in range(300)]
    assert [case.name for case in ours if feature.is_in(case)] == []
    changed = [case for case, before in zip(ours, cases, strict=True) if case != before][:10]
    assert [case.name for case in changed if not is_sound(case, bare)] == []
    with_it = [case for case in cases if feature.is_in(case)]
    assert [case.name for case in with_it if is_sound(case, bare)] == []
    assert len(with_it) > 5


def test_what_a_plugin_is_known_to_get_wrong_is_named_with_its_sources() -> None:
    known = left_out(plugin.load("cilium").known_deviations)
    assert [each.feature for each in known] == list(FEATURES)
    assert str(known[0]) == "rules of a direction that policyTypes does not name (https://github.com/cilium/cilium/issues/48703)"
    assert left_out(plugin.load("kindnet").known_deviations) == ()


def test_what_is_left_out_is_told() -> None:
    known = left_out([each for each in plugin.load("cilium").known_deviations if each.scenario.startswith("large-")])
    assert list(told(["end-port", "host-port"], known)) == [
        "left out, for the cluster does not offer it: end-port, host-port",
        "left out, for the plugin is known to get it wrong (--with-known tries it):",
        "  datagrams that do not fit into one packet (https://github.com/cilium/cilium/issues/26292)",
    ]
    assert list(told([], ())) == []


NOT_RANDOM = {"labels-change-while-the-plugin-is-away"}
"""Scenarios of known deviations that no random case is like: no case restarts a plugin."""


@pytest.mark.parametrize("name", plugin.names())
def test_every_known_deviation_is_left_out(name: str) -> None:
    known = plugin.load(name).known_deviations
    named = {each.scenario for out in left_out(known) for each in out.deviations}
    assert {each.scenario for each in known} - named <= NOT_RANDOM


def hunted(folder: Path, *without: Feature) -> Hunt:
    """A hunt on the test bench after a plugin that counts rules whose direction policyTypes does not name. Nothing is shrunk."""
    settings = Settings(cluster="simulated", fault="ingress-enforced-without-type")
    with hunting_ground(settings, 1, View(Console(quiet=True))) as ground:
        language = Language(layout_for(ground.target), ground.target.families, without=without)
        hunt = Hunt(language, 5, folder, lambda has_grace: has_grace, lambda _: None, 12, stops_at_first=True)
        hunt.run(ground.stages)
        return hunt


DEAD_RULES = FEATURES[0]


def test_a_hunt_does_not_find_what_is_left_out(tmp_path: Path) -> None:
    assert [DEAD_RULES.is_in(catch.case) for catch in hunted(tmp_path).catches] == [True]
    without = hunted(tmp_path, DEAD_RULES)
    assert (without.catches, without.cases > 2) == ([], True)


def test_what_is_new_is_not_shrunk_to_what_is_left_out(layout: Layout) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress", "Ingress"], "egress": [{}]}
    document = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p0", "namespace": "red"}, "spec": spec}
    case = Case("it", layout, {"p0": document}, (Apply(("p0",)),))

    def smallest(*without: Feature) -> Mapping[str, Any]:
        """What is left where a plugin stumbles over egress rules beside any policyTypes."""
        language = Language(layout, tuple(Family), without=without)
        found = shrink(
            case,
            lambda each: (
                is_sound(each, language)
                and {"egress", "policyTypes"} <= set(each.policies["p0"]["spec"])
                and bool(each.policies["p0"]["spec"]["policyTypes"])
            ),
        )
        return found.policies["p0"]["spec"]

    assert smallest()["policyTypes"] == ["Ingress"]
    assert smallest(DEAD_RULES)["policyTypes"] == ["Egress"]


def test_policies_are_counted_by_their_texts(cases: list[Case]) -> None:
    assert count_policies(cases[:2]) == len(cases[0].policies) + len(cases[1].policies)


def spec_has(wanted: Callable[[str, Any], bool]) -> Callable[[Case], bool]:
    """Whether a policy that is applied has such a part: what a faulty plugin would stumble over."""

    def disagrees(case: Case) -> bool:
        used = named(case.actions)
        return any(wanted(key, value) for name in used for key, value in parts(case.policies[name]["spec"]))

    return disagrees


def test_a_case_shrinks_to_the_one_part_that_disagrees(cases: list[Case], language: Language) -> None:
    disagrees = spec_has(lambda key, _: key == "except")
    case = next(case for case in cases if disagrees(case) and len(case.policies) > 2 and len(case.actions) > 2)
    smallest = renamed(shrink(case, lambda smaller: disagrees(smaller) and is_sound(smaller, language)))
    assert smallest.actions == (Apply(("p0",)),)
    (document,) = smallest.policies.values()
    spec = document["spec"]
    direction = "ingress" if "ingress" in spec else "egress"
    assert set(spec) == {"podSelector", direction}
    assert spec["podSelector"] == {}
    ((peers, (peer,)),) = spec[direction][0].items()
    assert peers == ("from" if direction == "ingress" else "to")
    assert set(peer["ipBlock"]) == {"cidr", "except"}
    assert [name for name in smallest.layout.namespaces if name != document["metadata"]["namespace"]] == []
    assert [(len(plan.labels), len(plan.serves), plan.host_ports) for _, plan in smallest.layout.pods()] == [(0, 1, ())]
    assert list(smallest.layout.services()) == []


def test_what_is_done_together_shrinks_too(cases: list[Case]) -> None:
    case = next(case for case in cases if any(isinstance(action, Together) for action in case.actions))
    smallest = shrink(case, lambda smaller: any(isinstance(action, Together) for action in smaller.actions))
    assert [type(action) for action in smallest.actions] == [Together]


def test_a_case_without_a_policy_does_nothing_with_it(cases: list[Case]) -> None:
    actions = (Apply(("p0", "p1")), Delete(("p0",)), Together((Delete(("p1",)), Apply(("p0",)))), Relabel({"red": {"team": None}}))
    assert without_policy(actions, "p0") == (Apply(("p1",)), Together((Delete(("p1",)),)), Relabel({"red": {"team": None}}))
    assert without_policy(actions, "p1") == (Apply(("p0",)), Delete(("p0",)), Together((Apply(("p0",)),)), Relabel({"red": {"team": None}}))


def test_cases_that_differ_in_names_only_are_the_same(cases: list[Case]) -> None:
    case = next(case for case in cases if len(case.policies) == 2)
    again = Case("other", case.layout, dict(case.policies), case.actions)
    assert same(renamed(case), renamed(again))
    assert not same(renamed(case), renamed(cases[0] if cases[0] is not case else cases[1]))


def odd_name(case: Case) -> bool:
    return any(not is_plain(name) for _, name in names_of(case))


def test_a_name_that_does_not_matter_becomes_plain(cases: list[Case]) -> None:
    smallest = shrink(next(filter(odd_name, cases)), lambda smaller: bool(smaller.policies))
    assert not odd_name(smallest)


def test_a_name_that_matters_is_kept(cases: list[Case]) -> None:
    smallest = renamed(shrink(next(filter(odd_name, cases)), odd_name))
    ((_, name),) = names_of(smallest)
    assert not is_plain(name)


def test_sizes_that_do_not_matter_are_left_out(cases: list[Case]) -> None:
    case = next(case for case in cases if case.sizes)
    assert {} == shrink(case, lambda _: True).sizes
    assert {Protocol.UDP: (8000,)} == shrink(case, lambda smaller: 8000 in smaller.sizes.get(Protocol.UDP, ())).sizes


class Unwilling:
    """A stage on which nothing can be measured."""

    def play(self, scenario: Scenario) -> ScenarioRecord:
        return Notes(scenario, Target.simulated(Settings(cluster="simulated")), "gw0").skipped("we may not list nodes")


def test_a_hunt_that_measures_nothing_ends_with_the_reason(language: Language, tmp_path: Path) -> None:
    hunt = Hunt(language, 1, tmp_path, lambda _: False, lambda _: None)
    with pytest.raises(BrokenCluster, match="5 cases in a row could not be measured, the last: we may not list nodes"):
        hunt.run([Unwilling()])


def test_a_written_case_loads_and_is_sound(cases: list[Case], language: Language, tmp_path: Path) -> None:
    for case in (replace(case, layout=replace(case.layout, name=None)) for case in cases[:40]):
        planned = plan(case.scenario(), fictive_world(case.layout), language.families)
        wrong = {1: list(planned.steps[1].expected)[:1]}
        path = tmp_path / f"{case.name}.yaml"
        path.write_text(scenario_file(case, planned, wrong, "red/a reaches red/b", "fuzz: seed 7", needed(case.scenario())))
        scenario = load(path)
        assert [str(fault) for fault in check([scenario])] == []
        again = plan(scenario, fictive_world(scenario.layout), language.families)
        assert [step.expected for step in again.steps] == [step.expected for step in planned.steps]
        assert [sentence for step in again.steps for sentence in step.contradictions] == []


@pytest.mark.parametrize(
    "words", [("--shard", "1/2"), ("--baseline", "record.json"), ("--report", "out"), ("--world", "pods=9"), ("--disruptive",)]
)
def test_an_option_that_means_nothing_to_a_hunt_is_wrong_usage(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["fuzz", *words])
    assert (2, True) == (result.exit_code, re.search(f"No such option:? '?{words[0]}", result.output) is not None)

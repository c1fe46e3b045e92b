"""A plan: what a scenario will do and what must come of it."""

from pathlib import Path

import pytest

from conformance.plan import plan
from conformance.portion import STEPS, portions
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import load
from conformance.world.verdict import Family, Verdict

SCENARIO = """
name: {name}
about: Only the front reaches the API.
because: the union of what the applicable policies allow
layout:
  {namespace}:
    labels: {{team: shop}}
    pods:
      api: {{labels: {{app: api}}}}
      front: {{labels: {{app: front}}}}
policies:
  closed: |
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {{name: api, namespace: {namespace}}}
    spec: {{podSelector: {{matchLabels: {{app: api}}}}}}
  open: |
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {{name: api, namespace: {namespace}}}
    spec: {{podSelector: {{matchLabels: {{app: api}}}}, ingress: [{{}}]}}
steps:
  - apply: [closed]
    expect: {{"{namespace}/front -> {namespace}/api": blocked, "{namespace}/api -> {namespace}/front": {verdict}}}
"""


@pytest.fixture
def planned(tmp_path: Path):
    def planned(steps: str = "", verdict: str = "allowed"):
        path = tmp_path / "only-front.yaml"
        path.write_text(SCENARIO.format(name="only-front", namespace="shop", verdict=verdict) + steps)
        scenario = load(path)
        return plan(scenario, fictive_world(scenario.layout), (Family.IPV4,))

    return planned


def actions(found):
    return [str(step.action) for step in found.steps]


def test_the_first_step_is_the_baseline_where_everybody_reaches_everybody(planned):
    assert {Verdict.ALLOWED} == {expectation.verdict for expectation in planned().steps[0].expected.values()}


def test_what_is_in_force_at_the_end_is_put_back(planned):
    assert ["no policy", "apply closed", "put back: delete closed"] == actions(planned())


def test_a_scenario_that_cleans_up_itself_gets_no_further_step(planned):
    assert ["no policy", "apply closed", "delete closed"] == actions(planned("  - delete: [closed]\n    expect: all allowed\n"))


def test_a_second_text_of_a_policy_replaces_the_first(planned):
    found = planned("  - apply: [open]\n    expect: all allowed\n")
    assert [(), ("closed",), ("open",), ()] == [step.policies for step in found.steps]


def test_deleting_either_text_of_a_policy_deletes_the_policy(planned):
    found = planned("  - apply: [open]\n    expect: all allowed\n  - delete: [closed]\n    expect: all allowed\n")
    assert ["no policy", "apply closed", "apply open", "delete closed"] == actions(found)


def test_labels_are_put_back_those_that_were_added_and_those_that_were_changed(planned):
    steps = "  - delete: [closed]\n    expect: all allowed\n"
    steps += "  - relabel: {shop/api: {app: web, new: 'on'}, shop: {team: null}}\n    expect: all allowed\n"
    back = planned(steps).steps[-1].action
    assert {"shop": {"team": "shop"}, "shop/api": {"app": "api", "new": None}} == back.labels


def test_where_file_and_model_differ_the_step_says_so(planned):
    (sentence,) = planned(verdict="blocked").steps[1].contradictions
    assert "shop/api -> shop/front 80/TCP ipv4: the file (line 24) says blocked, the model says allowed" in sentence


def test_scenarios_of_one_layout_stay_together_in_portions_of_a_dozen_steps(tmp_path: Path):
    scenarios = []
    for number, namespace in enumerate(["shop"] * 8 + ["mall"] * 3):
        path = tmp_path / f"s{number}.yaml"
        path.write_text(SCENARIO.format(name=f"s{number}", namespace=namespace, verdict="allowed"))
        scenarios.append(load(path))
    shop, mall = scenarios[0].layout.key, scenarios[-1].layout.key
    each = 1 + len(scenarios[0].steps)
    fitting = STEPS // each
    found = portions(scenarios)
    assert [f"{shop}/{number // fitting}" for number in range(8)] + [f"{mall}/0"] * 3 == list(found.values())

"""A plan in which pods, Services and labels come and go."""

from pathlib import Path

import pytest
from scenario_file import text, write

from conformance.plan import Plan, plan
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import load
from conformance.template.render import render_policies
from conformance.world.question import Question
from conformance.world.verdict import Family, Protocol, Verdict

LAYOUT = """layout:
  shop:
    pods:
      api: {labels: {app: api}, node: a}
      front: {node: b}
      late: {labels: {app: late}, later: true, node: a}
    services:
      web: {selects: {app: api}, ports: {81/TCP: 80}}
"""
FRONT, LATE, WEB = (
    Question(*pair) for pair in (("shop/front", "shop/api", 80), ("shop/late", "shop/api", 80), ("shop/front", "svc/shop/web", 81))
)


@pytest.fixture
def planned(tmp_path: Path):
    def planned(*changes: str, needs: str = "") -> Plan:
        steps = "".join(f"  - {change}\n    expect: all allowed\n" for change in changes)
        scenario = load(write(tmp_path, text(layout=LAYOUT, needs=needs, steps=f"steps:\n{steps}")))
        return plan(scenario, fictive_world(scenario.layout), (Family.IPV4,))

    return planned


def there(found: Plan) -> list[set[str]]:
    return [set(step.world.pods) for step in found.steps]


ALL = {"shop/api", "shop/front"}


def test_who_comes_later_is_asked_later(planned) -> None:
    found = planned("add: [shop/late]", "remove: [shop/late]")

    assert [ALL, ALL | {"shop/late"}, ALL] == there(found)
    assert [False, True, False] == [LATE in step.expected for step in found.steps]


def test_who_is_gone_is_put_back(planned) -> None:
    found = planned("add: [shop/late]", "complete: [shop/api]", "remove: [svc/shop/web]")

    assert [ALL, ALL | {"shop/late"}, {"shop/front", "shop/late"}, {"shop/front", "shop/late"}, ALL] == there(found)
    assert "put back: remove shop/api, remove shop/late, add shop/api, add svc/shop/web" == str(found.steps[-1].action)
    assert [True, True, True, False, True] == [WEB in step.expected for step in found.steps]


def test_a_service_without_pods_leads_nowhere(planned) -> None:
    assert Verdict.BLOCKED is planned("complete: [shop/api]").steps[1].expected[WEB].verdict


def test_a_new_pod_has_the_labels_of_the_layout(planned) -> None:
    found = planned("relabel: {shop/api: {app: old}}", "recreate: [shop/api]")

    assert [{"app": "api"}, {"app": "old"}, {"app": "api"}] == [step.world.pods["shop/api"].labels for step in found.steps]


def test_a_pod_with_another_s_address_is_there(planned) -> None:
    found = planned("complete: [shop/api]", "reuse: {shop/late: shop/api}")

    assert {"shop/front", "shop/late"} == there(found)[2]


def test_what_is_done_together_is_one_step(planned) -> None:
    found = planned("together: [{apply: [deny]}, {delete: [deny]}, {apply: [deny]}, {annotate: {shop: {a: b}}}, {add: [shop/late]}]")

    step, back = found.steps[1:]
    assert (("deny",), ALL | {"shop/late"}, {"a": "b"}) == (step.policies, set(step.world.pods), step.world.namespaces["shop"].annotations)
    assert {Verdict.BLOCKED} == {step.expected[question].verdict for question in (FRONT, LATE, WEB)}
    assert "put back: delete deny, remove shop/late, annotations of shop" == str(back.action)


def test_nothing_is_put_back_where_nothing_is_left(planned) -> None:
    assert ["no policy", "wait 0 s"] == [str(step.action) for step in planned("wait: 0").steps]


def test_sizes_and_sources_count_in_the_file_s_own_steps(planned) -> None:
    found = planned("apply: [deny]", needs="sizes: {TCP: [9]}\nwithout-nat: true\n")

    sized = Question("shop/api", "shop/front", 80, Protocol.TCP, Family.IPV4, 9)
    assert [False, True, False] == [sized in step.expected for step in found.steps]
    assert ["", "192.0.2.1", ""] == [step.expected[Question("shop/api", "shop/front", 80)].seen for step in found.steps]


def test_watched_cells_are_those_that_can_be_asked(planned) -> None:
    found = planned("add: [shop/late]", needs="watch: [shop/front -> shop/api, shop/late -> shop/api]\n")

    assert [(FRONT,), (FRONT, LATE), (FRONT,)] == [step.watched for step in found.steps]


def test_what_the_cluster_has_is_not_written_anew(tmp_path: Path) -> None:
    scenario = load(write(tmp_path, text(layout=LAYOUT, steps="steps:\n  - {apply: [deny], expect: {shop/front -> shop/api: blocked}}\n")))
    world = fictive_world(scenario.layout)
    document = render_policies(scenario, world, (Family.IPV4,))["deny"]
    sent = {"deny": document | {"spec": {"podSelector": {"matchLabels": {"app": "other"}}}}}

    assert Verdict.ALLOWED is plan(scenario, world, (Family.IPV4,), sent).steps[1].expected[FRONT].verdict


POLICIES = """policies:
  deny: |
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: deny, namespace: shop}
    spec: {podSelector: {}}
  fronts: |
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: fronts, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: api}}
      ingress: [{from: [{podSelector: {matchLabels: {tier: front}}}]}]
"""


AWAY, BACK = "{relabel: {shop/front: {tier: null}}}", "{relabel: {shop/front: {tier: front}}}"
COME, GO = "{apply: [fronts]}", "{delete: [fronts]}"


@pytest.mark.parametrize(
    ("changes", "crossed"),
    [
        pytest.param(["apply: [deny, fronts]"], [True, False], id="the deny comes first and shuts them out for a moment"),
        pytest.param(["apply: [fronts, deny]"], [False, True], id="put back: the admission goes first"),
        pytest.param(["apply: [fronts]"], [False, False], id="one policy has nothing between"),
        pytest.param([f"together: [{COME}, {AWAY}, {BACK}]"], [True, False], id="a label that is away for a moment"),
        pytest.param(
            [f"together: [{COME}, {GO}, {{apply: [deny]}}, {{delete: [deny]}}]"], [True], id="a policy that is there for a moment"
        ),
        pytest.param([f"together: [{AWAY}, {COME}, {BACK}]"], [True, False], id="in the order of the file"),
        pytest.param(["apply: [fronts]", "remove: [shop/front]"], [False, False, False], id="who is not there is not asked"),
    ],
)
def test_a_watched_cell_is_crossed(tmp_path: Path, changes: list[str], crossed: list[bool]) -> None:
    steps = "".join(f"  - {change}\n    expect: all allowed\n" for change in changes)
    layout = LAYOUT.replace("front: {node: b}", "front: {labels: {tier: front}, node: b}")
    content = text(layout=layout, policies=POLICIES, needs="watch: [shop/front -> shop/api]\n", steps=f"steps:\n{steps}")
    scenario = load(write(tmp_path, content))
    found = plan(scenario, fictive_world(scenario.layout), (Family.IPV4,))

    assert [False, *crossed] == [FRONT in step.crossed for step in found.steps]

"""Who is there at a step, what may be done to them, and the doors that lead to them."""

# A row of a table of cases stands on a line of its own, however long the sentence that is expected.
# ruff: noqa: E501

from pathlib import Path

import pytest
from scenario_file import HEAD, policy, text, write

from conformance.scenario.check import needed
from conformance.scenario.claims import watched
from conformance.scenario.doors import doors_of
from conformance.scenario.fault import InvalidScenario
from conformance.scenario.fictive import fictive_world
from conformance.scenario.load import load
from conformance.scenario.presence import Presence
from conformance.scenario.scenario import (
    Add,
    Annotate,
    Churn,
    Complete,
    Layout,
    PodPlan,
    Recreate,
    Remove,
    Restart,
    Reuse,
    ServiceKind,
    ServicePlan,
    Together,
    Wait,
)
from conformance.world.door import DoorKind, DoorPort
from conformance.world.place import Port
from conformance.world.question import questions_of
from conformance.world.verdict import Family, Protocol

LAYOUT = """layout:
  shop:
    pods:
      api: {labels: {app: api}, serves: [http=80/TCP, 53/UDP], host-ports: [80/TCP], node: a}
      front: {node: b}
      job: {node: a}
      late: {labels: {app: api}, serves: [http=81/TCP], later: true, asks-at-start: true, node: a}
      node: {serves: [19080/TCP], host-network: true, node: b}
      stuck: {later: true, pending: true}
    services:
      web: {selects: {app: api}, ports: {80/TCP: http}, kind: node-port, by-name: true}
      lone: {selects: {app: api}, ports: {80/TCP: 80}, kind: headless, later: true}
  outside: {hosts: {alpha: {}}}
"""
API = PodPlan({"app": "api"}, (Port(80, name="http"), Port(53, Protocol.UDP)), "a", host_ports=(Port(80, name="http"),))


def steps(*changes: str, expect: str = "all allowed") -> str:
    return "steps:\n" + "".join(f"  - {change}\n    expect: {expect}\n" for change in changes)


def layout(tmp_path: Path) -> Layout:
    return load(write(tmp_path, text(layout=LAYOUT))).layout


def faults_of(path: Path) -> list[str]:
    with pytest.raises(InvalidScenario) as caught:
        load(path)
    return [str(fault).splitlines()[0].removeprefix(f"{path}:") for fault in caught.value.faults]


def test_all_that_a_layout_can_say(tmp_path: Path) -> None:
    found = layout(tmp_path)

    assert {
        "api": API,
        "front": PodPlan(node="b"),
        "job": PodPlan(node="a"),
        "late": PodPlan({"app": "api"}, (Port(81, name="http"),), "a", comes_later=True, asks_at_start=True),
        "node": PodPlan(serves=(Port(19080),), node="b", is_host_network=True),
        "stuck": PodPlan(comes_later=True, is_pending=True),
    } == found.namespaces["shop"].pods
    assert {
        "web": ServicePlan({"app": "api"}, (DoorPort(80, Protocol.TCP, "http"),), ServiceKind.NODE_PORT, is_asked_by_name=True),
        "lone": ServicePlan({"app": "api"}, (DoorPort(80, Protocol.TCP, 80),), ServiceKind.HEADLESS, comes_later=True),
    } == found.namespaces["shop"].services
    assert (True, False) == (found.is_exclusive, found.needs_raw_sockets)


def test_all_that_can_be_done(tmp_path: Path) -> None:
    done = steps(
        "complete: [shop/job]",
        "reuse: {shop/late: shop/job}",
        "together: [{remove: [shop/late]}, {add: [shop/late, svc/shop/lone]}, {remove: [svc/shop/lone]}]\n    times: 20",
        "recreate: [shop/job]",
        "restart: node/a",
        "churn: {policies: 2, relabels: 1, seconds: 3, pods: 9}",
        "wait: 5",
        "add: [shop/stuck]",
    )

    scenario = load(
        write(tmp_path, text(layout=LAYOUT, steps=done, needs="class: identity\norigin: [a book]\nwithout-nat: true\ndisruptive: true\n"))
    )

    assert [
        Complete(("shop/job",)),
        Reuse({"shop/late": "shop/job"}),
        Together((Remove(("shop/late",)), Add(("shop/late", "svc/shop/lone")), Remove(("svc/shop/lone",))), 20),
        Recreate(("shop/job",)),
        Restart("node/a"),
        Churn(2, 1, 9, 3),
        Wait(5),
        Add(("shop/stuck",)),
    ] == [step.action for step in scenario.steps]
    assert [
        "complete shop/job",
        "add shop/late with the address of shop/job",
        "at once: remove shop/late; add shop/late, svc/shop/lone; remove svc/shop/lone, 20 times",
        "recreate shop/job",
        "restart node/a",
        "churn: 2 policies a minute and 1 relabels a minute for 3 s, 9 short-lived pods",
        "wait 5 s",
        "add shop/stuck",
    ] == [str(step.action) for step in scenario.steps]
    assert ("identity", ("a book",), True, True, True) == (
        scenario.fault_class,
        scenario.origin,
        scenario.judges_source,
        scenario.is_disruptive,
        scenario.runs_alone,
    )


def test_who_is_there_after_each_change(tmp_path: Path) -> None:
    first = Presence.at_first(layout(tmp_path))

    assert Presence(frozenset({"shop/api", "shop/front", "shop/job", "shop/node"}), services=frozenset({"svc/shop/web"})) == first
    ended = first.after(Complete(("shop/job",)))
    assert (frozenset({"shop/job"}), first.pods - {"shop/job"}) == (ended.completed, ended.pods)
    assert first == ended.after(Recreate(("shop/job",)))
    assert first.pods | {"shop/late"} == first.after(Reuse({"shop/late": "shop/job"})).pods
    assert first == first.after(Together((Remove(("svc/shop/web",)), Add(("svc/shop/web",)))))
    assert first == first.after(Wait(1))


def test_doors_of_a_fictive_world(tmp_path: Path) -> None:
    world = fictive_world(layout(tmp_path))

    assert {
        "svc/shop/web": DoorKind.SERVICE,
        "nodeport-a/shop/web": DoorKind.NODE_PORT,
        "nodeport-b/shop/web": DoorKind.NODE_PORT,
        "dns/shop/web": DoorKind.NAME,
        "dns/shop/lone": DoorKind.NAME,
        "hostport/shop/api": DoorKind.HOST_PORT,
    } == {ref: door.kind for ref, door in world.doors.items()}
    assert world.nodes["b"].addresses == world.doors["nodeport-b/shop/web"].addresses == world.pods["shop/node"].addresses
    assert ((), "web.shop.svc.cluster.local") == (world.pods["shop/stuck"].addresses, world.doors["dns/shop/web"].name)
    there = Presence.at_first(layout(tmp_path)).of(world)
    assert {"dns/shop/lone"} == set(world.doors) - set(there.doors)
    assert {"shop/late", "shop/stuck"} == set(world.pods) - set(there.pods)


def test_a_door_of_nobody_is_no_door(tmp_path: Path) -> None:
    found, world = layout(tmp_path), fictive_world(layout(tmp_path))

    assert {} == doors_of(found, world.namespaces, {}, world.nodes, ["a"], {}, {})


def test_a_host_port_on_a_node_that_nobody_knows_has_no_address(tmp_path: Path) -> None:
    found, world = layout(tmp_path), fictive_world(layout(tmp_path))

    doors = doors_of(found, world.namespaces, world.pods, {}, ["a"], {}, {("shop/api", 80, Protocol.TCP): 20000})

    assert () == doors["hostport/shop/api"].addresses


def test_watched_cells_are_plain_questions(tmp_path: Path) -> None:
    needs = "watch: [shop/front -> shop/api, shop/late -> shop/front 80/TCP/ipv6]\nsizes: {TCP: [9]}\n"
    scenario = load(
        write(
            tmp_path,
            text(layout=LAYOUT, needs=needs, steps=steps("add: [shop/late]", expect="{shop/front -> shop/api 80/TCP/9B: allowed}")),
        )
    )
    world = fictive_world(scenario.layout)

    assert [
        "shop/front -> shop/api 80/TCP ipv4",
        "shop/front -> shop/api 80/TCP ipv6",
        "shop/front -> shop/api 53/UDP ipv4",
        "shop/front -> shop/api 53/UDP ipv6",
        "shop/late -> shop/front 80/TCP ipv6",
    ] == [str(question) for question in watched(scenario, questions_of(world, Family, scenario.sizes))]


@pytest.mark.parametrize(
    ("pods", "faults"),
    [
        pytest.param("api: {serves: [80/TCP], host-ports: [81/TCP]}", ["7:46: host port 81/TCP is none that it serves: 80/TCP"], id="a host port that is not served"),
        pytest.param("api: {serves: [], host-ports: [81/TCP]}", ["7:40: host port 81/TCP is none that it serves: nothing"], id="a host port of a pod that serves nothing"),
        pytest.param("api: {host-network: true, node: a, host-ports: [80/TCP]}", ["7:57: a pod in its node's network has its node's ports already"], id="a host port in the node's network"),
        pytest.param("api: {host-network: true}", ["7:9: a pod in its node's network needs a node: a or b"], id="the network of any node"),
        pytest.param("api: {host-network: true, node: a}\n        b: {host-network: true, node: a}\n        c: {host-network: true, node: b}", ["8:9: shop/api serves 80/TCP in the network of the same node"], id="a port of a node twice"),
        pytest.param("api: {pending: true}", ["7:15: a pod that never runs comes later: nobody waits for it"], id="a pending pod at first"),
    ],
)  # fmt: skip
def test_faults_of_pods(tmp_path: Path, pods: str, faults: list[str]) -> None:
    path = write(tmp_path, text(layout=f"layout:\n  shop:\n    pods:\n        {pods}\n", steps=steps("apply: [deny]")))

    assert faults == faults_of(path)


@pytest.mark.parametrize(
    ("service", "faults"),
    [
        pytest.param("{selects: {app: api}, ports: {99999/TCP: 80}}", ["9:40: port 99999 is above 65535"], id="a port too high"),
        pytest.param("{selects: {app: api}, ports: {80/TCP: web}}", ["9:48: no pod of this namespace names a port web for TCP"], id="a name that nobody has"),
        pytest.param("{selects: {app: api}, ports: {80/UDP: http}}", ["9:48: no pod of this namespace names a port http for UDP"], id="a name of another protocol"),
        pytest.param("{selects: {app: api}, ports: {80/TCP: 81}}", ["9:48: no pod of this namespace serves 81 for TCP"], id="a number that nobody serves"),
        pytest.param("{selects: {app: api}, ports: {81/TCP: 80}, kind: headless}", ["9:48: a headless Service leads to the pods' own port: write 81/TCP: 81"], id="a headless one with another port"),
        pytest.param("{selects: {app: api}, ports: {80/TCP: 80, 80/TCP: 80}}", ["9:52: key '80/TCP' stands twice"], id="a port twice"),
        pytest.param("{selects: {}, ports: {}}", ["9:20: a mapping is wrong here: wanted is a mapping of one label or more", "9:31: a mapping is wrong here: wanted is a mapping of ports (80/TCP) to numbers or names of the pods' ports"], id="nothing selected, and no ports"),
    ],
)  # fmt: skip
def test_faults_of_services(tmp_path: Path, service: str, faults: list[str]) -> None:
    pods = "layout:\n  shop:\n    pods:\n      api: {serves: [http=80/TCP]}\n    services:\n"
    path = write(tmp_path, text(layout=f"{pods}      a: {service}\n", steps=steps("apply: [deny]")))

    assert faults == faults_of(path)


@pytest.mark.parametrize("name", ["svc", "nodeport-a", "nodeport-b", "hostport", "dns", "node"])
def test_names_of_namespaces_that_mean_something_else(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, text(layout=f"layout:\n  {name}: {{pods: {{api: {{}}}}}}\n", policies="", steps=steps("wait: 1")))

    assert [f"5:3: no namespace is called {name}: references such as {name}/… mean something else"] == faults_of(path)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        pytest.param(["add: [shop/api, shop/nobody]"], ["shop/api is there already", "there is no pod or Service 'shop/nobody'; there are: shop/api, shop/front, shop/job, shop/late, shop/node, shop/stuck, svc/shop/web, svc/shop/lone"], id="adding who is there, and nobody"),
        pytest.param(["complete: [shop/job]", "add: [shop/job]"], ["shop/job has ended, and its object is still there: remove it first"], id="adding who has ended"),
        pytest.param(["remove: [shop/late, svc/shop/lone]"], ["shop/late is not there at this step", "svc/shop/lone is not there at this step"], id="removing who is not there"),
        pytest.param(["recreate: [svc/shop/web]"], ["there is no pod 'svc/shop/web'; there are: shop/api, shop/front, shop/job, shop/late, shop/node, shop/stuck"], id="recreating a Service"),
        pytest.param(["add: [shop/stuck]", "complete: [shop/stuck]"], ["shop/stuck is pending, and never runs"], id="ending who never runs"),
        pytest.param(["complete: [shop/job]", "complete: [shop/job]"], ["shop/job is not there at this step"], id="ending twice"),
        pytest.param(["reuse: {shop/late: shop/job}"], ["shop/job has not ended at this step: complete or remove it before"], id="the address of who has not ended"),
        pytest.param(["reuse: {shop/late: shop/stuck}"], ["shop/stuck was never there before this step"], id="the address of who never was there"),
        pytest.param(["reuse: {shop/api: shop/job, shop/x: shop/job, shop/late: shop/y}"], ["shop/api is there already", "there is no pod 'shop/x'; there are: shop/api, shop/front, shop/job, shop/late, shop/node, shop/stuck", "there is no pod 'shop/y'; there are: shop/api, shop/front, shop/job, shop/late, shop/node, shop/stuck"], id="an address for who is there, or for and of nobody"),
        pytest.param(["remove: [shop/front]", "reuse: {shop/late: shop/front}"], ["an address belongs to a node: shop/late and shop/front need the same one in the layout (node: a)"], id="an address of another node"),
        pytest.param(["remove: [shop/node]", "reuse: {shop/late: shop/node}"], ["a pod in its node's network has no address of its own"], id="an address of a node"),
        pytest.param(["complete: [shop/job]", "reuse: {shop/late: shop/job}", "remove: [shop/job]", "reuse: {shop/job: shop/job}"], ["the address of shop/job is that of shop/late at this step"], id="an address that is in use again"),
        pytest.param(["relabel: {shop/late: {a: b}}"], ["shop/late is not there at this step"], id="labels of who is not there"),
        pytest.param(["churn: {policies: 3}"], ["policies and relabels (a minute) go with seconds"], id="churn without seconds"),
        pytest.param(["churn: {pods: 3, seconds: 4}"], ["policies and relabels (a minute) go with seconds"], id="seconds for pods"),
        pytest.param(["wait: 1\n    times: 3"], ["times stands beside together, and nowhere else"], id="times alone"),
        pytest.param(["together: [{apply: [deny], wait: 1}, {apply: [deny]}]"], ["unknown key 'wait'; known here: add, annotate, apply, complete, delete, recreate, relabel, remove, restart, reuse"], id="waiting together"),
        pytest.param(["together: [{}, {restart: plugin}]"], ["a change has exactly one of apply, delete, relabel, annotate, add, remove, recreate, complete, reuse, restart, this one has none"], id="nothing together"),
        pytest.param(["together: [{add: [shop/late]}, {apply: [deny]}]\n    times: 2"], ["shop/late is there already"], id="what cannot be done twice"),
        pytest.param(["apply: [late]"], ["policy 'late' has the address of shop/late, which was never there before this step"], id="an address that nobody has yet"),
        pytest.param(["together: [{add: [shop/late]}, {apply: [late]}]"], ["policy 'late' has the address of shop/late, which was never there before this step"], id="an address that is not known before the step"),
    ],
)  # fmt: skip
def test_faults_of_changes(tmp_path: Path, changes: list[str], faults: list[str]) -> None:
    both = policy(f"{HEAD}spec: {{}}") + policy(
        f"{HEAD}spec: {{egress: [{{to: [{{ipBlock: {{cidr: \"{{{{ cidr('shop/late') }}}}\"}}}}]}}]}}", "late"
    ).removeprefix("policies:\n")
    path = write(tmp_path, text(layout=LAYOUT, policies=both, steps=steps(*changes)))

    assert faults == [fault.split(": ", 1)[1] for fault in faults_of(path)]


@pytest.mark.parametrize(
    ("expect", "fault"),
    [
        pytest.param("{shop/late -> shop/api: allowed}", "shop/late is not there at this step", id="who is not there"),
        pytest.param("{svc/shop/web -> shop/api: allowed}", "svc/shop/web asks nobody: it is no pod", id="a door asks"),
        pytest.param("{outside/alpha -> svc/shop/web: allowed}", "outside hosts do not ask svc/shop/web, which means nothing outside: write -", id="a host asks a Service"),
        pytest.param("{outside/alpha -> shop/api 9/TCP: allowed}", "outside/alpha -> shop/api 9/TCP speaks of nothing: shop/api serves http=80/TCP, 53/UDP", id="a host asks what is not served"),
        pytest.param("{shop/front -> shop/api 80/TCP/7B: allowed}", "shop/front -> shop/api 80/TCP/7B speaks of nothing: shop/api serves http=80/TCP, 53/UDP, and sizes are none", id="a size that is not asked"),
    ],
)  # fmt: skip
def test_faults_of_cells(tmp_path: Path, expect: str, fault: str) -> None:
    path = write(tmp_path, text(layout=LAYOUT, steps=steps("apply: [deny]", expect=expect)))

    assert [fault] == [found.split(": ", 1)[1] for found in faults_of(path)]


def test_a_pending_pod_has_no_cells(tmp_path: Path) -> None:
    path = write(tmp_path, text(layout=LAYOUT, steps=steps("add: [shop/stuck]", expect="{shop/stuck -> shop/api: allowed}")))

    assert ["shop/stuck -> shop/api speaks of nothing: a pending pod has no address"] == [
        found.split(": ", 1)[1] for found in faults_of(path)
    ]


@pytest.mark.parametrize(
    ("cell", "faults"),
    [
        pytest.param("shop/front", ["'shop/front' is no cell such as shop/front -> shop/api 80/TCP"], id="no cell"),
        pytest.param("shop/front -> shop/api 80/XXX", ["'80/XXX' is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4"], id="no lane"),
        pytest.param("shop/late -> shop/api", ["shop/late is not there at this step"], id="who is never there"),
        pytest.param("shop/front -> shop/api ICMP", ["shop/front -> shop/api ICMP speaks of nothing: shop/api serves http=80/TCP, 53/UDP"], id="what nobody asks"),
        pytest.param("shop/front -> shop/api 80/TCP/9B", ["shop/front -> shop/api 80/TCP/9B cannot be watched: that is for TCP and UDP"], id="a size"),
        pytest.param("shop/front -> shop/api, shop/front -> shop/api", ["shop/front -> shop/api stands twice"], id="a cell twice"),
    ],
)  # fmt: skip
def test_faults_of_watched_cells(tmp_path: Path, cell: str, faults: list[str]) -> None:
    path = write(tmp_path, text(layout=LAYOUT, needs=f"watch: [{cell}]\nsizes: {{TCP: [9]}}\n", steps=steps("apply: [deny]")))

    assert faults == [found.split(": ", 1)[1] for found in faults_of(path)]


def test_without_a_layout_nobody_is_unknown(tmp_path: Path) -> None:
    done = steps("add: [a/b]", "reuse: {a/b: c/d}", "relabel: {x: {a: b}}")
    path = write(tmp_path, text(layout="layout: []\n", policies="", needs="watch: [a/b -> c/d]\n", steps=done))

    assert ["a list is wrong here: wanted is the name of a shared layout, or namespaces with their pods"] == [
        found.split(": ", 1)[1] for found in faults_of(path)
    ]


def test_a_class_that_nobody_knows(tmp_path: Path) -> None:
    path = write(tmp_path, text(needs="class: warp\n"))

    assert "there is no class 'warp'; there are: ports, rules" in faults_of(path)[0]


def test_what_a_scenario_uses_it_needs(tmp_path: Path) -> None:
    scenario = load(
        write(tmp_path, text(layout=LAYOUT, steps=steps("restart: plugin", "together: [{restart: node/a}, {add: [svc/shop/lone]}]")))
    )

    assert ("service", "node-port", "dns", "host-network", "host-port", "restart-plugin", "restart-node") == needed(scenario)


def test_an_action_of_labels_in_words() -> None:
    assert "annotate shop a=b, shop/api c-" == str(Annotate({"shop": {"a": "b"}, "shop/api": {"c": None}}))

"""`graph`: who may talk to whom, drawn."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner
from own_policies import EXAMPLE, namespace, policy, read, workload

from conformance.cli import main
from conformance.graph.layout import place
from conformance.graph.relations import EVERYBODY, MOST_ARROWS, MOST_NODES, OUTSIDE, Drawing, drawing_of
from conformance.graph.svg import svg
from conformance.graph.text import dot, mermaid
from conformance.manifests.ground import Ranges
from conformance.manifests.inventory import Inventory
from conformance.manifests.reading import read_paths
from conformance.manifests.taking import inventory

SVG = "{http://www.w3.org/2000/svg}"


def drawn(found: Inventory) -> Drawing:
    return drawing_of(found, Ranges.of(()))


def arrows(drawing: Drawing) -> set[tuple[str, str, str]]:
    names = [", ".join(node.members) for node in drawing.nodes]
    return {(names[each.source], names[each.target], each.label + (" open" if each.is_open else "")) for each in drawing.arrows}


@pytest.fixture
def tiers() -> Drawing:
    found, faults = inventory(read_paths([EXAMPLE / "application.yaml", EXAMPLE / "policies.yaml"]))
    assert () == faults
    return drawn(found)


def test_arrows_are_what_rules_let_through(tiers):
    assert {
        ("everybody", "frontend", "8080/TCP"),
        ("frontend", "api", "8080/TCP"),
        ("api", "database", "5432/TCP"),
        ("database", "database", "5432/TCP"),
        ("report", "database", "5432/TCP"),
        ("collector", "api", "9090/TCP"),
    } == arrows(tiers)


def test_a_node_says_for_which_directions_it_is_isolated(tiers):
    assert {"isolated: ingress, egress": 4, "not isolated": 2, "": 1} == {
        state: [node.state for node in tiers.nodes].count(state) for state in {node.state for node in tiers.nodes}
    }


def test_peers_of_which_nobody_is_known_are_told(tiers):
    dns = "pods with k8s-app=kube-dns of namespaces with kubernetes.io/metadata.name=kube-system"
    assert f"Not drawn: peers of which nobody is known here ({dns})." in tiers.sentences


FRONT = "{from: [{podSelector: {matchLabels: {app: front}}}]}"


def test_workloads_that_behave_alike_are_one_node():
    texts = [workload(f"shop/api-{number}", f"app: api-{number}, tier: back", f"{8000 + number}/TCP") for number in range(9)]
    found = read(
        *texts,
        workload("shop/front", "app: front"),
        policy("shop/it", f"{{podSelector: {{matchLabels: {{tier: back}}}}, ingress: [{FRONT}]}}"),
    )
    drawing = drawn(found)
    assert [9, 1] == [len(node.members) for node in drawing.nodes]
    assert 1 == len(drawing.arrows)
    assert ">api-0 and 8 more<" in svg(drawing)


def test_one_arrow_of_its_own_sets_a_workload_apart():
    texts = [workload(f"shop/api-{number}", f"app: api-{number}, tier: back", "80/TCP") for number in range(4)]
    more = policy(
        "shop/more", "{podSelector: {matchLabels: {app: api-0}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: x}}}]}]}"
    )
    found = read(
        namespace("watch", "team: x"),
        *texts,
        workload("watch/eye", "app: eye"),
        policy("shop/it", "{podSelector: {matchLabels: {tier: back}}, policyTypes: [Ingress]}"),
        more,
    )
    assert {("eye", "api-0", "all ports")} == arrows(drawn(found))
    assert [("api-0",), ("api-1", "api-2", "api-3"), ("eye",)] == [node.members for node in drawn(found).nodes]


def test_hosts_outside_stand_for_their_blocks():
    spec = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443}]}]}"
    assert {("api", "203.0.113.0/24", "443/TCP")} == arrows(drawn(read(workload("shop/api", "app: api"), policy("shop/out", spec))))


def test_what_is_left_to_the_plugin_is_dashed_and_said():
    spec = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"
    drawing = drawn(
        read(workload("shop/api", "app: api", "80/TCP"), workload("bank/vault", "app: vault", "80/TCP"), policy("shop/out", spec))
    )
    assert {("api", "vault", "all ports (IPv4) open"), ("api", "10.0.0.0/8", "all ports")} == arrows(drawing)
    assert "Dashed arrows are open: the specification leaves them to the plugin." in drawing.sentences
    assert 'class="arrow open"' in svg(drawing)
    assert '-.->|"all ports (IPv4) (open)"|' in mermaid(drawing)
    assert "style=dashed" in dot(drawing)


def test_everybody_is_one_node_where_all_say_the_same(tiers):
    assert [(EVERYBODY,)] == [node.members for node in tiers.nodes if node.group == OUTSIDE]


def large(workloads: int) -> Inventory:
    """Many workloads of which each two behave in their own way."""
    texts = [workload(f"shop/w{number}", f"app: w{number}", "80/TCP") for number in range(workloads)]
    rules = [
        policy(
            f"shop/p{number}",
            f"{{podSelector: {{matchLabels: {{app: w{number}}}}}, ingress: [{{from: [{{podSelector: {{matchExpressions: ["
            f"{{key: app, operator: In, values: [{', '.join(f'w{other}' for other in range(number))}]}}]}}}}]}}]}}",
        )
        for number in range(1, workloads)
    ]
    return read(*texts, *rules)


def test_what_is_too_much_is_counted():
    drawing = drawn(large(MOST_NODES + 10))
    assert (MOST_NODES, MOST_ARROWS) == (len(drawing.nodes), len(drawing.arrows))
    assert "Not drawn: 10 more nodes (10 workloads), with their arrows." in drawing.sentences
    assert any(re.fullmatch(r"Not drawn: \d+ more arrows\.", sentence) for sentence in drawing.sentences)


def test_nodes_never_overlap_and_labels_lie_inside(tiers):
    for drawing in (tiers, drawn(large(40))):
        placed = place(drawing)
        boxes = list(placed.nodes.values())
        assert [] == [(a, b) for a in boxes for b in boxes if a is not b and a.meets(b)]
        assert all(0 <= box.x and box.x + box.width <= placed.width and box.y + box.height <= placed.height for box in boxes)
        assert all(0 <= curve.label.x and curve.label.x + curve.label.width <= placed.width for curve in placed.curves[:20])


def test_who_asks_stands_left_of_whom_it_asks(tiers):
    placed = place(tiers)
    x = {node.members[0]: placed.nodes[number].x for number, node in enumerate(tiers.nodes)}
    assert sorted(["everybody", "frontend", "api", "database"], key=x.__getitem__) == ["everybody", "frontend", "api", "database"]


def test_circles_are_drawn_too():
    texts = [workload(f"shop/{name}", f"app: {name}", "80/TCP") for name in "abc"]
    rules = [
        policy(
            f"shop/to-{one}",
            f"{{podSelector: {{matchLabels: {{app: {one}}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {other}}}}}}}]}}]}}",
        )
        for one, other in ("ab", "bc", "ca")
    ]
    drawing = drawn(read(*texts, *rules))
    assert {("b", "a", "all ports"), ("c", "b", "all ports"), ("a", "c", "all ports")} == arrows(drawing)
    assert 3 == svg(drawing).count('class="arrow"')


def test_the_svg_is_sound_and_can_be_read_by_ear(tiers):
    root = ET.fromstring(svg(tiers))  # noqa: S314 - ours
    assert ("img", "title", "desc") == (root.get("role"), root.get("aria-labelledby"), root.get("aria-describedby"))
    described = root.findtext(f"{SVG}desc")
    assert "frontend to api: 8080/TCP." in described
    assert "tickets: frontend (isolated: ingress, egress)" in described
    assert "prefers-color-scheme: dark" in root.findtext(f"{SVG}style")
    assert [] == re.findall(r"(?:href|url)\s*[=(]\s*[\"']?(?!#)\S*", svg(tiers))


HOSTILE = "</text><script>alert(1)</script>"


def test_what_a_manifest_says_is_never_markup():
    spec = (
        f'{{podSelector: {{}}, policyTypes: [Ingress], ingress: [{{from: [{{podSelector: {{matchLabels: {{a: "{HOSTILE}\\u202e"}}}}}}]}}]}}'
    )
    drawing = drawn(read(workload("shop/api", "app: api", "80/TCP"), policy("shop/it", spec)))
    page = svg(drawing)
    assert "script" not in {each.tag.removeprefix(SVG) for each in ET.fromstring(page).iter()}  # noqa: S314 - ours
    assert ("<script>" in page, "<" in mermaid(drawing).replace("<br/>", ""), "\u202e" in page + mermaid(drawing) + dot(drawing)) == (
        False,
        False,
        False,
    )


def test_mermaid_is_a_flowchart_with_a_group_for_each_namespace(tiers):
    lines = mermaid(tiers).splitlines()
    assert "flowchart LR" == lines[0]
    assert ['  subgraph g0["outside the cluster"]', '  subgraph g1["tickets"]', '  subgraph g2["watch"]'] == [
        each for each in lines if "subgraph" in each
    ]
    assert '  n0 -->|"8080/TCP"| n1' in lines


FORMS = [
    pytest.param("it.svg", [], "<svg", id="by its ending, SVG"),
    pytest.param("it.mmd", [], "flowchart LR", id="Mermaid"),
    pytest.param("it.md", [], "```mermaid\nflowchart LR", id="Mermaid in a page"),
    pytest.param("it.dot", [], "digraph", id="Graphviz"),
    pytest.param("it.txt", ["--format", "mermaid"], "flowchart LR", id="as it is asked for"),
    pytest.param("it", [], "<svg", id="no ending"),
]


@pytest.mark.parametrize(("name", "words", "start"), FORMS)
def test_the_form_is_that_of_the_file(tmp_path: Path, name, words, start):
    result = CliRunner().invoke(main, ["graph", str(EXAMPLE), "-o", str(tmp_path / name), *words])
    assert (0, "") == (result.exit_code, result.output)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_without_a_file_it_is_written_to_the_standard_output():
    assert CliRunner().invoke(main, ["graph", str(EXAMPLE), "--format", "dot"]).output.startswith("digraph reach {")


def test_ranges_of_ports_are_told_as_they_are_meant():
    ports = "[{port: 8000, endPort: 9000}, {port: 8500, endPort: 9500}, {port: 7000}, {protocol: SCTP}]"
    rule = f"{{from: [{{podSelector: {{matchLabels: {{app: web}}}}}}], ports: {ports}}}"
    spec = f"{{podSelector: {{matchLabels: {{app: api}}}}, ingress: [{rule}]}}"
    found = drawn(read(workload("shop/web", "app: web", ""), workload("shop/api", "app: api", ""), policy("shop/it", spec)))
    assert {("web", "api", "all SCTP, 7000/TCP, 8000-9500/TCP")} == arrows(found)


def test_an_arrow_that_leads_back_passes_behind_no_node():
    rule = "{from: [{podSelector: {matchLabels: {app: %s}}}], ports: [{port: 80}]}"
    rules = [
        policy(f"shop/to-{one}", f"{{podSelector: {{matchLabels: {{app: {one}}}}}, ingress: [{rule % other}]}}")
        for one, other in ("ab", "ba")
    ]
    placed = place(drawn(read(*(workload(f"shop/{name}", f"app: {name}", "80/TCP") for name in "ab"), *rules)))
    there, back = ([float(number) for number in re.findall(r"-?[0-9.]+", curve.path)] for curve in placed.curves)
    assert (True, 0.0) == (there[0] < there[-2], there[1] - there[3])  # straight on
    assert (True, 92.0) == (back[0] > back[-2], back[1] - back[3])  # around


LONG = [
    pytest.param(["notifications-dispatcher"], "notifications-dispa…", id="one name"),
    pytest.param(["catalog", "orders"], "catalog, orders", id="names for which there is room"),
    pytest.param(["catalog-search", "orders"], "catalog-… and 1 more", id="names for which there is none"),
    pytest.param([f"api-{number}" for number in range(9)], "api-0 and 8 more", id="many names"),
]


@pytest.mark.parametrize(("names", "shown"), LONG)
def test_a_name_that_is_too_long_is_cut_and_a_count_never_is(names, shown):
    texts = [workload(f"shop/{name}", "app: it", "80/TCP") for name in names]
    page = svg(drawn(read(*texts, policy("shop/it", "{podSelector: {}}"))))
    assert [shown] == re.findall('<text class="name"[^>]*>([^<]*)<', page)


def test_no_arrow_leaves_the_drawing():
    peer = "{podSelector: {matchExpressions: [{key: app, operator: In, values: [w%d, w%d]}]}}"
    spec = f"{{podSelector: {{matchLabels: {{app: w%d}}}}, ingress: [{{from: [{peer}]}}]}}"
    workloads = [workload(f"team-{n % 5}/w{n}", f"app: w{n}", "80/TCP") for n in range(40)]
    policies = [policy(f"team-{n % 5}/p{n}", spec % (n, (n + 5) % 40, (n + 15) % 40)) for n in range(40)]
    placed = place(drawn(read(*workloads, *policies)))
    ends = [[float(number) for number in re.findall(r"-?[0-9.]+", curve.path)] for curve in placed.curves]
    middles = [0.125 * y[0] + 0.375 * y[1] + 0.375 * y[2] + 0.125 * y[3] for y in (each[1::2] for each in ends)]
    assert [] == [y for y in middles if not 0 < y < placed.height]


def test_of_policies_with_one_name_the_last_one_is_drawn():
    admits = "{podSelector: {matchLabels: {app: api}}, ingress: [{}]}"
    nobody = "{podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress]}"
    workloads = (workload("shop/web", "app: web", ""), workload("shop/api", "app: api", "80/TCP"))
    found = drawn(read(*workloads, policy("shop/it", admits), policy("shop/it", nobody)))
    assert ((), "Not drawn: policies that a later one of their name replaces (1: 3.yaml:2).") == (found.arrows, found.sentences[-1])


OPEN_BLOCK = "{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}"

OPEN_AND_ALLOWED = [
    pytest.param("", "{ports: [{port: 80}]}", {"80/TCP", "all other ports open"}, id="no ports declared"),
    pytest.param("", "{ports: [{protocol: UDP}]}", {"all UDP", "all SCTP, all TCP open"}, id="a whole protocol"),
    pytest.param(
        "", "{ports: [{protocol: UDP}, {port: 80}]}", {"all UDP, 80/TCP", "all SCTP, all other TCP open"}, id="a protocol and a port"
    ),
    pytest.param("80/TCP 81/TCP", "{ports: [{port: 80}]}", {"80/TCP", "81/TCP open"}, id="one of two that are declared"),
    pytest.param("80/TCP", "{ports: [{port: 80}]}", {"80/TCP"}, id="all that are declared"),
]


@pytest.mark.parametrize(("ports", "rule", "labels"), OPEN_AND_ALLOWED)
def test_no_port_is_allowed_and_open_at_once(ports, rule, labels):
    spec = f"{{podSelector: {{matchLabels: {{app: web}}}}, policyTypes: [Egress], egress: [{OPEN_BLOCK}, {rule}]}}"
    found = read(workload("shop/web", "app: web", ""), workload("shop/api", "app: api", ports), policy("shop/it", spec))
    drawing = drawing_of(found, Ranges.of(["10.0.0.0/16"]))
    assert labels == {label for source, target, label in arrows(drawing) if (source, target) == ("web", "api")}

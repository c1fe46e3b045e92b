"""What `cni-conformance expect` shows, and where a file and the model differ."""

from pathlib import Path

import pytest
from scenario_file import HEAD, policy, text, write

from conformance import data
from conformance.expect import contradictions, explain
from conformance.scenario.load import load

FREE = "egress: no policy isolates shop/api; ingress: no policy isolates shop/front"
HELD = "ingress: shop/deny isolates shop/api: no rule of it names shop/front"
PAGE = """\
sample (changes/sample.yaml)
Nobody reaches the API.
Because: So it is written.

Step 1: apply deny

from\\to     shop/api  shop/front
shop/api       -          .
shop/front     X          -

X ingress: shop/deny isolates shop/api: no rule of it names them
    shop/front -> shop/api 80/TCP

Step 2: delete deny

from\\to     shop/api  shop/front
shop/api       -          .
shop/front     .          -"""


def test_the_page_of_a_scenario(tmp_path: Path) -> None:
    steps = "steps:\n  - {apply: [deny], expect: {shop/front -> shop/api: blocked}}\n  - {delete: [deny], expect: all allowed}\n"

    assert PAGE == explain(load(write(tmp_path / "changes", text(steps=steps))))


def test_reasons_come_with_all_cells_that_they_decide(tmp_path: Path) -> None:
    api = "api: {labels: {app: api}, serves: [80/TCP, 81/TCP, ICMP]}"
    layout = f"layout:\n  shop:\n    pods:\n      {api}\n      a: {{}}\n      b: {{}}\n      a-b: {{}}\n"
    body = HEAD + "spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}"

    steps = "steps:\n  - {apply: [deny], expect: {shop/a -> shop/api 81: blocked}}\n"

    page = explain(load(write(tmp_path, text(layout=layout, policies=policy(body), steps=steps))))

    others = "    shop/a, shop/b, shop/a-b -> shop/api"
    assert (
        f". ingress: rule 0 of shop/deny admits all pods on 80/TCP\n{others} 80/TCP\n"
        f"? ingress: shop/api is isolated, and what a policy does to ICMP is undefined\n{others} 0/ICMP\n"
        f"X ingress: shop/deny isolates shop/api: rule 0 names them, but not 81/TCP\n{others} 81/TCP\n"
    ) == page.rpartition("\n\n")[2] + "\n"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("another-node-lacks-no-label", "? ingress: they are on the node of shop/web"),
        ("block-of-a-node-as-peer", "? egress: they are on the node of shop/desk, whose egress to it is undefined"),
        (
            "another-node-lacks-no-label",
            "? ingress: whether shop/web sees their address or that of a node behind nodeport-a/shop/web is undefined",
        ),
        (
            "block-of-a-node-as-peer",
            "? egress: whether egress of shop/desk is judged by the node's address or by shop/web behind them is undefined",
        ),
        ("another-node-lacks-no-label", "? egress: shop/web stands behind them itself, and what becomes of that is undefined"),
    ],
)
def test_several_others_are_spoken_of_as_several(name: str, line: str) -> None:
    assert line in explain(load(data.folder("scenarios") / "node" / f"{name}.yaml")).splitlines()


def test_the_page_says_where_file_and_model_disagree(tmp_path: Path) -> None:
    page = explain(
        load(write(tmp_path, text(steps="steps:\n  - {apply: [deny], expect: {shop/front -> shop/api 80/TCP/ipv6: allowed}}\n")))
    )

    assert page.endswith(
        "The file and the model disagree: shop/front -> shop/api 80/TCP ipv6: the file (line 16) says allowed, the model says blocked"
        " (ingress: shop/deny isolates shop/api: no rule of it names shop/front)"
    )


def test_a_contradiction_has_its_place_in_the_file(tmp_path: Path) -> None:
    table = "|\n      from\\to     shop/api  shop/front\n      shop/api       -          X\n      shop/front     .          -\n"
    path = write(tmp_path, text(steps=f"steps:\n  - apply: [deny]\n    expect: {table}"))

    assert [
        f"{path}:19:33: shop/api -> shop/front 80/TCP ipv4: the file (line 19) says blocked, the model says allowed ({FREE})",
        f"{path}:20:22: shop/front -> shop/api 80/TCP ipv4: the file (line 20) says allowed, the model says blocked ({HELD})",
    ] == [str(fault).splitlines()[0] for fault in contradictions([load(path)])]


def test_no_contradictions(tmp_path: Path) -> None:
    assert () == contradictions([load(write(tmp_path, text()))])


def test_the_head_of_the_page_says_what_is_special(tmp_path: Path) -> None:
    special = "class: network\norigin: [a book, a thread]\nwatch: [shop/front -> shop/api]\n"
    special += "sizes: {UDP: [9, 10]}\nwithout-nat: true\ndisruptive: true\n"

    page = explain(load(write(tmp_path / "changes", text(needs=special))))

    assert (
        "Because: So it is written.\n"
        "Class: network\n"
        "From: a book, a thread\n"
        "Asked all the time: shop/front -> shop/api\n"
        "Asked in UDP with these many bytes, too: 9, 10\n"
        "Every pod must see the asker's own address.\n"
        "Disruptive: it runs alone and last.\n"
    ) in page

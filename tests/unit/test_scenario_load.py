"""A sound file becomes a scenario; of any other every fault is said, with its line and its caret."""

# A row of a table of cases stands on a line of its own, however long the sentence that is expected.
# ruff: noqa: E501, ISC004

from dataclasses import replace
from pathlib import Path

import pytest
from scenario_file import HEAD, policy, root, text, write

from conformance import data
from conformance.scenario.fault import Fault, InvalidScenario
from conformance.scenario.load import capabilities, load, root_of, schema
from conformance.scenario.scenario import (
    Annotate,
    Apply,
    Claim,
    Delete,
    HostPlan,
    Layout,
    NamespacePlan,
    PodPlan,
    Relabel,
    Scenario,
    Step,
)
from conformance.scenario.steps import ACTIONS
from conformance.scenario.writing import layout_document
from conformance.world.place import Port
from conformance.world.table import Cell, Lane
from conformance.world.verdict import Protocol, Verdict


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InvalidScenario) as caught:
        load(path)
    return caught.value.faults


def test_a_sound_file(tmp_path: Path) -> None:
    path = write(tmp_path / "ports", text())

    cell = Cell("shop/front", "shop/api", Lane(), Verdict.BLOCKED)
    assert Scenario(
        name="sample",
        about="Nobody reaches the API.",
        because="So it is written.",
        layout=Layout(None, {"shop": NamespacePlan({}, {"api": PodPlan({"app": "api"}), "front": PodPlan()})}),
        policies={"deny": f"{HEAD}spec: {{podSelector: {{matchLabels: {{app: api}}}}}}\n"},
        steps=(Step(Apply(("deny",)), (Claim(Verdict.BLOCKED, cell, 18, 7),), 16),),
        path=path,
        group="ports",
    ) == load(path)


def test_all_that_may_stand_in_a_file(tmp_path: Path) -> None:
    write(root(tmp_path), "about: Two pods.\nlayout:\n  shop: {pods: {api: {}}}\n", "layouts/two.yaml")
    path = write(
        tmp_path / "changes" / "labels",
        text(
            needs="needs: [warp]\nrecipe: 2b\nruns-alone: true\n",
            layout=(
                "layout:\n  shop:\n    labels: {team: red}\n"
                "    pods: {api: {serves: [http=80/TCP, 53/UDP, ICMP], node: b}, front: {serves: []}}\n"
                "  outside: {hosts: {alpha: {serves: [443/TCP]}, beta: {}}}\n"
            ),
            steps=(
                "steps:\n  - apply: [deny]\n    expect: all blocked\n"
                "  - relabel: {shop: {a: b}, shop/api: {a: null}}\n    expect: {outside/alpha->shop/api 80/TCP/ipv4: open}\n"
                "  - annotate: {shop: {a/b: '{}'}}\n    expect:\n    - all allowed\n    - |\n"
                "      UDP        shop/api\n      shop/front   X\n      shop/api     -\n"
                "  - delete: [deny]\n    expect: all allowed\n"
            ),
        ),
    )

    scenario = load(path)

    api = PodPlan({}, (Port(80, name="http"), Port(53, Protocol.UDP), Port(0, Protocol.ICMP)), "b")
    assert ("changes/labels", ("warp",), "2b", True) == (scenario.group, scenario.needs, scenario.recipe, scenario.runs_alone)
    assert {"shop": NamespacePlan({"team": "red"}, {"api": api, "front": PodPlan(serves=())})} == scenario.layout.namespaces
    assert {"alpha": HostPlan((Port(443),)), "beta": HostPlan()} == scenario.layout.hosts
    udp, one = Lane(protocol=Protocol.UDP), Lane.parse("80/TCP/ipv4")
    assert (
        Step(Apply(("deny",)), (Claim(Verdict.BLOCKED, None, 20, 13),), 19),
        Step(
            Relabel({"shop": {"a": "b"}, "shop/api": {"a": None}}),
            (Claim(Verdict.OPEN, Cell("outside/alpha", "shop/api", one, Verdict.OPEN), 22, 14),),
            21,
        ),
        Step(
            Annotate({"shop": {"a/b": "{}"}}),
            (
                Claim(Verdict.ALLOWED, None, 25, 7),
                Claim(Verdict.BLOCKED, Cell("shop/front", "shop/api", udp, Verdict.BLOCKED, 1, 13), 28, 20),
                Claim(None, Cell("shop/api", "shop/api", udp, None, 2, 13), 29, 20),
            ),
            23,
        ),
        Step(Delete(("deny",)), (Claim(Verdict.ALLOWED, None, 31, 13),), 30),
    ) == scenario.steps


def test_a_shared_layout_is_found_in_the_root_of_the_scenarios(tmp_path: Path) -> None:
    write(root(tmp_path), "about: Two pods.\nlayout:\n  shop: {pods: {api: {labels: {app: api}}, front: {}}}\n", "layouts/two.yaml")

    shared = load(write(tmp_path / "a", text(layout="layout: two\n"))).layout

    assert ("two", load(write(tmp_path / "a", text(), "own.yaml")).layout.key) == (shared.name, shared.key)


def test_a_file_that_lies_anywhere_means_the_suite_s_own_layouts_and_capabilities(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        text(layout="layout: tiers\n", needs="needs: [named-port]\n", steps="steps:\n  - apply: [deny]\n    expect: all allowed\n"),
    )

    scenario = load(path)

    assert ("tiers", tmp_path.name) == (scenario.layout.name, scenario.group)
    assert "named-port" in capabilities()


LAYOUTS = ", ".join(sorted(path.stem for path in (data.folder("scenarios") / "layouts").iterdir()))
TABLE = "steps:\n  - apply: [deny]\n    expect: |\n"
MORE = "steps:\n  - apply: [deny]\n    expect:\n"


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        pytest.param("", ["is empty"], id="an empty file"),
        pytest.param("# nothing\n", ["is empty"], id="a file of comments"),
        pytest.param("a: &x 1\nb: *x\n", ["2:4: is no YAML: write out what *x means"], id="an alias"),
        pytest.param("a: [1\n", ["2:1: is no YAML: while parsing a flow sequence: expected ',' or ']', but got '<stream end>'"], id="syntax"),
        pytest.param("a: !!python/none x\n", ["1:4: is no YAML: could not determine a constructor for the tag 'tag:yaml.org,2002:python/none'"], id="a tag"),
        pytest.param("a: \x07\n", ["1:4: is no YAML: a character 0x7"], id="a control character"),
        pytest.param("a: 2024-99-99\n", ["is no YAML: month must be in 1..12"], id="a date that is none"),
        pytest.param("a: !!timestamp x\n", ["is no YAML: a date that is none"], id="a word for a date"),
        pytest.param("[" * 600 + "]" * 600, ["is no YAML: nested too deeply"], id="too deep"),
        pytest.param("- a\n", ["1:1: a list is wrong here: wanted is a mapping with the keys of a scenario"], id="a list"),
        pytest.param("words\n", ["1:1: 'words' is wrong here: wanted is a mapping with the keys of a scenario"], id="a word"),
        pytest.param(text(about="", because=""), ["1:1: 'about' is missing", "1:1: 'because' is missing"], id="what is missing"),
        pytest.param(text(needs="nedes: []\n"), ["4:1: unknown key 'nedes': did you mean 'needs'?"], id="an unknown key that is nearly one"),
        pytest.param(
            text(needs="zzz: []\n"),
            ["4:1: unknown key 'zzz'; known here: about, because, class, disruptive, layout, name, needs, origin, policies, recipe, runs-alone, sizes, steps, watch, without-nat"],
            id="an unknown key",
        ),
        pytest.param(text(needs="on: []\n"), ["4:1: unknown key 'on'; known here: about, because, class, disruptive, layout, name, needs, origin, policies, recipe, runs-alone, sizes, steps, watch, without-nat"], id="a boolean as a key"),
        pytest.param(text(needs="name: other\n"), ["4:1: key 'name' stands twice"], id="a key twice"),
        pytest.param(
            text(needs="needs: [warp, warp, light]\n"),
            [
                "4:8: a list is wrong here: an entry stands twice",
                f"4:9: there is no capability 'warp'; there are: {', '.join(capabilities())}",
                f"4:15: there is no capability 'warp'; there are: {', '.join(capabilities())}",
                f"4:21: there is no capability 'light'; there are: {', '.join(capabilities())}",
            ],
            id="capabilities that there are not, and one twice",
        ),
        pytest.param(text(needs="needs: sctp\n"), ["4:8: 'sctp' is wrong here: wanted is a list of capabilities"], id="needs as a word"),
        pytest.param(text(name="name: My Sample\n"), ["1:7: 'My Sample' is wrong here: wanted is a name of small letters, digits and hyphens"], id="a name with blanks"),
        pytest.param(text(name=f"name: {'a' * 81}\n"), [f"1:7: '{'a' * 36}... is wrong here: wanted is a name of small letters, digits and hyphens"], id="a long name"),
        pytest.param(text(name="name:\n"), ["1:6: nothing is wrong here: wanted is a name of small letters, digits and hyphens"], id="no name"),
        pytest.param(text(layout="layout: nowhere\n"), [f"4:9: there is no layout 'nowhere'; there are: {LAYOUTS}"], id="a layout that there is not"),
        pytest.param(text(layout="layout: 7\n"), ["4:9: 7 is wrong here: wanted is the name of a shared layout, or namespaces with their pods"], id="a number as a layout"),
        pytest.param(
            text(layout="layout:\n  y: {pods: {a: {}}}\n"),
            ["5:3: y (a boolean in YAML: quote it, or take another word) is no key here: wanted is a name of small letters, digits and hyphens, at most 30 long"],
            id="a namespace y",
        ),
        pytest.param(
            text(layout="layout:\n  Shop: {pods: {a: {}}}\n"),
            ["5:3: 'Shop' is no key here: wanted is a name of small letters, digits and hyphens, at most 30 long"],
            id="a namespace with a capital letter",
        ),
        pytest.param(
            text(layout="layout:\n  outside: {pods: {a: {}}}\n"),
            ["5:12: 'hosts' is missing", "5:13: unknown key 'pods'; known here: hosts"],
            id="a namespace outside",
        ),
        pytest.param(
            text(layout="layout:\n  shop:\n    pods:\n      api: {labels: {app: yes}, node: c, serves: [80]}\n      front: []\n    label: {}\n"),
            [
                "7:27: yes (a boolean in YAML: quote it, or take another word) is wrong here: wanted is a label value,"
                " a string of at most 63 letters, digits, hyphens, dots and underscores",
                "7:39: 'c' is wrong here: wanted is a or b (one of two workers)",
                "7:51: 80 is wrong here: wanted is a port such as 80/TCP or http=8080/TCP, or ICMP",
                "8:14: a list is wrong here: wanted is a mapping of labels, serves, node and the like ({} for none of them)",
                "9:5: unknown key 'label': did you mean 'labels'?",
            ],
            id="several faults of a layout",
        ),
        pytest.param(
            text(layout="layout:\n  shop: {pods: {api: {serves: [80/TCP, 80/TCP, 99999/TCP, x=1/UDP, x=2/UDP, w=80/TCP]}}}\n"),
            ["5:31: a list is wrong here: an entry stands twice"],
            id="a port twice",
        ),
        pytest.param(
            text(layout="layout:\n  shop: {pods: {api: {serves: [80/TCP, 99999/TCP, x=1/UDP, x=2/UDP, w=80/TCP]}}}\n"),
            ["5:40: port 99999 is above 65535", "5:60: x=2/UDP repeats x=1/UDP", "5:69: w=80/TCP repeats 80/TCP"],
            id="ports that cannot be served",
        ),
        pytest.param(text(policies="policies: {}\n"), ["11:13: there is no policy 'deny'; there are: none"], id="no policies"),
        pytest.param(
            text(policies="policies:\n  deny: {kind: NetworkPolicy}\n"),
            ["10:9: a mapping is wrong here: wanted is a NetworkPolicy as a block of text (|)"],
            id="a policy that is no text",
        ),
        pytest.param(text(policies=policy("kind: Pod")), ["11:5: policy deny: a policy is a document of kind NetworkPolicy"], id="another kind"),
        pytest.param(text(policies=policy(f"{HEAD}\nspec: [")), ["15:12: policy deny: is no YAML: while parsing a flow node: expected the node content, but found '<stream end>'"], id="syntax of a policy"),
        pytest.param(text(policies=policy("")), ["10:9: policy deny: a policy is a document of kind NetworkPolicy"], id="an empty policy"),
        pytest.param(text(policies=policy("a: 2024-99-99")), ["11:5: policy deny: is no YAML: month must be in 1..12"], id="a date that is none, in a policy"),
        pytest.param(
            text(policies=policy(f"{HEAD}spec:\n  podSelctor: {{}}\n  ingress:\n    - ports:\n        - port: 99999\n          protocl: TCP\n    - from:\n        - {{}}")),
            [
                "15:7: policy deny: spec has egress, ingress, podSelector, policyTypes, not podSelctor",
                "19:15: policy deny: spec.ingress[0].ports[0] has endPort, port, protocol, not protocl",
                "21:15: policy deny: spec.ingress[1].from[0]: a peer needs podSelector, namespaceSelector or ipBlock",
            ],
            id="what the API would refuse",
        ),
        pytest.param(
            text(policies=policy(HEAD.replace("shop", "y"))), ["13:28: policy deny: metadata.namespace is a boolean in YAML: quote it"], id="a policy of namespace y"
        ),
        pytest.param(
            text(policies=policy(HEAD.replace("shop", "shopp"))), ["13:28: policy deny: namespace 'shopp' is none of the layout: shop"], id="a policy of another namespace"
        ),
        pytest.param(text(policies=policy(f"{HEAD}spec: {{{{ adress('x') }}}}")), ["14:11: policy deny: Jinja: 'adress' is undefined"], id="an unknown word of Jinja"),
        pytest.param(text(policies=policy(f"{HEAD}{{% for %}}")), ["14:5: policy deny: Jinja: Expected an expression, got 'end of statement block'"], id="syntax of Jinja"),
        pytest.param(text(policies=policy(f"{HEAD}{{% if families %}}")), ["14:5: policy deny: Jinja: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."], id="a block of Jinja without an end"),
        pytest.param(
            text(policies=policy(f"{HEAD}spec: {{x: \"{{{{ address('shop/db') }}}}\"}}")),
            ["14:16: policy deny: Jinja: 'shop/db' is none of shop/api, shop/front"],
            id="the address of nobody",
        ),
        pytest.param(
            text(policies=policy(f"{HEAD}{{% for x in families %}}\n# {{{{ x }}}}\n{{% endfor %}}\nspec: 7")),
            ["11:5: policy deny: spec is a mapping, not 7"],
            id="behind a loop of Jinja the first line is shown",
        ),
        pytest.param(
            text(policies="policies:\n  deny: 'kind: Pod'\n"), ["10:9: policy deny: a policy is a document of kind NetworkPolicy"], id="a policy as a quoted text"
        ),
        pytest.param(
            text(steps="steps:\n  - expect: all allowed\n  - {apply: [deny], delete: [deny], expect: all allowed}\n  - 7\n"),
            [
                f"16:5: a step has exactly one of {', '.join(ACTIONS)}, this one has none",
                f"17:5: a step has exactly one of {', '.join(ACTIONS)}, this one has apply and delete",
                "18:5: 7 is wrong here: wanted is a mapping of one change and what is expected after it",
            ],
            id="steps without a change, and with two",
        ),
        pytest.param(
            text(steps="steps:\n  - {apply: [deny, allow], expect: all allowed}\n  - {delete: [deny], expect: all allowed}\n  - {delete: [deny], expect: all allowed}\n"),
            [
                "16:20: there is no policy 'allow'; there are: deny",
                "18:15: policy 'deny' is not there at this step: no step before it applies it",
            ],
            id="policies that are not there",
        ),
        pytest.param(
            text(steps="steps:\n  - {relabel: {shop/db: {a: b}, shop: {a: 1}, shop/api: {}}, expect: all allowed}\n"),
            [
                "16:43: 1 is wrong here: wanted is the label's new value, or null to remove it",
                "16:57: a mapping is wrong here: wanted is a mapping of label keys to new values",
            ],
            id="labels that are none",
        ),
        pytest.param(
            text(steps="steps:\n  - {relabel: {shop/db: {a: b}}, expect: all allowed}\n  - {annotate: {shop/api: {a: b}}, expect: all allowed}\n"),
            ["16:16: there is no pod or namespace 'shop/db'; there are: shop, shop/api, shop/front", "17:17: there is no namespace 'shop/api'; there are: shop"],
            id="places that are not there",
        ),
        pytest.param(text(steps="steps: []\n"), ["15:8: a list is wrong here: wanted is a list of steps"], id="no steps"),
        pytest.param(text(steps="steps:\n  - apply: [deny]\n"), ["16:5: 'expect' is missing"], id="a step without an expectation"),
        pytest.param(
            text(steps="steps:\n  - {apply: [deny], expect: all fine}\n"),
            ["16:29: 'all fine' is neither all allowed nor all blocked nor a table"],
            id="words that mean nothing",
        ),
        pytest.param(
            text(steps=f"{MORE}      shop/front > shop/api: blocked\n      shop/front -> shop/api 80/TPC: allowed\n      shop/front -> shop/api: bloked\n"),
            ["20:31: 'bloked' is wrong here: wanted is allowed, blocked or open"],
            id="a verdict that is none",
        ),
        pytest.param(
            text(
                steps=f"{MORE}      shop/front > shop/api: blocked\n      shop/front -> shop/api 80/TPC: allowed\n"
                "      shop/db -> shop/api: blocked\n      shop/api -> shop/db: blocked\n      shop/api -> shop/api: allowed\n"
                "      shop/front -> shop/api 81/TCP: allowed\n      shop/front  ->  shop/api  80: allowed\n      shop/front -> shop/api 80: allowed\n"
            ),
            [
                "18:7: 'shop/front > shop/api' is no cell such as shop/front -> shop/api 80/TCP",
                "19:7: '80/TPC' is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4",
                "20:7: there is no 'shop/db'; there are: shop/api, shop/front",
                "21:7: there is no 'shop/db'; there are: shop/api, shop/front",
                "22:7: nobody asks itself: write - for shop/api",
                "23:7: shop/front -> shop/api 81/TCP speaks of nothing: shop/api serves 80/TCP",
                "25:7: shop/front -> shop/api 80 stands twice",
            ],
            id="cells that are none",
        ),
        pytest.param(
            text(
                layout="layout:\n  shop: {pods: {api: {serves: []}, front: {}}}\n  outside: {hosts: {alpha: {}, beta: {}}}\n",
                policies=policy(HEAD),
                steps=f"{MORE}      outside/alpha -> outside/beta: allowed\n      shop/front -> shop/api: blocked\n",
            ),
            [
                "15:7: outside hosts do not ask each other: write - for outside/alpha -> outside/beta",
                "16:7: shop/front -> shop/api speaks of nothing: shop/api serves nothing",
            ],
            id="cells of which nobody asks",
        ),
        pytest.param(
            text(steps=f"{TABLE}      shop/api shop/front\n      shop/api - .\n"),
            ["18:7: the corner word is from\\to or: 'shop/api' is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4"],
            id="a table without a corner",
        ),
        pytest.param(text(steps=f"{TABLE}      from\\to  shop/api  shop/front\n      shop/api   -\n"), ["19:18: row shop/api has 1 cells for 2 columns"], id="a row that is too short"),
        pytest.param(
            text(steps=f"{TABLE}\n      from\\to     shop/api  shop/db\n      shop/front     .         .\n      shop/mail      .         .\n      shop/api       X         .\n"),
            [
                "19:29: there is no 'shop/db'; there are: shop/api, shop/front",
                "21:7: there is no 'shop/mail'; there are: shop/api, shop/front",
                "22:22: nobody asks itself: write - for shop/api",
            ],
            id="strangers in a table",
        ),
        pytest.param(text(steps=f"{TABLE}      from\\to  shop/api\n      shop/api     -\n"), ["18:7: the table speaks of nothing"], id="a table of nothing"),
        pytest.param(
            text(name="name: My\n", layout="layout: {}\n", policies=policy("kind: Pod"), steps=f"{TABLE}      from\\to  a\n      b   .   .\n"),
            [
                "1:7: 'My' is wrong here: wanted is a name of small letters, digits and hyphens",
                "4:9: a mapping is wrong here: wanted is namespaces by name",
                "7:5: policy deny: a policy is a document of kind NetworkPolicy",
                "12:11: row b has 2 cells for 1 columns",
            ],
            id="a fault in one part hides none in another",
        ),
        pytest.param(
            text(
                layout="layout: []\n",
                policies=policy(f"{HEAD.replace('shop', 'any')}spec: {{ingress: [{{from: [{{ipBlock: {{cidr: \"{{{{ cidr('any/one', 'ipv6') }}}}\"}}}}, {{ipBlock: {{cidr: \"{{{{ cidr('x') }}}}\"}}}}]}}]}}"),
                steps="steps:\n  - apply: [deny]\n    expect: {any/one -> any/body 7/TCP: allowed}\n  - {relabel: {any/body: {a: b}}, expect: all allowed}\n",
            ),
            ["4:9: a list is wrong here: wanted is the name of a shared layout, or namespaces with their pods"],
            id="without a layout nobody is a stranger",
        ),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, content: str, faults: list[str]) -> None:
    path = write(tmp_path, content)

    assert faults == [str(fault).splitlines()[0].removeprefix(f"{path}:").strip() for fault in faults_of(path)]


def test_a_fault_shows_its_line_with_a_caret(tmp_path: Path) -> None:
    path = write(tmp_path, text(steps=f"{TABLE}\tfrom\\to shop/api\n"))

    (fault,) = faults_of(path)

    assert (
        f"{path}:18:1: is no YAML: while scanning for the next token: found character '\\t' that cannot start any token\n    18 | \tfrom\\to shop/api\n       | ^"
        == str(fault)
    )


def test_the_caret_stands_behind_a_tab_as_wide_as_the_tab_above_it() -> None:
    assert "x.yaml:3:3: so\n     3 | \ta b\n       | \t ^" == str(Fault(Path("x.yaml"), 3, 3, "so", "\ta b"))


def test_a_fault_of_an_empty_line_shows_no_line() -> None:
    assert "x.yaml:3:1: so" == str(Fault(Path("x.yaml"), 3, 1, "so", "  "))


def test_a_fault_of_a_whole_file() -> None:
    assert "x.yaml: so" == str(Fault(Path("x.yaml"), 0, 0, "so"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "none.yaml")

    assert (0, "cannot be read: No such file or directory") == (fault.line, fault.text)


UTF_16 = "cannot be read: it is UTF-16, as some editors and PowerShell's `>` write it: save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"name: \xff\n", "cannot be read: byte 7 is no UTF-8 (line 1)", id="no UTF-8"),
        pytest.param("name: a\n".encode("utf-16"), UTF_16, id="UTF-16"),
        pytest.param("name: a\n".encode("utf-16-le"), UTF_16, id="UTF-16 without its mark"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "it.yaml"
    path.write_bytes(data)

    (fault,) = faults_of(path)

    assert sentence == fault.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_with_the_line_ends_or_the_mark_of_windows_is_the_same_scenario(tmp_path: Path, encoding: str) -> None:
    ours = write(tmp_path, text())
    theirs = tmp_path / "theirs.yaml"
    theirs.write_bytes(ours.read_text().replace("\n", "\r\n").encode(encoding))

    assert load(ours) == replace(load(theirs), path=ours)


@pytest.mark.parametrize(
    ("layout", "faults"),
    [
        pytest.param("about: Two.\n", ["1:1: 'layout' is missing"], id="without its layout"),
        pytest.param("about: Two.\nlayout: {shop: {pods: {api: {serves: [99999/TCP]}}}}\n", ["2:39: port 99999 is above 65535"], id="with a port too high"),
        pytest.param("about: Two\nabout: Three.\nlayout: {shop: {pods: {api: {}, front: {}}}}\n", ["2:1: key 'about' stands twice"], id="with a key twice"),
        pytest.param("about: [\n", ["2:1: is no YAML: while parsing a flow node: expected the node content, but found '<stream end>'"], id="that is no YAML"),
    ],
)  # fmt: skip
def test_a_shared_layout(tmp_path: Path, layout: str, faults: list[str]) -> None:
    there = write(root(tmp_path), layout, "layouts/two.yaml")

    found = faults_of(write(tmp_path, text(layout="layout: two\n", policies=policy(HEAD)), "a/sample.yaml"))

    assert faults == [str(fault).splitlines()[0].removeprefix(f"{there}:") for fault in found]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("- warp\n", "1:1: capabilities are names with a sentence each", id="a list"),
        pytest.param("warp: 1\n", "1:1: capabilities are names with a sentence each", id="a number"),
        pytest.param("", "is empty", id="nothing"),
        pytest.param("a: b\na: c\n", "2:1: key 'a' stands twice", id="a name twice"),
    ],
)
def test_capabilities_that_are_none(tmp_path: Path, content: str, fault: str) -> None:
    path = write(tmp_path, content, "capabilities.yaml")

    with pytest.raises(InvalidScenario) as caught:
        capabilities(tmp_path)

    assert fault == str(caught.value).splitlines()[0].removeprefix(f"{path}:").strip()


def test_capabilities_that_are_none_are_a_fault_of_every_scenario(tmp_path: Path) -> None:
    write(root(tmp_path), "- warp\n", "capabilities.yaml")

    (fault,) = faults_of(write(tmp_path, text(), "a/sample.yaml"))

    assert (tmp_path / "capabilities.yaml", "capabilities are names with a sentence each") == (fault.path, fault.text)


def test_the_root_is_the_nearest_folder_with_schema_and_capabilities(tmp_path: Path) -> None:
    assert tmp_path == root_of(root(tmp_path) / "a" / "b" / "c.yaml")


def test_every_part_of_the_schema_says_what_is_wanted() -> None:
    def parts(value: object) -> list[dict[str, object]]:
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = [part for each in below for part in parts(each)]
        return [value, *found] if isinstance(value, dict) and {"type", "anyOf", "enum"} & set(value) and "$schema" not in value else found

    assert [] == [part for part in parts(schema()) if not isinstance(part.get("description"), str) and isinstance(part.get("type"), str)]


def test_a_shared_layout_is_written_as_its_name():
    assert "three-by-three" == layout_document(Layout("three-by-three", {}))

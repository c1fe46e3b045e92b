"""`lint` as a command: forms, levels, exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from own_policies import EXAMPLE, namespace, policy, workload

from conformance.cli import main

APP = namespace("shop") + workload("shop/web", "app: web", "80/TCP") + workload("shop/api", "app: api", "80/TCP")
WRONG = policy("shop/wrong", "{podSelector: {}, policyTypes: [Egress], ingress: [{from: [{podSelector: {}}]}]}")
IDLE = policy("shop/idle", "{podSelector: {matchLabels: {app: nobody}}}")
BITS = policy("shop/bits", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.9/24}}]}]}")


def run(tmp_path: Path, *texts: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
    (tmp_path / "it.yaml").write_text("".join(texts))
    result = CliRunner().invoke(main, ["lint", str(tmp_path / "it.yaml"), *words])
    return result.exit_code, result.output.replace(f"{tmp_path}/", "")


def test_a_finding_has_its_line_a_caret_a_sentence_and_a_link():
    result = CliRunner().invoke(main, ["lint", str(EXAMPLE)])
    assert """mistake.yaml:11:11: warning: tickets/board: two entries mean either: pods with app=board of tickets, or all pods of \
namespaces with purpose=monitoring; pods with these labels in those namespaces are one entry with both selectors (no hyphen before the \
second) [or-instead-of-and]
    11 |         - podSelector: {matchLabels: {app: board}}
       |           ^
       = docs/lint.md#or-instead-of-and

1 warning in 7 policies for 6 workloads.
""" == result.output.replace(f"{EXAMPLE}/", "")


def test_nothing_found_is_said(tmp_path):
    allow = policy("shop/allow", "{podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}")
    assert (0, "Nothing found in 1 policy for 2 workloads.\n") == run(tmp_path, APP, allow)


LEVELS = [
    pytest.param(
        (WRONG, IDLE, BITS),
        "error",
        1,
        "1 error, 1 warning, 1 note in 3 policies for 2 workloads; 2 below --level error not shown.",
        id="error",
    ),
    pytest.param((WRONG, IDLE, BITS), "warning", 1, "; 1 below --level warning not shown.", id="warning"),
    pytest.param((WRONG, IDLE, BITS), "note", 1, "1 error, 1 warning, 1 note in 3 policies for 2 workloads.", id="note"),
    pytest.param(
        (BITS,), "warning", 0, "1 note in 1 policy for 2 workloads; 1 below --level warning not shown.", id="a note is no warning"
    ),
    pytest.param(
        (IDLE,), "error", 0, "1 warning in 1 policy for 2 workloads; 1 below --level error not shown.", id="a warning is no error"
    ),
]


@pytest.mark.parametrize(("texts", "level", "code", "sentence"), LEVELS)
def test_a_level_says_what_counts_and_what_is_not_shown(tmp_path, texts, level, code, sentence):
    found, output = run(tmp_path, APP, *texts, words=("--level", level))
    assert (code, True) == (found, sentence in output)


def test_json_has_every_finding_with_its_place(tmp_path):
    code, output = run(tmp_path, APP, IDLE, words=("--format", "json"))
    content = json.loads(output)
    assert (1, 1, 2, 0, []) == (code, content["policies"], content["workloads"], content["hidden"], content["not_judged"])
    assert [
        {
            "rule": "selects-nothing",
            "level": "warning",
            "file": str(tmp_path / "it.yaml"),
            "line": 27,
            "column": 8,
            "policy": "shop/idle",
            "sentence": "no workload of namespace shop matches app=nobody: the policy does nothing",
            "docs": "docs/lint.md#selects-nothing",
        }
    ] == [{**each, "file": str(tmp_path / each["file"])} for each in content["findings"]]


def test_github_gets_a_line_for_each_finding(tmp_path):
    code, output = run(tmp_path, APP, WRONG, IDLE, BITS, words=("--format", "github"))
    lines = output.splitlines()
    assert (1, ["error", "warning", "notice"]) == (code, [line.split()[0].removeprefix("::") for line in lines[:-1]])
    assert "file=it.yaml,line=27,col=48,title=types-contradict::shop/wrong: these ingress rules never count" in lines[0]


def test_nothing_breaks_out_of_a_github_line(tmp_path):
    name = "a,b%0A::error::x.yaml"
    (tmp_path / name).write_text(APP + IDLE.replace("app: nobody", 'app: "x\\n::error::y\\u2028"'))
    result = CliRunner().invoke(main, ["lint", str(tmp_path), "--format", "github"])
    lines = result.output.splitlines()
    assert 2 == len(lines)
    assert "a%2Cb%250A%3A%3Aerror%3A%3Ax.yaml,line=" in lines[0]
    assert "app=x\\x0a::error::y\\u2028" in lines[0]


def test_a_rule_can_be_left_out(tmp_path):
    assert (0, True) == ((found := run(tmp_path, APP, IDLE, words=("--ignore", "selects-nothing")))[0], "Nothing found" in found[1])


def test_policies_are_read_from_the_standard_input():
    result = CliRunner().invoke(main, ["lint", "-"], input=APP + IDLE)
    assert (1, True) == (result.exit_code, result.output.startswith("standard input:27:8: warning: shop/idle"))


def test_what_was_not_judged_is_said(tmp_path):
    assert "Not judged: no workloads were given (Deployments, Pods …)" in run(tmp_path, IDLE)[1]


def test_a_line_that_is_too_long_or_does_not_print_is_left_out(tmp_path):
    spec = '{podSelector: {matchLabels: {app: nobody}}, ingress: [{from: [{podSelector: {matchLabels: {a: "\u202e' + "x" * 300 + '"}}}]}]}'
    _, output = run(tmp_path, APP, policy("shop/idle", spec))
    assert ("\u202e" in output, " | " in output, "[selects-nothing]" in output) == (False, False, True)


def test_a_list_and_json_are_read_as_kubectl_prints_them(tmp_path):
    document = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}}, "spec": {}},
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "idle", "namespace": "shop", "uid": "x", "creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {"podSelector": {"matchLabels": {"app": "nobody"}}},
                "status": {},
            },
        ],
    }
    (tmp_path / "it.json").write_text(json.dumps(document, indent=1))
    result = CliRunner().invoke(main, ["lint", str(tmp_path)])
    assert (1, True) == (result.exit_code, "it.json:27:5: warning: shop/idle: no workload of namespace shop" in result.output)


def test_aliases_are_read_as_kubectl_reads_them(tmp_path):
    aliased = IDLE.replace("name: idle", "name: idle, labels: &it {app: nobody}").replace("{app: nobody}}}", "*it }}")
    found, output = run(tmp_path, APP, aliased)
    assert (1, True) == (found, "matches app=nobody" in output)


def test_an_object_that_is_merged_from_an_alias_is_read(tmp_path):
    merged = """apiVersion: v1
kind: List
items:
- &it {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: it, namespace: shop}, spec: {podSelector: {}}}
- <<: *it
  metadata: {name: other, namespace: shop}
- <<: [{metadata: {name: third, namespace: shop}}, *it]
"""
    _, output = run(tmp_path, APP, merged)
    assert " in 3 policies for " in output

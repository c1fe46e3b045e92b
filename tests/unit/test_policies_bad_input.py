"""What people can do wrong with lint, explain, graph and import: one sentence and exit code 2 each time, never a traceback."""

import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from own_policies import EXAMPLE, namespace, policy, workload

from conformance.cli import main

GOOD = namespace("shop") + workload("shop/api", "app: api", "http=8080/TCP") + workload("shop/web", "app: web", "80/TCP")
ALLOW = policy("shop/allow", "{podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}")

AFTER = {"lint": [], "explain": ["shop/web", "shop/api", "8080"], "graph": [], "import": []}
"""The commands, with the words that come behind the files."""


def run(command: str, *words: object) -> Result:
    result = CliRunner().invoke(main, [command, *map(str, words), *AFTER[command]])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


BAD = [
    pytest.param(b"a: [", "1.yaml:1:5: is no YAML", id="no YAML"),
    pytest.param(b"kind: \xff\x00", "cannot be read: byte 7 is no UTF-8 (line 1)", id="no text"),
    pytest.param(b"kind: Pod\n# caf\xe9\n", "cannot be read: byte 16 is no UTF-8 (line 2)", id="Latin-1"),
    pytest.param("kind: Pod\n".encode("utf-16"), "cannot be read: it is UTF-16, as some editors", id="UTF-16"),
    pytest.param("kind: Pod\n".encode("utf-16-be"), "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)", id="UTF-16 without its mark"),
    pytest.param(b"kind: Pod\x00", "is no YAML", id="a NUL"),
    pytest.param(b"kind: &a {items: *a}\n", "an alias holds itself", id="an alias in itself"),
    pytest.param(
        b"a: &a [x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 8)) for n in range(ord("b"), ord("l"))),
        "its aliases make more than 2000000 values",
        id="aliases that explode",
    ),
    pytest.param(b"[" * 20_000, "is no YAML", id="brackets without end"),
    pytest.param(b"- " * 20_000 + b"x", "is no YAML: nested too deeply", id="lists in lists"),
    pytest.param(b"kind: Pod\nmetadata: {{ .Values.name }}\n", "is it a template? lint what it renders to", id="a template"),
    pytest.param(b"!!python/object/apply:os.system ['true']", "there is no", id="a Python tag that is no object"),
    pytest.param(b"kind: Pod\nmetadata: !!python/name:os.system x\n", "is no YAML", id="a Python tag"),
    pytest.param(b"", "there is no", id="nothing"),
    pytest.param(b"just words", "there is no", id="a text"),
    pytest.param(b"[1, 2]", "there is no", id="a list"),
    pytest.param(b"kind: [Pod]\nmetadata: 5\n", "there is no", id="a kind that is a list"),
    pytest.param(b"kind: Pod\nmetadata: [x]\n", "1.yaml:2:11: metadata is a mapping, not ['x']", id="metadata is a list"),
    pytest.param(b"kind: Pod\n", "metadata.name is a name of small letters", id="no name"),
    pytest.param(b"kind: Pod\nmetadata: {name: <script>}\n", "metadata.name is a name of small letters", id="a hostile name"),
    pytest.param(b'kind: Pod\nmetadata: {name: "\\e[31m"}\n', "metadata.name is a name of small letters", id="a name that colours"),
    pytest.param(b'kind: Pod\nmetadata: {name: "a\\uD800"}\n', "not 'a\\ud800'", id="half a character"),
    pytest.param(b"kind: Pod\nmetadata: {name: %s}\n" % (b"x" * 1_000_000), "metadata.name is", id="a name of a megabyte"),
    pytest.param(
        b"kind: Pod\nmetadata: {name: x, labels: {version: 1}}\n", "label 'version': 1 needs a string", id="a label that is a number"
    ),
    pytest.param(b"kind: Pod\nmetadata: {name: x}\nspec: {containers: 5}\n", "spec.containers is a list, not 5", id="containers"),
    pytest.param(b"kind: Pod\nmetadata: {name: x}\nspec: {containers: [5]}\n", "spec.containers[0] is a mapping", id="a container"),
    pytest.param(
        b"kind: Pod\nmetadata: {name: x}\nspec: {containers: [{ports: [{containerPort: 70000}]}]}\n",
        "1.yaml:3:46: spec.containers[0].ports[0].containerPort is a number from 1 to 65535, not 70000",
        id="a port above all",
    ),
    pytest.param(
        b"kind: Service\nmetadata: {name: x}\nspec: {ports: [{port: http}]}\n", "spec.ports[0].port is a number", id="a Service's port"
    ),
    pytest.param(b"kind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 80, protocol: ICMP}]}\n", "not 'ICMP'", id="a protocol"),
    pytest.param(b"kind: Namespace\nmetadata: {name: x, labels: {a: [b]}}\n", "label 'a': ['b'] needs a string", id="a namespace's label"),
]


@pytest.mark.parametrize("command", AFTER)
@pytest.mark.parametrize(("content", "sentence"), BAD)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, command: str, content: bytes, sentence: str) -> None:
    path = tmp_path / "1.yaml"
    path.write_bytes(content)
    result = run(command, path)
    assert 2 == result.exit_code
    assert sentence in result.output.replace(f"{tmp_path}/", "")
    assert len(result.output) < 10_000
    assert "\x1b" not in result.output


@pytest.mark.parametrize("command", AFTER)
def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path, command: str) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yml").write_text("kind: Pod")
    result = run(command, tmp_path, tmp_path / "missing.yaml")
    assert 2 == result.exit_code
    assert ["a.yaml:1:5", "b.yml:1:1", "missing.yaml: cannot be read: No such file or directory"] == [
        each for each in ("a.yaml:1:5", "b.yml:1:1", "missing.yaml: cannot be read: No such file or directory") if each in result.output
    ]
    assert result.output.endswith("3 faults\n")


@pytest.mark.parametrize("command", AFTER)
def test_a_folder_without_manifests_is_told(tmp_path: Path, command: str) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.yaml").write_text(GOOD)
    result = run(command, tmp_path)
    assert (2, True) == (result.exit_code, "no manifest lies below this folder (.yaml, .yml, .json)" in result.output)


@pytest.mark.parametrize("command", AFTER)
def test_files_and_a_cluster_at_once_are_no_question(tmp_path: Path, command: str) -> None:
    result = run(command, "--from-cluster", "here", tmp_path)
    assert (2, True) == (result.exit_code, "or --from-cluster CONTEXT" in result.output)


@pytest.mark.parametrize("command", ["explain", "graph", "import"])
def test_a_policy_that_the_api_refuses_has_no_meaning(tmp_path: Path, command: str) -> None:
    path = tmp_path / "1.yaml"
    path.write_text(GOOD + policy("shop/it", "{podSelector: {}, ingress: [{from: [{}]}]}"))
    result = run(command, path)
    assert (2, True) == (result.exit_code, "spec.ingress[0].from[0]: a peer needs podSelector" in result.output)


@pytest.mark.parametrize("command", ["lint", "explain", "graph"])
def test_a_range_that_is_none_is_told(tmp_path: Path, command: str) -> None:
    result = run(command, EXAMPLE, "--pod-cidr", "10.0.0.0/99")
    assert (2, True) == (result.exit_code, "--pod-cidr: '10.0.0.0/99' is no range of addresses such as 10.244.0.0/16" in result.output)


OTHERS = [
    pytest.param(
        ["lint", EXAMPLE, "--ignore", "everything"], "there is no rule everything; there are: invalid-policy", id="an unknown rule"
    ),
    pytest.param(["lint", EXAMPLE / "application.yaml"], "there is no NetworkPolicy in", id="no policies"),
    pytest.param(["lint", EXAMPLE, "-n", "elsewhere"], "there is no NetworkPolicy of namespace elsewhere in", id="another namespace"),
    pytest.param(["lint"], "name files or folders with manifests", id="no file"),
    pytest.param(["graph", EXAMPLE / "policies.yaml"], "there is no workload (Deployment, Pod …)", id="nothing to draw"),
    pytest.param(
        ["graph", EXAMPLE, "-o", "/proc/no/it.svg"], "/proc/no/it.svg cannot be written: No such file or directory", id="no folder"
    ),
    pytest.param(["import", EXAMPLE / "application.yaml"], "there is no NetworkPolicy in", id="nothing to measure"),
    pytest.param(
        ["import", EXAMPLE / "policies.yaml"], "there is no workload (Deployment, Pod …) of which a pod could be made", id="no workloads"
    ),
    pytest.param(["import", EXAMPLE, "-o", "My App.yaml"], "such a file is called in small letters, digits and hyphens", id="a name"),
    pytest.param(["import", EXAMPLE, "-o", "it.txt"], "as the scenario in it: it.yaml", id="an ending"),
    pytest.param(["import", EXAMPLE, "-o", "/proc/no/it.yaml"], "/proc/no/it.yaml cannot be written", id="no folder for the scenario"),
    pytest.param(["import", EXAMPLE, "--pod-cidr", "10.0.0.0/8"], "No such option", id="import needs no ranges"),
    pytest.param(["explain", EXAMPLE, "a", "b"], "name files or folders with manifests", id="a word is missing"),
]


@pytest.mark.parametrize(("words", "sentence"), OTHERS)
def test_a_wrong_use_is_told(words: list[object], sentence: str) -> None:
    result = CliRunner().invoke(main, [*map(str, words)])
    assert (2, True) == (result.exit_code, sentence in result.output)


WRONG_QUESTIONS = [
    pytest.param(
        ["tickets/fronted", "tickets/api", "80"], "there is no workload or pod 'tickets/fronted'; there are: tickets/frontend", id="a slip"
    ),
    pytest.param(["tickets/api", "web", "80"], "there is no workload or pod 'web'; there are:", id="a name without a namespace"),
    pytest.param(["tickets/api", "svc/tickets/web", "80"], "there is no Service 'svc/tickets/web'; there are:", id="no such Service"),
    pytest.param(["svc/tickets/api", "tickets/api", "80"], "is a Service: it asks nobody", id="a Service asks"),
    pytest.param(
        ["tickets/frontend", "svc/tickets/api", "8080"], "svc/tickets/api has no port 8080; it has: 80/TCP", id="a Service's port"
    ),
    pytest.param(
        ["tickets/frontend", "tickets/api", "web"], "tickets/api has no port called 'web'; it has: http=8080/TCP", id="a port's name"
    ),
    pytest.param(["tickets/frontend", "tickets/api", "0"], "0 is no port: ports are numbers from 1 to 65535", id="port 0"),
    pytest.param(["tickets/frontend", "tickets/api", "99999/UDP"], "99999 is no port", id="a port above all"),
    pytest.param(["tickets/frontend", "tickets/api", "²"], "has no port called '²'", id="a digit that is no number"),
    pytest.param(["tickets/frontend", "tickets/api", "9" * 5000], "is no port: ports are numbers", id="thousands of digits"),
    pytest.param(["tickets/frontend", "tickets/api", "80/ICMP"], "'80/ICMP' is no port such as 80/TCP", id="a protocol"),
    pytest.param(["tickets/frontend", "tickets/api", ""], "'' is no port such as 80/TCP", id="nothing"),
    pytest.param(["tickets/frontend", "tickets/api", "\x1b[31m"], "\\x1b[31m", id="a port that colours"),
    pytest.param(["203.0.113.7", "203.0.113.8", "80"], "are both outside: no policy has a word in that", id="both outside"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG_QUESTIONS)
def test_a_question_that_cannot_be_meant_is_told_with_what_there_is(words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(main, ["explain", str(EXAMPLE), *words])
    assert (2, True) == (result.exit_code, sentence in result.output)
    assert "\x1b" not in result.output


@pytest.mark.parametrize("command", AFTER)
def test_a_megabyte_of_manifests_is_read(tmp_path: Path, command: str) -> None:
    document = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s%d}\ndata: {password: %s}\n"
    (tmp_path / "1.yaml").write_text(GOOD + ALLOW + "".join(document % (number, "QUFB" * 250) for number in range(1000)))
    tracemalloc.start()
    assert 0 == run(command, tmp_path / "1.yaml").exit_code
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_secrets_are_passed_over_without_a_look() -> None:
    text = GOOD + ALLOW + "---\nkind: Secret\nmetadata: {name: s, labels: [not, what, the, api, takes]}\ndata: {password: 2020-99-99}\n"
    result = CliRunner().invoke(main, ["import", "-"], input=text)
    assert (0, False) == (result.exit_code, "2020" in result.output)

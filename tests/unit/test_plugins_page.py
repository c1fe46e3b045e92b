"""The page of the plugins: what their descriptors say, all of it, and nothing that is out of date."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.cluster.plugin import Descriptor, Helm, ImageOf, Manifest, NodeCommand, NodeFile, OnNode, Routes, Workload, load, names
from conformance.cluster.restart import PodsOf
from conformance.plugins_page import plugins_page
from conformance.scenario.load import capabilities
from conformance.world.deviation import KnownDeviation
from conformance.world.verdict import FindingKind

DOCS = Path(__file__).parents[2] / "docs"
REGENERATE = "write it again: cni-conformance cluster plugins --markdown > docs/plugins.md"

ABILITIES = {"ipv4": "Addresses.", "sctp": "Another protocol.", "restart-plugin": "It is restarted.", "restart-node": "Nodes are."}
ISSUE = KnownDeviation("it-leaks", "a port is | lost", "https://github.com/a/b/issues/7")
RACE = KnownDeviation("it-races", "it is late", "https://a.example/late", ("* -> * UDP",), (FindingKind.CUT,), sometimes=True)
ONE = Descriptor(
    name="one",
    title="One",
    version="1.2",
    about="The first.",
    homepage="https://one.example/",
    enforces=True,
    families=("ipv4", "dual"),
    kind="kind.yaml",
    install=(Manifest(url="https://one.example/all.yaml"),),
    ready=(Workload("daemonset", "kube-system", "one"),),
    version_probe=ImageOf("kube-system", "one"),
    capabilities=frozenset({"ipv4"}),
    known_deviations=(ISSUE, RACE),
    folder=Path("one"),
    restart=(PodsOf("kube-system", "app=one"),),
    organization="The Ones",
    contact=("ones@one.example",),
)
TWO = replace(ONE, name="two", title="Two", same_deviations_as="one", restart=(), ready=())


def section(*plugins: Descriptor, name: str = "one") -> str:
    """What the page says of a plugin."""
    return plugins_page(plugins, ABILITIES).partition(f"## {name}\n")[2].partition("\n## ")[0]


def test_a_plugin_has_its_facts_its_installation_and_its_known_deviations() -> None:
    assert section(ONE) == (
        "\n**One.** The first.\n\n"
        "- **Version**: 1.2, for which this was written. What really runs is told by the image of DaemonSet `kube-system/one`.\n"
        "- **From**: <https://one.example/>, The Ones, ones@one.example\n"
        "- **Families**: dual by default, or `--family ipv4`\n"
        "- **Has**: ipv4, restart-plugin, restart-node\n"
        "- **Lacks**: sctp\n"
        "- **Ready** when these are: nodes, CoreDNS, daemonset kube-system/one\n"
        "- **Restarted** by deleting the pods `app=one` in `kube-system`\n\n"
        "Installed on kind ([configuration](../fixtures/plugins/one/kind.yaml)):\n\n"
        "1. manifest <https://one.example/all.yaml> (or another one: `--cni-manifest`)\n\n"
        "| known deviation: scenario | where | because | source |\n"
        "|---|---|---|---|\n"
        "| it-leaks | anywhere | a port is \\| lost | [a/b#7](https://github.com/a/b/issues/7) |\n"
        "| it-races | `* -> * UDP`, cut (sometimes) | it is late | <https://a.example/late> |\n"
    )


def test_the_overview_has_a_line_for_each_plugin() -> None:
    page = plugins_page([TWO, ONE], ABILITIES)
    assert page.startswith("# Plugins\n\n2 plugins, ")
    assert [line for line in page.splitlines() if line.startswith("| [")] == [
        "| [one](#one) | 1.2 | yes | ipv4, dual | sctp | 2 |",
        "| [two](#two) | 1.2 | yes | ipv4, dual | sctp, restart-plugin | 2, with those of one |",
    ]


def test_deviations_of_a_plugin_of_the_same_code_are_counted_and_not_told_again() -> None:
    shared = "Known deviations: all 2 of [one](#one), which has the same code"
    assert section(ONE, TWO, name="two").endswith(f"{shared}.\n")

    more = replace(TWO, known_deviations=(*ONE.known_deviations, replace(ISSUE, scenario="it-leaks-more")))
    told = section(ONE, more, name="two")
    assert f"{shared}; and\n" in told
    assert ["it-leaks-more"] == re.findall(r"^\| (it-\S+)", told, re.M)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            Helm("r", "ns", "c", "https://charts.example/", "7", "values.yaml"),
            "chart `c` 7 of <https://charts.example/> as release `r` in `ns`, with [values.yaml](../fixtures/plugins/one/values.yaml)",
        ),
        (Helm("r", "ns", "c", "https://charts.example/", "7"), "chart `c` 7 of <https://charts.example/> as release `r` in `ns`"),
        (Manifest(file="all.yaml"), "manifest [all.yaml](../fixtures/plugins/one/all.yaml)"),
        (NodeCommand(("sh", "-c", "a && b"), "it is so"), "on every node `a && b`: it is so"),
        (NodeCommand(("a", "b"), "it is so", ("test", "c")), "on every node `a b`, except where `test c` succeeds: it is so"),
        (NodeCommand(("a", "`b`"), "it is so"), "on every node `` a `b` ``: it is so"),
        (NodeFile("/etc/a", "a.json"), "on every node the file `/etc/a`, from [a.json](../fixtures/plugins/one/a.json)"),
        (Routes(), "on every node routes to the pods of the others"),
    ],
)
def test_each_way_to_install_is_told(step: object, told: str) -> None:
    assert f"\n1. {told}\n" in section(replace(ONE, install=(step,)))


def test_what_is_not_there_is_said() -> None:
    bare = replace(ONE, install=(), known_deviations=(), restart=(), families=("ipv4",), version_probe=OnNode(("a", "-v"), "(.*)"))
    told = section(bare)
    for sentence in (
        "1. nothing: kind brings it along",
        "Known deviations: none is known.",
        "**Restarted**: it has no agents",
        "ipv4 only",
        "asked by `a -v` on a node",
    ):
        assert sentence in told


def test_every_capability_has_its_sentence() -> None:
    assert plugins_page([ONE], ABILITIES).endswith(
        "- `ipv4`: Addresses.\n- `sctp`: Another protocol.\n- `restart-plugin`: It is restarted.\n- `restart-node`: Nodes are.\n"
    )


def test_the_command_prints_the_page_and_without_its_flag_a_line_for_each() -> None:
    page = CliRunner().invoke(main, ["cluster", "plugins", "--markdown"])
    assert (0, plugins_page(map(load, names()), capabilities())) == (page.exit_code, page.stdout)
    lines = CliRunner().invoke(main, ["cluster", "plugins"]).stdout.splitlines()
    assert names() == [line.split()[0] for line in lines]


def test_a_faulty_descriptor_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "plugins" / "odd").mkdir(parents=True)
    (tmp_path / "plugins" / "odd" / "plugin.yaml").write_text("")
    monkeypatch.setattr("conformance.data.folder", lambda name: tmp_path)
    result = CliRunner().invoke(main, ["cluster", "plugins"])
    assert (2, True) == (result.exit_code, "the file is empty" in result.stderr)


def test_the_committed_page_is_up_to_date_and_its_links_lead_somewhere() -> None:
    page = (DOCS / "plugins.md").read_text(encoding="utf-8")
    assert plugins_page(map(load, names()), capabilities()) == page, REGENERATE
    for text in (page, (DOCS / "writing-a-plugin.md").read_text(encoding="utf-8"), (DOCS / "nightly.md").read_text(encoding="utf-8")):
        assert [] == [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (DOCS / link).exists()]
        anchors = set(re.findall(r"^## (.*)$", text, re.M))
        assert [] == [anchor for anchor in re.findall(r"\]\(#([^)]+)\)", text) if anchor not in anchors]

"""The page of the catalogue: who asks what, who sees what, and nothing left out without a word."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import data
from conformance.catalogue_page import InvalidTable, SeenFault, catalogue_page, read_table
from conformance.cli import main
from conformance.quick import quick
from conformance.scenario.catalogue import load_all
from conformance.scenario.load import classes, quick_names
from conformance.scenario.scenario import Layout, Scenario, Step, Wait
from conformance.sensitivity import Seen, Sensitivity
from conformance.simulated.faults import FAULTS

DOCS = Path(__file__).parents[2] / "docs"
REGENERATE = "write docs/sensitivity.json, docs/catalogue.md and scenarios/quick.yaml again: `nox -s sensitivity`"

WORDS = {"ports": "A port means too much.", "peers": "A peer means too much.", "scale": "Many are cut off."}
ONE = Scenario("one", "One says so.", "", Layout(None, {}), {}, (), Path("one.yaml"), "rules", fault_class="ports", origin=("a/b#7", "KEP"))
TWO = replace(ONE, name="two", path=Path("02-two.yaml"), fault_class="peers", needs=("sctp",), is_disruptive=True, origin=())


def fault(name: str, *seen_by: str) -> SeenFault:
    return SeenFault(name, f"What {name} does.", seen_by)


def test_a_page_has_classes_and_their_scenarios_and_the_faults() -> None:
    page = catalogue_page([TWO, ONE], WORDS, [fault("lost", "one"), fault("late")])
    head, _, rest = page.partition("(#the-faults).\n\n")

    assert head.startswith("# The catalogue\n\n2 scenarios in 2 classes of faults.")
    assert rest == (
        "- [ports](#ports): A port means too much. (1)\n"
        "- [peers](#peers): A peer means too much. (1)\n\n"
        "## ports\n\nA port means too much.\n\n"
        "- **[one](../scenarios/rules/one.yaml)**: One says so.  \n"
        "  From [a/b#7](https://github.com/a/b/issues/7), KEP.  \n"
        "  Sees lost.\n\n"
        "## peers\n\nA peer means too much.\n\n"
        "- **[two](../scenarios/rules/02-two.yaml)** (needs sctp, disruptive): One says so.  \n"
        "  Sees none of the faults.\n\n"
        "## The faults\n\n"
        "2 behaviours that plugins have had, or that are next to one. "
        "*Seen by*: so many scenarios fail by it; where they are few, their names.\n\n"
        "| fault | what it is | seen by |\n|---|---|---|\n"
        "| late | What late does. | nobody |\n"
        "| lost | What lost does. | 1: one |\n"
    )


def test_of_many_faults_the_rarest_are_named_and_the_others_counted() -> None:
    rare, common = [fault(name, "one") for name in "fedcb"], fault("a", "one", "two")
    assert "Sees b, c, d, e, f and 1 more.\n" in catalogue_page([ONE, TWO], WORDS, [common, *rare])


def test_a_fault_that_many_see_is_not_followed_by_their_names() -> None:
    assert "| lost | What lost does. | 3 |" in catalogue_page([ONE], WORDS, [fault("lost", "one", "two", "three")])


def test_the_table_is_read_as_sensitivity_writes_it() -> None:
    table = Sensitivity((FAULTS["late-leak"],), (Seen("one", ("late-leak",)), Seen("two", ())))
    assert (SeenFault("late-leak", FAULTS["late-leak"].about, ("one",)),) == read_table(table.to_json())


@pytest.mark.parametrize(
    "text", [pytest.param("", id="empty"), pytest.param("[]", id="a list"), pytest.param('{"faults": [1]}', id="other")]
)
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(InvalidTable, match="no table of `cni-conformance sensitivity`"):
        read_table(text)


def test_the_command_says_how_a_missing_table_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["catalogue", "--table", str(tmp_path / "no.json")])
    assert (2, True) == (result.exit_code, "sensitivity --json" in result.stderr)


def test_the_command_prints_the_page(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"faults": {"lost": {"about": "It is lost.", "seen_by": ["limit-traffic-to-an-application"]}}}))
    page = CliRunner().invoke(main, ["catalogue", "--table", str(table)]).stdout
    assert "  Sees lost.\n" in page
    assert page.endswith("| lost | It is lost. | 1: limit-traffic-to-an-application |\n")


def test_the_committed_page_and_table_are_up_to_date() -> None:
    scenarios, _ = load_all([data.folder("scenarios")])
    file, page = DOCS / "sensitivity.json", DOCS / "catalogue.md"
    assert file.exists(), REGENERATE
    assert page.exists(), REGENERATE
    table = read_table(file.read_text(encoding="utf-8"))

    assert {name: each.about for name, each in FAULTS.items()} == {each.name: each.about for each in table}, REGENERATE
    assert {scenario.name for scenario in scenarios} >= {name for each in table for name in each.seen_by}, REGENERATE
    assert catalogue_page(scenarios, classes(), table) == page.read_text(encoding="utf-8"), REGENERATE


def test_the_quick_part_sees_what_all_see_with_as_few_steps_as_can_be() -> None:
    step = Step(Wait(0), (), 1)
    many = [
        replace(ONE, name="all", steps=(step,) * 9),
        replace(ONE, name="both", steps=(step,)),
        replace(ONE, name="third", steps=(step,)),
        replace(ONE, name="again", steps=(step,)),
        replace(ONE, name="restart", steps=(step,), is_disruptive=True),
    ]
    faults = [fault("a", "all", "both", "again"), fault("b", "all", "both"), fault("c", "all", "third"), fault("d", "restart"), fault("e")]
    assert ("both", "third") == quick(many, faults)


def test_the_quick_part_is_that_of_the_catalogue() -> None:
    scenarios, _ = load_all((data.folder("scenarios"),))
    table = read_table((DOCS / "sensitivity.json").read_text(encoding="utf-8"))
    assert quick_names() == frozenset(quick(scenarios, table)), REGENERATE

"""The page of a comparison in a real browser: opened, filtered, linked, scrolled, walked by keyboard, and fed with hostile words."""

from __future__ import annotations

from pathlib import Path

import pytest
from compared_runs import FAILED, LEAK, cilium, digest, finding, ptp, scenario
from conftest import NARROW, Open
from playwright.sync_api import Page
from test_compare_formats import hostile as hostile_comparison

from conformance.compare import compare, html

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records in which every way to differ comes up once."""
    path = tmp_path_factory.mktemp("two") / "compare.html"
    path.write_text(html(compare([cilium(), ptp()])), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten records of 250 scenarios, with one leak each."""
    shared = [scenario(f"scenario-{place:03}") for place in range(250)]
    leak = (FAILED, finding(LEAK))
    records = [
        digest(f"a-plugin-with-a-name-{number}", *shared[:number], scenario(shared[number].name, *leak), *shared[number + 1 :])
        for number in range(10)
    ]
    path = tmp_path_factory.mktemp("ten") / "compare.html"
    path.write_text(html(compare(records)), encoding="utf-8")
    return path


def shown(page: Page) -> list[str]:
    """The names of the scenarios that one sees."""
    return page.locator("#matrix tr[data-kinds]:visible .name").all_inner_texts()


def test_it_opens_with_its_sentence_and_every_scenario_worst_first(visit: Open, two: Path) -> None:
    page = visit(two)
    assert page.inner_text("h1").startswith("cilium and ptp differ in 7 of 9 scenarios: 1 by a leak (ptp)")
    every = ["a-leak", "an-outage", "an-error", "not-there", "known-leak", "other-cells", "open-point", "same-leak", "same"]
    assert (every, "all 9 scenarios") == (shown(page), page.inner_text("#shown"))


def test_only_differences_leaves_out_what_agrees_and_counts(visit: Open, two: Path) -> None:
    page = visit(two)
    page.get_by_label("only differences").check()
    assert (7, "7 of 9 scenarios", "#only=1") == (len(shown(page)), page.inner_text("#shown"), page.evaluate("location.hash"))


@pytest.mark.parametrize(
    ("fragment", "names"),
    [
        ("#q=OPEN", ["open-point"]),
        ("#q=says+leak", ["a-leak", "known-leak", "other-cells", "same-leak"]),
        ("#group=ports", ["not-there"]),
        ("#kind=outage", ["an-outage"]),
        ("#only=1&q=same", []),
        ("#group=nowhere&kind=%3Cb%3E", None),
    ],
)
def test_a_link_with_a_filter_shows_the_same_view(visit: Open, two: Path, fragment: str, names: list[str] | None) -> None:
    page = visit(two, fragment)
    assert (names if names is not None else shown(visit(two))) == shown(page)
    assert page.locator("#nothing").is_visible() is (names == [])


def test_the_filter_is_typed_and_taken_back_by_keyboard(visit: Open, two: Path) -> None:
    page = visit(two)
    page.keyboard.press("/")
    page.keyboard.type("outage")
    assert (["an-outage"], "#q=outage") == (shown(page), page.evaluate("location.hash"))
    page.keyboard.press("Escape")
    assert 9 == len(shown(page))


def test_a_row_opens_by_keyboard_and_says_where_and_who(visit: Open, two: Path) -> None:
    page = visit(two)
    page.locator("#matrix summary").first.focus()
    page.keyboard.press("Enter")
    said = page.locator("#matrix details[open]").inner_text()
    assert "step 1 (apply deny): shop/front -> shop/db 80/TCP ipv4" in said
    assert "leak: ptp; as expected: cilium" in said
    assert "ptp: a-leak has failed" in said


def test_without_scripts_everything_is_there(visit: Open, two: Path) -> None:
    page = visit(two, has_scripts=False)
    assert (9, False) == (len(shown(page)), page.locator("#filter").is_visible())


@pytest.mark.parametrize("viewport", [None, NARROW])
def test_ten_records_scroll_in_their_own_place(visit: Open, ten: Path, viewport: dict[str, int] | None) -> None:
    page = visit(ten, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("(each => each.scrollWidth > each.clientWidth)(document.querySelector('.matrix'))")


def test_names_stay_in_sight_while_one_scrolls(visit: Open, ten: Path) -> None:
    page = visit(ten)
    matrix = page.locator(".matrix")
    matrix.evaluate("each => { each.scrollTop = 3000; each.scrollLeft = 400; }")
    box, head = matrix.bounding_box(), page.locator("#matrix thead th").first.bounding_box()
    assert box is not None
    assert head is not None
    assert (True, True) == (abs(head["x"] - box["x"]) < 2, abs(head["y"] - box["y"]) < 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_against_its_ground(visit: Open, two: Path, scheme: str) -> None:
    page = visit(two, scheme=scheme)
    assert [] == page.evaluate(CONTRAST, 4.5)


def test_a_distribution_is_told_to_whoever_does_not_see_it(visit: Open, two: Path) -> None:
    page = visit(two)
    told = [each.get_attribute("aria-label") for each in page.locator("svg.histogram").all()]
    assert "below 10 ms: 2, 10 ms to 30 ms: 1, 100 ms to 300 ms: 1, 1 s to 3 s: 1, never: 1" == told[0]


def test_hostile_words_do_no_harm(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "compare.html"
    path.write_text(html(hostile_comparison()), encoding="utf-8")
    page = visit(path, viewport=NARROW)
    assert "harm" != page.title()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

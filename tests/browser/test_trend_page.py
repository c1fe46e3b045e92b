"""The page of a trend in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import NARROW, Open
from playwright.sync_api import expect
from test_trend_pages import HOSTILE, NEW, OLD, OLDER, STRIPS, trend
from trend_nights import days, nights, told

from conformance.trend.html import html
from conformance.trend.section import section

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    week = told(STRIPS, [OLDER] * 2 + [OLD] * 5 + [NEW], [*days(5), *days(3, "2026-11-08")], p99=[0.4, 0.5, 0.4, None, 0.4, 0.4, 0.4, 1.2])
    path = tmp_path / "trend.html"
    path.write_text(html(trend(week, section("calico", nights({"a": "..."}), {}))), encoding="utf-8")
    return path


def test_the_first_thing_is_the_sentence(visit: Open, page: Path) -> None:
    tab = visit(page)
    assert "2 plugins: 1 with new failures last night, 1 red, 1 green." == tab.locator("h1").inner_text()
    assert tab.locator("nav a").first.inner_text().startswith("red cilium: last night (2026-11-10) is red: 2 new failures")


def test_a_plugin_is_one_key_away(visit: Open, page: Path) -> None:
    tab = visit(page)
    tab.keyboard.press("Tab")  # the skip link
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    expect(tab.locator("nav a").nth(1)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("#plugin-2$"))  # the browser goes there after it has taken the key
    assert tab.locator("#plugin-2 h2").is_visible()


def test_a_chart_has_a_line_for_each_percentile_and_says_the_numbers(visit: Open, page: Path) -> None:
    charts = visit(page).locator("#plugin-1 svg")
    assert 2 == charts.count()
    assert "newly blocked: p50 0.60 s last night, p99 1.20 s last night; the table below has the numbers" == charts.first.get_attribute(
        "aria-label"
    )
    assert 2 == charts.first.locator("path").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_failure_is_told_by_its_letter_and_not_by_its_colour_alone(visit: Open, page: Path, scheme: str) -> None:
    strip = visit(page, scheme=scheme).locator("#plugin-1 .strip").first
    assert ".......F" == strip.inner_text()
    colours = [mark.evaluate("each => getComputedStyle(each).color") for mark in strip.locator("span").all()]
    assert 2 == len(set(colours))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(visit: Open, page: Path, scheme: str) -> None:
    assert [] == visit(page, scheme=scheme).evaluate(CONTRAST, 4.5)


def test_a_narrow_screen_has_nothing_beside_it(visit: Open, page: Path) -> None:
    tab = visit(page, viewport=NARROW)
    assert NARROW["width"] == tab.evaluate("document.documentElement.scrollWidth")


def test_it_needs_no_script(visit: Open, page: Path) -> None:
    assert "Broke last night: 2" in visit(page, has_scripts=False).locator("#plugin-1").inner_text()


def test_hostile_names_do_no_harm(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(html(trend(section(HOSTILE, nights({HOSTILE: ".F"}), {HOSTILE: HOSTILE}))), encoding="utf-8")
    for viewport in (None, NARROW):
        tab = visit(path, viewport=viewport)
        assert "harm" != tab.title()
        assert "<script>" in tab.locator("h1").inner_text()
        width = (viewport or {"width": 1280})["width"]
        assert width == tab.evaluate("document.documentElement.scrollWidth")

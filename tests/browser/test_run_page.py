"""The page of one run in a real browser: opened, filtered, linked, walked by keyboard, printed, and fed with hostile words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import NARROW, Open
from every_outcome import run as every_outcome
from playwright.sync_api import Page, expect

RUN = every_outcome()
NAMES = {each.name for each in RUN.scenarios}
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def shown(page: Page) -> set[str]:
    return set(page.locator("details.scenario:visible").evaluate_all("all => all.map(each => each.dataset.name)"))


def opened(page: Page) -> list[str]:
    return page.locator("details.scenario[open]").evaluate_all("all => all.map(each => each.dataset.name)")  # type: ignore[no-any-return]


def detail(page: Page) -> str:
    return page.locator(".detail:visible").inner_text()


def test_it_opens_with_its_sentence_and_all_scenarios(visit: Open, every: Path) -> None:
    page = visit(every)
    assert "Cilium 1.15.19 does not enforce what it must" in page.locator("h1").inner_text()
    assert NAMES == shown(page)


def test_every_scenario_opens(visit: Open, every: Path) -> None:
    page = visit(every)
    for name in sorted(NAMES):
        page.locator(f"details.scenario[data-name='{name}'] > summary").click()
    assert NAMES == set(opened(page))
    expect(page.locator(".steps")).to_have_count(len([each for each in RUN.scenarios if each.measurement.steps]))


def test_every_step_of_every_scenario_draws(visit: Open, every: Path) -> None:
    page = visit(every)
    for name in sorted(each.name for each in RUN.scenarios if each.measurement.steps):
        page.locator(f"details.scenario[data-name='{name}'] > summary").click()
        steps = page.locator(f"details.scenario[data-name='{name}'] [role=tablist][aria-label='Steps'] > .tab")
        expect(steps).to_have_count(len(next(each for each in RUN.scenarios if each.name == name).measurement.steps))
        for number in range(steps.count()):
            steps.nth(number).click()
            expect(page.locator(f"details.scenario[data-name='{name}'] .course:visible")).to_have_count(1)


# --- filter and links -----------------------------------------------------------------------------------------------


def test_text_filters_and_stands_in_the_address(visit: Open, every: Path) -> None:
    page = visit(every)
    page.locator("[name=q]").fill("OOMKilled")
    assert {"a-killed-probe"} == shown(page)
    expect(page).to_have_url(re.compile("#q=OOMKilled$"))
    assert f"1 of {len(NAMES)} shown" == page.locator("#shown").inner_text()


@pytest.mark.parametrize(
    ("link", "names"),
    [
        pytest.param("#outcome=known-deviation", {"known"}, id="an outcome"),
        pytest.param("#outcome=known-deviation,skipped", {"known", "deselected"}, id="two outcomes"),
        pytest.param("#group=articles", {"legacy-annotation", "deselected"}, id="a group"),
        pytest.param("#group=articles&outcome=skipped", {"deselected"}, id="group and outcome"),
        pytest.param("#q=dead+server", {"a-dead-server"}, id="a text"),
        pytest.param("#capability=sctp&outcome=failed&q=source", set(), id="nothing"),
        pytest.param("#outcome=nonsense", NAMES, id="an outcome that there is not"),
    ],
)
def test_a_link_with_a_filter_shows_the_same_view(visit: Open, every: Path, link: str, names: set[str]) -> None:
    page = visit(every, link)
    assert names == shown(page)
    assert (not names) == page.locator("#nothing").is_visible()


def test_what_is_filtered_opens_the_same_elsewhere(visit: Open, every: Path) -> None:
    page = visit(every)
    page.get_by_role("button", name="error", exact=True).click()
    page.locator("[name=group]").select_option("ports")
    page.locator("[name=q]").fill("the")
    assert shown(page) == shown(visit(every, page.evaluate("location.hash")))


def test_what_an_opened_scenario_has_drawn_does_not_change_what_a_filter_finds(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=flaps")
    page.locator("[name=q]").fill("kind: NetworkPolicy")
    assert set() == shown(page)


def test_show_all_takes_the_filter_away(visit: Open, every: Path) -> None:
    page = visit(every, "#outcome=error&q=pod")
    page.get_by_role("button", name="Show all").click()
    assert NAMES == shown(page)
    expect(page).to_have_url(re.compile("^[^#]+$"))


def test_a_group_of_the_summary_is_a_link_to_its_scenarios(visit: Open, every: Path) -> None:
    page = visit(every)
    page.get_by_role("link", name="articles").click()
    expect(page.locator("details.scenario:not([hidden])")).to_have_count(2)
    assert {"legacy-annotation", "deselected"} == shown(page)


def test_a_link_to_a_scenario_opens_it(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=flaps")
    assert ["flaps"] == opened(page)
    assert page.locator("details[data-name=flaps] .grid").count() == 2
    assert page.locator("details[data-name=flaps] > summary").evaluate("each => each === document.activeElement")
    assert page.locator("details[data-name=flaps] > summary").evaluate(
        "each => each.getBoundingClientRect().top >= document.querySelector('.list-head').getBoundingClientRect().bottom - 1"
    )


def test_opening_a_scenario_puts_it_into_the_address(visit: Open, every: Path) -> None:
    page = visit(every, "#outcome=failed")
    page.locator("details[data-name=flaps] > summary").click()
    expect(page).to_have_url(re.compile("#outcome=failed&scenario=flaps$"))  # a script that waits is what the page's policy forbids
    page.locator("details[data-name=flaps] > summary").click()
    expect(page).to_have_url(re.compile("#outcome=failed$"))


def test_a_link_to_a_scenario_that_its_filter_hides_shows_it(visit: Open, every: Path) -> None:
    assert "flaps" in shown(visit(every, "#outcome=passed&scenario=flaps"))


# --- tables, timeline, picture --------------------------------------------------------------------------------------


def test_the_keyboard_leads_to_a_cell_and_its_details(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=leaks-and-outages")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.pair !== undefined"):
            break
    assert "shop/other to shop/api" in page.evaluate("document.activeElement.ariaLabel").replace("→", "to")
    text = detail(page)
    assert all(
        each in text
        for each in ("shop/other → shop/api", "80/TCP", "blocked", "shop/api-allow isolates shop/api", "leak: connected", "never")
    )
    page.keyboard.press("ArrowUp")
    assert "shop/front → shop/api" in detail(page)
    page.keyboard.press("End")
    assert "shop/front → outside/alpha" in detail(page)
    page.keyboard.press("Home")
    assert "shop/front → shop/api" in detail(page)


def test_one_cell_of_a_table_can_be_reached_by_tab(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=leaks-and-outages")
    assert [1, 1] == page.locator(".grid:visible").evaluate_all("all => all.map(each => each.querySelectorAll('[tabindex=\"0\"]').length)")


def test_pointing_at_a_cell_shows_it_and_lights_both_tables(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=limit-traffic")
    page.locator(".grid >> nth=1").locator("[data-pair] >> nth=3").hover()
    expect(page.locator(".lit:visible")).to_have_count(2)
    assert "answered by the right pod" in detail(page)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        pytest.param("leaks-and-outages", "L", id="a leak"),
        pytest.param("large-packets", "O", id="an outage of large packets"),
        pytest.param("flaps", "~", id="an unstable cell"),
        pytest.param("an-open-cell", "I", id="an illegal outcome"),
        pytest.param("another-source", "S", id="a wrong source"),
        pytest.param("a-killed-probe", "!", id="a broken probe"),
        pytest.param("known", "L", id="a known deviation"),
    ],
)
def test_a_wrong_cell_has_its_letter(visit: Open, every: Path, name: str, mark: str) -> None:
    page = visit(every, f"#scenario={name}")
    assert mark in page.locator(".grid .wrong").all_inner_texts()


def test_a_flap_is_seen_in_the_timeline(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=flaps")
    row = page.locator(".track").first
    assert "shop/other → shop/api 80/TCP (ipv4)" in row.inner_text()
    assert ["span reached", "span as-expected blocked", "span reached", "span as-expected blocked"] == row.locator("rect").evaluate_all(
        "all => all.map(each => each.getAttribute('class'))"
    )
    assert "0.30 s" in row.locator("svg text").all_text_contents()


def test_the_picture_shows_who_may_talk_to_whom(visit: Open, every: Path) -> None:
    page = visit(every, "#scenario=limit-traffic")
    words = page.locator(".graph .edge title").all_text_contents()
    assert ["shop/front → shop/api: allowed", "shop/other → shop/api: blocked"] == sorted(
        each for each in words if "shop/" in each.split(" → ")[0]
    )
    label = page.locator(".pod.isolated[tabindex]").get_attribute("aria-label")
    assert "shop/api; isolated for ingress by shop/api-allow" in (label or "")


def test_policies_stand_as_applied(visit: Open, every: Path) -> None:
    policy = RUN.scenarios[0].policies["api-allow"].strip()
    assert policy == visit(every, "#scenario=limit-traffic").locator(".policies pre").inner_text().strip()


# --- how it looks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["leaks-and-outages", "a-killed-probe", "an-open-cell"])
def test_everything_can_be_read_in_both_schemes(visit: Open, every: Path, scheme: str, name: str) -> None:
    assert [] == visit(every, f"#scenario={name}", scheme=scheme).evaluate(CONTRAST, 4.5)


def test_the_schemes_differ(visit: Open, every: Path) -> None:
    light, dark = (visit(every, scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor") for scheme in ("light", "dark"))
    assert light != dark


@pytest.mark.parametrize("link", ["", "#scenario=leaks-and-outages", "#scenario=a-connection-is-cut", "#scenario=limit-traffic"])
def test_a_narrow_screen_is_not_overflown(visit: Open, every: Path, link: str) -> None:
    page = visit(every, link, viewport=NARROW)
    assert NARROW["width"] >= page.evaluate("document.documentElement.scrollWidth")


def test_on_paper_it_is_light_and_has_no_controls(visit: Open, every: Path) -> None:
    page = visit(every, scheme="dark")
    page.emulate_media(media="print")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert not page.locator("#filter").is_visible()
    assert page.get_by_text("pod shop/api did not start: the image cannot be pulled").first.is_visible()


def test_without_scripts_summary_and_sentences_are_read(visit: Open, every: Path) -> None:
    page = visit(every, has_scripts=False)
    assert "does not enforce what it must" in page.locator("h1").inner_text()
    assert {each.name for each in RUN.scenarios} == shown(page)
    assert not page.locator("#filter").is_visible()
    assert page.locator(".sentence", has_text="the plugin failed in step 2").is_visible()


# --- hostile words --------------------------------------------------------------------------------------------------


def test_hostile_words_do_no_harm(visit: Open, hostile: Path) -> None:
    page = visit(hostile)
    for summary in page.locator("details.scenario > summary").all():
        summary.click()
    expect(page.locator(".steps")).to_have_count(2)  # what opens is drawn a moment later
    for more in page.locator("details.more > summary").all():
        more.click()
    assert page.title() != "harm"
    assert 0 == page.locator("img, iframe, object, link, a[href^='javascript']").count()


def test_a_table_of_two_hundred_pods_says_what_it_leaves_out(visit: Open, hostile: Path) -> None:
    page = visit(hostile, "#scenario=two-hundred-pods")
    assert page.get_by_text("Of 200 rows and 200 columns the first 40 and 1 with something wrong are drawn.").is_visible()
    assert page.get_by_text("too many for a picture").is_visible()
    assert 40 == page.locator(".grid >> nth=1").locator(".wrong").count()


def test_hostile_names_filter_and_link(visit: Open, hostile: Path) -> None:
    page = visit(hostile)
    group = page.locator("[name=group] option").nth(1).get_attribute("value") or ""
    page.locator("[name=group]").select_option(group)
    wanted = shown(page)
    assert 1 == len(wanted)
    assert wanted == shown(visit(hostile, page.evaluate("location.hash")))

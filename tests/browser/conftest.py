"""A real browser that opens pages as files, and a watch on what it says and asks for while it does."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

UNIT = Path(__file__).parents[1] / "unit"
sys.path.insert(0, str(UNIT))  # the runs made by hand are there

from every_outcome import run as every_outcome  # noqa: E402 # from the folder above
from hostile_run import run as hostile_run  # noqa: E402

from conformance.report.html import write_html  # noqa: E402

PAINTED = "new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))"
"""Waits for the first picture of a page: a browser drops the keys that come before it."""

PATIENCE = 180_000
"""Milliseconds for what a browser does a moment later: Playwright's own 5 and 30 s pass on a busy machine."""

expect.set_options(timeout=PATIENCE)

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 800}


@dataclass
class Watch:
    """What went on in a tab: what the console said, errors of scripts, and what was asked for besides the file itself."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Page]
"""Opens a file; the part of its address from `#` on, `viewport`, `scheme` and `has_scripts` say how."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable, "no Chromium is installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"], timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What all tabs of a test said and asked for: nothing, at the end of every test."""
    seen = Watch()
    yield seen
    assert ([], []) == (seen.said, seen.asked)


@pytest.fixture
def visit(chromium: Browser, watch: Watch) -> Iterator[Open]:
    """Opens a page in a tab of its own."""
    contexts = []

    def open_page(
        path: Path, link: str = "", *, viewport: dict[str, int] | None = None, scheme: str = "light", has_scripts: bool = True
    ) -> Page:
        context = chromium.new_context(viewport=viewport or WIDE, color_scheme=scheme, java_script_enabled=has_scripts)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: watch.said.append(message.text))
        page.on("pageerror", lambda error: watch.said.append(str(error)))
        page.on("request", lambda request: watch.asked.append(request.url) if request.url.split("#")[0] != path.as_uri() else None)
        page.goto(path.as_uri() + link)
        if has_scripts:
            page.evaluate(PAINTED)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with every outcome and every kind of finding."""
    path = tmp_path_factory.mktemp("every") / "report.html"
    write_html(every_outcome(), path)
    return path


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run that means harm."""
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    write_html(hostile_run(), path)
    return path

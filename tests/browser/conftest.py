"""A real browser, Debian's chromium, that reports every complaint and foreign request."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest

from support.local_server import serving

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Watched:
    """A page, and what it should not have done."""

    page: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Any:
        self.page.goto(self.url + path)
        return self.page

    def check(self) -> None:
        assert self.complaints == []
        assert self.foreign == []


@pytest.fixture(scope="module")
def browser():
    """Chromium; where it is not installed these tests say so and are skipped.

    Not for the whole session: its driver keeps an event loop running, and other tests
    run loops of their own.
    """
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # Containers run as root, where chromium's own sandbox does not start.
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def served(tmp_path):
    """The local server with an empty database."""
    with serving(tmp_path / "tasks.db") as server:
        yield server


@pytest.fixture
def watch(browser, served):
    """Opens windows of a given size and scheme; each is checked at the end."""
    opened = []

    def window(**options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **options}
        )
        page = context.new_page()
        watched = Watched(page, served.url)

        def listen(request):
            if not request.url.startswith((served.url, "data:", "blob:")):
                watched.foreign.append(request.url)

        def complain(message):
            if message.type in ("error", "warning"):
                watched.complaints.append(message.text)

        page.on("request", listen)
        page.on("console", complain)
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        opened.append((context, watched))
        return watched

    yield window
    for context, watched in opened:
        watched.check()
        context.close()

"""A real browser, Debian's chromium, that records console errors and foreign requests."""

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
    """A page, with its console errors and foreign requests."""

    page: Any
    url: str
    console_errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Any:
        self.page.goto(self.url + path)
        return self.page

    def check(self) -> None:
        assert self.console_errors == []
        assert self.foreign == []


@pytest.fixture(scope="module")
def browser():
    """Chromium; these tests are skipped if it is not installed.

    Not session-scoped: its driver keeps an event loop running, and other tests run
    their own loops.
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
    """Open windows with a given size and scheme; each is checked at the end."""
    opened = []

    def window(**options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **options}
        )
        page = context.new_page()
        watched = Watched(page, served.url)

        def record_request(request):
            if not request.url.startswith((served.url, "data:", "blob:")):
                watched.foreign.append(request.url)

        def record_error(message):
            if message.type in ("error", "warning"):
                watched.console_errors.append(message.text)

        page.on("request", record_request)
        page.on("console", record_error)
        page.on("pageerror", lambda error: watched.console_errors.append(str(error)))
        opened.append((context, watched))
        return watched

    yield window
    for context, watched in opened:
        watched.check()
        context.close()

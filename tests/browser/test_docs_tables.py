"""Tables of the documentation on a phone, in a real browser, with the site's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

STATIC = Path(__file__).parents[2] / "docs" / "_static"
LONG = "INFINIUM_OTEL_SOME_SETTING_WITH_A_VERY_LONG_NAME_INDEED"
PAGE = f"""<!doctype html><meta name="viewport" content="width=device-width">
<style>{(STATIC / "tables.css").read_text()}</style>
<div class="table-wrapper"><table class="docutils">
<thead><tr><th>setting</th><th>environment</th><th>meaning</th></tr></thead>
<tbody><tr><td><code><span class="pre">some_setting</span></code></td>
<td><code><span class="pre">{LONG}</span></code></td>
<td>{"A sentence about it. " * 8}</td></tr></tbody></table></div>"""


def open_page(browser, width: int):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(PAGE)
    page.add_script_tag(content=(STATIC / "tables.js").read_text())
    return page


@pytest.mark.parametrize("width", [320, 390, 760])
def test_no_table_is_wider_than_the_window(browser, width):
    """Long names break, and the text of a name stays what it is."""
    page = open_page(browser, width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("code").last).to_have_text(LONG)
    page.close()


def test_a_row_is_a_card_of_named_cells(browser):
    """On a phone each cell is below the one before, with the name of its column."""
    page = open_page(browser, 390)
    first, second = (page.locator("td").nth(place).bounding_box() for place in (0, 1))
    assert second["y"] >= first["y"] + first["height"]
    label = "e => getComputedStyle(e, '::before').content"
    assert page.locator("td").nth(1).evaluate(label) == '"environment"'
    page.close()

"""Looking closer at the list and at one run, in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from support.page import panel, rows, steps
from support.runs import hostile, long_run, research, run, some

expect = pytest.importorskip("playwright.sync_api").expect


def test_filters_stay_in_the_address_and_go_back(served, watch):
    """Each filter is a place of its own in the history; Clear takes them away."""
    served.keep(research())
    served.keep(run("Without errors", environment={"framework": "plain"}))
    page = watch().open()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Errors", exact=True).first.click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("errors=1"))
    page.go_back()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Agent").select_option("plain")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("Without errors")).to_be_visible()
    page.get_by_label("Model").select_option("gpt-4o")
    expect(page.get_by_role("heading", name="No run fits")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_title("Sort by cost").click()
    expect(page).to_have_url(re.compile("sort=cost"))
    expect(rows(page).first).to_contain_text("Recommend a heat pump")


def test_the_empty_list_says_how_to_begin(watch):
    """Nothing has come yet: the page says where to send, with its own address."""
    window = watch()
    page = window.open()
    expect(
        page.get_by_role("heading", name="Waiting for the first run")
    ).to_be_visible()
    expect(page.locator(".way").first).to_contain_text(window.url)


def test_new_runs_do_not_move_what_one_reads(served, watch):
    """Whoever has scrolled down keeps the same rows in front of them."""
    for number in range(120):
        served.keep(some(number))
    page = watch(viewport={"width": 1280, "height": 600}).open()
    expect(rows(page).first).to_be_visible()
    page.evaluate("window.scrollTo(0, 2000)")
    there = page.locator(".row").filter(has_text="Plan a trip to Lisbon 80")
    expect(there).to_be_visible()
    before = there.bounding_box()["y"]
    served.keep(run("Just arrived"))
    pill = page.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    assert abs(there.bounding_box()["y"] - before) < 2
    pill.click()
    expect(page.get_by_text("Just arrived")).to_be_visible()


def test_a_step_tells_everything(served, watch):
    """A click on a step shows its error, stack, input, output and metadata."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page)).to_have_count(16)
    steps(page).filter(has_text="fetch_page").first.click()
    expect(panel(page)).to_contain_text("httpx.ReadTimeout")
    expect(panel(page)).to_contain_text("agent/tools.py")
    expect(panel(page)).to_contain_text("otel.span_id")
    expect(page).to_have_url(re.compile("step=5"))
    panel(page).get_by_role("button", name="Next").click()
    expect(panel(page)).to_contain_text("12 of 77 houses")
    page.reload()
    expect(panel(page)).to_contain_text("12 of 77 houses")
    page.keyboard.press("Escape")
    expect(panel(page)).to_contain_text("Tokens and cost by model")
    expect(panel(page).get_by_role("img", name=re.compile("gpt-4o: "))).to_be_visible()


def test_kinds_differ_by_more_than_colour(served, watch):
    """A call, a tool and an error have a name and a shape each, not a colour alone."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page).first).to_have_attribute("aria-label", re.compile("^LLM call"))
    expect(steps(page).nth(1)).to_have_attribute("aria-label", re.compile("^Tool"))
    failed = steps(page).nth(4)
    expect(failed).to_have_attribute("aria-label", re.compile("failed$"))
    expect(failed.locator(".icon-error")).to_be_visible()
    bars = [
        steps(page)
        .nth(place)
        .locator(".bar")
        .evaluate("e => getComputedStyle(e).backgroundImage")
        for place in (0, 1)
    ]
    assert bars[0] == "none"
    assert "gradient" in bars[1]


def test_steps_by_keyboard(served, watch):
    """The arrows walk, fold and unfold; `e` finds the error; Escape lets go."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page)).to_have_count(16)
    page.keyboard.press("ArrowDown")
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    expect(steps(page)).to_have_count(12)
    page.keyboard.press("ArrowRight")
    expect(steps(page)).to_have_count(16)
    page.keyboard.press("e")
    expect(panel(page)).to_contain_text("httpx.ReadTimeout")
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("step=16"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_two_thousand_steps_from_end_to_end(served, watch):
    """The last of 2,000 steps is one key away."""
    task = served.keep(long_run())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page).first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("End")
    expect(steps(page).filter(has_text="tool_1999")).to_be_visible()
    page.keyboard.press("Enter")
    expect(panel(page)).to_contain_text("step 2000 of 2,000")


def test_hostile_steps_are_text(served, watch):
    """Every field of a hostile step and run is shown as text, long lines in parts."""
    task = served.keep(hostile())
    window = watch()
    page = window.open(f"/tasks/{task}?step=1")
    expect(panel(page)).to_contain_text("<script>window.hit = 1</script>")
    expect(panel(page)).to_contain_text("⟨U+202E⟩")
    page.get_by_role("button", name=re.compile("Show more")).first.click()
    page.get_by_role("button", name="JSON", exact=True).click()
    expect(page.get_by_role("dialog", name="JSON as received")).to_be_visible()
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img, dialog script, dialog img").count() == 0


def test_raw_json_is_copied_as_it_came(served, watch):
    """Copy gives the JSON byte for byte."""
    task = served.keep(research())
    page = watch(permissions=["clipboard-read", "clipboard-write"]).open(
        f"/tasks/{task}"
    )
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert json.loads(copied) == research()


def test_a_phone_shows_the_step_as_a_sheet(served, watch):
    """On a phone a step opens over the run, and closes again."""
    task = served.keep(research())
    size = {"width": 390, "height": 844}
    page = watch(viewport=size, has_touch=True, color_scheme="dark").open(
        f"/tasks/{task}"
    )
    expect(steps(page).first).to_be_visible()
    steps(page).nth(4).tap()
    close = page.get_by_role("button", name="Close the step")
    expect(close).to_be_in_viewport()
    close.tap()
    expect(close).to_have_count(0)


def test_a_run_that_is_not_there(served, watch):
    """An address of no run says so and leads back."""
    window = watch()
    page = window.open("/tasks/none")
    expect(page.get_by_text("no task none")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", name="Waiting")).to_be_visible()
    # the browser itself writes the 404 into its console
    window.complaints.clear()

"""The steps of a run: chips that filter, zoom, folding, and errors that lead to a step."""

from __future__ import annotations

import re

import pytest

from support.page import panel, steps
from support.runs import long_run, research

expect = pytest.importorskip("playwright.sync_api").expect


def chip(page, name: str):
    return page.locator(".legend").get_by_role("button", name=re.compile(f"^{name}"))


def zoom(page, name: str):
    return page.get_by_role("group", name="Zoom").get_by_role("button", name=name)


def test_chips_show_only_steps_of_their_kind(served, watch):
    """With what they are in; several add up; the address has them."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page)).to_have_count(16)
    chip(page, "Tool").click()
    expect(chip(page, "Tool")).to_have_attribute("aria-pressed", "true")
    expect(chip(page, "Tool")).to_be_focused()
    expect(steps(page)).to_have_count(8)  # six tools, and the two agents around them
    expect(page.locator(".step.around")).to_have_count(2)
    chip(page, "Check").click()
    expect(steps(page)).to_have_count(9)
    expect(page).to_have_url(re.compile("kinds=tool%2Ccheck"))
    page.reload()
    expect(steps(page)).to_have_count(9)
    for name in ("Tool", "Check"):
        chip(page, name).click()
    expect(steps(page)).to_have_count(16)
    chip(page, "Error").click()
    expect(steps(page)).to_have_count(2)
    expect(steps(page).last).to_contain_text("fetch_page")


def test_a_step_outside_the_filter_can_be_opened(served, watch):
    """An error of another kind is opened: the chips are released."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}?kinds=check")
    expect(steps(page)).to_have_count(2)
    panel(page).get_by_role("button", name="Go to step").click()
    expect(panel(page)).to_contain_text("step 5 of 16")
    expect(steps(page)).to_have_count(16)
    expect(page).not_to_have_url(re.compile("kinds="))


def test_a_part_of_the_run_is_zoomed_into(served, watch):
    """By dragging over the axis, and by buttons; only what happened in it is shown."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page)).to_have_count(16)
    expect(zoom(page, "Show the whole run")).to_be_disabled()
    box = page.locator(".axis .ruler").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 1, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.1, middle, steps=3)
    page.mouse.up()
    expect(steps(page)).to_have_count(1)
    bar = steps(page).first.locator(".bar").bounding_box()
    assert bar["width"] == pytest.approx(box["width"], rel=0.05)
    zoom(page, "Show the whole run").click()
    expect(steps(page)).to_have_count(16)
    steps(page).last.click()
    for _ in range(3):
        zoom(page, "Zoom in").click()
    expect(steps(page)).to_have_count(1)
    expect(steps(page).first).to_have_attribute("aria-selected", "true")
    zoom(page, "Zoom out").click()
    page.locator(".axis").dblclick()
    expect(steps(page)).to_have_count(16)


def test_an_error_leads_to_its_step(served, watch):
    """The card of an error in the overview opens the step that failed, in a folded branch too."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    steps(page).nth(2).locator(".caret").click()
    expect(steps(page)).to_have_count(12)
    panel(page).get_by_role("button", name="Go to step").click()
    expect(panel(page)).to_contain_text("step 5 of 16")
    expect(steps(page)).to_have_count(16)
    expect(page.locator(".step[aria-selected=true]")).to_be_in_viewport()


def test_kinds_of_a_long_run(served, watch):
    """Of 2,000 steps those of one kind are shown, and only those in view are drawn."""
    task = served.keep(long_run())
    page = watch().open(f"/tasks/{task}?kinds=llm")
    expect(steps(page).nth(1)).to_have_attribute("aria-label", re.compile("^LLM call"))
    expect(chip(page, "LLM call")).to_contain_text("600")
    assert page.locator(".step").count() < 100

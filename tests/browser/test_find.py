"""A search inside a run, in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from infinium_otel import otlp
from support.page import panel, steps
from support.records import agent, chat, tool
from support.runs import hostile, research

expect = pytest.importorskip("playwright.sync_api").expect

MARKED = (
    """(name) => [...CSS.highlights.get(name) ?? []].map((range) => range.toString())"""
)


def find(page):
    return page.get_by_role("searchbox", name="Find in this run")


def state(page):
    return page.locator(".find [role=status]")


def expect_marked(page, name: str, texts: list[str]) -> None:
    """The places of a text, as the browser paints them."""
    for _ in range(100):
        if page.evaluate(MARKED, name) == texts:
            break
        page.wait_for_timeout(50)
    assert page.evaluate(MARKED, name) == texts


def test_steps_with_a_text_are_marked_and_visited(served, watch):
    """Enter goes from place to place and from step to step, and around the end."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}")
    expect(steps(page)).to_have_count(16)
    page.keyboard.press("/")
    page.keyboard.type("seasonal performance")
    expect(state(page)).to_have_text("2 steps")
    expect(page.locator(".step.hit")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text("1 of 2 steps")
    expect(page).to_have_url(re.compile("step=6&find=seasonal"))
    expect_marked(page, "found-now", ["seasonal performance"])
    page.keyboard.press("Enter")
    expect(panel(page)).to_contain_text("step 16 of 16")
    page.keyboard.press("Enter")
    expect(panel(page)).to_contain_text("step 6 of 16")
    page.keyboard.press("Shift+Enter")
    expect(panel(page)).to_contain_text("step 16 of 16")
    page.reload()
    expect(state(page)).to_have_text("2 of 2 steps")
    find(page).focus()
    page.keyboard.press("Escape")
    expect(state(page)).to_have_text("")
    expect_marked(page, "found", [])
    expect(page).not_to_have_url(re.compile("find="))


def send_conversation(served) -> str:
    """A call after 40 messages, of which the first has a long text; returns its address."""
    long = "word " * 2_000
    texts = [f"{long} the hidden needle", *(f"message {n}" for n in range(40))]
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": text}]} for text in texts
    ]
    attributes = {"gen_ai.input.messages": json.dumps(messages), "only.here": "thimble"}
    records = [
        agent("root"),
        chat("a", "root", attributes=attributes),
        tool("b", "root", start=2),
    ]
    served.http.post("/v1/traces", json=otlp.to_otlp(records)).raise_for_status()
    (row,) = served.get("/api/tasks")["tasks"]
    return f"/tasks/{row['trace_id']}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hidden needle", id="earlier-message"),
        pytest.param("thimble", id="attribute-of-a-closed-span"),
    ],
)
def test_what_is_not_shown_yet_is_found_and_shown(served, watch, text):
    """An earlier message, the end of a long text and a closed span are opened."""
    address = send_conversation(served)
    page = watch().open(f"{address}?find={text}")
    expect(state(page)).to_have_text("1 step")
    page.get_by_role("button", name="Next place").click()
    expect(state(page)).to_have_text("1 of 1 step")
    expect_marked(page, "found-now", [text])


def test_what_is_sought_is_text(served, watch):
    """Neither a pattern nor markup is read from it; what is not there is not found."""
    task = served.keep(hostile())
    window = watch()
    page = window.open(f"/tasks/{task}?step=1")
    find(page).fill("<script>window.hit = 1</script>")
    expect(state(page)).to_have_text("1 of 2 steps")
    find(page).fill("(((.*[")
    expect(state(page)).to_have_text("Not found")
    assert page.evaluate("window.hit") is None

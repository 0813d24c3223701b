"""What users reported of other viewers of traces, tried on this page.

Each test names the report as `owner/repo#number`.
"""

from __future__ import annotations

import json
import re

import pytest

from infinium_otel import otlp
from support.page import panel, rows, steps
from support.records import agent, chat, tool
from support.runs import research, run

expect = pytest.importorskip("playwright.sync_api").expect

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def send(served, *records) -> None:
    served.http.post("/v1/traces", json=otlp.to_otlp(list(records))).raise_for_status()


def send_prompt(served, text: str, *parts: dict) -> str:
    """A call with a prompt; returns the address of its step."""
    content = [{"type": "text", "content": text}, *parts]
    message = json.dumps([{"role": "user", "parts": content}])
    send(served, chat("a", attributes={"gen_ai.input.messages": message}))
    (row,) = served.get("/api/tasks")["tasks"]
    return f"/tasks/{row['trace_id']}?step=1"


def test_a_match_in_a_folded_branch_is_reached(served, watch):
    """jaegertracing/jaeger-ui#235: matches have a count and buttons, also where folded."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}?find=larger radiators")
    expect(page.locator(".find [role=status]")).to_have_text("1 step")
    steps(page).nth(2).locator(".caret").click()
    expect(page.locator(".step.hit")).to_have_count(0)
    page.get_by_role("button", name="Next place").click()
    expect(page.locator(".step.hit")).to_be_in_viewport()


def test_an_opened_run_is_not_part_of_the_next_search(served, watch):
    """jaegertracing/jaeger-ui#82: the address of a run adds nothing to a later search."""
    served.keep(run("First"))
    served.keep(run("Second"))
    page = watch().open("/?q=First")
    rows(page).first.click()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("searchbox", name="Search", exact=True).fill("Second")
    expect(rows(page)).to_contain_text("Second")
    expect(page).to_have_url(re.compile(r"/\?q=Second$"))


@pytest.mark.parametrize("value", ["Builder | Research", "a&b=c", "50% + 1", "#1?"])
def test_a_filter_with_special_characters_survives_a_reload(served, watch, value):
    """langfuse/langfuse#11757: a pipe in a value broke the filter of a shared address."""
    served.keep(
        run("Wanted", environment={"custom_tags": {"gen_ai.agent.name": value}})
    )
    served.keep(run("Other"))
    page = watch().open()
    expect(page.get_by_label("Agent").locator("option")).to_have_count(3)
    page.get_by_label("Agent").select_option(value)
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Agent")).to_have_value(value)


def test_a_filter_by_cost_selects(served, watch):
    """langfuse/langfuse#4320: a filter by total cost had no effect."""
    for cost in (0.01, 0.2):
        served.keep(run(f"Cost {cost}", llm_usage={"estimated_cost_usd": cost}))
    page = watch().open("/?min_cost=0.15")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Cost 0.2")


def test_filters_are_kept_while_a_run_is_read(served, watch):
    """langfuse/langfuse#6223: opening a run of a user's list reset the filter."""
    for number in range(3):
        tags = {"user.id": "u-1" if number else "u-2"}
        served.keep(run(f"Run {number}", environment={"custom_tags": tags}))
    page = watch().open("/?user=u-1")
    expect(rows(page)).to_have_count(2)
    rows(page).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("user=u-1"))


def test_next_stays_within_the_filter(served, watch):
    """langfuse/langfuse#8912: next and previous went to what the filter excludes."""
    task = served.keep(research())
    page = watch().open(f"/tasks/{task}?kinds=tool&step=2")
    expect(panel(page)).to_contain_text("step 2 of 16")
    expect(panel(page).get_by_role("button", name="Previous")).to_be_disabled()
    panel(page).get_by_role("button", name="Next").click()
    expect(panel(page)).to_contain_text("step 5 of 16")


def test_a_run_that_never_ends_can_be_read(served, watch):
    """mlflow/mlflow#22003: a pending trace was redrawn all the time while it was read."""
    send(served, chat("a", "root"), tool("b", "root", start=1))
    page = watch().open()
    rows(page).first.click()
    steps(page).first.click()
    fold = panel(page).locator("details", has_text="Span as recorded")
    fold.locator("> summary").click()
    expect(fold).to_contain_text("gen_ai.request.model")
    read = fold.element_handle()
    send(served, tool("c", "root", start=2))
    expect(steps(page)).to_have_count(3)
    assert read.evaluate("fold => fold.isConnected && fold.open")


@pytest.mark.parametrize(
    "text", ["one\ntwo\nthree", "<context>\n one\n two\n</context>"]
)
def test_line_ends_of_a_prompt_are_shown(served, watch, text):
    """mlflow/mlflow#17940: the lines of a prompt were shown as one."""
    page = watch().open(send_prompt(served, f"{text}\n\n**bold**"))
    expect(panel(page).locator(".markdown strong")).to_have_text("bold")
    shown = panel(page).locator(".markdown p").first.inner_text()
    assert [line.strip() for line in shown.splitlines()] == text.replace(" ", "").split(
        "\n"
    )


def test_a_tag_that_is_an_object_is_shown(served, watch):
    """mlflow/mlflow#22943: tags were shown as [object Object]."""
    tags = {"plain": "x", "nested": {"tier": ["gold", {"since": 2024}]}}
    task = served.keep(run("Tagged", environment={"custom_tags": tags}))
    page = watch().open(f"/tasks/{task}")
    expect(panel(page)).to_contain_text('"since": 2024')
    expect(page.locator("body")).not_to_contain_text("[object Object]")


def test_a_huge_prompt_does_not_hang_the_page(served, watch):
    """langfuse/langfuse#2690: a huge prompt in Markdown held the tab up for seconds."""
    page = watch().open(send_prompt(served, "# Title\n\n- **x** `y` | z\n" * 7_000))
    expect(panel(page).get_by_role("button", name="Show more")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") < 2_000


def test_an_image_in_a_message_is_no_wall_of_text(served, watch):
    """langfuse/langfuse#9933: the base64 of an `image_url` was shown as text."""
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
    page = watch().open(send_prompt(served, "What is this?", part))
    expect(panel(page).locator(".media img")).to_be_visible()
    expect(panel(page).locator(".messages")).not_to_contain_text(IMAGE[:40])


def test_a_run_opens_in_a_new_tab(served, watch):
    """langfuse/langfuse#851: a run opens beside the filtered list, which stays."""
    served.keep(run("Wanted"))
    page = watch().open("/?q=Wanted")
    with page.context.expect_page() as opened:
        rows(page).first.click(modifiers=["Control"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Wanted")
    expect(page).to_have_url(re.compile("q=Wanted"))


def test_the_agent_of_a_run_in_another_language(served, watch):
    """langfuse/langfuse#10955: filters are released by their own button only."""
    send(served, agent("root", name="планировщик"), chat("a", "root"))
    page = watch().open("/?errors=fatal&agent=планировщик")
    expect(page.get_by_role("heading", name="No runs match")).to_be_visible()
    page.get_by_role("combobox", name="Errors").select_option("")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Agent")).to_have_value("планировщик")

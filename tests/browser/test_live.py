"""Open runs, in a real browser: they appear, grow, and become the finished run."""

from __future__ import annotations

import json
import re

import pytest

from infinium_otel import otlp
from support.page import panel, rows, steps
from support.records import agent, chat, tool
from support.runs import run

expect = pytest.importorskip("playwright.sync_api").expect


def say(text: str) -> dict[str, str]:
    """The attributes of a call whose user says *text*."""
    message = {"role": "user", "parts": [{"type": "text", "content": text}]}
    return {"gen_ai.input.messages": json.dumps([message])}


def send(served, *records) -> None:
    served.http.post("/v1/traces", json=otlp.to_otlp(list(records))).raise_for_status()


def end(served) -> None:
    """The root ends: the run is complete."""
    send(served, agent("root", name="trip-planner"))


def test_an_open_run_grows_and_becomes_the_finished_one(served, watch):
    """It is the first row from its first span on, and the same row when it is complete."""
    served.keep(run("Earlier", current_datetime="2001-01-01T00:00:00Z"))
    page = watch().open()
    expect(rows(page)).to_have_count(1)
    send(served, chat("a", "root", attributes=say("Plan a trip to Lisbon")))
    expect(rows(page)).to_have_count(2)
    first = rows(page).first
    expect(first).to_contain_text("running")
    expect(first).to_contain_text("Plan a trip to Lisbon")
    expect(page.locator(".total")).to_have_text("1 run · 1 running")
    send(served, tool("b", "root", tool="weather", start=1))
    expect(first.locator(".c-steps")).to_contain_text("2")
    end(served)
    expect(page.locator(".total")).to_have_text("2 runs")
    expect(first).to_contain_text("trip-planner")
    expect(first).not_to_contain_text("running")
    expect(rows(page)).to_have_count(2)


def test_the_open_step_stays_open_while_its_run_grows(served, watch):
    """New steps appear around the chosen one; at the end the address is the run's own."""
    send(served, tool("b", "root", tool="weather", start=1))
    page = watch().open()
    rows(page).first.click()
    expect(steps(page)).to_have_count(1)
    expect(page.locator(".byline")).to_contain_text("running")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    steps(page).first.click()
    expect(page).to_have_url(re.compile("step=1"))
    send(served, chat("a", "root", start=0), tool("c", "root", tool="book", start=3))
    expect(steps(page)).to_have_count(3)
    expect(panel(page)).to_contain_text("step 2 of 3")
    expect(page).to_have_url(re.compile("step=2"))
    end(served)
    expect(page.get_by_role("heading", level=1)).to_have_text("trip-planner")
    expect(page.locator(".byline")).not_to_contain_text("running")
    expect(panel(page)).to_contain_text("weather")
    (row,) = served.get("/api/tasks")["tasks"]
    expect(page).to_have_url(re.compile(row["trace_id"]))
    page.reload()
    expect(panel(page)).to_contain_text("weather")


def test_filters_select_open_runs_too(served, watch):
    """A search shows the open runs that it finds, and no others."""
    send(served, chat("a", "root", attributes=say("Plan a trip to Lisbon")))
    page = watch().open("/?q=Lisbon")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox").fill("Porto")
    expect(page.get_by_role("heading", name="No runs match")).to_be_visible()

"""The page of `infinium-otel serve`, in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.page import panel, rows
from support.runs import AGENT_ID, HOSTILE, hostile, long_run, research, run, some

expect = pytest.importorskip("playwright.sync_api").expect
ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "_static" / "page.png"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def test_the_list_shows_what_has_arrived(served, watch):
    """Each task is a row with its name, models, tokens and errors."""
    served.keep(research())
    served.keep(run("A plain run"))
    page = watch().open()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_text("A plain run")).to_be_visible()


def test_a_new_task_appears_by_itself(served, watch):
    """The list grows without a reload."""
    page = watch().open()
    expect(page.locator("#live")).not_to_have_text("connecting")
    served.keep(run("Just arrived"))
    expect(page.get_by_text("Just arrived")).to_be_visible()


@pytest.mark.parametrize(
    ("zone", "name"),
    [("UTC", "UTC"), ("Europe/Berlin", "CE"), ("Asia/Kolkata", "GMT+5:30")],
)
def test_times_have_the_name_of_their_zone(served, watch, zone, name):
    """In the list, in a run and beside another run, so that a log in UTC can be found.

    Source: opensearch-project/agent-health#173, AgentOps-AI/agentops#969.
    """
    served.keep(research())
    page = watch(timezone_id=zone).open()
    expect(rows(page).first.locator("time")).to_have_attribute(
        "title", re.compile(rf" {re.escape(name)}S?T?$")
    )
    rows(page).first.click()
    expect(page.locator("bdi.agent + time")).to_have_text(
        re.compile(rf" {re.escape(name)}S?T?$")
    )


def test_a_search_stays_in_the_url(served, watch):
    """The search is in the URL, and a reload keeps it."""
    served.keep(run("Find the needle"))
    served.keep(run("Only hay"))
    page = watch().open()
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("needle")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("needle"))
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("needle")


def test_a_run_is_opened_read_and_closed_by_keyboard(served, watch):
    """Enter opens a run, the arrows move in its steps, Escape goes back to its row."""
    served.keep(research())
    page = watch().open()
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/tasks/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text(research()["name"])
    page.keyboard.press("j")
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(1)


def test_span_content_never_becomes_markup(served, watch):
    """Scripts, links and marks in any field are shown as text and do nothing."""
    task = served.keep(hostile())
    window = watch()
    page = window.open()
    expect(rows(page)).to_have_count(1)
    for path in ("/", f"/tasks/{task}"):
        page = window.open(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.hit") is None
        assert page.locator("main script, main img, main iframe").count() == 0
        assert page.locator("a[href^='javascript:']").count() == 0
    assert HOSTILE[0] in page.locator("body").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(served, watch, scheme):
    """At a phone's width, light and dark, nothing has to be scrolled sideways."""
    task = served.keep(research())
    window = watch(color_scheme=scheme, **PHONE)
    for path in ("/", f"/tasks/{task}"):
        page = window.open(path)
        page.wait_for_load_state("networkidle")
        wide, width = page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert wide <= width


def test_dark_is_dark(served, watch):
    """The page follows the system's scheme."""
    served.keep(run())
    colours = {
        scheme: watch(color_scheme=scheme)
        .open()
        .evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    light, dark = (
        sum(map(int, re.findall(r"\d+", colours[scheme])[:3]))
        for scheme in ("light", "dark")
    )
    assert dark < light


def test_only_visible_steps_are_drawn(served, watch):
    """A run of 2,000 steps opens, and only the steps in view are in the document."""
    task = served.keep(long_run())
    page = watch().open(f"/tasks/{task}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") < 5000


def test_going_back_restores_the_position(served, watch):
    """After opening a run far down, the list is where it was."""
    for number in range(150):
        served.keep(some(number))
    page = watch(viewport={"width": 1280, "height": 600}).open()
    expect(page.get_by_text("150", exact=False).first).to_be_visible()
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 2500)
    page.wait_for_timeout(300)
    before = page.evaluate("window.scrollY")
    assert before > 0
    page.mouse.click(300, 400)
    expect(page).to_have_url(re.compile("/tasks/"))
    page.go_back()
    # wait_for_function needs eval, which the page's own policy forbids
    for _ in range(100):
        after = page.evaluate("window.scrollY")
        if abs(after - before) < 50:
            break
        page.wait_for_timeout(50)
    assert abs(after - before) < 50


def run_the_demo(served) -> str:
    """Run the README's agent against the server; return its task's id."""
    pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    environ = os.environ | {
        "INFINIUM_AGENT_ID": AGENT_ID,
        "INFINIUM_AGENT_SECRET": "a-secret-of-mine",
        "INFINIUM_BASE_URL": f"{served.url}/api/v1",
    }
    program = [sys.executable, ROOT / "examples" / "openai_agent.py"]
    subprocess.run(program, env=environ, check=True, timeout=60)
    [task] = served.get("/api/tasks")["tasks"]
    return task["trace_id"]


def test_the_picture_of_the_readme_is_of_a_real_run(served, watch, request, tmp_path):
    """The README shows the demo's own run; `--update-golden` takes a new picture."""
    window = watch(viewport={"width": 1280, "height": 700})
    page = window.open(f"/tasks/{run_the_demo(served)}")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_have_text("trip-planner")
    expect(page.get_by_text("unknown city: Lisboa").first).to_be_visible()
    taken = tmp_path / "page.png"
    page.screenshot(path=taken)
    assert taken.stat().st_size > 10_000
    if request.config.getoption("--update-golden"):
        PICTURE.write_bytes(taken.read_bytes())
        pytest.fail(f"took {PICTURE}: look at it, then run again without")
    assert PICTURE.exists()

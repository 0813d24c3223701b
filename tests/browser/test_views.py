"""Charts above the list, and two runs compared, in a real browser."""

from __future__ import annotations

import copy
import re

import pytest

from support.local_server import serving
from support.page import panel, rows, steps
from support.runs import research, run, some

expect = pytest.importorskip("playwright.sync_api").expect


def test_charts_follow_the_filters(served, watch):
    """Four charts of what is listed, by agent if wanted, each with its numbers."""
    for number in range(12):
        served.keep(some(number))
    page = watch().open()
    expect(rows(page).first).to_be_visible()
    page.get_by_text("Charts").click()
    expect(page.locator(".chart canvas")).to_have_count(4)
    table = page.get_by_role("table", name="Runs")
    counted = sum(
        int(cell) for cell in table.locator("td:nth-child(2)").all_inner_texts()
    )
    assert counted == 12
    page.get_by_role("combobox", name="Group charts").select_option("agent")
    expect(page.locator(".chart").first).to_contain_text("travel-planner")
    page.get_by_role("searchbox").fill("nothing has this text")
    expect(page.locator(".overview")).to_contain_text("No runs match")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_runs_are_compared(served, watch, scheme):
    """Figures with differences, texts as a diff, steps aligned; folded until opened."""
    first = research()
    second = copy.deepcopy(first)
    second["duration"] = first["duration"] * 2
    first["environment"]["custom_tags"]["evaluation.Tone"] = "0.25 (poor)"
    first["environment"]["custom_tags"]["prompt.research"] = "3"
    second["environment"]["custom_tags"]["prompt.research"] = "4"
    second["output_summary"] = "A ground-source unit instead."
    second["steps"][3]["output_preview"] = "quite another page"
    del second["steps"][-1]
    served.keep(first)
    served.keep(second)
    page = watch(color_scheme=scheme).open()
    rows(page).first.click()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("dialog").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/compare"))
    figures = page.get_by_role("row").filter(has_text="Duration")
    expect(figures).to_contain_text("(")
    expect(page.get_by_role("row").filter(has_text="Tone")).to_contain_text(
        "0.25 (poor)"
    )
    versions = page.get_by_role("row").filter(has_text="Prompt research")
    expect(versions.get_by_role("cell").nth(0)).to_have_text("3")
    expect(versions.get_by_role("cell").nth(1)).to_have_text("4")
    expect(page.locator(".diff ins").first).to_be_visible()
    expect(page.locator(".step-pair.both")).to_have_count(15)
    expect(page.locator(".step-pair.added, .step-pair.removed")).to_have_count(1)
    page.locator(".step-pair").filter(has_text="texts differ").locator(
        "summary"
    ).click()
    expect(page.locator(".step-pair[open] .diff").last).to_contain_text("another")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(rows(page)).to_have_count(2)


def test_runs_that_cannot_be_compared(served, watch):
    """An unknown run is reported, and the way back works."""
    served.keep(run("Only"))
    window = watch()
    page = window.open("/compare?a=x&b=y")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "These runs cannot be compared"
    )
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(rows(page)).to_have_count(1)
    # The browser logs the 404 of each run, the second one perhaps after the heading.
    errors = window.console_errors
    errors[:] = [each for each in errors if "404" not in each]


def test_views_fit_a_phone(served, watch):
    """Neither charts nor a comparison have to be scrolled sideways on a phone."""
    ids = [served.keep(research()), served.keep(some(3))]
    window = watch(viewport={"width": 390, "height": 844})
    page = window.open()
    page.get_by_text("Charts").click()
    expect(page.locator(".chart canvas")).to_have_count(4)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    page = window.open(f"/compare?a={ids[0]}&b={ids[1]}")
    expect(page.locator(".step-pair").first).to_be_visible()
    assert not page.evaluate(wide)


def test_evaluations_are_shown(served, watch):
    """Results stand above the tags of a run, and with their reasons in their step."""
    task = research()
    task["environment"] = {"custom_tags": {"evaluation.Relevance": "0.25 (poor)"}}
    task["steps"][0]["metadata"] = {
        "evaluations": [
            {"name": "Relevance", "score": 0.25, "explanation": "Off topic"},
            {"name": "Safety", "error": "timeout"},
        ]
    }
    served.keep(task)
    page = watch().open()
    rows(page).first.click()
    block = panel(page).locator(".block").filter(has_text="Evaluations")
    expect(block).to_contain_text("0.25 (poor)")
    steps(page).first.click()
    expect(block).to_contain_text("0.25 · Off topic")
    expect(block).to_contain_text("error: timeout")


def test_what_the_rules_found(browser, tmp_path):
    """The list and the run show it, and say that nothing is judged."""
    path = tmp_path / "rules.txt"
    path.write_text("error\ncost>1\ntool:price_*\n", "utf-8")
    with serving(tmp_path / "tasks.db", "--rules", str(path)) as server:
        server.keep(research())
        server.keep(run("A good run"))
        page = browser.new_page()
        page.goto(f"{server.url}/")
        expect(rows(page)).to_have_count(2)
        bad, good = (rows(page).filter(has_text=n) for n in ("heat pump", "good run"))
        expect(bad).to_contain_text("2 of 3 rules failed")
        expect(good).to_contain_text("3 rules, none failed")
        page.get_by_role("combobox", name="Errors").select_option("rules")
        expect(rows(page)).to_have_count(1)
        rows(page).first.click()
        block = panel(page).locator("section").filter(has_text="Rules of this server")
        expect(block).to_contain_text("failed · tool price_of")
        expect(block).to_contain_text("nothing is learned or judged")
        page.close()


def test_prompts_are_shown(served, watch):
    """The versions that a run used stand above its tags, that of a call in its step."""
    task = research()
    task["environment"] = {"custom_tags": {"prompt.research": "3, 4"}}
    task["steps"][0]["metadata"] = {
        "prompts": [
            {"name": "research", "version": 3, "source": "prompt_studio"},
            {"name": "<b>tone</b>", "source": "langfuse"},
            {"version": "v1"},
        ]
    }
    served.keep(task)
    page = watch().open()
    rows(page).first.click()
    block = panel(page).locator(".block").filter(has_text="Prompts")
    expect(block).to_contain_text("version 3, 4")
    steps(page).first.click()
    expect(block).to_contain_text("version 3 · prompt_studio")
    expect(block).to_contain_text("<b>tone</b>")
    expect(block).to_contain_text("unnamed")

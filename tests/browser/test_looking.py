"""Details of the list and of one run, in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from support.page import panel, rows, steps
from support.runs import hostile, long_run, research, run, some

expect = pytest.importorskip("playwright.sync_api").expect


def test_filters_stay_in_the_address_and_go_back(served, watch):
    """Each filter is a history entry of its own; Clear removes them all."""
    served.keep(research())
    served.keep(run("Without errors", environment={"framework": "plain"}))
    page = watch().open()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("combobox", name="Errors").select_option("1")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("errors=1"))
    page.go_back()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Agent").select_option("plain")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("Without errors")).to_be_visible()
    page.get_by_label("Model").select_option("gpt-4o")
    expect(page.get_by_role("heading", name="No runs match")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_title("Sort by cost").click()
    expect(page).to_have_url(re.compile("sort=cost"))
    expect(rows(page).first).to_contain_text("Recommend a heat pump")


def test_the_empty_list_shows_how_to_send(watch):
    """Before the first run the page shows where to send, with its own URL."""
    window = watch()
    page = window.open()
    expect(
        page.get_by_role("heading", name="Waiting for the first run")
    ).to_be_visible()
    expect(page.locator(".way").first).to_contain_text(window.url)
    expect(page.locator(".way").nth(1)).to_contain_text("register(instrument=True)")
    expect(page.locator(".way").last).to_contain_text(window.url)


def test_history_is_listed_where_it_ended(served, watch):
    """A run that ended earlier but arrives later is new, and below."""
    served.keep(run("Just ended"))
    served.keep(run("A year ago", current_datetime="2025-11-20T09:30:00Z"))
    page = watch().open()
    expect(rows(page).first).to_contain_text("Just ended")
    expect(page.locator("#live")).not_to_have_text("connecting")
    served.keep(run("A month ago", current_datetime="2026-10-20T09:30:00Z"))
    expect(page.locator(".row.fresh")).to_contain_text("A month ago")
    for place, name in enumerate(["Just ended", "A month ago", "A year ago"]):
        expect(rows(page).nth(place)).to_contain_text(name)


def scroll_to_row(served, watch, index: int = 36):
    """A page scrolled down to a row of 120; returns the page, and the name in that row."""
    for number in range(120):
        served.keep(some(number))
    page = watch(viewport={"width": 1280, "height": 600}).open()
    expect(page.get_by_label("Agent").locator("option")).to_have_count(7)
    page.wait_for_function("document.documentElement.scrollHeight > 4000")  # all rows
    page.evaluate("window.scrollTo(0, 2500)")
    there = page.locator(f".row[data-index='{index}']")
    expect(there).to_be_in_viewport()
    return page, there.locator(".name").inner_text()


def find_row(page, name: str) -> tuple[int, float]:
    """The index of the row with *name*, and where it begins in the window, in pixels.

    In one step: a row that was looked up before may have been drawn anew since.
    """
    return tuple(page.evaluate(FIND_ROW, name))


FIND_ROW = """(name) => {
  const rows = [...document.querySelectorAll(".row")];
  const row = rows.find((row) => row.querySelector(".name").textContent === name);
  return [Number(row.dataset.index), row.getBoundingClientRect().top];
}"""


def arrive(served, name: str) -> None:
    """A run that ended after all others."""
    served.keep(run(name, current_datetime="2026-11-30T09:30:00Z"))


def test_new_runs_do_not_move_the_visible_rows(served, watch):
    """A page that is scrolled down keeps the same rows in view."""
    page, name = scroll_to_row(served, watch)
    _, before = find_row(page, name)
    arrive(served, "Just arrived")
    pill = page.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    assert find_row(page, name) == (37, pytest.approx(before, abs=2))
    pill.click()
    expect(page.get_by_text("Just arrived")).to_be_visible()


HEAR = """new EventSource("/api/live?after=0").addEventListener("tasks", (event) => {
  document.title = event.data;
})"""


def test_runs_that_arrive_during_a_request_move_the_rows_once(served, watch):
    """A second run arrives while the rows of the first are fetched from a slow server."""
    page, name = scroll_to_row(served, watch)
    _, before = find_row(page, name)
    page.evaluate(HEAR)
    held = []
    page.route(
        "**/api/tasks?*",
        lambda route: route.continue_() if held is None else held.append(route),
    )
    with page.expect_request("**/api/tasks?*"):
        arrive(served, "First")
    arrive(served, "Second")
    expect(page).to_have_title("122")
    slow, held = held, None
    for route in slow:
        route.continue_()
    expect(page.get_by_role("button", name="2 new")).to_be_visible()
    expect(page.locator(".total")).to_have_text("122 runs")
    assert find_row(page, name) == (38, pytest.approx(before, abs=2))


def test_a_step_shows_everything(served, watch):
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
    """A call, a tool and an error have a name and a shape each, not only a colour."""
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
    """The arrows move, close and open; `e` finds the error; Escape closes the step."""
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
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()


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


def test_raw_json_is_copied_unchanged(served, watch):
    """Copy gives the JSON as received."""
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


def test_a_missing_run(served, watch):
    """The URL of a missing run shows an error, and a link back."""
    window = watch()
    page = window.open("/tasks/none")
    expect(page.get_by_text("no task none")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", name="Waiting")).to_be_visible()
    # the browser itself writes the 404 into its console
    window.console_errors.clear()


def test_a_row_shows_question_answer_and_recovered_errors(served, watch):
    """The list previews a run, and a recovered error differs from a fatal one."""
    recovered = {"error_type": "X", "message": "m", "recoverable": True}
    served.keep(
        run("Good", input_summary="Why?", output_summary="Because.", errors=[recovered])
    )
    served.keep(run("Bad", errors=[{"error_type": "X", "message": "m"}]))
    page = watch().open()
    good = rows(page).filter(has_text="Good")
    expect(good).to_contain_text("Why?")
    expect(good).to_contain_text("Because.")
    expect(good).to_contain_text("1 recovered")
    expect(rows(page).filter(has_text="Bad")).to_contain_text("1 error")
    page.get_by_role("combobox", name="Errors").select_option("fatal")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("errors=fatal"))


def test_further_filters_are_chips(served, watch):
    """A tag, a session, a cost or a duration is a chip that can be removed."""
    tags = {"gen_ai.conversation.id": "thread-7", "tenant": "acme"}
    served.keep(run("In the thread", environment={"custom_tags": tags}))
    served.keep(run("Elsewhere"))
    page = watch().open()
    page.get_by_text("More filters").click()
    page.get_by_role("textbox", name="Tag").fill("tenant:acme")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Remove the filter Tag").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_text("In the thread").click()
    page.get_by_role("link", name="Session thread-7").click()
    expect(page).to_have_url(re.compile("session=thread-7"))
    expect(rows(page)).to_have_count(1)


def test_a_run_is_deleted_after_a_question(served, watch):
    """Delete removes the run once confirmed; Keep keeps it."""
    served.keep(run("Stays"))
    task = served.keep(run("Goes"))
    page = watch().open()
    expect(rows(page)).to_have_count(2)
    page.get_by_text("Goes").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(1)
    assert served.http.get(f"/api/tasks/{task}").status_code == 404


def test_what_is_listed_can_be_exported(served, watch):
    """Export is a file with the runs that the filters select."""
    served.keep(run("Wanted"))
    served.keep(run("Other"))
    page = watch().open("/?q=Wanted")
    expect(rows(page)).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Wanted"]

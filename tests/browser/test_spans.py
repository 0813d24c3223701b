"""The whole spans behind a step, in a real browser."""

from __future__ import annotations

import json

import pytest

from infinium_otel import otlp
from support.page import panel
from support.records import chat
from support.runs import HOSTILE

expect = pytest.importorskip("playwright.sync_api").expect

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
ANSWER = "# Plan\n\nSee **Belém** and `tram 28`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


def send(served, texts, answer=ANSWER):
    """One call whose user message has *texts*; returns the address of its step."""
    parts = [{"type": "text", "content": text} for text in texts]
    parts.append({"type": "blob", "mime_type": "image/png", "content": PNG})
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": parts},
    ]
    output = [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
    tools = [{"name": "get_weather", "description": "Weather.", "parameters": {"x": 1}}]
    record = chat(
        attributes={
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.output.messages": json.dumps(output),
            "gen_ai.tool.definitions": json.dumps(tools),
        }
    )
    served.http.post("/v1/traces", json=otlp.to_otlp([record])).raise_for_status()
    (row,) = served.get("/api/tasks")["tasks"]
    return f"/tasks/{row['trace_id']}?step=1"


def test_a_prompt_is_shown_whole(served, watch):
    """Messages by role, Markdown or raw, an image, tools, and the attributes."""
    long = "A long question. " * 200 + "The very end."
    page = watch().open(send(served, [long]))
    shown = panel(page)
    expect(shown.get_by_role("heading", name="system")).to_be_visible()
    expect(shown.get_by_text("Be brief.")).to_be_visible()
    expect(shown.get_by_text("The very end.")).to_be_visible()
    expect(shown.locator("strong")).to_have_text("Belém")
    expect(shown.locator("td")).to_have_count(2)
    shown.locator(".media img").scroll_into_view_if_needed()
    expect(shown.locator(".media img")).to_have_js_property("naturalWidth", 1)
    shown.get_by_role("button", name="Show raw").last.click()
    expect(shown.get_by_text("**Belém**")).to_be_visible()
    shown.get_by_text("Tools offered").click()
    expect(shown.get_by_text("get_weather")).to_be_visible()
    shown.get_by_text("Span as recorded").click()
    expect(shown.get_by_text("gen_ai.request.model").first).to_be_visible()
    with page.expect_download() as download:
        shown.get_by_role("link", name="Download").click()
    assert otlp.from_json(json.loads(download.value.path().read_text())).records


def test_no_text_of_a_message_becomes_markup(served, watch):
    """Markdown shows HTML as text, and makes no link that runs a script."""
    bad = [
        *HOSTILE,
        "[x](javascript:window.hit=9)",
        "![y](https://foreign.example/i.png)",
    ]
    window = watch()
    page = window.open(send(served, bad, "\n\n".join(bad)))
    expect(panel(page).get_by_role("heading", name="assistant")).to_be_visible()
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main iframe, main svg script").count() == 0
    assert page.locator("main img:not([src^='data:image/png'])").count() == 0
    assert page.locator("a[href^='javascript:']").count() == 0


def test_copying_without_a_clipboard_for_scripts(served, watch):
    """Over plain http to another host there is no `navigator.clipboard`; copying works."""
    window = watch()
    page = window.open(send(served, ["Copy me"]))
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.addEventListener('copy', () => {"
        "  window.copied = document.activeElement.value; })"
    )
    panel(page).get_by_role("button", name="Copy", exact=True).last.click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert "tram 28" in page.evaluate("window.copied")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_conversation_fits_a_phone(served, watch, scheme):
    """At a phone's width nothing has to be scrolled sideways, wide tables apart."""
    window = watch(color_scheme=scheme, viewport={"width": 390, "height": 844})
    page = window.open(send(served, ["x" * 3_000], "| " + "wide cell | " * 20))
    expect(panel(page).get_by_role("heading", name="assistant")).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide

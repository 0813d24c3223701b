"""Pages of other origins against the local server, in a real browser.

A page may send requests to 127.0.0.1. It must not store, read or embed anything.
"""

from __future__ import annotations

import json

import pytest

from support.otlp_requests import agent_span, traces
from support.runs import AGENT_ID, research

EVIL = "http://evil.example/"
TASK = f"/api/v1/agents/{AGENT_ID}/trace"
TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json", "")  # fmt: skip

SEND = """async ([url, paths, types, body]) => {
  const outcomes = [];
  for (const path of paths) for (const type of types) for (const mode of ["no-cors", "cors"]) {
    const blob = new Blob([body], type ? { type } : {});
    try {
      const reply = await fetch(url + path, { method: "POST", mode, body: blob });
      outcomes.push([path, type, mode, reply.type, reply.status]);
    } catch { outcomes.push([path, type, mode, "blocked", 0]); }
    navigator.sendBeacon(url + path, blob);
  }
  return outcomes;
}"""
READ = """async ([url, paths]) => {
  const found = [];
  for (const path of paths) for (const mode of ["cors", "no-cors", "same-origin"]) {
    try {
      const reply = await fetch(url + path, { mode, credentials: "include" });
      found.push(await reply.text());
    } catch { found.push(""); }
  }
  return found.join("");
}"""
EMBED = """async ([url]) => {
  const frame = document.createElement("iframe");
  frame.src = url;
  const loaded = new Promise((done) => { frame.onload = frame.onerror = done; });
  document.body.append(frame);
  await loaded;
  try { return frame.contentWindow.document.body.innerText; } catch { return ""; }
}"""
SCRIPT = """async ([url]) => {
  const script = document.createElement("script");
  script.src = url;
  const ended = new Promise((done) => { script.onload = () => done(true); script.onerror = () => done(false); });
  document.body.append(script);
  return await ended;
}"""


@pytest.fixture
def evil(browser):
    """A page of another origin."""
    context = browser.new_context()
    context.route(
        EVIL + "**",
        lambda route: route.fulfill(
            body="<body>hello</body>", content_type="text/html"
        ),
    )
    page = context.new_page()
    page.goto(EVIL)
    yield page
    context.close()


def test_a_page_of_another_origin_stores_nothing(served, evil):
    """Whatever type a body has, and whether by fetch, beacon or form."""
    for paths, body in (
        (["/v1/traces", "/v1/logs", "/api/spans"], json.dumps(traces(agent_span(1)))),
        ([TASK], json.dumps(research())),
    ):
        outcomes = evil.evaluate(SEND, [served.url, paths, list(TYPES), body])
        assert all(kind in ("opaque", "blocked") for *_, kind, _ in outcomes), outcomes
        evil.set_content(
            f"<form method=post enctype=text/plain action='{served.url}{paths[0]}'>"
            f"<input name='{{\"a\":\"' value='\"}}'></form>"
        )
        evil.evaluate("void setTimeout(() => document.forms[0].submit())")
        evil.wait_for_url(f"{served.url}/**")
        evil.goto(EVIL)
    assert served.get("/api/tasks")["total"] == 0
    served.keep(research())
    assert served.get("/api/tasks")["total"] == 1


def test_a_page_of_another_origin_reads_nothing(served, evil):
    """Neither by a request, nor in a frame, nor as a script."""
    trace_id = served.keep(research())
    paths = ["/", "/api/tasks", f"/api/tasks/{trace_id}", f"/api/tasks/{trace_id}/body"]
    assert evil.evaluate(READ, [served.url, paths]) == ""
    assert evil.evaluate(EMBED, [f"{served.url}/tasks/{trace_id}"]) == ""
    assert evil.evaluate(SCRIPT, [f"{served.url}/api/tasks/{trace_id}/body"]) is False


def test_a_name_that_was_bound_to_loopback_reads_nothing(served, browser):
    """DNS rebinding: a page whose host resolves to 127.0.0.1 is refused by its name."""
    port = served.url.rpartition(":")[2]
    context = browser.new_context()
    page = context.new_page()
    reply = page.goto(f"http://localhost:{port}/")
    assert reply.status == 200
    for path in ("/", "/api/tasks"):
        refused = served.http.get(path, headers={"host": f"evil.example:{port}"})
        assert refused.status_code == 421
        assert "tasks" not in refused.text
    context.close()

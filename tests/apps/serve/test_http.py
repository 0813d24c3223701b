"""The local server over HTTP, as clients, exporters and the page use it."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading

import httpx
import pytest

pytest.importorskip("starlette")

from starlette.applications import Starlette

from infinium_otel.apps.http.body_limiter import BodyLimiter
from infinium_otel.apps.serve.app import HANDLERS
from infinium_otel.apps.serve.event_stream import EventStream
from infinium_otel.apps.serve.infinium import InfiniumApi
from infinium_otel.apps.serve.prompts import PromptFolder
from infinium_otel.apps.serve.store import Store
from infinium_otel.otlp import to_otlp
from support import corpus
from support.local_server import HEADERS, serving
from support.records import chat
from support.runs import AGENT_ID, hostile, research, run, some

PROMPT_ID = "3f0c1f6e-0000-4000-8000-00000000abcd"
TRACE = f"/api/v1/agents/{AGENT_ID}/trace"


@pytest.fixture
def served(tmp_path):
    prompt = tmp_path / "prompts" / PROMPT_ID
    prompt.mkdir(parents=True)
    (prompt / "1.md").write_text("Be kind.", "utf-8")
    with serving(tmp_path / "t.db", "--prompts", str(tmp_path / "prompts")) as found:
        yield found


def test_a_task_is_stored_and_summarized(served):
    """A task that is sent is stored, listed, returned unchanged, and summarized."""
    trace_id = served.keep(research())
    listed = served.get("/api/tasks")
    assert (listed["total"], listed["last"]) == (1, 1)
    assert listed["tasks"][0]["trace_id"] == trace_id
    shown = served.get(f"/api/tasks/{trace_id}")
    assert shown["task"] == research()
    assert shown["models"] == ["gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini"]
    assert served.http.get(f"/api/tasks/{trace_id}/body").json() == research()
    result = f"/api/v1/agents/{AGENT_ID}/interpreted-result/{trace_id}"
    interpreted = served.http.get(result, headers=HEADERS).json()
    assert interpreted["interpretedTraceResult"]["local"] is True
    assert "25,132 tokens" in interpreted["interpretedTraceResult"]["summary"]
    assert served.get("/healthz") == {"status": "ok", "tasks": 1}
    assert served.get("/api/choices")["agents"] == ["home-advisor"]


def test_a_repeated_delivery_is_one_task(served):
    """The same Idempotency-Key gives the same response and no second task."""
    key = {"Idempotency-Key": "ab" * 16 + "-" + "cd" * 8}
    assert served.keep(run(), **key) == served.keep(run(), **key)
    assert served.get("/api/tasks")["total"] == 1


def test_compressed_task(served):
    """A task may be compressed."""
    response = served.http.post(
        TRACE,
        content=gzip.compress(json.dumps(run()).encode()),
        headers={
            **HEADERS,
            "Content-Type": "application/json; charset=utf-8",
            "Content-Encoding": "gzip",
        },
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"content": b"{}" + b" " * 1_048_575}, 413, id="oversized"),
        pytest.param(
            {"content": gzip.compress(b" " * 50_000_000), "encoding": "gzip"},
            413,
            id="decompression-bomb",
        ),
        pytest.param({"content": b"x", "encoding": "br"}, 415, id="unknown-encoding"),
        pytest.param(
            {"content": gzip.compress(b"{}")[:-9], "encoding": "gzip"},
            400,
            id="cut-gzip",
        ),
        pytest.param({"type": "text/plain"}, 415, id="wrong-content-type"),
        pytest.param({"type": None}, 415, id="no-content-type"),
        pytest.param({"content": b"{"}, 400, id="cut-json"),
        pytest.param({"content": b"{}"}, 422, id="no-fields"),
        pytest.param({"headers": {"x-agent-key": ""}}, 401, id="no-key"),
        pytest.param({"path": TRACE.replace("2222", "zzzz")}, 400, id="no-uuid"),
        pytest.param({"path": "/api/v1/agents/trace"}, 404, id="no-such-path"),
    ],
)
def test_rejected(served, change, status):
    """An invalid request is rejected with a reason, and nothing is stored or lost."""
    served.keep(run("before"))
    content = change.get("content", json.dumps(run()).encode())
    headers = {**HEADERS, "Content-Type": change.get("type", "application/json")}
    headers |= change.get("headers", {})
    if "encoding" in change:
        headers["Content-Encoding"] = change["encoding"]
    headers = {name: value for name, value in headers.items() if value is not None}
    path = change.get("path", TRACE)
    response = served.http.post(path, content=content, headers=headers)
    assert response.status_code == status
    assert response.json()["success"] is False
    assert response.json()["error"]
    assert [task["name"] for task in served.get("/api/tasks")["tasks"]] == ["before"]


def test_busy(tmp_path):
    """A server with too much in memory responds 429, so that the sender retries."""
    store = Store(str(tmp_path / "t.db"))
    api = InfiniumApi(
        store, EventStream(), PromptFolder(None), BodyLimiter(max_held_bytes=10)
    )
    app = Starlette(routes=api.routes(), exception_handlers=HANDLERS)

    async def play() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            return await http.post(TRACE, json=run(), headers=HEADERS)

    response = asyncio.run(play())
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    store.close()


def test_results_of_others(served):
    """A result is returned to the agent that sent the task, and to no other."""
    trace_id = served.keep(run())
    other = AGENT_ID.replace("1", "2")
    for agent, wanted in ((other, trace_id), (AGENT_ID, other)):
        path = f"/api/v1/agents/{agent}/interpreted-result/{wanted}"
        response = served.http.get(path, headers={**HEADERS, "x-agent-id": agent})
        assert response.status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param(f"{PROMPT_ID}/v/latest", 200, id="latest"),
        pytest.param(f"{PROMPT_ID}/v/1", 200, id="version"),
        pytest.param(f"{PROMPT_ID}/v/2", 404, id="no-such-version"),
        pytest.param(f"{PROMPT_ID}/v/..%2f..%2ft.db", 404, id="encoded-way-out"),
        pytest.param(f"{PROMPT_ID}/v/%2e%2e", 400, id="dots"),
        pytest.param("..%2f..%2fetc/v/1", 404, id="id-way-out"),
        pytest.param("..%5c..%5cetc/v/1", 400, id="backslashes"),
        pytest.param("etc/v/1", 400, id="no-uuid"),
    ],
)
def test_prompts(served, path, status):
    """Only prompts in the prompt folder are served."""
    headers = {"x-prompt-id": PROMPT_ID, "x-prompt-key": "k"}
    response = served.http.get(f"/api/v1/prompts/{path}", headers=headers)
    assert response.status_code == status
    if status == 200:
        assert response.json()["content"] == "Be kind."


def test_foreign_host_header(served):
    """A page that rebinds its name to this server gets 421."""
    for path in ("/", "/api/tasks", "/static/js/main.js"):
        response = served.http.get(path, headers={"Host": "evil.example"})
        assert response.status_code == 421
    response = served.http.post(
        TRACE, json=run(), headers={**HEADERS, "Host": "evil.example:4318"}
    )
    assert response.status_code == 421
    assert served.http.get("/", headers={"Host": "localhost:9"}).status_code == 200
    assert served.get("/api/tasks")["total"] == 0


def test_own_names(tmp_path):
    """Names given with --allow-host are accepted."""
    with serving(tmp_path / "t.db", "--allow-host", "box.example") as served:
        headers = {"Host": "box.example"}
        assert served.http.get("/healthz", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/tasks/any", "/static/js/main.js", "/api/tasks", "/nowhere"]
)
def test_safety_headers(served, path):
    """No response lets a browser run, load or frame foreign content."""
    headers = served.http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_static_files_stay_in_their_folder(served):
    """Nothing outside of the page's own files is served."""
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert served.http.get(path).status_code == 404


def test_list_queries(served):
    """The list is paged, searched and filtered by the URL."""
    for number in range(12):
        served.keep(some(number))
    page = served.get("/api/tasks", limit=5, offset=10)
    assert (len(page["tasks"]), page["total"]) == (2, 12)
    found = served.get("/api/tasks", q="lisbon", sort="cost")
    assert {task["name"].rpartition(" ")[0] for task in found["tasks"]} == {
        "Plan a trip to Lisbon"
    }
    assert served.http.get("/api/tasks", params={"limit": 0}).status_code == 400


def test_no_such_task(served):
    """An unknown task is a 404 with a reason."""
    response = served.http.get("/api/tasks/none")
    assert (response.status_code, response.json()["error"]) == (404, "no task none")


@pytest.mark.parametrize("name", corpus.names("crewai")[:1] + corpus.names()[:1])
def test_spans_become_tasks(served, name):
    """Spans sent over OTLP/HTTP appear as tasks, mapped by the same core."""
    recording = corpus.recording(name)
    response = served.http.post("/v1/traces", json=recording.spans)
    assert response.status_code == 200, response.text
    if recording.logs:
        assert served.http.post("/v1/logs", json=recording.logs).status_code == 200
    with served.http.stream("GET", "/api/live") as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and line != "data: 0":
                break
    row = served.get("/api/tasks")["tasks"][0]
    assert (row["source"], row["agent_id"]) == ("otlp", "")
    assert served.get(f"/api/tasks/{row['otel_trace_id']}")["task"]["steps"]
    result = f"/api/v1/agents/{AGENT_ID}/interpreted-result/{row['trace_id']}"
    assert served.http.get(result, headers=HEADERS).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        pytest.param(b"\x0a\xff\xff", "application/x-protobuf", 400, id="cut-protobuf"),
        pytest.param(b"{", "application/json", 400, id="cut-json"),
        pytest.param(b"{}", "text/plain", 415, id="wrong-content-type"),
    ],
)
def test_invalid_spans(served, content, content_type, status):
    """A body that is not OTLP is rejected."""
    headers = {"Content-Type": content_type}
    response = served.http.post("/v1/traces", content=content, headers=headers)
    assert response.status_code == status
    assert served.get("/api/tasks")["total"] == 0


def test_open_traces_are_stored_at_the_end(tmp_path):
    """A trace that is open when the server stops is stored, marked incomplete."""
    recording = corpus.recording(corpus.names()[0])
    for resource in recording.spans["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"] = [s for s in scope["spans"] if s.get("parentSpanId")]
    with serving(tmp_path / "t.db") as served:
        assert served.http.post("/v1/traces", json=recording.spans).status_code == 200
        assert served.get("/api/tasks")["total"] == 0
    with serving(tmp_path / "t.db") as served:
        (row,) = served.get("/api/tasks")["tasks"]
        assert row["incomplete"] is True


def test_a_request_for_the_head_of_the_events_ends(served):
    """Its connection is of use again, as after any response."""
    assert served.http.head("/api/live", timeout=10).status_code == 200
    assert served.http.get("/healthz", timeout=10).status_code == 200


def test_events(served):
    """A page is notified of a new task at once, and of those it missed."""
    received = []
    connected, done = threading.Event(), threading.Event()

    def listen():
        with (
            httpx.Client(timeout=20) as http,
            http.stream("GET", f"{served.url}/api/live?after=0") as stream,
        ):
            for line in stream.iter_lines():
                connected.set()
                if line.startswith("data:"):
                    received.append(line)
                    break
        done.set()

    threading.Thread(target=listen).start()
    assert connected.wait(20)
    served.keep(run())
    assert done.wait(20)
    assert received == ["data: 1"]
    headers = {"Last-Event-ID": "0"}
    with served.http.stream("GET", "/api/live", headers=headers) as stream:
        assert "data: 1" in [
            line for line, _ in zip(stream.iter_lines(), range(5), strict=False)
        ]


def test_hostile_task_over_http(served):
    """A task of hostile texts is returned unchanged."""
    trace_id = served.keep(hostile())
    assert served.get(f"/api/tasks/{trace_id}")["task"] == hostile()


def test_removing_a_run(served):
    """DELETE removes a run and its spans; a second one is 404."""
    record = chat()
    served.http.post("/v1/traces", json=to_otlp([record])).raise_for_status()
    (row,) = served.get("/api/tasks")["tasks"]
    assert served.get(f"/api/tasks/{row['trace_id']}/otlp")
    path = f"/api/tasks/{row['trace_id']}"
    assert served.http.delete(path).json() == {"removed": row["trace_id"]}
    assert served.get("/api/tasks")["total"] == 0
    assert served.http.delete(path).status_code == 404


def test_export_as_json_lines(served):
    """Every selected run is one line of JSON, as received."""
    served.keep(run("a"))
    pretty = json.dumps(run("zulu"), indent=2)
    served.http.post(
        f"/api/v1/agents/{AGENT_ID}/trace",
        content=pretty,
        headers={**HEADERS, "content-type": "application/json"},
    ).raise_for_status()
    reply = served.http.get("/api/export", params={"q": "zulu"})
    assert json.loads(reply.text) == run("zulu")
    assert len(served.http.get("/api/export").text.splitlines()) == 2


def test_a_summary_by_agent_and_model(served):
    """Runs over time are grouped by agent or by the first model."""
    calls = {"calls": [{"model": "m1"}, {"model": "m2"}], "prompt_tokens": 7}
    served.keep(run("a", llm_usage=calls, environment={"framework": "f"}))
    served.keep(run("b"))
    (whole,) = served.get("/api/summary")["groups"]
    assert (whole["runs"], whole["prompt_tokens"]) == ([2], [7])
    groups = served.get("/api/summary", by="model")["groups"]
    assert {group["name"] for group in groups} == {"", "m1"}
    (one,) = served.get("/api/summary", by="agent", agent="f")["groups"]
    assert one["name"] == "f"
    assert served.http.get("/api/summary", params={"by": "x"}).status_code == 400

"""Whole spans over HTTP: behind a step, as a download, and without a task."""

from __future__ import annotations

import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from infinium_otel import InfiniumSpanProcessor, otlp
from support import corpus
from support.local_server import serving
from support.records import chat
from support.runs import AGENT_ID, research, run

pytest.importorskip("uvicorn")

KEY = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q" * 3


@pytest.fixture
def served(tmp_path):
    with serving(tmp_path / "tasks.db") as server:
        yield server


def send(server, records, path="/v1/traces"):
    body = otlp.to_otlp(records)
    body.pop("resourceLogs", None)
    reply = server.http.post(path, json=body)
    assert reply.status_code == 200, reply.text


def a_run() -> list:
    return otlp.from_json(corpus.recording("genai-openai/tool_loop").spans).records


def test_a_step_shows_its_conversation(served):
    """What arrived over OTLP is shown whole, beside the task it became."""
    send(served, a_run())
    (row,) = served.get("/api/tasks")["tasks"]
    task = served.get(f"/api/tasks/{row['trace_id']}")["task"]
    for number, step in enumerate(task["steps"], 1):
        view = served.get(f"/api/tasks/{row['trace_id']}/steps/{number}")
        own = step["metadata"].get("otel.span_id")  # a tool may be known from messages
        assert view["kept"] is (own is not None)
        assert [s["span_id"] for s in view["spans"]][:1] == [own] * view["kept"]


def test_a_text_is_found_in_whole_spans(served):
    """A search inside a run gives the steps whose spans contain the text."""
    send(served, [chat("a", "root", attributes={"x": "the needle"}), chat("root")])
    (row,) = served.get("/api/tasks")["tasks"]
    address = f"/api/tasks/{row['trace_id']}/search"
    found = served.get(address, q="NEEDLE")["steps"]
    task = served.get(f"/api/tasks/{row['trace_id']}")["task"]
    spans = [step["metadata"]["otel.span_id"] for step in task["steps"]]
    assert [spans[number - 1] for number in found] == [chat("a").span_id]
    assert served.get(address, q="noodle") == {"steps": []}
    assert served.http.get(address, params={"q": " "}).status_code == 400
    assert served.http.get("/api/tasks/none/search?q=x").status_code == 404


def test_an_open_run_is_listed_and_read_apart(served):
    """With `open=1` only; it is found by its id, and cannot be removed yet."""
    send(served, [chat("a", "root", attributes={"x": "the needle"})])
    assert served.get("/api/tasks")["open"] == []
    while not (page := served.get("/api/tasks", open=1))["open_is_current"]:
        continue
    ((row,), total) = page["open"], page["total"]
    assert (row["steps"], total) == (1, 0)
    address = f"/api/tasks/{row['trace_id']}"
    assert served.get(address)["open"] is True
    assert served.get(f"{address}/steps/1")["kept"] is True
    assert served.get(f"{address}/search", q="needle") == {"steps": [1]}
    assert served.http.delete(address).status_code == 404
    send(served, [chat("root")])
    assert served.get(address)["open"] is False


def test_the_spans_of_a_run_as_a_file(served):
    """The download is OTLP, which gives the same spans again."""
    records = a_run()
    send(served, records)
    (row,) = served.get("/api/tasks")["tasks"]
    reply = served.http.get(f"/api/tasks/{row['trace_id']}/otlp")
    assert "attachment" in reply.headers["content-disposition"]
    again = otlp.from_json(reply.json()).records
    assert {r.span_id for r in again} == {r.span_id for r in records}


def test_spans_without_a_task_of_their_own(served):
    """A process that sends its task itself adds the spans; no second task is made."""
    records = a_run()
    send(served, records, "/api/spans")
    assert served.get("/api/tasks")["total"] == 0
    span = records[0]
    task = run(
        environment={"custom_tags": {"otel.trace_id": span.trace_id}},
        steps=[
            {
                "step_number": 1,
                "action": "llm_call",
                "description": "x",
                "metadata": {"otel.span_id": span.span_id},
            }
        ],
    )
    trace_id = served.keep(task)
    view = served.get(f"/api/tasks/{trace_id}/steps/1")
    assert view["kept"]
    assert view["spans"][0]["name"] == span.name


def test_a_program_that_sends_its_task_itself(served):
    """OpenTelemetry's own exporter adds the spans to the task that `register()` sends."""
    module = pytest.importorskip(
        "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    )
    exporter = module.OTLPSpanExporter(f"{served.url}/api/spans")
    settings = {
        "base_url": f"{served.url}/api/v1",
        "agent_id": AGENT_ID,
        "agent_secret": "any-eight-letters",
    }
    provider = TracerProvider()
    provider.add_span_processor(InfiniumSpanProcessor(**settings))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.input.messages": '[{"role": "user", "content": "Why?"}]',
    }
    provider.get_tracer("app").start_span("chat", attributes=attributes).end()
    assert provider.force_flush()
    (row,) = served.get("/api/tasks")["tasks"]
    assert row["source"] == "api"
    view = served.get(f"/api/tasks/{row['trace_id']}/steps/1")
    assert view["input"] == [{"role": "user", "text": "Why?"}]
    provider.shutdown()


def test_credentials_are_not_kept(served):
    """Spans are redacted before they are stored, like tasks."""
    record = chat(attributes={"gen_ai.input.messages": f"my key is {KEY}"})
    send(served, [record])
    (row,) = served.get("/api/tasks")["tasks"]
    view = served.http.get(f"/api/tasks/{row['trace_id']}/steps/1").text
    assert "[redacted]" in view
    assert KEY not in view


@pytest.mark.parametrize(
    "path", ["steps/0", "steps/999", "steps/x", "steps/-1", "otlp", "steps/99999999999"]
)
def test_what_is_not_there(served, path):
    """A step or a span that does not exist is a 404 in JSON."""
    trace_id = served.keep(run())
    reply = served.http.get(f"/api/tasks/{trace_id}/{path}")
    assert reply.status_code == 404
    assert reply.json()["error"]
    assert served.http.get(f"/api/tasks/{'f' * 32}/{path}").status_code == 404


def test_a_task_whose_spans_were_never_sent(served):
    """A step of a task from the API has no spans: `kept` is false."""
    trace_id = served.keep(research())
    assert served.get(f"/api/tasks/{trace_id}/steps/1")["kept"] is False


def test_kept_spans_can_be_switched_off(tmp_path, monkeypatch):
    """With `--keep-spans-mib 0`, and without content, no span is written to disk."""
    with serving(tmp_path / "tasks.db", "--keep-spans-mib", "0") as server:
        send(server, a_run())
        (row,) = server.get("/api/tasks")["tasks"]
        path = f"/api/tasks/{row['trace_id']}/steps/1"
        assert server.get(path)["kept"] is False


def test_hostile_metadata(served):
    """Ids of any shape in a task's metadata find nothing, and break nothing."""
    for ids in (5, {"a": 1}, ["x", 3, None], "' OR 1=1 --"):
        task = run(
            environment={"custom_tags": {"otel.trace_id": "' OR 1=1 --"}},
            steps=[
                {
                    "step_number": 1,
                    "action": "x",
                    "description": "x",
                    "metadata": {"otel.span_id": ids, "otel.folded_span_ids": ids},
                }
            ],
        )
        trace_id = served.keep(task)
        view = served.get(f"/api/tasks/{trace_id}/steps/1")
        assert json.dumps(view["spans"]) == "[]"

"""Whole spans beside their tasks, for the page of a local server."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel import Config, InfiniumLogRecordProcessor, InfiniumSpanProcessor
from infinium_otel.delivery.protocol import AttemptResult
from infinium_otel.runtime import local_spans
from infinium_otel.runtime.local_spans import LocalSpans, make_local_spans
from support.local_server import serving
from support.records import chat
from support.runs import AGENT_ID

KEY = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q" * 3
PROMPT = "Lorem ipsum dolor sit amet. " * 200
FAST = {"requests_per_second": 10_000.0, "burst": 10_000}
SETTINGS = {"agent_id": AGENT_ID, "agent_secret": "a-secret-of-mine", **FAST}


@pytest.fixture
def served(tmp_path):
    pytest.importorskip("uvicorn")
    with serving(tmp_path / "tasks.db") as server:
        yield server


def run_agent(tracer, text=PROMPT, name="planner"):
    """A run whose prompt is longer than what a task holds."""
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    messages = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
    call = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.input.messages": json.dumps(messages),
    }
    start = tracer.start_as_current_span
    with start(name, attributes=agent), start("chat gpt-4o", attributes=call):
        pass


def send_run(url, text=PROMPT, **settings):
    """Deliver a run of the agent above."""
    provider = TracerProvider(shutdown_on_exit=False)
    settings = {**SETTINGS, "base_url": f"{url}/api/v1", **settings}
    provider.add_span_processor(InfiniumSpanProcessor(**settings))
    run_agent(provider.get_tracer("app"), text)
    assert provider.force_flush()
    provider.shutdown()


def get_step(served):
    """The view of the model call of the newest task."""
    [row] = served.get("/api/tasks", sort="newest", limit=1)["tasks"]
    return served.get(f"/api/tasks/{row['trace_id']}/steps/1")


def test_the_page_shows_whole_spans(served):
    """What a task cuts is on the page whole, after the first flush, without a secret."""
    send_run(served.url, f"{PROMPT} {KEY}")
    view = get_step(served)
    assert view["kept"]
    assert PROMPT.strip() in json.dumps(view)
    assert KEY not in json.dumps(view)
    assert served.get("/api/tasks")["total"] == 1


@pytest.mark.parametrize(
    ("settings", "tasks"),
    [
        pytest.param({"send_spans": "off"}, 1, id="switched-off"),
        pytest.param({"capture_content": False}, 1, id="no-content"),
        pytest.param({"should_send": lambda _task: False}, 0, id="run-not-sent"),
    ],
)
def test_what_is_not_to_be_sent_is_not(settings, tasks, served):
    """No span leaves if it is switched off, without content, or of a run not sent."""
    send_run(served.url, **settings)
    send_run(served.url, "short", send_spans="off")  # so that there is a task
    rows = served.get("/api/tasks")["tasks"]
    assert len(rows) == tasks + 1
    for row in rows:
        assert served.http.get(f"/api/tasks/{row['trace_id']}/otlp").status_code == 404


def test_logs_of_a_run_are_kept_too(served):
    """Log records that contain the messages of a call come along with its span."""
    settings = {**SETTINGS, "base_url": f"{served.url}/api/v1"}
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(InfiniumSpanProcessor(**settings))
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(InfiniumLogRecordProcessor(**settings))
    agent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    with provider.get_tracer("app").start_as_current_span("chat", attributes=agent):
        logs.get_logger("app").emit(
            event_name="gen_ai.user.message", body={"content": PROMPT}
        )
    assert provider.force_flush()
    [row] = served.get("/api/tasks")["tasks"]
    document = served.get(f"/api/tasks/{row['trace_id']}/otlp")
    assert PROMPT in json.dumps(document["resourceLogs"])
    logs.shutdown()
    provider.shutdown()


def test_another_endpoint_gets_no_spans(fake):
    """An endpoint that does not offer to keep spans gets its tasks and nothing else."""
    url = fake.base_url.removesuffix("/api/v1")
    for _ in range(2):
        send_run(url, agent_id=fake.agent_id, agent_secret=fake.agent_secret)
    assert len(fake.tasks) == 2
    assert {request.path.rpartition("/")[2] for request in fake.requests} == {"trace"}


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:4318/api/v1", True),
        ("http://localhost:4318/api/v1", True),
        ("http://[::1]:4318/api/v1", True),
        ("https://127.0.0.1:4318/api/v1", False),
        ("https://platform.i42m.ai/api/v1", False),
        ("http://127.0.0.1.example/api/v1", False),
    ],
)
def test_only_loopback(url, is_local):
    """Spans go to this machine only, and not beside a client of the application's own."""
    config = Config(base_url=url)
    assert (make_local_spans(config) is not None) is is_local
    assert make_local_spans(config, client=object()) is None


def test_a_program_that_ends_has_sent_its_spans(served):
    """At the end of a process, the spans arrive with the tasks."""
    program = (
        "from infinium_otel import register\n"
        "from test_local_spans import run_agent\n"
        "run_agent(register().get_tracer('app'))\n"
    )
    variables = {
        "INFINIUM_AGENT_ID": AGENT_ID,
        "INFINIUM_AGENT_SECRET": "a-secret-of-mine",
        "INFINIUM_BASE_URL": f"{served.url}/api/v1",
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path)),
    }
    child = [sys.executable, "-c", program]
    environ = {**os.environ, **variables}
    done = subprocess.run(
        child, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert get_step(served)["kept"]


def deliver(spans, data):
    """The response to a task."""
    spans.watch(lambda *_: None)(AttemptResult("delivered", 200, data=data), 0.1)


@pytest.fixture
def spans():
    """Spans held for a server that nobody runs."""
    return LocalSpans(Config(base_url="http://127.0.0.1:9/api/v1"))


def test_what_waits_is_bounded(spans, monkeypatch, caplog):
    """The oldest spans are dropped; how many is logged with the cure."""
    record = chat()
    size = local_spans._estimate(record)
    monkeypatch.setattr(local_spans, "MAX_HELD_BYTES", 3 * size)
    for _ in range(5):
        spans.add([record])
        spans.release([record.span_id])
    spans.add([chat("other")] * 4)
    assert spans._bytes <= 3 * size
    with caplog.at_level(logging.WARNING):
        spans.flush(1)
        spans.flush(1)
    assert len(caplog.records) == 1
    assert "INFINIUM_OTEL_SEND_SPANS=off" in caplog.text


def test_a_server_that_is_gone_costs_the_spans_only(spans, caplog):
    """What cannot be sent is dropped and counted, and nothing raises."""
    record = chat()
    spans.add([record])
    spans.release([record.span_id])
    with spans._posting:  # the background cannot be first
        deliver(spans, {"spansPath": "/api/spans"})
    spans.flush(5)
    while spans._is_running:
        threading.Event().wait(0.01)
    spans.flush(5)
    assert "does not show: 1." in caplog.text
    assert spans._bytes == 0


@pytest.mark.parametrize(
    "data", [None, {}, {"spansPath": "http://elsewhere.example/"}, {"spansPath": 1}]
)
def test_only_a_path_is_an_offer(data, spans):
    """Without an offer, or with one of another server, nothing is held any more."""
    record = chat()
    spans.add([record])
    deliver(spans, data)
    spans.add([record])
    spans.release([record.span_id])
    assert (spans._bytes, spans._held, spans._outgoing) == (0, {}, [])


def test_a_child_has_nothing_of_its_parent(spans):
    """After a fork, what the parent holds is the parent's."""
    spans.add([chat()])
    spans.reset()
    assert (spans._bytes, spans._held) == (0, {})

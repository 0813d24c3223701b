"""The same for hud-python 0.4: it has the same import name, so it runs in a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.models import hud
from infinium_otel.models.documents import drop_all_nulls
from infinium_otel.models.spans import to_ns
from infinium_otel.records import SpanEvent, SpanRecord
from support import corpus

VERSION = "hud-python==0.4.74"
TRACE = {
    "reward": 0.5,
    "content": "done",
    "info": {"subscores": {"speed": 0.25}},
    "task": {
        "id": "t",
        "prompt": "do it",
        "mcp_config": {"s": {"url": "http://a/b", "headers": {"Authorization": "x"}}},
        "evaluate_tool": {"name": "grade", "arguments": {"a": 1}},
        "agent_config": {"system_prompt": "be brief"},
    },
    "trace": [
        {
            "task_run_id": "0af76519-16cd-43dd-8448-eb211c80319c",
            "category": "mcp",
            "request": {"method": "tools/call", "params": {"name": "click"}},
            "result": {"content": [], "isError": False},
            "start_timestamp": "2026-01-01T00:00:00.000000Z",
            "end_timestamp": "2026-01-01T00:00:01.000000Z",
        }
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """Runs a program beside hud-python 0.4; returns what it prints."""
    folder = tmp_path_factory.mktemp("hud-04")
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--target", str(folder), VERSION], check=True)

    def run(program: str, given: str = "") -> str:
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=given,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


READ = """
import sys
from hud.types import Trace
for line in sys.stdin:
    print(Trace.model_validate_json(line).model_dump_json(by_alias=True))
"""


def test_any_trace_is_one_that_hud_accepts(run):
    """Every recorded trace becomes one that HUD's class validates and dumps the same."""
    ours = []
    for name in corpus.names():
        spans = list(otlp.from_json(corpus.recording(name).spans).records)
        ours.append(hud.to_hud_trace(spans))
    output = run(READ, "".join(json.dumps(hud.dump(trace)) + "\n" for trace in ours))
    assert [hud.load(json.loads(line)) for line in output.splitlines()] == ours


def test_huds_own_trace_survives_spans(run):
    """The JSON of HUD's own trace comes back from spans, without credentials."""
    dumped = json.loads(run(READ, json.dumps(TRACE) + "\n"))
    back = hud.dump(hud.from_spans(hud.to_spans(hud.load(dumped)))[0])
    assert dumped["task"]["mcp_config"]["s"].pop("headers")
    assert drop_all_nulls(back) == drop_all_nulls(dumped)
    assert run(READ, json.dumps(back) + "\n")


TRACED = """
import asyncio, json
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from hud.telemetry import instrument as module
from hud.telemetry.instrument import instrument
from hud.types import AgentResponse, MCPToolCall
import sys
sys.modules[instrument.__module__].is_telemetry_configured = lambda: True
kept = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)

@instrument(span_type="agent", record_args=False)
async def answer():
    call = MCPToolCall(name="click", arguments={"x": 1}, id="c")
    return AgentResponse(content="hi", tool_calls=[call])

@instrument(span_type="mcp")
async def broken(city):
    raise ValueError("no city")

async def main():
    tracer = trace.get_tracer("hud-sdk")
    with tracer.start_as_current_span("hud.run", attributes={"hud.task_run_id": "r"}):
        await answer()
        try:
            await broken("x")
        except ValueError:
            pass

asyncio.run(main())
for span in kept.get_finished_spans():
    print(json.dumps(json.loads(span.to_json())))
"""


def test_huds_own_spans_are_read(run):
    """Spans of HUD's decorator are read: the answer, its tool calls, each error once."""
    records = [
        SpanRecord(
            trace_id=value["context"]["trace_id"].removeprefix("0x"),
            span_id=value["context"]["span_id"].removeprefix("0x"),
            parent_id=(value["parent_id"] or "").removeprefix("0x") or None,
            name=value["name"],
            start_ns=to_ns(value["start_time"]),
            end_ns=to_ns(value["end_time"]),
            attributes=value["attributes"],
            status=value["status"]["status_code"].lower(),
            status_message=value["status"].get("description"),
            events=tuple(
                SpanEvent(e["name"], to_ns(e["timestamp"]), e["attributes"])
                for e in value["events"]
            ),
            scope_name="hud-sdk",
        )
        for value in map(json.loads, run(TRACED).splitlines())
    ]
    (trace,) = hud.from_spans(records)
    answer, broken = trace.trace
    assert (answer.category, broken.category) == ("agent", "mcp")
    assert answer.result["tool_calls"][0]["name"] == "click"
    assert broken.request == {"city": "x"}
    assert len(broken.other["otel"]["events"]) == 1
    (task,) = spans_to_tasks(hud.to_spans(trace))
    assert [error.message for error in task.errors or ()] == ["no city"]


def test_the_package_is_the_one_named(run):
    """The second opinion is of the version that the types were taken from."""
    assert run("import hud.version as v; print(v.__version__)").strip() in VERSION

"""The spans that HUD writes itself."""

from __future__ import annotations

import json

from infinium_otel import otlp, spans_to_tasks
from infinium_otel.models import hud
from infinium_otel.models.hud import v04, v06
from infinium_otel.records import SpanEvent
from support import corpus
from support.records import log_event, make_span

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
HEX = "0af7651916cd43dd8448eb211c80319c"
RESULT = {"content": [{"type": "text", "text": "18C"}], "isError": False}


def tool_loop():
    recording = corpus.recording("pydantic-ai/tool_loop")
    return list(otlp.from_json(recording.spans).records)


TOOL_REQUEST = {"method": "tools/call", "params": {"name": "w", "arguments": {"a": 1}}}


def native(key, parent=None, attributes=None, **more):
    values = {"hud.task_run_id": UUID, "category": "agent", **(attributes or {})}
    return make_span(key, parent, values, scope="hud-sdk", **more)


def test_huds_own_spans_of_04_are_read():
    """HUD's attributes become a step's fields; all others go to `other`."""
    spans = [
        native("a", attributes={"result": '{"content": "x"}', "extra": 1}),
        native(
            "b",
            attributes={
                "category": "mcp",
                "mcp.method.name": "tools/call",
                "mcp.request.id": "7",
                "traceloop.entity.input": json.dumps(TOOL_REQUEST),
                "traceloop.entity.output": json.dumps(RESULT),
                "hud.job_id": "j",
            },
            trace="9" * 32,
        ),
    ]
    (trace,) = hud.from_spans(spans)
    first, second = trace.trace
    assert (first.category, first.result, first.other["extra"]) == (
        "agent",
        {"content": "x"},
        1,
    )
    assert (second.request, second.result) == (TOOL_REQUEST, RESULT)
    assert (second.other["method_name"], second.other["request_id"]) == (
        "tools/call",
        "7",
    )
    assert first.type == "CLIENT"
    (task,) = spans_to_tasks(hud.to_spans(trace))
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == ["w"]


def test_a_repeated_exception_is_kept_once():
    """HUD records an exception itself, and the SDK records it again."""
    attributes = {"exception.type": "E", "exception.message": "m"}
    twice = (
        SpanEvent("exception", 1, attributes),
        SpanEvent("x", 2),
        SpanEvent("exception", 3, attributes),
    )
    (trace,) = hud.from_spans(
        [make_span("run"), native("a", "run", events=twice, status="error")]
    )
    names = [event["name"] for event in trace.trace[0].other["otel"]["events"]]
    assert names == ["exception", "x"]


def test_the_local_folder_is_written_and_read():
    """The files for `hud trace get` contain every step, and can be read back."""
    files = hud.to_hud_spans(tool_loop())
    ((name, text),) = files.items()
    assert name == f"{tool_loop()[0].trace_id}.jsonl"
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["attributes"]["hud.schema"] for line in lines} == {"hud.step.v1"}
    records = hud.spans_in(text + '{"cut": \n[]\n')
    assert len(records) == len(lines)
    (run,) = hud.from_spans(records, model="0.6")
    (first,) = hud.from_spans(tool_loop(), model="0.6")
    kinds = [type(step).__name__ for step in run.trace.steps]
    assert kinds == [type(step).__name__ for step in first.trace.steps]


def test_a_span_of_huds_with_events_is_read():
    """Debug spans have events, and a start that may be after the end."""
    line = {
        "name": "f",
        "trace_id": HEX,
        "span_id": "A" * 16,
        "start_time": "2026-01-01T00:00:01Z",
        "end_time": "2026-01-01T00:00:00Z",
        "events": [{"name": "hud.request", "timestamp": "2026-01-01T00:00:00Z"}],
    }
    (record,) = hud.spans_in(json.dumps(line))
    assert record.start_ns == record.end_ns
    assert [event.name for event in record.events] == ["hud.request"]


def test_all_of_huds_output_is_read():
    """Traces, lines and upload bodies, mixed, become runs."""
    lines = [
        json.loads(t)
        for t in next(iter(hud.to_hud_spans(tool_loop()).values())).splitlines()
    ]
    found = hud.from_hud([{"reward": 0.5}, {"telemetry": lines[:2]}, *lines[2:]])
    assert isinstance(found[0], v04.Trace)
    assert len(found) == 2
    assert len(found[1].trace.steps) == len(lines)


def test_a_flat_run_with_a_broken_payload_is_read():
    """A span whose payload is not a step becomes a step of the system."""
    spans = [native("a", attributes={"hud.payload": {"source": "tool", "call": 5}})]
    (run,) = hud.from_spans(spans, model="0.6")
    assert [step.source for step in run.trace.steps] == ["system"]


def test_huds_flat_spans_are_gathered_with_their_children():
    """Children and log events of a run's spans move with them; other spans stay."""
    spans = [
        native("a", attributes={"hud.job_id": "j"}),
        native("b", attributes={"category": "mcp"}),
        make_span("child", "a"),
        make_span("loop", "pool"),
        make_span("pool", "loop"),
        make_span("other", trace="8" * 32),
        log_event("gen_ai.choice", "child", body={"message": {"content": "x"}}),
    ]
    first, *others = hud.from_spans(spans)
    assert len(first.trace) == 3
    assert len(others) == 2
    root = hud.to_spans(first)[0]
    assert (root.trace_id, root.attributes["hud.job_id"]) == (HEX, "j")


def test_a_run_of_huds_with_a_root_keeps_it():
    """A run with a root of its own gets no other root."""
    (trace,) = hud.from_spans([native("a"), native("b", "a")])
    assert [step.other["otel"]["name"] for step in trace.trace] == ["b"]


def test_every_file_for_huds_viewer_can_be_written():
    """A lone surrogate in a text does not prevent writing the file."""
    run = v06.Run(v06.Trace(steps=(v06.AgentStep(content="a\ud800b"),)))
    (text,) = hud.to_hud_spans(hud.to_spans(run)).values()
    assert "a?b" in text.encode().decode()


def test_a_line_with_invalid_ids_is_a_span():
    """Invalid ids are hashed, so that parents and children still match."""
    lines = [
        {"trace_id": "r", "span_id": "one", "kind": "odd", "status_code": 5},
        {"trace_id": "r", "span_id": "two", "parent_span_id": "one"},
    ]
    parent, child = hud.spans_in("\n".join(map(json.dumps, lines)))
    assert child.parent_id == parent.span_id
    assert len(parent.span_id) == 16
    assert (parent.kind, parent.status) == ("internal", "unset")

"""What the page gets of the spans behind a step."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("starlette")

from infinium_otel import spans_to_tasks
from infinium_otel.apps.serve.span_view import MAX_TEXT, build_step_view, cut, to_json
from infinium_otel.apps.serve.task_row import list_span_ids
from infinium_otel.otlp import files
from infinium_otel.records import LogEvent, SpanLink
from support import corpus
from support.records import chat, event, log_event, make_span

MESSAGES = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "I need a tool."},
            {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"x": 1}},
        ],
    },
    {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": {"y": 2}}],
    },
]
TOOLS = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]


def call(**more):
    return chat(
        attributes={
            "gen_ai.input.messages": json.dumps(MESSAGES),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": "Sun."}]}]
            ),
            "gen_ai.tool.definitions": json.dumps(TOOLS),
            "gen_ai.request.temperature": 0.5,
            **more,
        }
    )


def test_a_conversation_by_role():
    """Messages have roles, texts, reasoning, calls with arguments, and results."""
    view = build_step_view([call()])
    assert view["input"] == [
        {"role": "system", "text": "Be brief."},
        {"role": "user", "text": "Weather?"},
        {
            "role": "assistant",
            "reasoning": "I need a tool.",
            "calls": [{"name": "look", "id": "c1", "arguments": {"x": 1}}],
        },
        {
            "role": "tool",
            "results": [{"name": None, "id": "c1", "failed": None, "result": {"y": 2}}],
        },
    ]
    assert view["output"] == [{"role": "assistant", "text": "Sun."}]
    assert view["system"] == []


def test_the_system_prompt_of_an_attribute():
    """System instructions outside the messages are shown apart."""
    view = build_step_view(
        [
            chat(
                attributes={
                    "gen_ai.system_instructions": json.dumps(
                        [{"type": "text", "content": "Be kind."}]
                    )
                }
            )
        ]
    )
    assert [message["role"] for message in view["system"]] == ["system"]
    assert "Be kind." in json.dumps(view["system"])


def test_tools_and_parameters():
    """The tools offered with their schema, and what the request and response contain."""
    view = build_step_view([call()])
    assert view["tools"][0]["name"] == "look"
    assert view["tools"][0]["schema"] == {"type": "object"}
    assert view["parameters"]["temperature"] == 0.5
    assert view["parameters"]["input_tokens"] == 10
    assert view["parameters"]["model_requested"] == "gpt-4o"


def test_a_folded_span_adds_what_the_first_lacks():
    """The first span decides, the others fill in; each is listed as recorded."""
    transport = make_span("http", "chat", {"http.response.status_code": 200})
    view = build_step_view([transport, call()])
    assert [s["name"] for s in view["spans"]] == ["http", "chat"]
    assert view["output"][0]["text"] == "Sun."


def test_content_in_log_events_belongs_to_its_span():
    """A message that was logged beside the span is in the conversation."""
    body = {"message": {"role": "assistant", "content": "From a log."}}
    view = build_step_view([chat(), log_event("gen_ai.choice", "chat", body=body)])
    assert "From a log." in json.dumps(view["output"])


def test_a_span_as_recorded():
    """Everything of a span is shown: attributes, events, links, resource, times."""
    link = SpanLink("a" * 32, "b" * 16, {"why": "batch"})
    recorded = make_span(
        "step",
        attributes={"k": ["a", 1], "nan": math.nan, "b": b"\x00"},
        events=(event("retry", {"n": 2}, at=0.25),),
        links=(link,),
        resource={"service.name": "svc"},
        dropped_attributes=3,
        status="error",
        status_message="no",
    )
    (shown,) = build_step_view([recorded])["spans"]
    assert shown["attributes"] == {"k": ["a", 1], "nan": "nan", "b": "AA=="}
    assert shown["events"] == [
        {"name": "retry", "offset_ms": 250.0, "attributes": {"n": 2}}
    ]
    assert shown["links"][0]["attributes"] == {"why": "batch"}
    assert (shown["dropped_attributes"], shown["status"]) == (3, "error")
    assert shown["resource"] == {"service.name": "svc"}
    assert shown["duration_ms"] == 1000.0
    json.dumps(shown, allow_nan=False)


def test_long_and_deep_values_are_bounded():
    """A long text ends with how much there was; deep nesting is named."""
    text = "x" * (MAX_TEXT + 1)
    assert cut(text).endswith("(200,000 of 200,001 characters)")
    deep: object = "end"
    for _ in range(5_000):
        deep = [deep]
    assert "nested deeper" in json.dumps(to_json(deep))
    many = make_span("s", attributes={f"k{n}": n for n in range(5_000)})
    assert len(build_step_view([many])["spans"][0]["attributes"]) == 1_001


def test_no_spans():
    """Without a span everything is empty, and nothing raises."""
    view = build_step_view([LogEvent("a" * 32, "b" * 16, "x", 0)])
    assert view["spans"] == []
    assert view["input"] == []


@pytest.mark.parametrize("time_ns", [0, -(2**70), 2**80])
def test_impossible_times(time_ns):
    """A time that no calendar has is unknown."""
    span = make_span("s")
    from dataclasses import replace  # noqa: PLC0415 - for this test only

    (shown,) = build_step_view([replace(span, start_ns=time_ns)])["spans"]
    assert shown["start_time"] in (None, "1970-01-01T00:00:00.000Z")


@pytest.mark.parametrize("name", corpus.names())
def test_every_recorded_step(name):
    """Each step of each recording has a view that is plain JSON, with its spans."""
    records = files.decode_json(
        json.dumps(corpus.recording(name).spans).encode()
    ).records
    for task in spans_to_tasks(records):
        for step in task.steps or []:
            ids = list_span_ids(step.metadata or {})
            wanted = [r for i in ids for r in records if r.span_id == i]
            view = build_step_view(wanted)
            json.dumps(view, allow_nan=False)
            assert {s["span_id"] for s in view["spans"]} == set(ids)

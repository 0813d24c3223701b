from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.models import agentix, hud, letta, xpander
from infinium_otel.models.content import shrink_media
from infinium_otel.models.hud import mcp, v04, v06

SECRET = "the secret"
CALLS = {"tool_calls": [{"name": "look", "args": {"q": SECRET}, "id": "c"}]}
OUTCOME = agentix.AgentOutcome(
    "completed",
    SECRET,
    parsed={"a": SECRET},
    transcript=(
        agentix.Message("user", SECRET, trusted=True),
        agentix.Message("assistant", SECRET, trusted=True, meta=CALLS),
        agentix.Message(
            "tool", SECRET, name="look", meta={"call_id": "c", "ok": False}
        ),
    ),
    other={"run_id": "r", "note": SECRET},
)
RESULT = {"content": [{"type": "text", "text": SECRET}], "isError": True}
TRACE = v04.Trace(
    content=SECRET,
    info={"why": SECRET},
    messages=({"content": SECRET},),
    task=v04.Task(SECRET, {}),
    trace=(
        v04.TraceStep(
            request={
                "method": "tools/call",
                "params": {"name": "look", "arguments": SECRET},
            },
            result=RESULT,
            other={"llm.prompt": SECRET, "deep": {"x": SECRET}, "count": 4},
        ),
    ),
)
RUN = v06.Run(
    v06.Trace(
        content=SECRET,
        steps=(
            v06.Step(source="user", messages=({"role": "user", "content": SECRET},)),
            v06.AgentStep(
                content=SECRET,
                reasoning=SECRET,
                model="m",
                usage=v06.Usage(prompt_tokens=3, completion_tokens=2),
            ),
            v06.ToolStep(
                call=v06.MCPToolCall("look", {"q": SECRET}),
                result=v06.tool_result_of(RESULT),
            ),
        ),
    ),
    v06.Grade(0.5, info={"why": SECRET}),
)


LOG = letta.load(
    {
        "steps": [{"id": "step-1", "model": "m", "status": "success"}],
        "messages": [
            {
                "id": "message-1",
                "role": "assistant",
                "step_id": "step-1",
                "content": [{"type": "text", "text": SECRET}],
                "tool_calls": [
                    {"id": "c", "function": {"name": "look", "arguments": SECRET}}
                ],
            },
            {
                "id": "message-2",
                "role": "tool",
                "step_id": "step-1",
                "tool_returns": [
                    {"tool_call_id": "c", "status": "error", "func_response": SECRET}
                ],
            },
        ],
        "provider_traces": [
            {
                "id": "provider_trace-1",
                "step_id": "step-1",
                "request_json": {"messages": [{"role": "user", "content": SECRET}]},
            }
        ],
    }
)
AT = "2026-01-02T03:04:05Z"
ENTRY = {"created_at": AT, "tool_name": "look", "payload": SECRET, "result": SECRET}
TASK = {"id": "t", "status": "failed", "input": {"text": SECRET}, "result": SECRET}
THREAD = xpander.load(
    {
        "id": "t",
        "created_at": AT,
        "task": TASK,
        "user": {"email": SECRET},
        "messages": [
            {"id": "1", **ENTRY, "is_error": True, "reasoning": {"title": SECRET}},
            {"id": "2", "created_at": AT, "role": "agent", "content": {"text": SECRET}},
            {
                "id": "3",
                "created_at": AT,
                "type": "think",
                "title": SECRET,
                "confidence": 1.0,
            },
        ],
    }
)
CALL = {"request_id": "r", "operation_id": "o", "tool_name": "look", "payload": SECRET}
STREAM = xpander.load(
    {
        "events": [
            {"type": type_, "task_id": "t", "time": AT, "data": data}
            for type_, data in (
                ("tool_call_request", CALL),
                ("tool_call_result", {**CALL, "result": SECRET, "is_error": True}),
                ("chunk", SECRET),
                ("task_finished", TASK),
            )
        ]
    }
)


@pytest.mark.parametrize(
    ("system", "document"),
    [
        pytest.param(agentix, OUTCOME, id="agentix"),
        pytest.param(hud, TRACE, id="hud-0.4"),
        pytest.param(hud, RUN, id="hud-0.6"),
        pytest.param(letta, LOG, id="letta"),
        pytest.param(xpander, THREAD, id="xpander"),
        pytest.param(xpander, STREAM, id="xpander-events"),
    ],
)
def test_content_capture_is_optional(system, document):
    """Without content capture, spans have names and lengths but no texts."""
    assert SECRET in str(system.to_spans(document))
    quiet = system.to_spans(document, capture_content=False)
    assert SECRET not in str(quiet)
    (task,) = spans_to_tasks(quiet)
    assert [s.tool_call.tool_name for s in task.steps if s.tool_call] == ["look"]
    lengths = [
        k for record in quiet for k in record.attributes if k.endswith(".length")
    ]
    assert "gen_ai.output.messages.length" in lengths


def test_an_error_that_is_not_content_stays():
    """An exception's message is kept; a tool's output is not."""
    step = v06.AgentStep(error="rate limit", content=SECRET)
    quiet = hud.to_spans(v06.Trace(steps=(step,)), capture_content=False)
    assert quiet[1].status_message == "rate limit"
    assert quiet[1].events[0].attributes["exception.message"] == "rate limit"


IMAGE = mcp.ImageContent("Q" * 400, "image/png")


def test_large_media_are_removed():
    """An image over the limit keeps its type and gets its size; a small one stays."""
    result = v06.MCPToolResult((IMAGE, mcp.ImageContent("QQ==", "image/png")))
    run = v06.Trace(steps=(v06.ToolStep(call=v06.MCPToolCall("see"), result=result),))
    (again,) = hud.from_spans(hud.to_spans(run, media_bytes=100), model="0.6")
    large, small = again.trace.steps[0].result.content
    assert (large.data, large.mimeType, large.other) == (
        None,
        "image/png",
        {"bytes": 300},
    )
    assert small.data == "QQ=="
    old = v04.Trace(trace=(v04.TraceStep(result={"content": [hud.dump(IMAGE)]}),))
    (again,) = hud.from_spans(hud.to_spans(old, media_bytes=100))
    assert again.trace[0].result["content"][0]["bytes"] == 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("x" * 50, "x" * 50, id="no-json"),
        pytest.param('{"data": "QQ=="}', '{"data": "QQ=="}', id="small"),
        pytest.param(
            json.dumps({"data": "Q" * 50}),
            json.dumps({"data": "Q" * 50}),
            id="no-media",
        ),
        pytest.param(
            json.dumps([1, {"blob": "Q" * 40, "mimeType": "a/b"}]),
            json.dumps([1, {"mimeType": "a/b", "bytes": 30}]),
            id="blob",
        ),
    ],
)
def test_only_media_are_cut(value, expected):
    """Only base64 next to a media type is removed, at any depth."""
    assert shrink_media(value, 20) == expected

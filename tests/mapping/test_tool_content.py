"""Arguments, results and failures of tools that other spans report."""

from __future__ import annotations

import json

import pytest

from infinium_otel.mapping.tool_failures import DEFAULT_ERROR, find_failure
from support.records import (
    agent,
    chat,
    exception_event,
    make_span,
    task_of,
    tool,
    tools_of,
)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        pytest.param({"status": "error", "content": "no city"}, "no city", id="status"),
        pytest.param({"ok": False, "error": {"code": 3, "message": "no city"}}, "no city",
                     id="ok"),
        pytest.param({"success": False, "error": "no city"}, "no city", id="success"),
        pytest.param({"success": False}, DEFAULT_ERROR, id="success-alone"),
        pytest.param({"error": "no city"}, "no city", id="error-alone"),
        pytest.param({"error": {"message": "no city"}, "data": None}, "no city",
                     id="error-beside-nothing"),
        pytest.param({"status": "Failed", "error": "no city"}, "no city", id="failed"),
        pytest.param("status='failure' result=None error='no city'", "no city",
                     id="pydantic"),
        pytest.param("CallToolResult(content=[TextContent(type='text', text='no city')],"
                     " isError=True)", "no city", id="printed-object"),
        pytest.param({"output": {"isError": True, "content": "no city"}}, "no city",
                     id="inside"),
        pytest.param({"success": "false", "error": "no city"}, "no city", id="as-text"),
        pytest.param({"error": True, "message": "no city"}, "no city", id="flag"),
        pytest.param({"is_error": True, "result": "no city"}, "no city", id="in-result"),
        pytest.param({"errors": [{"message": "no city"}], "data": None}, "no city", id="graphql"),
        pytest.param({"exception": "no city"}, "no city", id="exception"),
        pytest.param({"type": "error", "error": {"type": "x", "message": "no city"}},
                     "no city", id="anthropic"),
        pytest.param({"statusCode": 404, "error": "Not Found", "message": "no city"},
                     "Not Found", id="http-body"),
        pytest.param({"result": {"error": "no city"}}, "no city", id="in-adks-result"),
        pytest.param({"code": 200, "message": "fine", "error": None}, None, id="http-fine"),
        pytest.param({"success": 0}, None, id="a-count"),
        pytest.param({"success": 0, "error": "no city"}, "no city", id="as-zero"),
        pytest.param({"errors": 3}, None, id="a-number-of-errors"),
        pytest.param({"status": "success", "error": "none"}, None, id="succeeded"),
        pytest.param({"status": "failed", "order": 7}, None, id="a-status-of-the-data"),
        pytest.param({"error": None, "ok": True}, None, id="no-error"),
        pytest.param({"error": "", "result": "18C"}, None, id="empty-error"),
        pytest.param({"error": "rounding", "value": 3}, None, id="error-beside-data"),
        pytest.param({"valid": False}, None, id="another-flag"),
        pytest.param("error: none", None, id="text"),
        pytest.param("Error, or not (see=below", None, id="prose"),
        pytest.param(None, None, id="nothing"),
    ],
)  # fmt: skip
def test_find_failure(result, reason):
    """An envelope fails its tool; data that only has such a member does not."""
    assert find_failure(result) == reason
    if not isinstance(result, str):
        assert find_failure(json.dumps(result)) == reason


def _request(*calls):
    parts = [{"type": "tool_call", **call} for call in calls]
    return json.dumps([{"role": "assistant", "parts": parts}])


def _responses(*responses):
    parts = [{"type": "tool_call_response", **r} for r in responses]
    return json.dumps([{"role": "tool", "parts": parts}])


TWO = [{"id": "c1", "name": "f", "arguments": {"a": 1}},
       {"id": "c2", "name": "f", "arguments": {"a": 2}}]  # fmt: skip
REPLIES = [{"id": "c1", "response": "one"}, {"id": "c2", "response": "two"}]


def _run(*tools, calls=TWO, replies=REPLIES):
    requesting = {"gen_ai.output.messages": _request(*calls)}
    answering = {"gen_ai.input.messages": _responses(*replies)}
    task = task_of(
        agent("root"),
        chat("a", "root", start=0, attributes=requesting),
        *tools,
        chat("b", "root", start=5, attributes=answering),
    )
    return [(t.tool_name, t.input_summary, t.output_summary) for t in tools_of(task)]


def _arguments(value):
    return {"gen_ai.tool.call.arguments": json.dumps(value)}


@pytest.mark.parametrize(
    ("tools", "runs"),
    [
        pytest.param([("f", {}), ("f", {})],
                     [("f", '{"a":1}', "one"), ("f", '{"a":2}', "two")], id="in-order"),
        pytest.param([("f", _arguments({"a": 2})), ("f", _arguments({"a": 1}))],
                     [("f", '{"a":2}', "two"), ("f", '{"a":1}', "one")],
                     id="by-arguments"),
        pytest.param([("mcp__s__f", {}), ("mcp__s__f", {})],
                     [("mcp__s__f", '{"a":1}', "one"), ("mcp__s__f", '{"a":2}', "two")],
                     id="with-a-namespace"),
        pytest.param([("StructuredTool", _arguments({"a": 2})), ("f", {})],
                     [("f", '{"a":2}', "two"), ("f", '{"a":1}', "one")],
                     id="by-the-name-of-a-class"),
        pytest.param([("f", {"gen_ai.tool.call.id": "c2"}), ("f", {})],
                     [("f", '{"a":2}', "two"), ("f", '{"a":1}', "one")], id="by-id"),
    ],
)  # fmt: skip
def test_a_tool_takes_its_request_and_its_response(tools, runs):
    """Each request is one run's: by id, by arguments, else in order."""
    spans = [
        tool(f"t{n}", "root", name, start=2 + n / 10, attributes=attributes)
        for n, (name, attributes) in enumerate(tools)
    ]
    assert _run(*spans) == runs


def test_a_class_name_without_arguments_stays():
    """Without arguments nothing shows which request was its."""
    span = tool("t", "root", "StructuredTool", start=2)
    assert ("StructuredTool", None, None) in _run(span)


def test_a_request_made_later():
    """A tool cannot have run before it was requested."""
    early = tool("t", "root", "f", start=-1, end=-0.5, attributes=_arguments({"a": 1}))
    assert _run(early)[0] == ("f", '{"a":1}', None)


def test_a_second_report_of_the_only_request():
    """More runs than requests: the others repeat the last."""
    spans = [tool(f"t{n}", "root", start=2 + n / 10) for n in range(2)]
    runs = _run(*spans, calls=TWO[:1], replies=REPLIES[:1])
    assert runs == [("f", '{"a":1}', "one"), ("f", '{"a":1}', None)]


@pytest.mark.parametrize("status", ["tool failed", ""])
def test_the_reason_of_a_failure_is_in_the_result(status):
    """A failed tool whose span gives no reason takes it from its result."""
    failed = (
        {"status": "error", "status_message": status}
        if status
        else {"status": "error", "events": (exception_event("ToolError", "ToolError"),)}
    )
    result = {
        "gen_ai.tool.call.result": '{"ok": false, "error": {"message": "no city"}}'
    }
    task = task_of(agent("root"), tool("t", "root", attributes=result, **failed))
    assert task.errors[0].message == "no city"


@pytest.mark.parametrize(
    ("result", "run"),
    [
        pytest.param({"lc": 1, "id": ["langchain", "ToolMessage"], "kwargs": {
            "content": "18C", "tool_call_id": "c9", "name": "f"}},
            ("f", "18C", None), id="langchain"),
        pytest.param("content='18C' name='f' tool_call_id='c9'", ("f", "18C", None),
                     id="printed"),
        pytest.param([{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c9", "content": "no city",
             "is_error": True}]}], ("StructuredTool", "no city", "no city"), id="anthropic"),
        pytest.param({"tool_call_id": "c9", "rows": 3},
                     ("StructuredTool", '{"tool_call_id":"c9","rows":3}', None), id="data"),
        pytest.param("about tool_call_id", ("StructuredTool", "about tool_call_id", None),
                     id="text"),
    ],
)  # fmt: skip
def test_a_result_that_is_a_whole_message(result, run):
    """The message that the model will get names the tool and holds the result."""
    value = result if isinstance(result, str) else json.dumps(result)
    attributes = {"gen_ai.tool.call.result": value}
    task = task_of(
        agent("root"), tool("t", "root", "StructuredTool", attributes=attributes)
    )
    (used,) = tools_of(task)
    reason = used.error and used.error.message
    assert (used.tool_name, used.output_summary, reason) == run


def test_a_request_that_another_span_took():
    """A span without arguments takes the first request; equal arguments are then gone."""
    spans = [
        tool("t0", "root", start=2),
        tool("t1", "root", start=2.1, attributes=_arguments({"a": 1})),
    ]
    assert _run(*spans) == [("f", '{"a":1}', "one"), ("f", '{"a":1}', "two")]


def test_the_newest_call_comes_first():
    """A tool without arguments was requested by the newest call before it."""
    calls = [
        chat(f"m{n}", "root", start=n, end=n + 0.5,
             attributes={"gen_ai.output.messages": _request(TWO[n])})
        for n in (0, 1)
    ]  # fmt: skip
    task = task_of(agent("root"), *calls, tool("t", "root", start=2))
    assert [t.input_summary for t in tools_of(task)] == ['{"a":2}']


def test_the_reason_in_a_response_of_the_protocol():
    """A message of MCP that only says that a tool failed takes the reason from it."""
    result = {"content": [{"type": "text", "text": "no such city"}], "isError": True}
    message = make_span(
        "response",
        "agent",
        {"mcp.response.value": json.dumps(result)},
        name="MCP_Tool_Response",
        status="error",
        status_message="Tool execution error",
        start=6,
        end=7,
    )
    task = task_of(agent(), tool("other", "agent"), message)
    assert [error.message for error in task.errors] == ["no such city"]

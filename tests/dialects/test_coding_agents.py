"""Claude Code, Codex and Gemini CLI."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("interaction", "agent"),
        ("llm_request", "llm"),
        ("tool", "tool"),
        ("tool.execution", "step"),
        ("tool.blocked_on_user", "waiting"),
        ("hook", "step"),
        ("something.new", "step"),
    ],
)
def test_claude_codes_kinds(value, kind):
    """Types with the prefix and without, or by the span's name."""
    scope = "com.anthropic.claude_code.tracing"
    assert read_span({"span.type": value}, scope=scope).kind == kind
    assert read_span({"span.type": f"claude_code.{value}"}, scope=scope).kind == kind
    assert read_span({"span.type": ""}, name=f"claude_code.{value}").kind == kind


def test_claude_codes_keys_on_other_spans():
    """Keys without a prefix mean nothing on other libraries' spans."""
    found = read_span(
        {"span.type": "web", "model": "T", "file_path": "a.txt"}, scope="shop"
    )
    assert_fields(found, kind="", model=None, usage=None, dialects=())


def test_claude_codes_tool():
    """The arguments are under any of several keys; the result is in an event."""
    found = read_span(
        {"span.type": "tool", "tool_name": "Edit", "file_path": "a.py"},
        name="claude_code.tool",
        events=(event("other"), event("tool.output", {"diff": "+1"})),
    )
    assert_fields(found, tool_name="Edit", arguments="a.py", result="+1")


@pytest.mark.parametrize(
    ("name", "kind"), [("session_task.turn", "agent"), ("handle_responses", "step")]
)
def test_codex(name, kind):
    """A turn holds the counts, the spans inside repeat them."""
    counts = {
        "codex.turn.token_usage.input_tokens": 10,
        "codex.turn.token_usage.output_tokens": 5,
        "codex.turn.token_usage.cached_input_tokens": 4,
    }
    found = read_span(counts, name=name, scope="codex_cli_rs")
    assert_fields(found, kind=kind, usage=Usage(10, 5, None, 4))
    assert read_span({}, name="other", scope="codex_cli_rs").kind == ""


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("llm_call", "llm"), ("tool_call", "tool"), ("agent_call", "agent")],
)
def test_gemini_cli(operation, kind):
    """The Gemini command line has operations of its own."""
    assert read_span({"gen_ai.operation.name": operation}).kind == kind


CLAUDE_CODE = "com.anthropic.claude_code.tracing"


def test_claude_codes_logged_content():
    """The answer and the tools' inputs are log events on the interaction."""
    events = (
        event("tool_result", {"tool_name": "f", "tool_use_id": "t1"}),
        event(
            "tool_result",
            {"tool_name": "f", "tool_use_id": "t2", "tool_input": '{"a": 1}'},
        ),
        event(
            "assistant_response",
            {"response": "a title", "query_source": "generate_session_title"},
        ),
        event("assistant_response", {"response": "Yo.", "query_source": "sdk"}),
    )
    found = read_span({"span.type": "interaction"}, scope=CLAUDE_CODE, events=events)
    assert found.output == [
        {
            "role": "assistant",
            "tool_calls": [{"name": "f", "id": "t2", "arguments": {"a": 1}}],
        },
        {"role": "assistant", "content": "Yo."},
    ]
    assert read_span({"span.type": "interaction"}, scope=CLAUDE_CODE).output is None


def test_claude_codes_attempts():
    """Attempts are events; all but the last are retries."""
    attempts = tuple(event("gen_ai.request.attempt") for _ in range(3))
    found = read_span({"span.type": "llm_request"}, scope=CLAUDE_CODE, events=attempts)
    assert found.retry_count == 2

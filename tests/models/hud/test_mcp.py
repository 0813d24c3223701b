"""Blocks and results of MCP."""

from __future__ import annotations

import json

import pytest

from infinium_otel.models import hud
from infinium_otel.models.hud import mcp, v04, v06
from support.records import make_span

RESULT = {"content": [{"type": "text", "text": "18C"}], "isError": False}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("text", mcp.TextContent("text"), id="bare-text"),
        pytest.param({"type": "text"}, {"type": "text"}, id="no-text"),
        pytest.param({"type": "resource"}, {"type": "resource"}, id="no-resource"),
        pytest.param(
            {"type": "text", "text": "a", "x": 1},
            mcp.TextContent("a", other={"x": 1}),
            id="extra-keys",
        ),
    ],
)
def test_blocks_are_read_or_kept(value, expected):
    """A block of unknown form is kept unchanged."""
    assert mcp.block_of(value) == expected


def test_a_text_result_is_one_block():
    """A tool's plain text becomes a text block; a value that is not a list is dropped."""
    assert mcp.tool_result_of({"content": "x"}).content == (mcp.TextContent("x"),)
    assert mcp.tool_result_of({"content": 5}).content == ()


def test_an_mcp_result_is_kept():
    """A result in MCP's form is kept; an object becomes structured content."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "w"}
    spans = [
        make_span("run", attributes={"gen_ai.operation.name": "invoke_agent"}),
        make_span(
            "t", "run", {**attributes, "gen_ai.tool.call.result": json.dumps(RESULT)}
        ),
        make_span("u", "run", {**attributes, "gen_ai.tool.call.result": '{"t": 18}'}),
    ]
    (run,) = hud.from_spans(spans, model="0.6")
    first, second = (step.result for step in run.trace.steps)
    assert first.content == (mcp.TextContent("18C"),)
    assert (second.structuredContent, second.content) == (
        {"t": 18},
        (mcp.TextContent('{"t": 18}'),),
    )


def test_types_of_the_protocol_are_exported():
    """Tool calls, results and content blocks are in both generations' modules."""
    for name in ("MCPToolCall", "MCPToolResult", "TextContent", "ImageContent"):
        assert name in v04.__all__
        assert name in v06.__all__
    assert "mcp" in hud.__all__

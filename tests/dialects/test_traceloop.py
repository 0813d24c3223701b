"""OpenLLMetry's spans."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"llm.request.type": "chat"}, "llm"),
        ({"llm.request.type": "completion"}, "llm"),
        ({"llm.request.type": "embedding"}, "embedding"),
        ({"llm.request.type": "rerank"}, "rerank"),
        ({"llm.request.type": "unknown"}, ""),
        ({"traceloop.span.kind": "tool"}, "tool"),
        ({"traceloop.span.kind": "agent"}, "agent"),
        ({"traceloop.span.kind": "workflow"}, "workflow"),
        ({"traceloop.span.kind": "task"}, "step"),
        ({"traceloop.entity.name": "x", "tool.name": "f"}, "tool"),
    ],
)
def test_kinds(attributes, kind):
    """Kinds of spans, and types of requests before the conventions had operations."""
    assert read_span(attributes).kind == kind


def test_older_counts():
    """Names before the conventions'."""
    found = read_span(
        {
            "llm.request.type": "chat",
            "llm.usage.prompt_tokens": 10,
            "llm.usage.completion_tokens": 5,
            "llm.usage.total_tokens": 15,
            "llm.is_streaming": True,
        }
    )
    assert_fields(found, usage=Usage(10, 5, 15), streaming=True)


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        ('{"inputs":{"city":"Rome"},"kwargs":{}}', {"city": "Rome"}),
        ('{"input_str":"{\\"city\\":\\"Rome\\"}"}', {"city": "Rome"}),
        ('{"args":[],"kwargs":{"city":"Rome"}}', {"city": "Rome"}),
        ('{"city":"Rome"}', '{"city":"Rome"}'),
        ("Rome", "Rome"),
    ],
)
def test_content_inside_a_callbacks_wrapping(value, arguments):
    """A tool's entity has arguments and result inside the callback's objects."""
    found = read_span(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "f",
            "traceloop.entity.input": value,
        }
    )
    assert_fields(found, tool_name="f", arguments=arguments)


def test_a_tool_without_an_entity():
    """The span's name, without its ending, is the tool's."""
    found = read_span({"traceloop.span.kind": "tool"}, name="f.tool")
    assert found.tool_name == "f"


def test_agents():
    """An entity names the agent; a workflow's step names the one at work."""
    found = read_span(
        {"traceloop.span.kind": "agent", "traceloop.entity.name": "helper"}
    )
    assert found.agent_name == "helper"
    attributes = {"traceloop.entity.output": '{"current_agent_name": "helper"}'}
    assert read_span(attributes).agent_name == "helper"


def test_tasks_that_failed():
    """A graph's node shows its failure in its status."""
    attributes = {"traceloop.span.kind": "task", "gen_ai.task.status": "failure"}
    assert read_span(attributes).failure is not None


def test_the_agent_at_work():
    """LangChain's callback names the agent that makes a call, however deep it nests."""
    attributes = {"traceloop.association.properties.lc_agent_name": "helper"}
    assert read_span(attributes | {"llm.request.type": "chat"}).agent_name == "helper"

"""OpenLLMetry's spans."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.told import reading, tells


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
    assert reading(attributes).kind == kind


def test_older_counts():
    """Names before the conventions'."""
    found = reading(
        {
            "llm.request.type": "chat",
            "llm.usage.prompt_tokens": 10,
            "llm.usage.completion_tokens": 5,
            "llm.usage.total_tokens": 15,
            "llm.is_streaming": True,
        }
    )
    tells(found, usage=Usage(10, 5, 15), streaming=True)


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ('{"inputs":{"city":"Rome"},"kwargs":{}}', {"city": "Rome"}),
        ('{"input_str":"{\\"city\\":\\"Rome\\"}"}', {"city": "Rome"}),
        ('{"args":[],"kwargs":{"city":"Rome"}}', {"city": "Rome"}),
        ('{"city":"Rome"}', '{"city":"Rome"}'),
        ("Rome", "Rome"),
    ],
)
def test_content_inside_a_callbacks_wrapping(said, arguments):
    """A tool's entity holds arguments and result in the callback's own objects."""
    found = reading(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "f",
            "traceloop.entity.input": said,
        }
    )
    tells(found, tool_name="f", arguments=arguments)


def test_a_tool_without_an_entity():
    """The span's name names it."""
    assert reading({"traceloop.span.kind": "tool"}, name="f.tool").tool_name == "f.tool"


def test_agents():
    """An entity names the agent; a workflow's step names the one at work."""
    found = reading({"traceloop.span.kind": "agent", "traceloop.entity.name": "helper"})
    assert found.agent_name == "helper"
    said = {"traceloop.entity.output": '{"current_agent_name": "helper"}'}
    assert reading(said).agent_name == "helper"


def test_tasks_that_failed():
    """A graph's node tells its failure in its status."""
    said = {"traceloop.span.kind": "task", "gen_ai.task.status": "failure"}
    assert reading(said).failure is not None


def test_the_agent_at_work():
    """LangChain's callback names the agent that makes a call, however deep it nests."""
    said = {"traceloop.association.properties.lc_agent_name": "helper"}
    assert reading(said | {"llm.request.type": "chat"}).agent_name == "helper"

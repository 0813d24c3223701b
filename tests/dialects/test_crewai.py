"""CrewAI's own spans, and those of its instrumentations."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("execute crew", "workflow"),
        ("execute task", "step"),
        ("execute agent", "agent"),
        ("call llm", "llm"),
        ("call tool", "tool"),
        ("execute mcp tool", "tool"),
        ("agent reasoning", "planning"),
        ("evaluate guardrail", "guardrail"),
        ("query memory", "memory"),
        ("search knowledge", "retrieval"),
        ("connect mcp", "mcp"),
        ("a2a delegate", ""),
    ],
)
def test_crewais_kinds(name, kind):
    """A span's name is fixed."""
    assert read_span({"crewai.event_name": "e"}, name=name, scope="crewai").kind == kind


def test_crewais_tool_that_reported_a_failure():
    """A tool that returned normally may still report a failure."""
    found = read_span(
        {
            "gen_ai.tool.name": "f",
            "crewai.tool.failure.message": "no city",
            "crewai.tool.failure.reason": "not_found",
            "crewai.tool.failure.code": "404",
            "crewai.tool.from_cache": False,
        },
        name="call tool",
    )
    failure = found.failure
    assert (failure.type, failure.message, failure.code) == (
        "not_found",
        "no city",
        "404",
    )


def test_crewais_second_span_of_a_failure():
    """A failed tool's own span reports the failure; the second span is dropped."""
    attributes = {"crewai.tool.failure.message": "no city"}
    assert_fields(
        read_span(attributes, name="tool failure", scope="crewai"), dropped=True
    )


def test_crewais_agents_have_a_role():
    """The agent's name is a checksum, so its role is used."""
    attributes = {
        "crewai.agent.role": "forecaster",
        "gen_ai.agent.name": "c109e65432c6",
    }
    assert_fields(read_span(attributes, name="execute agent"), agent_name="forecaster")


@pytest.mark.parametrize(
    ("inputs", "content"), [("null", None), ('{"city": "Paris"}', "a message")]
)
def test_crewais_run_without_inputs(inputs, content):
    """A run without inputs has "null" as its message."""
    attributes = {"crewai.crew.inputs": inputs, "gen_ai.input.messages": "a message"}
    assert_fields(read_span(attributes, name="execute crew"), input=content)


def test_crewais_mcp_tool():
    """Its arguments and result have keys of their own."""
    found = read_span(
        {
            "crewai.mcp.tool_name": "f",
            "crewai.mcp.tool_args": '{"a":1}',
            "crewai.mcp.tool_result": "3",
        },
        name="execute mcp tool",
    )
    assert_fields(found, tool_name="f", arguments='{"a":1}', result="3")


def test_crewais_task():
    """The expected output is one text, even with commas."""
    found = read_span(
        {
            "crewai.task.description": "Say the weather.",
            "crewai.task.expected_output": "a, b",
        },
        name="execute task",
    )
    assert dict(found.expected) == {
        "task_objective": "Say the weather.",
        "required_deliverables": ("a, b",),
    }
    assert not read_span({"crewai.task.expected_output": ""}).expected


def test_crewais_totals():
    """A crew's metrics sum over its calls."""
    metrics = json.dumps({"prompt_tokens": 30, "completion_tokens": 15})
    found = read_span({"crewai.crew.usage_metrics": metrics}, name="execute crew")
    assert found.usage == Usage(30, 15)


def test_crewai_through_openinference():
    """An agent's task is only in its output."""
    output = {"description": "Weather?", "expected_output": "A line.", "raw": "Sunny."}
    scope = "openinference.instrumentation.crewai"
    attributes = {
        "openinference.span.kind": "AGENT",
        "input.value": '{"agent":{"role":"forecaster"}}',
        "output.value": json.dumps(output),
    }
    found = read_span(attributes, scope=scope)
    assert_fields(found, kind="agent", input="Weather?", output="Sunny.")
    assert found.expected["task_objective"] == "Weather?"
    plain = read_span(attributes | {"output.value": "Sunny."}, scope=scope)
    assert_fields(plain, output="Sunny.", input='{"agent":{"role":"forecaster"}}')

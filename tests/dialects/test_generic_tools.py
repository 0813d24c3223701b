"""Tools and failures of vocabularies that no dialect knows."""

from __future__ import annotations

import pytest

from support.records import assert_fields, read_span


@pytest.mark.parametrize(
    ("attributes", "failure"),
    [
        ({"x.tool.outcome": "error", "x.tool.error.type": "timeout"}, "timeout"),
        ({"x.tool.success": False, "x.tool.error": "gone"}, "error"),
        ({"x.status": "failed"}, "error"),
        ({"x.tool.error": True}, "error"),
        ({"x.outcome": "request_error"}, "error"),
        ({"x.outcome": "timeout"}, "error"),
        ({"x.outcome": "no_error"}, None),
        ({"x.outcome": "it went on without a failure"}, None),
        ({"x.error": '{"message": "gone"}'}, "error"),
        ({"x.outcome": "SUCCESS", "x.error": "none"}, None),
        ({"x.status": 200, "x.error": False}, None),
    ],
)
def test_outcomes_in_any_namespace(attributes, failure):
    """A tool's outcome is read wherever it stands."""
    found = read_span({"x.span.type": "tool", **attributes})
    assert (found.failure and found.failure.type) == failure


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (
            '{"error": {"message": "slow down", "code": "rate_limit"}}',
            429,
            "rate_limit",
        ),
        ('{"error": {"message": "slow down", "code": 429}}', "too_many", "too_many"),
        ('{"error": "slow down"}', 429, "429"),
        ('{"message": "slow down", "error": "Bad"}', None, None),
    ],
)
def test_an_error_object_of_a_provider(error, code, expected):
    """The message in a wrapped error object is the failure's, a code by name its code."""
    attributes = {"x.response.error": error, "x.response.error_code": code}
    found = read_span({"x.span.type": "llm", **attributes}, status="error")
    assert (found.failure.message, found.failure.code) == ("slow down", expected)


def test_the_facts_of_a_tool():
    """A tool's arguments and result stand under any prefix; a schema is neither."""
    schema = '{"type": "object", "properties": {}}'
    found = read_span(
        {
            "spring.ai.kind": "tool_call",
            "spring.ai.tool.definition.name": "getWeather",
            "spring.ai.tool.definition.schema": schema,
            "spring.ai.tool.parameters": schema,
            "spring.ai.tool.call.id": "k1",
            "spring.ai.tool.call.arguments": '{"city": "Rome"}',
            "spring.ai.tool.call.result": "rain",
        }
    )
    assert_fields(
        found,
        kind="tool",
        tool_name="getWeather",
        tool_call_id="k1",
        arguments='{"city": "Rome"}',
        result="rain",
    )


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        ('{"ArgumentsInJSON": "{}", "Extra": null}', "{}"),
        (
            '{"ArgumentsInJSON": "{}", "Extra": 1}',
            '{"ArgumentsInJSON": "{}", "Extra": 1}',
        ),
        ('{"input": "x"}', '{"input": "x"}'),
        ("plain", "plain"),
    ],
)
def test_wrapped_arguments(value, arguments):
    """An object that holds only the arguments is opened."""
    found = read_span({"x.kind": "tool", "x.tool": "lookup", "x.tool_input": value})
    assert_fields(found, tool_name="lookup", arguments=arguments)


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("Tool.get_weather", "get_weather"),
        ("tool.execution:delegate_task", "delegate_task"),
        ("langchain4j.tools.getWeather", "getWeather"),
        ("opencode.tool bash", "bash"),
        ("tool_call getWeather", "getWeather"),
        ("toolbox.search", "toolbox.search"),
        ("tool", "tool"),
        ("get_weather.tool", "get_weather"),
        ("travel.tool: search_flights", "search_flights"),
    ],
)
def test_what_stands_around_a_tools_name(name, tool):
    """A tool without a stated name has its span's, without what frameworks put around it."""
    found = read_span({"acme.span.type": "tool"}, name=name)
    assert (found.tool_name, found.weak) == (tool, ("tool_name",))
    listed = read_span({"mlflow.spanType": '"TOOL"'}, name=name)
    assert listed.tool_name == tool


@pytest.mark.parametrize(
    ("value", "tool"),
    [
        ('{"name": "shell", "arguments": {"command": "ls"}}', "shell"),
        ('{"id": "c1", "name": "shell", "arguments": "{}"}', "shell"),
        ('{"name": "Ann", "arguments": "none", "age": 7}', None),
        ('{"arguments": {}}', None),
        ("[]", None),
    ],
)
def test_a_request_as_the_only_input(value, tool):
    """A span that is given nothing but a request for a tool is that tool's run."""
    found = read_span({"input": value}, name="dispatch")
    assert (found.kind or None, found.tool_name) == (tool and "tool", tool)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("add", {"a": 1}, id="of-this-tool"),
        pytest.param("other", '{"name": "other", "arguments": {"a": 1}}', id="another"),
    ],
)
def test_a_request_as_the_arguments(name, arguments):
    """The request for the tool itself gives its arguments; any other is an argument."""
    request = f'{{"name": "{name}", "arguments": {{"a": 1}}}}'
    attributes = {"gen_ai.tool.name": "add", "gen_ai.tool.call.arguments": request}
    assert read_span(attributes).arguments == arguments

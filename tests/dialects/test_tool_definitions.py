"""The tools that a model call offered, in every library's attributes."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects.tool_definitions import (
    MAX_TOOLS,
    ToolDefinition,
    read_tool_definitions,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
FLAT = {
    "llm.request.functions.0.name": "look",
    "llm.request.functions.0.description": "Looks.",
    "llm.request.functions.0.parameters": json.dumps(SCHEMA),
}


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(
            {"gen_ai.tool.definitions": json.dumps([{"type": "function", **FUNCTION}])},
            id="genai",
        ),
        pytest.param(
            {"gen_ai.tool.definitions": [{"type": "function", "function": FUNCTION}]},
            id="openai-nested",
        ),
        pytest.param(
            {
                "gen_ai.tool.definitions": json.dumps(
                    [{"name": "look", "description": "Looks.", "input_schema": SCHEMA}]
                )
            },
            id="anthropic",
        ),
        pytest.param(
            {
                "gen_ai.tool.definitions": json.dumps(
                    [{"function_declarations": [FUNCTION]}]
                )
            },
            id="gemini",
        ),
        pytest.param(
            {
                "gen_ai.tool.definitions": json.dumps(
                    [
                        {
                            "toolSpec": {
                                "name": "look",
                                "description": "Looks.",
                                "inputSchema": SCHEMA,
                            }
                        }
                    ]
                )
            },
            id="bedrock",
        ),
        pytest.param(
            {"llm.tools.0.tool.json_schema": json.dumps({"function": FUNCTION})},
            id="openinference",
        ),
        pytest.param(FLAT, id="openllmetry"),
        pytest.param(
            {"ai.prompt.tools": [json.dumps({"type": "function", **FUNCTION})]},
            id="vercel",
        ),
        pytest.param(
            {"mlflow.chat.tools": json.dumps([{"function": FUNCTION}])}, id="mlflow"
        ),
        pytest.param(
            {"llm.invocation_parameters": json.dumps({"tools": [FUNCTION]})},
            id="parameters",
        ),
    ],
)
def test_a_tool_of_any_library(attributes):
    """Name, description and schema are found, wherever they are."""
    (tool,) = read_tool_definitions(attributes)
    assert (tool.name, tool.description, tool.schema) == ("look", "Looks.", SCHEMA)


@pytest.mark.parametrize(
    "value", [None, 5, "", "[", "[1, null]", "{}", '{"a": 1}', [[]], '[{"tools": 3}]']
)
def test_broken_definitions(value):
    """What is no list of tools gives none, or one without a name; nothing raises."""
    found = read_tool_definitions({"gen_ai.tool.definitions": value})
    assert all(isinstance(tool, ToolDefinition) and not tool.name for tool in found)


def test_tools_by_name_and_without_end():
    """Tools in an object have their key as name; the list is bounded."""
    (tool,) = read_tool_definitions(
        {"ai.prompt.tools": json.dumps({"look": {"description": "Looks."}})}
    )
    assert tool.name == "look"
    many = json.dumps([FUNCTION] * (MAX_TOOLS + 9))
    assert len(read_tool_definitions({"gen_ai.tool.definitions": many})) == MAX_TOOLS

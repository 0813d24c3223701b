"""The tools that a model call offered, in whichever attributes they were recorded.

Not part of a task, so it is read only where somebody looks at a single span.

Source: GenAI semantic conventions 1.43 (`gen_ai.tool.definitions`); openinference-semantic-
conventions 0.1.42 (`llm.tools`); opentelemetry-semantic-conventions-ai 0.4.13
(`llm.request.functions`); ai 6 (`ai.prompt.tools`); mlflow 3.6 (`mlflow.chat.tools`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import indexed
from infinium_otel.dialects.lenient_json import MAPPING, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LISTS = ("gen_ai.tool.definitions", "ai.prompt.tools", "mlflow.chat.tools")
"""Attributes with a list of tools: JSON, or a list of JSON."""

FLATTENED = ("llm.tools", "llm.request.functions", "gen_ai.request.functions")
"""Prefixes of tools that are flattened into keys with indices."""

REQUESTS = ("llm.invocation_parameters", "input.value")
"""Attributes with a request in JSON, of which `tools` is a member."""

_INNER = ("tool", "json_schema", "function", "toolSpec")
_SCHEMAS = (
    "parameters",
    "input_schema",
    "inputSchema",
    "parametersJsonSchema",
    "args_schema",
)
_GROUPS = ("function_declarations", "functionDeclarations", "tools")
MAX_TOOLS = 500


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """One tool that a model was offered.

    Args:
        name: "" if it was not recorded.
        description: "" if there is none.
        schema: the JSON schema of its arguments; None if it was not recorded.
        recorded: the whole definition, decoded.
    """

    name: str
    description: str
    schema: Any
    recorded: Any


def read_tool_definitions(attributes: Mapping[str, Any]) -> list[ToolDefinition]:
    """The tools in a span's *attributes*, at most `MAX_TOOLS`; empty if there are none."""
    for found in _find_lists(attributes):
        tools = [tool for item in found for tool in _to_definitions(loads(item))]
        if tools:
            return tools[:MAX_TOOLS]
    return []


def _find_lists(attributes: Mapping[str, Any]) -> Iterator[list[Any]]:
    for key in LISTS:
        yield _as_list(loads(attributes.get(key)))
    for prefix in FLATTENED:
        yield _as_list(indexed(attributes, prefix))
    for key in REQUESTS:
        request = loads(attributes.get(key))
        if isinstance(request, MAPPING):
            yield _as_list(request.get("tools") or request.get("functions"))


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, MAPPING):
        # Genkit and Vercel's AI SDK have tools by name.
        return [
            {"name": name, **tool} if isinstance(tool, MAPPING) else tool
            for name, tool in value.items()
        ]
    return list(value) if isinstance(value, (list, tuple)) else []


def _to_definitions(item: Any) -> Iterator[ToolDefinition]:
    """The tools in one entry of a list: Gemini groups them."""
    if not isinstance(item, MAPPING):
        return
    for key in _GROUPS:
        group = item.get(key)
        if isinstance(group, (list, tuple)):
            for member in group:
                yield from _to_definitions(member)
            return
    inner = item
    for key in _INNER:
        value = loads(inner.get(key))
        if isinstance(value, MAPPING):
            inner = {**{k: v for k, v in inner.items() if k != key}, **value}
    schema = next((inner[key] for key in _SCHEMAS if inner.get(key) is not None), None)
    yield ToolDefinition(
        _as_text(inner.get("name") or inner.get("type")),
        _as_text(inner.get("description")),
        loads(schema),
        item,
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""

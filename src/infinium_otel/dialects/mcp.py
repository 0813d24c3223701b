"""The Model Context Protocol, from its own SDK, FastMCP and the convention.

Source: semantic-conventions v1.39.0 (MCP), mcp 2.3.0, fastmcp-slim 4.2.0,
opentelemetry-instrumentation-mcp (OpenLLMetry) 0.62.4; Sentry's conventions for MCP
servers, which have a key for each argument (`mcp.request.argument.city`); the proxies
ToolHive and gh-aw-mcpg (`mcp.method`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import data, first, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import Attributes, SpanRecord

FIELDS = {
    "operation": first(text, "mcp.method.name", "mcp.method"),
    "error_code": first(text, "rpc.response.status_code"),
    "input": first(text, "mcp.resource.uri"),
    "arguments": first(
        data, "mcp.request.argument", "mcp.tool.arguments", "crewai.mcp.tool_args"
    ),
    "result": first(
        data, "mcp.response.value", "mcp.tool.result.content", "crewai.mcp.tool_result"
    ),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tools/call is tool use; the client's span has the tool only in its name."""
    if record.name.endswith(".mcp"):
        facts["operation"] = record.name.removesuffix(".mcp")  # OpenLLMetry's names
    method = facts.get("operation")
    if record.name.startswith("delegate "):  # FastMCP's, to a mounted server
        facts["kind"] = "relay"
    elif method == "tools/call":
        facts["kind"] = "tool"
        put(facts, "arguments", _join_arguments(record.attributes))
        _, prefix, tool = record.name.rpartition("tools/call")
        if prefix and tool.strip():
            facts["tool_name"] = tool.strip()
    elif record.name in _SESSIONS and not method:
        facts["kind"] = "lifecycle"
    elif method or _is_message(record.attributes):
        facts["kind"] = "mcp"
        facts["label"] = record.name


_SESSIONS = frozenset(
    {"mcp.session", "mcp.client.session", "mcp session", "MCPSession"}
)
"""Spans around all messages of a session, such as those of AWS's distribution."""
_ARGUMENT = "mcp.request.argument."


def _join_arguments(attributes: Attributes) -> dict[str, Any] | None:
    """The arguments that have a key each; None if there are none."""
    found = {
        key.removeprefix(_ARGUMENT): loads(value)
        for key, value in attributes.items()
        if key.startswith(_ARGUMENT)
    }
    return found or None


def _is_message(attributes: Attributes) -> bool:
    """Whether it is one message of the protocol, which OpenLLMetry traces too."""
    has_message = "mcp.request.id" in attributes or "mcp.response.value" in attributes
    return has_message and "traceloop.span.kind" not in attributes


MCP = Dialect(
    name="mcp",
    key_segments=("mcp",),
    scopes=("opentelemetry.instrumentation.mcp.instrumentation",),
    fields=FIELDS,
    refine=refine,
    source="mcp 2.3.0, fastmcp-slim 4.2.0, OpenLLMetry 0.62.4",
)

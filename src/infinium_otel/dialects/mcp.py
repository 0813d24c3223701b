"""The Model Context Protocol, from its own SDK, FastMCP and the convention.

Source: semantic-conventions v1.39.0 (MCP), mcp 2.3.0, fastmcp-slim 4.2.0,
opentelemetry-instrumentation-mcp (OpenLLMetry) 0.62.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import data, first, text
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import Attributes, SpanRecord

FIELDS = {
    "operation": first(text, "mcp.method.name"),
    "error_code": first(text, "rpc.response.status_code"),
    "input": first(text, "mcp.resource.uri"),
    "arguments": first(data, "mcp.request.argument", "crewai.mcp.tool_args"),
    "result": first(data, "mcp.response.value", "crewai.mcp.tool_result"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """Calling a tool is tool use; the client's span names the tool only in its name."""
    if record.name.endswith(".mcp"):
        facts["operation"] = record.name.removesuffix(".mcp")  # OpenLLMetry's names
    method = facts.get("operation")
    if record.name.startswith("delegate "):  # FastMCP's, to a server that is mounted
        facts["kind"] = "relay"
    elif method == "tools/call":
        facts["kind"] = "tool"
        _, called, named = record.name.rpartition("tools/call")
        if called and named.strip():
            facts["tool_name"] = named.strip()
    elif method or _is_message(record.attributes):
        facts["kind"] = "mcp"
        facts["label"] = record.name


def _is_message(attributes: Attributes) -> bool:
    """One message of the protocol on its way, which OpenLLMetry traces too."""
    carried = "mcp.request.id" in attributes or "mcp.response.value" in attributes
    return carried and "traceloop.span.kind" not in attributes


MCP = Dialect(
    name="mcp",
    speaks=("mcp",),
    scopes=("opentelemetry.instrumentation.mcp.instrumentation",),
    fields=FIELDS,
    refine=refine,
    source="mcp 2.3.0, fastmcp-slim 4.2.0, OpenLLMetry 0.62.4",
)

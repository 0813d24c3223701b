"""OpenLIT: GenAI keys and many of its own.

Source: openlit 1.45.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import data, first, text, times
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {
    "arguments": first(data, "gen_ai.tool.args", "gen_ai.tool.input"),
    "result": first(data, "gen_ai.tool.output", "gen_ai.tool.result"),
    # its output is the messages' repr
    "input": first(data, "gen_ai.workflow.input"),
    "ttft_ms": first(times(1000), "gen_ai.server.time_to_first_token"),
}

CALLS = frozenset({"chat", "text_completion", "completion", "generate_content"})


def refine(record: SpanRecord, facts: Facts) -> None:
    """On a model call the tool keys are the requested calls, not tools that ran."""
    attributes = record.attributes
    if text(attributes.get("gen_ai.operation.name")) in CALLS and "arguments" in facts:
        arguments = facts.pop("arguments")
        if "gen_ai.output.messages" not in attributes:
            facts["output"] = _build_output(attributes, arguments)
    match = _MESSAGE_REPR.match(str(attributes.get("gen_ai.tool.call.result", "")))
    if match:
        facts["result"] = match["content"]
    if text(attributes.get("gen_ai.provider.name")) == "anthropic":
        facts["excludes_cache"] = True


_MESSAGE_REPR = re.compile(
    r"content=(?P<quote>['\"])(?P<content>.*)(?P=quote) name=\S+ tool_call_id=",
    re.DOTALL,
)
"""The repr of a LangChain tool message."""


def _build_output(attributes: Any, arguments: Any) -> list[dict[str, Any]]:
    """An assistant message with the tool calls; several names are joined by commas."""
    names = str(attributes.get("gen_ai.tool.name", "")).split(", ")
    ids = str(attributes.get("gen_ai.tool.call.id", "")).split(", ")
    decoded = loads(arguments)
    each = decoded if isinstance(decoded, (list, tuple)) else [decoded] * len(names)
    return [
        {
            "role": "assistant",
            "tool_calls": [
                {"name": name, "id": call_id, "arguments": value}
                for name, call_id, value in zip(names, ids, each, strict=False)
            ],
        }
    ]


OPENLIT = Dialect(
    name="openlit",
    scopes=("openlit",),
    fields=FIELDS,
    refine=refine,
    source="openlit 1.45.0",
)

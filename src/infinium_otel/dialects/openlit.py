"""OpenLIT: GenAI keys and many of its own.

Source: openlit 1.45.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import data, first, text, times
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.jsontext import decode

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

FIELDS = {
    "arguments": first(data, "gen_ai.tool.args", "gen_ai.tool.input"),
    "result": first(data, "gen_ai.tool.output", "gen_ai.tool.result"),
    # its output is the printed messages
    "input": first(data, "gen_ai.workflow.input"),
    "ttft_ms": first(times(1000), "gen_ai.server.time_to_first_token"),
}

CALLS = frozenset({"chat", "text_completion", "completion", "generate_content"})


def refine(record: SpanRecord, facts: Facts) -> None:
    """On a model call the tool keys name what the model asked for, not what ran."""
    attributes = record.attributes
    if text(attributes.get("gen_ai.operation.name")) in CALLS and "arguments" in facts:
        arguments = facts.pop("arguments")
        if "gen_ai.output.messages" not in attributes:
            facts["output"] = _asked_for(attributes, arguments)
    printed = _PRINTED.match(str(attributes.get("gen_ai.tool.call.result", "")))
    if printed:
        facts["result"] = printed["said"]
    if text(attributes.get("gen_ai.provider.name")) == "anthropic":
        facts["excludes_cache"] = True


_PRINTED = re.compile(
    r"content=(?P<quote>['\"])(?P<said>.*)(?P=quote) name=\S+ tool_call_id=", re.DOTALL
)
"""A LangChain tool message, printed."""


def _asked_for(attributes: Any, arguments: Any) -> list[dict[str, Any]]:
    """An answer made of the tools it asked for; several are joined by commas."""
    names = str(attributes.get("gen_ai.tool.name", "")).split(", ")
    ids = str(attributes.get("gen_ai.tool.call.id", "")).split(", ")
    told = decode(arguments)
    each = told if isinstance(told, (list, tuple)) else [told] * len(names)
    return [
        {
            "role": "assistant",
            "tool_calls": [
                {"name": name, "id": call_id, "arguments": given}
                for name, call_id, given in zip(names, ids, each, strict=False)
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

"""Semantic Kernel: GenAI keys, content in log records, every function as a tool.

Source: semantic-kernel 1.45.0 (`utils/telemetry`, `functions/kernel_function.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import first, text
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord


def function_name(value: Any) -> str | None:
    """A function's own name, without its plugin's: `plugin-function`."""
    name = text(value)
    return name and (name.partition("-")[2] or name)


FIELDS = {
    "error_type": first(text, "error.type"),
    "tool_name": first(function_name, "gen_ai.tool.name"),
    "tool_call_id": first(text, "gen_ai.tool.call.id"),
}
FUNCTIONS = "semantic_kernel.functions.kernel_function"
_CLASS = re.compile(r"<class '([\w.]+)'>")


def refine(record: SpanRecord, facts: Facts) -> None:
    """A function that no model requested is a step: prompts are functions too."""
    if record.name == "AutoFunctionInvocationLoop":
        facts["kind"] = "step"
    elif record.scope_name == FUNCTIONS and "tool_call_id" not in facts:
        facts["kind"] = "step"
        facts["label"] = record.name.removeprefix("execute_tool ")
    match = _CLASS.fullmatch(facts.get("error_type", ""))
    if match:
        facts["error_type"] = match[1]


SEMANTIC_KERNEL = Dialect(
    name="semantic_kernel",
    key_segments=("sk",),
    scopes=("semantic_kernel",),
    fields=FIELDS,
    refine=refine,
    source="semantic-kernel 1.45.0",
)

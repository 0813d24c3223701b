"""Semantic Kernel: GenAI keys, content in log records, every function a tool.

Source: semantic-kernel 1.45.0 (`utils/telemetry`, `functions/kernel_function.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import first, text
from infinium_otel.dialects._dialect import Dialect, Facts

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord


def function(value: Any) -> str | None:
    """A function's own name, out of `plugin-function`."""
    named = text(value)
    return named and (named.partition("-")[2] or named)


FIELDS = {
    "error_type": first(text, "error.type"),
    "tool_name": first(function, "gen_ai.tool.name"),
    "tool_call_id": first(text, "gen_ai.tool.call.id"),
}
FUNCTIONS = "semantic_kernel.functions.kernel_function"
_CLASS = re.compile(r"<class '([\w.]+)'>")


def refine(record: SpanRecord, facts: Facts) -> None:
    """A function that no model asked for is a frame: prompts are functions too."""
    if record.name == "AutoFunctionInvocationLoop":
        facts["kind"] = "step"
    elif record.scope_name == FUNCTIONS and "tool_call_id" not in facts:
        facts["kind"] = "step"
        facts["label"] = record.name.removeprefix("execute_tool ")
    named = _CLASS.fullmatch(facts.get("error_type", ""))
    if named:
        facts["error_type"] = named[1]


SEMANTIC_KERNEL = Dialect(
    name="semantic_kernel",
    speaks=("sk",),
    scopes=("semantic_kernel",),
    fields=FIELDS,
    refine=refine,
    source="semantic-kernel 1.45.0",
)

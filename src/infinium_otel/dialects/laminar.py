"""Laminar's client: GenAI keys beside `lmnr.*`.

Source: lmnr 0.8.2 and its server's reader (June 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import any_of, data, first, one_of, text, texts
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, put

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "cached": "llm",
    "tool": "tool",
    "executor": "agent",
    "evaluator": "evaluator",
    "evaluation": "evaluator",
    "human_evaluator": "evaluator",
}
GENERIC_KINDS = {"default": "step", "pipeline": "workflow"}

_PROPERTY = "lmnr.association.properties."

FIELDS = {
    "kind": first(one_of(KINDS), "lmnr.span.type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "lmnr.span.type"),
    # an answer cached by an earlier run, at no cost
    "replayed": first(any_of("cached"), "lmnr.span.type"),
    "conversation_id": first(text, _PROPERTY + "session_id"),
    "user_id": first(text, _PROPERTY + "user_id"),
    "tags": first(texts, _PROPERTY + "tags"),
    "input": first(data, "lmnr.span.input"),
    "output": first(data, "lmnr.span.output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's content is its arguments and result; an agent's name is its span's."""
    kind = facts.get("kind")
    if kind == "tool":
        as_tool(facts, record.name)
    elif kind == "agent":
        put(facts, "weak_agent_name", record.name)


LAMINAR = Dialect(
    name="laminar",
    key_segments=("lmnr",),
    fields=FIELDS,
    refine=refine,
    source="lmnr 0.8.2",
)

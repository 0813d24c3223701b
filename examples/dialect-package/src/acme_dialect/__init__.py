"""The spans of ACME's agents, which write `acme.*` attributes.

Source: ACME Agents 3.1, its `tracing` module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.dialects import (
    Dialect,
    Facts,
    as_tool,
    count,
    data,
    first,
    member,
    number,
    one_of,
    text,
    times,
)

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

__all__ = ["ACME"]

KINDS = {"THINK": "llm", "ACT": "tool", "AGENT": "agent"}

FIELDS = {
    "kind": first(
        one_of({word.lower(): kind for word, kind in KINDS.items()}), "acme.type"
    ),
    "model": first(text, "acme.brain"),
    "provider": first(text, "acme.brain.vendor"),
    # ACME 3 renamed the counts; both spellings are around
    "input_tokens": first(count, "acme.pieces.in", "acme.prompt_size"),
    "output_tokens": first(count, "acme.pieces.out", "acme.answer_size"),
    "temperature": first(member("heat", number), "acme.settings"),
    "ttft_ms": first(times(1000), "acme.first_word_seconds"),
    "agent_name": first(text, "acme.agent"),
    "input": first(data, "acme.input"),
    "output": first(data, "acme.output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A tool's input and output are its arguments and result, its name is the span's."""
    if facts.get("kind") == "tool":
        as_tool(facts, record.name.removeprefix("act: "))


ACME = Dialect(
    name="acme",
    key_segments=("acme",),
    fields=FIELDS,
    refine=refine,
    source="ACME Agents 3.1",
)

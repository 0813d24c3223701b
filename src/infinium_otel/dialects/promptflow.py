"""Prompt flow: a span type, the inputs and the output of the traced function as JSON.

Source: promptflow-tracing 1.18.1 (`promptflow.tracing._trace`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import data, first, one_of, structure, text
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import as_tool, dig, put
from infinium_otel.dialects._provider_objects import put_request, put_response

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

KINDS = {
    "llm": "llm",
    "embedding": "embedding",
    "retrieval": "retrieval",
    "tool": "tool",
}
GENERIC_KINDS = {"flow": "workflow", "function": "step", "chain": "step"}

FIELDS = {
    "kind": first(one_of(KINDS), "span_type"),
    "weak_kind": first(one_of(GENERIC_KINDS), "span_type"),
    "label": first(text, "function"),
    "model": first(text, "llm.response.model"),
    "documents": first(structure, "retrieval.documents"),
    "input": first(data, "retrieval.query", "inputs"),
    "output": first(data, "output"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A stream's message is an attribute; parameters are in the request."""
    if record.attributes.get("framework") != "promptflow":
        facts.clear()
        return
    events = _put_events(record, facts)
    if facts.get("weak_kind"):
        facts["label"] = record.name.rpartition(".")[2]
    kind = facts.get("kind")
    if kind == "tool":
        as_tool(facts, record.name.rpartition(".")[2])
    elif kind in ("llm", "embedding"):
        put_request(facts, facts.get("input"))
        put_response(facts, facts.get("output"))
    if kind == "llm":
        message = structure(
            record.attributes.get("llm.generated_message")
            or events.get("promptflow.llm.generated_message")
        )
        if message:
            facts["output"] = [message]
    elif kind == "embedding":
        texts = dig(structure(facts.get("input")), "input")
        if texts:
            facts["input"] = texts


def _put_events(record: SpanRecord, facts: Facts) -> dict[str, Any]:
    """Add what stands in events rather than attributes; the payloads of all by name."""
    events = {e.name: e.attributes.get("payload") for e in record.events}
    for side, name in _CONTENT_EVENTS:
        if facts.get(side) is None:
            put(facts, side, data(events.get(name)))
    return events


_CONTENT_EVENTS = (
    ("input", "promptflow.function.inputs"),
    ("output", "promptflow.function.output"),
)
"""Where newer versions write what the attributes of the same meaning held."""


PROMPTFLOW = Dialect(
    name="promptflow",
    key_segments=("span_type", "framework"),
    scopes=("promptflow",),
    fields=FIELDS,
    refine=refine,
    source="promptflow-tracing 1.18.1",
)

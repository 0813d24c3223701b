"""Span details that a vendor's record cannot hold, kept for an exact way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.spans import (
    as_kind,
    as_span_id,
    as_text,
    as_time_ns,
    drop_nulls,
    finalize,
    json_list,
    json_object,
    make_span_id,
    to_json,
    to_plain,
)
from infinium_otel.records import Failure, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.runs import RunSpan

FACTS = "otel"
"""The key in a vendor's free mapping under which a span's facts are kept."""


def write_facts(span: RunSpan) -> dict[str, Any]:
    """The facts of a span, from which `restore_span` makes the same span again."""
    record, failure = span.record, span.failure
    return drop_nulls(
        {
            "span_id": record.span_id,
            "parent_span_id": span.parent_id,
            "name": record.name,
            "kind": record.kind,
            "start_ns": record.start_ns,
            "end_ns": record.end_ns,
            "failure": write_failure(failure) if failure else None,
            "attributes": write_genai_attributes(span),
        }
    )


def write_failure(failure: Failure) -> dict[str, Any]:
    """A failure as JSON, for `read_failure`."""
    return drop_nulls(
        {
            "type": failure.type,
            "message": failure.message,
            "stack_trace": failure.stack_trace,
            "code": failure.code,
        }
    )


def write_genai_attributes(span: RunSpan) -> dict[str, Any]:
    """A span's normalized content without texts, under the newest `gen_ai` names."""
    normalized = span.normalized
    usage = normalized.usage
    attributes = {
        "gen_ai.operation.name": get_operation(span),
        "gen_ai.provider.name": normalized.provider,
        "gen_ai.request.model": normalized.model_requested or normalized.model,
        "gen_ai.response.model": normalized.model,
        "gen_ai.response.id": normalized.response_id,
        "gen_ai.response.finish_reasons": list(normalized.finish_reasons) or None,
        "gen_ai.request.temperature": normalized.temperature,
        "gen_ai.request.top_p": normalized.top_p,
        "gen_ai.request.max_tokens": normalized.max_tokens,
        "gen_ai.request.stream": normalized.streaming,
        "gen_ai.usage.cost": normalized.cost_usd,
        "gen_ai.tool.name": normalized.tool_name,
        "gen_ai.tool.call.id": normalized.tool_call_id,
        "gen_ai.agent.name": normalized.agent_name,
        "gen_ai.agent.id": normalized.agent_id,
        "gen_ai.conversation.id": normalized.conversation_id,
        "http.response.status_code": normalized.http_status,
    }
    if usage is not None:
        attributes |= {
            "gen_ai.usage.input_tokens": usage.input,
            "gen_ai.usage.output_tokens": usage.output,
            "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
            **{
                f"gen_ai.usage.{part}": count
                for part, count in usage.parts.items()
                if part != "input_tool_tokens"  # read back, it would count twice
            },
        }
    return drop_nulls(attributes)


OPERATIONS = {
    "llm": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "retrieval": "retrieval",
    "workflow": "invoke_workflow",
}


def get_operation(span: RunSpan) -> str | None:
    """The conventions' operation name for a span; its own word where there is none."""
    return OPERATIONS.get(span.kind) or span.normalized.operation or span.kind or None


def restore_span(draft: SpanRecord, facts: Any) -> tuple[SpanRecord, Failure | None]:
    """*draft* with the id, parent, name and times of the original span, and its failure.

    Args:
        draft: the span as derived from the vendor's record; its attributes win.
        facts: the value under `FACTS`; anything but a mapping is ignored.
    """
    fields = json_object(facts) or {}
    attributes = to_plain(json_object(fields.get("attributes"))) or {}
    start_ns = as_time_ns(fields.get("start_ns"))
    end_ns = as_time_ns(fields.get("end_ns"))
    record = replace(
        draft,
        span_id=as_span_id(fields.get("span_id")) or draft.span_id,
        parent_id=as_span_id(fields.get("parent_span_id")) or draft.parent_id,
        name=as_text(fields.get("name")) or draft.name,
        kind=as_kind(fields.get("kind")) or draft.kind,
        start_ns=draft.start_ns if start_ns is None else start_ns,
        end_ns=draft.end_ns if end_ns is None else end_ns,
        attributes={**attributes, **drop_nulls(draft.attributes)},
    )
    return record, read_failure(fields.get("failure"))


def read_failure(value: Any) -> Failure | None:
    """The failure that `write_failure` wrote; None for anything else."""
    fields = json_object(value)
    if fields is None:
        return None
    return Failure(
        as_text(fields.get("type")) or "error",
        as_text(fields.get("message")) or "",
        as_text(fields.get("stack_trace")),
        as_text(fields.get("code")),
    )


def attach_orphans(records: list[SpanRecord], root_id: str) -> list[SpanRecord]:
    """*records*, with *root_id* as the parent of those whose parent is missing."""
    ids = {record.span_id for record in records}
    return [
        record
        if record.parent_id is None or record.parent_id in ids
        else replace(record, parent_id=root_id)
        for record in records
    ]


def promote_root(records: list[SpanRecord], facts: Any) -> list[SpanRecord]:
    """*records* with the one that was its run's own root as their root.

    Args:
        facts: the facts of that root.

    Returns:
        Empty if it is not among them.
    """
    lead_id = as_text((json_object(facts) or {}).get("span_id"))
    if lead_id not in {record.span_id for record in records}:
        return []
    return [
        replace(record, parent_id=None) if record.span_id == lead_id else record
        for record in attach_orphans(records, str(lead_id))
    ]


def get_facts(facts: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """The facts nested under *path*; empty where there are none."""
    found: Any = facts
    for key in path:
        found = (json_object(found) or {}).get(key)
    return json_object(found) or {}


def restore_other_spans(
    facts: Mapping[str, Any], trace_id: str, parent_id: str, scope: str
) -> list[SpanRecord]:
    """Restore the spans that a vendor has no record for (`others` in *facts*)."""
    found = []
    for fields in json_list(facts.get("others")) or []:
        draft = SpanRecord(
            trace_id=trace_id,
            span_id=make_span_id(trace_id, "other", to_json(fields)),
            parent_id=parent_id,
            name="step",
            start_ns=0,
            end_ns=0,
            scope_name=scope,
        )
        found.append(finalize(*restore_span(draft, fields)))
    return found

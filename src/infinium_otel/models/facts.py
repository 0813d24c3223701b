"""What a vendor's record has no word for, kept so that the same spans come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.spans import (
    as_json,
    json_list,
    json_object,
    kind_in,
    plain,
    present,
    settled,
    span_id_in,
    span_id_of,
    text,
    time_in,
)
from infinium_otel.records import Failure, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.models.runs import Told

FACTS = "otel"
"""The key under which a vendor's free mapping keeps a span's own facts."""


def facts_of(told: Told) -> dict[str, Any]:
    """What a vendor's record has no word for, to make the same span again."""
    record, failure = told.record, told.failure
    return present(
        {
            "span_id": record.span_id,
            "parent_span_id": told.parent_id,
            "name": record.name,
            "kind": record.kind,
            "start_ns": record.start_ns,
            "end_ns": record.end_ns,
            "failure": failure_facts(failure) if failure else None,
            "attributes": genai_attributes(told),
        }
    )


def failure_facts(failure: Failure) -> dict[str, Any]:
    """A failure as JSON."""
    return present(
        {
            "type": failure.type,
            "message": failure.message,
            "stack_trace": failure.stack_trace,
            "code": failure.code,
        }
    )


def genai_attributes(told: Told) -> dict[str, Any]:
    """What a span says but for its texts, in the newest `gen_ai` names."""
    reading = told.reading
    usage = reading.usage
    said = {
        "gen_ai.operation.name": operation_of(told),
        "gen_ai.provider.name": reading.provider,
        "gen_ai.request.model": reading.model_requested or reading.model,
        "gen_ai.response.model": reading.model,
        "gen_ai.response.id": reading.response_id,
        "gen_ai.response.finish_reasons": list(reading.finish_reasons) or None,
        "gen_ai.request.temperature": reading.temperature,
        "gen_ai.request.top_p": reading.top_p,
        "gen_ai.request.max_tokens": reading.max_tokens,
        "gen_ai.request.stream": reading.streaming,
        "gen_ai.usage.cost": reading.cost_usd,
        "gen_ai.tool.name": reading.tool_name,
        "gen_ai.tool.call.id": reading.tool_call_id,
        "gen_ai.agent.name": reading.agent_name,
        "gen_ai.agent.id": reading.agent_id,
        "gen_ai.conversation.id": reading.conversation_id,
        "http.response.status_code": reading.http_status,
    }
    if usage is not None:
        said |= {
            "gen_ai.usage.input_tokens": usage.input,
            "gen_ai.usage.output_tokens": usage.output,
            "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        }
    return present(said)


OPERATIONS = {
    "llm": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "retrieval": "retrieval",
    "workflow": "invoke_workflow",
}


def operation_of(told: Told) -> str | None:
    """The convention's word for what a span did; its own word where there is none."""
    return OPERATIONS.get(told.kind) or told.reading.operation or told.kind or None


def restored(draft: SpanRecord, facts: Any) -> tuple[SpanRecord, Failure | None]:
    """*draft* where the span was that `facts_of` told of, and how that one failed.

    Args:
        draft: the span as the vendor's record tells it; its attributes win.
        facts: what stood under `FACTS`; anything else than a mapping tells nothing.
    """
    said = json_object(facts) or {}
    attributes = plain(json_object(said.get("attributes"))) or {}
    start_ns = time_in(said.get("start_ns"))
    end_ns = time_in(said.get("end_ns"))
    record = replace(
        draft,
        span_id=span_id_in(said.get("span_id")) or draft.span_id,
        parent_id=span_id_in(said.get("parent_span_id")) or draft.parent_id,
        name=text(said.get("name")) or draft.name,
        kind=kind_in(said.get("kind")) or draft.kind,
        start_ns=draft.start_ns if start_ns is None else start_ns,
        end_ns=draft.end_ns if end_ns is None else end_ns,
        attributes={**attributes, **present(draft.attributes)},
    )
    return record, failure_in(said.get("failure"))


def failure_in(value: Any) -> Failure | None:
    """The failure that `failure_facts` told; None for anything else."""
    said = json_object(value)
    if said is None:
        return None
    return Failure(
        text(said.get("type")) or "error",
        text(said.get("message")) or "",
        text(said.get("stack_trace")),
        text(said.get("code")),
    )


def adopted(records: list[SpanRecord], root_id: str) -> list[SpanRecord]:
    """*records*, where one whose parent is none of them hangs under *root_id*."""
    ids = {record.span_id for record in records}
    return [
        record
        if record.parent_id is None or record.parent_id in ids
        else replace(record, parent_id=root_id)
        for record in records
    ]


def led(records: list[SpanRecord], facts: Any) -> list[SpanRecord]:
    """*records* below the one of them that was its run's own root.

    Args:
        facts: what `facts_of` told of that root.

    Returns:
        Empty if it is none of them.
    """
    lead_id = text((json_object(facts) or {}).get("span_id"))
    if lead_id not in {record.span_id for record in records}:
        return []
    return [
        replace(record, parent_id=None) if record.span_id == lead_id else record
        for record in adopted(records, str(lead_id))
    ]


def facts_at(facts: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """The facts that stand in others under *path*; empty where there are none."""
    found: Any = facts
    for key in path:
        found = (json_object(found) or {}).get(key)
    return json_object(found) or {}


def other_spans(
    facts: Mapping[str, Any], trace_id: str, parent_id: str, scope: str
) -> list[SpanRecord]:
    """The spans that a vendor has no record of (`others` in *facts*), as they were."""
    found = []
    for said in json_list(facts.get("others")) or []:
        draft = SpanRecord(
            trace_id=trace_id,
            span_id=span_id_of(trace_id, "other", as_json(said)),
            parent_id=parent_id,
            name="step",
            start_ns=0,
            end_ns=0,
            scope_name=scope,
        )
        found.append(settled(*restored(draft, said)))
    return found

"""The metadata of a step: what the type of a step has no field for."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import CALLS
from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.mapping import content_texts, previews
from infinium_otel.mapping.evaluations import describe_evaluations
from infinium_otel.mapping.prompts import describe_prompts
from infinium_otel.mapping.step_times import (
    get_length_before_ns,
    is_log_record,
    to_iso,
)
from infinium_otel.mapping.usage import get_token_details
from infinium_otel.redaction import truncate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan, SpanEvent

MAX_ATTRIBUTES = 64
MAX_VALUE_LENGTH = 300
DOCUMENTS = "gen_ai.retrieval.documents"


_FACTS = {
    "operation": "gen_ai.operation.name",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "streaming": "gen_ai.request.stream",
    "response_id": "gen_ai.response.id",
    "ttft_ms": "time_to_first_chunk_ms",
    "cost_usd": "cost_usd",
    "tool_call_id": "gen_ai.tool.call.id",
    "agent_id": "gen_ai.agent.id",
    "conversation_id": "gen_ai.conversation.id",
    "http_status": "http.response.status_code",
    "retry_count": "retry_count",
}


_get_facts = attrgetter(*_FACTS)
_FACT_NAMES = tuple(_FACTS.values())


MAX_EVENTS = 10
_KINDS_WITHOUT_CONTENT = frozenset({"", "step", "http", "db", "guardrail"})
"""Kinds whose content no dialect reads, so that their attributes are kept."""


def build_metadata(
    node: Node,
    agent: str | None,
    input_text: str | None,
    output_text: str | None,
    policy: CapturePolicy,
) -> dict[str, Any]:
    """What has no field of its own: ids and times of the span, parameters, counts."""
    record, span = node.record, node.span
    facts = _get_span_facts(node, agent)
    is_call = node.kind in CALLS
    for name, value in zip(_FACT_NAMES, _get_facts(span), strict=True):
        found = node.cost_usd if is_call and name == "cost_usd" else value
        if found is not None:
            facts[name] = found
    if span.usage is not None:
        facts |= get_token_details(span.usage)
    _add_reports(facts, node, policy)
    if not policy.allows_content:
        facts |= {
            "input_length": _count_characters(input_text),
            "output_length": _count_characters(output_text),
        }
    if node.kind in _KINDS_WITHOUT_CONTENT:
        facts["attributes"] = bound_attributes(record.attributes, policy)
        if record.events:
            facts["events"] = _list_events(record.events, policy)
    if None in facts.values():
        return {name: value for name, value in facts.items() if value is not None}
    return facts


def _add_reports(facts: dict[str, Any], node: Node, policy: CapturePolicy) -> None:
    """Add what a dialect reports besides: reasoning, further facts, judgements, prompts."""
    span = node.span
    if node.kind == "llm":
        reasoning = content_texts.find_reasoning(node.output_content)
        if reasoning and policy.allows_content:
            facts["reasoning_preview"] = truncate(reasoning, MAX_VALUE_LENGTH)
    if span.extra:
        facts |= _get_extra(span.extra)
    if span.evaluations:
        facts["evaluations"] = describe_evaluations(span, policy)
    if span.prompts:
        facts["prompts"] = describe_prompts(node)


def _get_span_facts(node: Node, agent: str | None) -> dict[str, Any]:
    """Ids, times and names, without those that are unknown: most spans have few."""
    record = node.record
    facts: dict[str, Any] = {"otel.span_id": record.span_id}
    if record.parent_id is not None:
        facts["otel.parent_span_id"] = record.parent_id
    before_ns = 0
    if is_log_record(node):
        facts["source"] = "log"
        before_ns = get_length_before_ns(node)
    facts["start_time"] = to_iso(record.start_ns - before_ns)
    facts["otel.span_name"] = record.name
    if record.scope_name:
        facts["otel.scope"] = record.scope_name
    _add_names(facts, node.span, agent)
    if node.members:
        facts["otel.folded_span_ids"] = [m.record.span_id for m in node.members]
    if record.dropped_attributes:
        facts["attributes_dropped"] = record.dropped_attributes
    phase = record.attributes.get("hud.task.phase")  # "setup" or "evaluate"
    if isinstance(phase, str):
        facts["hud.phase"] = phase
    _add_remarks(facts, node.span)
    return facts


def _add_names(facts: dict[str, Any], span: NormalizedSpan, agent: str | None) -> None:
    if span.dialects:
        facts["dialect"] = ", ".join(span.dialects)
    if agent is not None:
        facts["gen_ai.agent.name"] = agent
    if span.model_requested is not None and span.model_requested != span.model:
        facts["gen_ai.request.model"] = span.model_requested
    if span.finish_reasons:
        facts["gen_ai.response.finish_reasons"] = list(span.finish_reasons)


def _add_remarks(facts: dict[str, Any], span: NormalizedSpan) -> None:
    if span.tags:
        facts["tags"] = list(span.tags)
    if span.cancelled is not None:
        facts["cancelled"] = span.cancelled
    if span.problems:
        facts["problems"] = list(span.problems)


def _get_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Extra facts that are numbers, flags or short texts; of documents the scores."""
    facts = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in extra.items()
        if name != DOCUMENTS
    }
    if DOCUMENTS in extra:
        facts["document_scores"] = previews.list_scores(extra[DOCUMENTS])
    return facts


def _count_characters(text: str | None) -> int | None:
    return len(text) if text else None


def _list_events(
    events: Sequence[SpanEvent], policy: CapturePolicy
) -> list[dict[str, Any]] | None:
    """Name and attributes of each event that is neither an exception nor a message."""
    kept = [
        {"name": truncate(event.name, MAX_VALUE_LENGTH), **found}
        for event in events
        if event.name
        and event.name != "exception"
        and not event.name.endswith((".message", ".choice"))
        and (found := bound_attributes(event.attributes, policy))
    ]
    return kept[:MAX_EVENTS] or None


def bound_attributes(
    attributes: Mapping[str, Any], policy: CapturePolicy
) -> dict[str, Any] | None:
    """A span's attributes, bounded; without content, only numbers and booleans."""
    kept: dict[str, Any] = {}
    for key in list(attributes)[:MAX_ATTRIBUTES]:
        value = attributes[key]
        if isinstance(value, (bool, int, float)):
            if policy.allows_content or " " not in str(key):
                kept[truncate(str(key), MAX_VALUE_LENGTH)] = value
        elif policy.allows_content and value is not None:
            text = to_text(previews.replace_binary(value))
            kept[truncate(str(key), MAX_VALUE_LENGTH)] = truncate(
                text, MAX_VALUE_LENGTH
            )
    return kept or None

"""Content that was logged beside its span, attached to the span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads
from infinium_otel.records import SpanEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord


def attach_logs(
    records: list[SpanRecord], logs: Iterable[LogEvent]
) -> list[SpanRecord]:
    """*records*, each with the log events that have its ids as further span events."""
    by_span: dict[str, list[LogEvent]] = defaultdict(list)
    for log in logs:
        by_span[log.span_id].append(log)
    if not by_span:
        return records
    return [
        replace(
            record,
            events=record.events + tuple(map(to_span_event, by_span[record.span_id])),
        )
        if record.span_id in by_span
        else record
        for record in records
    ]


DETAILS = "gen_ai.client.inference.operation.details"


def _find_sides(body: Mapping[str, Any]) -> dict[str, Any]:
    """Both sides of a conversation in one log, under the names of the conventions.

    Source: aws-opentelemetry-distro, `llo_handler.py`: `{"input": {"messages": [...]},
    "output": {"messages": [...]}}` in a log that is named after the span's scope.
    """
    found: dict[str, Any] = {}
    for side in ("input", "output"):
        inner = body.get(side)
        messages = inner.get("messages") if isinstance(inner, Mapping) else None
        if isinstance(messages, (list, tuple)):
            found[f"gen_ai.{side}.messages"] = messages
    return found


_SPRING_HANDLERS = {
    "ChatModelPromptContentObservationHandler": ("gen_ai.input.messages", "user"),
    "ChatModelCompletionObservationHandler": ("gen_ai.output.messages", "assistant"),
}
"""Loggers of Spring AI by their class, with the side they log and its role."""


def _read_spring_messages(log: LogEvent) -> dict[str, Any]:
    """The texts that Spring AI logs of a call; the roles of a prompt's are not logged.

    Source: spring-ai 1.0, `ObservabilityHelper.concatenateStrings`: a heading, and below it
    `["...", "..."]`, in which nothing is escaped.
    """
    handler = _SPRING_HANDLERS.get(log.scope_name.rpartition(".")[2])
    if handler is None or not isinstance(log.body, str):
        return {}
    key, role = handler
    texts = log.body.partition("\n")[2].strip()
    if not (texts.startswith('["') and texts.endswith('"]')):
        return {}
    found = texts[2:-2].split('", "')
    return {key: [{"role": role, "content": text} for text in found]}


def to_span_event(log: LogEvent) -> SpanEvent:
    """A log event as a span event: the members of its body become attributes."""
    messages = _read_spring_messages(log)
    if messages:
        return SpanEvent(DETAILS, log.time_ns, messages)
    decoded = loads(log.body)
    body = decoded if isinstance(decoded, Mapping) else {"content": decoded}
    sides = _find_sides(body)
    if sides:
        return SpanEvent(DETAILS, log.time_ns, {**log.attributes, **sides})
    attributes = {k: v for k, v in {**body, **log.attributes}.items() if v is not None}
    name = log.name or str(log.attributes.get("event.name", ""))
    return SpanEvent(name, log.time_ns, attributes)

"""What the page shows of the spans behind one step: plain JSON values, bounded.

Pure: records in, a JSON object out. Every text may be hostile; the page shows it as text.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.serve.media import find_media
from infinium_otel.dialects import read
from infinium_otel.dialects.lenient_json import limit_decoding
from infinium_otel.dialects.tool_definitions import read_tool_definitions
from infinium_otel.mapping.decoded_content import DecodedContent
from infinium_otel.mapping.logs import attach_logs
from infinium_otel.records import LogEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.dialects import Dialect
    from infinium_otel.dialects.messages import Message
    from infinium_otel.otlp import Record
    from infinium_otel.records import NormalizedSpan, SpanEvent

MAX_TEXT = 200_000
"""Characters of one text that are sent to the page; the rest is counted."""
MAX_ITEMS = 1_000
"""Messages, attributes or events of one span that are sent, at most."""
MAX_DEPTH = 40

PARAMETERS = (
    "model_requested model provider operation temperature top_p max_tokens streaming "
    "finish_reasons response_id ttft_ms conversation_id user_id"
).split()
"""Facts of a call that are shown as its parameters, in this order."""


def build_step_view(
    records: Iterable[Record], readers: tuple[Dialect, ...] = ()
) -> dict[str, Any]:
    """Build the view of the spans that became one step.

    Args:
        records: the step's own span first, then those folded into it, with their logs.
        readers: dialects of other distributions.

    Returns:
        `spans`, each as recorded; and of the first span that has it: `system`, `input`
        and `output` as lists of messages, `tools`, `parameters`, `media`. Texts longer
        than `MAX_TEXT` end with how much is missing.
    """
    taken = list(records)
    with limit_decoding(len(taken)):
        return _build_view(taken, readers)


def _build_view(taken: list[Record], readers: tuple[Dialect, ...]) -> dict[str, Any]:
    spans = [record for record in taken if isinstance(record, SpanRecord)]
    logs = [record for record in taken if isinstance(record, LogEvent)]
    spans = attach_logs(list({span.span_id: span for span in spans}.values()), logs)
    normalized = [read(span, readers) for span in spans]
    return {
        "spans": [_to_span(span) for span in spans],
        **_find_sides(normalized),
        "tools": _find_tools(spans),
        "parameters": _merge_parameters(normalized),
        "media": find_media(part for span in normalized for part in _get_content(span)),
    }


def _get_content(span: NormalizedSpan) -> list[Any]:
    return [span.input, span.output, span.arguments, span.result]


def _find_sides(spans: list[NormalizedSpan]) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    for side, role in (
        ("system", "system"),
        ("input", "user"),
        ("output", "assistant"),
    ):
        values = [getattr(span, side) for span in spans]
        contents = [DecodedContent(value, role) for value in values if value]
        best = next((c for c in contents if c.has_messages), None)
        best = best or next(iter(contents), None)
        sides[side] = [] if best is None else _to_messages(best, role)
    has_system = any(message["role"] == "system" for message in sides["input"])
    if has_system:
        sides["system"] = []
    return sides


def _to_messages(content: DecodedContent, role: str) -> list[dict[str, Any]]:
    messages = content.messages
    if messages:
        return [_to_message(message) for message in messages[:MAX_ITEMS]]
    return [{"role": role, "text": "", "data": to_json(content.decoded)}]


def _to_message(message: Message) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "role": message.role,
        "text": cut(message.text),
        "reasoning": cut(message.reasoning),
        "calls": [
            {"name": call.name, "id": call.id, "arguments": to_json(call.arguments)}
            for call in message.tool_calls
        ],
        "results": [
            {
                "name": result.name,
                "id": result.id,
                "failed": result.failed,
                "result": to_json(result.result),
            }
            for result in message.responses
        ],
    }
    return {name: value for name, value in parts.items() if value or name == "role"}


def _find_tools(spans: list[SpanRecord]) -> list[dict[str, Any]]:
    for span in spans:
        tools = read_tool_definitions(span.attributes)
        if tools:
            return [
                {
                    "name": cut(tool.name),
                    "description": cut(tool.description),
                    "schema": to_json(tool.schema),
                    "recorded": to_json(tool.recorded),
                }
                for tool in tools
            ]
    return []


def _merge_parameters(spans: list[NormalizedSpan]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in PARAMETERS:
        value = next(
            (v for s in spans if (v := getattr(s, name)) not in (None, ())), None
        )
        if value is not None:
            merged[name] = to_json(value)
    usage = next((span.usage for span in spans if span.usage is not None), None)
    if usage is not None:
        for name in ("input", "output", "cache_read", "cache_write", "reasoning"):
            if (count := getattr(usage, name)) is not None:
                merged[f"{name}_tokens"] = count
        merged.update(
            {str(name): to_json(count) for name, count in usage.parts.items()}
        )
    return merged


def _to_span(span: SpanRecord) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": cut(span.name),
        "kind": span.kind,
        "scope": cut(f"{span.scope_name} {span.scope_version}".strip()),
        "start_time": _to_time(span.start_ns),
        "duration_ms": max(0, span.end_ns - span.start_ns) / 1e6,
        "status": span.status,
        "status_message": cut(span.status_message or ""),
        "attributes": _to_object(span.attributes),
        "dropped_attributes": span.dropped_attributes,
        "events": [_to_event(event, span) for event in span.events[:MAX_ITEMS]],
        "links": [
            {
                "trace_id": link.trace_id,
                "span_id": link.span_id,
                "attributes": _to_object(link.attributes),
            }
            for link in span.links[:MAX_ITEMS]
        ],
        "resource": _to_object(span.resource),
    }


def _to_event(event: SpanEvent, span: SpanRecord) -> dict[str, Any]:
    return {
        "name": cut(event.name),
        "offset_ms": (event.time_ns - span.start_ns) / 1e6,
        "attributes": _to_object(event.attributes),
    }


def _to_time(time_ns: int) -> str | None:
    try:
        time = datetime.fromtimestamp(time_ns // 1000 / 1e6, tz=timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_object(values: Mapping[str, Any]) -> dict[str, Any]:
    shown = {str(key): to_json(values[key]) for key in list(values)[:MAX_ITEMS]}
    if len(values) > MAX_ITEMS:
        shown["…"] = f"{len(values) - MAX_ITEMS} more"
    return shown


def to_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """*value* as what JSON can represent, with long texts cut and deep parts named."""
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, _TEXTS):
        return _to_json_container(value, depth)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (bytes, bytearray)):
        return cut(b64encode(value[:MAX_TEXT]).decode())
    return cut(str(value))


def _to_json_container(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> Any:
    if depth <= 0:
        return "… (nested deeper)"
    if isinstance(value, Mapping):
        return {str(key): to_json(item, depth - 1) for key, item in value.items()}
    return [to_json(item, depth - 1) for item in value]


_TEXTS = (str, bytes, bytearray)


def cut(text: str) -> str:
    """*text*, or its first `MAX_TEXT` characters and how many there are."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}… ({MAX_TEXT:,} of {len(text):,} characters)"
